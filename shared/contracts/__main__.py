"""`python -m shared.contracts` writes the schemas of new contracts."""

from shared.contracts.register import write_schemas

write_schemas()

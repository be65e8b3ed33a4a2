"""`python -m services.audit`."""

from services.audit.main import create_app
from shared.plumbing.command_line import new_command_line

new_command_line("audit", create_app)()

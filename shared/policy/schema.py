"""JSON Schema of a document and of a pool's page, for editors that complete and check TOML.

It says less than the compiler: what one value allows, not what two clauses may say together.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from shared.policy.document import Document, PoolSheet
from shared.policy.shapes import Strict
from shared.policy.speech import words

Form = Literal["document", "pool"]
FORMS: dict[Form, type[Strict]] = {"document": Document, "pool": PoolSheet}


class _OfToml(GenerateJsonSchema):
    """TOML knows no null: what may be absent is left out."""

    def nullable_schema(self, schema: Any) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: Any) -> JsonSchemaValue:
        said = super().default_schema(schema)
        if said.get("default", "") is None:
            del said["default"]
        return said

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def schema_text(form: Form) -> str:
    """The schema as the file that is committed; cells and keys carry their Chinese words."""
    model = FORMS[form]
    said = model.model_json_schema(schema_generator=_OfToml)
    _name_cells(said)
    return json.dumps(said, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _name_cells(schema: dict[str, Any]) -> None:
    cells = schema.get("$defs", {}).get("Sets", {}).get("properties", {})
    for name, of_cell in cells.items():
        # Beside a reference, so that the words of the cell and of its form are both shown.
        of_cell["title"] = words("zh")["cells"][name]

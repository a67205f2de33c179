"""The published JSON Schema of records: ``python -m sphinx_ptyreg.schema`` prints it."""

from __future__ import annotations

import inspect
import sys
from typing import Any

import msgspec

from .record import SCHEMA, RunRecord

__all__ = ["json_schema", "text"]


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a record, derived from the class that reads and writes it."""
    schema = msgspec.json.schema(RunRecord)
    schema["$defs"]["RunRecord"]["properties"]["schema"] = {"const": SCHEMA}
    for definition in schema["$defs"].values():
        if "description" in definition:  # a docstring, indented before Python 3.13
            definition["description"] = inspect.cleandoc(definition["description"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"sphinx-ptyreg record, schema {SCHEMA}",
        **schema,
    }


def text() -> str:
    """Return the schema as the file ``docs/record.schema.json`` holds it."""
    plain = msgspec.json.encode(json_schema(), order="sorted")
    # A schema's patterns are ECMAScript's, which has no \A and \Z.
    plain = plain.replace(rb'"\\A', b'"^').replace(rb'\\Z"', b'$"')
    return msgspec.json.format(plain, indent=2).decode() + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())

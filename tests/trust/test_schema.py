"""The published schema is that of the code, and records of older schemas stay readable."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sphinx_ptyreg import entries as entries_module, record as record_module, schema
from sphinx_ptyreg.errors import RecordError
from sphinx_ptyreg.record import decode, encode

PUBLISHED = Path(__file__).parents[2] / "docs" / "record.schema.json"


def test_the_published_schema_is_that_of_the_code():
    remedy = "python -m sphinx_ptyreg.schema > docs/record.schema.json"
    assert PUBLISHED.read_text(encoding="utf-8") == schema.text(), remedy


def test_a_real_record_has_every_property_of_the_schema_and_no_other(small):
    small.ptyreg("run")
    table = json.loads(small.entries()[0].path.read_text(encoding="utf-8"))
    definition = schema.json_schema()["$defs"]["RunRecord"]
    assert table.keys() | {"citation"} == definition["properties"].keys()  # of an import alone
    assert set(definition["required"]) <= table.keys()
    assert definition["additionalProperties"] is False


@pytest.fixture
def next_schema(monkeypatch):
    """Make this version one that writes schema 2, where ``reason`` was once ``why``."""

    def rename(table):
        why = table.pop("why")
        return table | {"reason": why}

    monkeypatch.setattr(record_module, "SCHEMA", 2)
    monkeypatch.setattr(entries_module, "SCHEMA", 2)
    monkeypatch.setitem(record_module.MIGRATIONS, 1, rename)


def test_a_record_of_an_older_schema_is_read_by_its_migration(small, next_schema):
    small.ptyreg("run")  # a process of its own: it writes schema 1
    [entry] = small.entries()
    table = json.loads(entry.path.read_text(encoding="utf-8"))
    table["why"] = table.pop("reason") or "because"
    table["inputs"]["existence"]["then.txt"] = True  # schema 1 had another idea of inputs
    record = decode(json.dumps(table).encode(), where="old")
    assert record.schema == 2
    assert record.reason == "because"
    assert decode(encode(record), where="new") == record


def test_the_store_reads_an_old_record_by_the_name_it_was_given(small, next_schema, monkeypatch):
    small.ptyreg("run")
    monkeypatch.setitem(record_module.MIGRATIONS, 1, lambda t: t | {"output": "migrated"})
    [entry] = small.entries()
    assert entry.read().output == "migrated"


def test_a_schema_without_a_way_here_is_told(small, monkeypatch):
    small.ptyreg("run")
    data = small.entries()[0].path.read_bytes()
    monkeypatch.setattr(record_module, "SCHEMA", 3)
    with pytest.raises(RecordError, match="Expected schema 3, but got 1"):
        decode(data, where="old")

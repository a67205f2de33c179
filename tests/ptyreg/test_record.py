"""The record: canonical, versioned, and read back only when it is whole."""

from __future__ import annotations

import json
import math
import string
from datetime import UTC, timedelta

import msgspec
import pytest
from hypothesis import given, strategies as st

from sphinx_ptyreg.errors import RecordError
from sphinx_ptyreg.record import (
    NAME,
    SCHEMA,
    Artifact,
    Metric,
    Outcome,
    RunRecord,
    Stage,
    TestResult,
    canonical,
    decode,
    digest_of,
    encode,
    timestamp,
)

names = st.from_regex(NAME, fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
floats = st.floats(allow_nan=False, allow_infinity=False)
plain = st.one_of(texts, st.integers(-(2**63), 2**63 - 1), floats, st.booleans())
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63), floats, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)
changes = st.fixed_dictionaries(
    {},
    optional={
        "outcome": st.sampled_from(Outcome),
        "reason": texts,
        "output": texts,
        "exit_code": st.none() | st.integers(-64, 255),
        "warmup": st.booleans(),
        "stages": st.lists(st.builds(Stage, name=names, seconds=floats), max_size=4),
        "metrics": st.dictionaries(
            names,
            st.builds(Metric, value=floats, unit=st.sampled_from(["s", "dB", "1"])),
            max_size=4,
        ),
        "environment": st.dictionaries(names, plain, max_size=4),
        "tests": st.lists(
            st.builds(
                TestResult,
                nodeid=texts,
                outcome=st.sampled_from(Outcome),
                seconds=floats,
                properties=st.dictionaries(texts, plain | st.none(), max_size=3),
            ),
            max_size=3,
        ),
    },
)


@given(changes=changes)
def test_a_record_read_back_is_the_record(a_record, changes):
    record = a_record(**changes)
    again = decode(encode(record), where="x")
    assert again == record
    assert encode(again) == encode(record)


@given(value=json_values)
def test_canonical_json_is_json_and_parses_back(value):
    assert json.loads(canonical(value)) == value


@given(pairs=st.dictionaries(texts, st.integers(0, 9), min_size=2, max_size=8))
def test_the_order_of_keys_never_tells(pairs):
    backwards = dict(reversed(pairs.items()))
    assert canonical(pairs) == canonical(backwards)
    assert digest_of(pairs) == digest_of(backwards)


def test_every_table_of_an_encoded_record_has_its_keys_in_order(a_record):
    def check(value):
        if isinstance(value, dict):
            assert list(value) == sorted(value)
            for part in value.values():
                check(part)
        elif isinstance(value, list):
            for part in value:
                check(part)

    check(json.loads(encode(a_record())))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("shape", [lambda v: v, lambda v: {"a": [1, {"b": v}]}])
def test_what_is_not_a_finite_number_is_refused(value, shape):
    with pytest.raises(ValueError, match="finite"):
        canonical(shape(value))


def test_a_record_with_nan_is_refused_and_not_written_as_null(a_record):
    with pytest.raises(ValueError, match="finite"):
        encode(a_record(metrics={"m": Metric(value=math.nan)}))


@pytest.mark.parametrize("word", ["x" * 5000, "\x1b[31m", "two\nlines"])
def test_what_a_record_has_wrong_is_quoted_in_one_short_line(a_record, word):
    table = json.loads(encode(a_record())) | {"outcome": word}
    with pytest.raises(RecordError) as caught:
        decode(json.dumps(table).encode(), where="f.json")
    told = str(caught.value)
    assert told.isprintable()
    assert len(told) < 400


@pytest.mark.parametrize("schema", [0, 2, 99])
def test_another_schema_is_refused_by_its_number(a_record, schema):
    data = encode(msgspec.structs.replace(a_record(), schema=schema))
    with pytest.raises(RecordError, match=rf"f\.json: Expected schema {SCHEMA}, but got {schema}"):
        decode(data, where="f.json")


def test_a_newer_schema_with_new_fields_is_told_by_its_number_and_not_by_its_fields(a_record):
    table = json.loads(encode(a_record())) | {"schema": 2, "signature": "abc"}
    with pytest.raises(RecordError, match="Expected schema 1, but got 2"):
        decode(json.dumps(table).encode(), where="f.json")


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000,
        b'{"schema": 1}', b'{"schema": "1"}',
    ],
    ids=["empty", "cut", "null", "list", "no field", "no text", "deep", "one field", "wrong type"],
)  # fmt: skip
def test_what_is_no_record_is_refused_with_the_file_named(data):
    with pytest.raises(RecordError, match=r"^f\.json: Expected "):
        decode(data, where="f.json")


def test_an_unknown_field_is_refused(a_record):
    table = json.loads(encode(a_record())) | {"hostname": "secret"}
    with pytest.raises(RecordError, match="hostname"):
        decode(json.dumps(table).encode(), where="f")


@given(cut=st.floats(0, 1, exclude_max=True))
def test_no_truncated_record_is_read(a_record, cut):
    data = encode(a_record()).rstrip()
    with pytest.raises(RecordError):
        decode(data[: int(len(data) * cut)], where="f")


@pytest.mark.parametrize(
    "artifact",
    [
        {"sha256": "../../../../etc/passwd", "suffix": ".png"},
        {"sha256": "a" * 64, "suffix": "/../../x.png"},
        {"sha256": "a" * 64, "suffix": ".svg"},
        {"sha256": "A" * 64, "suffix": ".png"},
        {"sha256": "", "suffix": ""},
    ],
)
def test_a_record_cannot_name_a_file_outside_its_store(a_record, artifact):
    record = a_record(artifacts={"x": Artifact(size=1, **artifact)})
    with pytest.raises(RecordError, match="Expected"):
        decode(encode(record), where="f")


def test_only_a_passed_run_is_a_measurement(a_record):
    measured = {o for o in Outcome if a_record(outcome=o).measured}
    assert measured == {Outcome.PASSED}
    assert not a_record(warmup=True).measured


def test_outcomes_read_as_words():
    assert Outcome.NOT_COLLECTED.words == "not collected"
    assert all(set(o.words) <= set(string.ascii_lowercase + " ") for o in Outcome)


def test_equal_records_have_one_id_and_different_ones_two(a_record):
    assert a_record().id == a_record().id
    assert a_record().id != a_record(output="other").id


def test_a_record_cannot_be_changed(a_record):
    with pytest.raises(AttributeError):
        a_record().outcome = Outcome.FAILED


def test_every_field_is_told_and_none_has_a_machine_in_its_name():
    assert not {"hostname", "host", "user", "cwd", "path"} & set(RunRecord.__struct_fields__)


@given(moment=st.datetimes(timezones=st.just(UTC)).filter(lambda m: 1970 < m.year < 3000))
def test_timestamps_sort_as_moments_do(moment):
    assert timestamp(moment) < timestamp(moment + timedelta(microseconds=1))

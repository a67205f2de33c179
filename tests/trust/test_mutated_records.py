"""Records that anything may have happened to: named and set aside, never fatal, never deleted."""

from __future__ import annotations

import copy
import hashlib
import json
import random
import re
from itertools import product

import pytest
from msgspec.structs import replace

from sphinx_ptyreg.citable import values_of
from sphinx_ptyreg.config import load
from sphinx_ptyreg.errors import RecordError
from sphinx_ptyreg.evidence import Evidence

FILES = 10_000
#: A build reads the newest 200 records of a selector.
BATCH = 199
WORDS = [
    None, True, 0, -1, 1e308, -1e308, 2**63, 2**200, "", "x" * 5000, "\x00", "\ud7ff", "🫠", [], {},
    [[[[[]]]]], {"a": {"b": {}}}, "../../etc/passwd", "<script>", "]]>", "%\\input", "\u202e",
    "2026-99-99T99:99:99.000000Z", "passed", "failed", 1.5, [None], {"": ""},
]  # fmt: skip

PLACES = ["files", "existence", "listings", "links", "sections", "search", "rivals"]
ODD = ["\x00", "../\x00/**", "x" * 300, "**/\x00/*"]


def bytes_of(source: random.Random, data: bytes) -> bytes:
    """Damage the bytes: flip, cut, repeat, insert, or nest without end."""
    at = source.randrange(len(data))
    end = min(len(data), at + source.randrange(1, 400))
    return source.choice([
        lambda: data[:at] + bytes([data[at] ^ (1 << source.randrange(8))]) + data[at + 1 :],
        lambda: data[:at],
        lambda: data[:at] + data[end:],
        lambda: data[:end] + data[at:],
        lambda: data[:at] + source.randbytes(source.randrange(1, 50)) + data[at:],
        lambda: b"[" * source.randrange(1, 100_000),
        lambda: b"",
        lambda: b"\xef\xbb\xbf" + data,
    ])()  # fmt: skip


def values_in(source: random.Random, data: bytes) -> bytes:
    """Replace, remove or add a value anywhere in the table."""
    table = json.loads(data)
    for _ in range(source.choice([1, 1, 1, 2, 5])):
        places = [
            (parent, key) for parent in walk(table)
            for key in (parent if isinstance(parent, dict) else range(len(parent)))
        ]  # fmt: skip
        parent, key = source.choice(places)
        kind = source.randrange(4)
        if kind == 0 and isinstance(parent, dict):
            del parent[key]
        elif kind == 1 and isinstance(parent, dict):
            parent[source.choice(["new", "schema", "__class__", ""])] = copy.deepcopy(
                source.choice(WORDS)
            )
        elif isinstance(parent[key], float) and kind == 2:
            parent[key] = source.choice([-1.0, 0.0, 1e308, 5e-324])
        else:
            parent[key] = copy.deepcopy(source.choice(WORDS))
    return json.dumps(table).encode("utf-8", "replace")


def walk(value):
    if isinstance(value, (dict, list)):
        if value:
            yield value
        for part in value.values() if isinstance(value, dict) else value:
            yield from walk(part)


def read_all(small):
    """Return the names of unreadable records, each told in words, and the records."""
    bad, records = set(), []
    for entry in small.entries():
        try:
            records.append(entry.read())
        except RecordError as error:
            bad.add(entry.path.name)
            named = str(error).startswith(entry.path.name)
            if not named or len(str(error)) > 2000:
                pytest.fail(f"{entry.path.name}: {str(error)[:300]}")
    return bad, records


def test_a_record_may_name_what_no_system_can(small):
    assert small.ptyreg("run").returncode == 0
    record = small.record()
    wanted = {}
    for number, (field, odd) in enumerate(product(PLACES, ODD)):
        found, value = getattr(record.inputs, field), True if field == "existence" else "0" * 64
        more = [*found, odd] if isinstance(found, list) else {**found, odd: value}
        inputs = replace(record.inputs, **{field: more})
        started = f"2026-12-01T00:00:{number:02d}.000000Z"
        small.store.local.add(replace(record, inputs=inputs, started=started))
        # What is not there is nothing new.
        wanted[started] = "fresh" if field in {"search", "rivals"} else "stale"
    own = Evidence(load(small.root), small.store).selector("quick")
    judged = {record.started: own.judge(record).state for record in own.attempts}
    assert {started: judged[started] for started in wanted} == wanted


@pytest.mark.slow
def test_ten_thousand_mutated_records_break_nothing_and_each_is_named(small, capsys):
    small.write("docs/conf.py", 'extensions = ["sphinx_ptyreg"]\n')
    small.write(
        "docs/index.rst",
        "Page\n====\n\n:ptyreg:value:`quick.outcome`\n\n.. ptyreg:runtime:: quick\n",
    )
    small.write(
        "test_quick.py",
        """
        def test_quick(ptyreg):
            with ptyreg.stage("train"):
                ptyreg.metric("answer", 42.0, unit="dB")
            ptyreg.environment({"blas": "openblas"})
        """,
    )
    assert small.ptyreg("run").returncode == 0
    [good] = small.entries()
    data = good.path.read_bytes()
    source = random.Random(20260314)  # noqa: S311 - a seed, not a secret
    kept: dict = {}
    number = 0
    while len(kept) < FILES:
        number += 1
        mutated = (bytes_of if number % 2 else values_in)(source, data)
        digest = hashlib.sha256(mutated).hexdigest()[:16]
        # A name that fits the content, so that the content itself is looked at; some do not.
        name = re.sub(r"[0-9a-f]{16}\.json", f"{digest}.json", good.path.name)
        if number % 10 == 0:
            name = good.path.name.replace("_", f"{number % 7}_", 1)
        file = good.path.with_name(name)
        if file != good.path:
            kept[file] = mutated
    project = load(small.root)
    unreadable, readable, files = set(), 0, list(kept)
    for start in range(0, FILES, BATCH):
        batch = files[start : start + BATCH]
        for file in batch:
            file.write_bytes(kept[file])
        bad, good_ones = read_all(small)
        evidence = Evidence(project, small.store)
        told = [n.text.partition(": ")[0] for n in evidence.notices() if n.subtype == "record"]
        strangers = sum(record.selector != "quick" for record in good_ones)
        assert bad <= set(told)
        assert len(told) == len(bad) + strangers
        assert evidence.selector("quick").measured is not None
        for record in good_ones:
            list(values_of(project.selectors["quick"], record, [record]))
        unreadable, readable = unreadable | bad, readable + len(good_ones) - 1
        for file in batch:
            assert file.read_bytes() == kept[file]
            file.unlink()
    for file, mutated in kept.items():
        file.write_bytes(mutated)
    build = small.run("-m", "sphinx", "docs", "out", env={"PTYREG_MODE": "replay"})
    assert build.returncode == 0, build.stdout[-2000:]
    assert b"Traceback" not in build.stdout
    told = set(re.findall(r"[^\s:]+\.json(?=: )", build.stdout.decode(errors="replace")))
    assert unreadable <= told
    assert all(file.read_bytes() == mutated for file, mutated in kept.items())
    with capsys.disabled():
        print(f"\n{len(kept)} mutated records: {len(unreadable)} unreadable, each named by one "
              f"build; {readable} still records; 0 tracebacks, 0 builds broken")  # fmt: skip

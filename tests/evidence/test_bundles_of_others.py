"""Bundles that somebody forged, wrapped, or made too large: refused by name, or taken as meant."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sphinx_ptyreg.bundles.form import MANIFEST, compact
from sphinx_ptyreg.bundles.merging import merge
from sphinx_ptyreg.bundles.writing import selectors_of, write_bundle
from sphinx_ptyreg.entries import file_name
from sphinx_ptyreg.errors import RecordError, VerdictError
from sphinx_ptyreg.packs import unpacked
from sphinx_ptyreg.record import Artifact, TestResult, encode
from sphinx_ptyreg.store import Store

pytestmark = pytest.mark.usefixtures("in_process")


def store_at(folder: Path) -> Store:
    return Store(folder / ".ptyreg", folder / "evidence")


def forged(file: Path, records, *, twice: bool = False) -> Path:
    """Write a bundle of records as they are, each under the name that its content gives it."""
    data = {file_name(record, encode(record)): encode(record) for record in records}
    named = sorted(data.items())
    named = named * (1 + twice)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        lines = b"".join(compact(record) + b"\n" for _, record in named)
        archive.writestr("records/quick.jsonl", lines)
        names = [name for name, _ in named]
        archive.writestr(MANIFEST, json.dumps(
            {"bundle": 1, "records": {"quick": names}, "artifacts": {}}))  # fmt: skip
    return file


@pytest.mark.parametrize(
    "started",
    ["2026-11-24", "../../", "2026-99-99T99:99:99.000000Z", "0000-01-01T00:00:00.000000Z",
     "2026-02-30T00:00:00.000000Z", "2026-11-24T00:00:00.000000+00:00", "", "x\ny",
     "2026-11-24T00:00:00.000000Z\n", "２026-11-24T00:00:00.000000Z"],
)  # fmt: skip
def test_a_start_that_is_no_time_is_refused_and_its_neighbours_stay(tmp_path, a_record, started):
    target = store_at(tmp_path / "target")
    merge(target, [forged(tmp_path / "good.zip", [a_record(), a_record(attempt=2)])])
    bad = forged(tmp_path / "bad.zip", [a_record(started=started), a_record(attempt=3)])
    with pytest.raises(RecordError) as caught:
        merge(target, [bad])
    assert str(caught.value).startswith("bad.zip: ")
    assert str(caught.value).endswith("Nothing of it was kept.")
    [pack] = target.received.folder.rglob("*.pack")
    assert sorted(entry.read().attempt for entry in unpacked(pack)) == [1, 2]


@pytest.mark.parametrize("machine_class", ["", "a b", "a\nrecord: forged", "x" * 400, "../x", "é"])
def test_a_machine_class_that_is_no_name_is_refused(tmp_path, a_record, machine_class):
    bad = forged(tmp_path / "bad.zip", [a_record(machine_class=machine_class)])
    with pytest.raises(RecordError, match=r"bad\.zip: .*Expected a record"):
        merge(store_at(tmp_path / "target"), [bad])


def test_such_a_record_in_the_store_is_set_aside_by_name(project):
    data = encode(project.record(started="2026-99-99T99:99:99.000000Z"))
    name = file_name(project.record(started="2026-99-99T99:99:99.000000Z"), data)
    project.write(f".ptyreg/records/quick/{name}", data)
    project.seed()
    for command in ("status", "show quick", "list", "check"):
        done = project.cli(*command.split())
        assert "Traceback" not in done.stderr
        assert done.returncode in {0, 1, 3}
    assert name in project.cli("status").stdout


def test_a_record_that_is_named_twice_is_refused(tmp_path, a_record):
    bad = forged(tmp_path / "bad.zip", [a_record()], twice=True)
    with pytest.raises(RecordError, match="Expected each record of quick once"):
        merge(store_at(tmp_path / "target"), [bad])


@pytest.fixture
def bundle(tmp_path, a_record):
    source = store_at(tmp_path / "source")
    source.local.add(a_record())
    write_bundle(source, selectors_of(source), tmp_path / "records.ptyreg")
    return tmp_path / "records.ptyreg"


def wrapped(file: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file


def test_the_zip_that_a_ci_service_hands_out_is_merged(project, bundle, tmp_path):
    data = bundle.read_bytes()
    wrapped(tmp_path / "records.zip", **{"records.ptyreg": data, "out/gpu.zip": data})
    done = project.cli("merge", str(tmp_path / "records.zip"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "records.zip/records.ptyreg: 1 records, 1 new", "records.zip/gpu.zip: 1 records, 0 new",
    ]  # fmt: skip


def test_a_bad_bundle_in_a_zip_is_refused_by_both_names(bundle, tmp_path):
    cut = bundle.read_bytes()[:-30]
    bad = wrapped(tmp_path / "bad.zip", **{"records.ptyreg": cut})
    target = store_at(tmp_path / "target")
    with pytest.raises(RecordError, match=r"bad\.zip/records\.ptyreg: Expected a whole bundle"):
        merge(target, [bad])
    assert not list(target.received.folder.rglob("*.pack"))


@pytest.mark.parametrize(
    "members",
    [{"../r.ptyreg": b"x"}, {"/r.ptyreg": b"x"}, {"r.ptyreg": b"x", "a.txt": b"x"}, {"a/": b""}],
    ids=["up", "root", "other", "folder"],
)  # fmt: skip
def test_a_zip_of_anything_else_is_no_bundle(tmp_path, members):
    bad = wrapped(tmp_path / "bad.zip", **members)
    with pytest.raises(RecordError, match=r"bad\.zip: '.*Expected no such member"):
        merge(store_at(tmp_path / "target"), [bad])
    assert {path.name for path in tmp_path.iterdir()} <= {"bad.zip", "target"}


def test_a_bomb_in_a_zip_is_refused(tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, bytes(64 * 2**20))
    bad = wrapped(tmp_path / "bad.zip", **{"records.ptyreg": inner.getvalue()})
    with pytest.raises(RecordError, match="Expected to unpack to at most 250 times"):
        merge(store_at(tmp_path / "target"), [bad])


def test_a_record_that_nobody_could_merge_is_left_out_and_told(project, a_record, tmp_path):
    tests = [TestResult(nodeid=f"{n}{'x' * 1000}", outcome="passed", seconds=0.1)
             for n in range(5000)]  # fmt: skip
    large = project.store.local.add(project.record(tests=tests))
    project.seed(attempt=2)
    done = project.cli("export", "bundle", "x.ptyreg")
    assert done.returncode == 3
    assert f"without {large.name}, a record of more than 4194304 bytes" in done.stderr
    assert "1 records" in done.stdout
    target = store_at(tmp_path / "target")
    [merged] = merge(target, [project.root / "x.ptyreg"])
    assert merged.new == 1


def test_what_would_be_no_bundle_is_not_handed_out(tmp_path, a_record):
    """Text that repeats packs better than any bundle may be."""
    store = store_at(tmp_path / "store")
    text = b"0" * (8 * 2**20)
    artifact = Artifact(sha256=hashlib.sha256(text).hexdigest(), size=len(text), suffix=".txt")
    store.local.add(a_record(artifacts={"log": artifact}))
    file = store.local.folder / "artifacts" / artifact.file_name
    file.parent.mkdir(parents=True)
    file.write_bytes(text)
    with pytest.raises(VerdictError, match=r"at most 250 times its size\. Bundle fewer selectors"):
        write_bundle(store, ["quick"], tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()


def test_a_bundle_can_be_printed(project, tmp_path):
    project.seed()
    assert project.cli("export", "bundle", "x.zip").returncode == 0
    with (tmp_path / "printed.zip").open("wb") as file:
        subprocess.run(
            [sys.executable, "-m", "sphinx_ptyreg", "export", "bundle", "-"],
            cwd=project.root, env=project.environ(), stdout=file, timeout=60, check=True,
        )  # fmt: skip
    assert (tmp_path / "printed.zip").read_bytes() == (project.root / "x.zip").read_bytes()
    assert not (project.root / "-").exists()

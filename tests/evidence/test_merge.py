"""Bundles: their laws, and what is refused by name."""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from sphinx_ptyreg.bundles.form import MANIFEST, Limits
from sphinx_ptyreg.bundles.merging import merge
from sphinx_ptyreg.bundles.writing import selectors_of, write_bundle
from sphinx_ptyreg.errors import RecordError
from sphinx_ptyreg.record import Artifact, Outcome, RunRecord
from sphinx_ptyreg.store import Store

pytestmark = pytest.mark.usefixtures("in_process")

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
TEXT = b"a log\n"


def store_at(folder: Path) -> Store:
    return Store(folder / ".ptyreg", folder / "evidence")


def bundled(store: Store, file: Path) -> Path:
    write_bundle(store, selectors_of(store), file)
    return file


def keep(store: Store, record: RunRecord, **artifacts: bytes) -> RunRecord:
    """Add a record with artifacts to a store."""
    described = {}
    for name, data in artifacts.items():
        suffix = ".png" if data == PNG else ".txt"
        artifact = Artifact(
            sha256=hashlib.sha256(data).hexdigest(), size=len(data), suffix=suffix, title=name
        )
        path = store.local.folder / "artifacts" / artifact.file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        described[name] = artifact
    record = msgspec.structs.replace(record, artifacts=described)
    store.local.add(record)
    return record


@st.composite
def records(draw, make):
    """Draw what a store holds: a few records of two selectors, on three machines."""
    drawn = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["quick", "slow"]), st.sampled_from(["laptop", "ci", "gpu"]),
                st.integers(0, 5), st.sampled_from([Outcome.PASSED, Outcome.FAILED]),
                st.sampled_from([None, PNG, TEXT]),
            ),
            max_size=4,
        )
    )  # fmt: skip
    return [
        (make(selector=selector, machine_class=machine, outcome=outcome,
              started=f"2026-01-01T00:00:0{second}.000000Z"), data)
        for selector, machine, second, outcome, data in drawn
    ]  # fmt: skip


LAWS = settings(
    max_examples=25, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@pytest.fixture
def world(tmp_path, a_record):
    """Make stores of drawn records and their bundles, and merge bundles into a new store."""

    class World:
        count = 0

        def bundle(self, drawn) -> Path:
            self.count += 1
            store = store_at(tmp_path / f"source-{self.count}")
            for record, data in drawn:
                keep(store, record, **({"file": data} if data else {}))
            return bundled(store, tmp_path / f"{self.count}.zip")

        def merged(self, *bundles: Path) -> Path:
            self.count += 1
            store = store_at(tmp_path / f"target-{self.count}")
            merge(store, bundles)
            return bundled(store, tmp_path / f"merged-{self.count}.zip")

        def draw(self, data):
            return self.bundle(data.draw(records(a_record)))

    return World()


@LAWS
@given(data=st.data())
def test_merging_is_commutative(world, data):
    a, b = world.draw(data), world.draw(data)
    assert world.merged(a, b).read_bytes() == world.merged(b, a).read_bytes()


@LAWS
@given(data=st.data())
def test_merging_is_idempotent(world, data):
    a, b = world.draw(data), world.draw(data)
    once = world.merged(a, b)
    assert world.merged(a, b, a, b, b).read_bytes() == once.read_bytes()
    assert world.merged(once).read_bytes() == once.read_bytes()


@LAWS
@given(data=st.data())
def test_merging_is_associative(world, data):
    a, b, c = world.draw(data), world.draw(data), world.draw(data)
    left = world.merged(world.merged(a, b), c)
    assert left.read_bytes() == world.merged(a, world.merged(b, c)).read_bytes()
    assert left.read_bytes() == world.merged(a, b, c).read_bytes()


@LAWS
@given(data=st.data())
def test_nothing_is_the_neutral_element(world, data):
    a = world.draw(data)
    assert world.merged(a).read_bytes() == a.read_bytes()
    assert world.merged(a, world.bundle([])).read_bytes() == a.read_bytes()


def test_a_bundle_travels_from_one_checkout_to_another(project, another, page):
    there = another("gpu-box")
    keep(there.store, there.record(machine_class="gpu-node"), log=TEXT, phase=PNG)
    done = there.cli("export", "bundle", "../evidence.zip")
    assert done.returncode == 0, done.stderr
    assert "1 records, 2 artifacts" in done.stdout
    done = project.cli("merge", "../evidence.zip", "../evidence.zip")
    assert done.returncode == 0, done.stderr
    assert "evidence.zip: 1 records, 1 new" in done.stdout
    assert "evidence.zip: 1 records, 0 new" in done.stdout
    built = page("""
        {ptyreg:value}`quick.duration` {ptyreg:value}`quick.machine_class`

        ```{ptyreg:artifact-figure} quick.phase
        :alt: The phase
        ```
        """)
    assert built.spans("ptyreg-value") == ["1.25 s", "gpu-node"]
    assert built.warnings == ""


def test_a_merged_record_does_not_excuse_a_run_here(project, another):
    there = another("twin")
    keep(there.store, there.record(machine_class="twins"))
    there.cli("export", "bundle", "../twin.zip")
    project.cli("merge", "../twin.zip")
    assert project.cli("status").returncode == 0  # fresh: its inputs are those of this project
    project.sphinx("-q", env={"PTYREG_CLASS": "twins", "PTYREG_MODE": "auto"})
    assert project.runs == 1


@pytest.fixture
def good(tmp_path, a_record):
    """A bundle of two records and two artifacts."""
    store = store_at(tmp_path / "good")
    keep(store, a_record(), log=TEXT)
    keep(store, a_record(machine_class="other"), phase=PNG)
    return bundled(store, tmp_path / "good.zip")


def rewritten(bundle: Path, change) -> Path:
    """Write the members again as `change` returns them: name → bytes, or (ZipInfo, bytes)."""
    with zipfile.ZipFile(bundle) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    bad = bundle.with_name("bad.zip")
    with zipfile.ZipFile(bad, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in change(members):
            archive.writestr(name, data)
    return bad


def refusal(bundle: Path, tmp_path: Path, limits: Limits | None = None) -> str:
    """Merge a bad bundle; return why it is refused, having found nothing of it kept."""
    store = store_at(tmp_path / "target")
    with pytest.raises(RecordError) as caught:
        merge(store, [bundle], *([limits] if limits else []))
    kept = [path.name for path in store.received.folder.rglob("*") if path.is_file()]
    assert kept == []
    outside = {path.name for path in tmp_path.iterdir()}
    assert outside <= {"good", "good.zip", "bad.zip", "target"}
    assert str(caught.value).startswith(f"{bundle.name}: ")
    assert str(caught.value).endswith("Nothing of it was kept.")
    return str(caught.value)


def changing(name_part: str, change):
    def changed(members):
        for name, data in members.items():
            yield name, change(data) if name_part in name else data

    return changed


def adding(*members):
    def added(found):
        yield from found.items()
        yield from members

    return added


def info(name: str, mode: int = 0o100644) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.external_attr = mode << 16
    made.create_system = 3
    return made


def test_a_tampered_record_is_refused(good, tmp_path):
    bad = rewritten(good, changing(".jsonl", lambda data: data.replace(b"1.25", b"0.25", 1)))
    told = refusal(bad, tmp_path)
    assert "Expected the record of this name" in told
    assert "20260304T050607" in told


def test_a_tampered_record_with_its_new_name_is_refused(good, tmp_path):
    """The manifest is no secret: who changes both makes another record, and must say so."""

    def change(members):
        lines = members["records/quick.jsonl"].splitlines()
        members["records/quick.jsonl"] = lines[0] + b"\n"
        yield from members.items()

    assert "Expected the record, but it is missing" in refusal(rewritten(good, change), tmp_path)


@pytest.mark.parametrize("part", [".png", ".txt"])
def test_a_swapped_artifact_is_refused(good, tmp_path, part):
    told = refusal(rewritten(good, changing(part, lambda data: data[:-1] + b"?")), tmp_path)
    assert "Expected the content of this digest" in told


def test_a_page_in_the_place_of_an_image_is_refused(tmp_path, a_record):
    for suffix, data in ((".png", b"<svg onload='x()'/>"), (".bin", b"<html><script>"),
                         (".jpg", PNG), (".npz", TEXT)):  # fmt: skip
        store = store_at(tmp_path / f"good{suffix}")
        digest = hashlib.sha256(data).hexdigest()
        artifact = Artifact(sha256=digest, size=len(data), suffix=suffix)
        (store.local.folder / "artifacts").mkdir(parents=True)
        (store.local.folder / "artifacts" / artifact.file_name).write_bytes(data)
        store.local.add(a_record(artifacts={"x": artifact}))
        bundle = bundled(store, tmp_path / "in.zip")
        with pytest.raises(RecordError, match="Expected the suffix of its content"):
            merge(store_at(tmp_path / "target"), [bundle])


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_bundle_is_refused(good, tmp_path, cut):
    data = good.read_bytes()
    bad = tmp_path / "bad.zip"
    bad.write_bytes(data[: int(len(data) * cut)])
    assert "Expected a whole bundle" in refusal(bad, tmp_path)


@pytest.mark.parametrize(
    "member",
    ["../../evil.txt", "/etc/evil", "C:\\evil", "records/../../evil.jsonl", "records\\quick.jsonl",
     "records/quick/x.json", "artifacts/evil.svg", f"artifacts/{'a' * 64}.svg",
     f"artifacts/{'a' * 64}.html", f"artifacts/{'A' * 64}.txt", "records/", "bundle.json/x",
     "records/a.b.jsonl", "./bundle.json", "bundle.json\n", "artifacts/\u202egnp.exe"],
)  # fmt: skip
def test_no_other_member_is_taken(good, tmp_path, member):
    told = refusal(rewritten(good, adding((member, b"x"))), tmp_path)
    assert "Expected no such member in a bundle" in told


@pytest.mark.parametrize(
    ("mode", "kind"), [(0o120777, "link"), (0o020666, "device"), (0o010644, "fifo"),
                       (0o040755, "folder")],
)  # fmt: skip
def test_no_link_or_device_is_taken(good, tmp_path, mode, kind):
    member = info(f"artifacts/{'a' * 64}.txt", mode)
    assert "Expected a plain file" in refusal(rewritten(good, adding((member, b"/x"))), tmp_path)


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_no_member_is_taken_twice(good, tmp_path):
    bad = rewritten(good, adding((MANIFEST, b"{}")))
    assert "Expected each member once" in refusal(bad, tmp_path)


@pytest.mark.parametrize("member", [f"artifacts/{'a' * 64}.txt", "records/other.jsonl"])
def test_what_the_manifest_does_not_name_is_refused(good, tmp_path, member):
    told = refusal(rewritten(good, adding((member, b"x"))), tmp_path)
    assert "is not in both" in told


@pytest.mark.parametrize("manifest", [b"", b"{}", b"[]", b"\xff", b'{"bundle":2}', b"[" * 9999])
def test_a_bad_manifest_is_refused(good, tmp_path, manifest):
    refusal(rewritten(good, changing(MANIFEST, lambda _: manifest)), tmp_path)


def test_a_stowaway_is_refused(good, tmp_path):
    """An artifact that no record names is not kept."""
    digest = hashlib.sha256(b"stowaway").hexdigest()

    def change(members):
        table = json.loads(members[MANIFEST])
        table["artifacts"][f"{digest}.txt"] = 8
        members[MANIFEST] = json.dumps(table).encode()
        yield from members.items()
        yield f"artifacts/{digest}.txt", b"stowaway"

    assert "Expected an artifact of a record" in refusal(rewritten(good, change), tmp_path)


@pytest.mark.parametrize(
    "limits",
    [Limits(file=100), Limits(members=2), Limits(record=100), Limits(records=1),
     Limits(manifest=10), Limits(artifact=10), Limits(total=500)],
)  # fmt: skip
def test_each_limit_holds(good, tmp_path, limits):
    refusal(good, tmp_path, limits)


BOMBS = """
import sys
from pathlib import Path
from sphinx_ptyreg.bundles.merging import merge
from sphinx_ptyreg.errors import RecordError
from sphinx_ptyreg.store import Store
for file in sys.argv[2:]:
    try:
        merge(Store(Path(sys.argv[1]), Path(sys.argv[1]) / "p"), [Path(file)])
    except RecordError as error:
        print("refused", error)
status = Path("/proc/self/status").read_text()
print("peak", status.partition("VmHWM:")[2].split()[0])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory from /proc")
def test_bombs_cost_little_memory(good, tmp_path):
    """Zeros, a manifest of zeros, a lie about sizes, an endless line, too many members."""
    bombs = []

    def bomb(name, change):
        bombs.append(rewritten(good, change).rename(tmp_path / name))

    size = 64 * 2**20
    bomb("artifact.zip", changing(".png", lambda _: bytes(size)))
    bomb("manifest.zip", changing(MANIFEST, lambda _: bytes(size)))
    bomb("records.zip", changing(".jsonl", lambda _: b"[" * size))
    lie = rewritten(good, changing(".png", lambda _: bytes(20 * 2**20)))
    data = lie.read_bytes().replace((20 * 2**20).to_bytes(4, "little"), (264).to_bytes(4, "little"))
    (tmp_path / "lie.zip").write_bytes(data)
    bombs.append(tmp_path / "lie.zip")
    many = tmp_path / "many.zip"
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(20_000):
            archive.writestr(f"artifacts/{number:064x}.txt", b"")
    bombs.append(many)
    done = subprocess.run(
        [sys.executable, "-c", BOMBS, str(tmp_path / "t"), *map(str, bombs)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.count("refused") == len(bombs) == 5, done.stdout
    assert int(done.stdout.split()[-1]) <= 60_000  # KiB: what the modules take, and a little


@settings(max_examples=60, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
def test_any_changed_byte_is_refused_or_changes_nothing(good, tmp_path, place, value):
    data = bytearray(good.read_bytes())
    data[int(place * len(data))] = value
    bad = tmp_path / "bad.zip"
    bad.write_bytes(data)
    target = store_at(tmp_path / f"fuzzed-{place}-{value}")
    with contextlib.suppress(RecordError):
        merge(target, [bad])
        again = bundled(target, tmp_path / "again.zip")
        assert again.read_bytes() == good.read_bytes()
        return
    assert not [path for path in target.received.folder.rglob("*") if path.is_file()]


def test_a_record_that_was_changed_in_the_store_is_told_by_name(project, page):
    project.store.local.add(project.record())
    [entry] = project.store.entries("quick")
    entry.path.write_bytes(entry.path.read_bytes().replace(b"1.25", b"0.25"))
    told = project.cli("export", "bundle", "x.zip")
    assert told.returncode == 3
    assert f"{entry.path.name}: Expected the content that its name gives" in told.stderr
    assert not (project.root / "x.zip").exists()
    built = page("{ptyreg:value}`quick.duration`")
    assert f"{entry.path.name}: Expected the content" in built.warnings


def test_a_merged_record_that_was_changed_is_told_by_name(project, page, tmp_path):
    other = store_at(tmp_path / "other")
    keep(other, project.record(machine_class="a"))
    changed = keep(other, project.record(machine_class="b"))
    [name] = [entry.name for entry in other.entries("quick") if entry.read() == changed]
    merge(project.store, [bundled(other, tmp_path / "in.zip")])
    [pack] = project.store.received.folder.rglob("*.pack")
    data = pack.read_bytes()
    place = data.index(b'"machine_class": "b"')
    pack.write_bytes(data[:place] + data[place:].replace(b'"passed"', b'"failed"', 1))
    built = page("{ptyreg:value}`quick.machine_class`")
    assert built.spans("ptyreg-value") == ["a"]
    assert f"{name}: Expected the content that its name gives" in built.warnings


@pytest.mark.parametrize("cut", [1, 500, 10_000])
def test_a_damaged_pack_is_told_and_set_aside(project, page, tmp_path, cut):
    other = store_at(tmp_path / "other")
    for number in range(5):
        keep(other, project.record(machine_class=f"class-{number}"))
    bundle = bundled(other, tmp_path / "in.zip")
    merge(project.store, [bundle])
    [pack] = project.store.received.folder.rglob("*.pack")
    pack.write_bytes(pack.read_bytes()[:-cut])
    built = page("{ptyreg:value}`quick.machine_class`")
    assert built.spans("ptyreg-value") == ["not measured"]
    assert f"{pack.name}: Expected a pack of records, but it was changed or cut off" in (
        built.warnings
    )
    assert merge(project.store, [bundle])[0].new == 5
    built = page("{ptyreg:value}`quick.duration`")
    assert built.spans("ptyreg-value") == ["1.25 s"]
    assert built.warnings == ""


def test_a_cut_off_copy_is_mended_by_merging_again(tmp_path, good):
    store = store_at(tmp_path / "target")
    merge(store, [good])
    whole = bundled(store, tmp_path / "whole.zip").read_bytes()
    for path in store.received.folder.rglob("*.*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-3])
    merge(store, [good])
    assert bundled(store, tmp_path / "mended.zip").read_bytes() == whole

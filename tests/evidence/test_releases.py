"""What a release keeps: what its manifest names, as it was judged, and who vouches for it."""

from __future__ import annotations

import json
import shutil
import subprocess

import msgspec
import pytest

from sphinx_ptyreg.errors import RecordError, VerdictError
from sphinx_ptyreg.frozen import freeze, kept_layer, release_store, versions
from sphinx_ptyreg.record import Citation, Inputs

WHEN = "2026-01-02T03:04:05.000000Z"


def frozen(folder, version, records, **more):
    return freeze(folder.load(), folder.store, version, {"quick": records}, frozen=WHEN,
                  commit=None, **more)  # fmt: skip


def compare(folder, *options, release=None):
    text = "".join(f"{option}\n" for option in options)
    folder.write("docs/index.md", f"# P\n\n```{{ptyreg:compare}} quick\n{text}```\n")
    overrides = {"ptyreg_release": release} if release else {}
    built = folder.build("dummy", overrides=overrides, freshenv=True)
    assert built.warnings == ""
    return built.text()


def test_release_means_the_newest_before_the_one_that_is_shown(remeasured):
    old, new = remeasured.records()[:3], remeasured.records()[3:]
    frozen(remeasured, "1.0", old)
    frozen(remeasured, "1.1", new)
    assert "1.0, " in compare(remeasured, ":left: release", release="1.1")
    assert "+19.3 dB" in compare(remeasured, ":left: release", release="1.1")
    assert "No earlier release is frozen." in compare(remeasured, ":left: release", release="1.0")
    told = compare(remeasured, ":left: release")  # the checkout is that of 1.1
    assert "1.0, " in told
    assert "1.1, " not in told


def test_release_is_the_newest_when_something_else_was_measured_since(remeasured):
    frozen(remeasured, "1.0", remeasured.records()[:3])
    assert "1.0, " in compare(remeasured, ":left: release")
    assert "1.0, " in compare(remeasured, ":left: latest", ":right: release")


def test_a_release_that_keeps_nothing_of_a_selector_is_passed_over(remeasured):
    frozen(remeasured, "1.0", remeasured.records()[:3])
    freeze(remeasured.load(), remeasured.store, "1.1", {}, frozen=WHEN, commit=None)
    assert "1.0, " in compare(remeasured, ":left: release")


def test_diff_says_that_a_release_keeps_these_very_runs(measured, ptyreg):
    frozen(measured, "1.0", measured.records())
    assert "Release 1.0 keeps these very runs." in ptyreg("diff", "release")[1]
    assert "metrics.answer" in ptyreg("diff", "1.0")[1]  # asked for by its name


def imported(folder, **changes):
    record = folder.records()[0]
    citation = Citation(file="a.log", line=1, excerpt="1 passed", sha256="a" * 64, kind="log")
    return msgspec.structs.replace(
        record, source="import", citation=citation, machine_class="elsewhere", artifacts={},
        inputs=Inputs(declaration="batch", files={}, unseen=["imported"]), **changes,
    )  # fmt: skip


def test_freeze_keeps_what_is_published_of_imports_and_earlier_runs(remeasured, ptyreg):
    remeasured.store.published.add(imported(remeasured))
    remeasured.store.publish(remeasured.records()[1])
    status, out, err = ptyreg("freeze", "1.0")
    assert (status, err) == (0, "")
    assert "quick: 2 records of 1 machine class, 2 published for history" in out
    told = json.loads((remeasured.root / "docs/evidence/releases/1.0/release.json").read_text())
    assert len(told["selectors"]["quick"]) == len(told["history"]["quick"]) == 2
    for folder in ("records", "artifacts"):
        shutil.rmtree(remeasured.root / "docs/evidence" / folder)
    shutil.rmtree(remeasured.root / ".ptyreg")
    remeasured.write("src.py", "ANSWER = 44\n")
    remeasured.write("docs/index.md", """\
        # P

        {ptyreg:value}`quick.duration.n` {ptyreg:value}`quick.metrics.answer`

        ```{ptyreg:machines} quick
        ```
        ```{ptyreg:history} quick.duration
        ```
        ```{ptyreg:compare} quick
        :left: elsewhere
        ```
        ```{ptyreg:ledger} quick
        ```
        """)  # fmt: skip
    built = remeasured.build("html", overrides={"ptyreg_release": "1.0"})
    assert built.warnings == ""
    assert built.spans("ptyreg-value") == ["2", "61.5 dB"]
    assert built.text().count("elsewhere") >= 3


def test_a_release_with_partly_known_inputs_stays_as_it_was_judged(measured):
    """Every file of the project counts for such a run; for the release none does any more."""
    declared = (measured.root / "pyproject.toml").read_text().replace('inputs = ["src.py"]\n', "")
    measured.write("pyproject.toml", declared)
    record = measured.records()[0]
    inputs = msgspec.structs.replace(record.inputs, unseen=["a process that never spoke"])
    record = msgspec.structs.replace(record, inputs=inputs)
    frozen(measured, "1.0", [record])
    measured.write("docs/conf.py", (measured.root / "docs/conf.py").read_text() + "# more\n")
    measured.write("docs/index.md", "# P\n\n{ptyreg:value}`quick.freshness`\n")
    for options in ({}, {"mode": "require"}):
        built = measured.build("dummy", overrides={"ptyreg_release": "1.0"}, **options)
        assert built.spans("ptyreg-value") == ["fresh"]
        assert "stale" not in built.warnings


def test_what_is_put_beside_the_records_of_a_release_is_none_of_them(measured):
    layer = frozen(measured, "1.0", measured.records()[:2])
    more = measured.records()[2]
    measured.store.publish(more, type(measured.store.published)(layer.folder))
    assert len(list(layer.folder.glob("records/quick/*.json"))) == 3
    found = release_store(measured.load(), "1.0").entries("quick")
    assert [entry.id for entry in found] == [record.id for record in measured.records()[:2]]
    built = measured.build("dummy", overrides={"ptyreg_release": "1.0"})
    assert "2" in str(built.app.env.get_domain("ptyreg").evidence.value("quick.duration.n"))


def test_a_record_that_the_manifest_names_and_nobody_has_ends_the_build(measured):
    layer = frozen(measured, "1.0", measured.records())
    next(layer.folder.glob("records/quick/*.json")).unlink()
    built = measured.build("dummy", overrides={"ptyreg_release": "1.0"})
    assert built.status == 2
    assert "1.0: Expected the records that release.json names, but 2026" in built.warnings
    assert "is gone. Restore it from version control." in built.warnings


@pytest.mark.parametrize("text", ["", "{}", "[" * 100_000, '{"schema": 1, "version": "\\u0000"}'])
def test_a_damaged_manifest_is_told(measured, ptyreg, text):
    frozen(measured, "1.0", measured.records())
    (measured.root / "docs/evidence/releases/1.0/release.json").write_text(text)
    with pytest.raises(RecordError, match=r"1\.0/release\.json: Expected a release, but got"):
        versions(measured.load())
    assert ptyreg("diff", "1.0")[0] == 3


def test_a_copied_release_is_no_other_release(measured):
    layer = frozen(measured, "1.0", measured.records())
    shutil.copytree(layer.folder, layer.folder.with_name("1.1"))
    with pytest.raises(RecordError, match=r"Expected release 1\.1, but got '1\.0'"):
        kept_layer(measured.load(), "1.1")


@pytest.mark.parametrize("problem", ["gone", "large"])
def test_freeze_writes_all_or_nothing(measured, problem, monkeypatch):
    records = measured.records()
    last = records[-1].artifacts["notes"]
    if problem == "gone":
        (measured.root / ".ptyreg/artifacts" / last.file_name).unlink()
    else:
        monkeypatch.setattr("sphinx_ptyreg.store.PUBLISH_LIMIT", last.size - 1)
    with pytest.raises((RecordError, VerdictError), match="artifact"):
        frozen(measured, "1.0", records)
    assert not (measured.root / "docs/evidence").exists()


def git(folder, *arguments):
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments],
        cwd=folder.root, check=True, capture_output=True,
    )  # fmt: skip


@pytest.fixture
def committed(measured, ptyreg):
    git(measured, "init", "-q")
    ptyreg("publish")
    ptyreg("freeze", "1.0")
    git(measured, "add", "docs")
    git(measured, "commit", "-qm", "evidence")
    return measured


def test_verify_visits_releases(committed, ptyreg):
    status, out, _ = ptyreg("verify")
    assert status == 0
    assert out.count(": verified: commit ") == 7
    assert out.count("release 1.0: quick: ") == 3
    assert "release 1.0: release.json: verified" in out
    told = json.loads(ptyreg("verify", "--json")[1])["records"]
    assert [(t["release"], t["selector"]) for t in told].count(("1.0", None)) == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda root: next(root.glob("docs/evidence/releases/1.0/records/quick/*")).unlink(),
         "release 1.0: release.json: not verified: 2026"),
        (lambda root: (root / "docs/evidence/releases/1.0/release.json").write_text(
            (root / "docs/evidence/releases/1.0/release.json").read_text() + "\n"),
         "release 1.0: release.json: not verified"),
        (lambda root: next(root.glob("docs/evidence/releases/1.0/artifacts/*")).write_bytes(b"x"),
         "is gone or was changed"),
        (lambda root: next(root.glob("docs/evidence/artifacts/*")).unlink(),
         "not verified: artifact '"),
    ],
    ids=["record", "manifest", "artifact", "published artifact"],
)  # fmt: skip
def test_verify_tells_what_was_changed_or_is_gone(committed, ptyreg, change, told):
    change(committed.root)
    status, out, _ = ptyreg("verify")
    assert status == 1
    assert told in out


def test_a_record_whose_deletion_was_committed_is_not_verified_when_it_comes_back(
    committed, ptyreg
):
    file = next(committed.root.glob("docs/evidence/records/quick/*"))
    data = file.read_bytes()
    git(committed, "rm", "-q", str(file))
    git(committed, "commit", "-qm", "remove it")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    status, out, _ = ptyreg("verify")
    assert status == 1
    line = next(line for line in out.splitlines() if line.startswith(f"quick: {file.name}"))
    assert line.endswith(": not verified")


def test_verify_with_nothing_to_verify_says_so(measured, ptyreg):
    status, out, _ = ptyreg("verify")
    assert status == 1
    assert out == "Nothing is published that somebody could vouch for. Run: ptyreg publish\n"


def test_freeze_without_a_selector_is_refused(project, ptyreg, monkeypatch):
    monkeypatch.chdir(project.root)
    project.write("pyproject.toml", "[tool.ptyreg]\nmode = 'auto'\n")
    status, _, err = ptyreg("freeze", "1.0")
    assert status == 2
    assert "Expected a selector" in err
    assert not (project.root / "docs/evidence").exists()


def test_a_signed_release_is_vouched_for(measured, ptyreg, tmp_path):
    keys = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    key = keys.Ed25519PrivateKey.generate()
    file = tmp_path / "key"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    declared = (measured.root / "pyproject.toml").read_text()
    measured.write("pyproject.toml", f'[tool.ptyreg.signers]\nada = "{public}"\n{declared}')
    assert ptyreg("freeze", "1.0", "--sign", str(file))[0] == 0
    status, out, _ = ptyreg("verify")
    assert status == 0
    assert out.count("verified: signed by ada") == 4
    manifest = measured.root / "docs/evidence/releases/1.0/release.json"
    manifest.write_text(manifest.read_text().replace('"1.0"', '"1.0" '))
    assert (
        "release.json: not verified: its signature is of no declared signer"
        in (ptyreg("verify")[1])
    )


def test_the_signature_of_a_published_record_counts_in_a_release_too(measured, ptyreg, tmp_path):
    keys = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
    from cryptography.hazmat.primitives import serialization as form

    key = keys.Ed25519PrivateKey.generate()
    file = tmp_path / "key"
    file.write_bytes(key.private_bytes(
        form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption()))  # fmt: skip
    public = key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH)
    declared = (measured.root / "pyproject.toml").read_text()
    measured.write(
        "pyproject.toml", f'[tool.ptyreg.signers]\nada = "{public.decode()}"\n{declared}'
    )
    ptyreg("publish", "--sign", str(file))
    ptyreg("freeze", "1.0")
    told = json.loads(ptyreg("verify", "--json")[1])["records"]
    assert [t["verified"] for t in told if t["selector"]] == [True] * 6
    assert [t["verified"] for t in told if not t["selector"]] == [False]


def test_a_renamed_selector_keeps_its_records_everywhere(committed, ptyreg):
    declared = (committed.root / "pyproject.toml").read_text()
    committed.write("pyproject.toml", declared.replace("selectors.quick", "selectors.nimble")
                    .replace('aliases = ["swift"]', 'aliases = ["quick", "swift"]'))  # fmt: skip
    committed.write("docs/index.md", "# P\n\n{ptyreg:value}`nimble.duration.n`\n")
    built = committed.build("dummy")
    assert built.warnings == ""
    assert built.spans("ptyreg-value") == ["3"]
    assert ptyreg("status")[0] == 0
    assert ptyreg("verify")[0] == 0
    assert ptyreg("show", "nimble")[0] == 0
    assert "3 records" in ptyreg("export", "bundle", "x.zip", "nimble")[1]
    assert ptyreg("freeze", "1.1")[0] == 0
    shutil.rmtree(committed.root / ".ptyreg")
    built = committed.build("dummy", overrides={"ptyreg_release": "1.0"}, out="old")
    assert built.spans("ptyreg-value") == ["3"]


def test_an_import_and_a_run_of_one_class_stay_apart(measured, ptyreg):
    """The class of the import was free when it was imported; the run took it later."""
    measured.store.received.add(imported(measured, started="2025-01-01T00:00:00.000000Z"))
    [own] = _evidence(measured)
    assert list(own.classes) == ["laptop", "elsewhere"]
    record = msgspec.structs.replace(
        measured.records()[-1], machine_class="elsewhere", started="2025-01-02T00:00:00.000000Z"
    )
    measured.store.local.add(record)
    [own] = _evidence(measured)
    assert {name: len(found) for name, found in own.classes.items()} == {
        "laptop": 3, "elsewhere": 1, "elsewhere (imported)": 1,
    }  # fmt: skip
    status, out, _ = ptyreg("diff", "elsewhere (imported)", "elsewhere")
    assert status == 0
    durations = [line for line in out.splitlines() if line.strip().startswith(("duration", "wall"))]
    assert all(line.endswith("not comparable") for line in durations)
    assert durations


def _evidence(folder):
    from sphinx_ptyreg.evidence import Evidence

    return list(Evidence(folder.load(), folder.store).selectors.values())

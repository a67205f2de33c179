"""The store: two layers of append-only files that nothing found in them can break."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, strategies as st

from sphinx_ptyreg import store as store_module
from sphinx_ptyreg.errors import RecordError, VerdictError
from sphinx_ptyreg.evidence import Evidence
from sphinx_ptyreg.inputs import State
from sphinx_ptyreg.record import Artifact, Inputs, Outcome, encode
from sphinx_ptyreg.store import PUBLISH_LIMIT, Layer, Store, write_once


def evidence_of(project, name="quick"):
    return Evidence(project.load(), project.store).selector(name)


def at(minute):
    return f"2026-03-04T05:{minute:02}:00.000000Z"


def files_below(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_a_kept_record_is_read_back_by_its_selector(project):
    record = project.record()
    project.store.local.add(record)
    assert [entry.read() for entry in project.store.entries("quick")] == [record]
    assert project.store.entries("slow") == []


def test_keeping_twice_is_keeping_once(project):
    first, second = project.seed(), project.seed()
    assert first == second
    assert len(project.store.entries("quick")) == 1


def test_a_record_in_both_layers_is_one_record(project):
    project.seed()
    project.seed(published=True)
    assert len(project.store.entries("quick")) == 1


def test_keeping_never_changes_what_was_kept(project):
    project.seed()
    before = {name: (project.root / name).read_bytes() for name in files_below(project.root)}
    project.seed(started=at(1))
    project.seed(outcome=Outcome.FAILED, started=at(2))
    after = {name: (project.root / name).read_bytes() for name in files_below(project.root)}
    assert before.items() < after.items()


def test_the_name_of_a_file_holds_the_digest_of_its_content(project):
    path = project.seed()
    assert path.stem.endswith(hashlib.sha256(path.read_bytes()).hexdigest()[:16])


@given(
    order=st.permutations(range(6)),
    outcomes=st.lists(st.sampled_from(Outcome), min_size=6, max_size=6),
)
def test_entries_come_oldest_first_whatever_the_order_of_writing(
    tmp_path_factory, a_record, order, outcomes
):
    folder = tmp_path_factory.mktemp("store")
    store = Store(folder / "a", folder / "b")
    for index in order:
        layer = store.layers[index % 2]
        layer.add(a_record(started=at(index), outcome=outcomes[index]))
    assert [e.read().started for e in store.entries("quick")] == [at(i) for i in range(6)]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"1.25", b"9.99"),
        lambda data: b"\0" * len(data),
        lambda data: data + b" ",
    ],
    ids=["empty", "cut off", "tampered", "zeroed", "grown"],
)
def test_a_spoilt_file_is_named_and_set_aside(project, spoil):
    good = project.seed(started=at(1))
    bad = project.seed(started=at(2))
    bad.write_bytes(spoil(bad.read_bytes()))
    evidence = evidence_of(project)
    assert evidence.measured is not None
    assert evidence.measured.started == at(1)
    assert [bad.name in notice.text for notice in evidence.notices] == [True]
    assert [notice.subtype for notice in evidence.notices] == ["record"]
    assert bad.exists()
    assert good.exists()


def test_when_every_file_is_spoilt_the_selector_is_missing_and_nothing_raises(project):
    for minute in range(3):
        project.seed(started=at(minute)).write_bytes(b"no")
    evidence = evidence_of(project)
    assert evidence.freshness.state is State.MISSING
    assert len(evidence.notices) == 3


def test_a_json_file_that_is_no_record_is_named_though_its_digest_fits(project):
    data = b'{"hello": "world"}\n'
    path = project.seed()
    content = hashlib.sha256(data).hexdigest()[:16]
    foreign = path.with_name("_".join([*path.stem.split("_")[:-1], content]) + ".json")
    foreign.write_bytes(data)
    path.unlink()
    evidence = evidence_of(project)
    assert evidence.measured is None
    assert foreign.name in evidence.notices[0].text


def test_a_record_of_another_selector_is_set_aside(project, a_record):
    stray = project.store.local.add(a_record(selector="other"))
    home = project.root / ".ptyreg" / "records" / "quick"
    home.mkdir(parents=True)
    stray.rename(home / stray.name)
    evidence = evidence_of(project)
    assert evidence.measured is None
    assert "Expected a record of quick" in evidence.notices[0].text


@pytest.mark.parametrize(
    ("change", "kept"),
    [("_failed_", "_passed_"), ("20260304T050607", "20991231T000000"), ("_failed_", "_error_")],
)
def test_a_renamed_file_cannot_claim_what_its_record_does_not_say(project, change, kept):
    path = project.seed(outcome=Outcome.FAILED)
    liar = path.rename(path.with_name(path.name.replace(change, kept)))
    evidence = evidence_of(project)
    assert evidence.measured is None
    assert evidence.latest is None
    assert liar.name in evidence.notices[0].text


@pytest.mark.parametrize("name", ["notes.txt", ".new-abc", "x.json", "README"])
def test_files_of_other_names_are_not_ours(project, name):
    project.seed()
    (project.root / ".ptyreg/records/quick" / name).write_text("?")
    evidence = evidence_of(project)
    assert evidence.measured is not None
    assert evidence.notices == []


def test_a_folder_named_like_a_record_is_set_aside(project):
    path = project.seed()
    path.unlink()
    path.mkdir()
    assert evidence_of(project).measured is None


def test_a_store_that_is_a_file_holds_nothing(project):
    (project.root / ".ptyreg").write_text("I am a file")
    assert project.store.entries("quick") == []


def test_the_newest_fresh_record_wins_wherever_it_lies(project):
    project.seed(started=at(1), output="old local")
    project.seed(started=at(2), output="new published", published=True)
    assert evidence_of(project).measured.output == "new published"
    project.seed(started=at(3), output="newest local")
    assert evidence_of(project).measured.output == "newest local"


def test_an_older_fresh_record_wins_over_a_newer_stale_one(project):
    project.seed(started=at(1), published=True)
    project.seed(started=at(9), inputs=Inputs(declaration="other", files={}))
    evidence = evidence_of(project)
    assert evidence.measured.started == at(1)
    assert evidence.freshness.state is State.FRESH


def test_with_only_stale_records_the_newest_is_shown_as_stale(project):
    for minute in (4, 2, 3):
        project.seed(started=at(minute), inputs=Inputs(declaration="other", files={}))
    evidence = evidence_of(project)
    assert evidence.measured.started == at(4)
    assert evidence.freshness.state is State.STALE


def test_a_touched_input_makes_it_stale_with_the_file_named(project):
    project.seed()
    project.write("src.py", "ANSWER = 43\n")
    freshness = evidence_of(project).freshness
    assert freshness.state is State.STALE
    assert str(freshness.reasons[0]).startswith("file changed: src.py (")


def test_a_failure_hides_no_measurement_and_is_none(project):
    project.seed(started=at(1))
    project.seed(started=at(2), outcome=Outcome.FAILED, reason="test_quick")
    evidence = evidence_of(project)
    assert evidence.measured.started == at(1)
    assert evidence.failure.outcome is Outcome.FAILED


def test_a_sample_set_has_only_the_same_inputs_and_machine_class(project):
    stale = Inputs(declaration="other", files={})
    for minute, changes in enumerate(
        [
            {},
            {"machine_class": "gpu"},
            {"inputs": stale},
            {"outcome": Outcome.FAILED},
            {"warmup": True},
            {},
        ]
    ):
        project.seed(started=at(minute), **changes)
    evidence = evidence_of(project)
    assert [record.started for record in evidence.samples] == [at(0), at(5)]


def test_samples_of_both_layers_are_one_set(project):
    project.seed(started=at(1))
    project.seed(started=at(2), published=True)
    assert len(evidence_of(project).samples) == 2


def keep(project, content, suffix=".bin", **changes):
    digest = hashlib.sha256(content).hexdigest()
    source = project.write("handed.bin", content)
    project.store.local.add_artifact(source, digest, suffix)
    return Artifact(sha256=digest, size=len(content), suffix=suffix, **changes)


def test_publishing_copies_the_record_and_its_artifacts(project):
    artifact = keep(project, b"small")
    record = project.record(artifacts={"it": artifact})
    path = project.store.publish(record)
    assert path.read_bytes() == encode(record)
    assert files_below(project.root / "docs/evidence/artifacts") == [artifact.file_name]


@pytest.mark.parametrize(("size", "fits"), [(PUBLISH_LIMIT, True), (PUBLISH_LIMIT + 1, False)])
def test_an_artifact_beyond_the_limit_is_not_published_nor_anything_with_it(project, size, fits):
    artifacts = {"a": keep(project, b"small"), "b": keep(project, b"x" * size)}
    record = project.record(artifacts=artifacts)
    if fits:
        assert project.store.publish(record).exists()
        return
    with pytest.raises(VerdictError, match=rf"'b' to have at most {PUBLISH_LIMIT} bytes"):
        project.store.publish(record)
    assert files_below(project.root / "docs/evidence") == []


def test_an_artifact_that_is_gone_is_named_and_nothing_is_published(project):
    record = project.record(
        artifacts={
            "here": keep(project, b"here"),
            "gone": Artifact(sha256="0" * 64, size=1, suffix=".bin"),
        }
    )
    with pytest.raises(RecordError, match="'gone' in the store, but it is gone"):
        project.store.publish(record)
    assert files_below(project.root / "docs/evidence") == []


def test_an_artifact_that_was_changed_on_disk_is_not_shown(project):
    artifact = keep(project, b"genuine")
    (project.root / ".ptyreg/artifacts" / artifact.file_name).write_bytes(b"forged!")
    assert project.store.artifact(artifact) is None


def test_a_write_that_breaks_leaves_the_old_and_no_litter(tmp_path, monkeypatch):
    target = tmp_path / "f"

    def torn(source, destination):
        raise OSError("no space")

    monkeypatch.setattr(store_module.os, "replace", torn)
    with pytest.raises(OSError, match="no space"):
        write_once(target, b"data")
    assert list(tmp_path.iterdir()) == []


def test_a_layer_that_does_not_exist_is_empty(tmp_path):
    assert list(Layer(tmp_path / "nowhere").entries("x")) == []


def test_evidence_of_many_records_opens_only_a_few(project, monkeypatch):
    for minute in range(40):
        project.seed(started=at(minute), inputs=Inputs(declaration=f"d{minute}", files={}))
    project.seed(started="2026-03-05T00:00:00.000000Z", machine_class="one")
    opened = []
    read = store_module.Entry.read
    monkeypatch.setattr(
        store_module.Entry, "read", lambda self: opened.append(self.path) or read(self)
    )
    loaded = project.load()
    Evidence(loaded, project.store).selector("quick").values  # noqa: B018 - computed on access
    assert len(opened) <= 41
    assert len(set(opened)) == len(opened)

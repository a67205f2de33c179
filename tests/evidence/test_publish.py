"""``ptyreg publish --class``: what others measured is published when it is named."""

from __future__ import annotations

import pytest

LOG = """
============================= test session starts ==============================
platform linux -- Python 3.11.13, pytest-8.4.1
tests/test_quick.py::test_quick PASSED [100%]
============================== 1 passed in {seconds}s ==============================
"""


@pytest.fixture
def imported(project):
    """Three imported logs and a fresh record of this machine."""
    files = []
    for number, seconds in enumerate(("35.86", "35.98", "35.92")):
        files.append(f"2025-10-19T1{number}0000Z.log")
        project.write(files[-1], LOG.format(seconds=seconds).lstrip())
    done = project.cli("import", "quick", *files, "--class", "elsewhere")
    assert done.returncode == 0, done.stderr
    project.seed()
    return project


def published(project):
    return sorted(project.root.glob("docs/evidence/records/quick/*.json"))


def test_without_a_class_it_publishes_what_was_run(imported):
    done = imported.cli("publish", "quick")
    assert done.returncode == 0, done.stderr
    [file] = published(imported)
    assert "imported" not in file.name


def test_an_imported_batch_is_published_by_its_class_and_replays_in_a_clone(imported):
    done = imported.cli("publish", "quick", "--class", "elsewhere")
    assert done.returncode == 0, done.stderr
    assert [file.name.split("_")[1] for file in published(imported)] == ["passed-imported"] * 3
    assert len(list(imported.root.glob("docs/evidence/artifacts/*.txt"))) == 3
    imported.write("docs/index.md", "# P\n\n```{ptyreg:ledger} quick\n```\n")
    told = imported.build().text()
    assert told.count("imported from 2025-10-19T1") == 3


def test_a_class_without_measurements_is_told_with_the_known_ones(imported):
    done = imported.cli("publish", "quick", "--class", "elswhere")
    assert done.returncode == 2
    assert "Expected the machine class of quick to be a known one" in done.stderr
    assert "Did you mean elsewhere?" in done.stderr
    assert published(imported) == []


def test_a_stale_measurement_of_another_class_is_not_published(imported):
    imported.seed(machine_class="gpu-node", started="2026-03-05T05:06:07.000000Z")
    assert imported.cli("publish", "quick", "--class", "gpu-node").returncode == 0
    imported.write("src.py", "ANSWER = 43\n")
    done = imported.cli("publish", "quick", "--class", "gpu-node")
    assert done.returncode == 1
    assert "Expected a fresh measurement of gpu-node, but it is stale." in done.stderr

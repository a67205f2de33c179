"""A record older than its selector allows is stale, by the project's time."""

from __future__ import annotations

import os
import subprocess

import pytest

from sphinx_ptyreg.ages import project_time
from sphinx_ptyreg.citations import Cited
from sphinx_ptyreg.errors import ConfigError
from sphinx_ptyreg.evidence import Evidence

DECLARED = '[tool.ptyreg.selectors.quick]\nnodeids = ["tests/test_quick.py"]\nmax_age = "{}"\n'
MARCH, APRIL = "1772323200", "1775001600"  # the first of each, 2026


@pytest.fixture
def seeded(project):
    project.write("pyproject.toml", DECLARED.format("20 d"))
    project.seed(started="2026-03-01T00:00:00.000000Z")
    return project


def freshness(project):
    return Evidence(project.load(), project.store).selector("quick").freshness


def test_the_project_s_time_decides_not_the_clock(seeded, monkeypatch):
    assert freshness(seeded).state == "fresh"  # nothing tells the time here
    monkeypatch.setenv("SOURCE_DATE_EPOCH", MARCH)
    assert freshness(seeded).state == "fresh"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", APRIL)
    [reason] = freshness(seeded).reasons
    assert str(reason) == "too old: measured 2026-03-01, more than 20 d ago"


def test_a_limit_alone_changes_what_a_page_shows(seeded, monkeypatch):
    def digest():
        return Cited(Evidence(seeded.load(), seeded.store)).digest("quick")

    monkeypatch.setenv("SOURCE_DATE_EPOCH", APRIL)
    before = digest()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(APRIL) + 86400))
    assert digest() == before  # same verdict
    monkeypatch.setenv("SOURCE_DATE_EPOCH", MARCH)
    assert digest() != before


def test_the_newest_that_is_young_enough_is_shown(seeded, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", APRIL)
    seeded.seed(started="2026-03-25T00:00:00.000000Z")
    assert freshness(seeded).state == "fresh"


def test_the_commit_tells_the_time(seeded):
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run(
            ["git", *identity, *command], cwd=seeded.root, check=True,
            env={**os.environ, "GIT_COMMITTER_DATE": f"{APRIL} +0000"},
        )  # fmt: skip
    assert project_time(seeded.root, {}) == float(APRIL)
    assert freshness(seeded).state == "stale"


@pytest.mark.parametrize("limit", ["20", "20 dB", "soon"])
def test_a_limit_that_is_no_time_is_refused(project, limit):
    project.write("pyproject.toml", DECLARED.format(limit))
    with pytest.raises(ConfigError, match=r"quick\.max_age"):
        project.load()

"""No build leaves anything that version control would see."""

from __future__ import annotations

import subprocess

import pytest


def git(small, *arguments):
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    return subprocess.run(
        ["git", *identity, *arguments], cwd=small.root, capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture
def checkout(small):
    """Commit a project whose rules ignore what Sphinx builds, and nothing of ours."""
    small.write(".gitignore", "docs/_build/\n__pycache__/\n")
    small.write("docs/conf.py", 'extensions = ["sphinx_ptyreg"]\nptyreg_exports = ["json"]\n')
    small.write(
        "docs/index.rst",
        "Page\n====\n\n:ptyreg:value:`quick.duration.mean`\n\n.. ptyreg:history:: quick\n",
    )
    git(small, "init", "-q")
    git(small, "add", ".")
    git(small, "commit", "-qm", "a project")
    return small


@pytest.mark.parametrize("mode", ["auto", "force", "replay", "require"])
def test_git_sees_nothing_after_a_build(checkout, mode):
    for builder in ("html", "latex", "epub", "ptyreg"):
        checkout.run(
            "-m", "sphinx", "-b", builder, "docs", f"docs/_build/{builder}",
            env={"PTYREG_MODE": mode},
        )  # fmt: skip
    assert (checkout.root / "docs/_build/html/index.html").exists()
    assert bool(checkout.entries()) == (mode in {"auto", "force"})
    assert git(checkout, "status", "--porcelain") == ""


def test_git_sees_nothing_after_a_run_that_fails_or_is_stale(checkout):
    checkout.write("test_quick.py", "def test_quick():\n    raise RuntimeError\n")
    git(checkout, "commit", "-qam", "it fails")
    checkout.run("-m", "sphinx", "docs", "docs/_build/html")
    assert [entry.outcome for entry in checkout.entries()] == ["failed"]
    assert git(checkout, "status", "--porcelain") == ""

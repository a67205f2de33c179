"""What a shell offers when it asks argcomplete."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("argcomplete")


@pytest.fixture
def offered(project, tmp_path):
    def ask(line: str, **environ: str) -> set[str]:
        answer = tmp_path / "answer"
        subprocess.run(
            [sys.executable, "-m", "sphinx_ptyreg"], cwd=project.root, timeout=60, check=False,
            capture_output=True,
            env=project.environ(
                _ARGCOMPLETE="1", COMP_LINE=line, COMP_POINT=str(len(line)), _ARGCOMPLETE_IFS="|",
                _ARGCOMPLETE_STDOUT_FILENAME=str(answer), **environ,
            ),
        )  # fmt: skip
        return {word.strip() for word in answer.read_text().split("|") if word.strip()}

    return ask


@pytest.mark.parametrize("line", ["ptyreg show ", "ptyreg run qu", "ptyreg diff --selector "])
def test_names_of_selectors_are_offered(offered, line):
    assert "quick" in offered(line)


def test_commands_options_and_formats_are_offered(offered):
    assert {"status", "show", "doctor"} <= offered("ptyreg ")
    assert "--format" in offered("ptyreg check --f")
    assert {"hub", "json", "svg"} <= offered("ptyreg export ")


def test_a_broken_declaration_offers_no_names_and_says_nothing(offered, project):
    project.write("pyproject.toml", "[tool.ptyreg\n")
    assert "quick" not in offered("ptyreg show ")


def test_what_can_be_imported_listed_compared_and_published_is_offered(offered, project):
    project.seed()
    assert "quick" in offered("ptyreg import ")
    assert "quick.duration.mean" in offered("ptyreg list quick.dur")
    assert {"previous", "release", "linux-x86_64-testbox-2c"} <= offered("ptyreg diff ")
    assert "latest" in offered("ptyreg diff previous ")
    assert offered("ptyreg publish --class ") >= {"linux-x86_64-testbox-2c"}

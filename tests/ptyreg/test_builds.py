"""Builds in child processes, as a user builds: exit status, output, parallel reading."""

from __future__ import annotations

import re
import shutil

import pytest

FAILING = "def test_quick():\n    print('said before')\n    assert 1 == 2\n"

PAGES = {
    "a": "{ptyreg:value}`quick.metrics.answer`",
    "b": "```{ptyreg:runtime} quick\n```",
    "c": "{ptyreg:status}`quick`",
    "d": "```{ptyreg:finding} POLICY-1\n```",
    "e": "{ptyreg:ref}`POLICY-1`",
    "f": "```{ptyreg:finding-status} POLICY-1\n```",
    "g": "{ptyreg:value}`quick.title`",
    "h": "Nothing.",
}


@pytest.fixture
def site(project):
    project.write("docs/index.md", "# P\n\n```{toctree}\n" + "\n".join(PAGES) + "\n```\n")
    for name, text in PAGES.items():
        project.write(f"docs/{name}.md", f"# {name}\n\n{text}\n")
    toml = (project.root / "pyproject.toml").read_text()
    project.write(
        "pyproject.toml",
        toml + '[tool.ptyreg.findings.POLICY-1]\ntitle = "t"\nrule = "r"\nrequires = "pytest>=7"\n',
    )
    return project


def pages(project, folder):
    return {
        file.name: file.read_text(encoding="utf-8")
        for file in sorted((project.root / folder).glob("*.html"))
    }


def test_a_first_build_runs_once_and_the_next_runs_and_reads_nothing(site):
    first = site.sphinx("-n", "-W")
    assert first.returncode == 0, first.stderr
    assert site.runs == 1
    assert "ptyreg: mode: auto (from pyproject.toml)" in first.stdout
    assert "ptyreg: quick: running tests/test_quick.py::test_quick" in first.stdout
    assert "42.0 dB" in (site.root / "out/html/a.html").read_text()
    second = site.sphinx("-n", "-W")
    assert second.returncode == 0, second.stderr
    assert site.runs == 1
    assert "0 added, 0 changed, 0 removed" in second.stdout


def test_a_parallel_build_writes_what_a_serial_one_writes(site):
    site.seed()
    serial = site.child(
        "-m", "sphinx", "-n", "-W", "-D", "ptyreg_mode=replay", "docs", "out/serial"
    )
    parallel = site.child(
        "-m", "sphinx", "-n", "-W", "-j4", "-D", "ptyreg_mode=replay", "docs", "out/parallel"
    )
    assert serial.returncode == 0, serial.stderr
    assert parallel.returncode == 0, parallel.stderr
    assert pages(site, "out/serial") == pages(site, "out/parallel")
    assert len(pages(site, "out/serial")) > len(PAGES)


def test_after_a_parallel_build_a_change_reads_the_same_pages(site):
    site.seed()
    arguments = ("-j4", "-D", "ptyreg_mode=replay")
    assert site.sphinx(*arguments).returncode == 0
    site.seed(started="2026-05-04T05:06:07.000000Z")
    again = site.sphinx(*arguments)
    assert re.search(r"0 added, (\d+) changed", again.stdout)[1] == "3"
    assert "0 added, 0 changed" in site.sphinx(*arguments).stdout


@pytest.mark.parametrize("parallel", [(), ("-j4",)], ids=["serial", "j4"])
def test_a_failing_selector_fails_the_build_and_shows_a_panel(site, parallel):
    site.write("tests/test_quick.py", FAILING)
    first = site.sphinx(*parallel)
    assert first.returncode == 1
    assert "quick: failed: tests/test_quick.py::test_quick" in first.stderr
    assert "said before" in first.stderr
    assert "[ptyreg.failed]" in first.stderr
    assert "full traceback" not in first.stderr
    html = (site.root / "out/html/b.html").read_text()
    assert "The latest run of quick is no measurement" in html
    assert "said before" in html
    assert "42.0 dB" not in (site.root / "out/html/a.html").read_text()


def test_a_remembered_failure_is_not_run_again_and_only_warns(site):
    site.write("tests/test_quick.py", FAILING)
    assert site.build("html", mode="auto").status == 1
    again = site.build("html", mode="auto")
    assert again.status == 0
    assert "quick: running" not in again.log
    assert "quick: failed: tests/test_quick.py::test_quick" in again.warnings
    site.write("tests/test_quick.py", "def test_quick(ptyreg): ptyreg.metric('answer', 1)\n")
    good = site.build("html", mode="auto")
    assert (good.status, good.warnings) == (0, "")


def test_on_failure_warn_only_warns(site):
    site.write("tests/test_quick.py", FAILING)
    built = site.sphinx("-D", "ptyreg_on_failure=warn")
    assert built.returncode == 0
    assert "WARNING: quick: failed" in built.stderr


def test_an_unknown_on_failure_is_refused(site):
    built = site.sphinx("-D", "ptyreg_on_failure=ignore")
    assert built.returncode == 2
    assert "conf.py, ptyreg_on_failure: Expected one of error, warn" in built.stderr


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[tool.ptyreg", "pyproject.toml: Expected valid TOML"),
        ("[tool.black]", "Expected a [tool.ptyreg] table"),
        ("[tool.ptyreg]\nmdoe = 'auto'", "pyproject.toml, tool.ptyreg.mdoe: Expected a known key"),
        ("tool = 1", "Expected a [tool.ptyreg] table"),
    ],
)
def test_a_broken_declaration_is_one_error_and_no_crash_report(site, toml, words):
    site.write("pyproject.toml", toml)
    (site.root / ".git").mkdir()
    built = site.sphinx()
    assert built.returncode == 2
    assert words in built.stderr
    assert len([line for line in built.stderr.splitlines() if line.strip()]) == 1, built.stderr
    assert "full traceback" not in built.stderr
    assert "Traceback" not in built.stderr


@pytest.mark.parametrize("value", ["sometimes", ""])
def test_a_bad_mode_is_one_error(site, value):
    built = site.sphinx("-D", f"ptyreg_mode={value}")
    assert built.returncode == 2
    assert "-D ptyreg_mode: Expected one of auto, replay, require, force" in built.stderr
    assert "Traceback" not in built.stderr


def test_a_mode_in_conf_py_that_is_no_text_is_one_error(site):
    conf = (site.root / "docs/conf.py").read_text()
    site.write("docs/conf.py", conf + "ptyreg_mode = 5\n")
    built = site.sphinx()
    assert built.returncode == 2
    assert "conf.py, ptyreg_mode: Expected one of" in built.stderr
    assert "full traceback" not in built.stderr


def test_require_errs_on_what_is_missing_and_on_what_is_stale(site):
    missing = site.build("html", mode="require")
    assert missing.status == 1
    assert "ERROR: quick: missing: no run is recorded" in missing.warnings
    site.seed()
    fresh = site.build("html", mode="require")
    assert (fresh.status, fresh.warnings) == (0, "")
    site.write("src.py", "changed")
    stale = site.build("html", mode="require")
    assert stale.status == 1
    assert "ERROR: quick: stale: file changed: src.py" in stale.warnings
    again = site.build("html", mode="require")
    assert again.read == []
    assert again.status == 1, "also when no page has to be read"
    assert site.runs == 0


def test_replay_starts_no_pytest(site):
    built = site.sphinx(env={"PTYREG_MODE": "replay"})
    assert built.returncode == 0
    assert "ptyreg: mode: replay (from PTYREG_MODE)" in built.stdout
    assert site.runs == 0
    assert not (site.root / ".ptyreg/records").exists()


def test_a_ceiling_wins_over_the_command_line(site):
    built = site.sphinx("-D", "ptyreg_mode=force", env={"PTYREG_MAX_MODE": "replay"})
    assert "mode: replay (from PTYREG_MAX_MODE, below force from -D ptyreg_mode)" in built.stdout
    assert site.runs == 0


def test_force_always_runs(site):
    assert site.build("dummy", mode="force").status == 0
    assert site.runs == 0, "a builder that only looks never runs"
    for expected in (1, 2):
        built = site.build("html", mode="force")
        assert built.status == 0, built.warnings
        assert site.runs == expected


def test_auto_runs_again_only_when_an_input_changed(site):
    site.build("html", mode="auto")
    site.write("docs/h.md", "# h\n\nAnother text.\n")
    assert site.build("html", mode="auto").read == ["h"]
    assert site.runs == 1
    site.write("src.py", "ANSWER = 43\n")
    site.build("html", mode="auto")
    assert site.runs == 2


def test_a_variable_that_names_the_project_does_not_make_a_record_stale(site):
    toml = (site.root / "pyproject.toml").read_text()
    site.write(
        "pyproject.toml",
        toml.replace('inputs = ["src.py"]', f'inputs = ["src.py"]\nenv = {{ A = "{site.root}" }}'),
    )
    for _ in range(2):
        assert site.build("html", mode="auto").status == 0
    assert site.runs == 1


def test_a_selector_whose_requirements_are_not_installed_is_left_to_its_records(site):
    toml = (site.root / "pyproject.toml").read_text()
    site.write(
        "pyproject.toml",
        toml.replace('inputs = ["src.py"]', 'inputs = ["src.py"]\nrequires = ["no-such-dist>=2"]'),
    )
    site.seed()
    site.write("src.py", "changed")
    built = site.build("html", mode="auto")
    assert built.status == 0
    assert "requires no-such-dist>=2 (found none)" in built.warnings
    assert "[ptyreg.unavailable]" in built.warnings
    assert site.runs == 0
    assert len(site.records()) == 1


def test_a_store_that_cannot_be_written_is_one_error(site):
    (site.root / ".ptyreg").write_text("I am a file")
    built = site.sphinx()
    assert built.returncode == 2
    assert "Expected .ptyreg to be writable" in built.stderr
    assert "Traceback" not in built.stderr


def test_an_unreadable_record_is_a_warning_and_no_crash(site):
    path = site.seed()
    path.write_bytes(b"broken")
    built = site.build("html")
    assert built.status == 0
    assert path.name in built.warnings
    assert "[ptyreg.record]" in built.warnings


def test_pages_are_the_same_in_another_folder(site, tmp_path):
    site.seed()
    there = tmp_path / "elsewhere" / "copy"
    shutil.copytree(site.root, there)
    arguments = ("-m", "sphinx", "-q", "-D", "ptyreg_mode=replay", "docs", "out/html")
    assert site.child(*arguments).returncode == 0
    assert site.child(*arguments, cwd=there).returncode == 0
    other = {p.name: p.read_text() for p in sorted((there / "out/html").glob("*.html"))}
    assert pages(site, "out/html") == other


def test_a_build_ends_its_runs_when_its_time_is_up(site):
    site.write("tests/test_quick.py", "import time\n\ndef test_quick():\n    time.sleep(60)\n")
    built = site.sphinx("-D", "ptyreg_timeout=2")
    assert built.returncode == 1
    assert "quick: timeout" in built.stderr
    refused = site.sphinx("-D", "ptyreg_timeout=-1")
    assert refused.returncode == 2
    assert "conf.py, ptyreg_timeout: Expected seconds" in refused.stderr


def test_a_published_record_does_not_excuse_auto_from_measuring_here(site):
    assert site.sphinx("-n", "-W").returncode == 0
    assert site.child("-m", "sphinx_ptyreg", "publish").returncode == 0
    shutil.rmtree(site.root / ".ptyreg")
    assert site.sphinx("-n", "-W").returncode == 0
    assert site.runs == 2
    assert site.sphinx("-n", "-W").returncode == 0
    assert site.runs == 2

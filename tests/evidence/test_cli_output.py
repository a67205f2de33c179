"""Every command: JSON of a documented shape, colour when it is wanted, documented help."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from pathlib import Path

import pytest

from sphinx_ptyreg.cli import COMMANDS, build_parser

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
SECTIONS = dict(
    re.findall(r"^## `ptyreg ([\w-]+)`.*?\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
)

#: Command → how it is called on a measured project.
CALLS = {
    "init": ["init"],
    "run": ["run", "--if-needed"],
    "sync": ["sync"],
    "status": ["status"],
    "explain": ["explain"],
    "show": ["show", "quick"],
    "list": ["list"],
    "check": ["check"],
    "diff": ["diff"],
    "lint": ["lint"],
    "publish": ["publish"],
    "export": ["export", "json", "exported"],
    "import": ["import", "quick", "pytest.log", "--started", "2025-10-19T12:24:49Z"],
    "merge": ["merge", "elsewhere.ptyreg"],
    "verify": ["verify"],
    "freeze": ["freeze", "1.0"],
    "gc": ["gc"],
    "doctor": ["doctor"],
}
SUBPARSERS = {
    name: sub
    for action in build_parser()._actions
    if isinstance(action, argparse._SubParsersAction)
    for name, sub in action.choices.items()
}


@pytest.mark.parametrize("name", CALLS)
def test_json_is_one_object_and_its_fields_are_documented(
    measured, ptyreg, name, monkeypatch, tmp_path
):
    if name == "sync":
        pytest.importorskip("fsspec")
        (tmp_path / "shared").mkdir()
        monkeypatch.setenv("PTYREG_STORE", (tmp_path / "shared").as_uri())
    if name == "verify":
        _commit_published(measured, ptyreg)
    measured.write("pytest.log", "= test session starts =\n\n==== 1 passed in 35.86s ====\n")
    ptyreg("export", "bundle", "elsewhere.ptyreg")
    status, out, _ = ptyreg(*CALLS[name], "--json")
    told = json.loads(out)
    assert status == 0, out
    assert (told["schema"], told["command"]) == (1, name)
    section = SECTIONS[name]
    for key in set(told) - {"schema", "command"}:
        assert f"`{key}`" in section, key
        entries = told[key] if isinstance(told[key], list) else []
        for inner in {k for entry in entries if isinstance(entry, dict) for k in entry}:
            assert f"`{inner}`" in section, f"{key}.{inner}"


def _commit_published(folder, ptyreg):
    ptyreg("publish")
    for arguments in ("init -q", "add docs", "-c user.name=a -c user.email=a@b.c commit -qm e"):
        subprocess.run(["git", *arguments.split()], cwd=folder.root, check=True)


def test_every_command_is_called_here():
    assert set(CALLS) == {command.NAME for command in COMMANDS}


@pytest.mark.parametrize("name", CALLS)
def test_an_error_is_json_too(measured, ptyreg, name):
    measured.write("pyproject.toml", "[tool.ptyreg]\nmoed = 1\n")
    status, out, err = ptyreg(*CALLS[name], "--json")
    assert status == 2
    told = json.loads(out)
    assert told["exit_status"] == 2
    assert "Did you mean mode?" in told["error"]
    assert told["error"] in err


def test_without_json_nothing_of_it_is_printed(measured, ptyreg):
    assert '"schema"' not in ptyreg("status")[1]


@pytest.mark.parametrize(
    ("arguments", "environ", "coloured"),
    [
        ((), {}, False),  # no terminal
        (("--color", "always"), {}, True),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
        ((), {"FORCE_COLOR": "1"}, True),
        ((), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ((), {"FORCE_COLOR": ""}, False),
        (("--color=never",), {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colour_is_asked_for(measured, ptyreg, monkeypatch, arguments, environ, coloured):
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    _, out, _ = ptyreg("status", *arguments)
    assert ("\x1b[32mfresh\x1b[0m" in out) is coloured
    assert ("\x1b" in out) is coloured


def test_a_terminal_is_coloured_but_for_a_dumb_one(measured, ptyreg, monkeypatch):
    import pty

    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for term, coloured in (("xterm", True), ("dumb", False)):
        leader, follower = pty.openpty()
        import os
        import subprocess
        import sys

        environ = measured.environ(TERM=term, PTYREG_CLASS="laptop")
        environ.pop("NO_COLOR", None)
        subprocess.run(
            [sys.executable, "-m", "sphinx_ptyreg", "status"], cwd=measured.root, env=environ,
            stdout=follower, timeout=60, check=True,
        )  # fmt: skip
        os.close(follower)
        assert (b"\x1b[32mfresh" in os.read(leader, 4096)) is coloured
        os.close(leader)


def test_text_is_the_same_with_and_without_colour(measured, ptyreg):
    for call in (["check"], ["show", "quick"], ["doctor"]):
        plain = ptyreg(*call, "--color=never")[1]
        coloured = ptyreg(*call, "--color=always")[1]
        assert re.sub(r"\x1b\[\d+m", "", coloured) == plain


def plain(markdown: str) -> str:
    return markdown.replace("`", "")


@pytest.mark.parametrize("name", sorted(SUBPARSERS))
def test_each_option_has_its_help_in_the_page(name):
    documented = re.findall(r"^\| `([^`]+)` \| (.*) \|$", SECTIONS[name], re.MULTILINE)
    for action in SUBPARSERS[name]._actions:
        if action.option_strings and action.option_strings[-1] in {
            "--help", "--root", "--json", "--color",
        }:  # fmt: skip
            continue
        shown = action.option_strings[-1] if action.option_strings else action.metavar
        shown = shown or action.dest.upper()
        help_ = (action.help or "").replace("|", "\\|")
        found = [
            plain(told) for spelt, told in documented if spelt.split()[0].split("…")[0] == shown
        ]
        assert help_ in found, f"{shown}: {help_}"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.NAME)
def test_each_command_says_in_help_and_page_what_it_writes(command, ptyreg):
    section = plain(SECTIONS[command.NAME])
    assert section.strip().splitlines()[0] == command.HELP
    assert f"Writes {command.WRITES}." in section
    row = rf"^  {command.NAME} +{re.escape(command.WRITES)}$"
    assert re.search(row, ptyreg("--help")[1], re.MULTILINE)


def test_no_command_is_told_that_does_not_exist():
    assert set(SECTIONS) == {command.NAME for command in COMMANDS}

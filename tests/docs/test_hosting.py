"""What hosts run is what tox has: the commands in the YAML files exist and work."""

import configparser
import re
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml")
ROOT = Path(__file__).parents[2]


def environments() -> set[str]:
    parser = configparser.RawConfigParser()
    parser.read(ROOT / "tox.ini", encoding="utf-8")
    names = {name.removeprefix("testenv:") for name in parser.sections() if ":" in name}
    return names - {"extension-py3{12,13}"} | {"extension-py312", "extension-py313"}


def commands(data: object) -> list[str]:
    if isinstance(data, dict):
        return [c for key, value in data.items() for c in commands(value) if key != "env"]
    if isinstance(data, list):
        return [c for value in data for c in commands(value)]
    return [data] if isinstance(data, str) and "tox -e" in data else []


@pytest.mark.parametrize("file", [".readthedocs.yaml", ".github/workflows/ci.yml"])
def test_every_environment_that_a_host_names_exists(file: str) -> None:
    told = commands(yaml.safe_load((ROOT / file).read_text(encoding="utf-8")))
    assert told
    for command in told:
        names = re.findall(r"tox -e (\S+)", command)
        for name in ",".join(names).split(","):
            for python in ("312", "313"):
                assert name.replace("${PYTHON/./}", python) in environments(), command


def test_read_the_docs_builds_where_it_is_told_to() -> None:
    data = yaml.safe_load((ROOT / ".readthedocs.yaml").read_text(encoding="utf-8"))
    (command,) = data["build"]["jobs"]["build"]["html"]
    assert command == "tox -e docs-replay -- $READTHEDOCS_OUTPUT/html"
    replay = (ROOT / "tox.ini").read_text(encoding="utf-8").partition("[testenv:docs-replay]")[2]
    assert "PTYREG_MODE = replay" in replay
    assert "{posargs:docs{/}_build{/}html}" in replay


def test_the_readme_names_each_command_once() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 120
    for name in ("docs", "tests"):
        line = "python3 -m venv .venv && .venv/bin/pip install tox && .venv/bin/tox -e " + name
        assert readme.splitlines().count(line) == 1
    assert "tox -e tests" in (ROOT / ".ci/run").read_text(encoding="utf-8")

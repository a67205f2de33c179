"""What pytest reads in a project's configuration files, without importing pytest."""

from __future__ import annotations

import configparser
import shlex
import tomllib
from pathlib import Path

__all__ = ["FILES", "table_of", "test_patterns"]

#: Where pytest looks for its settings in a folder, in its order.
FILES = (
    "pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini",
    "setup.cfg",
)  # fmt: skip

_TEST_FILES = ("test_*.py", "*_test.py")


def table_of(file: Path) -> object:
    """Return pytest's part of a configuration file; None when there is none.

    Raises:
        ValueError: The file cannot be understood.
    """
    try:
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".toml":
            tool = tomllib.loads(text).get("tool", {})
            return str(tool["pytest"]) if isinstance(tool, dict) and "pytest" in tool else None
        parser = configparser.RawConfigParser(strict=False)
        parser.read_string(text)
    except OSError:
        return None
    except (tomllib.TOMLDecodeError, configparser.Error, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error
    name = "tool:pytest" if file.name == "setup.cfg" else "pytest"
    return dict(parser[name]) if parser.has_section(name) else None


def test_patterns(root: Path) -> tuple[str, ...]:
    """Return what pytest's ``python_files`` says in the project's root."""
    for name in FILES:
        told = _python_files(root / name)
        if told is not None:
            return tuple(told)
    return _TEST_FILES


def _python_files(file: Path) -> list[str] | None:
    """Return the patterns that a file with settings has; None for a file without settings."""
    try:
        if file.suffix == ".toml":
            data = tomllib.loads(file.read_text(encoding="utf-8"))
            tool = data.get("tool", {}).get("pytest", data.get("pytest"))
            if not isinstance(tool, dict):
                return None
            told = tool.get("ini_options", tool).get("python_files", _TEST_FILES)
        else:
            table = table_of(file)
            if not isinstance(table, dict):
                return None
            told = table.get("python_files", _TEST_FILES)
        return shlex.split(told) if isinstance(told, str) else [str(each) for each in told]
    except (OSError, ValueError, AttributeError, TypeError):
        return None

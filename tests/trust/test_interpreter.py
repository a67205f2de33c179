"""A selector runs in the interpreter that it declares, and is judged by what is installed there."""

from __future__ import annotations

import sys
import sysconfig
import venv

import pytest

PYPROJECT = """
[tool.ptyreg.selectors.quick]
nodeids = ["test_quick.py"]
python = ".venv/bin/python"
requires = ["only-there>=1"]
"""
TEST = """
import sys
import only_there

def test_quick():
    assert sys.executable.endswith(".venv/bin/python")
    assert only_there.ANSWER == 42
"""


@pytest.fixture
def there(small):
    """Declare an environment of the project's own, with a distribution that is not installed here.

    It borrows pytest from this one.
    """
    venv.create(small.root / ".venv", with_pip=False)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    site = small.root / ".venv/lib" / version / "site-packages"
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (site / "only_there.py").write_text("ANSWER = 42\n")
    install(site, "1.0")
    small.write("pyproject.toml", PYPROJECT)
    small.write("test_quick.py", TEST)
    return site


def install(site, version):
    info = site / "only_there-1.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: only-there\nVersion: {version}\n")
    (info / "RECORD").write_text("only_there.py,,\nonly_there-1.dist-info/METADATA,,\n")


def test_a_run_in_a_declared_interpreter_knows_what_is_installed_there(small, there):
    answer = small.ptyreg("run")
    assert answer.returncode == 0, answer.stdout
    record = small.record()
    assert record.outcome == "passed"
    assert record.command[0] == ".venv/bin/python"
    assert record.inputs.packages["only-there"] == "1.0"
    assert record.inputs.unseen == []
    assert small.ptyreg("run", "--if-needed").stdout.count(b"fresh, not run") == 1
    install(there, "2.0")
    told = small.ptyreg("explain", "quick", "--here").stdout.decode()
    assert "version changed: only-there (1.0 → 2.0)" in told
    assert "fresh" in small.ptyreg("explain", "quick").stdout.decode()  # for pages nothing changed


def test_what_is_required_is_looked_for_in_the_declared_interpreter(small, there):
    install(there, "0.9")
    answer = small.ptyreg("run")
    assert answer.returncode == 3
    assert b"Expected only-there>=1 (found 0.9) to be installed to run it." in answer.stdout
    assert small.entries() == []


@pytest.mark.parametrize("broken", [False, True], ids=["gone", "no-python"])
def test_an_interpreter_that_cannot_be_used_is_told(small, there, broken):
    small.write("pyproject.toml", PYPROJECT.replace(".venv/bin/python", "tools/python"))
    told = b"Expected the interpreter tools/python to be there, but it is not."
    if broken:
        small.write("tools/python", "#!/bin/sh\necho no\n")
        (small.root / "tools/python").chmod(0o755)
        told = b"Expected tools/python to be a Python interpreter, but it did not answer as one."
    answer = small.ptyreg("run")
    assert answer.returncode == 3
    assert told in answer.stdout
    small.write("docs/conf.py", 'extensions = ["sphinx_ptyreg"]\n')
    small.write("docs/index.rst", "Page\n====\n\n:ptyreg:value:`quick.duration.mean`\n")
    build = small.run("-m", "sphinx", "docs", "out")
    assert build.returncode == 0, build.stdout
    assert b"not run here: " + told in build.stdout
    assert b"[ptyreg.unavailable]" in build.stdout


@pytest.mark.parametrize("python", ["/usr/bin/python3", "-c", "~/env/bin/python", " python"])
def test_a_record_never_names_a_place_of_this_machine(small, python):
    small.write("pyproject.toml", PYPROJECT.replace(".venv/bin/python", python))
    answer = small.ptyreg("run")
    assert answer.returncode == 2
    assert b"pyproject.toml, tool.ptyreg.selectors.quick.python: Expected a path" in answer.stdout

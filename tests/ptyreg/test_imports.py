"""What the package may import: little, late, and only downwards."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sphinx_ptyreg

PACKAGE = Path(sphinx_ptyreg.__file__).parent
HEAVY = (
    "torch", "numpy", "pytest", "matplotlib", "lightning", "psutil", "filelock", "distributed",
    "fsspec", "h5py",
)  # fmt: skip

#: A module imports only from floors below its own.
FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"__init__", "bundles", "bytecode", "child", "child.ptyreg", "child.ptyreg_absent",
               "child.ptyreg_events", "child.ptyreg_libraries", "child.ptyreg_looks",
               "child.ptyreg_names", "child.ptyreg_opens", "child.ptyreg_places",
               "child.ptyreg_trace", "child.ptyreg_wrappers", "child.sitecustomize",
               "child.supervise", "cli.streams", "commands", "concealed", "errors", "executors",
               "heads", "ingest", "ingest.secrets", "ingest.wanted", "markup", "noted", "objects",
               "outcomes", "catalogue", "picture_words", "plain", "plots.shapes",
               "pytest_settings", "tones", "written"}),
    frozenset({"canonical", "cli.layout", "markdown", "plots.pdf", "plots.svg", "plots.trend",
               "releases", "remembered", "shared", "trace"}),
    frozenset({"cleaning", "interpreter", "journal", "listing", "locks", "plots", "record",
               "statistics", "units"}),
    frozenset({"artifacts", "claims", "declared", "directives.options", "distributions",
               "entries", "environment", "ingest.foreign", "ingest.reported", "ingest.sources",
               "outcome", "pictures", "revision", "schema"}),
    frozenset({"fingerprints"}),
    frozenset({"meanwhile", "rivals"}),
    frozenset({"ages", "bundles.form", "packs", "executors.messages", "executors.tree",
               "ingest.composing", "ingest.log", "ingest.naming", "ingest.suites", "readable",
               "reads"}),
    frozenset({"bundles.zips", "config_checks", "ingest.benchmark",
               "ingest.junit", "inputs", "modes", "process", "store", "values"}),
    frozenset({"citable", "composer", "guardrails", "standing", "config", "findings", "frozen",
               "ingest.imports", "judging", "receiving"}),
    frozenset({"baselines"}),
    frozenset({"bundles.reading", "remote", "selector_evidence", "vouching"}),
    frozenset({"bundles.merging", "bundles.writing", "evidence", "exchange", "exports.badges",
               "exports.benchmark",
               "exports.env_snapshot", "exports.junit", "exports.readings",
               "exports.runtime_profile", "runner"}),
    frozenset({"citations", "executors.work", "exports.ci_notes", "exports.csv_table",
               "exports.summary", "installation", "marked", "prose", "report", "sides"}),
    frozenset({"cli.completion", "comparison", "ensure", "executors.fanout", "exports",
               "exports.hub", "nodes", "page_source", "shown_records", "telling"}),
    frozenset({"builder", "citing", "cli.console", "cli.pages", "cli.parsing", "cli.project",
               "garbage", "executors.on_dask", "headings", "indices", "tables", "tooltips"}),
    frozenset({"cli.diff", "cli.doctor", "cli.elsewhere", "cli.explain", "cli.export",
               "cli.freeze", "cli.gc", "cli.github", "cli.import_", "cli.init", "cli.lint",
               "cli.list_", "cli.merge", "cli.publish", "cli.show", "cli.status", "cli.sync",
               "cli.verify",
               "directives.base", "roles"}),
    frozenset({"cli.check", "cli.run", "directives.artifact_figure", "directives.compare",
               "directives.environment", "directives.finding", "directives.guardrails",
               "directives.history", "directives.ledger", "directives.machines",
               "directives.metrics",
               "directives.output", "directives.runtime", "directives.selector",
               "directives.stages"}),
    frozenset({"cli", "directives"}),
    frozenset({"__main__", "cli.__main__", "domain"}),
    frozenset({"publishing"}),
    frozenset({"session"}),
    frozenset({"extension"}),
)  # fmt: skip
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
SPHINX_LAYER = frozenset(
    {"builder", "catalogue", "citing", "directives", "domain", "extension", "heads", "headings",
     "indices", "nodes", "pictures", "publishing", "roles", "session", "tables", "tooltips"}
)  # fmt: skip

#: Imports that wait for a call, and so may point upwards: the entry point, and the registry.
LATE = {("__init__", "extension")}


def name_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1]) if parts[-1] == "__init__" and len(parts) > 1 else ".".join(parts)


MODULES = {name_of(file): file for file in sorted(PACKAGE.rglob("*.py"))}


def imports_of(module: str, source: str) -> set[str]:
    """Return the modules of the package that `source` imports, but for type checkers."""
    package = module.split(".") if module in PACKAGES else module.split(".")[:-1]
    found: set[str] = set()
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = package[: len(package) - node.level + 1] if module != "__init__" else []
        path = [*base, *(node.module.split(".") if node.module else [])]
        for alias in node.names:
            full = ".".join([*path, alias.name])
            found.add(full if full in MODULES else ".".join(path) or "__init__")
    return found


PACKAGES = {name for name, file in MODULES.items() if file.name == "__init__.py"}


def test_every_module_has_a_floor():
    assert set(MODULES) == set(FLOOR)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_only_from_floors_below(module):
    wanted = imports_of(module, MODULES[module].read_text(encoding="utf-8"))
    upward = {
        other
        for other in wanted
        if FLOOR[other] >= FLOOR[module] and (module, other) not in LATE
    }  # fmt: skip
    assert not upward, f"{module} (floor {FLOOR[module]}) imports {sorted(upward)}"


def test_no_imports_form_a_cycle():
    graph = {
        module: {
            other
            for other in imports_of(module, file.read_text(encoding="utf-8"))
            if (module, other) not in LATE
        }
        for module, file in MODULES.items()
    }
    done: set[str] = set()
    while len(done) < len(graph):
        ready = {module for module, needs in graph.items() if needs <= done} - done
        assert ready, f"a cycle among {sorted(set(graph) - done)}"
        done |= ready


def test_the_floors_test_can_fail():
    assert imports_of("errors", "from .record import NAME") == {"record"}
    assert imports_of("directives.base", "from ..citing import Citing\nfrom . import x") == {
        "citing",
        "directives",
    }
    assert imports_of("cli", "def f():\n    from .run import x") == {"cli.run"}
    assert imports_of("errors", "if TYPE_CHECKING:\n    from .record import NAME") == set()
    assert FLOOR["record"] > FLOOR["errors"]


@pytest.mark.parametrize(
    "module", sorted(m for m in MODULES if m.split(".")[0] not in {*SPHINX_LAYER, "__main__"})
)
def test_no_module_below_the_sphinx_layer_names_sphinx(module):
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        for name in names:
            assert name.split(".")[0] not in {"docutils", "myst_parser"}
            assert name.split(".")[0] != "sphinx" or module == "__init__"


def loaded_after(code: str, names: tuple[str, ...]) -> list[str]:
    report = f"{code}\nimport sys\nprint([n for n in {names!r} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", report], capture_output=True, text=True, check=True, timeout=60
    )
    return list(ast.literal_eval(done.stdout.splitlines()[-1]))


SETUP = """
import sphinx_ptyreg
from pathlib import Path
from tempfile import mkdtemp
from sphinx.application import Sphinx
import logging
folder = Path(mkdtemp())
(folder / "conf.py").write_text("")
(folder / "pyproject.toml").write_text("[tool.ptyreg]")
(folder / "index.rst").write_text("P\\n=\\n")
app = Sphinx(folder, folder, folder / "o", folder / "d", "dummy", status=None, warning=None,
             confoverrides={"extensions": ["sphinx_ptyreg"]})
app.build()
"""


def test_import_setup_and_a_build_that_replays_load_nothing_heavy():
    assert loaded_after(SETUP, HEAVY) == []


@pytest.mark.parametrize("name", ["pytest", "psutil", "filelock", "numpy"])
def test_the_test_of_lightness_can_fail(name):
    pytest.importorskip(name)
    assert name in loaded_after(f"{SETUP}\nimport {name}", HEAVY)


def test_importing_the_package_loads_no_sphinx():
    assert loaded_after("import sphinx_ptyreg", ("sphinx", "docutils", "msgspec")) == []


def test_everything_below_the_sphinx_layer_loads_without_sphinx():
    below = [
        f"sphinx_ptyreg.{m}"
        for m in MODULES
        if m.split(".")[0] not in {*SPHINX_LAYER, "child", "__main__", "__init__"}
        and not m.endswith("__main__")
    ]
    code = f"import importlib\nfor m in {below!r}: importlib.import_module(m)"
    assert loaded_after(code, ("sphinx", "docutils", *HEAVY)) == []
    assert loaded_after(f"{code}\nimport docutils", ("sphinx", "docutils")) == ["docutils"]


def test_the_plugin_needs_only_pytest_and_the_standard_library():
    tree = ast.parse(MODULES["child.ptyreg"].read_text(encoding="utf-8"))
    roots = {
        (alias.name if isinstance(node, ast.Import) else node.module or "").split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
        if not (isinstance(node, ast.ImportFrom) and node.level)
    }
    assert roots <= sys.stdlib_module_names | {"pytest", "__future__"}
    assert "pytest" in roots


def test_no_module_is_longer_than_it_may_be():
    lines = {
        name: len(file.read_text(encoding="utf-8").splitlines()) for name, file in MODULES.items()
    }
    assert sorted(lines.values())[len(lines) // 2] <= 120
    assert {name: n for name, n in lines.items() if n > 300} == {}

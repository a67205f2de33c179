"""The declaration: what is accepted, and what is refused with file and key."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from packaging.requirements import Requirement

from sphinx_ptyreg import config
from sphinx_ptyreg.config import find_root, load
from sphinx_ptyreg.config_checks import _SIMPLE
from sphinx_ptyreg.declared import Mode
from sphinx_ptyreg.errors import ConfigError, PtyregError, UnknownNameError

GOOD = '[tool.ptyreg.selectors.x]\nnodeids = ["t.py"]\n'


@pytest.fixture
def refusal(bare):
    def refuse(toml: str) -> str:
        bare.write("pyproject.toml", toml)
        with pytest.raises(ConfigError) as caught:
            load(bare.root)
        assert caught.value.exit_code == 2
        return str(caught.value)

    return refuse


@pytest.mark.parametrize(
    ("toml", "place", "problem"),
    [
        ("[tool.ptyreg]\nmdoe = 'auto'", "tool.ptyreg.mdoe", "Did you mean mode?"),
        ("[tool.ptyreg]\nselector = {}", "tool.ptyreg.selector", "Did you mean selectors"),
        (GOOD + "nodeid = []", "tool.ptyreg.selectors.x.nodeid", "Did you mean nodeids?"),
        (GOOD + "name = 'x'", "tool.ptyreg.selectors.x.name", "Expected a known key"),
        (
            GOOD + "[tool.ptyreg.selectors.x.guardrails.duration]\nmaximum = '1 s'",
            "tool.ptyreg.selectors.x.guardrails.duration.maximum",
            "Did you mean minimum?",
        ),
        (
            "[tool.ptyreg.findings.F-1]\ntitel = 'a'\nrule = 'b'",
            "tool.ptyreg.findings.F-1.titel",
            "Did you mean title?",
        ),
    ],
)
def test_an_unknown_key_is_named_with_its_place_and_the_close_ones(refusal, toml, place, problem):
    text = refusal(toml)
    assert text.startswith(f"pyproject.toml, {place}: Expected ")
    assert problem in text


@pytest.mark.parametrize(
    ("toml", "place"),
    [
        ("[tool.ptyreg]\nmode = 3", "tool.ptyreg.mode"),
        ("[tool.ptyreg]\nmode = 'rerun'", "tool.ptyreg.mode"),
        ("[tool.ptyreg]\nstore = 3", "tool.ptyreg.store"),
        ("[tool.ptyreg]\nselectors = 3", "tool.ptyreg.selectors"),
        ("[tool.ptyreg]\nselectors = []", "tool.ptyreg.selectors"),
        ("[tool.ptyreg.selectors]\nx = 'y'", "tool.ptyreg.selectors.x"),
        ("[tool.ptyreg.selectors.x]\nnodeids = 't.py'", "tool.ptyreg.selectors.x.nodeids"),
        ("[tool.ptyreg.selectors.x]\nnodeids = [1]", "tool.ptyreg.selectors.x.nodeids"),
        (GOOD + "timeout = 'long'", "tool.ptyreg.selectors.x.timeout"),
        (GOOD + "retries = 1.5", "tool.ptyreg.selectors.x.retries"),
        (GOOD + "env = { A = 1 }", "tool.ptyreg.selectors.x.env"),
        (GOOD + "guardrails = 1", "tool.ptyreg.selectors.x.guardrails"),
        (
            GOOD + "[tool.ptyreg.selectors.x.guardrails.m]\nfail = 90",
            "tool.ptyreg.selectors.x.guardrails.m.fail",
        ),
        ("[tool.ptyreg.findings.F-1]\nrule = 'b'\nrequires = 'a'", "tool.ptyreg.findings.F-1"),
        (
            "[tool.ptyreg.findings.F-1]\ntitle = 1\nrule = 'b'\nrequires = 'a'",
            "tool.ptyreg.findings.F-1.title",
        ),
    ],
)
def test_a_wrong_type_is_named_with_the_whole_key(refusal, toml, place):
    text = refusal(toml)
    assert re.match(rf"pyproject\.toml, {re.escape(place)}(\[0\])?: ", text)
    assert ": Expected " in text
    assert "but" in text


def test_a_wrong_type_is_told_in_the_words_of_a_toml_file(refusal):
    place = "pyproject.toml, tool.ptyreg.selectors.x"
    told = refusal(GOOD + "timeout = 'long'").rstrip()
    assert told == f"{place}.timeout: Expected a number, but got text in quotes."
    told = refusal("[tool.ptyreg.selectors.x]\nnodeids = 't.py'").rstrip()
    assert told == f"{place}.nodeids: Expected a list, but got text in quotes."


@pytest.mark.parametrize("kind", ["selectors", "findings"])
@pytest.mark.parametrize("name", ["1x", "a.b", "a b", "a:b", "ä", "-x", "", "a/b", "../x"])
def test_a_name_that_no_path_can_spell_is_refused(refusal, kind, name):
    text = refusal(f'[tool.ptyreg.{kind}."{name}"]\nnodeids = ["t.py"]')
    assert text.startswith(f"pyproject.toml, tool.ptyreg.{kind}: Expected names of letters")
    assert repr(name) in text


@pytest.mark.parametrize(
    ("toml", "place"),
    [
        ("[tool.ptyreg.selectors.x]", "selectors.x"),
        (GOOD + "markers = 'slow'", "selectors.x"),
        (GOOD.replace("t.py", "/etc/t.py"), "selectors.x.nodeids"),
        (GOOD.replace("t.py", "../t.py"), "selectors.x.nodeids"),
        (GOOD.replace("t.py", "-k evil"), "selectors.x.nodeids"),
        (GOOD.replace("t.py", ""), "selectors.x.nodeids"),
        (GOOD.replace("t.py", "::test"), "selectors.x.nodeids"),
        (GOOD.replace("t.py", "t\\u0000.py"), "selectors.x.nodeids"),
        (GOOD + "inputs = ['/etc/*']", "selectors.x.inputs"),
        (GOOD + "inputs = ['../secret/*']", "selectors.x.inputs"),
        (GOOD + "inputs = ['']", "selectors.x.inputs"),
        (GOOD + 'inputs = ["a\\u0000"]', "selectors.x.inputs"),
        (GOOD + "ignore = ['/etc/*']", "selectors.x.ignore"),
        (GOOD + "env = { '' = 'x' }", "selectors.x.env"),
        (GOOD + "env = { 'A=B' = 'x' }", "selectors.x.env"),
        (GOOD + 'env = { A = "x\\u0000" }', "selectors.x.env"),
        (GOOD + "timeout = 0", "selectors.x.timeout"),
        (GOOD + "timeout = nan", "selectors.x.timeout"),
        (GOOD + "timeout = inf", "selectors.x.timeout"),
        (GOOD + "repeats = 0", "selectors.x.repeats"),
        (GOOD + "retries = -1", "selectors.x.retries"),
        (GOOD + "warmup = -1", "selectors.x.warmup"),
        (GOOD + "requires = ['torch >= ']", "selectors.x.requires"),
        (
            GOOD + "guardrails.duration = { fail = '90 parsec' }",
            "selectors.x.guardrails.duration.fail",
        ),
        (GOOD + "guardrails.duration = { fail = 'soon' }", "selectors.x.guardrails.duration.fail"),
        (
            GOOD + "guardrails.duration = { fail = '1e999 s' }",
            "selectors.x.guardrails.duration.fail",
        ),
        (
            GOOD + "guardrails.duration = { fail = '9 s', warn = '6 MiB' }",
            "selectors.x.guardrails.duration",
        ),
        (
            GOOD + "guardrails.duration = { baseline = 'published' }",
            "selectors.x.guardrails.duration",
        ),
        (
            GOOD + "guardrails.duration = { baseline = '9 s', tolerance = '5 %' }",
            "selectors.x.guardrails.duration.baseline",
        ),
        ("[tool.ptyreg.findings.F]\ntitle = 'a'\nrule = 'b'", "findings.F"),
        (
            "[tool.ptyreg.findings.F]\ntitle = 'a'\nrule = 'b'\nrequires = 'a'\nnodeids = ['b']",
            "findings.F",
        ),
        (
            "[tool.ptyreg.findings.F]\ntitle = 'a'\nrule = 'b'\nrequires = '!'",
            "findings.F.requires",
        ),
        ("[tool.ptyreg]\nstore = ''", "store"),
        ("[tool.ptyreg]\npublished = ''", "published"),
        ("[tool.ptyreg]\nstore = 'x'\npublished = 'x'", "published"),
        (GOOD + "aliases = ['y']\n[tool.ptyreg.selectors.y]\nmarkers = 'm'", "selectors.x.aliases"),
        (
            GOOD + "aliases = ['old']\n[tool.ptyreg.selectors.y]\nmarkers = 'm'\naliases = ['old']",
            "selectors.y.aliases",
        ),
        (GOOD + "machine_class = 'a b'", "selectors.x.machine_class"),
    ],
)
def test_what_cannot_work_is_refused_at_its_key(refusal, toml, place):
    text = refusal(toml)
    assert text.startswith(f"pyproject.toml, tool.ptyreg.{place}")
    assert ": Expected " in text


@given(text=st.from_regex(_SIMPLE, fullmatch=True))
def test_what_is_taken_for_a_requirement_at_a_glance_is_one(text):
    assert Requirement(text)


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[tool.ptyreg", "Expected valid TOML"),
        ("a = 1\na = 2", "Expected valid TOML"),
        ("", "Expected a [tool.ptyreg] table"),
        ("[tool]", "Expected a [tool.ptyreg] table"),
        ("tool = 1", "Expected a [tool.ptyreg] table"),
        ("[tool]\nptyreg = 1", "Expected a [tool.ptyreg] table"),
    ],
)
def test_a_file_without_the_table_says_what_was_expected(refusal, toml, words):
    text = refusal(toml)
    assert words in text
    assert text.startswith("pyproject.toml: ")


def test_a_file_that_is_no_text_is_refused(bare):
    bare.write("pyproject.toml", b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="Expected valid TOML"):
        load(bare.root)


def test_no_file_at_all_is_told(bare):
    with pytest.raises(ConfigError, match="Expected the file to exist"):
        load(bare.root)


def test_the_smallest_declaration_has_sensible_defaults(bare):
    bare.write("pyproject.toml", GOOD)
    project = load(bare.root)
    assert project.mode is Mode.AUTO
    assert project.store == bare.root / ".ptyreg"
    assert project.published == bare.root / "docs/evidence"
    assert project.selectors["x"].name == "x"
    assert project.selectors["x"].repeats == 1


def test_an_alias_finds_its_selector_and_a_stranger_gets_the_close_names(bare):
    bare.write(
        "pyproject.toml", GOOD + "aliases = ['old-x']\n[tool.ptyreg.selectors.quick]\nmarkers = 'm'"
    )
    project = load(bare.root)
    assert project.selector("old-x").name == "x"
    with pytest.raises(UnknownNameError, match=r"but got 'quikc'\. Did you mean quick\?"):
        project.selector("quikc")


def test_titles_and_thresholds_decide_nothing_about_a_run(bare):
    def declaration(more):
        bare.write("pyproject.toml", GOOD + more)
        return load(bare.root).selectors["x"].declaration

    plain = declaration("")
    assert declaration("title = 'T'\nguardrails.duration = { fail = '9 s' }\ntimeout = 9") == plain
    assert declaration("env = { A = '1' }") != plain
    assert declaration("inputs = ['a']") != plain


keys = st.sampled_from(
    ["mode", "store", "published", "selectors", "findings", "x", "nodeids", "markers", "env",
     "timeout", "guardrails", "duration", "fail", "title", "rule", "requires", "inputs", "aliases",
     "tolerance", "baseline", "repeats"]
)  # fmt: skip
leaves = st.one_of(
    st.text("ab1 %/*.-:s", max_size=5), st.integers(-2, 9), st.booleans(), st.floats(),
    st.lists(st.text("ab*/.", max_size=3) | st.integers(), max_size=2),
)  # fmt: skip
tables = st.recursive(
    st.dictionaries(keys, leaves, max_size=3),
    lambda inner: st.dictionaries(keys, inner | leaves, max_size=3),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=tables)
def test_any_table_is_a_project_or_one_sentence_with_a_place(bare, monkeypatch, data):
    monkeypatch.setattr(config, "_tool", lambda _: {"ptyreg": data})
    try:
        load(bare.root)
    except PtyregError as error:
        assert re.match(r"pyproject\.toml, tool\.ptyreg", str(error))  # noqa: PT017
        assert "\n" not in str(error)  # noqa: PT017


def test_the_root_is_found_from_docs_below_it(bare):
    bare.write("pyproject.toml", GOOD)
    (bare.root / "docs/source/deep").mkdir(parents=True)
    for start in (".", "docs", "docs/source", "docs/source/deep"):
        assert find_root(bare.root / start) == bare.root


def test_a_pyproject_without_the_table_is_passed_over(bare):
    bare.write("pyproject.toml", GOOD)
    bare.write("docs/pyproject.toml", "[tool.black]\n")
    assert find_root(bare.root / "docs") == bare.root


def test_in_a_monorepo_each_project_is_its_own_root(bare):
    (bare.root / ".git").mkdir()
    for name in ("one", "two"):
        bare.write(f"{name}/pyproject.toml", GOOD)
        (bare.root / name / "docs").mkdir()
        assert find_root(bare.root / name / "docs") == bare.root / name


def test_in_a_src_layout_the_root_is_above_src(bare):
    bare.write("pyproject.toml", GOOD)
    (bare.root / "src/pkg/docs").mkdir(parents=True)
    assert find_root(bare.root / "src/pkg/docs") == bare.root


@pytest.mark.parametrize("mark", [".git", ".hg"])
def test_the_search_ends_at_the_root_of_the_checkout(bare, mark):
    bare.write("pyproject.toml", GOOD)
    (bare.root / "inner" / mark).mkdir(parents=True)
    (bare.root / "inner/docs").mkdir()
    with pytest.raises(ConfigError, match=r"Expected a \[tool.ptyreg\] table here or in a parent"):
        find_root(bare.root / "inner/docs")


def test_a_worktree_has_a_git_file_and_ends_the_search_too(bare):
    bare.write("pyproject.toml", GOOD)
    bare.write("inner/.git", "gitdir: elsewhere")
    with pytest.raises(ConfigError):
        find_root(bare.root / "inner")


def test_the_search_ends_at_home(bare, monkeypatch):
    bare.write("pyproject.toml", GOOD)
    home = bare.root / "home"
    (home / "docs").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    with pytest.raises(ConfigError):
        find_root(home / "docs")


def test_the_error_of_a_project_without_a_table_says_how_to_begin(bare):
    (bare.root / ".git").mkdir()
    with pytest.raises(ConfigError, match=r"Declare a selector: \[tool\.ptyreg\.selectors\.NAME\]"):
        find_root(bare.root)


def test_a_broken_pyproject_on_the_way_up_is_named(bare):
    bare.write("pyproject.toml", "tool = 1")
    (bare.root / ".git").mkdir()
    with pytest.raises(ConfigError):
        find_root(bare.root)


@pytest.mark.parametrize(
    ("conf", "docs"),
    [("docs", "docs"), (".", "docs"), ("docs/source", "docs/source")],
    ids=["docs/conf.py", "conf.py with -c .", "docs/source/conf.py"],
)
def test_a_build_finds_the_root_from_where_conf_py_lies(project, conf, docs):
    for old in (project.root / "docs").iterdir():
        old.unlink()
    project.write(f"{conf}/conf.py", 'extensions = ["sphinx_ptyreg"]\n')
    project.write(f"{docs}/index.rst", "Page\n====\n\n:ptyreg:value:`quick.metrics.answer`\n")
    project.seed()
    built = project.build("dummy", docs=docs, confdir=conf)
    assert built.status == 0
    assert "42.0 dB" in built.text()


def test_ptyreg_root_is_relative_to_conf_py(project):
    inner = project.root / "elsewhere"
    inner.mkdir()
    for name in ("pyproject.toml", "src.py", "tests"):
        (project.root / name).rename(inner / name)
    text = (project.root / "docs/conf.py").read_text()
    project.write("docs/conf.py", text + 'ptyreg_root = "../elsewhere"\n')
    project.write("docs/index.md", "# P\n\n{ptyreg:value}`quick.title`\n")
    built = project.build("dummy")
    assert built.status == 0
    assert "A quick test" in built.text()

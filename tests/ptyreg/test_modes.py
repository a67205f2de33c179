"""Which mode a build runs in."""

from __future__ import annotations

import itertools

import pytest

from sphinx_ptyreg.declared import Mode
from sphinx_ptyreg.errors import ConfigError
from sphinx_ptyreg.evidence import Evidence
from sphinx_ptyreg.modes import CHECK_BUILDERS, decide


def mode(override=None, env=None, conf=None, project="auto", builder="html", **environ):
    if env is not None:
        environ["PTYREG_MODE"] = env
    return decide(
        override=override, conf=conf, project=Mode(project), environ=environ, builder=builder
    )


MODES = [m.value for m in Mode]


@pytest.mark.parametrize(("high", "low"), list(itertools.permutations(MODES, 2)))
def test_each_place_outranks_the_next(high, low):
    assert mode(override=high, env=low).mode == high
    assert mode(env=high, conf=low).mode == high
    assert mode(conf=high, project=low).mode == high
    assert mode(override=high, env=low, conf=low, project=low).source == "-D ptyreg_mode"
    assert mode(env=high, conf=low).source == "PTYREG_MODE"


def test_nothing_said_is_auto():
    assert mode() == (Mode.AUTO, "pyproject.toml")


def test_an_empty_variable_says_nothing():
    assert mode(env="", conf="replay", PTYREG_MAX_MODE="").mode is Mode.REPLAY


@pytest.mark.parametrize("wanted", MODES)
@pytest.mark.parametrize("place", ["override", "env", "conf", "project"])
@pytest.mark.parametrize("ceiling", MODES)
def test_nothing_runs_more_than_the_ceiling(wanted, place, ceiling):
    assert mode(**{place: wanted}, PTYREG_MAX_MODE=ceiling).mode.runs <= Mode(ceiling).runs


@pytest.mark.parametrize("wanted", ["auto", "force"])
def test_read_the_docs_replays_whatever_is_asked(wanted):
    effective = mode(override=wanted, READTHEDOCS="True")
    assert effective.mode is Mode.REPLAY
    assert "Read the Docs" in effective.source
    assert "-D ptyreg_mode" in effective.source


def test_a_ceiling_above_read_the_docs_does_not_raise_it():
    assert mode(override="force", READTHEDOCS="True", PTYREG_MAX_MODE="force").mode is Mode.REPLAY


@pytest.mark.parametrize("builder", sorted(CHECK_BUILDERS))
@pytest.mark.parametrize("wanted", MODES)
def test_builders_that_only_look_replay(builder, wanted):
    assert mode(override=wanted, builder=builder).mode is Mode.REPLAY


def test_the_builders_that_only_look_are_these():
    assert {"gettext", "linkcheck", "doctest", "coverage", "dummy"} == CHECK_BUILDERS


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ({"override": "rerplay"}, "-D ptyreg_mode"),
        ({"env": "rerplay"}, "PTYREG_MODE"),
        ({"conf": "rerplay"}, "conf.py, ptyreg_mode"),
        ({"PTYREG_MAX_MODE": "rerplay"}, "PTYREG_MAX_MODE"),
    ],
)
def test_a_bad_mode_is_named_with_its_place_and_the_close_one(said, place):
    with pytest.raises(ConfigError) as caught:
        mode(**said)
    assert str(caught.value) == (
        f"{place}: Expected one of auto, replay, require, force, but got 'rerplay'. "
        "Did you mean replay?"
    )


@pytest.mark.parametrize("said", [5, True, ["auto"], None.__class__, ""])
def test_a_mode_that_is_no_text_is_refused_too(said):
    with pytest.raises(ConfigError, match=r"^conf\.py, ptyreg_mode: Expected one of"):
        mode(conf=said)


def test_a_declared_machine_class_is_preferred_and_required(project):
    declared = '[tool.ptyreg.selectors.quick]\nnodeids = ["tests/test_quick.py"]\n'
    project.write("pyproject.toml", declared + 'machine_class = "gpu-node"\n')
    project.seed(machine_class="gpu-node", started="2026-03-01T00:00:00.000000Z")
    project.seed(machine_class="laptop", started="2026-03-02T00:00:00.000000Z")
    evidence = Evidence(project.load(), project.store)
    assert evidence.selector("quick").machine_class == "gpu-node"
    assert list(evidence.unfit_for_release()) == []
    project.write("pyproject.toml", declared + 'machine_class = "cluster"\n')
    evidence = Evidence(project.load(), project.store)
    assert evidence.selector("quick").machine_class == "laptop"
    [notice] = evidence.unfit_for_release()
    assert notice.text == "measured on laptop, but cluster is declared"

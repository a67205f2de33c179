"""The reference names everything that there is, and its examples work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sphinx_ptyreg.declared import Finding, Guardrail, Selector
from sphinx_ptyreg.directives import DIRECTIVES
from sphinx_ptyreg.directives.options import TableOptions
from sphinx_ptyreg.errors import WarningSubtype
from sphinx_ptyreg.judging import Verdict
from sphinx_ptyreg.objects import CONFIG_VALUES, KINDS
from sphinx_ptyreg.report import report
from sphinx_ptyreg.roles import ROLES
from sphinx_ptyreg.units import dimension, known_units
from sphinx_ptyreg.values import DECIMALS

REFERENCE = Path(__file__).parents[2] / "docs" / "reference.md"
TEXT = REFERENCE.read_text(encoding="utf-8")
_SECTION = re.compile(r"^#### `\{ptyreg:([\w-]+)\}.*?`\n(.*?)(?=^#)", re.DOTALL | re.MULTILINE)
_OPTION = re.compile(r"^\| `([\w-]+)` \| (.*) \|$", re.MULTILINE)
SECTIONS = dict(_SECTION.findall(TEXT))


@pytest.mark.parametrize("name", sorted(DIRECTIVES))
def test_each_directive_and_option_has_its_help_in_the_reference(name):
    section, spec = SECTIONS[name], DIRECTIVES[name].option_spec
    documented = dict(_OPTION.findall(section))
    common = {"class", *(TableOptions.common if isinstance(spec, TableOptions) else ())}
    assert documented == {key: told for key, told in spec.help.items() if key not in common}


def test_what_every_table_takes_is_told_once():
    part = TEXT[TEXT.index("### Directives") : TEXT.index("#### `{ptyreg:selector}")]
    told = {key: option.help for key, option in TableOptions.common.items()}
    assert dict(_OPTION.findall(part)) == told


def test_no_directive_is_told_that_does_not_exist():
    assert set(SECTIONS) == set(DIRECTIVES)


@pytest.mark.parametrize("name", sorted(ROLES))
def test_each_role_is_told(name):
    assert f"{{ptyreg:{name}}}" in TEXT


@pytest.mark.parametrize("name", sorted(CONFIG_VALUES))
def test_each_configuration_value_is_told_with_its_default(name):
    default = CONFIG_VALUES[name][0]
    shown = f'"{default}"' if isinstance(default, str) else repr(default)
    assert f"| `{name}` | `{shown}` |" in TEXT


@pytest.mark.parametrize("subtype", list(WarningSubtype))
def test_each_warning_is_told(subtype):
    assert f"| `ptyreg.{subtype}` |" in TEXT


@pytest.mark.parametrize("table", [Selector, Guardrail, Finding])
def test_each_key_of_the_declaration_is_told(table):
    part = TEXT[TEXT.index("## In pyproject.toml") : TEXT.index("## In conf.py")]
    for key in table.__struct_fields__:
        assert key in {"name", "id"} or re.search(rf"`{key}\b", part), key


def test_each_field_of_the_report_is_told(seeded):
    from sphinx_ptyreg.config import load
    from sphinx_ptyreg.evidence import Evidence

    evidence = Evidence(load(seeded.root), seeded.store)
    made = evidence.claim_made("index", 1, "quick.duration < 90 s")
    part = TEXT[TEXT.index("## The builder ptyreg") : TEXT.index("## Looks")]

    def keys(value):
        if isinstance(value, list):
            for item in value:
                yield from keys(item)
        elif isinstance(value, dict):
            for key, inner in value.items():
                yield key
                if key != "values":
                    yield from keys(inner)

    for key in set(keys(report(evidence, "replay", [made]))):
        assert f"`{key}`" in part, key


@pytest.mark.parametrize("verdict", list(Verdict))
def test_each_verdict_of_a_claim_is_told(verdict):
    assert f"| *{verdict}* |" in TEXT


def test_each_kind_has_its_index_told():
    assert all(f"`ptyreg-{kind}s`" in TEXT for kind in KINDS)


def test_every_unit_is_told_with_what_it_measures():
    part = TEXT[TEXT.index("| measures | units |") : TEXT.index("A metric may have a unit")]
    told = {
        (unit, of)
        for of, units in re.findall(r"^\| (\w+) \| (`.*`) \|$", part, re.MULTILINE)
        for unit in re.findall(r"`([^`]+)`", units)
    }
    assert told == {(unit, dimension(unit)[0]) for unit in known_units()}


def test_the_decimals_of_each_unit_are_told():
    units = re.findall(r"`(\S+)`", re.search(r"^\| unit \| (`.*) \|$", TEXT, re.MULTILINE)[1])
    decimals = re.search(r"^\| decimals \| (.*) \|$", TEXT, re.MULTILINE)[1].split(" | ")
    assert dict(zip(units, map(int, decimals), strict=True)) == DECIMALS


def test_each_command_is_told():
    from sphinx_ptyreg.cli import COMMANDS

    for command in COMMANDS:
        assert f"| `ptyreg {command.NAME}" in TEXT, command.NAME


EXAMPLES = [
    (name, example)
    for name, section in SECTIONS.items()
    for example in re.findall(r"````md\n(.*?)````", section, re.DOTALL)
]


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_each_example_works(seeded, name, example):
    for there, here in (("torch-integration", "quick"), ("phase_psnr", "answer"),
                        ("reconstructed-phase", "object"), ("POLICY-001", "POLICY-1")):  # fmt: skip
        example = example.replace(there, here)
    links = "\n\n```{ptyreg:finding} POLICY-1\n```\n\n```{ptyreg:finding} SPEED-1\n```\n"
    quiet = {"suppress_warnings": ["ptyreg.missing"]}  # a table of all has what never ran
    text = example + ("" if name == "finding" else links)
    built = seeded.page(text, builder="html", overrides=quiet)
    assert built.warnings == ""
    assert any(css.startswith("ptyreg-") for css in re.findall(r'class="([\w-]+)', built.file()))


def test_every_directive_has_an_example():
    assert {name for name, _ in EXAMPLES} == set(DIRECTIVES)


def test_the_examples_of_claims_work(seeded):
    part = TEXT[TEXT.index("### Claims") : TEXT.index("```text", TEXT.index("### Claims"))]
    example = re.search(r"````md\n(.*?)````", part, re.DOTALL)[1]
    built = seeded.page(example.replace("torch-integration", "quick"), builder="html")
    assert built.warnings == ""
    assert len(built.spans("ptyreg-claim")) == 3

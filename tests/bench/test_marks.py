"""What a page shows says where it is from and that it is old, whatever shows it."""

from __future__ import annotations

import hashlib
import json

import msgspec
import pytest
from docutils import nodes

from sphinx_ptyreg.config import load
from sphinx_ptyreg.evidence import Evidence
from sphinx_ptyreg.exports import benchmark, env_snapshot
from sphinx_ptyreg.frozen import freeze
from sphinx_ptyreg.record import Citation, Inputs, Outcome

HERE = "linux-x86_64-test-2c"
LATER = "2026-05-04T05:06:07.000000Z"
FIGURE = "```{ptyreg:artifact-figure} quick.object\n```\n"
ENVIRONMENT = "```{{ptyreg:environment}} quick\n:short:\n{}```\n"


def imported(bench, selector="quick", machine_class="ci", **changes):
    """Keep what a log of another machine tells."""
    citation = Citation(file="a.log", line=3, excerpt="1 passed", sha256="a" * 64, kind="log")
    inputs = Inputs(declaration="batch", files={}, unseen=["imported"])
    record = bench.record(selector, **{"started": "2026-01-05T05:06:07.000000Z", **changes})
    record = msgspec.structs.replace(
        record, source="import", citation=citation, inputs=inputs, machine_class=machine_class
    )
    bench.store.received.add(record)


def below(built):
    found = built.doctree().findall(nodes.paragraph)
    return [node.astext() for node in found if "ptyreg-provenance" in node["classes"]]


def heads(built):
    [table] = built.doctree().findall(nodes.table)
    return [cell.astext() for cell in next(iter(table.findall(nodes.row)))]


# --- imports ------------------------------------------------------------------------------------


@pytest.fixture
def both(bench):
    """A run on ci, and an import that took that name before."""
    imported(bench)
    bench.seed(machine_class="ci")
    return bench


def test_a_column_of_an_import_is_told_as_one_below(both):
    built = both.page(ENVIRONMENT.format(""))
    assert heads(built) == ["fact", "ci", "ci (imported)"]
    [told] = below(built)
    assert told == (
        "Measured 2026-03-04 at a1b2c3d on ci; measured 2026-01-05 at a1b2c3d on ci, "
        "imported from a.log, line 3 (SHA-256 aaaaaaaaaaaa), stale."
    )


@pytest.mark.parametrize("directive", ["environment", "machines"])
def test_a_column_can_be_chosen_by_what_stands_above_it(both, directive):
    text = f"```{{ptyreg:{directive}}} quick\n:only: ci (imported) ci\n```\n"
    built = both.page(text)
    assert built.warnings == ""
    assert heads(built)[1:] == ["ci (imported)", "ci"]


@pytest.mark.parametrize("only", ["(imported)", "ci imported)", "ci (imported) (imported)", "c!"])
def test_what_is_no_machine_class_is_refused(both, only):
    built = both.page(f"```{{ptyreg:environment}} quick\n:only: {only}\n```\n")
    assert "Expected" in built.warnings


def test_the_snapshot_of_an_initiative_tells_them_apart(both):
    own = Evidence(load(both.root), both.store).selector("quick")
    lines = env_snapshot.written([own]).splitlines()
    assert [line for line in lines if line.startswith("[")] == [
        "[quick on ci]", "[quick on ci (imported)]",
    ]  # fmt: skip
    assert [line for line in lines if line.startswith("imported from")] == [
        "imported from: a.log, line 3 (SHA-256 aaaaaaaaaaaa)"
    ]


def test_a_benchmark_of_a_machine_holds_no_import_of_another_selector(bench):
    bench.seed(machine_class="ci")
    imported(bench, "slow")
    evidence = Evidence(load(bench.root), bench.store)
    files = benchmark.files(list(evidence.selectors.values()))
    told = {name: json.loads(data) for name, data in files.items()}
    assert {name: {b["group"] for b in file["benchmarks"]} for name, file in told.items()} == {
        "benchmark.json": {"quick"}, "benchmark-ci.imported.json": {"slow"},
    }  # fmt: skip
    classes = [file["machine_info"]["machine_class"] for file in told.values()]
    assert sorted(classes) == ["ci", "ci (imported)"]


# --- old evidence -------------------------------------------------------------------------------


def test_a_figure_says_where_it_is_from_and_that_it_is_old(bench):
    bench.seed(artifacts={"object": bench.picture()})
    built = bench.page(FIGURE, builder="html")
    assert below(built) == [f"Measured 2026-03-04 at a1b2c3d on {HERE}, n = 1."]
    bench.write("src.py", "ANSWER = 43\n")
    built = bench.as_fresh()
    assert built.read == ["index"]
    measured = f"Measured 2026-03-04 at a1b2c3d on {HERE}, n = 1"
    assert below(built) == [f"{measured} (stale)."]
    bench.seed(started=LATER, outcome=Outcome.FAILED, reason="because")
    assert below(bench.as_fresh()) == [f"{measured} (old: the latest run ended as failed)."]


@pytest.mark.parametrize("builder", ["latex", "text", "epub", "singlehtml", "man", "texinfo"])
@pytest.mark.parametrize("content", ["", "A caption.\n", "A caption.\n\nA legend.\n"])
def test_every_builder_writes_it_with_the_figure(bench, builder, content):
    bench.seed(artifacts={"object": bench.picture()})
    built = bench.page(FIGURE.replace("\n", f"\n\n{content}", 1), builder=builder)
    files = (f for f in built.out.rglob("*") if f.suffix in {".tex", ".txt", ".xhtml", ".html",
                                                             ".1", ".texi"})  # fmt: skip
    assert sum("Measured 2026" in file.read_text() for file in files) == 1


def test_a_stale_column_beside_a_fresh_one_says_so(bench):
    other = {"machine_class": "elsewhere", "started": "2026-01-05T05:06:07.000000Z"}
    bench.seed(**other, inputs=bench.older())
    bench.seed()
    built = bench.page(ENVIRONMENT.format(""), builder="html")
    [told] = below(built)
    assert told == (
        f"Measured 2026-03-04 at a1b2c3d on {HERE}; "
        "measured 2026-01-05 at a1b2c3d on elsewhere, stale."
    )


@pytest.mark.parametrize("directive", ["environment", "machines"])
def test_a_column_that_alone_becomes_stale_reads_its_page_again(bench, directive):
    extra = bench.write("extra.py", "1\n")
    inputs = bench.record().inputs
    digest = hashlib.sha256(extra.read_bytes()).hexdigest()
    wider = msgspec.structs.replace(inputs, files={**inputs.files, "extra.py": digest})
    bench.seed(machine_class="elsewhere", started="2026-01-05T05:06:07.000000Z", inputs=wider)
    bench.seed()
    built = bench.page(f"```{{ptyreg:{directive}}} quick\n```\n", builder="html")
    assert "stale" not in built.text()
    extra.write_text("2\n")
    built = bench.as_fresh()
    assert built.read == ["index"]
    assert built.text().count("stale") == 1


def test_a_release_that_is_switched_reads_comparisons_again(bench):
    bench.seed()
    kept = {"quick": [bench.record()]}
    for version, day in (("1.0", "10"), ("2.0", "11")):
        frozen = f"2026-03-{day}T05:06:07.000000Z"
        freeze(load(bench.root), bench.store, version, kept, frozen=frozen, commit=None)
    bench.write(
        "docs/index.md", "# P\n\n```{ptyreg:compare} quick\n:left: release\n:right: latest\n```\n"
    )
    told = {"1.0": "No earlier release is frozen", "2.0": "Release 1.0 keeps these very runs"}
    for version in ("1.0", "2.0", "1.0"):
        built = bench.as_fresh(overrides={"ptyreg_release": version})
        assert [text in built.text() for text in told.values()] == [v == version for v in told]


# --- what declared values tell ------------------------------------------------------------------

DECLARED = "{ptyreg:value}`never.timeout` {ptyreg:value}`never.title` {ptyreg:value}`quick.timeout`"


def test_what_is_declared_is_neither_missing_nor_stale(bench):
    bench.seed()
    built = bench.page(f"{DECLARED} {{ptyreg:value}}`quick.guardrails.duration.fail`\n")
    assert built.warnings == ""
    bench.write("src.py", "ANSWER = 43\n")
    assert bench.build("dummy").warnings == ""


def test_a_measured_value_behind_it_is_told_where_it_stands(bench):
    built = bench.page(f"{DECLARED}\n\n{{ptyreg:value}}`never.duration`\n")
    [told] = [line for line in built.warnings.splitlines() if "never: missing" in line]
    assert "index.md:5: WARNING" in told


# --- badges -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stale", "failed", "badges"),
    [
        (False, False, ["passed", "fresh"]), (True, False, ["passed", "stale"]),
        (True, True, ["failed", "stale"]), (False, True, ["failed", "old"]),
    ],
)  # fmt: skip
def test_badges_tell_of_the_measurement_behind_a_failure(bench, stale, failed, badges):
    bench.seed()
    if stale:
        bench.write("src.py", "ANSWER = 43\n")
    if failed:
        bench.seed(started=LATER, outcome=Outcome.FAILED, reason="because")
    built = bench.page("{ptyreg:status}`quick`\n")
    assert built.spans("ptyreg-badge") == badges


def test_without_a_measurement_a_failure_is_not_measured(bench):
    bench.seed(outcome=Outcome.FAILED, reason="because")
    built = bench.page("{ptyreg:status}`quick`\n")
    assert built.spans("ptyreg-badge") == ["failed", "not measured"]

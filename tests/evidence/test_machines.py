"""A column for each machine class, with age and gaps; nothing is mixed."""

from __future__ import annotations

import pytest
from docutils import nodes

from sphinx_ptyreg.record import Durations, Metric

pytestmark = pytest.mark.usefixtures("in_process")


@pytest.fixture
def three(project):
    """Two runs on a laptop, one on a GPU node, and a log of a CI job."""
    for number, seconds in enumerate((1.0, 2.0)):
        project.store.local.add(
            project.record(
                machine_class="laptop",
                started=f"2026-03-04T05:06:0{number}.000000Z",
                durations=Durations(duration=seconds, duration_call=None, wall=None),
            )
        )
    project.store.received.add(
        project.record(
            machine_class="gpu-node",
            started="2026-01-01T00:00:00.000000Z",
            metrics={"speed": Metric(value=9.0, unit="1/s")},
            durations=Durations(duration=0.25, duration_call=None, wall=None),
        )
    )
    log = project.write("ci/2025-10-19T122449Z.log", "1 passed in 35.86s\n")
    project.cli("import", "quick", str(log), "--class", "ci")
    return project  # fmt: skip


def table(built):
    """Return the cells of the only table, as text, by the first of each row."""
    [found] = built.app.env.get_doctree("index").findall(nodes.table)
    rows = [[cell.astext() for cell in row] for row in found.findall(nodes.row)]
    return {first: rest for first, *rest in rows}


def test_each_class_has_its_own_numbers_age_and_gaps(three, page):
    cells = table(page("```{ptyreg:machines} quick\n```"))
    assert cells["measured"] == ["laptop", "ci", "gpu-node"]
    assert cells["date"] == ["2026-03-04", "2025-10-19", "2026-01-01"]
    assert cells["duration"] == ["1.50 s", "35.86 s", "0.25 s"]
    assert cells["runs"] == ["2", "1", "1"]
    assert cells["freshness"] == ["fresh", "stale", "fresh"]
    assert cells["source"][0] == cells["source"][2] == "run"
    assert cells["source"][1].startswith("ci/2025-10-19T122449Z.log, line 1 (SHA-256 ")
    assert cells["metrics.speed"] == ["not measured", "not measured", "9 1/s"]


def test_a_class_that_was_never_measured_is_a_gap(three, page):
    cells = table(
        page("""
        ```{ptyreg:machines} quick
        :only: gpu-node tpu-node
        :metrics: duration
        ```
        """)
    )
    assert cells["measured"] == ["gpu-node", "tpu-node"]
    assert cells["duration"] == ["0.25 s", "not measured"]
    assert "metrics.answer" not in cells


def test_a_sample_set_is_of_one_class(three, page):
    built = page("{ptyreg:value}`quick.duration.n` {ptyreg:value}`quick.duration.max`")
    assert built.spans("ptyreg-value") == ["2", "2.00 s"]

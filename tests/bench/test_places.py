"""A live value in every place that a page has, in both markups; and what can be wrong."""

from __future__ import annotations

import msgspec
import pytest
from docutils import nodes

from sphinx_ptyreg.record import TestResult

BOTH = pytest.mark.parametrize("rst", [False, True], ids=["myst", "rst"])

MYST = """
## Takes {ptyreg:value}`quick.duration:.1f s` here

| a | b |
|---|---|
| x | {ptyreg:value}`quick.duration:.2f s` |

```{figure} /dot.png
:alt: a dot

A dot after {ptyreg:value}`quick.duration:.3f s`.
```

A note[^1].

[^1]: It took {ptyreg:value}`quick.duration:.4f s`.

:::{admonition} In {ptyreg:value}`quick.duration:.5f s`
It took {ptyreg:value}`quick.duration:.6f s`.
:::

```{include} part.txt
```

Substituted: {{ took }}

```{only} not never
Only {ptyreg:value}`quick.duration:.8f s`.
```

```{code-block} python
:caption: After {ptyreg:value}`quick.duration:.9f s`

x = 1
```

- in a list: {ptyreg:value}`quick.duration:.10f s`

> quoted: {ptyreg:value}`quick.duration:.11f s`
"""

RST = """
Takes :ptyreg:value:`quick.duration:.1f s` here
-----------------------------------------------

.. list-table::

   * - x
     - :ptyreg:value:`quick.duration:.2f s`

.. figure:: /dot.png
   :alt: a dot

   A dot after :ptyreg:value:`quick.duration:.3f s`.

A note [1]_.

.. [1] It took :ptyreg:value:`quick.duration:.4f s`.

.. admonition:: In :ptyreg:value:`quick.duration:.5f s`

   It took :ptyreg:value:`quick.duration:.6f s`.

.. include:: part.txt

.. |took| replace:: took :ptyreg:value:`quick.duration:.7f s`

Substituted: |took|

.. only:: not never

   Only :ptyreg:value:`quick.duration:.8f s`.

.. code-block:: python
   :caption: After :ptyreg:value:`quick.duration:.9f s`

   x = 1

- in a list: :ptyreg:value:`quick.duration:.10f s`

  quoted: :ptyreg:value:`quick.duration:.11f s`
"""


@pytest.fixture
def everywhere(seeded):
    """A page with a value in each place."""
    from pathlib import Path

    (Path(seeded.root) / "docs").mkdir(exist_ok=True)
    seeded.write("docs/dot.png", (seeded.root / "handed.png").read_bytes())

    def build(*, rst, builder="html"):
        role = ":ptyreg:value:" if rst else "{ptyreg:value}"
        seeded.write("docs/part.txt", f"Included {role}`quick.duration:.12f s`.\n")
        overrides = {"myst_substitutions": {"took": "took {ptyreg:value}`quick.duration:.7f s`"}}
        return seeded.page(RST if rst else MYST, rst=rst, builder=builder, overrides=overrides)

    return build


@BOTH
@pytest.mark.parametrize("builder", ["html", "latex", "text", "epub", "xml", "man", "texinfo"])
def test_a_value_stands_in_every_place(everywhere, rst, builder):
    built = everywhere(rst=rst, builder=builder)
    assert built.warnings == ""
    assert set(built.spans("ptyreg-value")) == {f"{36.0:.{digits}f} s" for digits in range(1, 13)}


@BOTH
def test_a_headings_id_does_not_depend_on_its_value(seeded, rst):
    role = ":ptyreg:value:" if rst else "{ptyreg:value}"
    title = f"Takes {role}`quick.duration:.1f s` here"
    alone = f"{role}`quick.metrics.answer`"
    if rst:
        text = f".. _mine:\n\n{title}\n{'-' * 60}\n\nx\n\n{alone}\n{'-' * 60}\n\nSee :ref:`mine`.\n"
    else:
        text = f"(mine)=\n## {title}\n\nx\n\n## {alone}\n\nSee {{ref}}`mine`.\n"

    def ids():
        built = seeded.page(text, rst=rst, builder="html")
        assert built.warnings == ""
        assert 'href="#mine"' in built.file() or 'href="#takes-here"' in built.file()
        sections = list(built.doctree().findall(nodes.section))[1:]
        return [section["ids"] for section in sections], built.text()

    before, shown = ids()
    assert "Takes 36.0 s here" in shown
    seeded.seed(started="2026-04-04T05:06:07.000000Z", duration=35.0)
    after, shown = ids()
    assert "Takes 35.0 s here" in shown
    assert before == after
    assert "takes-here" in before[0]
    assert "mine" in before[0]
    assert before[1][0] == "quick-metrics-answer"
    assert not any("36" in id_ or "42" in id_ for ids_ in before for id_ in ids_)


def test_myst_links_to_a_heading_with_a_value_by_its_slug(seeded):
    built = seeded.page(
        "## Takes {ptyreg:value}`quick.duration:.1f s` here\n\n[there](#takes--here)\n",
        builder="html",
    )
    assert built.warnings == ""


@BOTH
@pytest.mark.parametrize(
    ("text", "subtype", "words"),
    [
        ("qiuck.duration", "unknown", "Did you mean quick?"),
        ("quick.durashion", "unknown", "Did you mean quick.duration"),
        ("quick.duration:.1z", "format", "Expected a format that fits quick.duration"),
        ("quick.duration:.1f MiB", "format", "Expected a unit that s converts to (ns, µs, us, ms,"),
        ("quick.duration:.1f parsec", "format", "Expected a unit that s converts to (ns,"),
        ("quick.environment.blas", "unknown", "Cite quick.environment.package.blas or"),
        ("quick.properties.size", "unknown", "to mean one value, but got 2 that differ"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_citation_is_a_located_typed_warning(bench, rst, text, subtype, words):
    record = bench.record()
    inputs = msgspec.structs.replace(record.inputs, packages={"pytest": "9", "blas": "1.0"})
    result = record.tests[0]
    tests = [
        TestResult(nodeid=f"{result.nodeid}[{size}]", outcome=result.outcome, seconds=1.0,
                   properties={"size": size})
        for size in (3, 5)
    ]  # fmt: skip
    bench.seed(inputs=inputs, tests=tests)
    role = ":ptyreg:value:" if rst else "{ptyreg:value}"
    built = bench.page(f"First.\n\nIt is {role}`{text}` here.\n", rst=rst)
    line = 6 if rst else 5
    told = [line for line in built.warnings.splitlines() if "stale" not in line]
    assert len(told) == 1
    assert f"index.{'rst' if rst else 'md'}:{line}: WARNING: " in told[0]
    assert words in told[0]
    assert f"[ptyreg.{subtype}]" in told[0]
    assert built.spans("ptyreg-problem") == [f"⚠ {text}"]


def test_a_qualified_path_is_never_ambiguous(bench):
    record = bench.record()
    bench.seed(inputs=msgspec.structs.replace(record.inputs, packages={"blas": "1.0"}))
    built = bench.page(
        "{ptyreg:value}`quick.environment.package.blas` {ptyreg:value}`quick.environment.fact.blas`"
    )
    assert built.spans("ptyreg-value") == ["1.0", "openblas"]
    assert built.warnings == ""


def test_a_missing_record_is_told_at_each_page_and_appears_when_it_is_made(bench):
    bench.write("docs/other.md", "---\norphan: true\n---\n# Other\n\nNothing.\n")
    built = bench.page("First.\n\nIt is {ptyreg:value}`quick.duration`.\n", builder="html")
    assert (
        "index.md:5: WARNING: quick: missing: no run is recorded [ptyreg.missing]" in built.warnings
    )
    assert built.spans("ptyreg-value") == ["not measured"]
    bench.seed()
    built = bench.build("html")
    assert built.read == ["index"]
    assert built.spans("ptyreg-value") == ["36.00 s"]

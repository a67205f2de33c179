"""Objects that pages and other projects link to."""

from __future__ import annotations

import zlib

import pytest

BOTH = pytest.mark.parametrize("rst", [False, True], ids=["myst", "rst"])

CARDS = """
```{ptyreg:selector} quick
```
```{ptyreg:finding} POLICY-1
```
"""
LINKS = [
    ("ref", "quick"), ("ref", "POLICY-1"), ("selector", "quick"), ("selector", "swift"),
    ("metric", "quick.answer"), ("metric", "swift.answer"), ("guardrail", "quick.duration"),
    ("metric", "swift.metrics.answer"), ("guardrail", "quick.guardrails.duration"),
    ("finding", "POLICY-1"),
]  # fmt: skip


@pytest.fixture
def linked(seeded):
    """Cards in one page; the other is free."""
    seeded.write("docs/cards.md", "---\norphan: true\n---\n# Cards\n" + CARDS)
    return seeded


@BOTH
@pytest.mark.parametrize("builder", ["html", "singlehtml", "latex", "text"])
def test_every_kind_is_linked_by_name_and_by_alias(linked, rst, builder):
    roles = [f":ptyreg:{r}:`{t}`" if rst else f"{{ptyreg:{r}}}`{t}`" for r, t in LINKS]
    toc = "\n\n.. toctree::\n\n   cards\n" if rst else "\n\n```{toctree}\ncards\n```\n"
    built = linked.page(" ".join(roles) + toc, rst=rst, builder=builder)
    assert built.warnings == ""
    if builder == "html":
        assert built.file().count('href="cards.html#ptyreg-') == len(LINKS)


@BOTH
@pytest.mark.parametrize(
    ("role", "target", "words"),
    [
        ("selector", "qiuck", "by {ptyreg:selector}, but got 'qiuck'. Did you mean quick?"),
        ("metric", "quick.anwser", "Did you mean quick.answer"),
        ("guardrail", "quick.answr", "Did you mean quick.answer?"),
        ("finding", "POLICY-2", "by {ptyreg:finding}, but got 'POLICY-2'. Did you mean POLICY-1?"),
        ("ref", "quik", "by {ptyreg:selector} or {ptyreg:finding}, but got 'quik'. Did you mean"),
    ],
)  # fmt: skip
def test_an_unknown_target_is_a_located_typed_warning(linked, rst, role, target, words):
    text = f":ptyreg:{role}:`{target}`" if rst else f"{{ptyreg:{role}}}`{target}`"
    built = linked.page(f"First.\n\n{text}\n", rst=rst, builder="html")
    assert f"index.{'rst' if rst else 'md'}:{6 if rst else 5}: WARNING: Expected" in built.warnings
    assert words in built.warnings
    assert "[ptyreg.unknown]" in built.warnings


def test_any_finds_the_first_kind_that_has_the_name(linked):
    built = linked.page("{any}`POLICY-1` {any}`quick` {any}`quick.answer`\n", builder="html")
    assert built.warnings == ""
    assert 'href="cards.html#ptyreg-metric-' in built.file()


def test_other_projects_can_cite_every_object(linked):
    built = linked.page("Nothing.\n", builder="html")
    data = (built.out / "objects.inv").read_bytes()
    lines = zlib.decompress(data.split(b"zlib.\n", 1)[1]).decode().splitlines()
    ours = {line.split(" ")[0] + " " + line.split(" ")[1] for line in lines if "ptyreg:" in line}
    assert {
        "quick ptyreg:selector", "quick.answer ptyreg:metric", "quick.rate ptyreg:metric",
        "quick.duration ptyreg:guardrail", "quick.answer ptyreg:guardrail",
        "POLICY-1 ptyreg:finding",
    } == ours  # fmt: skip
    assert any("POLICY-1: pytest is needed" in line for line in lines)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("selectors", ["quick"]), ("metrics", ["answer", "rate"]),
        ("guardrails", ["answer", "duration"]), ("findings", ["POLICY-1"]),
    ],
)  # fmt: skip
def test_each_kind_has_an_index_page(linked, kind, names):
    built = linked.page(f"{{ref}}`ptyreg-{kind}`\n", builder="html")
    assert built.warnings == ""
    page = built.file(f"ptyreg-{kind}.html")
    for name in names:
        assert f">{name}<" in page
    assert 'href="cards.html#ptyreg-' in page


def test_a_project_without_cards_has_no_index_pages(seeded):
    built = seeded.page("{ptyreg:value}`quick.duration`\n", builder="html")
    assert not list(built.out.glob("ptyreg-*.html"))


def test_a_second_card_warns_and_no_index_makes_it_silent(linked):
    built = linked.page("```{ptyreg:selector} quick\n```\n", builder="html")
    assert "Expected selector quick to be defined once" in built.warnings
    assert "Give one of them :no-index:." in built.warnings
    built = linked.page("```{ptyreg:selector} quick\n:no-index:\n```\n", builder="html")
    assert built.warnings == ""


def test_a_page_that_goes_takes_its_objects_along(linked):
    linked.page("{ptyreg:ref}`quick`\n", builder="html")
    (linked.root / "docs/cards.md").unlink()
    linked.write("docs/index.md", "# Page\n\nStill {ptyreg:ref}`quick`\n")
    built = linked.build("html")
    assert "Expected the target to be defined" in built.warnings
    assert built.app.env.get_domain("ptyreg").objects == {}
    assert "cards" not in built.app.env.get_domain("ptyreg").citations


def test_one_changed_value_reads_exactly_the_pages_that_cite_it(seeded):
    cited = {
        "duration": "{ptyreg:value}`quick.duration`", "claim": "{ptyreg:claim}`quick.wall < 90 s`",
        "card": "```{ptyreg:selector} quick\n:no-index:\n```",
        "slow": "{ptyreg:value}`slow.duration`",
        "declared": "{ptyreg:value}`slow.timeout`", "plain": "It took 36 s.",
        "finding": "```{ptyreg:finding-status} SPEED-1\n```",
        "all": "```{ptyreg:ledger} quick\n```",
    }  # fmt: skip
    for name, text in cited.items():
        seeded.write(f"docs/{name}.md", f"---\norphan: true\n---\n# {name}\n\n{text}\n")
    first = seeded.page("```{ptyreg:finding} SPEED-1\n```\n", builder="html")
    assert len(first.read) == len(cited) + 1
    assert seeded.build("html").read == []
    seeded.seed(started="2026-05-04T05:06:07.000000Z", duration=37.0)
    assert sorted(seeded.build("html").read) == [
        "all", "card", "claim", "duration", "finding", "index",
    ]  # fmt: skip
    assert seeded.build("html").read == []
    seeded.seed("slow", started="2026-05-05T05:06:07.000000Z", duration=99.0)
    assert seeded.build("html").read == ["slow"]  # what is declared has not changed


def test_a_new_selector_is_listed_at_once(seeded):
    built = seeded.page("```{ptyreg:selectors}\n```\n", builder="html")
    assert "newcomer" not in built.text()
    file = seeded.root / "pyproject.toml"
    file.write_text(file.read_text() + '\n[tool.ptyreg.selectors.newcomer]\nmarkers = "x"\n')
    built = seeded.build("html")
    assert built.read == ["index"]
    assert "newcomer" in built.text()


def test_parallel_and_serial_reading_remember_the_same(seeded):
    for i in range(12):
        seeded.write(
            f"docs/p{i}.md",
            f"---\norphan: true\n---\n# P{i}\n\n{{ptyreg:value}}`quick.duration`\n\n"
            "{ptyreg:claim}`quick.duration < 90 s`\n",
        )
    seeded.write("docs/cards.md", "---\norphan: true\n---\n# Cards\n" + CARDS)
    data = []
    for jobs in (1, 4):
        built = seeded.page("{ptyreg:ref}`quick`\n", builder="html", parallel=jobs, out=f"j{jobs}")
        assert built.warnings == ""
        domain = built.app.env.get_domain("ptyreg")
        data.append({part: dict(sorted(domain.data[part].items())) for part in domain.initial_data})
    assert data[0] == data[1]

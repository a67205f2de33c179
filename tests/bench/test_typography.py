"""What a page looks like where a style sheet alone cannot decide it."""

from __future__ import annotations

import re
import struct
import zlib
from itertools import combinations

import pytest

from sphinx_ptyreg.plots.shapes import Label
from sphinx_ptyreg.plots.trend import Limit, Point, Trend, drawing

POINTS = [Point(20.0 + day, "a1b2c3d", str(day // 3), f"2026-03-0{day}") for day in range(1, 7)]


def box(label: Label, size: float) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of a label in letters of `size`."""
    width = 0.52 * size * len(label.text)
    left = label.x - {"start": 0.0, "middle": width / 2, "end": width}[label.anchor]
    return left, label.y - 0.72 * size, left + width, label.y


def wide(width: int) -> bytes:
    """Return a PNG image of one row."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(width + 1))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(kind, data) for kind, data in ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    )


@pytest.mark.parametrize("size", [12, 17], ids=["wide", "narrow"])
@pytest.mark.parametrize("word", ["fail", "minimum"])
def test_no_two_labels_of_a_trend_touch(word, size):
    limits = [Limit("warn", 40.0), Limit(word, 60.0)]
    drawn = drawing("duration of quick", "s", [Trend("one", POINTS), Trend("two", POINTS)], limits)
    labels = [shape for shape in drawn.shapes if isinstance(shape, Label)]
    assert sum(label.text == f"{word} 60" for label in labels) == 2
    boxes = [(label, *box(label, size)) for label in labels]
    touching = [
        (a.text, b.text)
        for (a, left, top, right, bottom), (b, left_, top_, right_, bottom_) in combinations(
            boxes, 2
        )
        if left < right_ and left_ < right and top < bottom_ and top_ < bottom
    ]
    assert touching == []
    assert all(right <= drawn.width for _, _, _, right, _ in boxes)


def test_the_panels_of_a_trend_end_at_one_edge():
    trends = [Trend("slow", POINTS), Trend("fast", [point._replace(value=1) for point in POINTS])]
    drawn = drawing("duration of quick", "s", trends, [Limit("warn", 30.0)])
    edges = {shape.x for shape in drawn.shapes if isinstance(shape, Label) and "of" in shape.text}
    assert len(edges) == 1


@pytest.mark.parametrize(("width", "sharp"), [(8, True), (320, True), (321, False)])
def test_an_array_is_enlarged_in_squares_and_a_plot_smoothly(bench, width, sharp):
    picture = bench.picture(wide(width))
    bench.seed(artifacts={"object": picture})
    built = bench.page("```{ptyreg:artifact-figure} quick.object\n```\n", builder="html")
    assert ("ptyreg-pixels" in built.file()) is sharp


def test_a_number_stays_with_its_unit(seeded):
    built = seeded.page(
        "{ptyreg:value}`quick.duration.mean:.1f s` and {ptyreg:value}`quick.environment.cpu`\n",
        builder="html",
    )
    classes = dict(re.findall(r'<abbr class="([^"]*)"[^>]*>([^<]*)', built.file()))
    told = {text: names.split() for names, text in classes.items()}
    assert told == {
        "36.0 s": ["ptyreg-value", "ptyreg-quantity"],
        "Test CPU 3000": ["ptyreg-value"],
    }


def test_tab_stops_once_at_each_provenance_and_never_in_a_link(seeded):
    built = seeded.page(
        """\
        [a link with {ptyreg:value}`slow.duration:.0f` in it](https://example.org)
        {ptyreg:value}`quick.duration:.0f`, **{ptyreg:value}`quick.duration:.1f`**,
        {ptyreg:claim}`quick.duration.max <= 90 s`, {ptyreg:value}`slow.duration:.1f`
        {ptyreg:value}`slow.duration:.2f` {ptyreg:value}`quick.guardrails.duration.fail`
        """,
        builder="html",
    )
    abbreviations = re.findall(r"<abbr ([^>]*)>([^<]*)</abbr>", built.file())
    assert all('title="measured 2026-' in told for told, _ in abbreviations)
    stops = {text: re.findall(r'tabindex="(.*?)"', told) for told, text in abbreviations}
    assert stops == {
        "120": [], "36": ["0"], "36.0": ["-1"], "quick.duration.max ≤ 90 s": ["0"],
        "120.0": ["0"], "120.00": ["-1"],
    }  # fmt: skip


@pytest.mark.parametrize("builder", ["epub", "text", "latex", "xml"])
def test_only_a_web_page_has_tab_stops(seeded, builder):
    built = seeded.page("It takes {ptyreg:value}`quick.duration:.1f s`.\n", builder=builder)
    name = {"epub": "index.xhtml", "text": "index.txt", "latex": "p.tex", "xml": "index.xml"}
    text = built.file(name[builder])
    assert "36.0 s" in text
    assert "tabindex" not in text
    assert ('title="measured 2026-' in text) is (builder == "epub")

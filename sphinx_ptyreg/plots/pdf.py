"""A drawing as a one-page PDF, for LaTeX: vector lines and Helvetica, which every reader has."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from .shapes import Dot, Drawing, Label, Line, Tone

__all__ = ["pdf"]

_COLOURS = {
    Tone.TEXT: "0.12 0.14 0.16", Tone.MUTED: "0.34 0.38 0.42", Tone.GRID: "0.84 0.85 0.87",
    Tone.DATA: "0.04 0.38 0.66", Tone.CAUTION: "0.54 0.35 0", Tone.BAD: "0.71 0.14 0.09",
}  # fmt: skip
_SIZE = 11
_NARROW = frozenset(" .,:;!|'il()[]/-tf")


def pdf(drawing: Drawing) -> bytes:
    """Write `drawing`."""
    content = zlib.compress("\n".join(_commands(drawing)).encode("cp1252", "replace"), 9)
    box = f"[0 0 {drawing.width:g} {drawing.height:g}]"
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /{} /Encoding /WinAnsiEncoding >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Contents 4 0 R "
            "/Resources << /Font << /F1 5 0 R /F2 6 0 R >> >> >>"
        ).encode(),
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(content), content),
        font.format("Helvetica").encode(),
        font.format("Helvetica-Bold").encode(),
    ]
    data = b"%PDF-1.4\n"
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    count = len(objects) + 1
    return (
        data
        + (
            f"xref\n0 {count}\n0000000000 65535 f \n{table}"
            f"trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{len(data)}\n%%EOF\n"
        ).encode()
    )


def _commands(drawing: Drawing) -> Iterator[str]:
    yield f"1 0 0 -1 0 {drawing.height:g} cm 1 J 1 j"  # from the top left, as everywhere else
    for shape in drawing.shapes:
        if isinstance(shape, Line):
            dashes = "[4 3] 0 d" if shape.dashed else "[] 0 d"
            yield f"{_COLOURS[shape.tone]} RG {shape.width:g} w {dashes}"
            start, *rest = shape.points
            yield f"{start[0]:g} {start[1]:g} m"
            yield from (f"{x:g} {y:g} l" for x, y in rest)
            yield "S"
        elif isinstance(shape, Dot):  # a line of no length with a round end
            yield f"{_COLOURS[Tone.DATA]} RG 6.8 w [] 0 d"
            yield f"{shape.x:g} {shape.y:g} m {shape.x:g} {shape.y:g} l S"
        else:
            yield _label(shape)


def _label(label: Label) -> str:
    width = sum(0.3 if mark in _NARROW else 0.56 for mark in label.text) * _SIZE
    x = label.x - {"start": 0.0, "middle": width / 2, "end": width}[label.anchor]
    text = label.text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    font = "F2" if label.bold else "F1"
    colour = _COLOURS[label.tone]
    return f"BT {colour} rg /{font} {_SIZE} Tf 1 0 0 -1 {x:.2f} {label.y:g} Tm ({text}) Tj ET"

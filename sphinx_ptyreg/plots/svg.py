"""A drawing as SVG; colours are CSS variables of the page, with fallbacks that suit white paper."""

from __future__ import annotations

from xml.sax.saxutils import escape

from .shapes import Dot, Drawing, Label, Line, Tone

__all__ = ["svg"]

#: Tone → CSS variable and the colour where there is no style sheet.
_COLOURS = {
    Tone.TEXT: ("currentColor", "#1f2328"),
    Tone.MUTED: ("var(--ptyreg-muted, #57606a)", "#57606a"),
    Tone.GRID: ("var(--ptyreg-line, #d5d9de)", "#d5d9de"),
    Tone.DATA: ("var(--ptyreg-accent, #0b62a8)", "#0b62a8"),
    Tone.CAUTION: ("var(--ptyreg-caution, #8a5a00)", "#8a5a00"),
    Tone.BAD: ("var(--ptyreg-bad, #b42318)", "#b42318"),
}


def svg(drawing: Drawing, *, inline: bool = True) -> str:
    """Write `drawing`.

    Args:
        drawing: What to draw.
        inline: For a page, whose style sheet decides the colours; else for a file of its own.
    """
    size = f"{drawing.width:g} {drawing.height:g}"
    space = "" if inline else ' xmlns="http://www.w3.org/2000/svg"'
    parts = [
        f'<svg class="ptyreg-plot"{space} role="img" viewBox="0 0 {size}" '
        f'width="{drawing.width:g}" height="{drawing.height:g}" '
        f'aria-label="{_text(drawing.told)}" font-size="12" font-family="inherit">'
        if inline
        else f'<svg{space} viewBox="0 0 {size}" width="{drawing.width:g}" '
        f'height="{drawing.height:g}" font-size="12" font-family="Helvetica, Arial, sans-serif">'
        f"<title>{_text(drawing.told)}</title>"
    ]
    for shape in drawing.shapes:
        if isinstance(shape, Line):
            parts.append(_line(shape, inline=inline))
        elif isinstance(shape, Dot):
            fill = _colour(Tone.DATA, inline=inline)
            parts.append(
                f'<circle cx="{shape.x:g}" cy="{shape.y:g}" r="3.4" fill="{fill}">'
                f"<title>{_text(shape.told)}</title></circle>"
            )
        else:
            parts.append(_label(shape, inline=inline))
    return "\n".join([*parts, "</svg>"])


def _line(line: Line, *, inline: bool) -> str:
    points = " ".join(f"{x:g},{y:g}" for x, y in line.points)
    dashes = ' stroke-dasharray="4 3"' if line.dashed else ""
    return (
        f'<polyline points="{points}" fill="none" stroke="{_colour(line.tone, inline=inline)}" '
        f'stroke-width="{line.width:g}"{dashes}/>'
    )


def _label(label: Label, *, inline: bool) -> str:
    weight = ' font-weight="600"' if label.bold else ""
    anchor = f' text-anchor="{label.anchor}"' if label.anchor != "start" else ""
    return (
        f'<text x="{label.x:g}" y="{label.y:g}" fill="{_colour(label.tone, inline=inline)}"'
        f"{anchor}{weight}>{_text(label.text)}</text>"
    )


def _colour(tone: Tone, *, inline: bool) -> str:
    return _COLOURS[tone][0 if inline else 1]


def _text(text: str) -> str:
    return escape(text, {'"': "&quot;"})

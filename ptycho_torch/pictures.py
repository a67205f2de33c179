"""Pictures of reconstructions, drawn with Pillow alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

PHASE_COLOURS = ("#1b1044", "#2f3f87", "#2b7a9b", "#42b08f", "#a6d96a", "#fdf3a8")
"""From low to high: lightness rises evenly, so the picture also reads in grey."""

AMPLITUDE_COLOURS = ("#0d0d0d", "#4b4b4b", "#8a8a8a", "#c9c9c9", "#fbfbfb")
BACKGROUND, AXIS, CURVE = "#ffffff", "#444444", "#2b7a9b"


def colour_map(values: NDArray[np.floating], colours: tuple[str, ...]) -> NDArray[np.uint8]:
    """Colour values by linear interpolation between a few colours.

    Args:
        values: Real (...), 0 … 1; what lies outside is clipped.
        colours: Hexadecimal colours from 0 to 1.

    Returns:
        Red, green and blue (..., 3).

    Examples:
        >>> colour_map(np.array([0.0, 0.5]), ("#000000", "#ff0040")).tolist()
        [[0, 0, 0], [128, 0, 32]]
    """
    table = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours], dtype=float)
    stops = np.linspace(0, 1, len(colours))
    channels = [np.interp(values, stops, table[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def save_curve(path: Path, values: Sequence[float], size: tuple[int, int] = (480, 240)) -> None:
    """Draw values over their number as PNG: a line on a logarithmic scale, first and last labelled.

    Args:
        path: Where to write.
        values: Positive numbers.
        size: Width and height in screen pixels.
    """
    from PIL import Image, ImageDraw  # noqa: PLC0415 - only when a picture is drawn

    heights = np.log(np.maximum(np.asarray(values, dtype=float), 1e-12))
    low, high = float(heights.min()), float(heights.max())
    margin, (width, height) = 40, size
    x = np.linspace(margin, width - margin, max(len(values), 2))[: len(values)]
    y = margin + (high - heights) / max(high - low, 1e-12) * (height - 2 * margin)
    points = list(zip(x.tolist(), y.tolist(), strict=True))
    image = Image.new("RGB", size, BACKGROUND)
    draw = ImageDraw.Draw(image)
    draw.line([(margin, margin / 2), (margin, height - 24), (width - margin, height - 24)], AXIS)
    draw.line(points, fill=CURVE, width=3, joint="curve")
    for (across, down), value in ((points[0], values[0]), (points[-1], values[-1])):
        draw.ellipse((across - 4, down - 4, across + 4, down + 4), fill=CURVE)
        draw.text((across + 8, down - 18), f"{value:.3g}", fill=AXIS)
    draw.text((width / 2 - 20, height - 18), f"1 … {len(values)}", fill=AXIS)
    image.save(path, format="PNG", optimize=True)


def save_picture(
    path: Path,
    values: NDArray[np.floating],
    shown: NDArray[np.bool_],
    colours: tuple[str, ...],
    enlarge: int = 2,
) -> None:
    """Draw an image as PNG, its contrast from the 1st to the 99th percentile of what is shown.

    Args:
        path: Where to write.
        values: Real (y, x).
        shown: Where there is something to see, boolean (y, x); the rest is transparent and cut off.
        colours: See :func:`colour_map`.
        enlarge: Screen pixels per pixel.
    """
    from PIL import Image  # noqa: PLC0415 - only when a picture is drawn

    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    if len(rows):
        box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        values, shown = values[box], shown[box]
    low, high = np.quantile(values[shown], [0.01, 0.99]) if shown.any() else (0.0, 1.0)
    coloured = colour_map((values - low) / max(float(high - low), 1e-12), colours)
    opacity = np.where(shown, 255, 0).astype(np.uint8)
    image = Image.fromarray(np.dstack([coloured * shown[..., None], opacity]))
    image.resize((image.width * enlarge, image.height * enlarge), Image.Resampling.NEAREST).save(
        path, format="PNG", optimize=True
    )

"""One figure of a reconstruction: amplitude, phase, coverage, resolution and the fall of a loss."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np

from ptycho_torch.figures import centred_phase, shown_pixels
from ptycho_torch.pictures import (
    AMPLITUDE_COLOURS,
    AXIS,
    BACKGROUND,
    CURVE,
    PHASE_COLOURS,
    colour_map,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL.Image import Image

    from ptycho_torch.outputs import RunLog
    from ptycho_torch.reconstruction import Reconstruction
    from ptycho_torch.resolution import RingCorrelation

PANEL_PX = 340
MARGIN_PX = 44
SECOND_CURVE = "#c0563b"


def image_panel(
    title: str,
    values: NDArray[np.floating],
    shown: NDArray[np.bool_],
    colours: tuple[str, ...],
    unit: str,
) -> Image:
    """Draw an image with its range, from the 1st to the 99th percentile, written below.

    Args:
        title: What it is.
        values: Real (y, x).
        shown: Where there is something to see, boolean (y, x).
        colours: See :func:`ptycho_torch.pictures.colour_map`.
        unit: Of the values.

    Returns:
        A square panel.
    """
    from PIL import Image, ImageDraw  # noqa: PLC0415 - only when a picture is drawn

    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    low, high = (float(v) for v in np.quantile(values[shown], [0.01, 0.99]))
    coloured = colour_map((values[box] - low) / max(high - low, 1e-12), colours)
    picture = Image.fromarray(np.where(shown[box][..., None], coloured, 255).astype(np.uint8))
    room = PANEL_PX - 2 * MARGIN_PX
    scale = room / max(picture.size)
    picture = picture.resize(
        (max(1, round(picture.width * scale)), max(1, round(picture.height * scale))),
        Image.Resampling.BOX if scale < 1 else Image.Resampling.NEAREST,
    )
    panel = Image.new("RGB", (PANEL_PX, PANEL_PX), BACKGROUND)
    panel.paste(picture, ((PANEL_PX - picture.width) // 2, MARGIN_PX))
    draw = ImageDraw.Draw(panel)
    draw.text((MARGIN_PX, 16), title, fill=AXIS)
    bar = colour_map(np.linspace(0, 1, room)[None].repeat(8, axis=0), colours)
    panel.paste(Image.fromarray(bar), (MARGIN_PX, PANEL_PX - MARGIN_PX + 6))
    draw.text((MARGIN_PX, PANEL_PX - 26), f"{low:.3g}", fill=AXIS)
    draw.text((PANEL_PX - MARGIN_PX, PANEL_PX - 26), f"{high:.3g} {unit}", fill=AXIS, anchor="ra")
    return panel


def curve_panel(
    title: str,
    across: tuple[str, Sequence[float]],
    curves: dict[str, Sequence[float]],
    *,
    logarithmic: bool = False,
) -> Image:
    """Draw curves over one axis.

    Args:
        title: What they are.
        across: Label and values of the horizontal axis, ascending.
        curves: Values by name, at most two.
        logarithmic: Whether the vertical axis is.

    Returns:
        A square panel.
    """
    from PIL import Image, ImageDraw  # noqa: PLC0415 - only when a picture is drawn

    label, x = across
    heights = {name: np.asarray(values, dtype=float) for name, values in curves.items()}
    if logarithmic:
        heights = {name: np.log10(np.maximum(y, 1e-12)) for name, y in heights.items()}
    every = np.concatenate(list(heights.values()))
    low, high = (float(every.min()), float(every.max())) if logarithmic else (0.0, 1.0)
    room, floor = PANEL_PX - 2 * MARGIN_PX, PANEL_PX - MARGIN_PX
    panel = Image.new("RGB", (PANEL_PX, PANEL_PX), BACKGROUND)
    draw = ImageDraw.Draw(panel)
    draw.text((MARGIN_PX, 16), title, fill=AXIS)
    draw.line([(MARGIN_PX, MARGIN_PX), (MARGIN_PX, floor), (PANEL_PX - MARGIN_PX, floor)], AXIS)
    for value, at in ((low, floor), (high, MARGIN_PX)):
        written = f"{10**value:.2g}" if logarithmic else f"{value:g}"
        draw.text((MARGIN_PX - 4, at), written, fill=AXIS, anchor="rm")
    ends = (float(x[0]), float(x[-1]))
    draw.text((MARGIN_PX, floor + 6), f"{ends[0]:.2g}", fill=AXIS)
    draw.text((PANEL_PX - MARGIN_PX, floor + 6), f"{ends[1]:.3g}", fill=AXIS, anchor="ra")
    draw.text((PANEL_PX // 2, floor + 20), label, fill=AXIS, anchor="ma")
    along = MARGIN_PX + (np.asarray(x) - ends[0]) / max(ends[1] - ends[0], 1e-12) * room
    for colour, (name, y) in zip((CURVE, SECOND_CURVE), heights.items(), strict=False):
        down = floor - np.clip((y - low) / max(high - low, 1e-12), 0, 1) * room
        draw.line(list(zip(along.tolist(), down.tolist(), strict=True)), fill=colour, width=2)
        row = MARGIN_PX + 2 + 14 * list(heights).index(name)
        draw.text((PANEL_PX - MARGIN_PX, row), name, fill=colour, anchor="ra")
    return panel


def save_figure(
    path: Path,
    found: Reconstruction,
    rings: RingCorrelation,
    fall: tuple[str, str, Sequence[float]] | None,
) -> None:
    """Draw the figure of a reconstruction as PNG.

    Args:
        path: Where to write.
        found: The reconstruction.
        rings: The correlation of the images of two halves of the scan.
        fall: Title, horizontal label and values of what fell while it was made; nothing if
            ``None``.
    """
    from PIL import Image  # noqa: PLC0415 - only when a picture is drawn

    shown = shown_pixels(found.coverage)
    object_ = found.object_
    cutoff = rings.cutoff()
    agreed = "below 1/2 bit" if cutoff is None else f"1/2 bit at {cutoff:.3f}"
    panels = [
        image_panel("Amplitude", np.abs(object_), shown, AMPLITUDE_COLOURS, ""),
        image_panel("Phase", centred_phase(object_, shown), shown, PHASE_COLOURS, "rad"),
        image_panel("Coverage", found.coverage, shown, AMPLITUDE_COLOURS, "photons"),
        curve_panel(
            f"Fourier ring correlation, {agreed}",
            ("cycles per pixel", rings.frequency.tolist()),
            {"two halves": rings.correlation.tolist(), "1/2 bit": rings.half_bit.tolist()},
        ),
    ]
    if fall is not None and len(fall[2]) > 1:
        title, label, values = fall
        numbers = [float(number) for number in range(len(values))]
        panels.append(curve_panel(title, (label, numbers), {"": values}, logarithmic=True))
    figure = Image.new("RGB", (3 * PANEL_PX, 2 * PANEL_PX), BACKGROUND)
    for number, panel in enumerate(panels):
        figure.paste(panel, (number % 3 * PANEL_PX, number // 3 * PANEL_PX))
    figure.save(path, format="PNG", optimize=True)


def what_fell(log: RunLog, model_path: Path | None) -> tuple[str, str, list[float]] | None:
    """Give title, label and values of the refinement's misfit, or else of the training's loss.

    The losses are those of ``metrics.csv`` in the folder of the training; ``None`` without both.
    """
    refinement = log.facts.get("refinement")
    if isinstance(refinement, dict):
        return (
            "Amplitude misfit",
            "pass",
            [record["amplitude_mse"] for record in refinement["passes"]],
        )
    if model_path is None:
        return None
    folder = model_path if model_path.is_dir() else model_path.parent
    metrics = folder / "metrics.csv"
    if not metrics.is_file():
        return None
    with metrics.open(newline="", encoding="utf-8") as file:
        return "Training loss", "epoch", [float(row["train_loss"]) for row in csv.DictReader(file)]

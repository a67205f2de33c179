"""Objects to simulate scans of, from smooth to sharp."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptycho_torch.checks import one_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Shape = tuple[int, int]


def _stretch(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale to 0 … 1 from the 1st to the 99th percentile, and clip a little beyond."""
    low, high = np.quantile(values, [0.01, 0.99])
    return np.asarray(np.clip((values - low) / (high - low), -0.05, 1.05))


def _transmission(
    phase: NDArray[np.float64], absorption: NDArray[np.float64]
) -> NDArray[np.complex64]:
    """Turn a phase and an absorption of 0 … 1 into -1.4 … 1.4 rad and an amplitude 1 … 0.3."""
    amplitude = 1 - 0.7 * absorption
    return np.asarray(amplitude * np.exp(2.8j * (phase - 0.5)), dtype=np.complex64)


def _ellipse_pile(
    shape: Shape, rng: np.random.Generator, radii_px: tuple[float, float], cover: float
) -> NDArray[np.float64]:
    """Pile up soft-edged ellipses until they cover the area ``cover`` times; scale to 0 … 1."""
    height, width = shape
    thickness = np.zeros(shape)
    covered = 0.0
    while covered < cover * height * width:
        a, b = rng.uniform(*radii_px, size=2)
        y0, x0 = rng.uniform(0, height), rng.uniform(0, width)
        turn, weight = rng.uniform(0, np.pi), rng.uniform(0.3, 1.0)
        reach = int(max(a, b)) + 6
        rows = slice(max(int(y0) - reach, 0), min(int(y0) + reach + 1, height))
        columns = slice(max(int(x0) - reach, 0), min(int(x0) + reach + 1, width))
        y, x = np.mgrid[rows, columns]
        u = (np.cos(turn) * (x - x0) + np.sin(turn) * (y - y0)) / a
        v = (np.cos(turn) * (y - y0) - np.sin(turn) * (x - x0)) / b
        distance_px = (np.hypot(u, v) - 1) * np.sqrt(a * b)
        thickness[rows, columns] += weight / (1 + np.exp(np.clip(2.2 * distance_px, -50, 50)))
        covered += np.pi * a * b
    return _stretch(thickness)


def _ellipses(shape: Shape, rng: np.random.Generator) -> NDArray[np.complex64]:
    """Pile up two materials of which one shifts the phase and the other absorbs."""
    first = _ellipse_pile(shape, rng, (5.0, 16.0), 2.2)
    second = _ellipse_pile(shape, rng, (3.0, 9.0), 1.6)
    return _transmission(0.85 * first + 0.15 * second, 0.15 * first + 0.85 * second)


def _texture(shape: Shape, rng: np.random.Generator, exponent: float, finest_px: float) -> NDArray:  # type: ignore[type-arg]
    """Draw a random field whose power falls with the frequency, down to a finest detail."""
    fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None, :]
    frequency = np.hypot(fy, fx)
    weight = np.maximum(frequency, 0.02) ** (-exponent / 2) * np.exp(
        -0.5 * (finest_px * np.pi * frequency) ** 2
    )
    return np.fft.ifft2(np.fft.fft2(rng.standard_normal(shape)) * weight).real


def _smooth(shape: Shape, rng: np.random.Generator) -> NDArray[np.complex64]:
    """Draw two blurred random fields, one for the phase and one for the absorption."""
    phase, absorption = (_stretch(_texture(shape, rng, 2.0, 5.0)) for _ in range(2))
    return _transmission(phase, absorption)


def _sharp(shape: Shape, rng: np.random.Generator) -> NDArray[np.complex64]:
    """Etch turned bars and plates of a few heights, as on a chip; every edge is one pixel wide."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    layers = [np.zeros(shape), np.zeros(shape)]
    for layer in layers:
        covered = 0.0
        while covered < 1.2 * layer.size:
            half = rng.uniform(2.0, 11.0, size=2)
            centre, turn = rng.uniform(0, 1, size=2) * shape, rng.uniform(0, np.pi)
            along = np.cos(turn) * (x - centre[1]) + np.sin(turn) * (y - centre[0])
            across = np.cos(turn) * (y - centre[0]) - np.sin(turn) * (x - centre[1])
            outside = np.maximum(np.abs(along) - half[0], np.abs(across) - half[1])
            inside = np.clip(0.5 - outside, 0, 1)
            layer[:] += (rng.choice([0.25, 0.5, 0.75, 1.0]) - layer) * inside
            covered += 4 * half[0] * half[1]
    return _transmission(0.85 * layers[0] + 0.15 * layers[1], 0.85 * layers[1] + 0.15 * layers[0])


def _experimental(shape: Shape, rng: np.random.Generator) -> NDArray[np.complex64]:
    """Scatter grains of one material over an uneven support, as on a membrane.

    Phase and absorption go together, as for a single material, and the grains, projected spheres of
    many sizes, lie in clumps.
    """
    height, width = shape
    clumps = _stretch(_texture(shape, rng, 2.0, 6.0))
    thickness = np.zeros(shape)
    covered = 0.0
    while covered < 1.1 * height * width:
        y0, x0 = rng.uniform(0, height), rng.uniform(0, width)
        if rng.uniform() > clumps[int(y0), int(x0)] ** 2:
            continue
        radius = float(np.clip(rng.lognormal(np.log(5.0), 0.5), 2.0, 16.0))
        rows = slice(max(int(y0 - radius), 0), min(int(y0 + radius) + 2, height))
        columns = slice(max(int(x0 - radius), 0), min(int(x0 + radius) + 2, width))
        y, x = np.mgrid[rows, columns]
        thickness[rows, columns] += np.sqrt(
            np.maximum(radius**2 - (y - y0) ** 2 - (x - x0) ** 2, 0)
        )
        covered += np.pi * radius**2
    grains = _stretch(np.minimum(thickness, np.quantile(thickness, 0.97)))
    support = _stretch(_texture(shape, rng, 3.0, 2.0))
    material = 0.85 * grains + 0.15 * support
    return _transmission(material, 0.8 * material + 0.2 * clumps)


KINDS: dict[str, Callable[[Shape, np.random.Generator], NDArray[np.complex64]]] = {
    "ellipses": _ellipses,
    "smooth": _smooth,
    "sharp": _sharp,
    "experimental": _experimental,
}


def simulate_object(
    shape: Shape, rng: np.random.Generator, kind: str = "ellipses"
) -> NDArray[np.complex64]:
    """Make a complex transmission.

    Args:
        shape: Height and width in pixels.
        rng: The source of every random choice.
        kind: ``ellipses`` of two materials, soft at the edges; ``smooth`` random fields; ``sharp``
            bars and plates of a few heights; ``experimental``, grains of one material in clumps on
            an uneven support.

    Returns:
        The object, complex (y, x): amplitude about 0.3 … 1, phase about -1.4 … 1.4 rad.

    Raises:
        UsageError: If there is no such kind.

    Examples:
        >>> simulate_object((30, 40), np.random.default_rng(0), "sharp").shape
        (30, 40)
    """
    return KINDS[one_of("--object_kind", tuple(KINDS))(kind)](shape, rng)

"""Simulate a ptychographic scan whose object is known, without PyTorch.

The beam is the defocused, slightly aberrated focus of a circular pupil with a diffuser in it; the
object is one of several kinds; the detector counts photons. What only a simulation knows, the
object, goes to a file of its own, so that nothing that reconstructs can see it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ptycho_torch.checks import (
    SEED_MAXIMUM,
    CommandParser,
    UsageError,
    check_least,
    expected,
    one_of,
    positive_number,
    whole_number,
)
from ptycho_torch.commands import run_command, say
from ptycho_torch.config import SimulationConfig
from ptycho_torch.data.npz import save_object, save_scan
from ptycho_torch.data.scan import PlacedObject, Scan
from ptycho_torch.objects import KINDS, simulate_object
from ptycho_torch.outputs import check_output_file, together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LANCZOS_TAPS = 4
"""Half width, in pixels, of the interpolation kernel that samples the object between pixels."""


def simulate_probe(size_px: int) -> NDArray[np.complex64]:
    """Make the beam at the sample: a pupil's focus, out of focus, of unit energy.

    The pupil is a disc with soft edges. The phase across it is quadratic (the defocus, which curves
    the beam), with some astigmatism and coma as a real lens has, and the phase of a diffuser, which
    makes the beam a spot of speckles. Such structured light is what lets a *single* pattern tell
    absorption from phase; a smooth beam leaves many objects that explain one pattern alike
    (Guizar-Sicairos et al., *Phys. Rev. B* 86, 100103 (2012)).

    Args:
        size_px: Width of the square window; the beam's centre is pixel ``size_px // 2``.

    Returns:
        The probe, complex (y, x), with the sum of ``abs(probe)**2`` equal to 1.

    Examples:
        >>> probe = simulate_probe(32)
        >>> probe.shape, round(float((abs(probe) ** 2).sum()), 4)
        ((32, 32), 1.0)
    """
    axis = (np.arange(size_px) - size_px // 2) / size_px
    fy, fx = np.meshgrid(axis, axis, indexing="ij")
    radius = np.hypot(fy, fx) / 0.25
    angle = np.arctan2(fy, fx)
    pupil = 1 / (1 + np.exp((radius - 1) * 14))
    defocus = 4.0 * radius**2
    astigmatism = 0.8 * radius**2 * np.cos(2 * (angle - 0.6))
    coma = 0.7 * radius**3 * np.cos(angle - 0.3)
    wave = pupil * np.exp(1j * (defocus + astigmatism + coma + _diffuser(size_px)))
    probe = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(wave)))
    return np.asarray(probe / np.sqrt((abs(probe) ** 2).sum()), dtype=np.complex64)


def _diffuser(size_px: int) -> NDArray[np.float64]:
    """Give the random phase (y, x) of one fixed diffuser in the pupil, about 3 pixels fine."""
    noise = np.random.default_rng(5).standard_normal((size_px, size_px))
    frequency = np.hypot(np.fft.fftfreq(size_px)[:, None], np.fft.fftfreq(size_px)[None, :])
    smooth = np.fft.ifft2(np.fft.fft2(noise) * np.exp(-((3 * np.pi * frequency) ** 2))).real
    return np.asarray(2.0 * smooth / smooth.std())


def simulate_positions(count: int, step_px: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Lay a raster of ``count`` points with random offsets of up to a third of a step.

    Args:
        count: Number of scan points.
        step_px: Mean distance of neighbouring points.
        rng: The source of the offsets.

    Returns:
        The scan positions (position, yx) in pixels, in the order of the scan, least value 0.
    """
    columns = int(np.ceil(np.sqrt(count)))
    y, x = np.divmod(np.arange(count), columns)
    positions = np.stack([y, x], axis=1) * step_px
    positions = positions + rng.uniform(-step_px / 3, step_px / 3, size=positions.shape)
    return np.asarray(positions - positions.min(axis=0))


def sample_patches(
    object_: NDArray[np.complex64], positions_px: NDArray[np.float64], size_px: int
) -> NDArray[np.complex64]:
    """Read the object around each position, between pixels by a Lanczos kernel.

    Deliberately another interpolation than the one that stitches a reconstruction, so that the
    data are not made by the model that explains them.

    Args:
        object_: Complex (y, x).
        positions_px: Patch centres (position, yx) from the centre of the object's pixel [0, 0].
        size_px: Width of a patch; its centre is pixel ``size_px // 2``.

    Returns:
        The patches, complex (position, y, x).
    """
    whole = np.floor(positions_px).astype(int)
    offsets = np.arange(1 - LANCZOS_TAPS, LANCZOS_TAPS + 1)
    distance = (positions_px - whole)[:, :, None] - offsets
    taps = np.sinc(distance) * np.sinc(distance / LANCZOS_TAPS)
    taps = (taps / taps.sum(axis=2, keepdims=True)).astype(np.float32)
    starts = whole - size_px // 2 + offsets[0]
    reach = np.arange(size_px + len(offsets) - 1)
    rows, columns = starts[:, 0, None] + reach, starts[:, 1, None] + reach
    windows = object_[rows[:, :, None], columns[:, None, :]]
    across = sum(
        taps[:, 0, k, None, None] * windows[:, k : k + size_px] for k in range(len(offsets))
    )
    return np.asarray(
        sum(taps[:, 1, k, None, None] * across[:, :, k : k + size_px] for k in range(len(offsets))),
        dtype=np.complex64,
    )


def simulate_scan(config: SimulationConfig) -> tuple[Scan, PlacedObject]:
    """Simulate a whole scan.

    Args:
        config: What to simulate; the same configuration gives the same scan.

    Returns:
        What a beamline would measure, and apart from it what only a simulation knows.

    Raises:
        UsageError: If a setting cannot be.

    Examples:
        >>> scan, truth = simulate_scan(SimulationConfig(n_patterns=16, size_px=32, seed=3))
        >>> scan.diffraction_amplitude.shape, scan.object_guess is None
        ((16, 32, 32), True)
    """
    rng = np.random.default_rng(config.seed)
    check_least("n_patterns", config.n_patterns, 1)
    check_least("size_px", config.size_px, 16)
    for name, amount in (("step_px", config.step_px), ("photons", config.photons)):
        if not 0 < amount < float("inf"):
            raise UsageError(expected(name, "be a finite number above 0", amount, "Raise it."))
    size_px = config.size_px
    probe = simulate_probe(size_px)
    positions_px = simulate_positions(config.n_patterns, config.step_px, rng)
    margin_px = size_px // 2 + LANCZOS_TAPS
    centres_px = positions_px + margin_px
    height, width = (int(np.ceil(extent)) + margin_px + 1 for extent in centres_px.max(axis=0))
    object_ = simulate_object((height, width), rng, config.object_kind)
    exit_waves = probe * sample_patches(object_, centres_px, size_px)
    detector_waves = np.fft.fftshift(
        np.fft.fft2(np.fft.ifftshift(exit_waves, axes=(1, 2)), norm="ortho"), axes=(1, 2)
    )
    counts = rng.poisson(config.photons * abs(detector_waves) ** 2)
    scan = Scan(
        diffraction_amplitude=np.sqrt(counts).astype(np.float32),
        positions_px=centres_px,
        probe=probe * np.float32(np.sqrt(config.photons)),
    )
    return scan, PlacedObject(object_=object_, origin_px=(0.0, 0.0))


def _parser() -> CommandParser:
    default = SimulationConfig()
    parser = CommandParser(
        prog="python -m ptycho_torch.simulate",
        description="Simulate a scan; the object goes to a file of its own.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--output", type=Path, required=True, help="scan to write (NPZ)")
    add("--truth", type=Path, required=True, help="true object to write (NPZ)")
    add(
        "--n_images",
        type=whole_number("--n_images", minimum=1, maximum=1_000_000),
        default=default.n_patterns,
        help="number of patterns (default: %(default)s)",
    )
    add(
        "--size",
        type=whole_number("--size", minimum=16, maximum=4096),
        default=default.size_px,
        help="width of a pattern in pixels (default: %(default)s)",
    )
    add(
        "--step",
        type=positive_number("--step", maximum=1000),
        default=default.step_px,
        help="mean step of the scan in pixels (default: %(default)s)",
    )
    add(
        "--photons",
        type=positive_number("--photons", maximum=1e15),
        default=default.photons,
        help="photons per pattern (default: %(default)g)",
    )
    add(
        "--object_kind",
        type=one_of("--object_kind", tuple(KINDS)),
        default=default.object_kind,
        help=f"one of {', '.join(KINDS)} (default: %(default)s)",
    )
    add(
        "--seed",
        type=whole_number("--seed", minimum=0, maximum=SEED_MAXIMUM),
        default=default.seed,
        help="start of every random choice (default: %(default)s)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""

    def command() -> None:
        given = _parser().parse(argv)
        for name, path in (("--output", given.output), ("--truth", given.truth)):
            check_output_file(name, path)
        if given.output.resolve() == given.truth.resolve():
            raise UsageError(
                expected("--truth", "differ from --output", given.truth, "Name another file.")
            )
        scan, truth = simulate_scan(
            SimulationConfig(
                n_patterns=given.n_images,
                size_px=given.size,
                step_px=given.step,
                photons=given.photons,
                object_kind=given.object_kind,
                seed=given.seed,
            )
        )
        dark = int((scan.diffraction_amplitude.max(axis=(1, 2)) == 0).sum())
        if dark:
            got = f"{given.photons:g}, with which {dark} patterns stay dark"
            remedy = "Give more photons."
            raise UsageError(expected("--photons", "give each pattern some light", got, remedy))
        with together(given.output, given.truth) as (scan_file, truth_file):
            save_scan(scan_file, scan)
            save_object(truth_file, truth)
        say(f"wrote {given.output} and {given.truth}")

    return run_command(command)


if __name__ == "__main__":
    sys.exit(main())

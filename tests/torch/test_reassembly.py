"""Stitching: it gives back an object that was cut up, wherever it lay and however it was turned."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (POLICY-001)")

from ptycho_torch.physics.patches import extract_patches  # noqa: E402
from ptycho_torch.reassembly import stitch  # noqa: E402
from ptycho_torch.synchronisation import relative_overlaps, synchronise_phases  # noqa: E402

pytestmark = pytest.mark.torch


def smooth_object(height: int, width: int):
    y = torch.arange(height, dtype=torch.float64)[:, None]
    x = torch.arange(width, dtype=torch.float64)[None, :]
    phase = torch.sin(y / 5) + 0.6 * torch.cos(x / 4 + y / 9)
    return (1 + 0.2 * torch.sin(x / 6)) * torch.exp(1j * phase)


def raster(offset: tuple[float, float]):
    torch.manual_seed(3)
    y, x = torch.meshgrid(torch.arange(6) * 4.0, torch.arange(8) * 4.0, indexing="ij")
    grid = torch.stack([y.flatten(), x.flatten()], dim=1).double()
    return grid + torch.rand(48, 2, dtype=torch.float64) + torch.tensor(offset)


WEIGHT = torch.hann_window(15, periodic=False, dtype=torch.float64)
WEIGHT = (WEIGHT[:11, None] + 0.05) * (WEIGHT[None, :] + 0.05)


def test_stitch_gives_back_the_object_and_says_where_it_lies() -> None:
    object_ = smooth_object(50, 60)
    positions = raster((9.0, 11.0))
    stitched = stitch(extract_patches(object_, positions, (11, 15)), WEIGHT, positions)
    top, left = stitched.origin_px
    height, width = stitched.object_.shape
    assert (top, left) == (9 + int(positions[:, 0].min() - 9) - 5, 11 - 7)
    there = object_[top : top + height, left : left + width]
    inner = (slice(6, height - 6), slice(8, width - 8))
    assert (stitched.object_ - there)[inner].abs().max() < 0.05
    assert stitched.coverage[inner].min() > 0


def test_stitch_keeps_every_patch_on_its_canvas() -> None:
    positions = torch.tensor([[-3.0, 2.0], [4.5, 9.25]], dtype=torch.float64)
    stitched = stitch(
        torch.ones(2, 3, 5, dtype=torch.complex128), torch.ones(3, 5).double(), positions
    )
    assert stitched.coverage.sum().item() == pytest.approx(2 * 3 * 5)
    assert stitched.origin_px == (-4, 0)


def test_patches_that_were_turned_at_random_agree_again() -> None:
    object_ = smooth_object(50, 60)
    positions = raster((9.0, 11.0))
    patches = extract_patches(object_, positions, (11, 15))
    turns = torch.exp(2j * np.pi * torch.rand(48, 1, 1, dtype=torch.float64))
    turned = synchronise_phases(patches * turns, WEIGHT, positions)
    left = (turned * patches.conj()).sum(dim=(1, 2))
    spread = torch.angle(left / left[0])
    assert spread.abs().max() < 0.1
    unsynchronised = torch.angle((patches * turns * patches.conj()).sum(dim=(1, 2)))
    assert unsynchronised.abs().max() > 1


@pytest.mark.parametrize("offset", [(2, 0), (-2, 0), (0, 3), (0, -3), (3, -4), (-10, 2), (40, 0)])
def test_overlap_of_two_patches_is_that_of_the_shared_pixels(offset) -> None:
    torch.manual_seed(1)
    patches = torch.randn(2, 11, 15, dtype=torch.complex128)
    positions = torch.tensor([[20.0, 20.0], [20.0 + offset[0], 20.0 + offset[1]]])
    canvas = torch.zeros(2, 120, 120, dtype=torch.complex128)
    for index in (0, 1):
        top, left = (int(value) for value in positions[index])
        canvas[index, top : top + 11, left : left + 15] = patches[index]
    expected = (canvas[0] * canvas[1].conj()).sum()
    pairs = torch.tensor([[0, 1]])
    torch.testing.assert_close(relative_overlaps(patches, positions, pairs)[0], expected)

"""Sub-pixel shifts, the amplitude projection and the gauge, held to their laws."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (POLICY-001)")

from ptycho_torch.physics.forward_model import ForwardModel  # noqa: E402
from ptycho_torch.physics.gauge import fix_gauge, mean_direction, tilt_wave  # noqa: E402
from ptycho_torch.physics.patches import extract_patches, patch_indices  # noqa: E402
from ptycho_torch.physics.projection import incoherent_sum, project_amplitude  # noqa: E402
from ptycho_torch.physics.propagation import far_field  # noqa: E402
from ptycho_torch.physics.shifts import shift_derivatives, shift_waves  # noqa: E402
from ptycho_torch.physics.updates import position_steps  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(3)


def waves(*shape: int):
    return torch.randn(*shape, dtype=torch.complex128)


def gaussian(height: int, width: int, y: float, x: float):
    rows = torch.arange(height, dtype=torch.float64)[:, None] - y
    columns = torch.arange(width, dtype=torch.float64) - x
    phase = 0.1 * rows * columns + 0.3 * rows
    return torch.exp(-(rows**2 + columns**2) / 8) * torch.exp(1j * phase)


def test_a_shifted_wave_is_the_analytic_wave_at_its_new_place() -> None:
    offsets = torch.tensor([[0.4, -1.3], [2.0, 0.25], [0.0, 0.0]], dtype=torch.float64)
    moved = shift_waves(gaussian(31, 37, 15, 18)[None], offsets)
    assert moved.shape == (3, 31, 37)
    for wave, (y, x) in zip(moved, offsets.tolist(), strict=True):
        torch.testing.assert_close(wave, gaussian(31, 37, 15 + y, 18 + x), atol=1e-6, rtol=0)


@pytest.mark.parametrize("shape", [(3, 2, 5, 7), (3, 2, 8, 6), (3, 7, 11)])
def test_moving_back_is_the_inverse_and_the_adjoint(shape) -> None:
    first, second = waves(*shape), waves(*shape)
    offsets = torch.randn(3, 2, dtype=torch.float64)
    torch.testing.assert_close(shift_waves(shift_waves(first, offsets), -offsets), first)
    left = torch.vdot(shift_waves(first, offsets).flatten(), second.flatten())
    right = torch.vdot(first.flatten(), shift_waves(second, -offsets).flatten())
    torch.testing.assert_close(left, right)


def test_shift_derivatives_are_the_limits_of_small_shifts() -> None:
    wave, step = gaussian(31, 37, 15, 18), 1e-4
    for axis, derivative in enumerate(shift_derivatives(wave)):
        offset = torch.zeros(1, 2, dtype=torch.float64)
        offset[0, axis] = step
        numeric = shift_waves(wave[None], offset) - shift_waves(wave[None], -offset)
        torch.testing.assert_close(numeric[0] / (2 * step), derivative, atol=1e-6, rtol=0)


def test_projected_waves_have_the_measured_amplitudes_and_change_least() -> None:
    detector_waves, measured = waves(3, 2, 5, 7), torch.rand(3, 5, 7, dtype=torch.float64)
    change = project_amplitude(detector_waves, measured)
    torch.testing.assert_close(incoherent_sum(detector_waves + change).sqrt(), measured)
    distance = incoherent_sum(change).sum()
    predicted = incoherent_sum(detector_waves).sqrt()
    torch.testing.assert_close(distance, (predicted - measured).square().sum())


def test_where_nothing_is_predicted_the_projection_stays_finite() -> None:
    change = project_amplitude(torch.zeros(1, 1, 2, 2, dtype=torch.complex64), torch.ones(1, 2, 2))
    assert torch.isfinite(torch.view_as_real(change)).all()


def test_the_gauge_keeps_every_exit_wave_up_to_a_phase_factor() -> None:
    object_, known = waves(17, 19), waves(2, 5, 7)
    tilted = tilt_wave(known, torch.tensor([0.3, -0.2], dtype=torch.float64)) * 1.5
    fixed_object, fixed_probe = fix_gauge(object_, tilted, known)
    torch.testing.assert_close(mean_direction(fixed_probe), mean_direction(known))
    torch.testing.assert_close(fixed_probe.abs().square().sum(), known.abs().square().sum())
    places = torch.tensor([[0, 0], [4, 9], [12, 12]])
    indices = patch_indices(places, (5, 7), (17, 19))
    before = object_.reshape(-1)[indices][:, None] * tilted
    after = fixed_object.reshape(-1)[indices][:, None] * fixed_probe
    turn = (after * before.conj()).sum(dim=(1, 2, 3))
    turn = turn / turn.abs()
    torch.testing.assert_close(after, before * turn[:, None, None, None])
    assert not torch.allclose(tilted, known)


def test_patch_indices_cut_what_extract_patches_cuts_at_whole_positions() -> None:
    object_ = waves(11, 13)
    positions = torch.tensor([[2.0, 6.0], [8.0, 4.0]], dtype=torch.float64)
    corners = positions.long() - torch.tensor([1, 3])
    cut = object_.reshape(-1)[patch_indices(corners, (3, 7), (11, 13))]
    torch.testing.assert_close(cut, extract_patches(object_, positions, (3, 7)))


def test_modes_add_up_incoherently_and_one_mode_is_no_mode() -> None:
    modes, patches = waves(3, 16, 16).to(torch.complex64), waves(5, 16, 16).to(torch.complex64)
    whole = ForwardModel(modes, 1.0)(patches)
    apart = sum(ForwardModel(mode, 1.0)(patches) for mode in modes)
    torch.testing.assert_close(whole, apart)
    torch.testing.assert_close(
        ForwardModel(modes[:1], 1.0)(patches), ForwardModel(modes[0], 1.0)(patches)
    )
    empty = torch.ones(1, 16, 16, dtype=torch.complex64)
    torch.testing.assert_close(
        ForwardModel(modes, 1.0)(empty).sum(), modes.abs().square().sum(), rtol=1e-4, atol=0
    )


def test_every_mode_gets_a_gradient() -> None:
    modes = waves(3, 16, 16).requires_grad_()
    intensity = ForwardModel(torch.ones(3, 16, 16, dtype=torch.complex128), 1.0)
    intensity.probe = modes
    (intensity(waves(2, 16, 16)) * torch.rand(2, 16, 16)).sum().backward()
    assert (modes.grad.abs().amax(dim=(1, 2)) > 0).all()


def test_a_position_step_finds_a_small_move() -> None:
    patches = waves(3, 31, 37)
    probe = gaussian(31, 37, 15, 18)[None, None]
    moves = 0.05 * torch.randn(3, 2, dtype=torch.float64)
    still = shift_waves(probe, torch.zeros(3, 2, dtype=torch.float64))
    change = (shift_waves(probe, moves) - still) * patches[:, None]
    torch.testing.assert_close(position_steps(still, patches, change), moves, atol=5e-3, rtol=0)
    assert math.isclose(position_steps(still, patches, 1e3 * change).abs().max().item(), 0.5)


def test_the_wave_on_the_detector_keeps_its_energy_whatever_the_shift() -> None:
    probe = gaussian(31, 37, 15, 18)[None]
    moved = shift_waves(probe, torch.rand(4, 2, dtype=torch.float64))
    energy = far_field(moved).abs().square().sum(dim=(1, 2))
    torch.testing.assert_close(energy, probe.abs().square().sum().expand(4))

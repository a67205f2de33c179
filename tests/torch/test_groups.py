"""Groups of neighbouring patterns: who belongs to whom, and one object for all members."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

torch = pytest.importorskip("torch", reason="needs PyTorch (POLICY-001)")

from ptycho_torch.checks import UsageError  # noqa: E402
from ptycho_torch.config import ModelConfig  # noqa: E402
from ptycho_torch.data.dataset import GroupedPatterns, PatternDataset  # noqa: E402
from ptycho_torch.data.grouping import group_neighbours  # noqa: E402
from ptycho_torch.data.scan import Scan  # noqa: E402
from ptycho_torch.physics.forward_model import ForwardModel  # noqa: E402
from ptycho_torch.physics.groups import merge_patches, share_patches  # noqa: E402
from ptycho_torch.physics.patches import extract_patches  # noqa: E402
from ptycho_torch.reconstructor import Reconstructor  # noqa: E402
from ptycho_torch.simulate import simulate_probe  # noqa: E402

pytestmark = pytest.mark.torch

SIZE = 24


def raster(count: int, seed: int) -> np.ndarray:
    del seed
    width = max(1, round(count**0.5))
    return np.array([[5.0 * (i // width), 5.0 * (i % width)] for i in range(count)])


def jittered(count: int, seed: int) -> np.ndarray:
    return raster(count, seed) + np.random.default_rng(seed).normal(0, 1.5, (count, 2))


def spiral(count: int, seed: int) -> np.ndarray:
    turn = np.arange(count) * 2.39996 + seed
    return 4 * np.sqrt(np.arange(count))[:, None] * np.stack([np.sin(turn), np.cos(turn)], axis=1)


@given(
    positions=st.sampled_from([raster, jittered, spiral]),
    gridsize=st.integers(1, 3),
    more=st.integers(0, 60),
    seed=st.integers(0, 999),
)
@settings(deadline=None, max_examples=60)
def test_each_pattern_is_grouped_with_its_nearest(positions, gridsize, more, seed) -> None:
    points = positions(gridsize**2 + more, seed)
    groups = group_neighbours(points, gridsize)
    assert groups.shape == (len(points), gridsize**2)
    for number, members in enumerate(groups.tolist()):
        assert number in members
        assert len(set(members)) == len(members)
        distance = np.linalg.norm(points - points[number], axis=1)
        assert distance[members].max() <= np.sort(distance)[gridsize**2 - 1] + 1e-9
        rows = points[members].reshape(gridsize, gridsize, 2)
        assert (np.diff(rows[:, :, 1], axis=1) >= 0).all()
        assert (rows[:-1, :, 0].max(axis=1) <= rows[1:, :, 0].min(axis=1)).all()


def test_of_points_as_near_the_earlier_ones_are_taken_in_every_block(monkeypatch) -> None:
    from ptycho_torch.data import grouping

    points = np.concatenate([raster(49, 0), raster(9, 0)])  # 53 lies where 8 does
    whole = group_neighbours(points, 2)
    assert whole[8].tolist() == [7, 1, 8, 53]
    monkeypatch.setattr(grouping, "BLOCK", 5)
    assert (group_neighbours(points, 2) == whole).all()


def smooth_object(shape: tuple[int, int], phase: float = 1.0) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(shape[0]), torch.arange(shape[1]), indexing="ij")
    wave = torch.sin(2 * torch.pi * (y / 31 + x / 47)) + torch.cos(2 * torch.pi * (y / 39 - x / 29))
    return torch.polar(0.8 + 0.1 * wave, phase * wave)


def beam() -> ForwardModel:
    return ForwardModel(torch.from_numpy(simulate_probe(SIZE)) * 1e3, energy=0.99)


def light_of(model: ForwardModel) -> torch.Tensor:
    return model.window_probe.abs().square()


def cut(object_: torch.Tensor, positions_px: torch.Tensor, model: ForwardModel) -> torch.Tensor:
    shape = (int(model.window_probe.shape[0]), int(model.window_probe.shape[1]))
    patches = extract_patches(object_, positions_px.flatten(0, 1), shape)
    return patches.reshape(*positions_px.shape[:2], *shape)


def test_a_group_that_agrees_sees_what_single_patterns_see() -> None:
    """At whole pixels exactly, whatever the object; between pixels as near as bilinear weights."""
    model = beam()
    torch.manual_seed(1)
    whole = torch.randint(20, 34, (5, 4, 2)).float()
    whole[3] += 7
    rough = torch.polar(0.5 + torch.rand(60, 61), 6 * torch.rand(60, 61))
    relative = whole - whole.mean(dim=1, keepdim=True).round()
    patches = cut(rough, whole, model)
    shared = share_patches(patches, relative, light_of(model))
    alone, together = (model(part.flatten(0, 1)) for part in (patches, shared))
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-4 * float(alone.max()))

    between = whole + torch.rand(5, 4, 2)
    patches = cut(smooth_object((60, 61)), between, model)
    alone = model(patches.flatten(0, 1)).sqrt()
    relative = between - between.mean(dim=1, keepdim=True)
    errors = []
    for places in (relative, -relative):
        shared = share_patches(patches, places, light_of(model))
        errors.append(float((model(shared.flatten(0, 1)).sqrt() - alone).norm() / alone.norm()))
    assert errors[0] < 0.02
    assert errors[1] > 10 * errors[0]  # members at mirrored places do not agree


def test_groups_do_not_mix_and_members_do() -> None:
    model = beam()
    torch.manual_seed(2)
    relative = 4 * torch.randn(3, 4, 2)
    shape = (3, 4, *model.window_probe.shape)
    patches = torch.randn(shape, dtype=torch.complex64)
    shared = share_patches(patches, relative, light_of(model))
    for group in range(3):
        alone = share_patches(
            patches[group : group + 1], relative[group : group + 1], light_of(model)
        )
        torch.testing.assert_close(shared[group : group + 1], alone, rtol=1e-3, atol=1e-3)
    patches.requires_grad_()
    shared = share_patches(patches, relative, light_of(model))
    model(shared[1, 2:3]).sum().backward()
    reached = patches.grad.abs().amax(dim=(2, 3)) > 0
    assert reached.tolist() == [[False] * 4, [True] * 4, [False] * 4]


def test_what_groups_say_about_a_pattern_is_averaged_at_one_phase() -> None:
    model = beam()
    torch.manual_seed(3)
    points = torch.from_numpy(jittered(17, 5))
    groups = torch.from_numpy(group_neighbours(points.numpy(), 2))
    known = torch.randn(17, *model.window_probe.shape, dtype=torch.complex64)
    turns = torch.polar(torch.ones(17), 6 * torch.rand(17))
    noise = 0.01 * torch.randn(17, 4, *known.shape[1:], dtype=torch.complex64)
    said = turns[:, None, None, None] * (known[groups] + noise)
    merged = merge_patches(said, groups, light_of(model))
    assert merged.shape == known.shape
    error = merged / turns[:, None, None] - known
    assert error.abs().mean() < 0.008  # one noise alone has 0.0089
    assert (merged / turns.conj()[:, None, None] - known).abs().mean() > 0.1


def small_groups() -> tuple[Reconstructor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(4)
    config = ModelConfig(channels=4, levels=2, gridsize=2)
    network = Reconstructor(beam().probe, config)
    amplitude = (100 * torch.rand(11, SIZE, SIZE)).sqrt()
    network.calibrate(amplitude)
    return network, amplitude, torch.from_numpy(jittered(11, 7))


@pytest.mark.parametrize("taught", [False, True])
def test_gradient_reaches_every_parameter(taught) -> None:
    network, amplitude, positions_px = small_groups()
    groups = torch.from_numpy(group_neighbours(positions_px.numpy(), 2))[:3]
    places = positions_px[groups].float()
    relative = places - places.mean(dim=1, keepdim=True)
    if taught:
        known = torch.randn(3, 4, *network.light.shape, dtype=torch.complex64)
        loss = network.lesson_loss(network.agree(amplitude[groups], relative), known)
        turned = network.lesson_loss(network.agree(amplitude[groups], relative), 1j * known)
        torch.testing.assert_close(loss, turned)  # a group has one free phase
        known[:, 1] *= 1j  # its members do not
        other = network.lesson_loss(network.agree(amplitude[groups], relative), known)
        assert (other - loss).abs() > 1e-4
    else:
        loss = network.loss(amplitude[groups], relative)
    loss.backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_the_network_sees_where_each_member_lies_first_y_then_x() -> None:
    network, amplitude, _ = small_groups()
    seen = []
    network.network.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    places = torch.arange(24.0).reshape(3, 4, 2)
    network(amplitude.repeat(2, 1, 1)[:12].reshape(3, 4, SIZE, SIZE), places)
    channels = seen[0].reshape(3, 4, 5, *seen[0].shape[-2:])
    known = places / network.forward_model.beam_size_px
    torch.testing.assert_close(channels[:, :, 3:, 2, 3], known)


def test_a_lesson_weighs_the_same_whatever_the_amplitude_of_the_object() -> None:
    network, _, _ = small_groups()
    torch.manual_seed(6)
    window = network.forward_model.window_probe.shape
    said, known = (torch.randn(5, *window, dtype=torch.complex64) for _ in range(2))
    losses = []
    for scale in (1.0, 0.2):
        network.amplitude_scale.fill_(scale)
        losses.append(network.lesson_loss(scale * said, scale * known))
    torch.testing.assert_close(losses[1], losses[0])


def test_batches_change_nothing_and_places_do() -> None:
    network, amplitude, positions_px = small_groups()
    patches = network.predict(amplitude, 44, positions_px)
    assert patches.shape == (11, *network.light.shape)
    torch.testing.assert_close(network.predict(amplitude, 9, positions_px), patches)
    moved = network.predict(amplitude, 44, 1.3 * positions_px)
    assert (moved - patches).abs().max() > 1e-4
    torch.testing.assert_close(
        network.predict(amplitude, 44, positions_px + 8.0), patches, rtol=1e-4, atol=1e-4
    )
    with pytest.raises(TypeError, match="grouped by their positions"):
        network.predict(amplitude, 44)
    with pytest.raises(UsageError, match=r"Expected the patterns to be at least 4 .* but got 3"):
        network.predict(amplitude[:3], 44, positions_px[:3])


def test_neighbours_without_common_light_are_refused() -> None:
    amplitude = np.ones((5, SIZE, SIZE), np.float32)
    probe = simulate_probe(SIZE)
    positions_px = np.array([[0.0, 0.0], [0.0, 5.0], [5.0, 0.0], [5.0, 5.0], [40.0, 0.0]])
    scan = Scan(diffraction_amplitude=amplitude, positions_px=positions_px, probe=probe)
    with pytest.raises(UsageError, match=r"span at most 24 px.*but got 4. px.*use --gridsize 1"):
        GroupedPatterns(PatternDataset(scan), 2)
    positions_px[4] = [10.0, 0.0]
    assert len(GroupedPatterns(PatternDataset(scan), 2)) == 5

"""The physics, held to its laws; sizes are distinct primes, so that a swapped axis fails."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (POLICY-001)")

from ptycho_torch.checks import UsageError  # noqa: E402
from ptycho_torch.config import ModelConfig  # noqa: E402
from ptycho_torch.models.unet import UNet  # noqa: E402
from ptycho_torch.physics.forward_model import ForwardModel  # noqa: E402
from ptycho_torch.physics.losses import INTENSITY_FLOOR, amplitude_mse, poisson_nll  # noqa: E402
from ptycho_torch.physics.patches import extract_patches, place_patches  # noqa: E402
from ptycho_torch.physics.propagation import far_field, inverse_far_field  # noqa: E402
from ptycho_torch.reconstructor import Reconstructor  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(7)


def waves(*shape: int):
    return torch.randn(*shape, dtype=torch.complex128)


@pytest.mark.parametrize("shape", [(3, 5, 7), (3, 7, 11), (2, 8, 12), (2, 5, 6)])
def test_far_field_is_unitary_and_inverse_far_field_undoes_it(shape) -> None:
    first, second = waves(*shape), waves(*shape)
    torch.testing.assert_close(inverse_far_field(far_field(first)), first)
    torch.testing.assert_close(far_field(inverse_far_field(first)), first)
    before = torch.linalg.vecdot(first.flatten(), second.flatten())
    after = torch.linalg.vecdot(far_field(first).flatten(), far_field(second).flatten())
    torch.testing.assert_close(after, before)


@pytest.mark.parametrize("shape", [(5, 7), (8, 11)])
def test_far_field_puts_a_plane_wave_at_its_frequency_from_the_centre(shape) -> None:
    height, width = shape
    y = torch.arange(height, dtype=torch.float64)[:, None] - height // 2
    x = torch.arange(width, dtype=torch.float64)[None, :] - width // 2
    plane = torch.exp(2j * math.pi * (y / height - 2 * x / width))
    expected = torch.zeros(shape, dtype=torch.complex128)
    expected[height // 2 + 1, width // 2 - 2] = math.sqrt(height * width)
    torch.testing.assert_close(far_field(plane), expected)


def test_far_field_of_a_gaussian_is_the_analytic_gaussian() -> None:
    size, sigma_px = 64, 4.0
    axis = torch.arange(size, dtype=torch.float64) - size // 2
    radius_squared = axis[:, None] ** 2 + axis[None, :] ** 2
    gaussian = torch.exp(-radius_squared / (2 * sigma_px**2)).to(torch.complex128)
    frequency_sigma = size / (2 * math.pi * sigma_px)
    height = 2 * math.pi * sigma_px**2 / size
    expected = height * torch.exp(-radius_squared / (2 * frequency_sigma**2))
    torch.testing.assert_close(
        far_field(gaussian), expected.to(torch.complex128), atol=1e-6, rtol=0
    )


@pytest.mark.parametrize("inside", [True, False])
def test_extract_and_place_are_adjoint(inside) -> None:
    positions = 3 + 4 * torch.rand(5, 2, dtype=torch.float64)
    positions[:, 1] += 1.5
    if not inside:
        positions = positions * 3 - 6
    object_, patches = waves(11, 13), waves(5, 3, 7)
    left = torch.linalg.vecdot(
        extract_patches(object_, positions, (3, 7)).flatten(), patches.flatten()
    )
    right = torch.linalg.vecdot(
        object_.flatten(), place_patches(patches, positions, (11, 13)).flatten()
    )
    torch.testing.assert_close(left, right)


def test_patches_are_centred_and_in_the_order_y_x() -> None:
    object_ = torch.arange(7 * 11, dtype=torch.float64).reshape(7, 11)
    patch = extract_patches(object_, torch.tensor([[2.0, 6.0]]), (3, 5))[0]
    torch.testing.assert_close(patch, object_[1:4, 4:9])
    between = extract_patches(object_, torch.tensor([[2.25, 6.5]]), (1, 1)).item()
    assert between == pytest.approx(2.25 * 11 + 6.5)


def test_poisson_nll_has_the_analytic_gradient_also_where_nothing_was_counted() -> None:
    counts = torch.tensor([0.0, 1.0, 40.0], dtype=torch.float64)
    intensity = torch.tensor([2.0, 3.0, 10.0], dtype=torch.float64, requires_grad=True)
    poisson_nll(intensity, counts).backward()
    expected = (1 - counts / (intensity.detach() + INTENSITY_FLOOR)) / 3
    torch.testing.assert_close(intensity.grad, expected)


def test_poisson_nll_is_least_at_the_truth_and_half_at_the_noise() -> None:
    rate = torch.full((200_000,), 300.0)
    counts = torch.poisson(rate)
    assert poisson_nll(counts, counts).item() < 1e-4
    assert poisson_nll(rate, counts).item() == pytest.approx(0.5, abs=0.01)
    assert poisson_nll(1.1 * rate, counts).item() > 1


def test_amplitude_mse_is_a_quarter_at_the_noise() -> None:
    rate = torch.full((200_000,), 300.0)
    assert amplitude_mse(rate.sqrt(), torch.poisson(rate).sqrt()).item() == pytest.approx(
        0.25, abs=0.01
    )


def forward_model() -> ForwardModel:
    y = torch.arange(24)[:, None] - 12
    x = torch.arange(40)[None, :] - 20
    probe = 30 * torch.exp(-(y**2 + x**2) / 5.0 + 0.2j * (y**2 - x))
    return ForwardModel(probe.to(torch.complex64), 0.99)


def test_window_holds_the_probe_and_the_empty_sample_keeps_its_photons() -> None:
    model = forward_model()
    assert model.window == (slice(8, 16), slice(16, 24))
    empty = torch.ones(1, 8, 8, dtype=torch.complex64)
    assert model(empty).shape == (1, 24, 40)
    photons = model.probe.abs().square().sum().item()
    assert model(empty).sum().item() == pytest.approx(photons, rel=0.01)


def test_one_pattern_cannot_tell_the_global_phase() -> None:
    model = forward_model()
    patches = torch.randn(3, 8, 8, dtype=torch.complex64)
    turned = patches * torch.exp(torch.tensor(1.2j))
    torch.testing.assert_close(model(turned), model(patches))


def test_back_projection_of_the_empty_sample_is_flat_where_there_is_light() -> None:
    model = forward_model()
    whole = far_field(model.probe).abs()[None]
    guess = model.back_project(whole)[0]
    lit = model.window_probe.abs() > 0.5 * model.window_probe.abs().max()
    assert guess[lit].real.min() > 0.85
    assert guess[lit].imag.abs().max() < 1e-4


def small_reconstructor() -> Reconstructor:
    probe = torch.zeros(24, 24, dtype=torch.complex64)
    probe[4:20, 4:20] = 10 * torch.exp(1j * torch.rand(16, 16))
    return Reconstructor(probe, ModelConfig(channels=4, levels=2))


def test_gradient_reaches_every_parameter() -> None:
    reconstructor = small_reconstructor()
    amplitude = (100 * torch.rand(3, 24, 24)).sqrt()
    reconstructor.calibrate(amplitude)
    reconstructor.loss(amplitude).backward()
    for name, parameter in reconstructor.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_the_network_keeps_shapes_and_axes() -> None:
    network = UNet(3, 5, 2, outputs=4)
    images = torch.randn(7, 3, 16, 24)
    amplitude, phase_rad = network(images)
    assert amplitude.shape == phase_rad.shape == (7, 4, 16, 24)
    far = images.clone()
    far[:, :, :, 23] += 5
    unmoved = (network(far)[1] - phase_rad).abs().amax(dim=(0, 1, 2))
    assert unmoved[23] > 0
    assert unmoved[0] == 0


@pytest.mark.parametrize("shape", [{"levels": 4}, {"levels": 0}, {"channels": 0}, {"gridsize": 0}])
def test_a_network_that_cannot_be_is_refused(shape) -> None:
    with pytest.raises(UsageError, match="Expected ModelConfig to have"):
        Reconstructor(torch.ones(16, 16, dtype=torch.complex64), ModelConfig(**shape))


def test_batches_change_nothing() -> None:
    reconstructor = small_reconstructor()
    amplitude = (100 * torch.rand(11, 24, 24)).sqrt()
    torch.testing.assert_close(
        reconstructor.predict(amplitude, 3), reconstructor.predict(amplitude, 11)
    )


@pytest.mark.parametrize("seed", range(8))
def test_a_new_network_starts_at_the_right_energy_with_positive_amplitude(seed) -> None:
    torch.manual_seed(seed)
    reconstructor = small_reconstructor()
    amplitude = far_field(reconstructor.forward_model.probe).abs()[None].repeat(3, 1, 1) * 0.7
    reconstructor.calibrate(amplitude)
    patches = reconstructor(amplitude)
    assert patches.abs().min() > 0
    energy = reconstructor.forward_model(patches).sum() / amplitude.square().sum()
    assert 0.7 < energy.item() < 1.4

"""Settings of every step, immutable and plain enough to be kept as JSON."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationConfig:
    """What to simulate.

    Attributes:
        n_patterns: Number of scan points.
        size_px: Width of the square detector and of the probe's window.
        step_px: Mean distance of neighbouring scan points, in the object's pixels.
        photons: Mean number of photons per pattern where the object is transparent.
        object_kind: ``ellipses``, ``smooth``, ``sharp`` or ``experimental``.
        seed: Start of every random choice.
    """

    n_patterns: int = 512
    size_px: int = 64
    step_px: float = 5.0
    photons: float = 1e6
    object_kind: str = "ellipses"
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """Shape of the network.

    Attributes:
        channels: Feature channels at full resolution; they double at each level.
        levels: Number of resolutions.
        probe_energy: Share of the probe's energy that the predicted window must hold.
        gridsize: Width of a group: the network sees ``gridsize**2`` neighbouring patterns at once.
    """

    channels: int = 16
    levels: int = 3
    probe_energy: float = 0.99
    gridsize: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """How to train.

    Attributes:
        max_epochs: Passes over the training patterns.
        batch_size: Patterns per step; groups, with a ``gridsize`` above 1.
        learning_rate: Highest rate of a one-cycle schedule.
        gradient_clip: Largest norm of a gradient, per mean count of a pixel.
        teacher_passes: Passes of refinement over the training scan whose image the network learns
            from; 0 to learn from the counts alone.
        weight_decay: Decoupled weight decay.
        n_images: Patterns to train on, picked evenly over the scan; all of them if ``None``.
        seed: Start of every random choice, weights included.
        accelerator: ``auto``, ``cpu``, ``gpu`` (or ``cuda``), or ``mps``.
        devices: Processes that train together, each on its share of every batch.
        strategy: ``auto`` or ``ddp``, Lightning's way of training together.
        precision: ``32-true``, ``bf16-mixed``, ``16-mixed`` or ``64-true``, Lightning's names.
        num_workers: Processes that read patterns; the training process does if 0.
        gridsize: Width of a group: each pattern is learned together with its ``gridsize**2 - 1``
            nearest neighbours, on one region of the object; 1 for patterns alone.
    """

    max_epochs: int = 10
    batch_size: int = 8
    learning_rate: float = 3e-3
    gradient_clip: float = 6e-3
    teacher_passes: int = 10
    weight_decay: float = 1e-4
    n_images: int | None = None
    seed: int = 0
    accelerator: str = "auto"
    devices: int = 1
    strategy: str = "auto"
    precision: str = "32-true"
    num_workers: int = 0
    gridsize: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RefinementConfig:
    """How to refine an image iteratively.

    Attributes:
        passes: How often to go through all patterns; 0 leaves the image as it is.
        probe: Whether to refine the probe too.
        positions: Whether to refine the scan positions too.
        probe_modes: Number of mutually incoherent modes of the probe.
        batch_size: Patterns per update at first; it grows when an update no longer helps.
        momentum: Share of an update that the next one repeats.
        regularisation: Share of the brightest light below which an update fades out.
        seed: Start of the random order of the patterns.
    """

    passes: int = 0
    probe: bool = False
    positions: bool = False
    probe_modes: int = 1
    batch_size: int = 64
    momentum: float = 0.9
    regularisation: float = 0.05
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceConfig:
    """How to reconstruct.

    Attributes:
        batch_size: Patterns per forward pass.
        n_images: Patterns to reconstruct from, picked evenly over the scan; all if ``None``.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.
        refinement: What to do with the stitched image.
    """

    batch_size: int = 64
    n_images: int | None = None
    accelerator: str = "auto"
    refinement: RefinementConfig = RefinementConfig()


def plain_settings(config: ModelConfig | TrainingConfig) -> dict[str, Any]:
    """Write settings as plain JSON; the ``gridsize`` of single patterns, 1, is left out.

    So a training without groups gives, byte for byte, the files that it gave before there were any.

    Examples:
        >>> plain_settings(ModelConfig())
        {'channels': 16, 'levels': 3, 'probe_energy': 0.99}
        >>> plain_settings(ModelConfig(gridsize=2))["gridsize"]
        2
    """
    settings = asdict(config)
    if config.gridsize == 1:
        del settings["gridsize"]
    return settings

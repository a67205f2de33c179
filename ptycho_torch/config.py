"""Settings of every step, immutable and plain enough to be kept as JSON."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationConfig:
    """What to simulate.

    Attributes:
        n_patterns: Number of scan points.
        size_px: Width of the square detector and of the probe's window.
        step_px: Mean distance of neighbouring scan points, in the object's pixels.
        photons: Mean number of photons per pattern where the object is transparent.
        seed: Start of every random choice.
    """

    n_patterns: int = 512
    size_px: int = 64
    step_px: float = 5.0
    photons: float = 1e6
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """Shape of the network.

    Attributes:
        channels: Feature channels at full resolution; they double at each level.
        levels: Number of resolutions.
        probe_energy: Share of the probe's energy that the predicted window must hold.
    """

    channels: int = 16
    levels: int = 3
    probe_energy: float = 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """How to train.

    Attributes:
        max_epochs: Passes over the training patterns.
        batch_size: Patterns per step.
        learning_rate: Highest rate of a one-cycle schedule.
        gradient_clip: Largest norm of a gradient, per mean count of a pixel.
        weight_decay: Decoupled weight decay.
        n_images: Patterns to train on, picked evenly over the scan; all of them if ``None``.
        seed: Start of every random choice, weights included.
        accelerator: ``auto``, ``cpu``, ``gpu`` (or ``cuda``), or ``mps``.
    """

    max_epochs: int = 10
    batch_size: int = 8
    learning_rate: float = 3e-3
    gradient_clip: float = 6e-3
    weight_decay: float = 1e-4
    n_images: int | None = None
    seed: int = 0
    accelerator: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceConfig:
    """How to reconstruct.

    Attributes:
        batch_size: Patterns per forward pass.
        n_images: Patterns to reconstruct from, picked evenly over the scan; all if ``None``.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.
    """

    batch_size: int = 64
    n_images: int | None = None
    accelerator: str = "auto"

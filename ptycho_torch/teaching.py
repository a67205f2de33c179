"""Let an iterative reconstruction of the training scan teach the network."""

from collections.abc import Callable

from ptycho_torch.config import RefinementConfig
from ptycho_torch.data.dataset import PatternDataset, TaughtPatterns
from ptycho_torch.needs_torch import choose_device
from ptycho_torch.physics.forward_model import ForwardModel
from ptycho_torch.refinement import PassRecord, begin_refinement


def teach(
    patterns: PatternDataset,
    forward_model: ForwardModel,
    passes: int,
    *,
    seed: int = 0,
    accelerator: str = "auto",
    report: Callable[[PassRecord], None] | None = None,
) -> TaughtPatterns:
    """Refine an image of a scan from a flat start and cut it into lessons.

    One pattern alone leaves much of its patch open; the image that explains all of them together
    does not. A few passes cost about as much as an epoch of training.

    Args:
        patterns: The scan.
        forward_model: The beam, and the window of the patches.
        passes: Passes of refinement, at least 1.
        seed: Start of the random order of the patterns.
        accelerator: Where to refine.
        report: Called at the start and after each pass.

    Returns:
        The patterns with their patches, on the CPU.
    """
    probe = forward_model.probe.to(choose_device(accelerator))
    config = RefinementConfig(passes=passes, seed=seed)
    refinement = begin_refinement(
        patterns.diffraction_amplitude,
        patterns.positions_px,
        probe,
        config,
        bad_pixels=forward_model.bad_pixels,
    )
    for record in refinement.passes():
        if report is not None:
            report(record)
    estimate = refinement.estimate
    height, width = forward_model.window_probe.shape[-2:]
    return TaughtPatterns(
        patterns, estimate.object_.cpu(), estimate.positions_px.cpu(), (int(height), int(width))
    )

"""Refine an image by iterating between the sample and the detector.

Each update goes through a batch of patterns: the waves that the present image sends to the detector
take the measured amplitudes, come back, and what that brings is given to the image. Between pixels
the probe is moved, not the image, so nothing is blurred.

Small batches learn fast and end in a noise of their own. So the misfit of the whole scan is looked
at after each pass. A pass that did not lower it is undone and done again without momentum and with
batches twice as large. In the limit it is one update by the whole scan.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ptycho_torch.config import RefinementConfig
from ptycho_torch.data.scan import PlacedObject
from ptycho_torch.estimate import (
    MARGIN_PX,
    Estimate,
    beam_and_patches,
    split_modes,
    start_estimate,
)
from ptycho_torch.needs_torch import limit_threads, torch
from ptycho_torch.physics.gauge import fix_gauge
from ptycho_torch.physics.projection import incoherent_sum, project_amplitude
from ptycho_torch.physics.propagation import far_field, inverse_far_field
from ptycho_torch.physics.updates import UpdateSums, position_steps

CHUNK_PIXELS = 2**18
"""Pixels of patterns that are propagated at once; bounds memory to about 50 MB beside the canvas.

So few are not worth a second thread: two gain 20 % on a quiet machine and wait for each other for
seconds on a busy one, see ``needs_torch``.
"""

UPDATES_PER_PASS = 8
"""A pass over a small scan is cut into this many batches at first."""

SMALLEST_STEP = 1 / 64
"""When not even this share of an update lowers the misfit, there is nothing left to gain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassRecord:
    """What a pass came to.

    Attributes:
        number: Its number, from 1; 0 is the start.
        amplitude_mse: Mean squared difference of predicted and measured diffraction amplitudes,
            over all measured pixels of the scan; photon noise alone gives up to 0.25.
        batch_size: Patterns per update.
        seconds: Time since the refinement began.
    """

    number: int
    amplitude_mse: float
    batch_size: int
    seconds: float


class Refinement:
    """An iterative reconstruction, pass by pass.

    Args:
        diffraction_amplitude: Roots of counts, real (pattern, y, x).
        start: Where to start from.
        config: How to refine.
        bad_pixels: Pixels that measured nothing, boolean (y, x); none if ``None``.

    Attributes:
        estimate: The best so far.
    """

    def __init__(
        self,
        diffraction_amplitude: torch.Tensor,
        start: Estimate,
        config: RefinementConfig,
        bad_pixels: torch.Tensor | None = None,
    ) -> None:
        self.diffraction_amplitude = diffraction_amplitude
        self.estimate = start
        self.config = config
        self._bad = None if bad_pixels is None else bad_pixels.to(start.probe.device)
        total = len(diffraction_amplitude)
        self._batch_size = max(1, min(config.batch_size, total // UPDATES_PER_PASS))
        self._step = 1.0
        self._chunk = max(1, CHUNK_PIXELS // diffraction_amplitude[0].numel())
        self._order = torch.Generator().manual_seed(config.seed)
        self._rest()

    def _rest(self) -> None:
        """Forget the momentum."""
        self._object_velocity = torch.zeros_like(self.estimate.object_)
        self._position_velocity = torch.zeros_like(self.estimate.positions_px)

    @torch.no_grad()
    def passes(self) -> Iterator[PassRecord]:
        """Refine until all passes are done or nothing is left to gain.

        Yields:
            The start, then each pass. The misfit falls from each to the next.
        """
        began = time.perf_counter()
        misfit: float | None = None
        for number in range(self.config.passes + 1):
            with limit_threads(1):
                if misfit is None:
                    misfit = self.amplitude_mse(self.estimate)
                else:
                    misfit = self._lower(misfit)
            if misfit is None:
                return
            yield PassRecord(
                number=number,
                amplitude_mse=misfit,
                batch_size=self._batch_size,
                seconds=time.perf_counter() - began,
            )

    def _lower(self, misfit: float) -> float | None:
        """Make a pass that lowers the misfit; give the new one, or ``None`` if none can."""
        total = len(self.diffraction_amplitude)
        while True:
            tried = self._pass(self._batch_size, self._step)
            found = self.amplitude_mse(tried)
            if found < misfit:
                self.estimate = tried
                return found
            self._rest()
            if self._batch_size < total:
                self._batch_size = min(2 * self._batch_size, total)
            elif self._step > SMALLEST_STEP:
                self._step /= 2
            else:
                return None

    @torch.no_grad()
    def amplitude_mse(self, estimate: Estimate) -> float:
        """Give the misfit of the whole scan; see :class:`PassRecord`."""
        total = 0.0
        everything = torch.arange(len(self.diffraction_amplitude), device=estimate.probe.device)
        for picked in torch.split(everything, self._chunk):
            probes, patches, _ = beam_and_patches(estimate, picked)
            predicted = incoherent_sum(far_field(probes * patches[:, None])).sqrt()
            missed = (predicted - self._measured(picked)).square()
            total += float(missed.sum() if self._bad is None else missed[:, ~self._bad].sum())
        pixels = self.diffraction_amplitude[0].numel() if self._bad is None else (~self._bad).sum()
        return total / (len(self.diffraction_amplitude) * int(pixels))

    def _measured(self, picked: torch.Tensor) -> torch.Tensor:
        patterns = self.diffraction_amplitude[picked.to(self.diffraction_amplitude.device)]
        return patterns.to(self.estimate.probe.device)

    def _pass(self, batch_size: int, step: float) -> Estimate:
        """Go once through all patterns in random order."""
        estimate, before = self.estimate, self.estimate
        order = torch.randperm(len(self.diffraction_amplitude), generator=self._order)
        for batch in torch.split(order.to(estimate.probe.device), batch_size):
            estimate = self._update(estimate, batch, step)
        if self.config.probe:
            object_, probe = fix_gauge(estimate.object_, estimate.probe, before.probe)
            estimate = replace(estimate, object_=object_, probe=probe)
        if self.config.positions:
            moved = estimate.positions_px - before.positions_px
            moved = moved - moved.mean(dim=0)
            self._position_velocity = self.config.momentum * self._position_velocity + moved
            positions_px = before.positions_px + self._position_velocity
            estimate = replace(estimate, positions_px=_on_canvas(positions_px, estimate))
        return estimate

    def _update(self, estimate: Estimate, batch: torch.Tensor, step: float) -> Estimate:
        """Update by the patterns of one batch."""
        object_ = estimate.object_ + self.config.momentum * self._object_velocity
        ahead = replace(estimate, object_=object_)
        sums = UpdateSums(object_, estimate.probe)
        probe, positions_px = estimate.probe, estimate.positions_px
        for picked in torch.split(batch, self._chunk):
            probes, patches, indices = beam_and_patches(ahead, picked)
            waves = far_field(probes * patches[:, None])
            change = project_amplitude(waves, self._measured(picked), self._bad)
            change = inverse_far_field(change)
            sums.add_object(probes, change, indices)
            if self.config.probe:
                offsets = ahead.positions_px[picked] - ahead.positions_px[picked].round()
                sums.add_probe(patches, change, offsets.to(patches.real.dtype))
            if self.config.positions:
                moves = step * position_steps(probes, patches, change)
                positions_px = positions_px.index_add(0, picked, moves.to(positions_px.dtype))
        gain = step * sums.object_step(self.config.regularisation)
        self._object_velocity = self.config.momentum * self._object_velocity + gain
        if self.config.probe:
            probe = probe + step * sums.probe_step(self.config.regularisation)
        return replace(estimate, object_=object_ + gain, probe=probe, positions_px=positions_px)


def _on_canvas(positions_px: torch.Tensor, estimate: Estimate) -> torch.Tensor:
    """Hold positions where the probe lies on the object."""
    limits = []
    for object_size, size in zip(estimate.object_.shape, estimate.probe.shape[1:], strict=True):
        limits.append((size // 2, object_size - size + size // 2))
    low, high = torch.tensor(limits).to(positions_px).unbind(dim=1)
    return torch.minimum(torch.maximum(positions_px, low), high)


def begin_refinement(
    diffraction_amplitude: torch.Tensor,
    positions_px: torch.Tensor,
    probe: torch.Tensor,
    config: RefinementConfig,
    image: PlacedObject | None = None,
    bad_pixels: torch.Tensor | None = None,
) -> Refinement:
    """Set up a refinement of an image, or of a flat start.

    Args:
        diffraction_amplitude: Roots of counts, real (pattern, y, x).
        positions_px: Real (pattern, yx).
        probe: Complex (y, x), on the device to work on.
        config: How to refine.
        image: Where to start from; flat if ``None``.
        bad_pixels: Pixels that measured nothing, boolean (y, x); none if ``None``.

    Returns:
        The refinement.

    Raises:
        UsageError: If there cannot be so many probe modes.
    """
    device = probe.device
    if device.type == "mps":  # which has no double precision
        positions_px = positions_px.float()
    start = start_estimate(
        diffraction_amplitude,
        positions_px.to(device),
        split_modes(probe.cpu(), config.probe_modes).to(device),
        image,
        margin_px=MARGIN_PX if config.positions else 0,
        bad_pixels=bad_pixels,
    )
    return Refinement(diffraction_amplitude, start, config, bad_pixels)

"""How good the images are, and how fast: training for each kind of object, and refinement.

For each kind of object and each seed a scan of 512 patterns (64 × 64 pixels, 10^6 photons each) is
simulated, a network is trained on it, and the phase PSNR is measured after each epoch. The clock
stands still while it is measured. Then the image is refined, from the network's and from a flat
start. Seeds of the object, the weights and the order of patterns are all that of the run.

    OMP_NUM_THREADS=2 python tests/benchmarks/ptycho_quality.py --seeds 100 110 --json quality.json
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

if __name__ == "__main__":  # a script sees its own folder alone
    sys.path.insert(0, str(Path(__file__).parents[2]))

from ptycho_torch.config import (
    InferenceConfig,
    ModelConfig,
    RefinementConfig,
    SimulationConfig,
    TrainingConfig,
)
from ptycho_torch.data.dataset import PatternDataset
from ptycho_torch.estimate import placed_object
from ptycho_torch.fitting import fit
from ptycho_torch.metrics import same_pixels, score_reconstruction
from ptycho_torch.objects import KINDS
from ptycho_torch.reconstruction import reconstruct
from ptycho_torch.reconstructor import Reconstructor
from ptycho_torch.refinement import begin_refinement
from ptycho_torch.simulate import simulate_scan
from ptycho_torch.teaching import teach

ON_CPU = InferenceConfig(accelerator="cpu")
MARKS_DB = (20.0, 22.0)
SHOWN_PASSES = (1, 5, 20, 50)


def phase_psnr_db(placed, truth, scan) -> float:
    found = same_pixels(placed.object_, placed.origin_px, truth.object_.shape)
    return score_reconstruction(found, truth.object_, scan.positions_px).phase_psnr_db


def train(
    scan, truth, seed: int, epochs: int, teacher_passes: int, gridsize: int
) -> tuple[Any, list[dict[str, float]]]:
    """Train once; give the image and, per epoch, seconds, CPU seconds and phase PSNR."""
    torch.manual_seed(seed)
    patterns = PatternDataset(scan)
    network = Reconstructor(torch.from_numpy(scan.probe), ModelConfig(gridsize=gridsize))
    network.calibrate(patterns.diffraction_amplitude)
    rows: list[dict[str, float]] = []
    away = {"wall": 0.0, "cpu": 0.0}
    began, cpu_began = time.perf_counter(), time.process_time()
    lessons = patterns
    if teacher_passes:
        lessons = teach(
            patterns, network.forward_model, teacher_passes, seed=seed, accelerator="cpu"
        )

    def report(record) -> None:
        now, cpu_now = time.perf_counter(), time.process_time()
        psnr = phase_psnr_db(reconstruct(network, scan, ON_CPU).placed, truth, scan)
        rows.append(
            {
                "epoch": record.epoch + 1,
                "seconds": now - began - away["wall"],
                "cpu_seconds": cpu_now - cpu_began - away["cpu"],
                "loss": record.train_loss,
                "phase_psnr_db": psnr,
            }
        )
        away["wall"] += time.perf_counter() - now
        away["cpu"] += time.process_time() - cpu_now

    config = TrainingConfig(max_epochs=epochs, seed=seed, accelerator="cpu", gridsize=gridsize)
    fit(network, lessons, config, report=report)
    return reconstruct(network, scan, ON_CPU).placed, rows


def refine(scan, truth, image, seed: int) -> list[dict[str, float]]:
    """Refine once; give, per pass, seconds, misfit and phase PSNR. Scoring takes no time here."""
    refinement = begin_refinement(
        torch.from_numpy(scan.diffraction_amplitude),
        torch.from_numpy(scan.positions_px),
        torch.from_numpy(scan.probe),
        RefinementConfig(passes=max(SHOWN_PASSES), seed=seed),
        image,
    )
    rows, away = [], 0.0
    for record in refinement.passes():
        now = time.perf_counter()
        psnr = phase_psnr_db(placed_object(refinement.estimate)[0], truth, scan)
        rows.append(
            {
                "pass": record.number,
                "seconds": record.seconds - away,
                "amplitude_mse": record.amplitude_mse,
                "phase_psnr_db": psnr,
            }
        )
        away += time.perf_counter() - now
    return rows


def first(rows: list[dict[str, float]], mark_db: float, key: str) -> float | None:
    """Give a column where the PSNR first reaches a mark; ``None`` if it never does."""
    return next((row[key] for row in rows if row["phase_psnr_db"] >= mark_db), None)


def spread(values: list[float | None], digits: int = 1) -> str:
    """Write minimum, median and maximum; a run that never came there counts as ``never``."""
    known = sorted(float("inf") if value is None else value for value in values)
    three = (known[0], statistics.median(known), known[-1])
    return " / ".join("never" if v == float("inf") else f"{v:.{digits}f}" for v in three)


def print_training(runs: list[dict[str, Any]]) -> None:
    print("\nTraining (min / median / max over the seeds)\n")
    columns = ["kind", "seeds", *(f"s to {m:.0f} dB" for m in MARKS_DB), "CPU s to 20 dB", "dB"]
    print("| " + " | ".join([*columns, ">= 20 dB"]) + " |\n" + "|---" * (len(columns) + 1) + "|")
    for kind in dict.fromkeys(run["kind"] for run in runs):
        those = [run["training"] for run in runs if run["kind"] == kind]
        last = [rows[-1]["phase_psnr_db"] for rows in those]
        cells = [kind, str(len(those))]
        cells += [spread([first(rows, mark, "seconds") for rows in those]) for mark in MARKS_DB]
        cells += [spread([first(rows, 20.0, "cpu_seconds") for rows in those]), spread(last)]
        cells.append(f"{sum(value >= 20 for value in last)}/{len(last)}")
        print("| " + " | ".join(cells) + " |")


def print_refinement(runs: list[dict[str, Any]]) -> None:
    print("\nRefinement (medians over the seeds; the last column over all passes of all of them)\n")
    print("| kind | start | " + " | ".join(f"{n} passes" for n in SHOWN_PASSES), end="")
    print(" | passes to 35 dB | misfit falls |\n" + "|---" * (len(SHOWN_PASSES) + 4) + "|")
    for kind in dict.fromkeys(run["kind"] for run in runs):
        for start in ("network", "flat"):
            those = [run[start] for run in runs if run["kind"] == kind]
            cells = [kind, start]
            for number in SHOWN_PASSES:
                there = [rows[min(number, len(rows) - 1)] for rows in those]
                psnr = statistics.median(row["phase_psnr_db"] for row in there)
                seconds = statistics.median(row["seconds"] for row in there)
                cells.append(f"{psnr:.1f} dB, {seconds:.2f} s")
            cells.append(spread([first(rows, 35.0, "pass") for rows in those], 0))
            falls = [
                all(b["amplitude_mse"] < a["amplitude_mse"] for a, b in pairwise(r)) for r in those
            ]
            cells.append(f"{sum(falls)}/{len(falls)}")
            print("| " + " | ".join(cells) + " |")


def main() -> int:
    """Run the study."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", nargs="+", choices=tuple(KINDS), default=list(KINDS))
    parser.add_argument("--seeds", nargs=2, type=int, default=(100, 110), metavar=("FROM", "TO"))
    parser.add_argument("--epochs", type=int, default=6)
    passes = TrainingConfig().teacher_passes
    parser.add_argument("--teacher_passes", type=int, default=passes, help="0: counts alone")
    parser.add_argument("--gridsize", type=int, default=1, help="2: learn in groups of four")
    parser.add_argument("--skip_refinement", action="store_true", help="only train")
    parser.add_argument("--json", type=Path, help="where to write every number")
    given = parser.parse_args()
    runs = []
    for kind in given.kinds:
        for seed in range(*given.seeds):
            scan, truth = simulate_scan(SimulationConfig(seed=seed, object_kind=kind))
            image, training = train(
                scan, truth, seed, given.epochs, given.teacher_passes, given.gridsize
            )
            run = {"kind": kind, "seed": seed, "training": training}
            said = [f"{training[-1]['phase_psnr_db']:.1f}"]
            if not given.skip_refinement:
                run["network"] = refine(scan, truth, image, seed)
                run["flat"] = refine(scan, truth, None, seed)
                said.append(f"{run['network'][-1]['phase_psnr_db']:.1f}")
            runs.append(run)
            if given.json is not None:
                given.json.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
            took = f"{training[-1]['seconds']:.1f} s, load {os.getloadavg()[0]:.1f}"
            print(f"{kind} {seed}: {' -> '.join(said)} dB, {took}", file=sys.stderr, flush=True)
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    print_training(runs)
    if not given.skip_refinement:
        print_refinement(runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())

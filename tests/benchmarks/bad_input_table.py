"""Every kind of bad input, and what ``train`` and ``inference`` answer.

``tests/torch/test_bad_inputs.py`` holds each row; run as a script, it prints the table with exit
status, seconds, whether PyTorch was loaded, and the text:

    python tests/benchmarks/bad_input_table.py [--json] [--only WORD]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]
COUNT, SIZE = 24, 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One bad input.

    Attributes:
        text: A part of the answer.
        arrays: What differs from a good scan; ``None`` takes an array away.
        file: How to make another scan file, from the good one.
        model: How to make another bundle, from the good one.
        flags: What stands on the command line beside the files.
        commands: Who gets it.
        status: The exit status.
    """

    text: str
    arrays: dict[str, Any] | None = None
    file: Any = None
    model: Any = None
    flags: str = ""
    commands: tuple[str, ...] = ("train", "inference")
    status: int = 2


def good_arrays() -> dict[str, Any]:
    """Give a small scan that can be used."""
    sys.path.insert(0, str(ROOT))
    from ptycho_torch.simulate import SimulationConfig, simulate_scan

    scan, _ = simulate_scan(SimulationConfig(n_patterns=COUNT, size_px=SIZE, seed=11))
    return {
        "diff3d": scan.diffraction_amplitude,
        "ycoords": scan.positions_px[:, 0],
        "xcoords": scan.positions_px[:, 1],
        "probeGuess": scan.probe,
    }


GOOD = good_arrays()
STACK, Y, X, PROBE = (GOOD[key] for key in ("diff3d", "ycoords", "xcoords", "probeGuess"))


def spoiled(value: float) -> Any:
    """Put a value into one pixel of one pattern."""
    stack = STACK.copy()
    stack[5, 3, 4] = value
    return stack


def empty(path: Path) -> None:
    """Leave nothing in a file."""
    path.write_bytes(b"")


def cut(path: Path) -> None:
    """Leave half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def text(path: Path) -> None:
    """Make a text of a file."""
    path.write_text("y x counts\n", encoding="utf-8")


def missing(path: Path) -> None:
    """Take a file away."""
    path.unlink()


def folder(path: Path) -> None:
    """Make a folder of a file."""
    path.unlink()
    path.mkdir()


def foreign(path: Path) -> None:
    """Make another program's bundle of a file."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.dill", b"cos\nsystem\n(S'true'\ntR.")


ONE = ("train",)
TWO = ("inference",)
WIDE, TALL = np.ones((50, 50), complex), np.ones((200, 60), complex)
ROWS = {
    "no patterns": Row(arrays={"diff3d": None}, text="diff3d or diffraction, but got neither"),
    "no probe": Row(arrays={"probeGuess": None}, text="hold the array probeGuess"),
    "no xcoords": Row(arrays={"xcoords": None}, text="hold the array xcoords"),
    "patterns smaller than the probe": Row(
        arrays={"diff3d": STACK[:, 8:24, 8:24]}, text="have the shape (16, 16) of the patterns"
    ),
    "fewer patterns than positions": Row(
        arrays={"diff3d": STACK[:20]}, text="be a stack of 24 patterns"
    ),
    "x and y of other lengths": Row(arrays={"xcoords": X[:9]}, text="got 24 and 9 numbers"),
    "empty arrays": Row(
        arrays={"diff3d": STACK[:0], "ycoords": Y[:0], "xcoords": X[:0]}, text="the empty shape"
    ),
    "NaN": Row(arrays={"diff3d": spoiled(np.nan)}, text="NaN or infinity in 1 of 24 patterns"),
    "infinity": Row(arrays={"diff3d": spoiled(np.inf)}, text="NaN or infinity in 1 of 24"),
    "negative": Row(arrays={"diff3d": spoiled(-1)}, text="negative ones in 1 of 24 patterns"),
    "all zero": Row(arrays={"diff3d": 0 * STACK}, text="only zeros in 24 of 24 patterns"),
    "counts": Row(
        arrays={"diff3d": np.square(STACK).astype(np.uint16)}, text="or read counts with --counts"
    ),
    "complex patterns": Row(arrays={"diff3d": STACK + 0j}, text="be real (pattern, y, x)"),
    "a real probe": Row(arrays={"probeGuess": abs(PROBE)}, text="be complex (y, x), but got real"),
    "a probe of zeros": Row(arrays={"probeGuess": 0 * PROBE}, text="be finite and not all zero"),
    "positions NaN": Row(arrays={"ycoords": Y * np.nan}, text="NaN or infinity at 24 of 24"),
    "positions constant": Row(
        arrays={"ycoords": 0 * Y, "xcoords": 0 * X}, text="vary along y and x"
    ),
    "positions outside the object": Row(
        arrays={"objectGuess": WIDE, "xcoords": X + 60}, text="lie inside objectGuess of 50 × 50"
    ),
    "positions in metres": Row(
        arrays={"ycoords": 2e-8 * Y, "xcoords": 2e-8 * X}, text="be in pixels, and neighbours to"
    ),
    "positions in nanometres": Row(
        arrays={"ycoords": 20 * Y, "xcoords": 20 * X}, text="neighbours to share a beam of"
    ),
    "patterns around a corner": Row(
        arrays={"diff3d": np.fft.ifftshift(STACK, axes=(1, 2))}, text="got it in the corner"
    ),
    "bad pixels of another shape": Row(
        arrays={"bad_pixels": np.zeros((3, 3), bool)}, text="have the shape (32, 32)"
    ),
    "x and y swapped": Row(
        arrays={"objectGuess": TALL, "xcoords": X + 60}, text="fit with x and y swapped"
    ),
    "an ambiguous stack": Row(
        arrays={
            "diff3d": np.ones((SIZE, SIZE, SIZE), np.float32),
            "ycoords": np.arange(float(SIZE)),
            "xcoords": np.arange(float(SIZE)),
        },
        text="which can be read twice",
    ),
    "Python objects": Row(arrays={"ycoords": np.array([{}] * COUNT)}, text="Python objects"),
    "no file": Row(file=missing, text="no file there"),
    "a folder": Row(file=folder, text="but got a folder"),
    "an empty file": Row(file=empty, text="an empty file"),
    "a text": Row(file=text, text="a file of another kind"),
    "a cut-off file": Row(file=cut, text="a cut-off one"),
    "no bundle": Row(model=missing, commands=TWO, text="be a trained bundle"),
    "an empty bundle": Row(model=empty, commands=TWO, text="a damaged file"),
    "a cut-off bundle": Row(model=cut, commands=TWO, text="a damaged file"),
    "another program's bundle": Row(model=foreign, commands=TWO, text="is not unpickled"),
    "another probe": Row(
        arrays={"probeGuess": PROBE.T}, commands=TWO, text="be the probe that the bundle"
    ),
    "n_images 0": Row(flags="--n_images 0", text="be a whole number of at least 1"),
    "n_images beyond": Row(flags="--n_images 25", text="be 1 to 24, the patterns in the file"),
    "epochs 0": Row(flags="--max_epochs 0", commands=ONE, text="at least 1, but got '0'"),
    "batch 0": Row(flags="--batch_size 0", commands=ONE, text="at least 1, but got '0'"),
    "gridsize 0": Row(flags="--gridsize 0", commands=ONE, text="at least 1, but got '0'"),
    "a group larger than the scan": Row(
        flags="--gridsize 5", commands=ONE, text="be at least 25 for groups of --gridsize 5"
    ),
    "learning rate -1": Row(flags="--learning_rate -1", commands=ONE, text="above 0"),
    "devices beyond the batch": Row(
        flags="--devices 9 --batch_size 4", commands=ONE, text="one pattern per device"
    ),
    "no checkpoint to resume": Row(flags="--resume", commands=ONE, text="be a checkpoint"),
    "a bad choice": Row(flags="--accelerator gpo", text="Did you mean 'gpu'?"),
    "an unknown flag": Row(flags="--acelerator cpu", text="Did you mean --accelerator?"),
    "output is a file": Row(flags="--output_dir {file}", text="which is a file"),
    "output below a file": Row(flags="--output_dir {file}/deep", text="which is a file"),
}
CASES = {
    f"{command}: {name}": (command, row)
    for command in ("train", "inference")
    for name, row in ROWS.items()
    if command in row.commands
}


def arrange(row: Row, command: str, place: Path, bundle: Path) -> list[str]:
    """Make the files of a row and give its command line.

    Args:
        row: The row.
        command: ``train`` or ``inference``.
        place: An empty folder.
        bundle: A bundle of a network that was trained on the good scan.
    """
    scan, model, file = place / "scan.npz", place / "model.zip", place / "file"
    arrays = GOOD | (row.arrays or {})
    np.savez(scan, **{key: value for key, value in arrays.items() if value is not None})
    file.write_text("in the way", encoding="utf-8")
    if row.file:
        row.file(scan)
    arguments = ["--output_dir", str(place / "out")]
    if command == "train":
        arguments += ["--train_data_file", str(scan)]
    else:
        model.write_bytes(bundle.read_bytes())
        if row.model:
            row.model(model)
        arguments += ["--model_path", str(model), "--test_data", str(scan)]
    return [*arguments, *row.flags.format(file=file).split()]


CHILD = """
import sys, runpy
from ptycho_torch.{command} import main
status = main(sys.argv[1:])
print("torch" in sys.modules)
sys.exit(status)
"""


def run_row(row: Row, command: str, place: Path, bundle: Path) -> dict[str, Any]:
    """Run a row in a process of its own."""
    arguments = arrange(row, command, place, bundle)
    before = sorted(place.rglob("*"))
    start = time.perf_counter()
    child = subprocess.run(
        [sys.executable, "-c", CHILD.format(command=command), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "status": child.returncode,
        "seconds": round(time.perf_counter() - start, 2),
        "torch": child.stdout.strip() == "True",
        "lines": child.stderr.count("\n"),
        "left": [str(path) for path in sorted(place.rglob("*")) if path not in before],
        "text": child.stderr.strip().replace(f"{place}{os.sep}", ""),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as place:
        bundle = make_bundle(Path(place) / "good")
        for number, (name, (command, row)) in enumerate(CASES.items()):
            if given.only in name:
                folder_of_row = Path(place) / str(number)
                folder_of_row.mkdir()
                found[name] = run_row(row, command, folder_of_row, bundle)
    if given.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return
    print("| case | exit | seconds | PyTorch loaded | text |\n|---|---|---|---|---|")
    for name, answer in found.items():
        loaded = "yes" if answer["torch"] else "no"
        print(
            f"| {name} | {answer['status']} | {answer['seconds']} | {loaded} | {answer['text']} |"
        )


def make_bundle(place: Path) -> Path:
    """Train for one epoch on the good scan and give the bundle."""
    from ptycho_torch.train import TrainingConfig, write_training

    place.mkdir()
    np.savez(place / "scan.npz", **GOOD)
    config = TrainingConfig(max_epochs=1, accelerator="cpu")
    write_training(place / "scan.npz", place / "run", config)
    return place / "run" / "wts.h5.zip"


if __name__ == "__main__":
    main()

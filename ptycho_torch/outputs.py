"""Outputs that appear complete or not at all, and the record of the run that made them."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ptycho_torch.checks import UsageError, expected, installed_version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUN_SCHEMA = 1
DISTRIBUTIONS = ("torch", "lightning", "numpy", "safetensors", "pillow")


def check_output_dir(path: Path) -> None:
    """Refuse an output folder that cannot be made.

    Raises:
        UsageError: If the path, or one above it, is a file or cannot be written into.
    """
    _check_place("--output_dir", "a folder, or a path where one can be made", path)


def check_output_file(name: str, path: Path) -> None:
    """Refuse a file that cannot be written.

    Args:
        name: The flag that names it.
        path: The file; folders that are missing above it will be made.

    Raises:
        UsageError: If it is a folder, or lies below a file or where nothing can be written.
    """
    if path.is_dir():
        raise UsageError(expected(name, "be a file", f"the folder {path}", "Name a file."))
    _check_place(name, "a file in a folder, or where one can be made", path.absolute().parent)


def _check_place(name: str, what: str, path: Path) -> None:
    for place in (path, *path.parents):
        if place.is_dir():
            if not os.access(place, os.W_OK):
                to = f"be {what.split(',', maxsplit=1)[0]} that can be written into"
                remedy = "Give another path, or change its permissions."
                raise UsageError(expected(name, to, f"{place}, which cannot", remedy))
            return
        if place.exists():
            remedy = "Give another path, or move the file."
            raise UsageError(expected(name, f"be {what}", f"{place}, which is a file", remedy))


@contextmanager
def together(*targets: Path) -> Iterator[tuple[Path, ...]]:
    """Write several files, all of them or none.

    Yields:
        A file to write for each target, beside it. They are moved when all are written; if the
        block raises, they are removed and the targets are untouched.
    """
    partial = tuple(
        target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial") for target in targets
    )
    try:
        yield partial
        for file, target in zip(partial, targets, strict=True):
            file.replace(target)
    finally:
        for file in partial:
            file.unlink(missing_ok=True)


@contextmanager
def complete_folder(target: Path) -> Iterator[Path]:
    """Collect outputs beside their target, and move them there when all are written.

    Args:
        target: The folder to fill; may exist, then files of the same names are replaced.

    Yields:
        A new folder to write into. If the block raises, it is removed and the target is untouched.
    """
    target = target.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.parent / f".{target.name}.{secrets.token_hex(4)}.partial"
    partial.mkdir()
    try:
        yield partial
        if target.exists():
            for file in sorted(path for path in partial.rglob("*") if path.is_file()):
                place = target / file.relative_to(partial)
                place.parent.mkdir(parents=True, exist_ok=True)
                file.replace(place)
        else:
            partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def peak_memory_bytes() -> int | None:
    """Give the most memory that this process has held; ``None`` where the system does not say."""
    try:
        import resource  # noqa: PLC0415 - absent on Windows
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@dataclass(slots=True)
class RunLog:
    """What a run did, for ``run.json``.

    Attributes:
        program: The module that ran.
        stages: Seconds by the name of the stage, in the order in which they began.
        facts: Everything else, plain enough for JSON.
    """

    program: str
    stages: dict[str, float] = field(default_factory=dict)
    facts: dict[str, object] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a block and add it to the stage of that name."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.stages[name] = self.stages.get(name, 0.0) + time.perf_counter() - start

    def write(self, path: Path) -> None:
        """Write the record as JSON."""
        record = {
            "schema": RUN_SCHEMA,
            "program": self.program,
            "stages": [{"name": name, "seconds": s} for name, s in self.stages.items()],
            "versions": {
                name: version for name in DISTRIBUTIONS if (version := installed_version(name))
            },
            "peak_rss_bytes": peak_memory_bytes(),
            **self.facts,
        }
        path.write_text(json.dumps(record, indent=2, sort_keys=True) + "\n", encoding="utf-8")

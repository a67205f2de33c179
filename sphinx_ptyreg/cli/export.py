"""``ptyreg export``: evidence in the forms that others read."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from ..bundles.writing import Written, selectors_of, write_bundle
from ..cleaning import Cleaner
from ..errors import ExitCode, InfrastructureError, UsageError
from ..evidence import Evidence
from ..exports import FORMATS, Files, hub
from ..record import RECORD_LIMIT
from ..store import Store
from .console import Console, Word
from .project import add_names, chosen, opened

NAME = "export"
HELP = "Write evidence as a folder of artifacts, JSON, CSV, benchmarks or badges."
WRITES = "files in the folder that it is given"

#: Bytes of the longest text in a hub; a log has less.
_LIMIT = 4 * 1024 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the format, where to, and the names."""
    parser.add_argument(
        "format",
        metavar="FORMAT",
        choices=("hub", "bundle", *FORMATS),
        help="hub: the artifacts of an initiative (runtime_profile.md, env_snapshot.txt, "
        "ci_notes.md, summary.md, logs, junit.xml); json, csv: every number; benchmark: as "
        "pytest-benchmark writes; shields, svg: badges; bundle: records and artifacts as one "
        "file for ptyreg merge",
    )
    parser.add_argument(
        "folder", metavar="DIR",
        help="where to: a folder, or a bundle's own name; - prints a single file",
    )  # fmt: skip
    add_names(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Write the files.

    Raises:
        UsageError: Several files cannot be printed as one.
        InfrastructureError: The folder cannot be written.
        VerdictError: Nothing was measured.
    """
    console = Console(arguments)
    project, store = opened(arguments)
    if arguments.format == "bundle":
        names = [name for s in chosen(project, arguments) for name in s.names]
        return _bundle(console, store, arguments, names)
    evidence = Evidence(project, store)
    selectors = [evidence.selector(selector.name) for selector in chosen(project, arguments)]
    if arguments.format == "hub":
        clean = Cleaner(project.root)
        files = hub.files(evidence, selectors, lambda text: clean(text, _LIMIT))
    else:
        files = FORMATS[arguments.format](selectors)
    if arguments.folder == "-":
        _check_printable(console)
        if len(files) != 1:
            raise UsageError(f"Expected one file to print, but got {len(files)}. Name a folder.")
        return _print(next(iter(files.values())))
    folder = Path(arguments.folder)
    if arguments.format == "hub":
        _remove_old(folder, files)
    for name, data in files.items():
        _write(folder / name, data)
        console.print(str(folder / name))
    console.answer({"folder": str(folder), "files": list(files)})
    return ExitCode.OK


def _bundle(console: Console, store: Store, arguments: argparse.Namespace, names: list[str]) -> int:
    """Bundle what is kept of the named selectors; of all, also of those no longer declared."""
    file = Path(arguments.folder)
    wanted = names if arguments.names else selectors_of(store)
    if arguments.folder == "-":
        _check_printable(console)
        with tempfile.TemporaryDirectory(prefix="ptyreg-") as folder:
            file = Path(folder) / "bundle.zip"
            written = write_bundle(store, wanted, file)
            _print(file.read_bytes())
            return _tell_missing(console, written)
    written = write_bundle(store, wanted, file)
    console.print(
        f"{file}: {written.records} records, {written.artifacts} artifacts, {written.size} bytes"
    )
    console.answer({"file": str(file), **written._asdict()})
    return _tell_missing(console, written)


def _tell_missing(console: Console, written: Written) -> int:
    for name in written.gone:
        console.error(Word("without", "caution"), f" {name}, which is gone or too large")
    for name in written.left_out:
        told = f" {name}, a record of more than {RECORD_LIMIT} bytes, which nobody could merge"
        console.error(Word("without", "bad"), told)
    return ExitCode.INFRASTRUCTURE if written.left_out else ExitCode.OK


def _check_printable(console: Console) -> None:
    if console.json:
        raise UsageError(
            "Expected --json or -, but got both: either would be all of standard output. "
            "Name a file or a folder."
        )


def _print(data: bytes) -> int:
    sys.stdout.buffer.write(data)
    sys.stdout.flush()
    return ExitCode.OK


def _remove_old(folder: Path, files: Files) -> None:
    """Remove the logs of an earlier export: the folder is about what is exported now."""
    try:
        old = [file for file in folder.iterdir() if hub.is_log(file.name)]
    except (FileNotFoundError, NotADirectoryError):
        return
    for file in old:
        if file.name not in files:
            file.unlink()


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise InfrastructureError(
            f"Expected {path} to be writable, but got: {error.strerror}."
        ) from error

"""What one run of a selector left behind: an immutable, versioned, canonical JSON record."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from .canonical import canonical, digest_of, is_moment, timestamp
from .errors import RecordError
from .outcomes import Outcome
from .plain import brief

__all__ = [
    "IMPORTED", "MIGRATIONS", "NAME", "RECORD_LIMIT", "SCHEMA", "Artifact", "Citation", "Commit",
    "Durations", "Inputs", "Machine", "Metric", "Outcome", "Resources", "RunRecord", "Stage",
    "TestResult", "canonical", "decode", "digest_of", "encode", "is_moment", "schema_of",
    "timestamp",
]  # fmt: skip

SCHEMA = 1

#: How a table of schema n becomes one of n + 1. Every schema since 1 stays readable.
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}

#: Bytes of the largest record that travels: in a bundle, or through a shared store.
RECORD_LIMIT = 4 * 2**20

#: Behind the machine class of an import, where runs may have the same.
IMPORTED = " (imported)"

#: Names of selectors, metrics, stages and findings: no dot or colon, so a path reads one way.
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


#: A record names no file but by its digest and a known type: nothing outside its store.
_Sha256 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
_Suffix = Annotated[str, msgspec.Meta(pattern=r"\A\.(png|jpg|npz|txt|bin)\Z")]
#: Part of a file's name, and what every number of a page is told with: one spelling, one line.
_Moment = Annotated[str, msgspec.Meta(pattern=r"\A\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z\Z")]
_Class = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9_-]{0,299}\Z")]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Stage(_Part, frozen=True, kw_only=True):
    """A named span inside a run, in seconds."""

    name: str
    seconds: float


class Metric(_Part, frozen=True, kw_only=True):
    """A value that the test measured, with its unit (``1`` when it has none)."""

    value: float
    unit: str = "1"


class Artifact(_Part, frozen=True, kw_only=True):
    """A file that the test handed over, kept under its SHA-256."""

    sha256: _Sha256
    size: int
    suffix: _Suffix
    title: str = ""

    @property
    def file_name(self) -> str:
        """The file's name in the store."""
        return self.sha256 + self.suffix


class TestResult(_Part, frozen=True, kw_only=True):
    """One test of the run, from pytest's own reports; seconds of its call phase when known."""

    __test__ = False

    nodeid: str
    outcome: Outcome
    seconds: float | None
    properties: dict[str, str | int | float | bool | None] = {}


class Durations(_Part, frozen=True, kw_only=True):
    """Seconds: pytest's session, the tests' call phases, the child process."""

    duration: float | None
    duration_call: float | None
    wall: float | None


class Resources(_Part, frozen=True, kw_only=True):
    """CPU seconds and peak resident memory of the whole process tree."""

    cpu_s: float | None = None
    peak_rss_mib: float | None = None


class Commit(_Part, frozen=True, kw_only=True):
    """The revision that ran; dirty when a file that the run depends on differed from it."""

    id: str
    dirty: bool


class Machine(_Part, frozen=True, kw_only=True):
    """Coarse, host-free facts about the machine that ran; None where an import does not tell."""

    system: str | None = None
    architecture: str | None = None
    cpu: str | None = None
    isa: str | None = None
    cores: int | None = None
    memory_mib: int | None = None
    accelerator: str | None = None


class Citation(_Part, frozen=True, kw_only=True):
    """Where an imported number stands: the file that somebody else's run left.

    Attributes:
        file: Its name, without a path.
        line: The line that tells the outcome and the time; the first is 1.
        excerpt: What that line says, cleaned.
        sha256: Of the file, as it was imported.
        kind: The form it was read as: log, junit or benchmark.
    """

    file: str
    line: int
    excerpt: str
    sha256: _Sha256
    kind: str


class Inputs(_Part, frozen=True, kw_only=True):
    """What the run depended on; paths are relative to the project's root.

    Attributes:
        declaration: What decides the run in the selector's declaration, as canonical JSON.
        files: File that was read → SHA-256.
        existence: Path whose existence alone was asked for → whether it was there.
        listings: Pattern that names were asked for by → digest of the matching paths.
        links: Symbolic link whose target was asked for → digest of the target.
        sections: Configuration file → digest of what pytest reads in it.
        locked: Distribution → what the project's constraints or lock file say of it.
        packages: Imported or required distribution → version; a local install tells its content.
        python: Version of the interpreter.
        variables: Pinned and declared variables.
        unseen: Why the trace is partial; empty when it is complete.
        outputs: What the run wrote where inputs are looked for: no inputs.
        search: Folders of the project that modules were looked for in.
        modules: Top-level modules that were looked for, in one text.
        rivals: Files with the name of such a module that were there and not read.
    """

    declaration: str
    files: dict[str, str]
    existence: dict[str, bool] = {}
    listings: dict[str, str] = {}
    links: dict[str, str] = {}
    sections: dict[str, str] = {}
    locked: dict[str, str] = {}
    packages: dict[str, str] = {}
    python: str = ""
    variables: dict[str, str] = {}
    unseen: list[str] = []
    outputs: list[str] = []
    search: list[str] = []
    modules: str = ""
    rivals: list[str] = []

    @property
    def digest(self) -> str:
        """One digest of all inputs here; runs that share it measured the same thing."""
        told = msgspec.structs.asdict(self) | {"unseen": bool(self.unseen)}
        told |= {"outputs": [], "search": [], "modules": "", "rivals": []}
        return digest_of({name: value for name, value in told.items() if value})


class _Versioned(msgspec.Struct):
    schema: int


class RunRecord(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """One execution of a selector; with a citation, one that was made elsewhere and imported."""

    schema: int
    selector: str
    started: _Moment
    outcome: Outcome
    reason: str
    source: str
    command: list[str]
    exit_code: int | None
    attempt: int
    warmup: bool
    commit: Commit | None
    durations: Durations
    resources: Resources
    stages: list[Stage]
    metrics: dict[str, Metric]
    artifacts: dict[str, Artifact]
    tests: list[TestResult]
    machine: Machine
    machine_class: _Class
    environment: dict[str, str | int | float | bool]
    inputs: Inputs
    output: str
    citation: Citation | None = None

    @property
    def imported(self) -> bool:
        """Whether it was read from a report, not recorded by a run of ours."""
        return self.citation is not None

    @property
    def where(self) -> str:
        """The machine class; of an import, told from that of runs."""
        return self.machine_class + IMPORTED if self.imported else self.machine_class

    @property
    def measured(self) -> bool:
        """Whether this run is a measurement."""
        return self.outcome is Outcome.PASSED and not self.warmup

    @property
    def id(self) -> str:
        """Start time and content digest: the record's name in every store."""
        moment = self.started.replace("-", "").replace(":", "")
        return f"{moment}-{hashlib.sha256(encode(self)).hexdigest()[:16]}"


def encode(record: RunRecord) -> bytes:
    """Return the bytes that a store keeps: canonical, indented for readable diffs."""
    return msgspec.json.format(canonical(record), indent=1) + b"\n"


def decode(data: bytes, *, where: str) -> RunRecord:
    """Read a record back.

    Args:
        data: What a store kept.
        where: The file's name, for the error.

    Raises:
        RecordError: The bytes are no record of a schema that this version reads.
    """
    try:
        schema = schema_of(data)
        if schema == SCHEMA:
            return _held(msgspec.json.decode(data, type=RunRecord))
        if all(step in MIGRATIONS for step in range(schema, SCHEMA)) and 0 < schema < SCHEMA:
            table = msgspec.json.decode(data)
            for step in range(schema, SCHEMA):
                table = MIGRATIONS[step](table) | {"schema": step + 1}
            return _held(msgspec.convert(table, type=RunRecord))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RecordError(f"{where}: Expected a ptyreg record, but got: {_told(error)}.") from error
    raise RecordError(
        f"{where}: Expected schema {SCHEMA}, but got {schema}. "
        "It was written by another version of sphinx-ptyreg."
    )


def _told(error: Exception) -> str:
    """Return what the reader says, without its patterns."""
    return re.sub(
        r"Expected `str` matching regex '.*?' - at ", "no text of this form at ", brief(error)
    )


def _held(record: RunRecord) -> RunRecord:
    """Refuse what no pattern can: a month or a year that is none."""
    if not is_moment(record.started):
        raise msgspec.ValidationError(f"Invalid time {record.started!r} - at `$.started`")
    return record


def schema_of(data: bytes) -> int:
    """Return the schema that a record was written in.

    Raises:
        msgspec.MsgspecError: The bytes are no record of any schema.
    """
    return msgspec.json.decode(data, type=_Versioned).schema

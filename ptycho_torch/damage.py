"""Whatever a damaged file makes its reader raise, said in one sentence."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ptycho_torch.checks import DataError, UsageError, expected

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FROM_THE_FILE = frozenset({None, errno.EINVAL})
"""Error numbers of an ``OSError`` that tells of nonsense in a file, not of the system."""


@contextmanager
def damage_told(path: Path, to: str, remedy: str) -> Iterator[None]:
    """Turn what a reader raises inside the block into a :class:`DataError`.

    The readers of ZIP, NPY, HDF5 and safetensors do not say what they raise for a damaged file;
    bytes changed at random made them raise nine kinds of exception. Errors of the system (no
    permission, a broken disk) and our own pass.

    Args:
        path: The file.
        to: What it is expected to do.
        remedy: What to do about it.

    Raises:
        DataError: For anything else.
    """
    try:
        yield
    except UsageError:
        raise
    except Exception as problem:
        if isinstance(problem, OSError) and problem.errno not in FROM_THE_FILE:
            raise
        text = str(problem).strip("'\"") or type(problem).__name__
        got = f"a damaged file ({text.splitlines()[0][:120]})"
        raise DataError(expected(str(path), to, got, remedy)) from problem

"""Whose a path or a piece of code is: the project's, a distribution's, the interpreter's."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # ``typing`` itself would cost every process 8 ms
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

__all__ = [
    "FOLDER",
    "IMPORT",
    "INTERPRETER",
    "PROJECT",
    "PYTEST",
    "STDLIB",
    "Places",
    "directions",
    "source_of",
]

FOLDER = os.path.dirname(os.path.abspath(__file__))
_PACKAGE = os.path.join(os.path.dirname(FOLDER), "__init__.py")
#: Who asks. Anything else is the first folder of the distribution that asks, as ``_pytest``.
PROJECT, IMPORT, INTERPRETER = "project", "import", "interpreter"
#: Distributions that look around for themselves: what they find out is no input.
PYTEST = frozenset({"_pytest", "pytest", "iniconfig", "coverage", "xdist", "pluggy"})
_CURIOUS = PYTEST | {"pkg_resources", "setuptools", "importlib_metadata", "hypothesis"}

#: Folders whose content is somebody's cache or checkout, never an input.
_CACHES = frozenset({
    ".git", ".hg", ".svn", ".tox", ".nox", ".hypothesis", ".pytest_cache", ".mypy_cache",
    ".ruff_cache", ".ptyreg", ".eggs",
})  # fmt: skip
#: Where the system keeps its own files: part of the machine, not of the project.
_SYSTEM = (
    "/proc/", "/sys/", "/dev/", "/etc/", "/usr/", "/lib", "/bin/", "/sbin/", "/var/", "/run/",
    "/nix/", "/snap/", "/System/", "/Library/",
)  # fmt: skip
#: Bytes below which a library's hidden file in a home folder is its cache or its settings.
_SMALL = 1 << 20
STDLIB = os.path.dirname(str(os.__file__)) + os.sep
_METADATA = STDLIB + os.path.join("importlib", "metadata")


class Places:
    """Knows the project's root, the folders of distributions, and what the machine has.

    Args:
        root: The project's root.
    """

    def __init__(self, root: str) -> None:
        self.roots = tuple({root + os.sep, os.path.realpath(root) + os.sep})
        self.site = tuple(folder for folder in _site_folders() if not root.startswith(folder))
        bases = {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}
        machine = [os.path.join(base, "") for base in bases]
        self.machine = (*(m for m in machine if not root.startswith(m)), STDLIB, *_SYSTEM)
        self._owners: dict[str, str] = {}

    def below_root(self, path: Any) -> str | None:
        """Return `path` relative to the root; None when it lies elsewhere or in a cache."""
        full = self.absolute(path)
        for root in self.roots:
            if full.startswith(root):
                if full.startswith(self.site):
                    return None
                relative = full[len(root) :].replace(os.sep, "/")
                return None if _CACHES.intersection(relative.split("/")) else relative
        return None

    def is_root(self, path: Any) -> bool:
        """Whether `path` is the root itself."""
        return self.absolute(path) + os.sep in self.roots

    def inside(self, path: Any) -> bool:
        """Whether `path` is the root or below it, in whatever folder."""
        return (self.absolute(path) + os.sep).startswith(self.roots)

    @staticmethod
    def absolute(path: Any) -> str:
        """Return the path as text, absolute and without dots.

        Links are followed where ``..`` comes after one: it leads up from where the link points.

        Raises:
            TypeError: It is a descriptor.
        """
        text = os.fsdecode(path)
        full = text if text[:1] == os.sep else os.path.join(os.getcwd(), text)
        if "/../" in full:
            above, _, name = full.rpartition("/../")
            full = os.path.join(os.path.realpath(above + "/.."), name)
        return os.path.normpath(full)

    def package(self, path: str) -> tuple[str, str] | None:
        """Return the first folder of a distribution's file and where that lies."""
        for folder in self.site:
            if path.startswith(folder):
                return path[len(folder) :].split(os.sep, 1)[0], folder
        return None

    def is_machines(self, path: str) -> bool:
        """Whether a path outside the project is the system's or an interpreter's."""
        return path.startswith((*self.site, *self.machine, FOLDER))

    def is_own(self, path: str, size: int) -> bool:
        """Whether a file in a hidden folder, outside the project, is a library's own."""
        hidden = any(part[:1] == "." for part in path.split(os.sep))
        return hidden and size < _SMALL and self.asker() != PROJECT

    @staticmethod
    def is_standard(path: str) -> bool:
        """Whether code is the standard library's or our own."""
        return path.startswith((STDLIB, FOLDER)) or path == _PACKAGE

    def asker(self, through_import: bool = False) -> str:
        """Whose code asks: the innermost frame that is neither ours nor the standard library's."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            owner = self._owner_of(frame)
            if owner and not (through_import and owner == IMPORT):
                return owner
            frame = frame.f_back
        return INTERPRETER

    def behalf(self) -> str:
        """On whose behalf code asks: libraries ask for the project, but not the curious ones."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            owner = self._owner_of(frame)
            if owner in {PROJECT, IMPORT} or owner in _CURIOUS:
                return owner
            frame = frame.f_back
        return INTERPRETER

    def _owner_of(self, frame: FrameType) -> str:
        file = frame.f_code.co_filename
        owner = self._owners.get(file)
        if owner is None:
            owner = self._owners[file] = self._owner(file)
        if owner == "dynamic":
            return PROJECT if frame.f_globals.get("__name__") == "__main__" else ""
        return owner

    def _owner(self, file: str) -> str:
        if file.startswith(("<frozen importlib", _METADATA)):
            return IMPORT
        if file.startswith(("<frozen", FOLDER)):
            return ""
        if file.startswith("<"):  # `python -c`, or what a dataclass has generated
            return "dynamic"
        package = self.package(file)
        if package is not None:
            return package[0]
        return "" if file.startswith(STDLIB) else PROJECT


def directions(mode: Any, flags: Any) -> tuple[bool, bool, bool]:
    """Return whether an ``open`` reads what was there, whether it writes, and whether it keeps it.

    What is written behind what was there, or over a part of it, keeps the rest.
    """
    if isinstance(mode, str):
        writes = any(letter in mode for letter in "wax+")
        keeps = "a" in mode or "r" in mode
        return "r" in mode or "a+" in mode.replace("b", "") or not writes, writes, keeps
    if not isinstance(flags, int):
        return True, False, True
    access = flags & (os.O_RDONLY | os.O_WRONLY | os.O_RDWR)
    writes = access != os.O_RDONLY or bool(flags & os.O_TRUNC)
    keeps = not flags & (os.O_TRUNC | os.O_EXCL)
    return access != os.O_WRONLY and keeps, writes, keeps


def source_of(path: str) -> str:
    """Map a compiled file to its source; pytest's rewritten ones too."""
    folder, found, name = path.rpartition("__pycache__/")
    if found and ".pyc" in name:
        for tag in (".cpython-", ".pypy"):
            if tag in name:
                return folder + name.partition(tag)[0] + ".py"
    return path


def _site_folders() -> tuple[str, ...]:
    version = "python%d.%d" % sys.version_info[:2]
    prefixes = dict.fromkeys((sys.prefix, sys.exec_prefix, sys.base_prefix))
    folders = [
        os.path.join(prefix, lib, version, kind) + os.sep
        for prefix in prefixes
        for lib in ("lib", "lib64")
        for kind in ("site-packages", "dist-packages")
    ]
    ends = ("site-packages", "dist-packages")
    folders += [entry + os.sep for entry in sys.path if entry.endswith(ends)]
    if sys.prefix != sys.base_prefix:
        folders.append(sys.prefix + os.sep)
    return tuple(dict.fromkeys(folders))

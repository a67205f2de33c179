"""Wrappers for libraries that open files in C, C++ or Rust: their paths are told by hand."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # ``typing`` itself would cost every process 8 ms
if TYPE_CHECKING:
    import importlib.machinery
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    from ptyreg_trace import Tracer

__all__ = ["PatchingFinder", "like"]

#: Libraries whose reads nothing here can see.
_BLIND = (
    "_interpreters", "_xxsubinterpreters", "cv2", "duckdb", "netCDF4", "polars", "pyarrow.csv",
    "pyarrow.dataset", "pyarrow.feather", "pyarrow.parquet", "rasterio", "tables", "tensorflow",
    "tensorstore", "torchvision.io",
)  # fmt: skip

#: Objects of an HDF5 file that are looked through for links to other files.
_MOST_OBJECTS = 5_000


class PatchingFinder:
    """Wraps the readers of such libraries when they are imported."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Find a wrapped library's spec by the other finders, and patch it once it is loaded."""
        patch = _PATCHES.get(name)
        if patch is None:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _PatchingLoader(spec.loader, patch, self._tracer)  # type: ignore[assignment]
                return spec
        return None


class _PatchingLoader:
    def __init__(self, loader: Any, patch: Any, tracer: Tracer) -> None:
        self._loader, self._patch, self._tracer = loader, patch, tracer

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._patch(module, self._tracer)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


def _opens(
    tracer: Tracer, plain: Callable[..., Any], position: int, mode: str
) -> Callable[..., Any]:
    """Wrap a function whose argument at `position` names the file that it opens."""

    def wrapper(*arguments: Any, **options: Any) -> Any:
        named = options.get("filename", options.get("f"))
        file = arguments[position] if len(arguments) > position else named
        if isinstance(file, (str, bytes, os.PathLike)):
            tracer.on_audit("open", (file, mode, 0))
        return plain(*arguments, **options)

    wrapper._ptyreg = True  # type: ignore[attr-defined]
    like(wrapper, plain)
    return wrapper


def _wrap(module: Any, tracer: Tracer, name: str, position: int, mode: str) -> None:
    plain = getattr(module, name, None)
    if plain is not None and not getattr(plain, "_ptyreg", False):
        setattr(module, name, _opens(tracer, plain, position, mode))


def _patch_safetensors(module: Any, tracer: Tracer) -> None:
    _wrap(module, tracer, "safe_open", 0, "r")
    _wrap(module, tracer, "serialize_file", 1, "w")


def _patch_torch(module: Any, tracer: Tracer) -> None:
    _wrap(module, tracer, "save", 1, "w")
    _wrap(module, tracer, "from_file", 0, "r")
    _wrap(getattr(module, "jit", None), tracer, "load", 0, "r")
    _wrap(getattr(module, "UntypedStorage", None), tracer, "from_file", 0, "r")
    reader = getattr(getattr(module, "_C", None), "PyTorchFileReader", None)
    if reader is not None:
        module._C.PyTorchFileReader = _told_class(tracer, reader)


def _told_class(tracer: Tracer, plain: Any) -> Any:
    """Return a class like `plain` that tells of the file that it is made for."""

    def __init__(self: Any, file: Any, *arguments: Any, **options: Any) -> None:
        if isinstance(file, (str, bytes, os.PathLike)):
            tracer.on_audit("open", (file, "r", 0))
        plain.__init__(self, file, *arguments, **options)

    return type(plain.__name__, (plain,), {"__init__": __init__, "__module__": plain.__module__})


def _patch_h5py(module: Any, tracer: Tracer) -> None:
    plain, plain_open = module.File.__init__, module.h5f.open

    def __init__(self: Any, name: Any, mode: str = "r", *arguments: Any, **options: Any) -> None:
        if isinstance(name, (str, bytes, os.PathLike)):
            tracer.on_audit("open", (name, mode, 0))
        plain(self, name, mode, *arguments, **options)
        if mode != "w" and isinstance(name, (str, bytes, os.PathLike)):
            tracer.unseen(_tell_linked, tracer, module, self, os.fsdecode(name))

    def open_(name: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(name, (str, bytes)):
            tracer.on_audit("open", (name, "r", 0))
        return plain_open(name, *arguments, **options)

    module.File.__init__, module.h5f.open = __init__, like(open_, plain_open)


def _tell_linked(tracer: Tracer, h5py: Any, file: Any, name: str) -> None:
    """Tell of the other files that an HDF5 file leads to: by links, and by virtual datasets."""
    folder, looked_at = os.path.dirname(os.path.abspath(name)), 0
    groups, known = [file], {hash(file.id)}
    while groups:
        group = groups.pop()
        for key in group:
            looked_at += 1
            if looked_at > _MOST_OBJECTS:
                tracer.write("blind", "h5py")
                return
            link = group.get(key, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                _tell(tracer, folder, link.filename)
            elif isinstance(link, h5py.HardLink):
                found = group[key]
                if isinstance(found, h5py.Group) and hash(found.id) not in known:
                    known.add(hash(found.id))
                    groups.append(found)
                elif isinstance(found, h5py.Dataset) and found.is_virtual:
                    for source in found.virtual_sources():
                        _tell(tracer, folder, source.file_name)


def _tell(tracer: Tracer, folder: str, name: str) -> None:
    if name != ".":
        tracer.handle("open", os.path.join(folder, name), "r", 0)


def _patch_pathlib(module: Any, tracer: Tracer) -> None:
    """Before Python 3.11, paths keep functions of ``os`` in a class: ours would be methods."""
    accessor = module._NormalAccessor
    for name in ("stat", "open"):
        if vars(accessor).get(name) is getattr(os, name):
            setattr(accessor, name, staticmethod(getattr(os, name)))


def _note_blind(module: Any, tracer: Tracer) -> None:
    tracer.write("blind", module.__name__)


def like(wrapper: Any, plain: Any) -> Any:
    """Let a wrapper look like what it wraps."""
    wrapper.__name__ = wrapper.__qualname__ = plain.__name__
    wrapper.__module__ = "os" if plain.__module__ == "posix" else plain.__module__
    wrapper.__doc__ = plain.__doc__
    wrapper.__wrapped__ = plain
    return wrapper


_PATCHES: dict[str, Callable[[Any, Tracer], None]] = {
    "h5py": _patch_h5py,
    "safetensors": _patch_safetensors,
    "safetensors.torch": _patch_safetensors,
    "safetensors.numpy": _patch_safetensors,
    "torch": _patch_torch,
    **({"pathlib": _patch_pathlib} if sys.version_info < (3, 11) else {}),
    **dict.fromkeys(_BLIND, _note_blind),
}

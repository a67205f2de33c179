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

__all__ = ["AbsentFinder", "PatchingFinder", "like"]

#: Libraries whose reads nothing here can see.
_BLIND = (
    "cv2", "duckdb", "netCDF4", "polars", "pyarrow.csv", "pyarrow.dataset", "pyarrow.feather",
    "pyarrow.parquet", "rasterio", "tables", "tensorflow", "tensorstore", "torchvision.io",
)  # fmt: skip


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


class AbsentFinder:
    """Asked last: a module that no finder found; its appearance would matter."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Note the files that would have been the module, and the name."""
        self._tracer.guarded(_note_absent, name, path)


def _note_absent(tracer: Tracer, name: str, path: Any) -> None:
    stem = name.rpartition(".")[2]
    for folder in sys.path if path is None else path:
        if isinstance(folder, str):
            for file in (stem + ".py", os.path.join(stem, "__init__.py")):
                tracer.on_stat(os.path.join(folder or os.getcwd(), file), False, imported=True)
    if path is None and tracer.places.asker(through_import=True) == "project":
        tracer.write("unfound", name)


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


def _patch_h5py(module: Any, tracer: Tracer) -> None:
    plain = module.File.__init__

    def __init__(self: Any, name: Any, mode: str = "r", *arguments: Any, **options: Any) -> None:
        if isinstance(name, (str, bytes, os.PathLike)):
            tracer.on_audit("open", (name, mode, 0))
        plain(self, name, mode, *arguments, **options)

    module.File.__init__ = __init__


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
    **dict.fromkeys(_BLIND, _note_blind),
}

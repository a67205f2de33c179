"""Starts the trace in a Python process of a measured tree, and then is as if it were not there."""

import os
import sys


def _begin() -> None:
    folder = os.path.dirname(os.path.abspath(__file__))
    from ptyreg_trace import start

    start()
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != folder]
    sys.path_importer_cache.pop(folder, None)
    rest = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    rest = [entry for entry in rest if entry and os.path.abspath(entry) != folder]
    if rest:
        os.environ["PYTHONPATH"] = os.pathsep.join(rest)
    else:
        os.environ.pop("PYTHONPATH", None)
    if os.environ.get("PTYREG_RECORD"):
        _offer_plugin(folder)


def _offer_plugin(folder: str) -> None:
    """Let ``-p`` find the plugin in an interpreter without this package, or with another version.

    There it has a name of its own.
    """

    class Finder:
        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> object:
            if name not in {"ptyreg", "ptyreg_recorder"}:
                return None
            import importlib.util

            return importlib.util.spec_from_file_location(name, os.path.join(folder, "ptyreg.py"))

    sys.meta_path.append(Finder)  # type: ignore[arg-type]


def _run_shadowed() -> None:
    """Run the ``sitecustomize`` that this one hides, if there is one."""
    own = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # noqa: F401
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
    finally:
        if own is not None:
            sys.modules.setdefault("sitecustomize", own)


_begin()
_run_shadowed()

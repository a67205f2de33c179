"""Ptychography in PyTorch: simulate a scan, train a network on it, reconstruct the object.

Importing this package is cheap and needs nothing but Python. The workflow in five functions is
:mod:`ptycho_torch.api`. Simulating, validating and converting scans needs NumPy; what needs PyTorch
says so (:class:`ptycho_torch.checks.TorchMissing`).

Positions, shapes and offsets are always in the order (y, x). The one origin is the centre of pixel
[0, 0] of the object; a window's centre is its pixel ``size // 2``.
"""

import signal
import sys

__version__ = "0.1.0"


def _end_quietly() -> None:
    """Let Ctrl-C end a command that still loads its modules without a traceback.

    Once it is loaded, :mod:`ptycho_torch.commands` answers.
    """
    words = sys.orig_argv
    asked = words[words.index("-m") + 1 : words.index("-m") + 2] if "-m" in words else []
    ours = sys.argv[:1] == ["-m"] and asked and asked[0].split(".")[0] == __name__
    if ours and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


_end_quietly()

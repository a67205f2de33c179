"""Ptychography in PyTorch: simulate a scan, train a network on it, reconstruct the object.

Importing this package is cheap and needs nothing but Python. The workflow in five functions is
:mod:`ptycho_torch.api`. Simulating, validating and converting scans needs NumPy; what needs PyTorch
says so (:class:`ptycho_torch.checks.TorchMissing`).

Positions, shapes and offsets are always in the order (y, x). The one origin is the centre of pixel
[0, 0] of the object; a window's centre is its pixel ``size // 2``.
"""

__version__ = "0.1.0"

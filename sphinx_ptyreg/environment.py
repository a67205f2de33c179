"""Facts about this machine: coarse, host-free, and the same for every run on it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from .errors import ConfigError
from .record import NAME, Machine

__all__ = ["NO_ACCELERATOR", "machine", "machine_class", "usable_cores"]

NO_ACCELERATOR = "none"

_ISA_LEVELS = (("avx512f", "AVX-512"), ("avx2", "AVX2"), ("avx", "AVX"), ("asimd", "NEON"))


@cache
def machine() -> Machine:
    """Measure this machine.

    Examples:
        >>> machine().cores >= 1
        True
    """
    return Machine(
        system=platform.system(),
        architecture=platform.machine(),
        cpu=_cpu_model(),
        isa=_isa_level(),
        cores=usable_cores(),
        memory_mib=_memory_mib(),
        accelerator=_accelerator(),
    )


def machine_class(facts: Machine, variables: Mapping[str, str]) -> str:
    """Return the identity within which timings are comparable.

    OS family, architecture, CPU model, ISA level, usable cores and accelerator; never package
    versions, host names or clock speeds. An accelerator that the run was denied does not count.

    Args:
        facts: The machine.
        variables: What the selector's child was given; ``PTYREG_CLASS`` of this process names
            the class outright.

    Raises:
        ConfigError: ``PTYREG_CLASS`` is no name.

    Examples:
        >>> cpu = Machine(system="Linux", architecture="x86_64", cpu="AMD EPYC", isa="AVX2",
        ...               cores=2, memory_mib=24000, accelerator="NVIDIA H200")
        >>> machine_class(cpu, {})
        'linux-x86_64-amd-epyc-avx2-2c-nvidia-h200'
        >>> machine_class(cpu, {"CUDA_VISIBLE_DEVICES": ""})
        'linux-x86_64-amd-epyc-avx2-2c'
    """
    named = os.environ.get("PTYREG_CLASS", "")
    if named:
        if not NAME.fullmatch(named):
            raise ConfigError(
                "PTYREG_CLASS",
                f"Expected a name of letters, digits, '-' and '_', but got {named!r}.",
            )
        return named
    cores = f"{facts.cores}c" if facts.cores else None
    parts = [facts.system, facts.architecture, facts.cpu, facts.isa, cores]
    denied = variables.get("CUDA_VISIBLE_DEVICES") in {"", "-1"}
    if facts.accelerator != NO_ACCELERATOR and not denied:
        parts.append(facts.accelerator)
    slugs = [re.sub(r"[^a-z0-9_]+", "-", str(part or "").lower()).strip("-") for part in parts]
    return "-".join(slug for slug in slugs if slug)


def usable_cores() -> int:
    """Return how many cores this process may use, by affinity and by cgroup quota."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS has no affinity
        cores = os.cpu_count() or 1
    quota, _, period = _text("/sys/fs/cgroup/cpu.max").partition(" ")
    if quota.isdigit() and period.strip().isdigit():
        cores = min(cores, max(1, int(quota) // int(period)))
    return cores


def _cpu_model() -> str:
    match = re.search(r"^model name\s*:\s*(.+)$", _text("/proc/cpuinfo"), re.MULTILINE)
    if match:
        return re.sub(r"\s+", " ", match[1].replace("(R)", "").replace("(TM)", "")).strip()
    return _sysctl("machdep.cpu.brand_string") or platform.processor() or platform.machine()


def _isa_level() -> str:
    match = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", _text("/proc/cpuinfo"), re.MULTILINE)
    flags = set(match[1].split()) if match else set()
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        flags.add("asimd")
    return next((name for flag, name in _ISA_LEVELS if flag in flags), "baseline")


def _memory_mib() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    except (AttributeError, ValueError, OSError):
        return 0


def _accelerator() -> str:
    models = sorted(
        match[1].strip()
        for card in Path("/proc/driver/nvidia/gpus").glob("*/information")
        if (match := re.search(r"^Model:\s*(.+)$", _text(str(card)), re.MULTILINE))
    )
    if not models:
        return NO_ACCELERATOR
    return models[0] if len(models) == 1 else f"{len(models)} x {models[0]}"


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _sysctl(name: str) -> str:
    if platform.system() != "Darwin":
        return ""
    try:
        answer = subprocess.run(
            ["/usr/sbin/sysctl", "-n", name], capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()

"""What a result may depend on besides the config: versions, processor, and how BLAS was set up."""

import os
import platform
from typing import Any

import numpy as np


def fingerprint() -> dict[str, Any]:
    """The environment as JSON can hold it. Two equal fingerprints promise equal bits."""
    from threadpoolctl import threadpool_info

    import bptrain

    blas = [
        {key: library.get(key) for key in ("internal_api", "version", "architecture", "num_threads")}
        for library in threadpool_info()
        if library.get("user_api") == "blas"
    ]
    return {
        "bptrain": bptrain.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": processor(),
        "cpus": os.cpu_count(),
        "blas": blas,
    }


def differences(before: dict[str, Any], now: dict[str, Any]) -> str:
    """In what two environments differ, in words: `numpy 2.4.5, now 2.4.6`; empty where they are alike."""
    names = [*before, *(name for name in now if name not in before)]
    unlike = [name for name in names if before.get(name) != now.get(name)]
    return "; ".join(f"{name} {in_words(before.get(name))}, now {in_words(now.get(name))}" for name in unlike)


def in_words(value: Any) -> str:
    """A part of a fingerprint, short."""
    if isinstance(value, list):
        return " and ".join(map(in_words, value)) or "none"
    return " ".join(str(part) for part in value.values()) if isinstance(value, dict) else str(value)


def processor() -> str:
    """The name of the processor, as far as the system tells."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()

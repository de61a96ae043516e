"""The environment: what a result may depend on besides the config, such as versions, processor and BLAS settings."""

import os
import platform
from typing import Any

import numpy as np


def read_environment() -> dict[str, Any]:
    """Return the environment as a document for JSON. In two equal environments results are bit-identical."""
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
        "processor": read_processor(),
        "cpus": os.cpu_count(),
        "blas": blas,
    }


def describe_changes(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Describe how an environment has changed: `numpy 2.4.5, now 2.4.6`; empty if it has not."""
    names = [*before, *(name for name in now if name not in before)]
    changed = [name for name in names if before.get(name) != now.get(name)]
    return "; ".join(
        f"{name} {describe_value(before.get(name))}, now {describe_value(now.get(name))}" for name in changed
    )


def describe_value(value: Any) -> str:
    """Describe a value of an environment in a few words."""
    if isinstance(value, list):
        return " and ".join(map(describe_value, value)) or "none"
    return " ".join(map(str, value.values())) if isinstance(value, dict) else str(value)


def read_processor() -> str:
    """Return the name of the processor; empty where the system does not tell."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()

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
        "cpus": os.cpu_count(),
        "blas": blas,
    }

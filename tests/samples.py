"""What tests of several files make: a config, and columns as tables hold them."""

from pathlib import Path

import numpy as np


def write_config(text: str, name: str = "my.yaml") -> str:
    """Write a config into the test's folder, and return its name."""
    Path(name).write_text(text, encoding="utf-8")
    return name


def text(*values: str | None) -> np.ndarray:
    """Return a column of text, in which None is a missing value."""
    column = np.empty(len(values), object)
    column[:] = values
    return column


def numbers(*values: float | None) -> np.ndarray:
    """Return a column of numbers, in which None is a missing value."""
    return np.array([np.nan if value is None else value for value in values], float)

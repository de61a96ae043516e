"""Text for the terminal: numbers in a readable length, and other people's names with nothing in them that acts."""

import os
from collections.abc import Mapping
from typing import TextIO

from bptrain.metrics import Figure
from bptrain.text import printable as printable


def number(value: float | int | None) -> str:
    """A number in six digits; `undefined` for None."""
    if value is None:
        return "undefined"
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"


def figure(value: Figure) -> str:
    """A metric: a number, or a list of numbers or of lists."""
    return f"[{', '.join(map(figure, value))}]" if isinstance(value, list) else number(value)


def figures(metrics: Mapping[str, float | None]) -> str:
    """Metrics in a line: `accuracy 0.98`."""
    return " · ".join(f"{printable(name)} {number(value)}" for name, value in metrics.items())


def duration(seconds: float) -> str:
    """A time in words: `0.42 s`, `3 min 05 s`, `2 h 07 min`."""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def is_interactive(stream: TextIO | None) -> bool:
    """Whether a live view may be drawn on a stream: a terminal that understands more than plain text."""
    return (
        stream is not None and stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )

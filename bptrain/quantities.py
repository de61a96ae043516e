"""Quantities as text: numbers in few digits, durations, bytes, and large counts."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bptrain.metrics import Figure


def format_number(value: float | int | None, digits: int = 6) -> str:
    """Format a number, None as `undefined`."""
    if value is None:
        return "undefined"
    return f"{value:,}" if isinstance(value, int) else f"{value:.{digits}g}"


def format_figure(value: "Figure", digits: int = 6) -> str:
    """Format a metric: a number, or a list of numbers or lists."""
    if isinstance(value, list):
        return f"[{', '.join(format_figure(one, digits) for one in value)}]"
    return format_number(value, digits)


def format_duration(seconds: float) -> str:
    """Format a time: `4 ms`, `0.42 s`, `3 min 05 s`, `2 h 07 min`."""
    if seconds < 0.01:
        return f"{seconds * 1000:.2g} ms"
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def format_bytes(count: float) -> str:
    """Format a number of bytes: `2.31 KiB`."""
    return format_quantity(count, 1024, ("B", "KiB", "MiB", "GiB", "TiB"))


def format_count(count: float) -> str:
    """Format a large number: `4.61 k`."""
    return format_quantity(count, 1000, ("", "k", "M", "G", "T", "P")).strip()


def format_quantity(number: float, step: int, units: tuple[str, ...]) -> str:
    """Format a number with three digits in the largest unit in which it is at least 1."""
    for unit in units:
        if number < step or unit == units[-1]:
            break
        number /= step
    return f"{number:.0f} {unit}" if number == int(number) or number >= 100 else f"{number:.3g} {unit}"

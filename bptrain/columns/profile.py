"""Columns described: what is in each, by all rows that were read."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.inference import infer
from bptrain.tables.values import as_numbers, first_no_number, missing, text_of

MOST_NAMED = 10
"""So many of the most frequent values are kept."""

Use = Literal["feature", "target", "id", "weight", "split", "unused"]
Kind = Literal["numeric", "boolean", "categorical", "text", "mixed", "empty"]


@dataclass(frozen=True)
class Objection:
    """What speaks against learning from a column: an error, which training refuses, or a warning, with the code under
    which `bptrain help` explains it."""

    severity: Literal["error", "warning"]
    message: str
    code: str = ""


@dataclass(frozen=True)
class Spread:
    """Where the finite numbers of a column lie: mean, standard deviation (divided by n), least and largest value, and
    quartiles, between values by linear interpolation; None where it is beyond what a float holds."""

    mean: float | None
    std: float | None
    min: float | None
    q25: float | None
    median: float | None
    q75: float | None
    max: float | None


@dataclass(frozen=True)
class ColumnDescription:
    """A column: what it is for, what kind it is, and what is in it.

    `mixed` has text among numbers, `text` too many different values for categories. `missing` counts rows, `distinct`
    different values, `spread` is of numbers alone; `most` has the most frequent values of others with their rows.
    `treatment` says what a network would read of it, where that is settled; `objections` what speaks against it.
    """

    name: str
    use: Use
    kind: Kind
    missing: int
    distinct: int
    spread: Spread | None
    most: tuple[tuple[str, int], ...]
    treatment: str = ""
    objections: tuple[Objection, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The keys that scripts may rely on."""
        most = [{"value": value, "rows": rows} for value, rows in self.most]
        return asdict(self) | {"most": most, "objections": [asdict(one) for one in self.objections]}


def describe_column(
    name: str,
    values: Array,
    use: Use,
    kind: str,
    treatment: str,
    objections: Sequence[Objection],
    decimal: str = ".",
) -> ColumnDescription:
    """A column of `(rows,)`; the kind is found by its values where it is empty, and `decimal` stands before the
    fraction in texts."""
    names: dict[str, Kind] = {"spoilt": "mixed"}
    found = kind or infer(values).kind
    settled: Any = names.get(found, found)
    if settled == "numeric" and values.dtype == object:
        if first_no_number(values, decimal) is None:
            values = as_numbers(values, decimal)
        else:
            settled = "mixed"
    holes = int(np.count_nonzero(missing(values)))
    if values.dtype == object:
        counts = Counter(value for value in values.tolist() if value is not None)
        distinct, spread = len(counts), None
        # Of values that come as often, the first in order.
        most = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_NAMED]
        return ColumnDescription(name, use, settled, holes, distinct, spread, tuple(most), treatment, tuple(objections))
    found_values, rows = np.unique(values[~np.isnan(values)], return_counts=True)
    named: tuple[tuple[str, int], ...] = ()
    if settled in ("boolean", "categorical"):
        order = np.argsort(-rows, kind="stable")[:MOST_NAMED]
        named = tuple((text_of(float(found_values[k])), int(rows[k])) for k in order)
    spread = spread_of(values[np.isfinite(values)]) if settled == "numeric" else None
    return ColumnDescription(name, use, settled, holes, len(found_values), spread, named, treatment, tuple(objections))


def spread_of(finite: Array) -> Spread | None:
    """Where finite numbers `(rows,)` lie; None: there are none."""
    if not len(finite):
        return None
    with np.errstate(all="ignore"):
        numbers = [np.mean(finite), np.std(finite), *np.percentile(finite, (0, 25, 50, 75, 100))]
    return Spread(*(float(number) if np.isfinite(number) else None for number in numbers))

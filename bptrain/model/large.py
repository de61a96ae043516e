"""Large data: a table that is larger than memory becomes a model and rows in a file, in passes over its blocks.

What is in memory is a block, a sample of the rows, and counts. Kinds of columns are decided on the sample, which has
every category; statistics come from all training rows.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np

from bptrain.arrays import Array, Streams
from bptrain.columns.columns import Columns, Weighting
from bptrain.columns.duplicates import digests
from bptrain.columns.sampling import sample
from bptrain.columns.statistics import refitted
from bptrain.columns.targets import Classes
from bptrain.config import Config, Experiment, dump
from bptrain.errors import Mistake, OptionError
from bptrain.model.assemble import (
    Assembly,
    fingerprint,
    ignored_values,
    objected,
    refuse_unfit,
    repeated,
    weighs_nothing,
)
from bptrain.model.large_division import PARTS, LargeDivision, divided_large, understood
from bptrain.model.model import Model, Rows, build_model
from bptrain.model.preprocessing import fitted
from bptrain.model.roles import feature_names, target_names
from bptrain.model.task import find_task, refuse_continuous, settled
from bptrain.tables import cache, large
from bptrain.tables.mapped import ArrayWriter, MappedArrays, Records
from bptrain.tables.selection import Selection
from bptrain.tables.store import Damaged
from bptrain.tables.table import Table

PORTION = 1 << 19
"""So many numbers are encoded at a time."""

MOST_DIGESTS = 1 << 17
"""So many rows are compared to find those that come twice; of more, a share."""


def assemble_large(config: Config, table: Table) -> Assembly:
    """As `assemble`, for a table that is larger than memory.

    Raises:
        InputError: as there.
        StorageError: there is no room for the rows as the network reads them.
    """
    experiment = config.experiment
    names = target_names(experiment.data, table)
    refuse_task("autoencoder" if not names else experiment.data.task)
    feature_names(experiment.data, table, names)
    data, some = understood(table, names, experiment)
    task = find_task(experiment, some, names)
    refuse_task(task)
    streams = Streams(experiment.seed)
    written, experiment = experiment, settled(experiment, names, task, some)
    for name in experiment.data.class_targets:
        refuse_continuous(written, some, name)
    division = divided_large(experiment, data, some, streams)
    columns, train = fitted_large(experiment, division)
    experiment = settled(written, names, task, some, columns)
    model = build_model(experiment, columns, streams, rows=division.counts["train"])
    refuse_unfit(model, division.counts)
    rows = encoded_large(model, division)
    notes = (*division.notes, *rows.facts["notes"])
    duplicates = rows.facts["duplicates"]
    if duplicates:
        words = repeated(duplicates, rows.parts)
        notes = (*notes, f"about {words}" if rows.facts["estimated"] else words)
    selections = {"train": Selection(train, np.arange(len(train)))}
    return Assembly(config, model, rows.parts, fingerprint(rows.parts), train, selections, notes, duplicates)


def refuse_task(task: str) -> None:
    """Refuse a task that needs the whole table in memory.

    Raises:
        OptionError: it does.
    """
    if task in ("autoencoder", "multi_task"):
        what = f"a table larger than this cannot be used for the task {task}; raise it, to hold the table in memory"
        raise OptionError(Mistake("data.memory", what))


def fitted_large(experiment: Experiment, division: LargeDivision) -> tuple[Columns, Table]:
    """The columns as all training rows have them, and a sample of those rows.

    Raises:
        InputError: they cannot be learned from; an `OptionError` where what is to be made of them does not go.
    """
    data, table = experiment.data, division.data.table
    targets = data.targets
    features = feature_names(data, table, targets)
    declared = {name for name in features if data.treatment(name).kind in ("boolean", "categorical")}
    some = sample(table, division.selections("train"), [*features, *targets], {*declared, *targets})
    columns = fitted(experiment, Selection(some, np.arange(len(some))))

    def portions() -> Iterator[Selection]:
        return (rows for _, rows in division.selections("train"))

    target = columns.target
    if isinstance(target, tuple):
        target = tuple(refitted(one, portions) for one in target)
    weighting = columns.weighting
    if data.class_weight == "balanced" and isinstance(target, Classes):
        weighting = Weighting(balanced_over(target, portions), weighting.column)
    return Columns(tuple(refitted(one, portions) for one in columns.features), target, weighting), some


def balanced_over(classes: Classes, portions: Callable[[], Iterator[Selection]]) -> tuple[float, ...]:
    """What each class weighs for all to count the same, over all rows."""
    counts = sum(np.bincount(classes.codes(rows), minlength=len(classes.labels)) for rows in portions())
    total: list[int] = np.asarray(counts).tolist()
    return tuple(sum(total) / (len(total) * count) for count in total)


@dataclass
class Repeats:
    """Digests of rows by part, or of a share of them, chosen by the digest itself so that like rows stay together."""

    found: dict[str, list[Array]] = field(default_factory=dict)
    bits: int = 0
    count: int = 0

    def add(self, part: str, keys: Array) -> None:
        """Take some rows in."""
        self.found.setdefault(part, []).append(self._chosen(keys))
        self.count += len(self.found[part][-1])
        while self.count > MOST_DIGESTS:
            self.bits += 1
            self.found = {name: [self._chosen(one) for one in all_of] for name, all_of in self.found.items()}
            self.count = sum(len(one) for all_of in self.found.values() for one in all_of)

    def _chosen(self, keys: Array) -> Array:
        return keys[keys >> np.uint64(64 - self.bits) == 0] if self.bits else keys

    def counts(self) -> dict[str, int]:
        """How many rows also stand in a part before, by part; those without any are left out."""
        keys = {name: np.concatenate(all_of) for name, all_of in self.found.items()}
        seen, counts = keys["train"], {}
        for name in PARTS[1:]:
            if name in keys:
                counts[name] = int(np.isin(keys[name], seen).sum()) << self.bits
                seen = np.concatenate([seen, keys[name]])
        return {name: count for name, count in counts.items() if count}


@dataclass(frozen=True)
class LargeRows:
    """The rows of each part, mapped, and what was found when they were encoded."""

    parts: dict[str, Rows]
    facts: Mapping[str, Any]


def encoded_large(model: Model, division: LargeDivision) -> LargeRows:
    """The rows of each part as the network reads them, in a file that is mapped into memory; from the cache if it is
    there.

    Raises:
        InputError: a value cannot be used, or a part weighs nothing.
        StorageError: there is no room for it.
    """
    data = model.experiment.data
    path = cache.folder() / f"{identity(model, division)}{cache.ROWS}"
    cache.in_use.add(path)
    arrays = None
    if data.cache:
        try:
            arrays = MappedArrays(path)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except (Damaged, OSError, ValueError, LookupError, TypeError) as error:
            cache.say(f"{path}: cannot be used ({error}); it is written again")
    if arrays is None:
        with large.made(path, lambda file: encode(model, division, file), cached=data.cache) as written:
            arrays = MappedArrays(written)
    parts = {}
    for name in division.counts:
        mapped = Records(arrays, f"{name}.rows", record(model))
        found = mapped.records
        weights = found["weights"] if model.columns.weighting else None
        parts[name] = Rows(found["inputs"], found["targets"], arrays.arrays[f"{name}.numbers"], weights, mapped)
    return LargeRows(parts, arrays.facts)


def record(model: Model) -> "np.dtype[Any]":
    """What stands in the file of each row."""
    kind, codes = np.dtype(model.network.dtype), model.objective.loss.encoding == "codes"
    fields: list[Any] = [("targets", np.int64) if codes else ("targets", kind, model.network.output_shape)]
    if model.columns.weighting:
        fields.append(("weights", kind))
    return np.dtype([*fields, ("inputs", kind, (len(model.columns.outputs),))])


def identity(model: Model, division: LargeDivision) -> str:
    """The name of what a model makes of its rows, in hexadecimal: the data, how it is split, and every statistic."""
    described = dump(model.experiment)
    tables = [division.data.table, *(other.table for other in division.others.values())]
    content = {
        "format": cache.FORMAT,
        "tables": [getattr(one.columns, "digest", None) or table_digest(one) for one in tables],
        "data": {key: value for key, value in described["data"].items() if key not in ("source", "cache", "memory")},
        "seed": described["seed"],
        "dtype": described["dtype"],
        "loss": [model.objective.loss.encoding, model.network.output_shape],
        "columns": model.columns.to_json(),
        "counts": division.counts,
    }
    return sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:32]


def table_digest(table: Table) -> str:
    """What tells one table from another that is in memory."""
    total = sha256()
    for name, values in table.columns.items():
        total.update(name.encode())
        total.update(json.dumps(values.tolist()).encode() if values.dtype == object else values.tobytes())
    return total.hexdigest()


def encode(model: Model, division: LargeDivision, file: Any) -> None:
    """Write the rows of each part as the network reads them."""
    kind = record(model)
    shapes: dict[str, Any] = {}
    for name, count in division.counts.items():
        shapes[f"{name}.rows"] = "u1", (count, kind.itemsize)
        shapes[f"{name}.numbers"] = "<i8", (count,)
    writer, repeats, notes = ArrayWriter(file, shapes), Repeats(), []
    for name in division.counts:
        unseen: Counter[str] = Counter()
        weighty = not model.columns.weighting
        for start, rows in portions_of(model, division, name, unseen):
            if objection := model.objection(rows, strict=name == "train"):
                raise OptionError(objected(model, *objection))
            assert rows.numbers is not None
            found = np.empty(len(rows), kind)
            found["inputs"], found["targets"] = rows.inputs, rows.targets
            if rows.weights is not None:
                found["weights"], weighty = rows.weights, weighty or bool(rows.weights.any())
            raw = found.view(np.uint8).reshape(len(rows), kind.itemsize)
            writer.add({f"{name}.rows": raw, f"{name}.numbers": rows.numbers + start})
            repeats.add(name, digests(rows.inputs, rows.targets))
        if not weighty:
            raise weighs_nothing(model, name)
        if unseen:
            notes.append(f"{name}: {ignored_values(unseen)}")
    facts = {
        "notes": notes,
        "duplicates": repeats.counts(),
        "estimated": repeats.bits > 0,
        "source": "rows of a network",
        "files": [division.data.table.origin, *(other.table.origin for other in division.others.values())],
        "rows": sum(division.counts.values()),
        "columns": len(model.columns.outputs),
    }
    writer.finish(facts)


def portions_of(model: Model, division: LargeDivision, part: str, unseen: Counter[str]) -> Iterator[tuple[int, Rows]]:
    """The rows of a part as the network reads them, some at a time, with the number of the first row of their block."""
    most = max(PORTION // max(len(model.columns.outputs), 1), 1)
    for start, selection in division.selections(part):
        for first in range(0, len(selection), most):
            yield start, model.rows(selection.table, selection.numbers[first : first + most], unseen)

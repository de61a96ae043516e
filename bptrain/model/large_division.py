"""Dividing large data: the part of each row of a table that is larger than memory, in passes over its blocks.

Which part a row is in stands in a byte of a file.
"""

import tempfile
from collections import ChainMap, Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bptrain.arrays import Array, Streams
from bptrain.columns.columns import complete_rows
from bptrain.columns.complaints import text_among_numbers
from bptrain.columns.sampling import sample
from bptrain.columns.split import BY_COLUMN, quotas, refuse_no_rows
from bptrain.columns.split_rows import by_column, divide
from bptrain.columns.targets import Classes, find_classes, with_numbers
from bptrain.config import Experiment
from bptrain.errors import InputError, Mistake, OptionError, StorageError
from bptrain.model.model import Model
from bptrain.model.read import targets_read_as_text
from bptrain.model.roles import dropped, dropping, refuse_lonely, roles
from bptrain.tables import cache, large
from bptrain.tables.mapped import unlinked
from bptrain.tables.selection import Selection
from bptrain.tables.table import Table
from bptrain.tables.values import are_numbers, as_numbers, first_no_number

PARTS = ("train", "validation", "test")

LEFT_OUT = 255
"""The part of rows that are dropped."""

COUNTED = 1 << 22
"""So many bytes are counted at a time."""


@dataclass(frozen=True)
class LargeData:
    """A table as its blocks are read: a target that is numbers all through is numbers, though it was read as text."""

    table: Table
    numeric: str = ""

    def blocks(self) -> Iterator[tuple[int, Table]]:
        """The blocks, each with the number of its first row.

        Raises:
            InputError: there is text among the numbers.
        """
        for start, block in large.blocks(self.table):
            values = block.columns[self.numeric] if self.numeric else None
            if values is None or values.dtype != object:
                yield start, block
                continue
            if not are_numbers(values, block.decimal) and first_no_number(values, block.decimal) is not None:
                raise text_among_numbers(Selection(block), self.numeric, values)
            found = {self.numeric: as_numbers(values, block.decimal)}
            yield start, replace(block, columns=ChainMap(found, block.columns))  # type: ignore[arg-type]


@dataclass(frozen=True)
class LargeDivision:
    """Which part each row is in: `codes` `(rows,)` uint8, places in `PARTS`, of the main table; others of their own
    source whole. `counts` are the rows of each part."""

    data: LargeData
    codes: Array
    counts: dict[str, int]
    others: dict[str, LargeData]
    names: tuple[str, ...]
    notes: tuple[str, ...]

    def selections(self, part: str) -> Iterator[tuple[int, Selection]]:
        """The rows of a part, block after block, with the number of the first row of the block."""
        if part in self.others:
            for start, block in self.others[part].blocks():
                kept, _ = complete_rows(block, self.names)
                yield start, Selection(block, np.arange(len(block)) if kept is None else kept)
            return
        code = PARTS.index(part)
        for start, block in self.data.blocks():
            rows = np.flatnonzero(self.codes[start : start + len(block)] == code)
            if len(rows):
                yield start, Selection(block, rows)


def understood(table: Table, names: tuple[str, ...], experiment: Experiment) -> tuple[LargeData, Table]:
    """The table, with what its target is, and a sample of the columns that decide on the task and the split."""
    wanted = dict.fromkeys((*names, *roles(experiment.data)))
    parts = ((start, Selection(block)) for start, block in large.blocks(table))
    some = sample(table, parts, wanted, names)
    name = next(iter(targets_read_as_text(experiment.data)), "")
    if name not in some.columns or experiment.data.target_treatment(name).kind != "auto":
        return LargeData(table), some
    converted = with_numbers(some, name)
    return LargeData(table, name if converted is not some else ""), converted


def divided_large(experiment: Experiment, data: LargeData, some: Table, streams: Streams) -> LargeDivision:
    """The part of each row, drawn block after block, so that each part has exactly as many as it should.

    Args:
        experiment: with target and task settled.
        data: all rows that are not read from elsewhere.
        some: a sample with every class.
        streams: draw the rows.

    Raises:
        InputError: a value that decides cannot be used; an `OptionError` where the split does not fit the data.
    """
    options, targets = experiment.data, experiment.data.targets
    names = tuple(dropping(options, data.table, targets))
    classes = None
    if options.task == "classification":
        kept, _ = complete_rows(some, [name for name in names if name in targets])
        classes = find_classes(Selection(some, kept), targets[0])
    codes, strata, notes = counted(data, names, classes)
    if not strata.any():
        raise InputError(f"{data.table.origin}: no row is complete; {notes[0]}")
    if classes is not None and options.split.method == "stratified" and strata.min() == 1:
        where = classes.codes(Selection(some, complete_rows(some, targets)[0]))
        lonely = np.flatnonzero(where == int(np.argmin(strata)))[:1]
        refuse_lonely(experiment, Selection(some, lonely), targets[0], np.zeros(1, np.int64))
    try:
        if options.split.method in BY_COLUMN:
            by_looking(experiment, data, codes, streams)
        else:
            draw(experiment, data, codes, strata, classes, streams.split)
    except OptionError as error:
        raise error.under("data.split") from None
    counts = part_counts(codes)
    if not counts.get("train"):
        raise OptionError(Mistake("data.split.method", "no row is left to train on; hold less out"))
    others: dict[str, LargeData] = {}
    for name in options.split.sources:
        others[name] = LargeData(data.table.splits[name], data.numeric)
        # Which of its rows are complete is asked again whenever they are read.
        _, found, said = counted(others[name], names, None)
        counts[name], notes = int(found.sum()), [*notes, *said]
        if not counts[name]:
            raise InputError(f"{others[name].table.origin}: no row is complete")
    counts = {name: counts[name] for name in PARTS if counts.get(name)}
    return LargeDivision(data, codes, counts, others, names, tuple(notes))


def scratch() -> Path:
    """Where files without a name may be: in the cache, or else where the system has its temporary ones."""
    try:
        cache.folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache.folder()):
            return cache.folder()
    except OSError:
        return Path(tempfile.gettempdir())


def counted(data: LargeData, names: tuple[str, ...], classes: Classes | None) -> tuple[Array, Array, list[str]]:
    """For each row whether it is left out, how many rows of each class are not (or of all), and what is to be said."""
    try:
        codes = unlinked(scratch(), len(data.table))
    except OSError as error:
        raise StorageError(f"{scratch()}: cannot be written ({error.strerror or error}); make room") from None
    strata = np.zeros(1 if classes is None else len(classes.labels), np.int64)
    holes: Counter[str] = Counter()
    gone = 0
    for start, block in data.blocks():
        kept, counts = complete_rows(block, names)
        holes.update(counts)
        if kept is not None:
            codes[start : start + len(block)] = LEFT_OUT
            codes[start + kept] = 0
            gone += len(block) - len(kept)
        rows = Selection(block, kept)
        strata += np.bincount(np.zeros(len(rows), np.int64) if classes is None else classes.codes(rows),
                              minlength=len(strata))  # fmt: skip
    if not gone:
        return codes, strata, []
    return codes, strata, [dropped(data.table, np.empty(len(data.table) - gone, np.bool_), dict(holes))]


def part_counts(codes: Array) -> dict[str, int]:
    """How many rows each part has."""
    total = np.zeros(256, np.int64)
    for start in range(0, len(codes), COUNTED):
        total += np.bincount(codes[start : start + COUNTED], minlength=256)
    return {name: int(total[k]) for k, name in enumerate(PARTS)}


def draw(
    experiment: Experiment, data: LargeData, codes: Array, strata: Array, classes: Classes | None,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Draw the rows that are held out, as many of each class as they should be, in one pass.

    Of the rows of a block as many are taken as chance would take of them (a hypergeometric number), so that all sets of
    rows of that size are equally likely.

    Raises:
        OptionError: stratified without classes, or no row is left for a part.
    """
    split = experiment.data.split
    if split.method == "stratified" and classes is None:
        raise OptionError(Mistake("method", "stratified needs a target of classes; use random", "BP126"))
    if split.method == "random":
        classes, strata = None, strata.sum(keepdims=True)
    left = strata.copy()
    wanted, room = [], [max(int(count) - 1, 0) for count in strata]
    for name, share in zip(PARTS[1:], split.shares, strict=True):
        taken = quotas([share * int(count) for count in strata], room)
        refuse_no_rows(name, share, np.empty(sum(taken), np.bool_), int(strata.sum()))
        wanted.append(taken)
        room = [most - one for most, one in zip(room, taken, strict=True)]
    for start, block in data.blocks():
        part = codes[start : start + len(block)]
        rows = np.flatnonzero(part != LEFT_OUT)
        kinds = np.zeros(len(rows), np.int64) if classes is None else classes.codes(Selection(block, rows))
        for kind in np.unique(kinds).tolist():
            mine = rng.permutation(rows[kinds == kind])
            begin, others = 0, int(left[kind])
            for code, goal in enumerate(wanted, start=1):
                others -= goal[kind]
                count = int(rng.hypergeometric(goal[kind], others, len(mine) - begin)) if goal[kind] else 0
                part[mine[begin : begin + count]] = code
                begin += count
                goal[kind] -= count
            left[kind] -= len(mine)


def by_looking(experiment: Experiment, data: LargeData, codes: Array, streams: Streams) -> None:
    """Divide rows by what stands in a column. Times and groups are compared with all others, so that column is held in
    memory.

    Raises:
        InputError, OptionError: as `divide` does.
    """
    split = experiment.data.split
    name = str(split.column)
    if split.method == "column":
        for start, block in data.blocks():
            mine = codes[start : start + len(block)]
            rows = np.flatnonzero(mine != LEFT_OUT)
            for code, found in enumerate(by_column(Selection(block, rows), name).values()):
                mine[rows[found]] = code
        return
    values = np.concatenate([block.columns[name] for _, block in data.blocks()])
    whole = replace(data.table, columns={name: values}, place=large.Shifted(data.table, 0))
    parts = divide(split, Selection(whole, np.flatnonzero(codes != LEFT_OUT)), None, streams.split)
    for code, part in enumerate(PARTS):
        codes[parts[part]] = code


def divided_large_again(model: Model, table: Table) -> LargeDivision:
    """The parts of the data of a model, divided as they were when it was trained.

    Raises:
        InputError: the data cannot be used.
    """
    data, some = understood(table, model.columns.targets_of, model.experiment)
    return divided_large(model.experiment, data, some, model.streams)

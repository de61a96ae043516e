"""Predictions for the rows of a file, in the order of the file."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TextIO

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.features import Numeric
from bptrain.errors import BptrainNote, BptrainWarning, InputError
from bptrain.evaluation.csv_export import CsvExport, export_csv
from bptrain.evaluation.output_columns import OutputColumns, choose_columns
from bptrain.evaluation.row_errors import (
    TOO_FAR,
    RowErrors,
    Tallies,
    add_prediction_advice,
    find_usable_rows,
    list_reasons,
)
from bptrain.model.encoding import describe_ignored, describe_unseen
from bptrain.model.model import Model, count_scoring_rows
from bptrain.model.scoring import predict_rows
from bptrain.tables.guess import open_chunks
from bptrain.tables.names import rename_chunks
from bptrain.tables.reading_options import ReadingOptions
from bptrain.tables.source import Chunks
from bptrain.tables.table import Table, quote
from bptrain.tables.values import find_missing
from bptrain.text import suggest_word

LARGEST_WHOLE = 2**53
"""Above this, float64 cannot hold every whole number."""

Watch = Callable[[int, int], None]
"""Called with the number of rows that are done, and of all."""

OnError = Literal["stop", "skip"]
"""What a row that cannot be predicted does: it stops the prediction, or has empty cells and a reason."""


@dataclass(frozen=True)
class Prediction:
    """The predictions for `rows` rows: `dropped` have none, since a value is missing and the config drops such rows,
    `skipped` have none, since a value cannot be used; `unseen` counts, by column, the values unseen in training that
    are ignored.

    `columns` names all columns, ids first; `output` is the file that was written, if any, and `table` holds the columns
    of the rows that were asked for, `(rows,)` each: text and numbers, None where there is no prediction.
    """

    rows: int
    dropped: int
    skipped: int
    unseen: dict[str, int]
    columns: tuple[str, ...]
    output: Path | None
    table: dict[str, Array]

    def to_json(self) -> dict[str, Any]:
        """Return what `bptrain predict --json` prints; `predictions` has an object for each row unless a file was
        written."""
        lists = [column.tolist() for column in self.table.values()]
        rows = [dict(zip(self.columns, map(to_python, cells), strict=True)) for cells in zip(*lists, strict=True)]
        return {
            "rows": self.rows,
            "dropped": self.dropped,
            "skipped": self.skipped,
            "unseen": self.unseen,
            "columns": list(self.columns),
            "output": None if self.output is None else str(self.output),
            "predictions": rows if self.output is None else None,
        }


def to_python(value: Any) -> Any:
    """Return a cell as JSON can store it."""
    return value.item() if isinstance(value, np.generic) else value


def predict_file(
    model: Model,
    file: str | Path,
    output: Path | TextIO | None,
    ids: Sequence[str] | None,
    *,
    keep: int | None,
    watch: Watch | None,
    reading: ReadingOptions | None = None,
    on_error: OnError = "stop",
) -> Prediction:
    """Predict every row of a file; see `bptrain.predict` for the arguments.

    Raises:
        InputError: the file lacks columns or has a value that cannot be used; the message names its line.
        StorageError: a file cannot be read or written.
    """
    data, numbers = model.experiment.data, {f.name for f in model.columns.features if isinstance(f, Numeric)}
    wanted = tuple(dict.fromkeys(ids if ids is not None else filter(None, [data.id])))
    as_text = [name for name in wanted if name not in numbers]
    with ExitStack() as stack:
        chunks = stack.enter_context(open_chunks(file, data.source, (*model.columns.text_names, *as_text), reading))
        chunks = rename_chunks(chunks, (*model.columns.names, *wanted))
        ids = find_ids(chunks, wanted, optional=ids is None)
        heads = [choose_columns(head, model) for head in model.heads]
        reasons = ("error",) if on_error == "skip" else ()
        names = (*ids, *(name for head in heads for name in head.names), *reasons)
        check_ids(names, ids)
        first = FirstRows(names, keep if keep is not None else chunks.rows if output is None else 0)
        sinks: list[FirstRows | CsvExport] = [first]
        if isinstance(output, Path):
            sinks.append(stack.enter_context(export_csv(output, names, len(ids))))
        elif output is not None:
            sinks.append(CsvExport(output, names, len(ids)))
        tallies = Tallies(Counter(), Counter())
        done = 0
        for columns in predict_chunks(model, chunks, ids, heads, tallies, skip=bool(reasons)):
            for sink in sinks:
                sink.write(columns)
            done += len(columns[0])
            if watch:
                watch(done, chunks.rows)
    warn_about_rows(chunks, model, ids, tallies)
    path = output if isinstance(output, Path) else None
    return Prediction(done, tallies.dropped, tallies.skipped, dict(tallies.unseen), names, path, first.get_table())


class FirstRows:
    """Keeps the first rows that are written to it."""

    def __init__(self, names: Sequence[str], most: int) -> None:
        self.names, self.room = names, most
        self.chunks: list[Sequence[Array]] = []

    def write(self, columns: Sequence[Array]) -> None:
        """Keep the rows that there is room for."""
        if self.room > 0:
            self.chunks.append([column[: self.room].copy() for column in columns])
            self.room -= len(self.chunks[-1][0])

    def get_table(self) -> dict[str, Array]:
        """Return the columns by name."""
        columns = [np.concatenate(chunks) for chunks in zip(*self.chunks, strict=True)]
        return dict(zip(self.names, columns, strict=True)) if columns else {name: np.empty(0) for name in self.names}


def find_ids(chunks: Chunks, wanted: Sequence[str], *, optional: bool) -> tuple[str, ...]:
    """Return the columns to copy; if they are optional, those that the file has.

    Raises:
        InputError: the file lacks a column that is not optional.
    """
    absent = [name for name in wanted if name not in chunks.names]
    if absent and not optional:
        raise InputError(f"{chunks.origin} has no column {absent[0]!r}; {suggest_word(absent[0], chunks.names)}")
    return tuple(name for name in wanted if name in chunks.names)


def check_ids(names: Sequence[str], ids: Sequence[str]) -> None:
    """Check that no column to copy has the name of a predicted one.

    Raises:
        InputError: one has.
    """
    twice = next((name for name in ids if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"--id {quote(twice)}: the predictions have a column of this name; rename it in the file")


def predict_chunks(
    model: Model, chunks: Chunks, ids: Sequence[str], heads: Sequence[OutputColumns], tallies: Tallies, *, skip: bool
) -> Iterator[list[Array]]:
    """Yield the columns of the result, a chunk of rows at a time; if rows are skipped, the last has the reasons.

    Raises:
        InputError: columns are missing, or a value cannot be used.
    """
    model.columns.require_columns(chunks.header, target=False)
    for table, rows, errors in read_batches(model, chunks, ids, skip=skip):
        try:
            inputs = model.columns.encode_inputs(table, rows, dtype=model.network.dtype, unseen=tallies.unseen)
        except InputError as error:
            raise add_prediction_advice(error) from None
        columns = compute_outputs(model, inputs, heads)
        if len(wrong := find_infinite(columns)):
            numbers = np.arange(len(table)) if rows is None else rows
            if not skip:
                raise add_prediction_advice(InputError(f"{table.where(int(numbers[wrong[0]]))}: {TOO_FAR}; correct it"))
            errors |= dict.fromkeys(numbers[wrong].tolist(), TOO_FAR)
            rows, columns = np.delete(numbers, wrong), [np.delete(column, wrong) for column in columns]
        if rows is not None:
            tallies.dropped += len(table) - len(rows) - len(errors)
            tallies.missing.update(model.columns.find_complete(table, target=False)[1])
            columns = [scatter_rows(column, rows, len(table)) for column in columns]
        tallies.add_errors(table, errors)
        reasons = [list_reasons(rows, errors, len(table))] if skip else []
        yield [*(read_id(table, name) for name in ids), *columns, *reasons]


def compute_outputs(model: Model, inputs: Array, heads: Sequence[OutputColumns]) -> list[Array]:
    """Return the columns of predictions, `(rows,)` each."""
    found: list[list[Array]] = [[] for head in heads for _ in head.names]
    for outputs in predict_rows(model, inputs):
        computed = [column for head in heads for column in head.compute(outputs)]
        for batches, column in zip(found, computed, strict=True):
            batches.append(column.copy())
    return [np.concatenate(batches) if batches else np.empty(0) for batches in found]


def read_batches(
    model: Model, chunks: Chunks, ids: Sequence[str], *, skip: bool
) -> Iterator[tuple[Table, Array | None, RowErrors]]:
    """Yield tables, the rows of each that can be predicted (None: all): as many as whole batches have, except in the
    last table, so that the outputs do not depend on the chunks; and why rows are skipped."""
    size = count_scoring_rows(model.experiment)
    names = [*dict.fromkeys([*(feature.name for feature in model.columns.features), *ids])]
    start = done = 0
    rest: dict[str, Array] = {}
    for chunk in chunks.read_columns(names):
        done += len(chunk[names[0]])
        columns = {name: np.concatenate([rest[name], one]) for name, one in chunk.items()} if rest else chunk
        rows, errors = find_usable_rows(model, chunks.make_table(columns, start), skip=skip)
        length = len(columns[names[0]])
        usable = length if rows is None else len(rows)
        if done < chunks.rows:
            full = usable // size * size
            cut = full if rows is None else int(rows[full - 1]) + 1 if full else 0
        else:
            full, cut = usable, length
        if cut:
            table = chunks.make_table({name: one[:cut] for name, one in columns.items()}, start)
            here = {row: reason for row, reason in errors.items() if row < cut}
            yield table, None if rows is None or full == cut else rows[:full], here
        rest = {name: one[cut:] for name, one in columns.items()}
        start += cut


def scatter_rows(column: Array, rows: Array, count: int) -> Array:
    """Return a column of `count` rows that has these values at the given rows, and None elsewhere."""
    out: Array = np.full(count, None, object)
    # A list keeps the dtype of numbers, which have more digits in float64.
    out[rows] = list(column)
    return out


def read_id(table: Table, name: str) -> Array:
    """Return a column to copy as it is in the file: text, or numbers, whole ones without a decimal point.

    Raises:
        InputError: a whole number is too large for float64.
    """
    values = table.column(name)
    if values.dtype == object:
        return values
    large = np.flatnonzero(np.abs(values) >= LARGEST_WHOLE)
    if len(large):
        what = f"a number of more than 15 digits cannot be copied exactly (got {values[large[0]]:.17g})"
        raise InputError(f"{table.where(int(large[0]))}: {name}: {what}; write the column as text")
    holes = find_missing(values)
    cells = [None if hole else int(x) if x == int(x) else x for x, hole in zip(values.tolist(), holes, strict=True)]
    out: Array = np.empty(len(cells), object)
    out[:] = cells
    return out


def find_infinite(columns: Sequence[Array]) -> Array:
    """Return the places of the rows with a predicted number that is not finite."""
    finite = [np.isfinite(column) for column in columns if column.dtype.kind == "f"]
    return np.flatnonzero(~np.all(finite, axis=0)) if finite else np.empty(0, np.int64)


def warn_about_rows(chunks: Chunks, model: Model, ids: Sequence[str], tallies: Tallies) -> None:
    """Warn about rows without a prediction, ignored values and ignored columns."""
    if tallies.dropped:
        where = ", ".join(f"{quote(name)} in {count:,}" for name, count in tallies.missing.items())
        what = f"{tallies.dropped:,} of {chunks.rows:,} rows have no prediction because of a missing value ({where})"
        warnings.warn(f"{chunks.origin}: {what}; their cells are empty", BptrainWarning, stacklevel=4)
    if tallies.skipped:
        some = "; ".join(tallies.reasons) + ("; ..." if tallies.skipped > len(tallies.reasons) else "")
        what = f"{tallies.skipped:,} of {chunks.rows:,} rows cannot be predicted; the column error says why ({some})"
        warnings.warn(f"{chunks.origin}: {what}", BptrainWarning, stacklevel=4)
    if tallies.unseen:
        warnings.warn(f"{chunks.origin}: {describe_unseen(tallies.unseen)}", BptrainWarning, stacklevel=4)
    if extra := [name for name in model.columns.find_extra(chunks.header) if name not in ids]:
        warnings.warn(f"{chunks.origin}: {describe_ignored(extra)}", BptrainNote, stacklevel=4)

"""Prediction: what a trained model says of the rows of a file, row by row and in the order of the file."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.features import Numeric
from bptrain.errors import BptrainNote, BptrainWarning, InputError
from bptrain.evaluation.answers import Answer, answers
from bptrain.evaluation.prediction_file import CsvExport, export_csv
from bptrain.model.encoding import describe_ignored, describe_unseen
from bptrain.model.model import Model, count_scoring_rows
from bptrain.model.scoring import predict_rows
from bptrain.tables.guess import open_chunks
from bptrain.tables.source import Chunks
from bptrain.tables.table import Table, quote
from bptrain.tables.values import find_missing
from bptrain.text import suggest_word

LARGEST_WHOLE = 2**53
"""From here on float64 does not hold every whole number."""

Watch = Callable[[int, int], None]
"""Told of the rows that are done, and of all rows."""


@dataclass(frozen=True)
class Prediction:
    """What became of `rows` rows: `dropped` have no prediction, since a value is missing and the config drops such
    rows; `unseen` counts, by column, the values that training did not know and that are ignored.

    `columns` names all columns, ids first; `output` is the file that was written, if one was, and `table` has those of
    the rows that were to be kept, `(rows,)` each: text and numbers, None where there is no prediction.
    """

    rows: int
    dropped: int
    unseen: dict[str, int]
    columns: tuple[str, ...]
    output: Path | None
    table: dict[str, Array]

    def to_json(self) -> dict[str, Any]:
        """What `bptrain predict --json` prints; `predictions` has an object for each row unless a file was written."""
        lists = [column.tolist() for column in self.table.values()]
        rows = [dict(zip(self.columns, map(to_python, cells), strict=True)) for cells in zip(*lists, strict=True)]
        return {
            "rows": self.rows,
            "dropped": self.dropped,
            "unseen": self.unseen,
            "columns": list(self.columns),
            "output": None if self.output is None else str(self.output),
            "predictions": rows if self.output is None else None,
        }


def to_python(value: Any) -> Any:
    """Return a cell as JSON can hold it."""
    return value.item() if isinstance(value, np.generic) else value


def predict_file(
    model: Model,
    file: str | Path,
    output: Path | TextIO | None,
    ids: Sequence[str] | None,
    *,
    keep: int | None,
    watch: Watch | None,
) -> Prediction:
    """Predict every row of a file; see `bptrain.predict` for the arguments.

    Raises:
        InputError: the file lacks columns or has a value that cannot be used; the message names its line.
        StorageError: a file cannot be read or written.
    """
    data, numbers = model.experiment.data, {f.name for f in model.columns.features if isinstance(f, Numeric)}
    wanted = tuple(dict.fromkeys(ids if ids is not None else filter(None, [data.id])))
    as_they_stand = [name for name in wanted if name not in numbers]
    with ExitStack() as stack:
        chunks = stack.enter_context(open_chunks(file, data.source, (*model.columns.text_names, *as_they_stand)))
        carried = ids_in(chunks, wanted, default=ids is None)
        said = answers(model)
        names = (*carried, *(column for answer in said for column in answer.columns))
        check_names(names, carried)
        kept = Kept(names, keep if keep is not None else chunks.rows if output is None else 0)
        sinks: list[Kept | CsvExport] = [kept]
        if isinstance(output, Path):
            sinks.append(stack.enter_context(export_csv(output, names, len(carried))))
        elif output is not None:
            sinks.append(CsvExport(output, names, len(carried)))
        tallies = Tallies(Counter(), Counter())
        done = 0
        for columns in predictions(model, chunks, carried, said, tallies):
            for sink in sinks:
                sink.write(columns)
            done += len(columns[0])
            if watch:
                watch(done, chunks.rows)
    warn(chunks, model, carried, tallies)
    path = output if isinstance(output, Path) else None
    return Prediction(done, tallies.dropped, dict(tallies.unseen), names, path, kept.table())


class Kept:
    """Holds the first rows that are written to it."""

    def __init__(self, names: Sequence[str], most: int) -> None:
        self.names, self.room = names, most
        self.parts: list[Sequence[Array]] = []

    def write(self, columns: Sequence[Array]) -> None:
        """Take what there is room for."""
        if self.room > 0:
            self.parts.append([column[: self.room].copy() for column in columns])
            self.room -= len(self.parts[-1][0])

    def table(self) -> dict[str, Array]:
        """The columns by name."""
        columns = [np.concatenate(pieces) for pieces in zip(*self.parts, strict=True)]
        return dict(zip(self.names, columns, strict=True)) if columns else {name: np.empty(0) for name in self.names}


@dataclass
class Tallies:
    """What is counted on the way: values ignored and values missing by column, and rows without a prediction."""

    unseen: Counter[str]
    missing: Counter[str]
    dropped: int = 0


def ids_in(chunks: Chunks, wanted: Sequence[str], *, default: bool) -> tuple[str, ...]:
    """The columns to be carried along; those of the config only if they are there.

    Raises:
        InputError: a column that was asked for is not there.
    """
    absent = [name for name in wanted if name not in chunks.names]
    if absent and not default:
        raise InputError(f"{chunks.origin} has no column {absent[0]!r}; {suggest_word(absent[0], chunks.names)}")
    return tuple(name for name in wanted if name in chunks.names)


def check_names(names: Sequence[str], carried: Sequence[str]) -> None:
    """Refuse a column to be carried along that is called as one of the predictions.

    Raises:
        InputError: there is one.
    """
    twice = next((name for name in carried if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"--id {quote(twice)}: a column of the predictions is called so; rename it in the file")


def predictions(
    model: Model, chunks: Chunks, ids: Sequence[str], said: Sequence[Answer], tallies: Tallies
) -> Iterator[list[Array]]:
    """Yield the columns of the result, a chunk of rows at a time.

    Raises:
        InputError: columns are missing, or a value cannot be used.
    """
    model.columns.require_columns(chunks.header, target=False)
    for table, rows in whole_batches(model, chunks, ids):
        inputs = model.columns.encode_inputs(table, rows, dtype=model.network.dtype, unseen=tallies.unseen)
        found: list[list[Array]] = [[] for answer in said for _ in answer.columns]
        start = 0
        for outputs in predict_rows(model, inputs):
            read = [column for answer in said for column in answer.read(outputs)]
            require_finite_outputs(table, rows, start, read)
            start += len(outputs)
            for pieces, column in zip(found, read, strict=True):
                pieces.append(column.copy())
        columns = [np.concatenate(pieces) if pieces else np.empty(0) for pieces in found]
        if rows is not None:
            tallies.dropped += len(table) - len(rows)
            tallies.missing.update(model.columns.find_complete(table, target=False)[1])
            columns = [spread_rows(column, rows, len(table)) for column in columns]
        yield [*(read_id(table, name) for name in ids), *columns]


def whole_batches(model: Model, chunks: Chunks, ids: Sequence[str]) -> Iterator[tuple[Table, Array | None]]:
    """Tables one after the other, and the rows of each that can be predicted (None: all): so many that every batch is
    full, but for the last of all, as it is where all rows are scored at once."""
    size, names = (
        count_scoring_rows(model.experiment),
        [*dict.fromkeys([*(f.name for f in model.columns.features), *ids])],
    )
    start = done = 0
    rest: dict[str, Array] = {}
    for chunk in chunks.columns(names):
        done += len(chunk[names[0]])
        columns = {name: np.concatenate([rest[name], one]) for name, one in chunk.items()} if rest else chunk
        rows, _ = model.columns.find_complete(chunks.table(columns, start), target=False)
        length = len(columns[names[0]])
        usable = length if rows is None else len(rows)
        if done < chunks.rows:
            full = usable // size * size
            cut = full if rows is None else int(rows[full - 1]) + 1 if full else 0
        else:
            full, cut = usable, length
        if cut:
            table = chunks.table({name: one[:cut] for name, one in columns.items()}, start)
            yield table, None if rows is None or full == cut else rows[:full]
        rest = {name: one[cut:] for name, one in columns.items()}
        start += cut


def spread_rows(column: Array, rows: Array, count: int) -> Array:
    """Put values at their rows among `count`, None elsewhere."""
    out: Array = np.full(count, None, object)
    # A list keeps the type of numbers, which have other digits in double precision.
    out[rows] = list(column)
    return out


def read_id(table: Table, name: str) -> Array:
    """Return a column to be carried along as it stands in the file: text, or numbers, whole ones without a point.

    Raises:
        InputError: a whole number is too large to be told from its neighbours.
    """
    values = table.column(name)
    if values.dtype == object:
        return values
    wide = np.flatnonzero(np.abs(values) >= LARGEST_WHOLE)
    if len(wide):
        what = f"a number of more than 15 digits cannot be carried along exactly (got {values[wide[0]]:.17g})"
        raise InputError(f"{table.where(int(wide[0]))}: {name}: {what}; write the column as text")
    holes = find_missing(values)
    cells = [None if hole else int(x) if x == int(x) else x for x, hole in zip(values.tolist(), holes, strict=True)]
    out: Array = np.empty(len(cells), object)
    out[:] = cells
    return out


def require_finite_outputs(table: Table, rows: Array | None, start: int, columns: Sequence[Array]) -> None:
    """Refuse what is no prediction.

    Raises:
        InputError: a number is not finite; the message names the first such row.
    """
    finite = np.all([np.isfinite(column) for column in columns if column.dtype.kind == "f"], axis=0)
    if not np.all(finite):
        k = start + int(np.argmin(finite))
        where = table.where(k if rows is None else int(rows[k]))
        what = "the network's output is not finite; the row is far from all that it was trained on"
        raise InputError(f"{where}: {what}: correct it or take it out")


def warn(chunks: Chunks, model: Model, carried: Sequence[str], tallies: Tallies) -> None:
    """Say what became of rows and columns."""
    if tallies.dropped:
        where = ", ".join(f"{quote(name)} in {count:,}" for name, count in tallies.missing.items())
        what = f"{tallies.dropped:,} of {chunks.rows:,} rows have no prediction, for a missing value ({where})"
        warnings.warn(f"{chunks.origin}: {what}; their cells are empty", BptrainWarning, stacklevel=4)
    if tallies.unseen:
        warnings.warn(f"{chunks.origin}: {describe_unseen(tallies.unseen)}", BptrainWarning, stacklevel=4)
    if extra := [name for name in model.columns.find_extra(chunks.header) if name not in carried]:
        warnings.warn(f"{chunks.origin}: {describe_ignored(extra)}", BptrainNote, stacklevel=4)

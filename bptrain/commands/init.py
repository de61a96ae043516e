"""A first config for a data file: what can be learned from it, and how, with the reasons in comments."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

import numpy as np

from bptrain.atomic import write_new
from bptrain.columns.leaks import answers_of
from bptrain.columns.profile import TableProfile
from bptrain.columns.proposals import Proposal, propose_column, propose_columns
from bptrain.columns.targets import Task, find_classes, likely_task, refuse_constant, with_numbers
from bptrain.config.annotation import WIDEST, Line, flow_lines, lay_out
from bptrain.config.dump import flow
from bptrain.config.schema import with_schema
from bptrain.errors import InputError
from bptrain.registry import name_of
from bptrain.spelling import suggestion
from bptrain.tables.guess import read
from bptrain.tables.sources import Csv, Source
from bptrain.tables.table import Table, shown
from bptrain.text import printable

FEW = 30
"""With fewer rows than this, none are held out."""

MOST_LISTED = 50
"""So many columns that are left out get a line each."""

LIKELY = ("target", "label", "class", "y", "outcome", "price", "species", "result", "response", "output")


@dataclass(frozen=True)
class Starter:
    """A config as text, and the columns that it leaves out, with the reasons."""

    text: str
    left_out: tuple[Proposal, ...]


def init(file: str | Path, target: str | None, *, output: str | Path | None = None, force: bool = False) -> str:
    """A commented config for a data file, which trains without an edit.

    Constant and ID-like columns, and text that is no category, are left out of the features, with the reason in a
    comment; missing values of the others get a policy. The network, the split and the training are chosen by the rows
    and columns that are left.

    Args:
        file: CSV, Parquet, JSON lines, npy or npz, by its suffix.
        target: the column to predict.
        output: where the config is written; the path of the data in it starts from its folder. Default: nothing is
            written, and the path starts from the present folder.
        force: whether a file that is there may be overwritten.

    Returns:
        The text of the config.

    Raises:
        InputError: the file cannot be read; there is no target, or none of that name, or it cannot be predicted; there
            is nothing to predict from; or there is something at `output` already.
        StorageError: the config cannot be written.
    """
    return start(file, target, output=output, force=force).text


def start(file: str | Path, target: str | None, *, output: str | Path | None = None, force: bool = False) -> Starter:
    """The config that `init` gives, with what it leaves out."""
    source, table = read(file, () if target is None else (target,))
    if target in table.columns:
        table = with_numbers(table, str(target))
    if target is None:
        raise InputError(without_target(table, propose_columns(TableProfile(table, tuple(table.columns)))))
    if target not in table.columns:
        raise InputError(f"{table.origin} has no column {target!r}; {suggestion(target, table.columns)}")
    if output is not None and Path(output).resolve() == Path(file).resolve():
        raise InputError(f"{output}: is the data file itself; choose another path for the config")
    folder = Path(output).resolve().parent if output is not None else Path.cwd()
    task = checked_task(table, target)
    answers = answers_of(table, target, classes=task == "classification")
    features = tuple(name for name in table.columns if name != target)
    found = propose_columns(TableProfile(table, features, (answers,) if answers else ()))
    used, left_out = divided(table, found, target)
    text = "\n".join(
        lay_out(
            tuple(lines(table, source_words(source, path_from(folder, Path(file))), target, task, used, left_out)),
            WIDEST,
        )
    )
    head = heading(table, target, used, Path(output).name if output is not None else "CONFIG.yaml")
    text = f"{head}\n{text}\n"
    if output is not None:
        text = with_schema(text, Path(output))
        write_new(Path(output), text, force=force, advice="choose another path, or --force")
    return Starter(text, left_out)


def source_words(source: Source, path: str) -> str:
    """The source as a config names it."""
    name = name_of(source)
    if isinstance(source, Csv) and source.decimal == ",":
        return f"{{{name}: {{path: {flow(path)}, decimal: {flow(',')}}}}}"
    return f"{{{name}: {flow(path)}}}"


def without_target(table: Table, found: Sequence[Proposal]) -> str:
    """The columns to choose from, and which one it probably is."""
    named = [one for word in LIKELY for one in found if one.name.lower() == word]
    fitting = [one for one in found if one.usable or one.words.startswith("text")]
    plain = [one for one in fitting if not one.objection or one.words.startswith("text")]
    likely = (named or plain[-1:] or found[-1:])[0].name
    some = ", ".join(f"{one.name} ({one.words})" for one in found[:20])
    more = f" and {len(found) - 20:,} more" if len(found) > 20 else ""
    return f"{table.origin}: name the column to predict, such as --target {flow(likely)}; there are {some}{more}"


def checked_task(table: Table, target: str) -> Task:
    """What is to be learned, if it can be.

    Raises:
        InputError: the target is incomplete, all the same, or all different labels.
    """
    task = likely_task(table, target)
    if task == "classification":
        classes = find_classes(table, target)
        count = len(classes.labels)
        if count > max(2, len(table) // 2):
            what = f"{count:,} classes in {len(table):,} rows; a class is learned from several rows each"
            raise InputError(f"{table.origin}: {target}: {what}")
        codes = classes.codes(table)
        lonely = np.flatnonzero(np.bincount(codes) == 1)
        if len(lonely) and share(len(table)):
            row = int(np.flatnonzero(codes == lonely[0])[0])
            what = f"the class {shown(classes.labels[int(lonely[0])])} has a single row; correct it or remove the row"
            raise InputError(f"{table.where(row)}: {target}: {what}")
        return task
    refuse_constant(table, target)
    proposal = propose_column(TableProfile(table, ()).column(target))
    if not proposal.usable:
        raise InputError(f"{table.origin}: {target}: {proposal.objection}")
    return task


def divided(table: Table, found: Sequence[Proposal], target: str) -> tuple[tuple[Proposal, ...], tuple[Proposal, ...]]:
    """The columns to predict from and those to leave out; doubtful ones are used where there are no others.

    Raises:
        InputError: there is nothing to predict from.
    """
    others = [one for one in found if one.name != target]
    used = tuple(one for one in others if not one.objection) or tuple(one for one in others if one.usable)
    if not used:
        reasons = "; ".join(f"{one.name}: {one.objection}" for one in others[:5]) or "it has no other columns"
        raise InputError(f"{table.origin}: there is no column to predict {target!r} from ({reasons})")
    names = {one.name for one in used}
    return used, tuple(one for one in others if one.name not in names)


def path_from(folder: Path, file: Path) -> str:
    """The path of a file from a folder, with forward slashes.

    Raises:
        InputError: it has a name that no text file can hold.
    """
    try:
        path = Path(os.path.relpath(file.resolve(), folder))
    except ValueError:
        # On another drive.
        path = file.resolve()
    text = path.as_posix()
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(f"{file}: the name of the file is not UTF-8 text; rename it") from None
    return text


def heading(table: Table, target: str, used: Sequence[Proposal], name: str) -> str:
    """What the config is, and how to go on."""
    columns = f"{len(used)} column{'s' * (len(used) > 1)}"
    what = f"{target} from {columns} of {Path(table.origin).name}: {len(table):,} rows. A start: change what you like."
    text = wrap(printable(what), WIDEST - 2)
    return "".join(f"# {line}\n" for line in (*text, "", f"  bptrain train {printable(name)}")).replace("# \n", "#\n")


def lines(
    table: Table, source: str, target: str, task: Task, used: Sequence[Proposal], left_out: Sequence[Proposal]
) -> Iterator[Line]:
    """The config line by line, with the reason of each choice."""
    rows, columns = len(table), len(used)
    size = f"{rows:,} rows and {columns:,} column{'s' * (columns > 1)}"
    yield Line("seed: 0", meaning="of all random numbers: the same seed gives the same run")
    yield Line("data:")
    yield Line(f"  source: {source}", meaning="relative to this file")
    yield Line(f"  target: {flow(target)}", meaning=target_words(table, target, task))
    yield Line(f"  task: {task}")
    if left_out:
        yield Line("  # left out:")
        for one in left_out[:MOST_LISTED]:
            reason = wrap(printable(f"{one.name}: {one.objection}"), WIDEST - 8)
            yield from (Line(f"  #   {'  ' * (k > 0)}{text}") for k, text in enumerate(reason))
        if len(left_out) > MOST_LISTED:
            yield Line(f"  #   and {len(left_out) - MOST_LISTED:,} more")
        yield from flow_lines("  features:", [one.name for one in used])
    if special := [one for one in used if one.options]:
        yield Line("  columns:")
        for one in special:
            yield Line(f"    {flow(one.name)}: {one.options}", meaning=printable(one.words))
    held_out = share(rows)
    split = f"  split: {{validation: {held_out:g}, test: {held_out:g}}}"
    yield Line(split, meaning="shares that are held out" if held_out else f"{rows} rows are too few to hold some out")
    yield Line(f"hidden: {hidden(rows, columns)}", meaning=f"units of the hidden layers, for {size}")
    yield Line("activation: relu", meaning="after each hidden layer")
    yield Line(f"optimizer: {{adam: {{lr: {0.003 if rows < 2000 else 0.001:g}}}}}", meaning="lr: the learning rate")
    if rows < 20_000:
        why = "a penalty on large weights: few rows are soon learned by heart"
        yield Line(
            f"regularization: {{l2: {0.001 if rows < 2000 else 0.0001:g}}}",
            meaning=why,
        )
    yield from training(rows, held_out)
    yield from metrics(table, target, task)


def target_words(table: Table, target: str, task: Task) -> str:
    """What is predicted."""
    if task == "classification":
        return f"{len(find_classes(table, target).labels)} classes"
    values = table.numbers(target)
    return f"numbers from {values.min():g} to {values.max():g}"


def share(rows: int) -> float:
    """The share of rows for validation, and for the test."""
    return 0 if rows < FEW else 0.2 if rows < 1000 else 0.15 if rows < 10_000 else 0.1


def hidden(rows: int, columns: int) -> list[int]:
    """The units of the hidden layers: more for more rows, and for more than thirty columns."""
    units = next((u for most, u in ((200, 16), (2000, 32), (20_000, 64)) if rows < most), 128) * (1 + (columns > 30))
    return [units] if rows < 2000 else [units, units // 2]


def training(rows: int, held_out: float) -> Iterator[Line]:
    """How long, and in what portions."""
    batch = next((b for most, b in ((FEW, "full"), (500, 16), (10_000, 32), (100_000, 128)) if rows < most), 512)
    epochs, patience = next((e for most, e in ((2000, (200, 25)), (20_000, (100, 15))) if rows < most), (30, 5))
    yield Line("training:")
    yield Line(f"  epochs: {epochs}", meaning="passes over the training rows" + ", at most" * bool(held_out))
    yield Line(f"  batch_size: {batch}", meaning="rows a step")
    if held_out:
        why = "stop once the validation loss has not fallen for so many epochs; the best weights are kept"
        yield Line(f"  early_stopping: {{patience: {patience}}}", meaning=why)


def metrics(table: Table, target: str, task: Task) -> Iterator[Line]:
    """What is reported."""
    if task != "classification":
        yield Line("metrics: [r2, rmse, mae]", meaning="in the units of the data")
        return
    classes = find_classes(table, target)
    counts = np.bincount(classes.codes(table))
    f1 = "f1, roc_auc" if len(counts) == 2 else "{f1: {average: macro}}"
    rare = bool(counts.min() < len(table) / len(counts) / 2)
    name = printable(str(classes.labels[int(counts.argmin())]))
    why = (
        f"the rarest class, {name}, has {counts.min():,} of {len(table):,} rows: accuracy alone flatters"
        if rare
        else ""
    )
    yield Line(f"metrics: [accuracy, {'balanced_accuracy, ' * rare}{f1}]", meaning=why)

"""`bptrain init`"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bptrain.atomic import write_new
from bptrain.columns.column_errors import build_text_error
from bptrain.columns.dates.marks import find_date_marks
from bptrain.columns.kinds import MOST_MARKS, find_odd_texts
from bptrain.columns.profile.leaks import read_target
from bptrain.columns.profile.profile import TableProfile
from bptrain.columns.profile.proposals import Proposal, propose_columns, propose_goal
from bptrain.columns.profile.time_column import find_time_column
from bptrain.columns.targets import convert_to_numbers, guess_task
from bptrain.config.document.dump import to_inline_yaml
from bptrain.config.schema import add_modeline
from bptrain.config.starter import (
    FEWEST_TO_SPLIT,
    Plan,
    choose_held_out_share,
    describe_missing_targets,
    render_starter,
)
from bptrain.errors import InputError
from bptrain.hints import list_options
from bptrain.registry import name_of
from bptrain.tables.cache import note
from bptrain.tables.guess import read_table, read_with_source
from bptrain.tables.sources import Csv, Source
from bptrain.tables.table import Selection, Table, quote
from bptrain.text import suggest_word

LIKELY = ("target", "label", "class", "y", "outcome", "price", "species", "result", "response", "output")
"""Names that a target often has, the likeliest first."""


@dataclass(frozen=True)
class Starter:
    """A config as text, the columns that it leaves out with the reasons, and notes about rows that it leaves out."""

    text: str
    left_out: tuple[Proposal, ...]
    notes: tuple[str, ...] = ()


def init(file: str | Path, target: str | None, *, output: str | Path | None = None, force: bool = False) -> str:
    """Write a commented config for a data file, which can be trained without changes.

    Constant and ID-like columns, copies of the target, and free text are left out of the features, with the reason in a
    comment. The other features get a policy for missing values, and rows without a target are left out. The network,
    the split and the training are chosen by the number of rows and columns that are left.

    Args:
        file: path of the data: CSV, Parquet, JSON lines, npy or npz, by its suffix.
        target: the column to predict.
        output: path of the config to write; the config names the data relative to its own folder. None: nothing is
            written, and the data is named relative to the current folder.
        force: whether a file at `output` may be overwritten.

    Returns:
        The text of the config.

    Raises:
        InputError: the file cannot be read; the target is missing, unknown or cannot be predicted; there is no column
            to predict it from; or a file is at `output` already.
        StorageError: the config cannot be written.

    Example:
        >>> print(bptrain.init("houses.csv", "price"))
    """
    return make_starter(file, target, output=output, force=force).text


def make_starter(
    file: str | Path, target: str | None, *, output: str | Path | None = None, force: bool = False
) -> Starter:
    """Return the config that `init` writes, with the columns and rows that it leaves out."""
    source, table = read_file(file, target)
    if target is None:
        raise InputError(describe_choices(table, propose_columns(TableProfile(table, tuple(table.columns)))))
    if target not in table.columns:
        raise InputError(f"{table.origin} has no column {target!r}; {suggest_word(target, table.columns)}")
    if output is not None and Path(output).resolve() == Path(file).resolve():
        raise InputError(f"{output}: is the data file itself; choose another path for the config")
    folder = Path(output).resolve().parent if output is not None else Path.cwd()
    goal = propose_goal(table, target, enough=FEWEST_TO_SPLIT)
    target_values = read_target(table, target, classes=goal.task == "classification")
    features = tuple(name for name in table.columns if name != target)
    profile = TableProfile(table, features, (target_values,) if target_values else ())
    used, left_out = choose_features(table, propose_columns(profile), target)
    dated = find_time_column(table, used, goal, choose_held_out_share(goal.rows))
    plan = Plan(format_source(source, make_relative(folder, Path(file))), goal, used, left_out, *dated)
    name = Path(output).name if output is not None else "CONFIG.yaml"
    text = render_starter(plan, Path(table.origin).name, name)
    if output is not None:
        text = add_modeline(text, Path(output))
        write_new(Path(output), text, force=force, advice="choose another path, or --force")
    notes = (describe_missing_targets(goal),) if goal.missing else ()
    return Starter(text, left_out, notes)


def read_file(file: str | Path, target: str | None) -> tuple[Source, Table]:
    """Return the source of a file, and its table. A few texts among the numbers of the target, such as n/a, count as
    missing.

    Raises:
        InputError: it cannot be read; or there is other text among the numbers of the target.
        StorageError: it exists but may not be read."""
    text = () if target is None else (target,)
    source, table = mark_missing_dates(*read_with_source(file, text), text)
    if target is None or target not in table.columns:
        return source, table
    table = convert_to_numbers(table, target)
    values = table.columns[target]
    if values.dtype != object or guess_task(table, target) == "classification":
        return source, table
    odd = find_odd_texts(values, table.decimal)
    rows = len(table) - sum(len(one.rows) for one in odd)
    if (
        not isinstance(source, Csv)
        or rows < FEWEST_TO_SPLIT
        or len(odd) > MOST_MARKS
        or not all(one.is_mark for one in odd)
    ):
        raise build_text_error(Selection(table), target, values, "correct it")
    source = replace(source, missing=(*source.missing, *(one.text for one in odd)))
    return source, convert_to_numbers(read_table(file, like=source, text=text), target)


def mark_missing_dates(source: Source, table: Table, text: Sequence[str]) -> tuple[Source, Table]:
    """Return the source and the table with the texts as missing that mean a missing date, such as 0000-00-00.

    Warns:
        BptrainNote: which texts these are.
    """
    marks = find_date_marks(table.columns) if isinstance(source, Csv) else {}
    if not isinstance(source, Csv) or not marks:
        return source, table
    some = ", ".join(f"{quote(mark)} ({count:,} value{'s' * (count > 1)})" for mark, count in marks.items())
    note(f"{source.path}: {some} {'means' if len(marks) == 1 else 'mean'} a missing date")
    source = replace(source, missing=(*source.missing, *marks))
    return source, read_table(source.path, like=source, text=text)


def format_source(source: Source, path: str) -> str:
    """Return a source as a config names it."""
    usual: Any = {one.name: one.default for one in list_options(type(source)) if one.name != "path"}
    given = {name: getattr(source, name) for name in usual if getattr(source, name) != usual[name]}
    options = "".join(
        f", {name}: {to_inline_yaml(list(value) if isinstance(value, tuple) else value)}"
        for name, value in given.items()
    )
    return f"{{{name_of(source)}: {f'{{path: {to_inline_yaml(path)}{options}}}' if options else to_inline_yaml(path)}}}"


def describe_choices(table: Table, found: Sequence[Proposal]) -> str:
    """Return the message that lists the columns to choose from, and suggests one."""
    named = [one for word in LIKELY for one in found if one.name.lower() == word]
    fitting = [one for one in found if one.usable or one.words.startswith("text")]
    plain = [one for one in fitting if not one.form and (not one.reason or one.words.startswith("text"))]
    likely = (named or plain[-1:] or found[-1:])[0].name
    some = ", ".join(f"{one.name} ({one.words})" for one in found[:20])
    more = f" and {len(found) - 20:,} more" if len(found) > 20 else ""
    wanted = f"name the column to predict, such as --target {to_inline_yaml(likely)}"
    return f"{table.origin}: {wanted}; the columns are {some}{more}"


def choose_features(
    table: Table, found: Sequence[Proposal], target: str
) -> tuple[tuple[Proposal, ...], tuple[Proposal, ...]]:
    """Return the columns to predict from, and those to leave out. Doubtful columns are used if there are no others.

    Raises:
        InputError: there is no column to predict from.
    """
    others = [one for one in found if one.name != target]
    used = tuple(one for one in others if not one.reason) or tuple(one for one in others if one.usable)
    if not used:
        reasons = "; ".join(f"{one.name}: {one.reason}" for one in others[:5]) or "it has no other columns"
        raise InputError(f"{table.origin}: there is no column to predict {target!r} from ({reasons})")
    names = {one.name for one in used}
    return used, tuple(one for one in others if one.name not in names)


def make_relative(folder: Path, file: Path) -> str:
    """Return the path of a file relative to a folder, with forward slashes.

    Raises:
        InputError: the name of the file is not UTF-8 text.
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

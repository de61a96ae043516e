"""`bptrain init`"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bptrain.atomic import require_suffix, write_new
from bptrain.columns.profile.leaks import read_target
from bptrain.columns.profile.profile import TableProfile
from bptrain.columns.profile.proposals import Proposal, propose_columns, propose_goal
from bptrain.columns.profile.time_column import find_time_column
from bptrain.config.recipe import FEWEST_TO_SPLIT, choose_share
from bptrain.config.schema import add_modeline
from bptrain.config.source_line import format_source, make_relative
from bptrain.config.starter import Plan, describe_left_out, render_starter
from bptrain.config.starter_table import read_file
from bptrain.errors import InputError
from bptrain.tables.reading_options import ReadingOptions
from bptrain.tables.table import Table
from bptrain.text import find_closest, suggest_word

LIKELY = ("target", "label", "class", "y", "outcome", "price", "species", "result", "response", "output")
"""Names that a target often has, the likeliest first."""

MOST_SUGGESTED = 20
"""The most columns that are all listed where none has the name of the target."""


@dataclass(frozen=True)
class Starter:
    """A config as text, the columns that it leaves out with the reasons, and notes about rows that it leaves out."""

    text: str
    left_out: tuple[Proposal, ...]
    notes: tuple[str, ...] = ()


def init(
    file: str | Path,
    target: str | None,
    *,
    output: str | Path | None = None,
    force: bool = False,
    reading: ReadingOptions | None = None,
    quick: bool = False,
) -> str:
    """Write a commented config for a data file, which can be trained without changes.

    Constant and ID-like columns, copies of the target, and free text are left out of the features, with the reason in a
    comment. The other features get a policy for missing values, and rows without a target are left out. The network,
    the split and the training are chosen by the number of rows and columns that are left.

    Args:
        file: path of the data: CSV, Excel, Parquet, JSON, npy or npz, by its first bytes or its suffix.
        target: the column to predict; where no column has that name, `first`, `last` or a position: 1 is the first
            column, and -1 the last.
        output: path of the config to write; the config names the data relative to its own folder. None: nothing is
            written, and the data is named relative to the current folder.
        force: whether a file at `output` may be overwritten.
        reading: options of the source that are given, and so not guessed.
        quick: whether the plain network is proposed, which stops early by validation rows.

    Returns:
        The text of the config.

    Raises:
        InputError: the file cannot be read; the target is missing, unknown or cannot be predicted; there is no column
            to predict it from; or a file is at `output` already.
        StorageError: the config cannot be written.

    Example:
        >>> print(bptrain.init("houses.csv", "price"))
    """
    return make_starter(file, target, output=output, force=force, reading=reading, quick=quick).text


def make_starter(
    file: str | Path,
    target: str | None,
    *,
    output: str | Path | None = None,
    force: bool = False,
    reading: ReadingOptions | None = None,
    command: str = "init",
    quick: bool = False,
) -> Starter:
    """Return the config that `init` writes, with the columns and rows that it leaves out; `command` is the one to type
    again where the target is missing. A file at `output` with the same text is left as it is."""
    source, table, position = read_file(file, target, reading)
    if target is None:
        found = propose_columns(TableProfile(table, tuple(table.columns)))
        raise InputError(describe_choices(table, found, f"bptrain {command} {shlex.quote(str(file))}"))
    target = position.name if position else target
    if target not in table.columns:
        several = len(table.columns) > MOST_SUGGESTED and not find_closest(target, table.columns)
        what = "" if several else f"{suggest_word(target, table.columns)}, or "
        what += f"write a name, first, last or a position from 1 to {len(table.columns):,}"
        raise InputError(f"{table.origin} has no column {target!r}; {what}")
    if output is not None and Path(output).resolve() == Path(file).resolve():
        raise InputError(f"{output}: is the data file itself; choose another path for the config")
    if output is not None:
        require_suffix(output, (".yaml", ".yml"))
    folder = Path(output).resolve().parent if output is not None else Path.cwd()
    goal = propose_goal(table, target, enough=FEWEST_TO_SPLIT)
    target_values = read_target(table, target, classes=goal.task == "classification")
    features = tuple(name for name in table.columns if name != target)
    profile = TableProfile(table, features, (target_values,) if target_values else ())
    used, left_out = choose_features(table, propose_columns(profile), target)
    dated = find_time_column(table, used, goal, choose_share(goal.rows))
    plan = Plan(format_source(source, make_relative(folder, Path(file))), goal, used, left_out, *dated, quick=quick)
    name = Path(output).name if output is not None else "CONFIG.yaml"
    text = render_starter(plan, Path(table.origin).name, name)
    if output is not None:
        text = add_modeline(text, Path(output))
        write_config(Path(output), text, force=force, reused=command == "train")
    notes = (position.note,) if position else ()
    return Starter(text, left_out, (*notes, *describe_left_out(goal)))


def write_config(path: Path, text: str, *, force: bool, reused: bool) -> None:
    """Write the text of a config; `reused` says that a file with the same text may be there already.

    Raises:
        InputError: another file is there, and `force` is not given.
        StorageError: it cannot be written.
    """
    advice = "choose another path, or --force"
    if reused and path.is_file():
        if path.read_bytes() == text.encode():
            return
        advice = f"it differs from the config to write: train it with bptrain train {shlex.quote(str(path))}, {advice}"
        advice = advice.replace("choose another path", "name another with -o")
    write_new(path, text, force=force, advice=advice)


def describe_choices(table: Table, found: Sequence[Proposal], line: str) -> str:
    """Return the message that lists the columns to choose from, and suggests one; `line` is the command to type."""
    named = [one for word in LIKELY for one in found if one.name.lower() == word]
    fitting = [one for one in found if one.usable or one.words.startswith("text")]
    plain = [one for one in fitting if not one.form and (not one.reason or one.words.startswith("text"))]
    likely = (named or plain[-1:] or found[-1:])[0].name
    some = ", ".join(f"{one.name} ({one.words})" for one in found[:20])
    more = f" and {len(found) - 20:,} more" if len(found) > 20 else ""
    wanted = f"name the column to predict, such as: {line} --target {shlex.quote(likely)}"
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

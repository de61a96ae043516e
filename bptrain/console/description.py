"""The description of data on the terminal: facts, splits and columns, as wide as it is."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bptrain.commands.data import ColumnDescription, DataDescription, SplitDescription
from bptrain.console.summary_tables import lines
from bptrain.console.terminal import output, printable

MOST_CLASSES = 20
MOST_COLUMNS = 200
"""So many columns are shown, those with objections first to stay."""

WIDEST = 30
"""Characters of a name or a value that are shown."""

ROOM = 24
"""Characters that a line of objections needs beside other columns."""

MOST_VALUES = 4

ALL = ("column", "use", "kind", "missing", "distinct", "mean", "std", "min", "25%", "50%", "75%", "max")
FEW = ("column", "kind", "missing", "distinct", "mean", "std")

COLOURS = {"error": "red", "warning": "yellow"}


def print_description(one: DataDescription) -> None:
    """Print facts, the splits, the columns, and what else speaks against training."""
    console = output()
    console.print(Text(printable(one.origin), style="bold"), soft_wrap=True)
    console.print(lines(list_facts(one)))
    if one.parts:
        console.print()
        console.print(render_splits(one))
    shown = choose_columns(one.columns)
    console.print()
    console.print(render_columns(shown, console))
    if len(shown) < len(one.columns):
        more = f"{len(one.columns) - len(shown):,} more columns, against which nothing speaks; --json has all"
        console.print(Text(more, style="dim"), soft_wrap=True)
    for message in one.objections:
        console.print(Text("train refuses: ", style="red").append(printable(message), style="default"), soft_wrap=True)
    for note in one.notes:
        console.print(Text("note: ", style="dim").append(printable(note), style="not dim"), soft_wrap=True)


def choose_columns(columns: tuple[ColumnDescription, ...]) -> list[ColumnDescription]:
    """Return the columns to show, in their order: all of them, or the first ones and those with objections."""
    if len(columns) <= MOST_COLUMNS:
        return list(columns)
    first = sorted(columns, key=lambda column: not (column.objections or column.use == "target"))[:MOST_COLUMNS]
    kept = {column.name for column in first}
    return [column for column in columns if column.name in kept]


def list_facts(one: DataDescription) -> Iterator[tuple[str, str]]:
    """Yield the facts of the table as a whole."""
    yield "rows", f"{one.rows:,} in {len(one.columns):,} columns"
    target = ", ".join(shorten(name) for name in one.target) or ("the inputs" if one.task == "autoencoder" else "none")
    yield "target", f"{target}, {one.task.replace('_', ' ')}" if one.task else target
    for name, classes in one.classes.items():
        yield "classes" + f" of {shorten(name)}" * (len(one.classes) > 1), render_shares(classes)
    if one.parts:
        yield "duplicates", render_duplicates(one)
    count = sum(bool(column.objections) for column in one.columns)
    yield "objections", f"to {count:,} of {len(one.columns):,} columns" if count else "none to any column"


def render_duplicates(one: DataDescription) -> str:
    """Return how many rows are there twice, within splits and across."""
    within = [f"{part.duplicates:,} in {part.name}" for part in one.parts if part.duplicates]
    across = [f"{part.repeated:,} of {part.name} in a part before it" for part in one.parts if part.repeated]
    return ", ".join([*within, *across]) or "no row is there twice"


def render_shares(classes: Mapping[str, int]) -> str:
    """Return classes with rows and shares: `no 549 (61.6%), yes 342 (38.4%)`."""
    total = sum(classes.values()) or 1
    some = [f"{shorten(name)} {rows:,} ({rows / total:.1%})" for name, rows in list(classes.items())[:MOST_CLASSES]]
    return ", ".join(some) + (f" and {len(classes) - len(some):,} more" if len(classes) > len(some) else "")


def render_splits(one: DataDescription) -> Table:
    """Return a line for each split: rows, share of all, and shares of the classes."""
    total = sum(part.rows for part in one.parts)
    return lines(
        (
            part.name,
            f"{part.rows:,} rows ({part.rows / total:.1%})"
            + "".join(f": {render_shares(each)}" for each in classes_alone(part)),
        )
        for part in one.parts
    )


def classes_alone(part: SplitDescription) -> list[dict[str, int]]:
    """Return the classes of a split, unless there are several targets with some."""
    return list(part.classes.values()) if len(part.classes) == 1 else []


def render_columns(columns: Sequence[ColumnDescription], console: Console) -> Table:
    """Return a row for each column with as much of it as the terminal is wide, or each below the one before."""
    for names in (ALL, FEW):
        room = console.width - measure_width(render_table(columns, names, None), console) - 1
        if room >= ROOM:
            return render_table(columns, names, room)
        if room >= -1 and not any(column.objections for column in columns):
            return render_table(columns, names, None)
    return render_list(columns)


def measure_width(grid: Table, console: Console) -> int:
    """Return the columns of the terminal that a table would take."""
    return console.measure(grid, options=console.options.update(max_width=1000)).maximum


def render_table(columns: Iterable[ColumnDescription], names: Sequence[str], room: int | None) -> Table:
    """Return the facts of each column side by side and, where there is room, what speaks against it."""
    grid = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for name in names:
        grid.add_column(name, justify="left" if name in ("column", "use", "kind") else "right", no_wrap=True)
    if room is not None:
        grid.add_column("", overflow="fold", max_width=room)
    for column in columns:
        found = cells_of(column)
        grid.add_row(*(Text(found[name]) for name in names), *([render_remarks(column)] if room is not None else []))
    return grid


def render_list(columns: Iterable[ColumnDescription]) -> Table:
    """Return each column with its facts below its name."""
    grid = Table.grid()
    grid.add_column(overflow="fold")
    for column in columns:
        found = cells_of(column)
        grid.add_row(Text(found["column"], style="bold").append(f" {column.use}, {column.kind}", style="not bold"))
        pairs = [f"{name} {found[name]}" for name in ALL[3:] if found[name]]
        grid.add_row(Text(f"  {', '.join(pairs)}"))
        for line in render_remarks(column).split("\n"):
            if line:
                grid.add_row(Text("  ").append_text(line))
    return grid


def cells_of(column: ColumnDescription) -> dict[str, str]:
    """Return the facts of a column by the heads of the table."""
    spread = column.spread
    numbers = (spread.mean, spread.std, spread.min, spread.q25, spread.median, spread.q75, spread.max) if spread else ()
    texts = ["beyond a float" if number is None else f"{number:.4g}" for number in numbers] or [""] * 7
    first = (shorten(column.name), column.use, column.kind, f"{column.missing:,}" if column.missing else "")
    return dict(zip(ALL, (*first, f"{column.distinct:,}", *texts), strict=True))


def render_remarks(column: ColumnDescription) -> Text:
    """Return what speaks against a column, or else its most frequent values, in lines."""
    text = Text()
    for one in column.objections:
        text.append("\n" if text else "").append(f"{one.severity}: ", style=COLOURS[one.severity])
        text.append(printable(one.message) + (f" [{one.code}]" if one.code else ""))
    if not text and column.most and column.most[0][1] > 1:
        some = ", ".join(f"{shorten(value)} {rows:,}" for value, rows in column.most[:MOST_VALUES])
        text.append(some + (", ..." if column.distinct > MOST_VALUES else ""), style="dim")
    return text


def shorten(name: str) -> str:
    """Return text from the data, cut where there is no room for it."""
    text = printable(name)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 3]}..."

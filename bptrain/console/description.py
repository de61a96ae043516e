"""The description of data on the terminal: facts, splits, columns, and the warnings about columns below them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bptrain.commands.data import ColumnDescription, DataDescription
from bptrain.console.layout import measure_width, new_list, new_pairs, new_table
from bptrain.console.terminal import get_console
from bptrain.model.encoding import describe_duplicates
from bptrain.text import printable, shorten

MOST_CLASSES = 20
MOST_COLUMNS = 200
"""The most columns shown; targets and columns with warnings come before others."""

LONGEST = 30
"""The most characters shown of a name or a value."""

MOST_VALUES = 4
VALUES_WIDTH = 24
"""The least width of the column of the most frequent values."""

VALUES = "most frequent"
MOMENTS = ("mean", "std")
QUANTILES = ("min", "25%", "50%", "75%", "max")
FACTS = ("column", "use", "kind", "missing", "distinct")

LABELS = {"error": ("train refuses: ", "red"), "warning": ("warning: ", "yellow")}
"""The labels of problems with a column, and their colours."""


def print_description(found: DataDescription) -> None:
    """Print facts, splits and columns, and then the problems and notes."""
    console = get_console()
    console.print(Text(printable(found.origin), style="bold"), soft_wrap=True)
    console.print(new_pairs(list_facts(found)))
    if found.parts:
        console.print()
        console.print(new_pairs(list_splits(found)))
    columns = choose_columns(found.columns)
    console.print()
    for one in render_columns(columns, console):
        console.print(one)
    if len(columns) < len(found.columns):
        more = f"{len(found.columns) - len(columns):,} more columns without warnings; --json has all"
        console.print(Text(more, style="dim"))
    problems = [
        (*LABELS[one.severity], f"{column.name}: {one.message}" + f" [{one.code}]" * bool(one.code))
        for column in columns
        for one in column.objections
    ]
    problems += [(*LABELS["error"], message) for message in found.objections]
    problems += [("note: ", "dim", message) for message in found.notes]
    if problems:
        console.print()
    for label, style, message in problems:
        console.print(Text(label, style=style).append(printable(message), style="default not dim"))


def choose_columns(columns: tuple[ColumnDescription, ...]) -> list[ColumnDescription]:
    """Return the columns to show, in their order: all, or else targets and those with warnings before others."""
    if len(columns) <= MOST_COLUMNS:
        return list(columns)
    first = sorted(columns, key=lambda column: not (column.objections or column.use == "target"))[:MOST_COLUMNS]
    chosen = {column.name for column in first}
    return [column for column in columns if column.name in chosen]


def list_facts(found: DataDescription) -> Iterator[tuple[str, str]]:
    """Yield the facts of the whole table."""
    yield "rows", f"{found.rows:,} in {len(found.columns):,} columns"
    names = ", ".join(shorten(name, LONGEST) for name in found.target)
    target = names or ("the inputs" if found.task == "autoencoder" else "none")
    yield "target", f"{target}, {found.task.replace('_', ' ')}" if found.task else target
    for name, classes in found.classes.items():
        yield "classes" + f" of {shorten(name, LONGEST)}" * (len(found.classes) > 1), format_shares(classes)
    for column in found.columns:
        if column.calendar:
            yield "dates", f"{shorten(column.name, LONGEST)}: {column.calendar.words}"
    if found.parts:
        yield "duplicates", format_duplicates(found)
    count = sum(bool(column.objections) for column in found.columns)
    yield "problems", f"with {count:,} of {len(found.columns):,} columns, see below" if count else "none"


def format_duplicates(found: DataDescription) -> str:
    """Return how many rows are duplicates, within a split and across splits."""
    duplicates = [f"{part.duplicates:,} within {part.name}" for part in found.parts if part.duplicates]
    repeated = {part.name: part.repeated for part in found.parts if part.repeated}
    across = describe_duplicates(repeated, {part.name: part.rows for part in found.parts})
    return "; ".join(filter(None, (*duplicates, across))) or "none"


def format_shares(classes: Mapping[str, int]) -> str:
    """Return classes with rows and shares: `no 549 (61.6%), yes 342 (38.4%)`."""
    total = sum(classes.values()) or 1
    shares = [
        f"{shorten(name, LONGEST)} {rows:,} ({rows / total:.1%})" for name, rows in list(classes.items())[:MOST_CLASSES]
    ]
    return ", ".join(shares) + (f" and {len(classes) - len(shares):,} more" if len(classes) > len(shares) else "")


def list_splits(found: DataDescription) -> Iterator[tuple[str, str]]:
    """Yield each split: its rows, their share of all, and the classes if exactly one target has classes."""
    total = sum(part.rows for part in found.parts)
    for part in found.parts:
        classes = "".join(f": {format_shares(one)}" for one in part.classes.values()) if len(part.classes) == 1 else ""
        yield part.name, f"{part.rows:,} rows ({part.rows / total:.1%}){classes}"


def render_columns(columns: Sequence[ColumnDescription], console: Console) -> Iterator[Table | Text]:
    """Yield a table with a row for each column, as wide as the terminal, and a line with the facts that do not fit; or
    a list if not even the first facts fit."""
    has_numbers = any(column.spread for column in columns)
    has_values = any(format_values(column) for column in columns)
    wide, some = ((*FACTS, *MOMENTS, *QUANTILES), (*FACTS, *MOMENTS)) if has_numbers else (FACTS, FACTS)
    for names, with_values in ((wide, True), (some, True), (wide, False), (some, False), (FACTS, False)):
        room = console.width - measure_width(render_table(columns, names, None), console) - 1
        if room >= (VALUES_WIDTH if with_values and has_values else -1):
            yield render_table(columns, names, room if with_values and has_values else None)
            missing = [name for name in wide if name not in names] + [VALUES] * (has_values and not with_values)
            if missing:
                text = f"not shown at this width: {', '.join(missing)}; --json has all"
                yield Text(text, style="dim")
            return
    rows = ([*get_facts(column).values(), format_values(column)] for column in columns)
    yield new_list((*FACTS, *MOMENTS, *QUANTILES, VALUES), rows)


def render_table(columns: Iterable[ColumnDescription], names: Sequence[str], room: int | None) -> Table:
    """Return the facts of each column side by side and, in `room` columns, its most frequent values."""
    table = new_table()
    for name in names:
        table.add_column(name, justify="left" if name in ("column", "use", "kind") else "right", no_wrap=True)
    if room is not None:
        table.add_column(VALUES, overflow="fold", max_width=room, style="dim")
    for column in columns:
        facts = get_facts(column)
        values = [Text(format_values(column))] if room is not None else []
        table.add_row(*(Text(facts[name]) for name in names), *values)
    return table


def get_facts(column: ColumnDescription) -> dict[str, str]:
    """Return the facts of a column by the headings of the table."""
    spread = column.spread
    numbers = (spread.mean, spread.std, spread.min, spread.q25, spread.median, spread.q75, spread.max) if spread else ()
    texts = ["beyond a float" if number is None else f"{number:.4g}" for number in numbers] or [""] * 7
    missing = f"{column.missing:,}" if column.missing else ""
    first = (shorten(column.name, LONGEST), column.use, column.kind, missing, f"{column.distinct:,}")
    return dict(zip((*FACTS, *MOMENTS, *QUANTILES), (*first, *texts), strict=True))


def format_values(column: ColumnDescription) -> str:
    """Return the most frequent values with their rows; nothing if no value occurs twice."""
    if not column.most or column.most[0][1] == 1:
        return ""
    values = [f"{shorten(value, LONGEST)} {rows:,}" for value, rows in column.most[:MOST_VALUES]]
    return ", ".join(values) + (", ..." if column.distinct > MOST_VALUES else "")

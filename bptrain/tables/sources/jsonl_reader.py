"""Reading JSON lines with DuckDB: an object of plain values a line, keys in any order, missing ones missing."""

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import InputError
from bptrain.tables.files import is_zipped, reading
from bptrain.tables.source import Chunks
from bptrain.tables.sources.decoding import LONGEST, BrokenText, as_utf8, chunks, encoding_of, open_text, temporary
from bptrain.tables.sources.duck import check_names, connect, fill_missing, literal, quote_name
from bptrain.tables.table import quote, register_place

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_KEYS = 20_000
"""Different keys that a file may have."""

NUMBERS = ("BIGINT", "UBIGINT", "DOUBLE")


def open_jsonl(path: Path) -> Chunks:
    """Open a file: numbers and booleans (1 and 0) are numbers, text is text, null and missing keys are missing.

    Args:
        path: of JSON lines in UTF-8 (or UTF-16 with its mark), gzipped if it ends in `.gz`.

    Raises:
        InputError: a line is no object of plain values, or names a key twice; or there is none. The message names the
            line.
        StorageError: it cannot be read.
    """
    encoding = encoding_of(path, "auto")
    with ExitStack() as stack:
        copy = stack.enter_context(as_utf8(path, encoding, marked=False))
        database = stack.enter_context(connect())
        rows = count_lines(copy, path)
        with complaints(path, encoding):
            keys = find_keys(database, copy, path, encoding)
            numeric = numeric_keys(database, copy, keys)
        if numeric is None:
            raise first_wrong(path, encoding)
        opened = stack.pop_all()

    def read(names: Sequence[str], most: int) -> Iterator[Mapping[str, Array]]:
        count = 0
        for part in [nullcontext(copy)] if most >= rows else parts_of(copy):
            with part as file, complaints(path, encoding):
                found = database.execute(*fetch_statement(file, keys, names, numeric)).fetchnumpy()
                columns = {name: fill_missing(found.pop(f"c{k}"), name in numeric) for k, name in enumerate(names)}
            count += len(columns[names[0]])
            yield columns
        if count != rows:
            raise first_wrong(path, encoding, f"{rows:,} rows, of which {count:,} could be read")

    return Chunks(str(path), tuple(keys), rows, read, JsonLines(path, encoding), opened=opened)


@contextmanager
def complaints(path: Path, encoding: str) -> Iterator[None]:
    """Turn what DuckDB says of a file into a message.

    Raises:
        InputError: with the first line that is wrong.
    """
    import duckdb

    try:
        yield
    except (duckdb.Error, UnicodeError) as error:
        raise first_wrong(path, encoding, str(error).splitlines()[0]) from None


def parts_of(copy: Path) -> Iterator[AbstractContextManager[Path]]:
    """Yield files of some lines each, one after the other, which together have those of the whole."""
    before = b""
    for chunk in chain(chunks(copy), [b"\n"]):
        whole, _, before = (before + chunk).rpartition(b"\n")
        if whole.strip():
            yield temporary(whole + b"\n")


def count_lines(copy: Path, path: Path) -> int:
    """The number of lines that are not blank.

    Raises:
        InputError: the file is no text, or has none.
    """
    number, count, before = 0, 0, b""
    try:
        for chunk in chunks(copy):
            whole, _, before = (before + chunk).rpartition(b"\n")
            for line in whole.split(b"\n"):
                number += 1
                count += bool(line.strip())
                if len(line) > LONGEST:
                    raise BrokenText(number, b"", f"a line of more than {LONGEST:,} bytes")
    except BrokenText as error:
        raise InputError(f"{path}:{error.line}: {error.what}; write an object a line, in UTF-8") from None
    count += bool(before.strip())
    if not count:
        raise InputError(f"{path}:1: the file is empty; write an object a line")
    return count


def reader(what: str, copy: Path, columns: str = "") -> tuple[str, list[Any]]:
    """A statement over the file, whole objects or the given columns, and its parameters."""
    function = f"read_json(?, auto_detect = false, {columns}," if columns else "read_json_objects(?,"
    options = f"format = 'newline_delimited', compression = '{'gzip' if is_zipped(copy) else 'none'}'"
    return f"SELECT {what} FROM {function} {options}, maximum_object_size = {LONGEST})", [literal(copy)]


def of_json(names: Sequence[str]) -> str:
    """The keys as columns of JSON."""
    return "columns = {" + ", ".join(f"{quote_name(name, chr(39))}: 'JSON'" for name in names) + "}"


def find_keys(database: "DuckDBPyConnection", copy: Path, path: Path, encoding: str) -> list[str]:
    """Every key of a file, in the order in which they come.

    Raises:
        InputError: a line is no object, or names a key twice; a key is empty, or there are too many.
    """
    inner, parameters = reader("json_keys(json) AS k, json_type(json) AS t, row_number() OVER () AS n", copy)
    query = f"SELECT k, t, min(n) FROM ({inner}) GROUP BY k, t ORDER BY 3"
    names: dict[str, None] = {}
    for found, kind, _ in database.execute(query, parameters).fetchall():
        if kind != "OBJECT" or len(found) != len(set(found)):
            raise first_wrong(path, encoding)
        names.update(dict.fromkeys(found))
        if len(names) > MOST_KEYS:
            raise InputError(f"{path}: more than {MOST_KEYS:,} different keys; a table has the same in every line")
    if not names:
        raise InputError(f"{path}:1: the objects have no keys; name the values")
    check_names(list(names), path, "key")
    return list(names)


def numeric_keys(database: "DuckDBPyConnection", copy: Path, names: list[str]) -> set[str] | None:
    """The keys whose values are numbers, or are booleans, all through; None: some are no plain values."""
    kinds = ("NULL", "VARCHAR", "BOOLEAN", *NUMBERS)
    parts = []
    for name in names:
        kind = f"json_type({quote_name(name)})"
        several = ", ".join(quote_name(one, chr(39)) for one in NUMBERS)
        known = ", ".join(quote_name(one, chr(39)) for one in kinds)
        parts += [
            f"count({kind}) FILTER ({kind} <> 'NULL')",
            f"count(*) FILTER ({kind} IN ({several}))",
            f"count(*) FILTER ({kind} = 'BOOLEAN')",
            f"count(*) FILTER ({kind} NOT IN ({known}))",
        ]
    row = database.execute(*reader(", ".join(parts), copy, of_json(names))).fetchone()
    counts = np.array(row).reshape(-1, 4)
    if counts[:, 3].any():
        return None
    return {n for n, (some, number, flag, _) in zip(names, counts, strict=True) if some and some in (number, flag)}


def fetch_statement(copy: Path, keys: Sequence[str], names: Sequence[str], numeric: set[str]) -> tuple[str, list[Any]]:
    """The statement that fetches some of the keys as the columns c0, c1, ..., and its parameters."""
    chosen = [
        f"CAST({quote_name(name)} AS DOUBLE) AS c{k}" if name in numeric else f"{quote_name(name)} ->> '$' AS c{k}"
        for k, name in enumerate(names)
    ]
    return reader(", ".join(chosen), copy, of_json(keys))


def lines(path: Path, encoding: str) -> Generator[tuple[int, str], None, None]:
    """The lines that are not blank, with their numbers."""
    with reading(path), open_text(path, encoding) as text:
        number = 0
        while line := text.readline(LONGEST + 1):
            number += 1
            if line.strip():
                yield number, line


@register_place
@dataclass(frozen=True)
class JsonLines:
    """Tells the line of a row of a file."""

    path: Path
    encoding: str

    def __call__(self, row: int) -> str:
        with closing(lines(self.path, self.encoding)) as every:
            return f"{self.path}:{next(islice(every, row, None))[0]}"

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it; `from_json` is the inverse."""
        return {"path": str(self.path), "encoding": self.encoding}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "JsonLines":
        """The inverse of `to_json`."""
        return cls(Path(stored["path"]), stored["encoding"])


def first_wrong(path: Path, encoding: str, reason: str = "") -> InputError:
    """What is wrong with the first line that is no flat object, found by Python's json module."""
    with closing(lines(path, encoding)) as every:
        for number, line in every:
            if wrong := objection(line):
                return InputError(f"{path}:{number}: {wrong}")
    return InputError(f"{path}: cannot be read as JSON lines ({quote(reason)})")


def objection(line: str) -> str:
    """What is wrong with a line, empty for nothing."""
    if len(line) > LONGEST:
        return f"a line of more than {LONGEST:,} characters"
    try:
        pairs = json.loads(line, object_pairs_hook=Pairs)
    except json.JSONDecodeError as error:
        advice = "; write one object a line" if line.strip() in ("[", "{") or "Extra data" in error.msg else ""
        return f"not JSON ({error.msg} at character {error.pos + 1}){advice}"
    except RecursionError:
        return "not JSON that a table can hold (nested too deep)"
    except ValueError as error:
        return f"not JSON ({error})"
    if not isinstance(pairs, Pairs):
        return f'expected an object such as {{"a": 1}} (got {quote(line.strip())}); write one object a line'
    seen = set()
    for name, value in pairs:
        if name in seen:
            return f"{name}: the key is there twice; take one out"
        seen.add(name)
        if isinstance(value, list):
            kind = "an object" if isinstance(value, Pairs) else "a list"
            return f"{name}: {kind} inside of the object; write its values as keys of their own, such as {name}_0"
        if isinstance(value, str) and any("\ud800" <= one <= "\udfff" for one in value):
            return f"{name}: half of a character (got {quote(value)}); write the whole"
    return ""


class Pairs(list[tuple[str, Any]]):
    """The keys and values of an object, those that come twice too."""

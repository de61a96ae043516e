"""Reading JSON with DuckDB: a flat object on each line, or a list of them; keys in any order, absent keys missing."""

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import InputError
from bptrain.tables.files import is_gzipped, report_read_errors
from bptrain.tables.source import Chunks
from bptrain.tables.sources.decoding import LONGEST, BrokenText, detect_encoding, ensure_utf8, read_chunks, read_lines
from bptrain.tables.sources.duck import check_names, connect, escape_path, fetch, quote_name, quote_text, report_errors
from bptrain.tables.sources.jsonl.json_list import is_list, read_items, write_lines
from bptrain.tables.table import quote, register_place

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_KEYS = 20_000
"""Different keys that a file may have."""

ADVICE = "write one object a line, or a list of objects"

NUMBERS = "('BIGINT', 'UBIGINT', 'DOUBLE')"
KNOWN = "('NULL', 'VARCHAR', 'BOOLEAN', 'BIGINT', 'UBIGINT', 'DOUBLE')"


def open_jsonl(path: Path) -> Chunks:
    """Open a file: numbers and booleans (1 and 0) are numbers, text is text, null and absent keys are missing.

    Args:
        path: of JSON lines, or of a list of objects, in UTF-8 (or UTF-16 with its mark); perhaps packed.

    Raises:
        InputError: a line or an item is no flat object, or names a key twice; or there is none. The message names
            the line.
        StorageError: it cannot be read.
    """
    encoding = detect_encoding(path, "auto")

    def describe(reason: str) -> InputError:
        return describe_first_wrong(path, encoding, reason)

    with ExitStack() as stack:
        if is_list(path, encoding):
            copy = stack.enter_context(write_lines(path, encoding))
        else:
            copy = stack.enter_context(ensure_utf8(path, encoding, marked=False))
        database = stack.enter_context(connect())
        rows = count_lines(copy, path)
        with report_errors(describe):
            keys = find_keys(database, copy, path, encoding)
            numeric = find_numeric_keys(database, copy, keys)
        if numeric is None:
            raise describe("a value that is neither a number nor text")
        opened = stack.pop_all()

    def read(names: Sequence[str], most: int) -> Iterator[Mapping[str, Array]]:
        chosen = ", ".join(
            f"CAST({quote_name(name)} AS DOUBLE)" if name in numeric else f"{quote_name(name)} ->> '$'"
            for name in names
        )
        count = 0
        for file in [copy] if most >= rows else split_file(copy):
            with report_errors(describe):
                columns = fetch(database.execute(*write_query(chosen, file, keys)), names, numeric)
            count += len(columns[names[0]])
            yield columns
        if count != rows:
            raise describe(f"{rows:,} rows, of which {count:,} could be read")

    return Chunks(str(path), tuple(keys), rows, read, JsonLines(path, encoding), opened=opened)


def split_file(copy: Path) -> Iterator[Path]:
    """Yield temporary files of some lines each, one at a time, which together have all lines of a file."""
    before = b""
    with TemporaryDirectory(prefix="bptrain-") as folder:
        for k, chunk in enumerate(chain(read_chunks(copy), [b"\n"])):
            complete, _, before = (before + chunk).rpartition(b"\n")
            if complete.strip():
                path = Path(folder, f"{k}")
                with report_read_errors(path):
                    path.write_bytes(complete + b"\n")
                yield path
                path.unlink()


def count_lines(copy: Path, path: Path) -> int:
    """Return the number of lines that are not blank."""
    number, count, before = 0, 0, b""
    try:
        for chunk in read_chunks(copy):
            complete, _, before = (before + chunk).rpartition(b"\n")
            for line in complete.split(b"\n"):
                number += 1
                count += bool(line.strip())
                if len(line) > LONGEST:
                    raise BrokenText(number, b"", f"a line of more than {LONGEST:,} bytes")
    except BrokenText as error:
        raise InputError(f"{path}:{error.line}: {error.what}; write one object a line, in UTF-8") from None
    count += bool(before.strip())
    if not count:
        raise InputError(f"{path}:1: the file is empty; write one object a line")
    return count


def write_query(what: str, copy: Path, keys: Sequence[str] = ()) -> tuple[str, list[Any]]:
    """Return a statement that selects from a file, whole objects or the values of its keys, and its parameters."""
    columns = ", ".join(f"{quote_text(name)}: 'JSON'" for name in keys)
    function = f"read_json(?, auto_detect = false, columns = {{{columns}}}," if keys else "read_json_objects(?,"
    options = f"format = 'newline_delimited', compression = '{'gzip' if is_gzipped(copy) else 'none'}'"
    return f"SELECT {what} FROM {function} {options}, maximum_object_size = {LONGEST})", [escape_path(copy)]


def find_keys(database: "DuckDBPyConnection", copy: Path, path: Path, encoding: str) -> list[str]:
    """Return every key of a file, in the order in which they come."""
    inner, parameters = write_query("json_keys(json) AS k, json_type(json) AS t, row_number() OVER () AS n", copy)
    query = f"SELECT k, t, min(n) FROM ({inner}) GROUP BY k, t ORDER BY 3"
    names: dict[str, None] = {}
    for found, kind, _ in database.execute(query, parameters).fetchall():
        if kind != "OBJECT" or len(found) != len(set(found)):
            raise describe_first_wrong(path, encoding)
        names.update(dict.fromkeys(found))
        if len(names) > MOST_KEYS:
            raise InputError(f"{path}: more than {MOST_KEYS:,} different keys; use the same ones on every line")
    if not names:
        raise InputError(f'{path}:1: the objects have no keys; write values under keys, as in {{"a": 1}}')
    check_names(list(names), path, "key")
    return list(names)


def find_numeric_keys(database: "DuckDBPyConnection", copy: Path, names: list[str]) -> set[str] | None:
    """Return the keys with numbers alone, or booleans alone; None: some values are lists or objects."""
    counts = []
    for name in names:
        kind = f"json_type({quote_name(name)})"
        counts += [
            f"count({kind}) FILTER ({kind} <> 'NULL')",
            f"count(*) FILTER ({kind} IN {NUMBERS})",
            f"count(*) FILTER ({kind} = 'BOOLEAN')",
            f"count(*) FILTER ({kind} NOT IN {KNOWN})",
        ]
    row = database.execute(*write_query(", ".join(counts), copy, names)).fetchone()
    table = np.array(row).reshape(-1, 4)
    if table[:, 3].any():
        return None
    return {n for n, (some, number, flag, _) in zip(names, table, strict=True) if some and some in (number, flag)}


@register_place
@dataclass(frozen=True)
class JsonLines:
    """Tells the line of a row of a file."""

    path: Path
    encoding: str

    def __call__(self, row: int) -> str:
        with closing(read_objects(self.path, self.encoding)) as objects:
            return f"{self.path}:{next(islice(objects, row, None))[0]}"

    def to_json(self) -> dict[str, Any]:
        return {"path": str(self.path), "encoding": self.encoding}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "JsonLines":
        return cls(Path(stored["path"]), stored["encoding"])


def read_objects(path: Path, encoding: str) -> Generator[tuple[int, str], None, None]:
    """Yield the lines that are not blank, or the items of a list, with the numbers of their (first) lines."""
    if is_list(path, encoding):
        yield from read_items(path, encoding)
        return
    with closing(read_lines(path, encoding)) as lines:
        yield from ((number, line) for number, line in lines if line.strip())


def describe_first_wrong(path: Path, encoding: str, reason: str = "") -> InputError:
    """Return what is wrong with the first line or item that is no flat object, found by Python's json module."""
    with closing(read_objects(path, encoding)) as objects:
        for number, text in objects:
            if wrong := find_problem(text):
                return InputError(f"{path}:{number}: {wrong}")
    return InputError(f"{path}: cannot be read as JSON lines ({quote(reason.splitlines()[0] if reason else reason)})")


def find_problem(line: str) -> str:
    """Return what is wrong with a line; empty for nothing."""
    try:
        pairs = json.loads(line, object_pairs_hook=Pairs)
    except json.JSONDecodeError as error:
        advice = f"; {ADVICE}" if line.strip() in ("[", "{") or "Extra data" in error.msg else ""
        return f"not JSON ({error.msg} at character {error.pos + 1}){advice}"
    except RecursionError:
        return "not JSON that a table can hold (nested too deep)"
    except ValueError as error:
        return f"not JSON ({error})"
    if not isinstance(pairs, Pairs):
        return f'expected an object such as {{"a": 1}} (got {quote(line.strip())}); {ADVICE}'
    seen = set()
    for name, value in pairs:
        if name in seen:
            return f"{name}: the key is there twice; remove one"
        seen.add(name)
        if isinstance(value, list) and value and isinstance(value[0], Pairs):
            return f"{name}: a list of objects inside the object; if they are the rows, write this list alone"
        if isinstance(value, list):
            kind = "an object" if isinstance(value, Pairs) else "a list"
            return f"{name}: {kind} inside the object; write its values under keys of their own, such as {name}_0"
        if isinstance(value, str) and any("\ud800" <= one <= "\udfff" for one in value):
            return f"{name}: half of a surrogate pair (got {quote(value)}); write both halves"
    return ""


class Pairs(list[tuple[str, Any]]):
    """The keys and values of an object, also those of a key that is there twice."""

"""Reading Parquet files with DuckDB, once what their footer declares is checked against the file."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bptrain.arrays import Array
from bptrain.errors import InputError
from bptrain.tables.files import check_file, report_read_errors
from bptrain.tables.source import Chunks
from bptrain.tables.sources.duck import check_names, connect, escape_path, fetch, quote_name, report_errors
from bptrain.tables.table import quote

MAGIC = b"PAR1"

NUMERIC = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "BOOLEAN")
TEXT = ("VARCHAR", "DATE", "TIME", "TIMESTAMP", "UUID", "ENUM", "INTERVAL", '"NULL"')

DAMAGED = "the Parquet file is cut short or damaged; write or fetch it again"

CHUNK_ROWS = 1 << 16
"""Rows that a chunk has at least: DuckDB reads many more to find a few."""


def open_parquet(path: Path) -> Chunks:
    """Open a file: numbers, decimals and booleans (1 and 0) are numbers, text and dates text.

    Raises:
        InputError: it is no such file, damaged, without rows, or a column has lists, structures or bytes.
        StorageError: it cannot be read.
    """
    check_ends(path)
    source = "read_parquet(?, hive_partitioning = false"

    def describe(error: str) -> InputError:
        reason = quote(error.splitlines()[0])
        return InputError(f"{path}: the file is damaged ({reason}); write or fetch it again")

    with ExitStack() as stack:
        database = stack.enter_context(connect())
        with report_errors(describe):
            rows = check_footer(database, path)
            types = database.execute(f"DESCRIBE SELECT * FROM {source})", [escape_path(path)]).fetchall()
        numeric = {name for name, kind, *_ in types if is_numeric(path, name, kind)}
        opened = stack.pop_all()

    def read(names: Sequence[str], most: int) -> Iterator[Mapping[str, Array]]:
        step = max(most, CHUNK_ROWS)
        chosen = ", ".join(f"CAST({quote_name(n)} AS {'DOUBLE' if n in numeric else 'VARCHAR'})" for n in names)
        for start in range(0, rows, step):
            count = min(step, rows - start)
            query = f"SELECT {chosen} FROM {source})"
            if count < rows:
                some = f"file_row_number >= {start} AND file_row_number < {start + count}"
                query = f"SELECT {chosen} FROM {source}, file_row_number = true) WHERE {some}"
            with report_errors(describe):
                columns = fetch(database.execute(query, [escape_path(path)]), names, numeric)
            if len(columns[names[0]]) != count:
                raise InputError(f"{path}: {DAMAGED}")
            yield columns

    return Chunks(str(path), tuple(name for name, *_ in types), rows, read, opened=opened)


def check_ends(path: Path) -> None:
    """Check that a file begins and ends as Parquet does."""
    size = check_file(path)
    with report_read_errors(path), open(path, "rb") as file:
        start = file.read(4)
        file.seek(max(size - 8, 0))
        length, end = file.read(4), file.read(4)
    if start == b"PARE":
        raise InputError(f"{path}: the file is encrypted; write it without a key")
    if start != MAGIC:
        what = f"not a Parquet file (it begins with {quote(start)})"
        raise InputError(f"{path}: {what}; correct its suffix, or use the source for its format")
    if size < 12 or end != MAGIC or struct.unpack("<I", length)[0] > size - 12:
        raise InputError(f"{path}: {DAMAGED}")


def check_footer(database: Any, path: Path) -> int:
    """Check that a footer can be true, and return the number of rows."""
    size = path.stat().st_size

    def query(statement: str) -> Any:
        return database.execute(statement, [escape_path(path)]).fetchall()

    root = query("SELECT name, num_children FROM parquet_schema(?)")
    if len(root) < 2:
        raise InputError(f"{path}: the Parquet file has no columns; write a table to it")
    # The children of nested columns follow them; is_numeric reports nested columns.
    check_names([name for name, _ in root[1:]] if len(root) - 1 == root[0][1] else [], path)
    ((rows,),) = query("SELECT num_rows FROM parquet_file_metadata(?)")
    if rows == 0:
        raise InputError(f"{path}: the file has columns and no rows; add at least one")
    ((wrong,),) = query(f"""SELECT count(*) FROM parquet_metadata(?) WHERE total_compressed_size < 0 OR num_values < 0
        OR data_page_offset < 0 OR data_page_offset + total_compressed_size > {size + 12}
        OR row_group_num_rows < 0 OR row_group_num_rows > {rows}""")
    ((total,),) = query("""SELECT sum(n) FROM (
        SELECT any_value(row_group_num_rows) AS n FROM parquet_metadata(?) GROUP BY row_group_id)""")
    if wrong or total != rows or rows < 0:
        raise InputError(f"{path}: {DAMAGED}")
    return int(rows)


def is_numeric(path: Path, name: str, kind: str) -> bool:
    """Tell whether a column of a type of DuckDB becomes numbers; otherwise it becomes text."""
    flat = not kind.endswith("]")
    if flat and kind.removeprefix("U").startswith(NUMERIC):
        return True
    if flat and kind.startswith(TEXT):
        return False
    what = f"a column of a table cannot hold values of the type {quote(kind)}"
    raise InputError(f"{path}: {name}: {what}; write numbers or text instead, or leave the column out of the file")

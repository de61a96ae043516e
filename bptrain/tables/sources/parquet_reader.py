"""Reading Parquet files with DuckDB, after what their footer declares has been held against the file."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bptrain.arrays import Array
from bptrain.errors import InputError
from bptrain.tables.files import check_file, reading
from bptrain.tables.source import Chunks
from bptrain.tables.sources.duck import check_names, connect, fill_missing, literal, quote_name
from bptrain.tables.table import quote

MAGIC = b"PAR1"

NUMERIC = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "BOOLEAN")
TEXT = ("VARCHAR", "DATE", "TIME", "TIMESTAMP", "UUID", "ENUM", "INTERVAL", '"NULL"')


CHUNK_ROWS = 1 << 16
"""Rows that a chunk has at least: DuckDB looks at many more to find a few."""


def open_parquet(path: Path) -> Chunks:
    """Open a file: numbers, decimals and booleans (1 and 0) are numbers, text and dates text.

    Raises:
        InputError: it is no such file, damaged, without rows, or a column has lists, structures or bytes.
        StorageError: it cannot be read.
    """
    check_is_parquet(path)
    with ExitStack() as stack:
        database = stack.enter_context(connect())
        with damages(path):
            rows = check_footer(database, path)
            described = database.execute(
                "DESCRIBE SELECT * FROM read_parquet(?, hive_partitioning = false)", [literal(path)]
            ).fetchall()
        numeric = {name: is_numeric(path, name, kind) for name, kind, *_ in described}
        opened = stack.pop_all()

    def read(names: Sequence[str], most: int) -> Iterator[Mapping[str, Array]]:
        step = max(most, CHUNK_ROWS)
        chosen = ", ".join(
            f"CAST({quote_name(name)} AS {'DOUBLE' if numeric[name] else 'VARCHAR'}) AS {quote_name(name)}"
            for name in names
        )
        query = f"SELECT {chosen} FROM read_parquet(?, hive_partitioning = false"
        some = f"{query}, file_row_number = true) WHERE file_row_number >= ? AND file_row_number < ?"
        for start in range(0, rows, step):
            count = min(step, rows - start)
            with damages(path):
                if count == rows:
                    found = database.execute(f"{query})", [literal(path)]).fetchnumpy()
                else:
                    found = database.execute(some, [literal(path), start, start + count]).fetchnumpy()
                columns = {name: fill_missing(found.pop(name), numeric[name]) for name in names}
            check_row_count(path, columns, count)
            yield columns

    return Chunks(str(path), tuple(numeric), rows, read, opened=opened)


@contextmanager
def damages(path: Path) -> Iterator[None]:
    """Turn what DuckDB says of a damaged file into a message.

    Raises:
        InputError: it is damaged.
    """
    import duckdb

    try:
        yield
    except (duckdb.Error, UnicodeDecodeError) as error:
        reason = quote(str(error).splitlines()[0])
        raise InputError(f"{path}: the file is damaged ({reason}); write or fetch it again") from None


def check_row_count(path: Path, columns: dict[str, Array], count: int) -> None:
    """Refuse a chunk that does not have as many rows as it should.

    Raises:
        InputError: it does not.
    """
    if len(next(iter(columns.values()))) != count:
        raise InputError(f"{path}: the file does not have the rows that it declares; write or fetch it again")


def check_is_parquet(path: Path) -> None:
    """Refuse a file that does not begin and end as Parquet does.

    Raises:
        InputError: it does not.
        StorageError: it cannot be read.
    """
    size = check_file(path)
    with reading(path), open(path, "rb") as file:
        start = file.read(4)
        file.seek(max(size - 8, 0))
        length, end = file.read(4), file.read(4)
    if start != MAGIC:
        if start == b"PARE":
            raise InputError(f"{path}: the file is encrypted; write it without a key")
        raise InputError(f"{path}: not a Parquet file (it begins with {quote(start)}); name its format instead")
    if size < 12 or end != MAGIC or struct.unpack("<I", length)[0] > size - 12:
        raise InputError(f"{path}: the Parquet file is cut short or damaged; write or fetch it again")


def check_footer(database: Any, path: Path) -> int:
    """Refuse a footer that cannot be true. How many rows the file has.

    Raises:
        InputError: columns of one name, no rows, or parts that are not inside of the file.
    """
    size = path.stat().st_size
    root = database.execute("SELECT name, num_children FROM parquet_schema(?)", [literal(path)]).fetchall()
    if len(root) < 2:
        raise InputError(f"{path}: the Parquet file has no columns")
    # Children of nested columns follow their parents, which are refused by their type.
    flat = [name for name, children in root[1:]] if len(root) - 1 == root[0][1] else []
    check_names(flat, path)
    ((rows,),) = database.execute("SELECT num_rows FROM parquet_file_metadata(?)", [literal(path)]).fetchall()
    if rows == 0:
        raise InputError(f"{path}: the file has columns and no rows; add at least one")
    wrong = f"""SELECT count(*) FROM parquet_metadata(?) WHERE total_compressed_size < 0 OR num_values < 0
        OR data_page_offset < 0 OR data_page_offset + total_compressed_size > {size + 12}
        OR row_group_num_rows < 0 OR row_group_num_rows > {rows}"""
    ((count,),) = database.execute(wrong, [literal(path)]).fetchall()
    groups = """SELECT sum(n) FROM (
        SELECT any_value(row_group_num_rows) AS n FROM parquet_metadata(?) GROUP BY row_group_id)"""
    ((total,),) = database.execute(groups, [literal(path)]).fetchall()
    if count or total != rows or rows < 0:
        raise InputError(f"{path}: the Parquet file declares parts that it does not have; it is cut short or damaged")
    return int(rows)


def is_numeric(path: Path, name: str, kind: str) -> bool:
    """Whether a column of a type in DuckDB becomes numbers; otherwise it becomes text.

    Raises:
        InputError: it can become neither.
    """
    flat = not kind.endswith("]")
    if flat and kind.removeprefix("U").startswith(NUMERIC):
        return True
    if flat and kind.startswith(TEXT):
        return False
    what = f"values of the type {quote(kind)} are no column of a table"
    raise InputError(f"{path}: {name}: {what}; write numbers or text instead, or leave the column out of the file")

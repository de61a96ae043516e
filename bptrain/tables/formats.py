"""The formats of files of data, told by their first bytes, or else by the suffix of their names."""

import re
from pathlib import Path, PurePath

from bptrain.errors import BptrainError, InputError
from bptrain.tables.files import ZIP, is_zip, list_members, open_file, read_first_bytes, report_read_errors

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The first bytes of an .xls file."""

SIGNATURES = {b"PAR1": "parquet", b"\x93NUMPY": "npy", OLE: "excel"}
"""The sources that read files with these first bytes."""

FOREIGN = {
    b"BZh": ("bzip2", "unpack it"),
    b"\xfd7zXZ\0": ("xz", "unpack it"),
    b"7z\xbc\xaf\x27\x1c": ("7z", "unpack it"),
    b"\x28\xb5\x2f\xfd": ("zstd", "unpack it"),
    b"Rar!\x1a\x07": ("rar", "unpack it"),
    b"%PDF-": ("PDF", "save the table as CSV"),
    b"SQLite format 3\0": ("SQLite", "save a table of it as CSV"),
    b"\x89HDF\r\n\x1a\n": ("HDF5", "save the table as CSV, Parquet or npz"),
    b"ARROW1\0\0": ("Arrow", "save the table as Parquet"),
    b"FEA1": ("Feather", "save the table as Parquet"),
}
"""The formats of files with these first bytes, which are not read, and what to do about them."""

EXCEL_SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")

SNIFFED = 1 << 16
"""Bytes at the beginning of a file that tell whether it is JSON."""


def find_format(path: Path) -> str | None:
    """Return the name of the source that reads a file with its first bytes; None if they could be any text, or the file
    cannot be read.

    Raises:
        InputError: files that begin like this are not read.
    """
    start = read_first_bytes(path, 16)
    for mark, (name, advice) in FOREIGN.items():
        if start.startswith(mark) and (name != "bzip2" or start[4:10] == b"1AY&SY"):
            raise InputError(f"{path}: a {name} file, which is not read; {advice}")
    if found := next((source for mark, source in SIGNATURES.items() if start.startswith(mark)), None):
        return found
    if not start.startswith(ZIP):
        return None
    names = list_members(path)
    if "[Content_Types].xml" in names or {"mimetype", "content.xml"} <= set(names):
        return "excel"
    if names and all(name.endswith(".npy") for name in names):
        return "npz"
    return "excel" if not names and path.suffix.lower() in EXCEL_SUFFIXES else None


def find_suffix(path: Path) -> str:
    """Return the suffix that tells the format of a file, in lower case: for a packed file, that of the file in it."""
    if is_zip(path) and find_format(path) is None and len(names := list_members(path)) == 1:
        path = Path(PurePath(names[0]).name)
    elif path.suffix.lower() in (".gz", ".zip"):
        path = path.with_suffix("")
    return path.suffix.lower()


def is_json(path: Path) -> bool:
    """Tell whether a file begins like JSON objects or a list of them."""
    if not read_first_bytes(path, 1):
        return False
    try:
        with report_read_errors(path), open_file(path) as file:
            start = file.read(SNIFFED)
    except BptrainError:
        return False
    encoding = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return bool(re.match(r'\s*(\[\s*)?\{\s*["}]', start.decode(encoding, "replace")))


def check_is_text(path: Path) -> None:
    """Check that a file, which a source reads as text, does not begin like a file of another format.

    Raises:
        InputError: it does; the message says which source reads it.
    """
    if found := find_format(path):
        words = {"excel": "an Excel file", "parquet": "a Parquet file"}.get(found, f"an {found} file")
        raise InputError(f"{path}: {words}, and not text; under source, write {found} as the name of the source")

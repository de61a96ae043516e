"""Text files: their encoding, and their bytes looked through before anything is made of them."""

import codecs
import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bptrain.errors import InputError
from bptrain.tables.files import check_expansion, check_file, is_zipped, open_file, reading

ENCODINGS = {
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8",
    "ascii": "utf-8",
    "utf-16": "utf-16",
    "iso8859-1": "latin-1",
    "cp1252": "cp1252",
}
"""The encodings that are read, by the names that Python has for them."""

MARK = codecs.BOM_UTF8

LONGEST = 2_000_000
"""Bytes that a line may have, quoted line breaks included."""

CHUNK_BYTES = 1 << 22


def known_encoding(name: str) -> str | None:
    """The encoding of that name, or of another name for it, as this file calls it; None: it is not read."""
    try:
        return ENCODINGS.get(codecs.lookup(name).name)
    except LookupError:
        return None


def encoding_of(path: Path, wanted: str) -> str:
    """The encoding of a file: by its byte order mark, or else the one that is wanted, or UTF-8 for `auto`.

    Raises:
        InputError: there is no such file, or its mark is that of an encoding that is not read.
        StorageError: it cannot be read.
    """
    check_file(path)
    with reading(path), open_file(path) as file:
        start = file.read(4)
    if start in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
        raise InputError(f"{path}:1: the file is UTF-32 text; save it as UTF-8")
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start.startswith(MARK) or wanted == "auto":
        return "utf-8"
    return wanted


def open_text(path: Path, encoding: str, *, errors: str = "replace") -> io.TextIOWrapper:
    """A file as text with the line ends that it has."""
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    return io.TextIOWrapper(open_file(path), encoding=codec, errors=errors, newline="")


@contextmanager
def as_utf8(path: Path, encoding: str, *, marked: bool = True) -> Iterator[Path]:
    """A file of the same text in UTF-8, for DuckDB: the file itself, or a copy that lasts as long as the context.

    Args:
        path: the file.
        encoding: as `encoding_of` says.
        marked: whether a byte order mark may stand at the beginning.

    Raises:
        InputError: the file is not text in that encoding; the message names the line.
        StorageError: it cannot be read, or the copy not be written.
    """
    if encoding == "utf-8" and (marked or not has_mark(path)):
        yield path
        return
    handle, name = tempfile.mkstemp(prefix="bptrain-", suffix=".txt")
    copy = Path(name)
    try:
        with os.fdopen(handle, "wb") as target, reading(path), open_file(path) as source:
            transcode(path, encoding, source, target)
        yield copy
    finally:
        copy.unlink(missing_ok=True)


@contextmanager
def temporary(content: bytes) -> Iterator[Path]:
    """A file of that content, which lasts as long as the context.

    Raises:
        StorageError: it cannot be written.
    """
    handle, name = tempfile.mkstemp(prefix="bptrain-", suffix=".txt")
    path = Path(name)
    try:
        with reading(path), os.fdopen(handle, "wb") as file:
            file.write(content)
        yield path
    finally:
        path.unlink(missing_ok=True)


def has_mark(path: Path) -> bool:
    """Whether a file begins with the byte order mark of UTF-8."""
    with reading(path), open_file(path) as file:
        return file.read(len(MARK)) == MARK


def transcode(path: Path, encoding: str, source: BinaryIO, target: BinaryIO) -> None:
    """Write text as UTF-8.

    Raises:
        InputError: it is not text in its encoding.
    """
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    packed, total, lines, decoder = path.stat().st_size, 0, 0, codecs.getincrementaldecoder(codec)()
    try:
        while chunk := source.read(CHUNK_BYTES):
            text = decoder.decode(chunk)
            lines += text.count("\n")
            total += len(chunk)
            target.write(text.encode())
            if is_zipped(path):
                check_expansion(path, total, packed)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        lines += error.object[: error.start].decode(encoding, "replace").count("\n")
        what = f"the file is not {encoding} text ({error.reason}); write its encoding, or save it as UTF-8"
        raise InputError(f"{path}:{lines + 1}: {what}") from None
    except UnicodeError as error:
        raise InputError(f"{path}: the file is not {encoding} text ({error}); write its encoding") from None


class BrokenText(Exception):  # noqa: N818
    """What is wrong with the bytes of a text: with the line, and the bytes of that line before the place."""

    def __init__(self, line: int, before: bytes, what: str) -> None:
        super().__init__(what)
        self.line, self.before, self.what = line, before, what


def chunks(path: Path) -> Iterator[bytes]:
    """The bytes of a UTF-8 file in chunks that end with a line where it has `\\n`, each looked through.

    Raises:
        BrokenText: a NUL byte, bytes that are not UTF-8, a byte order mark at the beginning of a later line, or a line
            that is far too long.
        InputError: a gzipped file is damaged, or grows beyond measure.
        StorageError: the file cannot be read.
    """
    packed, total, lines, last, decoder = check_file(path), 0, 0, b"", codecs.getincrementaldecoder("utf-8")()
    with reading(path), open_file(path) as file:
        while chunk := file.read(CHUNK_BYTES):
            rest = b"" if chunk.endswith(b"\n") else file.readline(LONGEST + 1)
            if len(rest) > LONGEST and b"\r" not in rest:
                raise BrokenText(lines + chunk.count(b"\n") + 1, b"", f"a line of more than {LONGEST:,} bytes")
            chunk += rest
            total += len(chunk)
            look_through(chunk, lines, decoder)
            if is_zipped(path):
                check_expansion(path, total, packed)
            yield chunk
            lines += chunk.count(b"\n") or chunk.count(b"\r")
            last = chunk[chunk.rfind(b"\n") + 1 :]
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise BrokenText(lines + 1, last, "the last character is cut short") from None


def look_through(chunk: bytes, lines: int, decoder: codecs.IncrementalDecoder) -> None:
    """Refuse bytes that no text has.

    Raises:
        BrokenText: with the first of them.
    """
    if (at := chunk.find(b"\0")) >= 0:
        raise broken(chunk, at, lines, "a NUL byte, which no text has; the file is damaged, binary, or UTF-16 text")
    if not chunk.isascii():
        for end in (b"\n", b"\r"):
            if (at := chunk.find(end + MARK)) >= 0:
                raise broken(chunk, at + 1, lines, "a byte order mark inside; two files were joined, take it out")
    try:
        decoder.decode(chunk)
    except UnicodeDecodeError as error:
        at = max(error.start, 0)
        what = f"the byte 0x{error.object[at]:02x}, which is not UTF-8"
        raise broken(error.object, at, lines, what) from None


def broken(chunk: bytes, at: int, lines: int, what: str) -> BrokenText:
    """What is wrong at a place in a chunk that begins behind so many lines."""
    end = b"\n" if b"\n" in chunk else b"\r"
    return BrokenText(lines + chunk.count(end, 0, at) + 1, chunk[chunk.rfind(end, 0, at) + 1 : at], what)

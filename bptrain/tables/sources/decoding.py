"""Text files: their encoding, and a check of all their bytes before anything else is done with them."""

import codecs
import io
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bptrain.errors import InputError
from bptrain.tables.files import check_expansion, check_file, is_packed, is_zip, open_file, report_read_errors
from bptrain.tables.formats import check_is_text

ENCODINGS = {
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8",
    "ascii": "utf-8",
    "utf-16": "utf-16",
    "iso8859-1": "latin-1",
    "cp1252": "cp1252",
}
"""The encodings that are read, by Python's names for them."""

MARK = codecs.BOM_UTF8

LONGEST = 2_000_000
"""Bytes that a line may have, quoted line breaks included."""

CHUNK_BYTES = 1 << 22


def find_encoding(name: str) -> str | None:
    """Return the encoding of that name, or of another name for it, as one of `ENCODINGS`; None: it is not read."""
    try:
        return ENCODINGS.get(codecs.lookup(name).name)
    except LookupError:
        return None


def detect_encoding(path: Path, wanted: str) -> str:
    """Return the encoding of a file: by its byte order mark, or else the one that is wanted, or UTF-8 for `auto`.

    Raises:
        InputError: there is no such file, or its mark is that of an encoding that is not read.
        StorageError: it cannot be read.
    """
    check_file(path)
    check_is_text(path)
    start = read_start(path)
    if start in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
        raise InputError(f"{path}:1: the file is UTF-32 text; save it as UTF-8")
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start.startswith(MARK) or wanted == "auto":
        return "utf-8"
    return wanted


def read_start(path: Path) -> bytes:
    """Read the first four bytes of a file, in which a byte order mark would be."""
    check_file(path)
    with report_read_errors(path), open_file(path) as file:
        return file.read(4)


def open_text(path: Path, encoding: str) -> io.TextIOWrapper:
    """Open a file as text with its own line ends; bytes that are not text in the encoding are replaced."""
    return io.TextIOWrapper(open_file(path), encoding=get_codec(encoding), errors="replace", newline="")


def read_lines(path: Path, encoding: str) -> Generator[tuple[int, str], None, None]:
    """Yield the lines of a file as text, with their numbers.

    Raises:
        InputError: one is far too long.
        StorageError: the file cannot be read.
    """
    with report_read_errors(path), open_text(path, encoding) as text:
        number = 0
        while line := text.readline(LONGEST + 1):
            number += 1
            if len(line) > LONGEST:
                raise InputError(f"{path}:{number}: a line of more than {LONGEST:,} characters")
            yield number, line


def get_codec(encoding: str) -> str:
    """Return Python's codec for an encoding, which skips a byte order mark."""
    return "utf-8-sig" if encoding == "utf-8" else encoding


@contextmanager
def ensure_utf8(path: Path, encoding: str, *, marked: bool = True) -> Iterator[Path]:
    """Return a file of the same text in UTF-8, for DuckDB: the file itself, or a copy that lasts as long as the
    context.

    Args:
        path: the file.
        encoding: as `detect_encoding` returns it.
        marked: whether a byte order mark may be at the beginning.

    Raises:
        InputError: the file is not text in that encoding; the message names the line.
        StorageError: it cannot be read, or the copy cannot be written.
    """
    if encoding == "utf-8" and not is_zip(path) and (marked or not read_start(path).startswith(MARK)):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="bptrain-") as folder:
        copy = Path(folder, "text")
        with report_read_errors(path), open_file(path) as source, open(copy, "wb") as target:
            transcode(path, encoding, source, target)
        yield copy


def transcode(path: Path, encoding: str, source: BinaryIO, target: BinaryIO) -> None:
    """Write text as UTF-8."""
    packed, total, lines = path.stat().st_size, 0, 0
    decoder = codecs.getincrementaldecoder(get_codec(encoding))()
    try:
        while chunk := source.read(CHUNK_BYTES):
            text = decoder.decode(chunk)
            lines += text.count("\n")
            total += len(chunk)
            target.write(text.encode())
            if is_packed(path):
                check_expansion(path, total, packed)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        lines += error.object[: error.start].decode(encoding, "replace").count("\n")
        what = f"the file is not {encoding} text ({error.reason}); set encoding to the right one, or save it as UTF-8"
        raise InputError(f"{path}:{lines + 1}: {what}") from None
    except UnicodeError as error:
        raise InputError(f"{path}: the file is not {encoding} text ({error}); set encoding to the right one") from None


class BrokenText(Exception):  # noqa: N818
    """What is wrong with the bytes of a text, with the line, and the bytes of that line before the wrong one;
    `is_encoding` if the text may be in another encoding."""

    def __init__(self, line: int, before: bytes, what: str, *, is_encoding: bool = False) -> None:
        super().__init__(what)
        self.line, self.before, self.what, self.is_encoding = line, before, what, is_encoding


def read_chunks(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a UTF-8 file in checked chunks, which end with a line where lines end in `\\n`.

    Raises:
        BrokenText: a NUL byte, bytes that are not UTF-8, a byte order mark at the beginning of a later line, or a line
            that is far too long.
        InputError: a gzipped file is damaged, or expands too much.
        StorageError: the file cannot be read.
    """
    packed, total, lines, last, decoder = check_file(path), 0, 0, b"", codecs.getincrementaldecoder("utf-8")()
    with report_read_errors(path), open_file(path) as file:
        while chunk := file.read(CHUNK_BYTES):
            rest = b"" if chunk.endswith(b"\n") else file.readline(LONGEST + 1)
            if len(rest) > LONGEST and b"\r" not in rest:
                before = chunk[chunk.rfind(b"\n") + 1 :]
                raise BrokenText(lines + chunk.count(b"\n") + 1, before, f"a line of more than {LONGEST:,} bytes")
            chunk += rest
            total += len(chunk)
            check_text(chunk, lines, decoder)
            if is_packed(path):
                check_expansion(path, total, packed)
            yield chunk
            lines += chunk.count(b"\n") or chunk.count(b"\r")
            last = chunk[chunk.rfind(b"\n") + 1 :]
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise BrokenText(lines + 1, last, "the last character is cut short", is_encoding=True) from None


def check_text(chunk: bytes, lines: int, decoder: codecs.IncrementalDecoder) -> None:
    """Check that a chunk, which begins after so many lines, has no bytes that no text has."""
    if (at := chunk.find(b"\0")) >= 0:
        what = "a NUL byte, which text never has; the file is damaged, binary, or UTF-16 text"
        raise locate_broken(chunk, at, lines, what)
    if not chunk.isascii():
        for end in (b"\n", b"\r"):
            if (at := chunk.find(end + MARK)) >= 0:
                what = "a byte order mark inside the file, as two joined files have; take it out"
                raise locate_broken(chunk, at + 1, lines, what)
    try:
        decoder.decode(chunk)
    except UnicodeDecodeError as error:
        at = max(error.start, 0)
        what = f"the byte 0x{error.object[at]:02x}, which is not UTF-8"
        broken = locate_broken(error.object, at, lines, what)
        broken.is_encoding = True
        raise broken from None


def locate_broken(chunk: bytes, at: int, lines: int, what: str) -> BrokenText:
    """Return what is wrong at byte `at` of a chunk that begins after so many lines."""
    end = b"\n" if b"\n" in chunk else b"\r"
    return BrokenText(lines + chunk.count(end, 0, at) + 1, chunk[chunk.rfind(end, 0, at) + 1 : at], what)

"""A JSON file that is one list of objects, read an item at a time, so that it may be larger than memory."""

import codecs
import json
import re
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bptrain.errors import InputError
from bptrain.tables.files import check_expansion, is_packed, open_file, report_read_errors
from bptrain.tables.sources.decoding import CHUNK_BYTES, LONGEST, get_codec, open_text
from bptrain.tables.table import quote

BLANK = re.compile(r"[ \t\r\n]*")
"""The blanks between the parts of a list."""


def is_list(path: Path, encoding: str) -> bool:
    """Tell whether a file begins with a list that has an object in it, or a line break: other lists are taken for
    lines."""
    with report_read_errors(path), open_text(path, encoding) as text:
        start = text.read(1 << 16).lstrip(" \t\r\n")
    return re.match(r"\[\s*(\{|\]|$)|\[[ \t]*\r?\n", start) is not None


class Scanner:
    """The text of a file from some place on, read further when more is wanted; it knows the line of that place."""

    def __init__(self, path: Path, file: BinaryIO, encoding: str) -> None:
        self.path, self.file, self.encoding = path, file, encoding
        self.decoder = codecs.getincrementaldecoder(get_codec(encoding))()
        self.text, self.at, self.line, self.done = "", 0, 1, False
        self.packed, self.total = path.stat().st_size, 0

    def read_more(self) -> bool:
        """Read a chunk of the file, and forget the text before the place; False at the end of the file."""
        if self.done:
            return False
        chunk = self.file.read(CHUNK_BYTES)
        self.total += len(chunk)
        if is_packed(self.path):
            check_expansion(self.path, self.total, self.packed)
        rest = self.text[self.at :]
        try:
            self.text, self.at, self.done = rest + self.decoder.decode(chunk, final=not chunk), 0, not chunk
        except UnicodeError as error:
            line = self.line + rest.count("\n")
            if isinstance(error, UnicodeDecodeError):
                line += error.object[: error.start].decode(self.encoding, "replace").count("\n")
            what = f"the file is not {self.encoding} text; save it as UTF-8"
            raise InputError(f"{self.path}:{line}: {what}") from None
        return True

    def move(self, end: int) -> str:
        """Move the place to an index in the text, and return what is between."""
        passed = self.text[self.at : end]
        self.line, self.at = self.line + passed.count("\n"), end
        return passed

    def skip_blanks(self) -> str:
        """Move the place to the next character that is not blank, and return that; nothing at the end of the file."""
        while True:
            found = BLANK.match(self.text, self.at)
            self.move(found.end() if found else self.at)
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.read_more():
                return ""

    def read_value(self) -> str:
        """Return the text of the JSON value at the place, and move behind it.

        Raises:
            InputError: it is no JSON.
        """
        while True:
            try:
                _, end = DECODER.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                room = len(self.text) - self.at < LONGEST
                if room and self.read_more():
                    continue
                line = self.line + self.text.count("\n", self.at, error.pos)
                if not room and error.pos >= len(self.text) - 1:
                    raise InputError(
                        f"{self.path}:{self.line}: an object of more than {LONGEST:,} characters"
                    ) from None
                column = error.pos - self.text.rfind("\n", 0, error.pos)
                raise InputError(f"{self.path}:{line}: not JSON ({error.msg} at character {column})") from None
            except RecursionError:
                raise InputError(f"{self.path}:{self.line}: not JSON that a table can hold (nested too deep)") from None
            except ValueError as error:
                raise InputError(f"{self.path}:{self.line}: not JSON ({error})") from None
            # A number may go on in the next chunk.
            if end < len(self.text) or not self.read_more():
                return self.move(end)


DECODER = json.JSONDecoder()


def describe_long(path: Path, line: int) -> InputError:
    """Return the error about an item that is too long, which begins on a line."""
    return InputError(f"{path}:{line}: an object of more than {LONGEST:,} characters; look for a bracket that is open")


def read_items(path: Path, encoding: str) -> Generator[tuple[int, str], None, None]:
    """Yield the items of a list as text of one line each, with the numbers of the lines where they begin.

    Raises:
        InputError: it is no text in that encoding, or no JSON; the message names the line.
        StorageError: it cannot be read.
    """
    with report_read_errors(path), open_file(path) as file:
        scanner = Scanner(path, file, encoding)
        scanner.skip_blanks()
        scanner.move(scanner.at + 1)
        mark = scanner.skip_blanks()
        while mark != "]":
            line, item = scanner.line, scanner.read_value()
            if len(item) > LONGEST:
                raise describe_long(path, line)
            yield line, re.sub(r"[\r\n]+", " ", item)
            mark = scanner.skip_blanks()
            if mark not in (",", "]") or not mark:
                got = f"got {quote(mark)}" if mark else "the file ends"
                raise InputError(f"{path}:{scanner.line}: expected a comma or ] after an object of the list ({got})")
            if mark == ",":
                scanner.move(scanner.at + 1)
                if scanner.skip_blanks() in ("]", ""):
                    raise InputError(f"{path}:{scanner.line}: expected an object after the comma; take the comma out")
        scanner.move(scanner.at + 1)
        if after := scanner.skip_blanks():
            raise InputError(f"{path}:{scanner.line}: text after the end of the list (got {quote(after)}); take it out")


@contextmanager
def write_lines(path: Path, encoding: str) -> Iterator[Path]:
    """Return a copy of a list with an item on each line in UTF-8, which lasts as long as the context.

    Raises:
        InputError: as `read_items`; or the list is empty.
        StorageError: the copy cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="bptrain-") as folder:
        copy, count = Path(folder, "lines"), 0
        with open(copy, "w", encoding="utf-8", newline="") as file:
            for count, (_, item) in enumerate(read_items(path, encoding), 1):  # noqa: B007
                file.write(item + "\n")
        if not count:
            raise InputError(f"{path}:1: the list is empty; write objects in it")
        yield copy

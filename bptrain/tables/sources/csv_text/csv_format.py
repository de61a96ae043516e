"""How a CSV file is written: its options, and lines of it as plain CSV."""

import csv
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bptrain.tables.sources.decoding import LONGEST

DELIMITERS = (",", ";", "\t", "|")
"""The delimiters that are tried, the usual one first; spaces come after them."""

MISSING = ("NA", "N/A", "NaN", "nan", "null", "NULL")
"""Texts that mean a missing value by default, beside an empty one."""

BLANKS = tuple(" " * k for k in range(9))
"""Texts that always mean a missing value; fixed-width exports pad empty cells with spaces."""

NAMES = {"\t": "a tab", " ": "spaces"}

csv.field_size_limit(LONGEST)


@dataclass(frozen=True)
class CsvFormat:
    """How a file is written: the delimiter (`auto`: to be guessed; a space: one or more spaces or tabs), whether the
    first line names the columns, the quote character (empty: none), the encoding (`auto`: by its mark), the decimal
    sign, the texts that mean missing, the columns that are text even if they look like numbers, the number of lines to
    skip, the beginning of comments (`auto`: # or % if the file begins with them; empty: none), the sign between
    thousands, and the texts to strip from numbers.

    The rest is found in the file: `doubtful` says that the guess of the delimiter may be wrong, `is_spaced` that spaces
    stand before quotes or alone in a line, `surplus` how many delimiters, with nothing after them,
    end each line, and `has_index` that the header has no name for the first column.
    """

    delimiter: str = "auto"
    header: bool = True
    quote: str = '"'
    encoding: str = "auto"
    decimal: str = "."
    missing: tuple[str, ...] = MISSING
    text: tuple[str, ...] = ()
    doubtful: bool = False
    skip: int = 0
    comment: str = "auto"
    thousands: str = ""
    strip: tuple[str, ...] = ()
    is_spaced: bool = False
    surplus: int = 0
    has_index: bool = False

    def read_records(self, lines: Any, *, strict: bool = False) -> Any:
        """Return Python's reader of lines in this format."""
        if not self.quote:
            return csv.reader(lines, delimiter=self.delimiter, quoting=csv.QUOTE_NONE, strict=strict)
        return csv.reader(lines, delimiter=self.delimiter, quotechar=self.quote, strict=strict)

    @property
    def absent(self) -> tuple[str, ...]:
        """All texts that mean a missing value."""
        return (*(BLANKS[:1] if self.delimiter == " " else BLANKS), *self.missing)

    @property
    def advice(self) -> str:
        """What to do if the delimiter was guessed wrong."""
        if not self.doubtful:
            return ""
        name = NAMES.get(self.delimiter, f"'{self.delimiter}'")
        return f" (the delimiter was guessed to be {name}; write delimiter: '...' if that is wrong)"

    @cached_property
    def is_plain(self) -> bool:
        """Whether the file is plain CSV, every line of it."""
        return not (self.skip or self.comment or self.delimiter == " " or self.is_spaced or self.surplus)

    def write_plain(self, line: str) -> str:
        """Return a line that begins outside quotes as plain CSV."""
        text = line.rstrip("\r\n")
        end = line[len(text) :]
        if self.delimiter == " ":
            text = self._spaces.sub(lambda found: found[1] or " ", text.strip())
        elif self.is_spaced:
            text = "" if not text.strip() else text
            text = self._spaces.sub(lambda found: found[1] or found[2], text)
        return text.removesuffix(self.delimiter * self.surplus) + end

    @cached_property
    def _spaces(self) -> re.Pattern[str]:
        """Quoted text (group 1), or the spaces to replace."""
        mark, end = re.escape(self.quote), re.escape(self.delimiter)
        quoted = f"({mark}(?:[^{mark}]|{mark}{mark})*{mark})|" if self.quote else "(?!)()|"
        return re.compile(quoted + (r"[ \t]+" if self.delimiter == " " else f"({end}) +(?={mark})"))

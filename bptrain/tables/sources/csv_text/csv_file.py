"""A CSV file as it is read: its text in UTF-8, its names and counts, statements over it, and what is wrong with it."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bptrain.errors import InputError
from bptrain.tables.files import is_gzipped
from bptrain.tables.sources.csv_text.csv_format import CsvFormat
from bptrain.tables.sources.csv_text.csv_lines import Tally, find_line, find_other_end, find_quote, read_rows
from bptrain.tables.sources.decoding import LONGEST
from bptrain.tables.sources.duck import escape_path, quote_name, quote_text
from bptrain.tables.table import quote

BUFFER_BYTES = 1 << 22
"""Bytes of a file that each of several tasks has; DuckDB would take sixteen times the longest line."""


@dataclass(frozen=True)
class CsvFile:
    """A file as it is read: the path that the user knows, the same text in UTF-8, its format, columns, counts, and
    notes on how it is read."""

    path: Path
    copy: Path
    form: CsvFormat
    names: list[str]
    tally: Tally
    notes: list[str]

    def write_query(self, what: str, types: dict[str, str]) -> tuple[str, list[Any]]:
        """Return a statement over the file with the given column types, and its parameters."""
        columns = ", ".join(f"{quote_text(name)}: '{kind}'" for name, kind in types.items())
        form, compression = self.form, "gzip" if is_gzipped(self.copy) else "none"
        missing = ", ".join(map(quote_text, form.absent))
        # A folder named `x=5` must not overwrite the column x, which is what DuckDB calls hive partitioning.
        options = f"""auto_detect = false, header = {form.header}, delim = ?, quote = ?, escape = ?,
            nullstr = [{missing}], strict_mode = true, hive_partitioning = false,
            max_line_size = {LONGEST}, buffer_size = {BUFFER_BYTES}, compression = '{compression}'"""
        parameters = [escape_path(self.copy), form.delimiter, form.quote, form.quote]
        return f"SELECT {what} FROM read_csv(?, {options}, columns = {{{columns}}})", parameters

    def write_text(self, name: str) -> str:
        """Return a text column in SQL, its numbers without what is stripped from them and without thousands signs."""
        q, form = quote_name(name), self.form
        if not form.thousands and not form.strip:
            return q
        point, number = re.escape(form.decimal), f"trim({q})"
        if form.strip:
            marks = "|".join(sorted(map(re.escape, form.strip), key=len, reverse=True))
            start, end = (quote_text(one) for one in (rf"^([-+]?)\s*(?:{marks})\s*([-+]?)", rf"\s*(?:{marks})$"))
            number = f"regexp_replace(regexp_replace({number}, {start}, '\\1\\2'), {end}, '')"
        if form.thousands:
            mark = re.escape(form.thousands)
            grouped = quote_text(rf"[-+]?[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}})+(?:{point}[0-9]*)?")
            plain = f"replace({number}, {quote_text(form.thousands)}, '')"
            number = f"CASE WHEN regexp_full_match({number}, {grouped}) THEN {plain} ELSE {number} END"
        usual = quote_text(rf"[-+]?(?:[0-9]+(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][-+]?[0-9]+)?")
        return f"CASE WHEN regexp_full_match({number}, {usual}) THEN {number} ELSE {q} END"

    def write_number(self, name: str) -> str:
        """Return a text column as numbers in SQL, NULL where it has none; with a decimal point 1_000 is one too."""
        text = self.write_text(name)
        text = text if self.form.decimal == "." else f"translate({text}, ',._', '.xx')"
        return f"try_cast({text} AS DOUBLE)"

    @property
    def has_plain_numbers(self) -> bool:
        """Whether DuckDB can read its numbers itself."""
        return self.form.decimal == "." and not self.form.thousands and not self.form.strip

    def describe(self, error: str) -> InputError:
        """Return DuckDB's complaint about the file as one line of ours."""
        found = re.search(r"CSV Error on Line: (\d+)", error)
        line = int(found[1]) if found else 0
        where = f"{self.path}:{find_line(self.path, self.form, line)}" if line else str(self.path)
        if "Expected Number of Columns" in error:
            wrong = (one for one in read_rows(self.path, self.form) if len(one[1]) != len(self.names))
            if first := next(wrong, None):
                return describe_ragged(self, first[0], len(first[1]))
        if "unterminated quote" in error:
            k = find_quote(self.path, self.form, line) if line else None
            column = f" {self.names[k]}:" if k is not None and k < len(self.names) else ""
            if self._has_long_value():
                what = (
                    f"a value of more than {LONGEST:,} characters; look for a quote that is not closed, or take it out"
                )
                return InputError(f"{where}:{column} {what}")
            what = "a quoted value does not end where it should; write a quote inside it twice"
            return InputError(f"{where}:{column} {what}, or write quote: '' if quotes are ordinary characters")
        if "Maximum line size" in error:
            what = f"a line of more than {LONGEST:,} bytes; look for a quote that is not closed"
            return InputError(f"{where}: {what}")
        if other := find_other_end(self.path, replace(self.form, quote="")):
            return other
        return InputError(f"{where}: cannot be read as CSV ({quote(error.splitlines()[0])})")

    def _has_long_value(self) -> bool:
        """Tell whether a value, with the line breaks in it, is longer than what is read."""
        try:
            return any(False for _ in read_rows(self.path, self.form))
        except InputError as error:
            return "field larger" in str(error)


def describe_ragged(file: CsvFile, line: int, count: int) -> InputError:
    """Return what is wrong with a line of `count` values."""
    names, form = file.names, file.form
    if count < len(names):
        where, what = f"{file.path}:{line}: {names[count]}", "too few"
    else:
        where, what = f"{file.path}:{line}", f"too many; quote values that contain '{form.delimiter}'"
        if form.delimiter == "," and len(names) > 1:
            what += ", such as numbers with a decimal comma"
        if line == form.skip + 2 and len(names) == 1:
            what += f"; or write skip: {form.skip + 1} if the line before it is a title"
    first, s = "header" if form.header else "first line", "" if count == 1 else "s"
    return InputError(f"{where}: the line has {count} value{s}, and the {first} has {len(names)}: {what}{form.advice}")

"""Broken CSV files and JSON lines: one line says where and what is wrong, and no row is lost or padded."""

import gzip
import re
from pathlib import Path

import pytest

from bptrain.errors import InputError
from bptrain.tables.sources import Csv

ROWS = b"a,y\n" + b"".join(b"%d,%d\n" % (k, k % 2) for k in range(40))
PACKED = gzip.compress(ROWS)
LINES = b"".join(b'{"a": %d, "y": %d}\n' % (k, k % 2) for k in range(40))


def flip_bit(content, place):
    """Return the content with one bit flipped."""
    return content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]


# The file, its content (None: no file), the message after the name of the file, options.
CSV = [
    ("empty.csv", b"", r":1: the file is empty; the first line must name the columns"),
    ("blank.csv", b"\n\n\n", r":1: the file is empty"),
    ("only_a_mark.csv", b"\xef\xbb\xbf", r":1: the file is empty"),
    (
        "break.csv",
        b'"a\nb",y\r\n1,2\r\n3,4\r\n',
        r":1: the line ends of the rows differ from the line breaks",
    ),
    ("header_only.csv", b"a,y\n", r":2: the file has a header and no rows; add at least one"),
    ("empty_first_line.csv", b"\na,y\n1,2\n", r":1: the first line is empty; delete it"),
    ("one_row.csv", b"a,y\n1,2.5\n", r":2: this is the only row; nothing can be learned from it, add more"),
    ("short.csv", b"a,b,y\n1,2,3\n1,2\n4,5,6\n", r":3: y: the line has 2 values, and the header has 3: too few"),
    ("long.csv", b"a,b,y\n1,2,3\n1,2,3\n4,5,6,7\n", r":4: the line has 4 values, and the header has 3: too many"),
    ("late.csv", b"a,y\n" + b"1,2\n" * 50_000 + b"1\n", r":50002: y: the line has 1 value, and the header has 2"),
    ("cut_line.csv", b"a,b,y\n1,2,3\n4,5", r":3: y: the line has 2 values, and the header has 3: too few"),
    ("empty_extra.csv", b"x,y\n1,2\n1,2,\n", r":3: the line has 3 values, and the header has 2: too many"),
    ("quoted_extra.csv", b'x,y\n1,"2,\n3"\n1,2,""\n', r":4: the line has 3 values, and the header has 2: too many"),
    ("after_break.csv", b'x,y\n1,"l\nm"\n1\n', r":4: y: the line has 1 value, and the header has 2: too few"),
    ("all_wider.csv", b"x,y\n1,2,3\n1,2,3\n", r":2: the line has 3 values, and the header has 2: too many"),
    ("title.csv", b"Report 2024\na,y\n1,2\n", r":2: .*2 values, and the header has 1: too many.*delimiter: '...'"),
    (
        "unclosed.csv",
        b'a,y\n1,"x\n2,y\n',
        r":2: y: a quoted value does not end where it should; write a quote inside it",
    ),
    ("unclosed_long.csv", b'a,y\n"1,2\n' + b"1,2\n" * 700_000, r":2: .*quote"),
    ("behind_quote.csv", b'a,y\n1,2\n"5"x,2\n', r":3: a: a quoted value does not end where it should"),
    ("unclosed_header.csv", b'a,"y\n1,2\n', r":1: cannot read the header .*look for a quote"),
    ("nul.csv", b"a,y\n1,2\n1,\x003\n", r":3: y: a NUL byte, which text never has"),
    ("nul_header.csv", b"a,y\0\n1,2\n", r":1: column 2: a NUL byte"),
    ("zeros.csv", bytes(5000), r":1: column 1: a NUL byte"),
    ("utf16_unmarked.csv", "a,y\n1,2\n".encode("utf-16-le"), r":1: column 1: a NUL byte.* or UTF-16 text"),
    ("utf32.csv", "a,y\n1,2\n".encode("utf-32"), r":1: the file is UTF-32 text; save it as UTF-8"),
    ("utf16_odd.csv", "a,y\n1,2\n".encode("utf-16") + b"1", r":3: the file is not utf-16 text"),
    ("latin.csv", b"a,y\n1,x\n2,\xe9\n", r":3: y: the byte 0xe9, which is not UTF-8; write encoding: cp1252"),
    ("latin_header.csv", b"\xe9,y\n1,x\n", r":1: column 1: the byte 0xe9, which is not UTF-8"),
    ("cut_character.csv", "a,y\n1,é".encode()[:-1], r":2: .*(cut short|not UTF-8)"),
    ("ascii.csv", b"a,y\n1,\x81\n", r":2: the file is not cp1252 text", {"encoding": "cp1252"}),
    ("binary.csv", bytes(range(1, 256)) * 9, r":\d+: .*(not UTF-8)"),
    (
        "joined.csv",
        b"\xef\xbb\xbfa,y\n1,2\n\xef\xbb\xbf3,4\n",
        r":3: a: a byte order mark inside the file, as two",
    ),
    ("mixed_ends.csv", b"a,y\n1,2\r\n3,4\n", r":2: the line ends in CR LF, and the lines before it in LF"),
    ("mixed_ends_late.csv", b"a,y\r\n" + b"1,2\r\n" * 9 + b"3,4\n", r":11: the line ends in LF, .* in CR LF"),
    ("hidden_cr.csv", b'x"1,y\r\n1,2\r\n3,4\r5,6\r', r":3: the line ends in CR, and the lines before it in CR LF"),
    ("lone_cr.csv", b"a,y\n1,x\ry\n3,4\n", r":2: the line ends in CR, and the lines before it in LF"),
    ("huge_value.csv", b"a,y\n1,2\n1," + b"x" * 3_000_000 + b"\n", r":3: a line of more than 2,000,000 bytes"),
    ("huge_cell.csv", b"a,y\n1,2\n1," + b"x" * 10_000_000 + b"\n", r":3: y: a line of more than 2,000,000 bytes; look"),
    (
        "huge_lines.csv",
        b'a,y\n1,2\n1,"' + b"x\n" * 1_100_000 + b'"\n',
        r":3: a line of more than 2,000,000 bytes; look for",
    ),
    ("huge_header.csv", b"a" * 3_000_000 + b",y\n1,2\n", r":1: .*(2,000,000|field larger)"),
    ("twice.csv", b"a,y,a\n1,2,3\n", r":1: two columns are named 'a'; rename one"),
    ("case.csv", b"a,y,A\n1,2,3\n", r":1: two columns are named 'A' and 'a'; rename one"),
    ("text.csv", b"a,y\n1,0.5\n1,1.5\nten,2\n", r":4: a: text among the numbers \(got 'ten'\)"),
    ("underscore.csv", b"a,y\n1,0.5\n1,1.5\n1_000,2\n", r":4: a: text among the numbers \(got '1_000'\)"),
    ("comma.csv", b"a;y\n1;0.5\n1,5;1.5\n", r":3: a: text among the numbers \(got '1,5'\); .*decimal: ','"),
    ("point.csv", b"a;y\n1;0\n1.5;1\n", r":3: a: .*\(got '1.5'\); .*decimal: '\.'", {"decimal": ","}),
    ("comma_in_csv.csv", b"a,y\n1,2\n1,5,2\n", r":3: the line has 3 values.*too many; quote values that contain ','"),
    ("hole.csv", b"a,y\n1,0.5\n,1.5\n", r":3: a: a missing value or NaN"),
    ("na.csv", b"a,y\n1,0.5\nNA,1.5\n", r":3: a: a missing value or NaN"),
    ("infinite.csv", b"a,y\n1,0.5\ninf,1.5\n", r":3: a: an infinite value"),
    ("cut.csv.gz", PACKED[:-12], r": .*cut short or damaged"),
    ("cut_early.csv.gz", PACKED[:5], r": .*cut short or damaged"),
    ("flipped.csv.gz", flip_bit(PACKED, len(PACKED) // 2), r": .*(cut short or damaged|not UTF-8|line)"),
    ("checksum.csv.gz", flip_bit(PACKED, len(PACKED) - 6), r": .*cut short or damaged"),
    ("behind.csv.gz", PACKED + b"garbage", r": .*cut short or damaged"),
    ("plain.csv.gz", ROWS, r": not a gzip file"),
    (
        "semicolons.csv",
        b"a;y\n1;2\n",
        r":1: the header is one column, 'a;y', and ';' would divide it; write delimiter: ';'",
        {"delimiter": ","},
    ),
    ("absent.csv", None, r"path: no such file"),
    ("absent-*.csv", None, r"path: no file matches the pattern"),
]

JSONL = [
    ("empty.jsonl", b"", r":1: the file is empty; write one object a line"),
    ("blank.jsonl", b"\n \n", r":1: the file is empty"),
    ("cut.jsonl", LINES[:-4], r":40: not JSON"),
    ("broken.jsonl", b'{"a": 1, "y": 2}\n{"a": 1, "y":\n{"a": 2}\n', r":2: not JSON \("),
    ("list.jsonl", b"[[1, 2]]\n", r":1: expected an object such as .*write one object a line"),
    ("pretty.jsonl", b'{\n "a": 1,\n "y": 2\n}\n', r":1: not JSON .*write one object a line"),
    ("two.jsonl", b'{"a": 1}{"a": 2}\n', r":1: not JSON \(Extra data .*write one object a line"),
    ("number.jsonl", b'{"a": 1, "y": 2}\n5\n', r":2: expected an object"),
    ("null.jsonl", b'{"a": 1, "y": 2}\nnull\n', r":2: expected an object"),
    ("no_keys.jsonl", b"{}\n{}\n", r":1: the objects have no keys"),
    ("twice.jsonl", b'{"a": 1, "y": 2}\n{"a": 1, "a": 2}\n', r":2: a: the key is there twice"),
    ("case.jsonl", b'{"a": 1, "A": 2, "y": 1}\n', r": two keys are named 'A' and 'a'"),
    ("nameless.jsonl", b'{"": 1, "y": 2}\n', r": key 1 has no usable name"),
    ("nested.jsonl", b'{"a": 1, "y": 2}\n{"a": {"b": 1}, "y": 2}\n', r":2: a: an object inside the"),
    ("array.jsonl", b'{"a": 1, "y": 2}\n{"a": [1], "y": 2}\n', r":2: a: a list inside the object"),
    ("deep.jsonl", b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n", r":1: .*nested too deep"),
    ("nul.jsonl", b'{"a": 1}\n{"a": \x00}\n', r":2: a NUL byte"),
    ("latin.jsonl", b'{"a": 1}\n{"a": "\xe9"}\n', r":2: the byte 0xe9, which is not UTF-8"),
    ("half.jsonl", b'{"a": "\\ud83d", "y": 1}\n', r":1: a: half of a surrogate pair"),
    ("huge.jsonl", b'{"a": "' + b"x" * 3_000_000 + b'"}\n', r":1: a line of more than 2,000,000"),
    ("mixed.jsonl", LINES + b'{"a": "ten", "y": 1}\n', r":41: a: text among the numbers \(got 'ten'\)"),
    ("hole.jsonl", LINES + b'{"y": 1}\n', r":41: a: a missing value or NaN"),
    ("nan.jsonl", LINES + b'{"a": NaN, "y": 1}\n', r":41: a: a missing value or NaN"),
    ("inf.jsonl", LINES + b'{"a": -Infinity, "y": 1}\n', r":41: a: an infinite value"),
    ("cut.jsonl.gz", gzip.compress(LINES)[:-12], r": .*cut short or damaged"),
    ("absent.jsonl", None, r"path: no such file"),
]


@pytest.mark.parametrize("row", CSV, ids=[row[0] for row in CSV])
def test_broken_csv(complaint_about, row):
    complaint_about("csv", *row)


@pytest.mark.parametrize("row", JSONL, ids=[row[0] for row in JSONL])
def test_broken_json_lines(complaint_about, row):
    complaint_about("jsonl", *row)


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (b"a;y\n1;2\n", {"delimiter": ","}),
        (b"a\ty\n1\t2\n", {"delimiter": ","}),
        (b"a;y\n1;2\n1,5;3\n", {}),
        (b"a;y\n1;2\n1.5;3\n", {"decimal": ","}),
        (b"a,y\n1,x\n2,\xe9\n", {}),
        (b'a,y\n1,"x\n2,y\n', {}),
    ],
)
def test_the_option_that_a_message_tells_to_write_helps(content, options):
    Path("my.csv").write_bytes(content)
    with pytest.raises(InputError) as caught:
        Csv(Path("my.csv"), **options).load().get_finite_numbers("a")
    found = re.search(r"write (\w+): ('[^']*'|[a-z0-9]+)", str(caught.value))
    table = Csv(Path("my.csv"), **{**options, found[1]: found[2].strip("'")}).load()
    assert list(table.columns) == ["a", "y"]
    assert len(table.get_finite_numbers("a")) == content.count(b"\n") - 1

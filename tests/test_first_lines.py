"""The first lines of a CSV file: names or data, what is above them, and the encoding, as a person would read them."""

import random
import warnings
from pathlib import Path

import pytest
from speeds import sampled

import bptrain
from bptrain.config import load
from bptrain.errors import BptrainNote, InputError
from bptrain.tables.guess import read_with_source
from bptrain.tables.reading_options import ReadingOptions
from bptrain.tables.sources import Csv

NUMBERS = "".join(f"{k * 37 % 101 / 7:.3f},{k * 53 % 97},{'ab'[k % 2]}\n" for k in range(40))
"""Rows of numbers with a class."""

WORDS = "".join(f"'{10 * (k % 3)}-{10 * (k % 3) + 9}','{['left', 'right'][k % 2]}',{['no', 'yes'][k % 4 > 1]}\n"
                for k in range(1, 40))  # fmt: skip
"""Rows of labels."""

YEARS = "".join(f"town {k},{k * 17 % 31 * 1000},{k * 5 % 29 * 1000},{k * 3 % 11 * 1000}\n" for k in range(20))

DATA = [
    NUMBERS,
    "?,5,a\n" + NUMBERS,
    WORDS,
    "1,1,0\n0,1,1\n1,0,1\n0,0,0\n",
    "2024-01-01,5\n" + "".join(f"2024-02-{k:02},{k}\n" for k in range(1, 20)),
    "$5.00,a\n" + "".join(f"${k}.50,{'ab'[k % 2]}\n" for k in range(20)),
    "39, State, <=50K\n" + "".join(f"{20 + k}, {['State', 'Private'][k % 2]}, <=50K\n" for k in range(30)),
    # One label that is rare, over many others.
    "zebra,3.5,10,a\n" + "".join(f"{['cat', 'dog'][k % 2]},{k / 7:.3f},{k},{'ab'[k % 2]}\n" for k in range(40)),
]
NAMES = [
    "x,y,z\n" + NUMBERS,
    "age,side,sick\n" + WORDS,
    "0,1,2\n" + NUMBERS,
    "town,2021,2022,2023\n" + YEARS,
    "town,1990,2000,2010\n" + YEARS,
    "label,0,1,2,3\n" + "".join(f"{k % 10},{k % 3},0,{k % 7},{k % 2}\n" for k in range(30)),
    "name,comment\n" + "".join(f"n{k},words {k}\n" for k in range(20)),
    ",x,y\n" + "".join(f"{k},{k / 7:.3f},{'ab'[k % 2]}\n" for k in range(20)),
    "x,y\n1,a\n",
]


@pytest.mark.parametrize("text", DATA)
@pytest.mark.filterwarnings("ignore::bptrain.errors.BptrainNote")
def test_a_first_line_of_data_is_a_row(text):
    Path("t.csv").write_text(text)
    with pytest.warns(BptrainNote, match="the first line is data, not names: columns are column_1"):
        source, table = read_with_source("t.csv")
    assert isinstance(source, Csv)
    assert not source.header
    assert len(table) == text.count("\n")
    # With a header of words, it is one.
    Path("t.csv").write_text(",".join(["red", "green", "blue", "white"][: len(table.columns)]) + "\n" + text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BptrainNote)
        assert read_with_source("t.csv")[0].header


@pytest.mark.parametrize("text", NAMES)
def test_a_first_line_of_names_is_none(text):
    Path("t.csv").write_text(text)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "t.csv: the header has no name for every column", BptrainNote)
        source, table = read_with_source("t.csv")
    assert source == Csv(Path("t.csv"))
    assert len(table) == text.count("\n") - 1


@pytest.mark.parametrize(("text", "message"), [("x,y\n", "no rows"), ("s,s,y\n" + NUMBERS, "two columns")])
def test_what_is_wrong_with_names_is_not_that_they_are_data(text, message):
    Path("t.csv").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_with_source("t.csv")
    assert "header: false" not in str(caught.value)


def test_what_may_be_names_or_data_is_asked_for():
    Path("t.csv").write_text("0,1,2\n" + "".join(f"{k * 7 % 5},{k * 5 % 7},{k % 4}\n" for k in range(40)))
    with pytest.raises(InputError) as caught:
        bptrain.init("t.csv", "2")
    assert str(caught.value) == (
        "t.csv:1: the first line may be names or data; write --header if the columns are '0', '1', '2', "
        "--no-header if they are column_1, column_2, column_3 (in a config: header: true, header: false)"
    )
    for header, rows in ((True, 40), (False, 41)):
        source, table = read_with_source("t.csv", reading=ReadingOptions(header=header))
        assert (source.header, len(table)) == (header, rows)


def test_the_reading_that_was_guessed_is_written_into_the_config(bptrain_in):
    Path("t.data").write_bytes(
        b"% Messwerte in K\xf6ln\n\n"
        + "".join(f"  {k * 37 % 101 / 7:6.3f}   {'ab'[k % 2]}\n" for k in range(60)).encode()
    )
    done = bptrain_in("init", "t.data", "--target", "column_2", "-o", "my.yaml")
    assert done.returncode == 0, done.stderr
    assert [line.removeprefix("note: t.data: ").split(";")[0] for line in done.stderr.splitlines()] == [
        "the file is not UTF-8 and is read as cp1252",
        "lines that begin with % are comments and are not read",
        "the first 2 lines are above the table and not read",
        "the values are divided at spaces",
        "the first line is data, not names: columns are column_1, column_2",
    ]
    source = load("my.yaml").experiment.data.source
    assert (source.encoding, source.comment, source.delimiter, source.header) == ("cp1252", "%", " ", False)
    done = bptrain_in("train", "my.yaml", "training.epochs=1")
    assert (done.returncode, "t.data" in done.stderr) == (0, False)


@pytest.mark.parametrize(
    ("above", "skip"),
    [
        ("Sales of 2024\n", 1),
        ("Sales of 2024\n\n", 2),
        ("\n\n", 2),
        ("Sales\nin EUR, by city\n\n", 3),
        ("", 0),
        ("# in EUR\n", 0),
    ],
)
@pytest.mark.parametrize("header", ["x,n,y\n", "x;n;y\n"])
def test_lines_above_the_header_are_skipped(above, skip, header):
    rows = (header + NUMBERS).replace(",", header[1])
    Path("t.csv").write_text(above + rows)
    if above:
        with pytest.warns(BptrainNote, match="(above the table|are comments) and (are )?not read"):
            source, table = read_with_source("t.csv")
    else:
        source, table = read_with_source("t.csv")
    assert source.skip == skip
    assert (list(table.columns), len(table)) == (["x", "n", "y"], 40)
    assert table.where(0) == f"t.csv:{above.count(chr(10)) + 2}"


ROWS = [(f"{k * 37 % 101 / 7:.3f}", str(k * 53 % 97), "ab"[k % 2]) for k in range(40)]

SHAPES = [
    # Spaces, with tabs among them, or a tab before the last value alone.
    ("{0:>8}  {1:>4}\t{2}", "{0:>8}  {1:>4}\t{2}", {"delimiter": " "}),
    ("", '{0:>8}  {1:>4}\t"car {2}"', {"delimiter": " ", "header": False}),
    ("", "{0:\t<7}\t{1}\t{2}", {"delimiter": " ", "header": False}),
    ('"{0}" "{1}" "{2}"', '"7" {0} {1} "{2}"', {"delimiter": " "}),
    # Tabs, between texts that have spaces.
    ("{0}\t{1}\t{2}", "{0}\t{1}\tcar {2}", {"delimiter": "\t"}),
    ("", "{0};{1};{2};", {"delimiter": ";", "header": False}),
    ("{0},{1},{2},,", "{0},{1},{2},,", {}),
    ("{0},{1},{2}", "{0},{1},{2},", {}),
    ("Sales; in EUR\n\n{0};{1};{2}", "{0};{1};{2}", {"delimiter": ";", "skip": 2}),
    ("Sales, in EUR\n{0},{1},{2}", "{0},{1},{2}", {"skip": 1}),
    ("{0}|{1}|{2}", "{0}|{1}|{2}", {"delimiter": "|"}),
]


@pytest.mark.parametrize(("header", "row", "options"), SHAPES)
def test_lines_of_any_shape_are_divided_as_a_person_would(header, row, options):
    lines = [header.format("x", "n", "y")] * bool(header) + [row.format(*cells) for cells in ROWS]
    if row.startswith('"7"'):
        lines[1:] = [line.replace("7", str(k), 1) for k, line in enumerate(lines[1:], 1)]
    Path("t.dat").write_text("\n".join(lines) + "\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BptrainNote)
        source, table = read_with_source("t.dat")
    assert source == Csv(Path("t.dat"), **options)
    columns = list(table.columns.values())[-3:]
    assert [column.tolist() for column in columns[:2]] == [[float(cells[k]) for cells in ROWS] for k in (0, 1)]
    assert [value.removeprefix("car ") for value in columns[2]] == [cells[2] for cells in ROWS]
    assert len(table.columns) == 3 + row.startswith('"7"')


def test_decimal_commas_are_no_title():
    for above in ("", "Sales\n"):
        Path("t.csv").write_text(above + "x;n;y\n" + "".join(f"{k},5;{k},25;{k % 3},1\n" for k in range(20)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", BptrainNote)
            source, table = read_with_source("t.csv")
        assert (source.skip, source.delimiter, source.decimal) == (len(above) // 6, ";", ",")
        assert table.columns["x"].tolist() == [k + 0.5 for k in range(20)]


def test_words_of_sentences_are_no_columns():
    Path("t.csv").write_text("my words\nthe cat\na dog\nred birds\n")
    source, table = read_with_source("t.csv")
    assert (source, list(table.columns)) == (Csv(Path("t.csv")), ["my words"])


def test_the_advice_about_a_title_helps():
    Path("t.csv").write_text("Sales of 2024\nx,n,y\n" + NUMBERS)
    with pytest.raises(InputError, match=r"t\.csv:2: the line has 3 values.* or write skip: 1 if the line before"):
        Csv(Path("t.csv")).load()
    assert list(Csv(Path("t.csv"), skip=1).load().columns) == ["x", "n", "y"]


@pytest.mark.parametrize(
    ("content", "encoding", "city"),
    [
        ("Köln€".encode("cp1252"), "cp1252", "Köln€"),
        ("Köln\x81".encode("latin-1"), "latin-1", "Köln\x81"),
        ("Köln".encode(), "auto", "Köln"),
        ("\ufeffKöln".encode("utf-16-le"), "auto", "Köln"),
        ("Köln".encode("utf-8-sig"), "auto", "Köln"),
    ],
)
def test_the_encoding_is_found(content, encoding, city):
    text = b"%s,y\n" + b"".join(b"%d.5,%s\n" % (k, b"ab"[k % 2 :][:1]) for k in range(20))
    if content.startswith(b"\xff\xfe"):
        text = text.decode().encode("utf-16-le").replace("%".encode("utf-16-le") + b"s\0", content)
        text = content[:2] + text.replace(content, content[2:])
    else:
        text = text.replace(b"%s", content, 1)
    Path("t.csv").write_bytes(text)
    if encoding == "auto":
        source, table = read_with_source("t.csv")
    else:
        with pytest.warns(BptrainNote, match=f"not UTF-8 and is read as {encoding}"):
            source, table = read_with_source("t.csv")
    assert (source.encoding, list(table.columns)) == (encoding, [city, "y"])


def test_a_config_whose_first_line_is_data_says_so_each_time(bptrain_in):
    Path("t.csv").write_text(NUMBERS)
    Path("c.yaml").write_text("data: {source: {csv: t.csv}, target: a}\nhidden: [2]\ntraining: {epochs: 1}\n")
    for _ in range(2):
        done = bptrain_in("train", "c.yaml")
        assert done.returncode == 0
        assert (
            done.stderr.count("the first line looks like data, not names ('0.000', '0', 'a'); write header: false") == 1
        )
    Path("c.yaml").write_text(
        "data: {source: {csv: {path: t.csv, header: false}}, target: column_3}\nhidden: [2]\ntraining: {epochs: 1}\n"
    )
    done = bptrain_in("train", "c.yaml")
    assert (done.returncode, "header" in done.stderr) == (0, False)
    Path("t.csv").write_text("3," + NUMBERS.replace("\n", "\n3,").removesuffix("3,").replace("0.000", "3"))
    done = bptrain_in("validate", "c.yaml", "data.source.csv.header=true")
    assert done.returncode == 2


def test_two_names_that_are_data_are_told_together():
    Path("t.csv").write_text("".join(f"{k % 2},{k % 2},{'ab'[k % 3 > 0]}\n" for k in range(20)))
    with pytest.raises(InputError, match=r"two columns are named '0'; rename one; .*write header: false if it is"):
        Csv(Path("t.csv")).load()
    assert len(Csv(Path("t.csv"), header=False).load()) == 20


@pytest.mark.slow
def test_a_random_table_is_never_taken_for_the_other_kind():
    """Tables of numbers and labels, whose names are words."""
    rng = random.Random(0)
    for _ in range(60):
        kinds = [rng.choice(["number", "whole", "label"]) for _ in range(rng.randint(2, 6))]
        kinds[rng.randrange(len(kinds))] = "number"
        cell = {"number": lambda: f"{rng.gauss(0, 1):.3f}", "whole": lambda: str(rng.randint(0, 9)),
                "label": lambda: rng.choice("abc")}  # fmt: skip
        rows = "".join(",".join(cell[kind]() for kind in kinds) + "\n" for _ in range(40))
        Path("t.csv").write_text(rows)
        with pytest.warns(BptrainNote, match="the first line is data"):
            assert not read_with_source("t.csv")[0].header
        Path("t.csv").write_text(",".join(f"name {k}" for k in range(len(kinds))) + "\n" + rows)
        assert read_with_source("t.csv")[0].header


@pytest.mark.parametrize(
    ("header", "names", "later"),
    sampled(
        [
            ("x , n ,gro\u0308\u00dfe", ["x", "n", "gr\u00f6\u00dfe"], "x,n, gr\u00f6\u00dfe"),
            ("x, n, y", ["x", "n", "y"], " x,n , y "),
            ("gro\u0308\u00dfe,n,y", ["gr\u00f6\u00dfe", "n", "y"], "gr\u00f6\u00dfe,n,y"),
            ("gr\u00f6\u00dfe,n,y", ["gr\u00f6\u00dfe", "n", "y"], "gro\u0308\u00dfe,n,y"),
        ]
    ),
)
def test_spellings_of_a_name_are_one_name(bptrain_in, header, names, later):
    """Spaces around it, and accents that are characters of their own."""
    Path("t.csv").write_text(header + "\n" + NUMBERS)
    assert bptrain_in("init", "t.csv", "--target", names[2], "-o", "c.yaml").returncode == 0
    found = load("c.yaml").experiment.data
    assert found.target == names[2]
    done = bptrain_in("train", "c.yaml", "training.epochs=1", f"data.features=[{names[0]},{names[1]}]", "--run", "r")
    assert done.returncode == 0, done.stderr
    Path("new.csv").write_text(later + "\n" + NUMBERS)
    for words in (
        ["predict", "r", "new.csv", "-o", "o.csv"],
        ["evaluate", "r"],
        ["evaluate", "r", "--data", "new.csv"],
    ):
        done = bptrain_in(*words)
        assert done.returncode == 0, done.stderr
    # A config that writes a name as the file does.
    spelled = [name.replace("'", "''") for name in header.split(",")]
    changes = [f"data.target='{spelled[2]}'", f"data.features=['{spelled[0]}','{spelled[1]}']", "training.epochs=1"]
    assert list(bptrain.train("c.yaml", changes, run="s").session.model.columns.names) == header.split(",")
    assert bptrain.evaluate("s").rows
    assert bptrain.predict("s", "new.csv").rows == 40


def test_codes_stay_text_under_another_spelling():
    """Which columns are read as text does not depend on spaces in the header."""
    Path("t.csv").write_text("x, code, y\n" + "".join(f"{k}.5,0{k % 3},{k % 2}\n" for k in range(40)))
    data = "{source: {csv: t.csv}, target: y, columns: {code: {kind: categorical}}}"
    Path("c.yaml").write_text(f"data: {data}\nhidden: [2]\ntraining: {{epochs: 1}}\n")
    result = bptrain.train("c.yaml")
    (code,) = [one for one in result.session.model.columns.features if one.name == "code"]
    assert list(code.categories) == ["00", "01", "02"]

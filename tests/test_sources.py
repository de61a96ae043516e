"""Sources: every format is read as it was written, checked against other readers, or by hand."""

import csv
import gzip
import json
import math
import os
import random
import struct
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import bptrain
from bptrain.errors import BptrainError, InputError, OptionError
from bptrain.tables.guess import choose_source, read_table
from bptrain.tables.sources import SOURCES, Csv, Excel, Idx, Jsonl, Npy, Npz, Parquet, Synthetic, Tsv
from bptrain.tables.sources.csv_text import csv_reader

EXCEL = 'größe;preis;ort\r\n1,5;10;Köln\r\n-2,25;1e2;"a;b"\r\n;3;NA\r\n'
"""A file as German Excel writes it."""


def lists(table):
    """Return the columns of a table as lists, NaN as None."""
    return {
        name: [None if isinstance(v, float) and math.isnan(v) else v for v in values.tolist()]
        for name, values in table.columns.items()
    }


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (b"\xef\xbb\xbf" + EXCEL.encode(), {}),
        (EXCEL.encode("utf-16"), {}),
        (EXCEL.encode("utf-16-be"), {"encoding": "utf-16"}),
        (EXCEL.encode("cp1252"), {"encoding": "cp1252"}),
        (EXCEL.encode("cp1252"), {"encoding": "Windows-1252"}),
        (EXCEL.encode("latin-1"), {"encoding": "latin-1"}),
        (EXCEL.encode(), {"delimiter": ";"}),
        (EXCEL.replace(";", "\t").replace('"a\tb"', "a;b").encode(), {}),
        (EXCEL.replace(";", "|").replace('"a|b"', "a;b").encode(), {}),
        (EXCEL.replace('"', "'").encode(), {"quote": "'"}),
        (EXCEL.replace("\r\n", "\r").encode(), {}),
    ],
)
def test_csv_of_other_locales(content, options):
    if options.get("encoding") == "utf-16":
        content = b"\xfe\xff" + content
    Path("excel.csv").write_bytes(content)
    table = Csv(Path("excel.csv"), decimal=",", **options).load()
    assert lists(table) == {"größe": [1.5, -2.25, None], "preis": [10, 100, 3], "ort": ["Köln", "a;b", None]}
    assert table.where(2) == "excel.csv:4"


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("1,x\n2,y\n", {"header": False}, {"column_1": [1, 2], "column_2": ["x", "y"]}),
        ("1,5;2\n2,5;3\n", {"header": False, "decimal": ","}, {"column_1": [1.5, 2.5], "column_2": [2, 3]}),
        ("a b\n1 2\n", {"delimiter": " "}, {"a": [1], "b": [2]}),
        ('a,b\n5",2\n"x,3\n', {"quote": ""}, {"a": ['5"', '"x'], "b": [2, 3]}),
        ('a,b\n5" pipe,2\n6,3\n', {}, {"a": ['5" pipe', "6"], "b": [2, 3]}),
        ("a,b\n-,2\n1,?\n", {"missing": ("-", "?")}, {"a": [None, 1], "b": [2, None]}),
        ("a,b\nNA,2\n1,x\n", {"missing": ()}, {"a": ["NA", "1"], "b": ["2", "x"]}),
        ("a,b\nnan,NaN\n1,null\n", {}, {"a": [None, 1], "b": [None, None]}),
        ("name, EUR;x\n1;2\n", {}, {"name, EUR": [1], "x": [2]}),
        ("a\n1\n2\n", {}, {"a": [1, 2]}),
        ('a,b\r\n1,"x\ny"\r\n2,z\r\n', {}, {"a": [1, 2], "b": ["x\ny", "z"]}),
        ("a;b\n1_000;1\n2;3\n", {"decimal": ","}, {"a": ["1_000", "2"], "b": [1, 3]}),
        ("a;b\n1.000,5;1\n2;3\n", {"decimal": ","}, {"a": ["1.000,5", "2"], "b": [1, 3]}),
    ],
)
def test_csv_options(text, options, expected):
    Path("f.csv").write_bytes(text.encode())
    assert lists(Csv(Path("f.csv"), **options).load()) == expected


@pytest.mark.parametrize(
    ("options", "field", "message"),
    [
        ({"delimiter": ";;"}, "delimiter", "expected one character"),
        ({"delimiter": "a"}, "delimiter", "expected one character"),
        ({"delimiter": ""}, "delimiter", "expected one character"),
        ({"quote": "''"}, "quote", "expected one character, or '' for none"),
        ({"quote": ";", "delimiter": ";"}, "quote", "is the delimiter too"),
        ({"encoding": "utf-7"}, "encoding", "expected utf-8, utf-16, latin-1, cp1252 or auto (got 'utf-7')"),
        ({"encoding": "klingon"}, "encoding", "expected utf-8"),
        ({"decimal": ",", "delimiter": ","}, "decimal", "is the delimiter too"),
    ],
)
def test_impossible_options_are_errors(options, field, message):
    with pytest.raises(OptionError) as caught:
        Csv(Path("f.csv"), **options)
    (mistake,) = caught.value.mistakes
    assert mistake.field == field
    assert message in mistake.message


def test_several_files_are_one_table_in_which_each_row_has_its_place():
    Path("b-2.csv").write_text("a,y\n3,x\n")
    Path("b-1.csv").write_text("a,y\n1,2\n\n2,3\n")
    Path("b-3.csv.gz").write_bytes(gzip.compress(b"a,y\n4,z\n5,w\n"))
    table = Csv(Path("b-*")).load()
    assert lists(table) == {"a": [1, 2, 3, 4, 5], "y": ["2", "3", "x", "z", "w"]}
    places = ["b-1.csv:2", "b-1.csv:4", "b-2.csv:2", "b-3.csv.gz:2", "b-3.csv.gz:3"]
    assert [table.where(row) for row in range(5)] == places
    Path("b-4.csv").write_text("y,b\n4,z\n")
    with pytest.raises(InputError, match=r"b-4\.csv:1: the header differs from that of b-1\.csv \(column 1 is 'y' and"):
        Csv(Path("b-*.csv")).load()
    Path("b-4.csv").write_text("y,a\nz,4\n")
    table = Csv(Path("b-*.csv")).load()
    assert table.notes == ("b-4.csv: its columns are in another order than those of b-1.csv; they are matched by name",)
    assert lists(table) == {"a": [1, 2, 3, 4], "y": ["2", "3", "x", "z"]}
    Path("b-4.csv").write_text("a,y,z\n4,z,1\n")
    with pytest.raises(InputError, match=r"b-4\.csv:1: .*3 columns and not 2"):
        Csv(Path("b-*.csv")).load()
    Path("b-4.csv").write_text("a,y\n4\n")
    with pytest.raises(InputError, match=r"b-4\.csv:2: y: the line has 1 value"):
        Csv(Path("b-*.csv")).load()


@pytest.mark.parametrize(
    ("text", "columns", "second"),
    [
        ("sep=;\nx;y\n1;a\n2;b\n", {"x": [1, 2], "y": ["a", "b"]}, 4),
        ("x,y,\n1,a,\n2,b,\n", {"x": [1, 2], "y": ["a", "b"]}, 3),
        ("x,y\n1,a,\n2,b,\n", {"x": [1, 2], "y": ["a", "b"]}, 3),
        (",x,y\n0,1,a\n1,2,b\n", {"index": [0, 1], "x": [1, 2], "y": ["a", "b"]}, 3),
        ("x,,y\n1,5,a\n2,6,b\n", {"x": [1, 2], "column_2": [5, 6], "y": ["a", "b"]}, 3),
        ("x y\nann 1 a\nbob 2 b\n", {"index": ["ann", "bob"], "x": [1, 2], "y": ["a", "b"]}, 3),
        ("# station 7\n# in mm\nx,y\n1,a\n# moved\n2,b\n", {"x": [1, 2], "y": ["a", "b"]}, 6),
        ("#x,y\n1,a\n2,b\n", {"#x": [1, 2], "y": ["a", "b"]}, 3),
        ('x   y\n1    a\n 2  "b c" \n', {"x": [1, 2], "y": ["a", "b c"]}, 3),
        ("x,y\n1,a\n  \n2,b\n \n", {"x": [1, 2], "y": ["a", "b"]}, 4),
        ('x,y\n1,"a, ""c"""\n2,b\n', {"x": [1, 2], "y": ['a, "c"', "b"]}, 3),
        ("x,y\n" + "1,a\n" * 30 + '2, "b, c"\n', {"x": [1] * 30 + [2], "y": ["a"] * 30 + ["b, c"]}, 3),
        ('x, y\n1, "a, c"\n2, "b"\n', {"x": [1, 2], " y": ["a, c", "b"]}, 3),
    ],
)
def test_lines_are_read_as_a_person_would(text, columns, second):
    Path("t.csv").write_text(text)
    table = Csv(Path("t.csv")).load()
    assert lists(table) == columns
    assert table.where(1) == f"t.csv:{second}"


@pytest.mark.parametrize(
    ("options", "text", "columns"),
    [
        ({"skip": 2}, "Sales of 2024\n\nx,y\n1,a\n2,b\n", {"x": [1, 2], "y": ["a", "b"]}),
        ({"comment": "%"}, "% weka\nx,y\n1,a\n%\n2,b\n", {"x": [1, 2], "y": ["a", "b"]}),
        ({"comment": ""}, "#x\n1\n2\n", {"#x": [1, 2]}),
        (
            {"thousands": ","},
            'x,y\n"1,234",a\n"-12,345,678.5",b\n7,"1,23"\n',
            {"x": [1234, -12345678.5, 7], "y": ["a", "b", "1,23"]},
        ),
        ({"thousands": ".", "decimal": ","}, "x;y\n1.100;0,10\n2;-1.000,5\n", {"x": [1100, 2], "y": [0.1, -1000.5]}),
        ({"strip": ("$", "%")}, "x,y\n$10.50,12%\n-$3,7 %\n$ 4,-1%\n", {"x": [10.5, -3, 4], "y": [12, 7, -1]}),
        ({"strip": ("EUR",), "thousands": ","}, 'x,y\n"1,234 EUR",EUR\n5,EUR 6\n', {"x": [1234, 5], "y": ["EUR", "6"]}),
    ],
)
def test_options_say_which_lines_and_signs_are_not_read(options, text, columns):
    Path("t.csv").write_text(text)
    assert lists(Csv(Path("t.csv"), **options).load()) == columns


@pytest.mark.parametrize("odd", ["+-5", "nan(1)", "NAN(1)", "1_000", "0x1F", "true", "1d5", "--5", "5%"])
@pytest.mark.parametrize("small", [csv_reader.SMALL_BYTES, -1])
@pytest.mark.parametrize("row", [3, 290])
def test_what_only_some_readers_take_for_a_number_is_text(odd, small, row, monkeypatch):
    """In small files, which are read in one pass, and in large ones."""
    monkeypatch.setattr(csv_reader, "SMALL_BYTES", small)
    values = ["1.5"] * 300
    values[row] = odd
    Path("t.csv").write_text("x,empty,y\n" + "".join(f"{value},,7\n" for value in values))
    table = Csv(Path("t.csv")).load()
    assert lists(table) == {"x": values, "empty": [None] * 300, "y": [7] * 300}


@given(st.data())
def test_any_table_is_read_back_from_csv(data):
    """It is written by Python's csv module with any options, and read with the same ones."""
    delimiter, quote = data.draw(st.sampled_from([",", ";", "\t", "|"])), data.draw(st.sampled_from(['"', "'"]))
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"]))
    letters = st.text(st.sampled_from("abü ,;|\t'\"x\n1.-"), max_size=6).filter(lambda text: text not in ("", "NA"))
    width = data.draw(st.integers(2, 4))
    rows = data.draw(st.lists(st.lists(letters, min_size=width, max_size=width), min_size=1, max_size=8))
    with open("law.csv", "w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, quotechar=quote, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow([f"c{k}" for k in range(width)])
        # A first row of text, so that no column is one of numbers.
        writer.writerows([["text"] * width, *rows])
    table = Csv(Path("law.csv"), delimiter, quote=quote, encoding="auto" if "utf" in encoding else encoding).load()
    # A cell of spaces is empty to whoever looks at it.
    expected = [[text if text.strip(" ") else None for text in row] for row in rows]
    assert [list(row) for row in zip(*lists(table).values(), strict=True)][1:] == expected


def test_tsv():
    Path("f.tsv").write_text("a\tb,c\n1\tx,y\n")
    assert lists(Tsv(Path("f.tsv")).load()) == {"a": [1], "b,c": ["x,y"]}


def test_json_lines():
    text = '{"a": 1, "b": "x", "t": true}\n\n{"b": null, "a": 2.5e3, "new \\u00fc": "1"}\r\n'
    text += '{"a": NaN, "t": false, "b": ""}'
    expected = {"a": [1, 2500, None], "b": ["x", None, ""], "t": [1, None, 0], "new ü": [None, "1", None]}
    for name, content in (
        ("f.jsonl", text.encode()),
        ("m.jsonl", text.encode("utf-8-sig")),
        ("w.jsonl", text.encode("utf-16")),
        ("f.jsonl.gz", gzip.compress(text.encode())),
    ):
        Path(name).write_bytes(content)
        table = Jsonl(Path(name)).load()
        assert lists(table) == expected, name
        assert [table.where(row) for row in range(3)] == [f"{name}:1", f"{name}:3", f"{name}:4"]


VALUES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=5)


@pytest.mark.slow
@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "c d"]), VALUES), min_size=1, max_size=8))
def test_any_flat_objects_are_read_back_from_json_lines(rows):
    """Against Python's json module."""
    texts = [json.dumps(row) for row in rows]
    Path("law.jsonl").write_text("\n".join(texts) + "\n")
    names = list(dict.fromkeys(name for row in rows for name in row))
    assume(names and not any("\0" in str(v) for row in rows for v in row.values()))
    columns = lists(Jsonl(Path("law.jsonl")).load())
    assert list(columns) == names
    for name in names:
        values = [row.get(name) for row in rows]
        present = [value for value in values if value is not None]
        kinds = {"flag" if isinstance(v, bool) else "text" if isinstance(v, str) else "number" for v in present}
        if len(kinds) == 1 and kinds != {"text"}:
            assert columns[name] == [None if value is None else float(value) for value in values]
        elif kinds <= {"text"}:
            assert columns[name] == values
        else:
            assert all((a is None) == (b is None) for a, b in zip(columns[name], values, strict=True))


def test_parquet():
    query = """SELECT range AS whole, range * 1.5::DOUBLE AS float, range::DECIMAL(9, 2) / 4 AS "d e",
        range > 1 AS flag,
        'x' || range AS text, DATE '2024-02-28' + range::INTEGER AS day, nullif(range, 1)::UTINYINT AS hole,
        (range::VARCHAR)::ENUM('0', '1', '2') AS sort, NULL AS none FROM range(3)"""
    Path("f=1").mkdir()
    with duckdb.connect(":memory:") as database:
        database.execute(f"COPY ({query}) TO 'f=1/f.parquet'")
    assert lists(Parquet(Path("f=1/f.parquet")).load()) == {
        "whole": [0, 1, 2],
        "float": [0, 1.5, 3],
        "d e": [0, 0.25, 0.5],
        "flag": [0, 0, 1],
        "text": ["x0", "x1", "x2"],
        "day": ["2024-02-28", "2024-02-29", "2024-03-01"],
        "hole": [0, None, 2],
        "sort": ["0", "1", "2"],
        "none": [None, None, None],
    }


@pytest.mark.parametrize("dtype", ["u1", ">i2", "<i8", "f2", "<f4", ">f8", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy(dtype, order):
    array = np.asarray(np.arange(24).reshape(4, 3, 2) % 100, dtype, order=order)
    np.save("f.npy", array)
    Path("f.npy.gz").write_bytes(gzip.compress(Path("f.npy").read_bytes()))
    for name in ("f.npy", "f.npy.gz"):
        table = Npy(Path(name)).load()
        assert list(table.columns) == [f"x{k}" for k in range(6)]
        np.testing.assert_array_equal(np.stack(list(table.columns.values()), 1), array.reshape(4, 6).astype(float))
    np.save("f.npy", array[:, 0, 0])
    assert list(Npy(Path("f.npy")).load().columns) == ["x0"]


def test_npz():
    x, y = np.arange(6.0).reshape(3, 2), np.array(["b", "a", "b"])
    np.savez("f.npz", X=x, labels=y, other=np.ones(7))
    table = Npz(Path("f.npz")).load()
    assert (lists(table), table.target) == ({"x0": [0, 2, 4], "x1": [1, 3, 5], "y": ["b", "a", "b"]}, ("y",))
    np.savez_compressed("mnist.npz", x_train=np.arange(12, dtype="u1").reshape(3, 2, 2), y_train=x, x_test=np.ones(9))
    table = Npz(Path("mnist.npz"), inputs="x_train", target="y_train").load()
    assert list(table.columns) == ["x0", "x1", "x2", "x3", "y0", "y1"]
    assert table.target == ("y0", "y1")
    assert lists(table)["x3"] == [3, 7, 11]
    np.savez("columns.npz", age=np.array([1, 2]), size=np.ones((2, 2)), y=np.array([True, False]))
    table = Npz(Path("columns.npz")).load()
    assert lists(table) == {"age": [1, 2], "size0": [1, 1], "size1": [1, 1], "y": [1, 0]}
    assert table.target == ("y",)


@pytest.mark.parametrize(("kind", "code"), [("u1", 8), ("i1", 9), (">i2", 11), (">i4", 12), (">f4", 13), (">f8", 14)])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx(kind, code, suffix):
    pixels = np.arange(-6, 6).reshape(3, 2, 2).astype(kind)
    images = b"\0\0" + bytes([code, 3]) + struct.pack(">3I", 3, 2, 2) + pixels.tobytes()
    labels = b"\0\0\x08\x01" + struct.pack(">I", 3) + bytes([7, 0, 9])
    pack = gzip.compress if suffix else bytes
    Path("i" + suffix).write_bytes(pack(images))
    Path("l" + suffix).write_bytes(pack(labels))
    table = Idx(Path("i" + suffix), Path("l" + suffix)).load()
    assert (list(table.columns), table.target) == (["p0", "p1", "p2", "p3", "label"], ("label",))
    np.testing.assert_array_equal(np.stack(list(table.columns.values())[:4], 1), pixels.reshape(3, 4).astype(float))
    assert table.columns["label"].tolist() == [7, 0, 9]
    assert list(Idx(Path("i" + suffix)).load().columns) == ["p0", "p1", "p2", "p3"]
    with pytest.raises(InputError, match=r"labels are one number each .*did you name a file of images\?"):
        Idx(Path("i" + suffix), Path("i" + suffix)).load()
    Path("l" + suffix).write_bytes(pack(labels[:-1].replace(b"\3", b"\2")))
    with pytest.raises(InputError, match=f"l{suffix}: 2 labels for the 3 images of i{suffix}; name"):
        Idx(Path("i" + suffix), Path("l" + suffix)).load()


def uniform(seed, count, low=0.0, high=1.0):
    """Return uniform numbers from the bits of PCG64, by the definition of its doubles."""
    bits = np.random.PCG64(seed).random_raw(count)
    return [low + (high - low) * (int(one) >> 11) * 2.0**-53 for one in bits]


def test_synthetic_points_never_change():
    """Compare the first rows, without noise, with the formulas applied to the raw bits of the generator."""
    u = uniform(7, 4)
    assert u == pytest.approx([0.62509547, 0.89721380, 0.77568569, 0.22520719], abs=5e-9)
    turns = [2 * math.pi * (1.5 * v + k % 3 / 3) for k, v in enumerate(u)]
    expected = {
        "moons": [
            (math.cos(math.pi * v), math.sin(math.pi * v), 0)
            if k % 2 == 0
            else (1 - math.cos(math.pi * v), 0.5 - math.sin(math.pi * v), 1)
            for k, v in enumerate(u)
        ],
        "circles": [
            (r * math.cos(2 * math.pi * v), r * math.sin(2 * math.pi * v), k % 2)
            for k, v in enumerate(u)
            for r in [1 - 0.5 * (k % 2)]
        ],
        "spirals": [
            (4 * v * math.cos(t), 4 * v * math.sin(t), k % 3) for k, (v, t) in enumerate(zip(u, turns, strict=True))
        ],
        "blobs": [(1, 0, 0), (-0.5, math.sqrt(0.75), 1), (-0.5, -math.sqrt(0.75), 2), (1, 0, 0)],
        "sine": [(v, math.sin(v)) for v in uniform(7, 4, -math.pi, math.pi)],
        "line": [(v, 3 * v + 2) for v in uniform(7, 4, -1, 1)],
    }
    for kind, rows in expected.items():
        table = Synthetic(kind, rows=4, noise=0, seed=7).load()
        np.testing.assert_allclose(np.stack(list(table.columns.values()), 1), rows, atol=1e-12, err_msg=kind)


@pytest.mark.parametrize("kind", ["moons", "circles", "spirals", "blobs", "sine"])
def test_synthetic_noise_has_the_standard_deviation_of_its_option(kind):
    clean, noisy = (Synthetic(kind, rows=20_000, noise=noise, seed=1).load() for noise in (0, 0.3))
    moved = ["y"] if kind == "sine" else ["x1", "x2"]
    for name in clean.columns:
        difference = noisy.columns[name] - clean.columns[name]
        assert np.std(difference) == pytest.approx(0.3 if name in moved else 0, rel=0.03)
        assert abs(difference.mean()) < 0.01
    assert table_bytes(Synthetic(kind, seed=3)) == table_bytes(Synthetic(kind, seed=3))
    assert table_bytes(Synthetic(kind, seed=3)) != table_bytes(Synthetic(kind, seed=4))


def table_bytes(source):
    return b"".join(column.tobytes() for column in source.load().columns.values())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", Csv),
        ("a.TXT", Csv),
        ("a.csv.gz", Csv),
        ("a", Csv),
        ("a.data", Csv),
        ("a.tsv", Tsv),
        ("a.tsv.gz", Tsv),
        ("a.parquet", Parquet),
        ("a.jsonl", Jsonl),
        ("a.ndjson.gz", Jsonl),
        ("a.npy", Npy),
        ("a.npz", Npz),
        ("a.xlsx", Excel),
        ("a.csv.zip", Csv),
    ],
)
def test_the_suffix_chooses_the_source(name, kind):
    assert choose_source(name) == kind(Path(name))


def test_the_options_of_a_run_are_used_for_files_of_the_same_kind():
    like = Csv(Path("train.csv"), decimal=",")
    assert choose_source("new.csv", like) == Csv(Path("new.csv"), decimal=",")
    assert choose_source("new.data", like) == Csv(Path("new.data"), decimal=",")
    assert choose_source("new.parquet", like) == Parquet(Path("new.parquet"))
    assert choose_source("new.tsv", like) == Tsv(Path("new.tsv"), decimal=",")
    assert choose_source("new.csv", Tsv(Path("t.tsv"), header=False)) == Csv(Path("new.csv"), header=False)
    assert choose_source("new.xlsx", like) == Excel(Path("new.xlsx"), decimal=",")
    sheet = Excel(Path("a.xlsx"), sheet="A", skip=2, missing=("?",))
    assert choose_source("new.csv", sheet) == Csv(Path("new.csv"), missing=("?",))
    assert choose_source("new.xlsx", sheet) == Excel(Path("new.xlsx"), sheet="A", skip=2, missing=("?",))
    assert choose_source("new.csv", Npz(Path("a.npz"), inputs="q")) == Csv(Path("new.csv"))
    assert choose_source("new.npz", Npz(Path("a.npz"), inputs="q")) == Npz(Path("new.npz"), inputs="q")
    assert choose_source("new.csv", Synthetic("xor")) == Csv(Path("new.csv"))
    for name, advice in (
        ("a.pkl", "pickles can run code"),
        ("a.h5", "save the table as CSV"),
    ):
        with pytest.raises(InputError, match=f"{name}: .* files are not read; {advice}"):
            choose_source(name)


def write_every_format(folder, rows=60):
    """Write one table in every format, a class that depends on two numbers, and return the names of the files."""
    rng = random.Random(1)
    points = [(rng.uniform(-1, 1), rng.uniform(-1, 1)) for _ in range(rows)]
    table = [(a, b, int(a + b > 0)) for a, b in points]
    text = "x0,x1,y\n" + "".join(f"{a!r},{b!r},{y}\n" for a, b, y in table)
    (folder / "t.csv").write_text(text)
    (folder / "t.tsv").write_text(text.replace(",", "\t"))
    (folder / "t.csv.gz").write_bytes(gzip.compress(text.encode()))
    (folder / "german.csv").write_bytes(b"\xef\xbb\xbf" + text.replace(",", ";").replace(".", ",").encode())
    (folder / "t.jsonl").write_text("".join(json.dumps({"y": y, "x1": b, "x0": a}) + "\n" for a, b, y in table))
    np.savez(folder / "t.npz", x=np.array(points), y=np.array([y for *_, y in table]))
    with duckdb.connect(":memory:") as database:
        database.execute("COPY (SELECT * FROM read_csv(?)) TO 't.parquet'", [str(folder / "t.csv")])
    return ["t.csv", "t.tsv", "t.csv.gz", "german.csv", "t.jsonl", "t.npz", "t.parquet"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::bptrain.errors.BptrainNote")
def test_init_train_and_evaluate_read_every_format_alike(tmp_path):
    names = write_every_format(tmp_path)
    scores = {}
    for name in names:
        config = tmp_path / f"{name}.yaml"
        bptrain.init(name, "y", output=config)
        text = config.read_text()
        assert ('decimal: ","' in text or "decimal: ','" in text) == (name == "german.csv")
        result = bptrain.train(config, ["training.epochs=3", "name=r"])
        scores[name] = result.test["loss"] if isinstance(result.test, dict) else result.test.loss
        # Files of one kind are read by the options of the run: English ones not rightly by a German run.
        texts = {"german.csv"} if name == "german.csv" else {"t.csv", "t.tsv", "t.csv.gz"}
        same = texts | {"t.jsonl", "t.npz", "t.parquet"}
        losses = {bptrain.evaluate(result.run, data=other).loss for other in same}
        assert len(losses) == 1, name
    # The columns of the others are in another order, and so have other weights to begin with.
    assert len({scores[name] for name in names if name != "t.jsonl"}) == 1
    with pytest.raises(InputError, match=r"^absent\.csv: no such file"):
        bptrain.evaluate(result.run, data="absent.csv")
    with pytest.raises(InputError, match=r"^absent\.csv: no such file"):
        read_table("absent.csv")


def test_folders_pipes_and_devices_are_errors():
    Path("folder.csv").mkdir()
    os.mkfifo("pipe.csv")
    Path("empty").mkdir()
    Path("loop.csv").symlink_to("loop.csv")
    for name, message in (
        ("folder.csv", "a folder; name a file in it, or a pattern"),
        ("pipe.csv", "not a regular file"),
        ("/dev/zero", "not a regular file"),
        ("empty/*.csv", "no file matches the pattern"),
    ):
        for kind in (Csv, Parquet, Jsonl, Npy, Npz, Idx) if "*" not in name else (Csv,):
            with pytest.raises(InputError, match=message.replace("*", r"\*")):
                kind(Path(name)).load()
    with pytest.raises(BptrainError):
        Csv(Path("loop.csv")).load()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_an_error():
    path = Path("secret.csv")
    path.write_text("a,y\n1,2\n")
    path.chmod(0)
    with pytest.raises(BptrainError, match=r"secret\.csv: cannot be read \(Permission denied\)"):
        Csv(path).load()


BOMBS = """
import gzip, io, resource, struct, sys, zipfile
from pathlib import Path
import numpy as np
from bptrain.tables.sources import Csv, Idx, Jsonl, Npy, Npz, Parquet
from bptrain.errors import BptrainError
from bptrain.tables import files

def header(shape):
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\\n".encode()
    return b"\\x93NUMPY\\1\\0" + struct.pack("<H", len(text)) + text

def compress(start, chunk, count):
    file = io.BytesIO()
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6) as out:
        out.write(start)
        for _ in range(count):
            out.write(chunk)
    return file.getvalue()

def write(name, content):
    Path(name).write_bytes(content)
    return Path(name)

# A quarter of what is let through otherwise, to be quick.
files.MOST_EXPANDED = 1 << 28
N = 340
MIB = bytes(1 << 20)
ONES = b"1" * (1 << 20)
with zipfile.ZipFile("b.npz", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w") as out:
    out.write(header((N << 17, 1)))
    for _ in range(N):
        out.write(MIB)
bombs = [
    Npz(Path("b.npz")),
    Npy(write("b.npy.gz", compress(header((N << 17, 1)), MIB, N))),
    Idx(write("b-ubyte.gz", compress(b"\\0\\0\\x08\\x02" + struct.pack(">2I", N, 1 << 20), MIB, N))),
    Csv(write("line.csv.gz", compress(b"a,y\\n", ONES, N))),
    Csv(write("rows.csv.gz", compress(b"a\\n", b"1\\n" * (1 << 19), N))),
    Csv(write("quote.csv.gz", compress(b'a,y\\n"', b"1\\n" * (1 << 19), N))),
    Csv(write("header.csv.gz", compress(b"a", ONES, N))),
    Csv(write("utf16.csv.gz", compress(b"\\xff\\xfe", b"1\\0\\n\\0" * (1 << 18), N))),
    Jsonl(write("line.jsonl.gz", compress(b'{"a": "', ONES, N))),
    Jsonl(write("rows.jsonl.gz", compress(b"", b'{"a": 1}\\n' * 100_000, N))),
]
import duckdb
duckdb.sql("SELECT 1")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for bomb in bombs:
    try:
        bomb.load()
    except BptrainError as error:
        assert "\\n" not in str(error)
        print(error)
    else:
        print("READ", bomb)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.slow
def test_decompression_bombs_are_errors_before_memory_is_taken(tmp_path):
    """Each unpacks to 300 MiB or more from about a third of a MiB; together they may take 100 MiB of memory."""
    done = subprocess.run([sys.executable, "-c", BOMBS], capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    *said, grown = done.stdout.rstrip("\n").split("\n")
    assert len(said) == 10
    for line in said:
        assert "looks like a decompression bomb" in line or "2,000,000" in line or "quote" in line, line
    assert int(grown) < 100


def test_a_table_that_does_not_fit_into_memory_is_an_error():
    with duckdb.connect(":memory:") as database:
        # A hundred thousand million rows of one value, of which Parquet writes the number alone, would take hours.
        database.execute("COPY (SELECT 1::UTINYINT AS a, 2::UTINYINT AS y FROM range(1000)) TO 'f.parquet'")
    from bptrain.tables import files

    before = files.get_memory
    try:
        files.get_memory = lambda: 30_000
        with pytest.raises(InputError, match=r"f\.parquet: 1,000 rows of 2 columns take 0\.0 GiB of memory"):
            Parquet(Path("f.parquet")).load()
    finally:
        files.get_memory = before
    assert len(Parquet(Path("f.parquet")).load()) == 1000
    assert before() > 1 << 28


def test_every_source_is_tested_here():
    assert set(SOURCES) == {
        "bundled",
        "csv",
        "tsv",
        "excel",
        "parquet",
        "jsonl",
        "npy",
        "npz",
        "idx",
        "synthetic",
        "inline",
    }


def test_nothing_is_fetched_from_the_network_for_a_file(bptrain_in, tmp_path):
    """DuckDB's wheel contains Parquet and JSON: it reads them even if it can neither find nor fetch extensions."""
    write_every_format(tmp_path)
    files = ("t.parquet", "t.jsonl", "t.csv")
    code = f"from bptrain.tables.guess import read_table; print([len(read_table(f)) for f in {files}])"
    blocked = "import socket; socket.socket = None; " + code
    environment = {**os.environ, "HOME": str(tmp_path / "none"), "http_proxy": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-c", blocked], capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert (done.stdout, done.stderr) == ("[60, 60, 60]\n", "")
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
def test_a_long_read_prints_nothing():
    """DuckDB draws a progress bar on stdout when a statement takes two seconds; here it would at once."""
    code = """
from bptrain.tables.sources.duck import connect
database = connect()
database.execute("SET progress_bar_time = 1")
print(database.execute("SELECT count(*) FROM range(2e8::BIGINT) WHERE range % 7 = 1").fetchone())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("(28571429,)\n", "")


@pytest.mark.parametrize("kind", ["?", "i1", "u1", "<i2", ">i4", "<u8", "<f2", ">f4", "<f8"])
def test_columns_of_arrays_are_double_precision_whatever_their_type_in_the_file(kind, tmp_path):
    numbers = np.arange(12).reshape(4, 3) % 2 if kind == "?" else np.arange(12).reshape(4, 3)
    np.savez(tmp_path / "a.npz", x=numbers.astype(kind), y=np.arange(4).astype(kind), allow_pickle=False)
    np.save(tmp_path / "a.npy", np.asfortranarray(numbers.astype(kind)), allow_pickle=False)
    for table in (Npz(tmp_path / "a.npz").load(), Npy(tmp_path / "a.npy").load()):
        for k in range(3):
            column = table.columns[f"x{k}"]
            assert (column.dtype, column.tolist()) == (np.dtype(np.float64), numbers[:, k].tolist())
    assert Npz(tmp_path / "a.npz").load().columns["y"].dtype == np.float64

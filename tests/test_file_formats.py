"""Files as people have them: JSON lists, sheets of Excel, gzip and zip whatever their names say, and text in UTF-16."""

import gzip
import json
import re
import sys
import warnings
from datetime import datetime
from pathlib import Path

import pytest
from spreadsheets import pack, write_ods, write_xlsx

from bptrain.errors import BptrainNote, InputError
from bptrain.tables.guess import choose_source, read_table
from bptrain.tables.sources import Csv, Excel, Jsonl, Npz, Parquet, Tsv
from bptrain.tables.sources import decoding as text_decoding
from bptrain.tables.sources.excel.excel_guess import guess_sheet_options

ROWS = [(1.5, "Ulm", 0), (2.0, 'Bonn, "old"', 1), (None, "Köln", 0)]
OBJECTS = [dict(zip(("a", "city", "y"), row, strict=True)) for row in ROWS]
CSV = 'a,city,y\n1.5,Ulm,0\n2,"Bonn, ""old""",1\n,Köln,0\n'
COLUMNS = {"a": [1.5, 2.0, None], "city": [row[1] for row in ROWS], "y": [0, 1, 0]}


def write(name, content):
    path = Path(name)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def list_columns(table):
    """Return the columns with None for a missing number."""
    return {
        name: [None if value != value else value for value in column.tolist()] for name, column in table.columns.items()
    }


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("list.json", json.dumps(OBJECTS), Jsonl),
        ("indented.json", json.dumps(OBJECTS, indent=1, ensure_ascii=False), Jsonl),
        ("lines.json", "".join(json.dumps(one) + "\n" for one in OBJECTS), Jsonl),
        ("list_in.txt", "\n " + json.dumps(OBJECTS), Jsonl),
        ("utf16.json", json.dumps(OBJECTS, ensure_ascii=False).encode("utf-16"), Jsonl),
        ("mark.json", b"\xef\xbb\xbf" + json.dumps(OBJECTS).encode(), Jsonl),
        ("packed.json.gz", gzip.compress(json.dumps(OBJECTS, indent=1).encode(), mtime=0), Jsonl),
        ("packed.json.zip", pack({"d/list.json": json.dumps(OBJECTS)}), Jsonl),
        ("utf16.csv", CSV.encode("utf-16"), Csv),
        ("utf16be.csv", b"\xfe\xff" + CSV.encode("utf-16-be"), Csv),
        ("utf16.csv.gz", gzip.compress(CSV.encode("utf-16"), mtime=0), Csv),
        ("packed.csv", gzip.compress(CSV.encode(), mtime=0), Csv),
        ("packed.zip", pack({"folder/": "", "folder/d.csv": CSV, "__MACOSX/folder/._d.csv": "x"}), Csv),
        ("zip.csv", pack({"d.csv": CSV}), Csv),
        ("utf16.zip", pack({"d.csv": CSV.encode("utf-16")}), Csv),
        ("tabs.zip", pack({"d.tsv": CSV.replace(",Ulm,", "\tUlm\t").replace("a,city,y", "a\tcity\ty")
                           .replace('2,"', '2\t"').replace('",1', '"\t1').replace(",Köln,", "\tKöln\t")}), Tsv),
        ("text.xlsx", CSV, Csv),
    ],
)  # fmt: skip
def test_a_file_is_read_by_its_content(name, content, kind):
    path = write(name, content)
    assert type(choose_source(path)) is kind
    assert list_columns(read_table(path)) == COLUMNS


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("[]", 1, "the list is empty"),
        ('[{"a": 1},\n]', 2, "expected an object after the comma"),
        ('[{"a": 1}\n {"a": 2}]', 2, "expected a comma or ]"),
        ('[\n{"a": 1},\n{"a": 2}\n', 4, "expected a comma or ] after an object of the list (the file ends)"),
        ('[\n{"a": 1},\n{"a" 2}]', 3, "not JSON (Expecting ':' delimiter at character 6)"),
        ('[\n{"a": 1},\n{\n\n"a" 2}]', 5, "not JSON (Expecting ':' delimiter at character 5)"),
        ('[{"a": 1}]\n\nmore', 3, "text after the end of the list"),
        ('[{"a": 1},\n3]', 2, "expected an object such as"),
        ('[{"a": 1},\n{"a": [2]}]', 2, "a: a list inside the object"),
        ('[{"a": 1},\n{"b": 2,\n"b": 2}]', 2, "b: the key is there twice"),
        (b'[{"a": 1},\n{"a": "\xff"}]', 2, "the file is not utf-8 text"),
        ("[[1, 2], [3, 4]]", 1, "write one object a line, or a list of objects"),
        ('{"rows": [{"a": 1}]}', 1, "rows: a list of objects inside the object; if they are the rows, write this list"),
    ],
)
def test_a_mistake_in_a_list_has_its_line(content, line, message):
    with pytest.raises(InputError, match=rf"^d\.json:{line}: .*{re.escape(message)}"):
        Jsonl(write("d.json", content)).load()


def test_a_list_is_read_in_chunks_and_knows_its_lines(monkeypatch):
    """Chunks of a few bytes cut every kind of token somewhere."""
    from bptrain.tables.sources.jsonl import json_list

    path = write("d.json", json.dumps([{"k": k * 1.25, "t": f'x\n{k}é\\"'} for k in range(50)], indent=1))
    for size in (1, 3):
        monkeypatch.setattr(json_list, "CHUNK_BYTES", size)
        table = Jsonl(path).load()
        assert table.columns["k"].tolist() == [k * 1.25 for k in range(50)]
        assert table.columns["t"].tolist() == [f'x\n{k}é\\"' for k in range(50)]
    assert [table.where(k) for k in (0, 1, 49)] == ["d.json:2", "d.json:6", "d.json:198"]
    assert text_decoding.CHUNK_BYTES > 1 << 20


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("d.zip", pack({"a.csv": CSV, "b.csv": CSV}), "a zip archive of 2 files (a.csv, b.csv); unpack it, and name"),
        ("d.zip", pack({}), "a zip archive without a file in it"),
        ("d.zip", pack({"a.csv": CSV * 99})[:-30], "a zip archive that cannot be read"),
        ("d.csv", b"7z\xbc\xaf\x27\x1c" + bytes(40), "a 7z file, which is not read; unpack it"),
        ("d.csv", b"%PDF-1.7\n", "a PDF file, which is not read; save the table as CSV"),
        ("d.xlsx", b"PK\x03\x04" + bytes(200), "cannot be read as an Excel file"),
    ],
)
def test_what_is_not_read_is_said_with_what_to_do(name, content, message):
    if name == "d.xlsx":
        pytest.importorskip("python_calamine")
    with pytest.raises(InputError, match=re.escape(message)):
        read_table(write(name, content))


WHEN = datetime(2024, 12, 31)
SHEET = [
    ["Sales of the year", None, None, None, None],
    [],
    [None, "when", "sold\nunits", "city", "open"],
    [None, WHEN, 3, "Ulm", True],
    [None, datetime(2024, 1, 2, 13, 30), 4.25, "Bonn", False],
    [],
    [None, WHEN, None, "a\nb", True],
    [None, WHEN, "#DIV/0!", " 02116", False],
]
AS_TABLE = {
    "when": ["2024-12-31", "2024-01-02T13:30:00", "2024-12-31", "2024-12-31"],
    "sold units": [3, 4.25, None, None],
    "city": ["Ulm", "Bonn", "a b", " 02116"],
    "open": ["TRUE", "FALSE", "TRUE", "FALSE"],
}


@pytest.fixture
def _calamine():
    pytest.importorskip("python_calamine")


@pytest.mark.usefixtures("_calamine")
def test_a_sheet_becomes_a_table():
    path = write("d.xlsx", write_xlsx(Sales=SHEET, Notes=[[]]))
    table = Excel(path, skip=2).load()
    assert list_columns(table) == AS_TABLE
    assert [table.where(k) for k in (0, 1, 2, 3)] == [f"d.xlsx, sheet 'Sales', row {k}" for k in (4, 5, 7, 8)]
    assert guess_sheet_options(Excel(path))[0] == Excel(path, skip=2)
    plain = write("headless.xlsm", write_xlsx(A=[[1, "x"], [2, "y"]]))
    assert list_columns(Excel(plain, header=False).load()) == {"column_1": [1, 2], "column_2": ["x", "y"]}
    ods = write("d.ods", write_ods([["a", "city", "y"], *ROWS]))
    assert list_columns(read_table(ods)) == COLUMNS
    text = write("de.xlsx", write_xlsx(A=[["a", "b"], ["1,5", 2.5], ["2,5", 3]]))
    assert list_columns(Excel(text, decimal=",").load()) == {"a": [1.5, 2.5], "b": [2.5, 3]}


@pytest.mark.usefixtures("_calamine")
def test_mistakes_in_a_sheet_name_it_and_its_row(bptrain_in):
    path = write("d.xlsx", write_xlsx(Sales=SHEET, Other=[["a", "a"], [1, 2]]))
    with pytest.raises(InputError, match=r"row 3 of the sheet 'Sales'; write skip: 2 \(got 0\)"):
        Excel(path).load()
    with pytest.raises(InputError, match=r"no sheet of that name \(got 'Sale'\); did you mean 'Sales'\?"):
        Excel(path, "Sale").load()
    with pytest.raises(InputError, match=r"d\.xlsx, sheet 'Other', row 1: two columns are named 'a'"):
        Excel(path, "Other").load()
    (said,) = Excel(path, skip=2).load().notes
    assert said.startswith("d.xlsx: has 2 sheets with data ('Sales', 'Other'), of which the first is read; --sheet")
    assert Excel(path, "Sales", skip=2).load().notes == ()
    for kind in (Csv, Jsonl):
        with pytest.raises(InputError, match=r"d\.xlsx: an Excel file, and not text; under source, write excel"):
            kind(path).load()
    write(
        "c.yaml", "data: {source: {excel: {path: d.xlsx, skip: 2}}, target: open}\nhidden: [2]\ntraining: {epochs: 1}"
    )
    assert "city" in bptrain_in("data", "c.yaml").stdout


@pytest.mark.slow
@pytest.mark.usefixtures("_calamine")
def test_a_sheet_with_another_ending_is_recognised_and_trains(bptrain_in):
    rows = [["x", "label"], *([k % 7 + k / 8, "ab"[k % 2]] for k in range(40))]
    write("d.csv", write_xlsx(Data=rows))
    done = bptrain_in("init", "d.csv", "--target", "label", "-o", "c.yaml")
    assert done.returncode == 0, done.stderr
    assert "source: {excel: d.csv}" in Path("c.yaml").read_text()
    assert bptrain_in("train", "c.yaml", "training.epochs=1", "--quiet").returncode == 0


def test_without_the_extra_every_command_says_how_to_install_it(bptrain_in, monkeypatch):
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    write("d.xlsx", write_xlsx(Data=[["a", "y"], [1, 2]]))
    write("c.yaml", "data: {source: {excel: d.xlsx}, target: y}\nhidden: [2]\n")
    said = "d.xlsx: Excel files are read by python-calamine, which is not installed; pip install 'bptrain[excel]'\n"
    for command in (("init", "d.xlsx"), ("train", "c.yaml"), ("data", "c.yaml"), ("validate", "c.yaml")):
        done = bptrain_in(*command)
        assert (done.returncode, done.stdout) == (2, ""), command
        assert done.stderr.endswith(said), done.stderr


def test_parquet_and_arrays_are_recognised_by_their_first_bytes(tmp_path):
    import duckdb
    import numpy as np

    with duckdb.connect(":memory:") as database:
        database.execute("COPY (SELECT 1 AS a, 2 AS y) TO 'd.csv' (FORMAT parquet)")
    assert choose_source("d.csv") == Parquet(Path("d.csv"))
    with open("a.dat", "wb") as file:
        np.savez(file, x=np.ones((2, 2)), y=np.ones(2))
    assert choose_source("a.dat") == Npz(Path("a.dat"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read_table("a.dat")) == 2


@pytest.mark.usefixtures("_calamine")
def test_what_init_guesses_about_a_sheet_is_said_and_written(bptrain_in):
    rows = [[k % 7 + k / 8, k % 5, "ab"[k % 2]] for k in range(40)]
    content = write_xlsx(Read_me=[["about"], ["nothing"]], Data=[["Sales of the year"], [], ["x", "n", "label"], *rows])
    write("d.xlsx", content)
    done = bptrain_in("init", "d.xlsx", "--sheet", "Data", "--target", "label", "-o", "c.yaml")
    assert "note: d.xlsx: the table begins in row 3, and what is above it is not read" in done.stderr
    assert "source: {excel: {path: d.xlsx, sheet: Data, skip: 2}}" in Path("c.yaml").read_text()
    assert bptrain_in("train", "c.yaml", "training.epochs=1", "-q").returncode == 0
    assert (
        "no sheet of that name (got 'Dta'); did you mean 'Data'?"
        in bptrain_in("data", "d.xlsx", "--sheet", "Dta").stderr
    )
    write("new.xlsx", write_xlsx(Data=[["Sales of the year"], [], ["x", "n"], [1.5, 2], [2.5, 3]]))
    done = bptrain_in("predict", "runs/c-001", "new.xlsx")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 3), done.stderr
    write("two.xlsx", write_xlsx(One=[["x", "label"], *[[row[0], row[2]] for row in rows]], Two=[["y"], [1]]))
    done = bptrain_in("init", "two.xlsx", "--target", "label", "-o", "two.yaml")
    assert "note: two.xlsx: has 2 sheets with data ('One', 'Two'), of which the first is read; --sheet" in done.stderr
    assert "sheet: One" in Path("two.yaml").read_text()
    write("headless.xlsx", write_xlsx(A=rows))
    done = bptrain_in("init", "headless.xlsx", "--target", "last", "-o", "h.yaml")
    assert "the first line is data, not names" in done.stderr
    assert "{path: headless.xlsx, header: false}" in Path("h.yaml").read_text()
    assert bptrain_in("train", "h.yaml", "training.epochs=1", "-q").returncode == 0


@pytest.mark.slow
@pytest.mark.usefixtures("_calamine")
@pytest.mark.parametrize("kind", ["excel", "jsonl"])
def test_a_file_larger_than_memory_is_mapped_with_its_places(kind):
    from bptrain.tables.cache import load_table

    rows = [(k, f"t{k}") for k in range(30_000)]
    if kind == "excel":
        source = Excel(write("d.xlsx", write_xlsx(A=[["k", "t"], *rows])))
        place = "d.xlsx, sheet 'A', row 20002"
    else:
        source = Jsonl(write("d.json", json.dumps([{"k": k, "t": t} for k, t in rows], indent=1)))
        place = f"d.json:{2 + 4 * 20_000}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BptrainNote)
        table = load_table(source, cached=False, memory=1000)
    assert table.is_mapped
    assert table.column("k")[20_000] == 20_000
    assert table.column("t")[29_999] == "t29999"
    assert table.where(20_000) == place

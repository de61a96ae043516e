"""Files of data on the command line: how one is read, targets by position, data from stdin, and training at once."""

import gzip
import json
from pathlib import Path

import pytest
import yaml
from spreadsheets import pack, write_xlsx

from bptrain.columns.target_position import find_position
from bptrain.tables.data_files import is_data_file

ROWS = [(k % 9 + k / 16, (k * 5) % 7, "ab"[k % 2]) for k in range(40)]
HEADLESS = "".join(f"{x!r},{n},{label}\n" for x, n, label in ROWS)
NAMED = "x,n,label\n" + HEADLESS


def load_data(path):
    return yaml.safe_load(Path(path).read_text())["data"]


@pytest.mark.parametrize(
    ("text", "name"),
    [("last", "c"), ("First", "a"), ("1", "a"), ("3", "c"), ("-1", "c"), ("-3", "a"), ("2", "2"), ("0", None),
     ("5", None), ("-5", None), ("c", None), ("1.0", None), ("nope", None)],
)  # fmt: skip
def test_a_position_names_a_column_where_no_column_has_that_name(text, name):
    names = ["a", "b", "c"] if name != "2" else ["a", "2", "c"]
    found = find_position(text, names)
    assert (found.name if found else None) == (None if name == "2" else name)


def test_a_headless_file_is_read_by_init_train_data_and_predict(bptrain_in):
    Path("d.csv").write_text(HEADLESS)
    done = bptrain_in("init", "d.csv", "--no-header", "--target", "last", "-o", "c.yaml")
    assert "note: the target is column_3, column 3 of 3\n" in done.stdout
    assert load_data("c.yaml")["source"] == {"csv": {"path": "d.csv", "header": False}}
    assert load_data("c.yaml")["target"] == "column_3"
    assert "column_1" in bptrain_in("data", "d.csv", "--no-header").stdout
    done = bptrain_in("train", "d.csv", "--no-header", "--target", "-1", "training.epochs=2", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert load_data("d.yaml") == load_data("c.yaml")
    done = bptrain_in("predict", "runs/d-001", "-", stdin=HEADLESS.encode())
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 41)
    done = bptrain_in("predict", "runs/d-001", "-", "--header", stdin=b"column_1,column_2\n1,2\n")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 2)


def test_the_advice_about_decimal_commas_works_at_prediction(bptrain_in):
    Path("d.csv").write_text(NAMED)
    assert bptrain_in("train", "d.csv", "--target", "label", "training.epochs=1", "-q").returncode == 0
    Path("new.csv").write_text("x;n\n1,5;2\n2,5;3\n")
    done = bptrain_in("predict", "runs/d-001", "new.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert "(at prediction: --decimal ,)" in done.stderr
    done = bptrain_in("predict", "runs/d-001", "new.csv", "--decimal", ",")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 3)


def test_options_become_options_of_the_source(bptrain_in):
    text = NAMED.replace(",", ";").replace(".", ",").replace("x;n", "größe;n")
    text = text.replace(";3;", ";unbekannt;", 2)
    Path("d.csv").write_bytes(text.encode("cp1252"))
    given = ("--delimiter", ";", "--encoding", "cp1252", "--decimal", ",", "--missing", "unbekannt", "--header")
    done = bptrain_in("init", "d.csv", *given, "--target", "label", "-o", "c.yaml")
    assert done.returncode == 0, done.stderr
    source = load_data("c.yaml")["source"]["csv"]
    assert {name: source[name] for name in ("path", "delimiter", "encoding", "decimal")} == {
        "path": "d.csv", "delimiter": ";", "encoding": "cp1252", "decimal": ","
    }  # fmt: skip
    assert {"NA", "unbekannt"} <= set(source["missing"])
    assert bptrain_in("train", "c.yaml", "training.epochs=1", "-q").returncode == 0
    done = bptrain_in("data", "d.csv", *given, "--json")
    assert [one["missing"] for one in json.loads(done.stdout)["columns"]] == [0, 2, 0]
    Path("t.txt").write_text(NAMED.replace(",", "\t"))
    assert json.loads(bptrain_in("data", "t.txt", "--delimiter", "tab", "--json").stdout)["rows"] == 40


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("init", "d.csv", "--sheet", "A"), "d.csv: --sheet cannot be used with a file that is read as csv; it takes"),
        (("data", "d.json", "--delimiter", ";", "--no-header"), "--header or --no-header, --delimiter cannot be used"),
        (("data", "d.csv", "--delimiter", "ab"), "expected one character between values"),
        (("data", "d.csv", "--encoding", "klingon"), "expected utf-8, utf-16, latin-1"),
        (("data", "d.csv", "--thousands", "x"), "--thousands: expected '', ',', '.', \"'\", ' ' or '_' (got 'x')"),
        (("data", "d.csv", "training.epochs=3"), "d.csv: a file of data takes no KEY=VALUE; write a config for it"),
        (
            ("data", "c.yaml", "--no-header"),
            "c.yaml: --header or --no-header is for files of data",
        ),
        (("train", "c.yaml", "--target", "y"), "c.yaml: --target is for files of data, and this is a config"),
        (("train", "absent.csv", "--target", "y"), "absent.csv: no such file"),
        (("train", "absent.yaml", "--target", "y"), "absent.yaml: no such file"),
        (("train", "d.csv"), "such as: bptrain train d.csv --target label; the columns are x (numbers"),
        (("train", "d.csv", "--target", "lable"), "d.csv has no column 'lable'; did you mean 'label'?"),
        (("train", "d.csv", "--target", "9"), "write a name, first, last or a position from 1 to 3"),
        (("init", "-", "--target", "label"), "-: a config names the file of its data, and - has no name; write -o"),
        (("init", "-"), "such as: bptrain init - --target label; the columns are"),
        (("init", "-", "--target", "lable", "-o", "n.yaml"), "stdin has no column 'lable'"),
        (("init", "-", "--target", "label", "-o", "d.yaml"), "d.csv: exists already, and is not overwritten"),
    ],
)
def test_what_does_not_fit_is_one_line_and_writes_nothing(bptrain_in, arguments, message):
    Path("d.csv").write_text(NAMED)
    Path("d.json").write_text('[{"a": 1}]')
    Path("c.yaml").write_text("data: {source: {csv: d.csv}, target: label}\nhidden: [2]\n")
    before = sorted(Path().iterdir())
    done = bptrain_in(*arguments, stdin=NAMED.encode())
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert message in line
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (NAMED.encode(), "c.csv"),
        pytest.param(NAMED.encode("utf-16"), "c.csv", marks=pytest.mark.slow),
        pytest.param(gzip.compress(NAMED.encode(), mtime=0), "c.csv.gz", marks=pytest.mark.slow),
        pytest.param(pack({"a.csv": NAMED}), "c.csv.zip", marks=pytest.mark.slow),
        (json.dumps([dict(zip(("x", "n", "label"), row, strict=True)) for row in ROWS]).encode(), "c.jsonl"),
        (write_xlsx(Data=[["x", "n", "label"], *ROWS]), "c.xlsx"),
    ],
)
def test_data_from_stdin_is_kept_beside_the_config(bptrain_in, content, kept):
    if kept == "c.xlsx":
        pytest.importorskip("python_calamine")
    done = bptrain_in("init", "-", "--target", "label", "-o", "c.yaml", stdin=content)
    assert done.stdout.startswith(f"{kept}: written\nc.yaml: written; train it with"), done.stderr
    assert Path(kept).read_bytes() == content
    assert bptrain_in("train", "c.yaml", "--dry-run", "-q").returncode == 0
    done = bptrain_in("data", "-", "--json", stdin=content)
    assert (json.loads(done.stdout)["origin"], json.loads(done.stdout)["rows"]) == ("stdin", 40)


@pytest.mark.slow
def test_a_config_that_was_changed_is_not_overwritten_by_train(bptrain_in):
    Path("d.csv").write_text(NAMED)
    first = ("train", "d.csv", "--target", "label", "training.epochs=1", "-q")
    assert [bptrain_in(*first).returncode for _ in range(2)] == [0, 0]
    Path("d.yaml").write_text(Path("d.yaml").read_text() + "# mine\n")
    done = bptrain_in(*first)
    assert (done.returncode, "train it with bptrain train d.yaml, name another with -o, or --force" in done.stderr) == (
        2,
        True,
    )
    assert bptrain_in("train", "d.yaml", "training.epochs=1", "-q").returncode == 0
    assert bptrain_in(*first, "-o", "other.yaml").returncode == 0
    assert bptrain_in(*first, "--force").returncode == 0
    assert "# mine" not in Path("d.yaml").read_text()


@pytest.mark.parametrize(
    ("name", "content", "is_data"),
    [
        ("d.csv", "a\n1\n", True),
        ("c.yaml", "a,b\n1,2\n", False),
        ("d.data", "1,2\n3,4\n", True),
        ("c.txt", "seed: 1\ndata:\n", False),
        ("d.txt", "a b\n1 2\n", True),
        ("d.json", '[{"a": 1}]', True),
        ("c.json", '{"data": {"source": {"csv": "d.csv"}}, "hidden": [2]}', False),
        ("config", "data: {}\n", False),
        ("d.zip", pack({"d.csv": NAMED}), True),
        ("absent.csv", None, True),
        ("absent", None, False),
    ],
)
def test_a_file_of_data_and_a_config_are_told_apart(name, content, is_data):
    if content is not None:
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert is_data_file(Path(name)) == is_data


def test_validate_takes_values_and_a_missing_file_has_no_line(bptrain_in):
    Path("d.csv").write_text(NAMED)
    Path("c.yaml").write_text("data: {source: {csv: d.csv}, target: label}\nhidden: [2]\n")
    done = bptrain_in("validate", "c.yaml", "training.epochs=5")
    assert (done.returncode, done.stdout) == (0, "c.yaml: valid\n")
    done = bptrain_in("validate", "c.yaml", "training.epochs=many")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: training.epochs=many:1:17: training.epochs: expected a whole number")
    assert bptrain_in("validate", "c.yaml", "data.target=lable").returncode == 2
    assert bptrain_in("validate", "gone.yaml").stderr == "error: gone.yaml: no such file\n"
    assert "validate needs a config before KEY=VALUE (got a=1)" in bptrain_in("validate", "a=1").stderr


TYPOS = """data:
  source: {csv: d.csv}
  target: label
  features: [x, m]
  columns: {X: {scaling: none}}
  class_weight: {a: 1, c: 2}
  sample_weight: weight
  id: name
  split: {method: group, column: person}
hidden: [4]
"""


@pytest.mark.parametrize("command", ["train", "validate", "data"])
def test_all_names_that_are_not_there_are_told_at_once(bptrain_in, command):
    Path("d.csv").write_text(NAMED)
    Path("c.yaml").write_text(TYPOS)
    done = bptrain_in(command, "c.yaml")
    wanted = {"m": "features.1", "X": "columns.X", "weight": "sample_weight", "name": "id", "person": "split.column"}
    if command == "data":
        assert all(f"no column '{name}'" in " ".join(done.stdout.split()) for name in wanted)
        return
    lines = done.stderr.splitlines()
    for name, field in wanted.items():
        (line,) = (one for one in lines if f"data.{field}: " in one)
        assert f"d.csv has no column '{name}'; " in line
    assert any("c.yaml:6:27: data.class_weight.c: label has no class 'c'; choose from a, b" in line for line in lines)
    assert (done.returncode, len(lines)) == (2, 6)
    fixed = TYPOS.replace("x, m", "x, n").replace("X:", "x:").replace("c: 2", "b: 2")
    Path("c.yaml").write_text(
        "".join(one + "\n" for one in fixed.splitlines() if not one.strip().startswith(("sample", "id:", "split")))
    )
    assert bptrain_in("train", "c.yaml", "training.epochs=1", "-q").returncode == 0


def test_a_page_is_not_written_into_a_file_of_another_kind(bptrain_in):
    Path("d.csv").write_text(NAMED)
    Path("c.yaml").write_text("data: {source: {csv: d.csv}, target: label}\nhidden: [2]\n")
    done = bptrain_in("explain", "c.yaml", "-o", "x.docx")
    assert (done.returncode, done.stdout, Path("x.docx").exists()) == (2, "", False)
    assert "x.docx: no page is written as .docx; end it in .txt, .md, .tex or .json, or give --format" in done.stderr
    assert bptrain_in("explain", "c.yaml", "-o", "x.md").stdout == "x.md: written\n"
    assert bptrain_in("explain", "c.yaml", "-o", "x.docx", "--format", "text").returncode == 0

"""Labels that look like numbers: none is merged with another, and each stays the same in every later file."""

import unicodedata
import warnings
from pathlib import Path

import numpy as np
import pytest

import bptrain
from bptrain.errors import InputError
from bptrain.model.assemble import assemble_file
from bptrain.tables.guess import read_table
from bptrain.tables.values import encode_labels, list_labels, name_labels


def config(labels, more="", source="csv: t.csv"):
    """Write a table that has these labels in turn, and a column x that separates them."""
    rows = "".join(f"{k % len(labels) + k / 1000},{labels[k % len(labels)]}\n" for k in range(60))
    Path("t.csv").write_text(f"x,y\n{rows}")
    Path("t.yaml").write_text(
        f"data: {{source: {{{source}}}, target: y, {more} split: {{validation: 0, test: 0}}}}\n"
        "hidden: [8]\ntraining: {epochs: 1}\n"
    )
    return "t.yaml"


LABELS = [
    (("01", "1"), "", ("01", "1")),
    (("007", "7", "a"), "", ("007", "7", "a")),
    (("1", "2"), "", (1, 2)),
    (("10", "9"), "", (9, 10)),
    (("1", "1.0", "2"), "", (1, 2)),
    (("0", "-1"), "", (-1, 0)),
    (("1", "2"), "columns: {y: {kind: categorical}},", ("1", "2")),
    (("01", "02"), "columns: {y: {kind: numeric}}, task: classification,", (1, 2)),
    (("no", "yes"), "", ("no", "yes")),
]


@pytest.mark.parametrize(("labels", "more", "expected"), LABELS)
def test_the_classes_of_labels(labels, more, expected):
    assert assemble_file(config(labels, more)).model.columns.target.labels == expected


LATER = [
    (("01", "1", "A"), "x,y\n0.5,01\n1.5,1\n", 2),
    (("01", "1", "A"), "x,y\n1.5,1\n", 1),
    (("01", "1"), "x,y\n0.5,01\n", 1),
    (("1", "2"), "x,y\n0.5,1.0\n1.5,02\n", 2),
    (("1", "2"), "x,y\n0.5,1\n1.5,z\n", r"new\.csv:3: y: a class unseen in training \(got 'z', expected one of 1, 2\)"),
    (
        ("01", "02"),
        "x,y\n0.5,01\n1.5,2\n",
        r"new\.csv:3: y: a class unseen in training \(got '2', expected one of '01', '02'\)",
    ),
]


@pytest.mark.parametrize(("labels", "text", "expected"), LATER)
def test_labels_in_a_later_file(labels, text, expected):
    bptrain.train(config(labels), run="run")
    Path("new.csv").write_text(text)
    if isinstance(expected, int):
        assert bptrain.evaluate("run", data="new.csv").rows == expected
    else:
        with pytest.raises(InputError, match=expected):
            bptrain.evaluate("run", data="new.csv")


def test_a_file_in_which_all_labels_look_like_numbers_gets_the_same_score():
    """The rows are the same; only the labels of the file are written differently."""
    bptrain.train(config(("01", "1", "A")), run="run")
    lines = Path("t.csv").read_text().splitlines()
    Path("new.csv").write_text("\n".join(line for line in lines if not line.endswith("A")) + "\n")
    Path("whole.csv").write_text("\n".join(lines) + "\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        part, whole = (bptrain.evaluate("run", data=name) for name in ("new.csv", "whole.csv"))
    assert (part.rows, whole.rows) == (40, 60)
    assert whole.loss == pytest.approx(bptrain.evaluate("run").loss, rel=1e-12)


def test_categories_that_look_like_numbers():
    Path("z.csv").write_text("zip,x,y\n" + "".join(f"{('01', '1', '10')[k % 3]},{k % 7},{k % 2}\n" for k in range(60)))
    Path("z.yaml").write_text(
        "data: {source: {csv: z.csv}, target: y, columns: {zip: {kind: categorical}}}\nhidden: [2]\n"
        "training: {epochs: 1}\n"
    )
    assert assemble_file("z.yaml").model.columns.input_names == ("zip=01", "zip=1", "zip=10", "x")
    bptrain.train("z.yaml", run="run")
    Path("new.csv").write_text("zip,x,y\n1,2,0\n10,3,1\n")
    assert bptrain.evaluate("run", data="new.csv").rows == 2
    Path("new.csv").write_text("zip,x,y\n1.0,2,0\n1.5,3,1\n")
    message = r"new\.csv:3: zip: a value unseen in training \(got '1\.5', expected one of '01'"
    with pytest.raises(InputError, match=message):
        bptrain.evaluate("run", data="new.csv")


def test_a_source_can_declare_text():
    config(("01", "1"))
    assert read_table("t.csv", text=["y"]).columns["y"].tolist()[:2] == ["01", "1"]
    Path("t.yaml").write_text(
        "data: {source: {csv: {path: t.csv, text: [x, y]}}, target: y, columns: {x: {kind: numeric}}}\nhidden: [8]\n"
    )
    assert assemble_file("t.yaml").model.columns.input_names == ("x",)


def test_init_does_not_merge_such_labels():
    config(("01", "1"))
    assert "# 2 classes" in bptrain.init("t.csv", "y")


SPELLINGS = [
    (["ham", "spam ", "spam", " ham"], ["ham", "spam"]),
    (["Yes", "yes", "No", "NO "], ["NO", "Yes"]),
    (["1", "2.0", "1.0", "2", "x"], ["1", "2", "x"]),
    (["01", "1", "x"], ["01", "1", "x"]),
    (["Spam", "spam"], ["Spam", "spam"]),
    (["  ", "a"], ["  ", "a"]),
]


@pytest.mark.parametrize(("texts", "labels"), SPELLINGS)
def test_spellings_of_a_label_are_one_in_training_and_later(texts, labels):
    values = np.array(texts * 3, object)
    assert list_labels(values) == labels
    codes = encode_labels(values, labels)
    assert codes.min() >= 0
    assert [labels[code] for code in codes[: len(texts)]] == [name_labels(texts)[text] for text in texts]
    # A later file may have another spelling.
    later = np.array([f" {label}  " for label in labels if label.strip()], object)
    assert [labels[code] for code in encode_labels(later, labels)] == [label for label in labels if label.strip()]


def test_whole_numbers_that_come_back_as_floats_match():
    labels = ["1", "2", "x"]
    assert encode_labels(np.array(["2.0", "1.00", "x", "3.0", "1.5"], object), labels).tolist() == [1, 0, 2, -1, -1]
    assert encode_labels(np.array([2.0, 1.0, 3.0, np.nan]), labels).tolist() == [1, 0, -1, -2]


def test_the_label_that_a_checkpoint_has_is_matched_exactly_first():
    assert encode_labels(np.array(["spam ", "spam"], object), ["spam", "spam "]).tolist() == [1, 0]


@pytest.mark.parametrize(("form", "other"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_names_are_compared_in_the_composed_form(bptrain_in, tmp_path, form, other):
    name, called = (unicodedata.normalize(one, "é") for one in (form, other))
    rows = "".join(f"{k % 7},{'ab'[k % 2]}\n" for k in range(40))
    (tmp_path / "t.csv").write_text(f"{name},y\n{rows}", encoding="utf-8")
    data = f"{{source: {{csv: t.csv}}, target: y, features: [{called}]}}"
    (tmp_path / "t.yaml").write_text(f"data: {data}\nhidden: [4]\ntraining: {{epochs: 1}}\n", encoding="utf-8")
    assert bptrain_in("train", "t.yaml", "-q").returncode == 0
    assert bptrain_in("predict", "runs/t-001", "t.csv").returncode == 0


def test_cells_of_spaces_are_missing_among_numbers_and_categories(tmp_path):
    rows = [f"{'x ' if k % 5 else '  '},{k if k % 7 else ' '},{'ab'[k % 2]}" for k in range(70)]
    (tmp_path / "t.csv").write_text("c,n,y\n" + "\n".join(rows) + "\n")
    table = read_table(tmp_path / "t.csv")
    assert table.column("c").tolist() == [None if k % 5 == 0 else "x " for k in range(70)]
    np.testing.assert_array_equal(table.column("n"), [np.nan if k % 7 == 0 else k for k in range(70)])


def test_counts_that_are_taken_for_classes_get_a_note_that_works(bptrain_in, tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{k},{k % 12}\n" for k in range(120)))
    (tmp_path / "t.yaml").write_text("data: {source: {csv: t.csv}, target: y}\nhidden: [4]\ntraining: {epochs: 1}\n")
    done = bptrain_in("train", "t.yaml")
    assert "the numbers of 'y' (0, 1, 2, ...) are taken for 12 classes" in done.stderr
    assert "if more is more, write under data: task: regression" in done.stderr
    followed = bptrain_in("train", "t.yaml", "data.task=regression")
    assert followed.returncode == 0
    assert "are taken for" not in followed.stderr
    assert "regression, if the target is an amount" in bptrain_in("init", "t.csv", "--target", "y").stdout

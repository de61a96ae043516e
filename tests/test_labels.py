"""Labels that look like numbers: none is merged with another, and each stays the same in every later file."""

import warnings
from pathlib import Path

import pytest

import bptrain
from bptrain.errors import InputError
from bptrain.model.assemble import assemble_file
from bptrain.tables.guess import read_table


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
    Path("new.csv").write_text("zip,x,y\n1,2,0\n1.0,3,1\n")
    message = r"new\.csv:3: zip: a value unseen in training \(got '1\.0', expected one of '01'"
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

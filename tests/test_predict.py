"""Predictions: the outputs that evaluate scores, from any file with the columns, and safe to open in a spreadsheet."""

import csv
import io
import json
import os
import re
import tracemalloc
import warnings
from pathlib import Path

import duckdb
import numpy as np
import pytest
from speeds import sampled

import bptrain
from bptrain.console.scores.evaluation_tables import print_predictions
from bptrain.errors import BptrainNote, BptrainWarning, InputError
from bptrain.evaluation.csv_export import CsvExport, escape_formula
from bptrain.model.model import count_scoring_rows
from bptrain.model.scoring import predict_rows, score_batch
from bptrain.run.checkpoint import load_checkpoint
from bptrain.tables.guess import read_table
from bptrain.tables.sources.csv_text.csv_lines import CsvLines

ROWS = 700


def mixed(path, rows=ROWS, *, holes=True, seed=0):
    """Write a table of numbers, categories, yes and no, with missing values, and four targets that depend on them."""
    rng = np.random.default_rng(seed)
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["key", "size", "age", "city", "member", "kind", "price", "cost", "wet", "cold"])
        for k in range(rows):
            size, age, city, member = rng.normal(), rng.integers(20, 60), rng.integers(3), rng.integers(2)
            score = size + city - member
            cells = [f"{k:05d}", f"{size:.6f}", age, ("Ulm", "Köln", "Bonn")[city], ("no", "yes")[member]]
            if holes and k % 13 == 3:
                cells[2] = ""
            kind = ("low", "mid", "high")[int(score > 0) + int(score > 1)]
            writer.writerow([*cells, kind, f"{100 + 10 * score:.3f}", f"{age * 3}", int(score > 0), int(score < 0.5)])
    return path


TASKS = {
    "classes": "target: kind",
    "two": "target: member, columns: {age: {missing: median}}",
    "number": "target: price",
    "numbers": "target: [price, cost]",
    "labels": "target: [wet, cold], task: multi_label",
    "dropped": "target: kind, columns: {age: {missing: drop}}",
}


def train_run(folder, name, rest="hidden: [6]\nloss: auto\n", missing="median", split="{validation: 0, test: 0}"):
    """Train a run on the mixed table, on the task of that name."""
    data = TASKS.get(name, name)
    config = folder / f"{re.sub(r'[^a-z]', '', name)}.yaml"
    used = "features: [size, age, city, member]" if "member" not in data else "features: [size, age, city]"
    config.write_text(
        f"data: {{source: {{csv: mixed.csv}}, {data}, {used}, missing: {missing}, split: {split}}}\n"
        f"{rest}training: {{epochs: 2, batch_size: 64}}\n"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BptrainWarning)
        return bptrain.train(config, run=folder / "runs" / config.stem).run


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("predict")
    mixed(folder / "mixed.csv")
    return {name: train_run(folder, name, missing="error" if name == "dropped" else "median") for name in TASKS}


@pytest.fixture
def table(runs):
    return runs["classes"].parents[1] / "mixed.csv"


def quietly(*arguments, function=bptrain.predict, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BptrainWarning)
        return function(*arguments, **options)


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("name", TASKS)
def test_predictions_are_the_outputs_that_evaluate_scores(runs, table, tmp_path, name):
    found = quietly(runs[name], table, output=tmp_path / "out.csv", keep=ROWS)
    model, _ = load_checkpoint(runs[name])
    whole = read_table(table, like=model.experiment.data.source, text=model.columns.text_names)
    kept, _ = model.columns.find_complete(whole)
    rows = model.encode(whole, kept)
    size = count_scoring_rows(model.experiment)
    parts = [np.arange(k, min(k + size, len(rows))) for k in range(0, len(rows), size)]
    (head,) = model.heads
    truth = np.concatenate([score_batch(model, rows, part)[1][head.name][0].copy() for part in parts])
    at = np.arange(ROWS) if kept is None else kept
    columns = [[*column[at]] for label, column in found.table.items() if not label.startswith("predicted_")]
    if name in ("number", "numbers"):
        columns = [[*column[at]] for column in found.table.values()]
    if name == "two":
        columns = columns[1:]
    assert len(columns) == truth.shape[1]
    for k, column in enumerate(columns):
        assert np.array_equal(np.array(column, truth.dtype), truth[:, k])
    header, *lines = read(tmp_path / "out.csv")
    assert header == list(found.columns)
    assert len(lines) == ROWS == found.rows
    for k, label in enumerate(header):
        texts = [line[k] for line in lines]
        values = found.table[label]
        same = [
            text == "" if value is None else text == value if isinstance(value, str) else type(value)(text) == value
            for text, value in zip(texts, values, strict=True)
        ]
        assert all(same), label
    assert found.dropped == (54 if name == "dropped" else 0)


def test_the_loss_and_the_accuracy_of_the_csv_are_those_of_evaluate(runs, table, tmp_path):
    quietly(runs["classes"], table, output=tmp_path / "out.csv", ids=["kind"])
    header, *lines = read(tmp_path / "out.csv")
    assert header == ["kind", "predicted_kind", "kind=high", "kind=low", "kind=mid"]
    p = np.array([[float(cell) for cell in line[2:]] for line in lines])
    right = np.array([header.index(f"kind={line[0]}") - 2 for line in lines])
    assert np.abs(p.sum(axis=1) - 1).max() < 1e-6
    told = quietly(runs["classes"], data=table, function=bptrain.evaluate)
    assert told.loss == pytest.approx(-np.log(p[np.arange(ROWS), right]).mean(), rel=1e-5)
    assert told.metrics["accuracy"] == np.mean([line[0] == line[1] for line in lines])
    assert [line[1] for line in lines] == [header[2 + k].removeprefix("kind=") for k in p.argmax(axis=1)]


def test_targets_of_several_kinds_are_those_that_evaluate_scores(table, tmp_path):
    targets = "{kind: {}, price: {}, member: {}}"
    run = train_run(table.parent, f"target: {targets}, columns: {{age: {{missing: median}}}}")
    found = quietly(run, table, output=tmp_path / "out.csv")
    said = ("predicted_kind", "kind=high", "kind=low", "kind=mid", "predicted_price", "predicted_member", "member=no")
    assert sorted(found.columns) == sorted([*said, "member=yes"])
    told = quietly(run, data=table, function=bptrain.evaluate).metrics
    header, *lines = read(tmp_path / "out.csv")
    out, truth = (
        {name: [line[k] for line in rows[1:]] for k, name in enumerate(rows[0])}
        for rows in ([header, *lines], read(table))
    )
    for name in ("kind", "member"):
        right = [one == other for one, other in zip(out[f"predicted_{name}"], truth[name], strict=True)]
        assert told[f"{name}.accuracy"] == np.mean(right)
    error = np.array(out["predicted_price"], float) - np.array(truth["price"], float)
    assert told["price.mae"] == pytest.approx(np.abs(error).mean(), rel=1e-6)


def test_an_autoencoder_predicts_its_inputs_in_their_own_units(table):
    run = train_run(table.parent, "target: inputs, task: autoencoder")
    found = quietly(run, table)
    assert found.columns == ("predicted_size", "predicted_age", "predicted_city", "predicted_member")
    assert set(found.table["predicted_city"]) <= {"Ulm", "Köln", "Bonn"}
    assert set(found.table["predicted_member"]) <= {"no", "yes"}
    told = {one.target: one for one in quietly(run, data=table, function=bptrain.evaluate).targets}
    sizes = np.array([float(line[1]) for line in read(table)[1:]])
    assert told["size"].mae == pytest.approx(np.abs(found.table["predicted_size"] - sizes).mean(), rel=1e-5)


def test_labels_of_yes_and_no_are_written_as_in_training(table):
    run = train_run(table.parent, "target: [member, wet]", missing="median")
    found = quietly(run, table)
    assert found.columns == ("predicted_member", "member=yes", "predicted_wet", "wet=1")
    for word, p in zip(found.table["predicted_member"], found.table["member=yes"], strict=True):
        assert word == ("yes" if p > 0.5 else "no")


def test_numbers_are_in_the_units_of_the_data(runs, table):
    found = quietly(runs["numbers"], table)
    truth = np.array([[float(line[6]), float(line[7])] for line in read(table)[1:]])
    ours = np.stack([found.table["predicted_price"], found.table["predicted_cost"]], axis=1)
    told = quietly(runs["numbers"], data=table, function=bptrain.evaluate)
    assert told.metrics["mae"] == pytest.approx(np.abs(ours - truth).mean(), rel=1e-6)


@pytest.mark.parametrize("name", ["classes", "dropped", "number"])
@pytest.mark.parametrize("length", sampled([7, 1, 64, 257]))
def test_the_length_of_a_chunk_changes_nothing(runs, table, name, length, monkeypatch):
    whole = quietly(runs[name], table, ids=["key"])
    monkeypatch.setattr("bptrain.tables.source.CHUNK_ROWS", length)
    again = quietly(runs[name], table, ids=["key"])
    assert again.rows == whole.rows == ROWS
    assert again.dropped == whole.dropped
    for label, column in whole.table.items():
        assert column.tolist() == again.table[label].tolist(), label
    assert whole.table["key"].tolist() == [f"{k:05d}" for k in range(ROWS)]


@pytest.mark.parametrize("name", ["classes", "dropped"])
def test_every_batch_is_full_as_if_all_rows_were_scored_at_once(runs, table, name, monkeypatch):
    """Other batches round differently."""
    size = count_scoring_rows(load_checkpoint(runs[name])[0].experiment)
    lengths = []

    def recorded(model, inputs):
        lengths.append(len(inputs))
        return predict_rows(model, inputs)

    monkeypatch.setattr("bptrain.evaluation.file_prediction.predict_rows", recorded)
    monkeypatch.setattr("bptrain.tables.source.CHUNK_ROWS", 100)
    quietly(runs[name], table)
    assert sum(lengths) == ROWS - 54 * (name == "dropped")
    assert len(lengths) > 2
    assert not [length for length in lengths[:-1] if length % size]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(runs, tmp_path, monkeypatch):
    monkeypatch.setattr("bptrain.tables.source.CHUNK_ROWS", 500)
    # Small files are read whole, and so is the beginning of any.
    monkeypatch.setattr("bptrain.tables.sources.csv_text.csv_reader.SMALL_BYTES", 0)
    monkeypatch.setattr("bptrain.tables.sources.csv_text.csv_layout.LONGEST", 20_000)
    peaks = []
    for rows in (1500, 1500, 12_000):
        path = mixed(tmp_path / f"{rows}.csv", rows, holes=False)
        tracemalloc.start()
        quietly(runs["classes"], path, output=tmp_path / "out.csv", force=True)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.2 * peaks[1]


def test_rows_that_are_dropped_keep_their_place_and_are_counted(runs, table, tmp_path):
    warnings.simplefilter("ignore", BptrainNote)
    with pytest.warns(
        BptrainWarning, match=r"54 of 700 rows have no prediction because .*'age' in 54\); their cells are empt"
    ):
        found = bptrain.predict(runs["dropped"], table, ids=["key"], output=tmp_path / "out.csv")
    lines = read(tmp_path / "out.csv")[1:]
    assert found.dropped == 54
    for k, line in enumerate(lines):
        assert line[0] == f"{k:05d}"
        assert (line[1:] == [""] * 4) == (k % 13 == 3)


def test_columns_are_found_by_name(runs, table, tmp_path):
    """Order and extra columns change nothing, and the target is not needed."""
    header, *lines = read(table)
    order = [header.index(name) for name in ("city", "age", "member", "size")]
    with open(tmp_path / "other.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows(
            [[*(line[k] for k in order), "x"] for line in [[*header, "more"], *lines]]
        )
    with pytest.warns(BptrainNote, match=r"other\.csv: ignored the column 'x'"):
        found = bptrain.predict(runs["classes"], tmp_path / "other.csv")
    for label, column in quietly(runs["classes"], table).table.items():
        assert column.tolist() == found.table[label].tolist()


def test_missing_columns_are_listed(runs, table, tmp_path):
    (tmp_path / "few.csv").write_text("size,Age\n1,2\n")
    with pytest.raises(InputError, match=r"few\.csv has no columns 'age' .*'Age'.*, 'city', 'member'"):
        bptrain.predict(runs["classes"], tmp_path / "few.csv", output=tmp_path / "out.csv")
    assert os.listdir(tmp_path) == ["few.csv"]


def test_missing_values_and_unseen_categories_are_handled_as_in_training(runs, table, tmp_path):
    (tmp_path / "a.csv").write_text("size,age,city,member\n1,,Ulm,yes\n1,30,Ulm,yes\n")
    stored = next(one for one in load_checkpoint(runs["classes"])[0].columns.features if one.name == "age").value
    (tmp_path / "b.csv").write_text(f"size,age,city,member\n1,{stored!r},Ulm,yes\n1,30,Ulm,yes\n")
    one, other = (bptrain.predict(runs["classes"], tmp_path / name) for name in ("a.csv", "b.csv"))
    assert one.table["kind=low"].tolist() == other.table["kind=low"].tolist()
    (tmp_path / "c.csv").write_text("size,age,city,member\n1,30,Ulm,yes\n1,30,Rome,yes\n")
    with pytest.raises(InputError, match=r"c\.csv:3: city: a value unseen in training \(got 'Rome'"):
        bptrain.predict(runs["classes"], tmp_path / "c.csv")
    run = train_run(table.parent, "target: kind, unseen: ignore")
    with pytest.warns(BptrainWarning, match=r"values unseen in training are ignored \('city' in 1 row\)"):
        found = bptrain.predict(run, tmp_path / "c.csv")
    assert (found.rows, found.dropped, found.unseen) == (2, 0, {"city": 1})


HEADER = b"size,age,city,member\n"
HOSTILE = [
    ("empty.csv", b"", r":1: the file is empty"),
    ("blank.csv", b"\n\n", r":1: the file is empty"),
    ("header.csv", HEADER, r":2: the file has a header and no rows"),
    ("text.csv", HEADER + b"1,2,Ulm,yes\nten,2,Ulm,yes\n", r":3: size: text among the numbers \(got 'ten'\)"),
    ("comma.csv", HEADER + b'"1,5",2,Ulm,yes\n', r":2: size: text among the numbers \(got '1,5'\); .*decimal"),
    ("cp1252.csv", HEADER + "1,2,Köln,yes\n".encode("cp1252"), r":2: city: the byte 0xf6, which is not UTF-8"),
    ("utf32.csv", (HEADER.decode() + "1,2,Ulm,yes\n").encode("utf-32"), r":1: the file is UTF-32 text"),
    ("nul.csv", HEADER + b"1,2,Ulm,yes\n1,2,U\0m,yes\n", r":3: city: a NUL byte"),
    ("short.csv", HEADER + b"1,2,Ulm,yes\n1,2,Ulm\n", r":3: member: the line has 3 values, and the header has 4"),
    ("long.csv", HEADER + b"1,2,Ulm,yes,9\n", r":2: the line has 5 values, and the header has 4"),
    ("open.csv", HEADER + b'1,2,"Ulm,yes\n', r":2: city: a quoted value does not end"),
    ("twice.csv", b"size,size,city,member\n1,2,Ulm,yes\n", r":1: two columns are named 'size'"),
    ("ends.csv", HEADER + b"1,2,Ulm,yes\r\n1,2,Ulm,yes\n", r":2: the line ends in CR LF"),
    ("infinite.csv", HEADER + b"1,2,Ulm,yes\n1e999,2,Ulm,yes\n", r":3: size: an infinite value"),
    ("huge.csv", HEADER + b"1,2,Ulm,yes\n1e300,2,Ulm,yes\n", r":3: size: 1e\+300 is too large"),
    ("hole.csv", HEADER + b"1,2,Ulm,yes\n1,2,,yes\n", r":3: city: a missing value"),
    ("maybe.csv", HEADER + b"1,2,Ulm,yes\n1,2,Ulm,maybe\n", r":3: member: expected no or yes \(got 'maybe'\)"),
    ("packed.csv.gz", HEADER + b"1,2,Ulm,yes\n", r": not a gzip file"),
    ("markup.csv", b"[red]size,\x1b[31mage\n1,2\n", r" has no columns .*it has '\[red\]size', '\\x1b\[31mage'"),
    ("book.xlsx", b"PK\x03\x04", r": cannot be read as an Excel file"),
    ("rows.jsonl", b'{"size": 1}\n[2]\n', r":2: expected an object"),
    ("rows.npy", b"not an array", r": not an array that can be read"),
    ("rows.parquet", b"PAR1", r": the Parquet file is cut short"),
    ("gone.csv", None, r": no such file"),
]


@pytest.mark.parametrize(("name", "content", "message"), HOSTILE, ids=[row[0] for row in HOSTILE])
def test_a_file_that_cannot_be_used_is_an_error_with_its_place(runs, table, tmp_path, name, content, message):
    run = runs["classes"] if name != "hole.csv" else runs["dropped"]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        bptrain.predict(run, name, output="out.csv")
    (line,) = caught.value.lines
    assert re.match(re.escape(name) + message, line), line
    assert "\x1b" not in line
    assert not Path("out.csv").exists()
    assert not [path for path in os.listdir() if "tmp" in path]


WRONG = {
    2: ("size", "x;y", "size: text among the numbers (got 'x;y')"),
    299: ("city", "Rom", "city: a value unseen in training (got 'Rom', expected one of 'Bonn', 'Köln', 'Ulm')"),
    300: ("size", "1e300", "size: 1e+300 is too large to train with"),
    698: ("member", "maybe", "member: expected no or yes (got 'maybe')"),
    699: ("age", "1e999", "age: an infinite value"),
}
"""Rows of the mixed table with a value that cannot be used: its column, the value, and the reason given for it."""


def test_rows_that_cannot_be_predicted_are_left_empty_with_the_reason(bptrain_in, runs, table, tmp_path):
    with open(table, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    others = [row for k, row in enumerate(rows) if k not in WRONG]
    for k, (name, text, _) in WRONG.items():
        rows[k][header.index(name)] = text
    for file, some in (("wrong.csv", rows), ("others.csv", others)):
        with open(tmp_path / file, "w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows([header, *some])
    stopped = bptrain_in("predict", runs["classes"], "wrong.csv", "-o", "out.csv")
    assert stopped.returncode == 2
    assert "--on-error skip" in stopped.stderr
    assert not (tmp_path / "out.csv").exists()
    done = bptrain_in("predict", runs["classes"], "wrong.csv", "-o", "out.csv", "--on-error", "skip", "--id", "key")
    assert done.returncode == 0, done.stderr
    assert "5 of 700 rows cannot be predicted" in done.stderr
    assert "wrong.csv:4: size: text among" in done.stderr
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BptrainNote)
        expected = bptrain.predict(runs["classes"], "others.csv", ids=["key"]).table
    with open(tmp_path / "out.csv", encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["key"] for row in found] == [row[0] for row in rows]
    for k, (_, _, reason) in WRONG.items():
        assert found[k] == {**dict.fromkeys(found[k], ""), "key": rows[k][0], "error": reason}
    good = [row for k, row in enumerate(found) if k not in WRONG]
    for name, values in expected.items():
        assert [row[name] for row in good] == list(map(str, values))
    assert {row["error"] for row in good} == {""}


def test_the_lines_of_few_skipped_rows_are_looked_up(runs, tmp_path, monkeypatch):
    """To look one up, the file is read from its beginning."""
    asked = []
    monkeypatch.setattr(CsvLines, "__call__", lambda lines, row: asked.append(row) or f"{row}")
    (tmp_path / "bad.csv").write_bytes(HEADER + b"x,2,Rome,yes\n" * 300)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BptrainWarning)
        assert bptrain.predict(runs["classes"], "bad.csv", on_error="skip").skipped == 300
    assert asked == [0, 1, 2]


def test_rows_dropped_by_the_config_and_skipped_ones_are_counted_apart(runs, tmp_path):
    (tmp_path / "some.csv").write_bytes(HEADER + b"1,2,Ulm,yes\n1,,Ulm,yes\n1,2,,yes\n,,Ulm,yes\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BptrainWarning)
        found = bptrain.predict(runs["dropped"], "some.csv", on_error="skip")
    assert (found.rows, found.dropped, found.skipped) == (4, 2, 1)
    dropped = "a missing value, and the config drops such rows"
    assert found.table["error"].tolist() == [None, dropped, "city: a missing value or NaN", dropped]


def test_a_hole_in_new_rows_is_filled_in_once_the_advice_is_followed(bptrain_in, tmp_path):
    rows = "".join(f"{k % 9},{'pq'[k % 2]},{'ab'[k % 2]}\n" for k in range(60))
    (tmp_path / "d.csv").write_text("x,k,y\n" + rows)
    (tmp_path / "n.csv").write_text("x,k\n,p\n0.5,\n")
    config = "data: {source: {csv: d.csv}, target: y%s}\nhidden: [4]\ntraining: {epochs: 1}\n"
    columns: dict[str, str] = {}
    for name, advised in (("x", "median"), ("k", "most_frequent"), (None, None)):
        text = ", ".join(f"{key}: {{missing: {value}}}" for key, value in columns.items())
        (tmp_path / "c.yaml").write_text(config % (f", columns: {{{text}}}" if text else ""))
        run = f"r{len(columns)}"
        trained = bptrain_in("train", "c.yaml", "--quiet", "--run", run)
        assert trained.returncode == 0, trained.stderr
        done = bptrain_in("predict", run, "n.csv")
        if name is None:
            assert done.returncode == 0, done.stderr
            assert done.stdout.count("\n") == 3
            break
        assert f"write under data: columns: {{{name}: {{missing: {advised}}}}}" in done.stderr
        columns[name] = advised


CELLS = [
    ("=1+1", "'=1+1"),
    ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
    ('=HYPERLINK("http://x","y")', '\'=HYPERLINK("http://x","y")'),
    ("+1+1", "'+1+1"),
    ("+cmd", "'+cmd"),
    ("-2+3", "'-2+3"),
    ("-cmd", "'-cmd"),
    ("@SUM(A1)", "'@SUM(A1)"),
    ("\t=1", "'\t=1"),
    ("\r=1", "'\r=1"),
    ("\n=1", "'\n=1"),
    ("\tplain", "'\tplain"),
    ("  =1", "'  =1"),
    ("\u00a0=1", "'\u00a0=1"),
    ("＝1", "'＝1"),
    ("=", "'="),
    ("-", "'-"),
    ("--", "'--"),
    ("+49 170 1", "'+49 170 1"),
    ("-5", "-5"),
    ("+49170", "+49170"),
    ("-1.5e-3", "-1.5e-3"),
    ("1=1", "1=1"),
    ("a\r\n=1", "a\r\n=1"),
    ('say "=1"', 'say "=1"'),
    ("a,b;c\td", "a,b;c\td"),
    ("007", "007"),
    ("", ""),
    ("'=1", "'=1"),
    ("Köln ☃", "Köln ☃"),
    (-5, "-5"),
    (-1.5, "-1.5"),
    (np.float32(-0.1), "-0.1"),
    (None, ""),
]


def column(values):
    out = np.empty(len(values), object)
    out[:] = values
    return out


def test_cells_survive_the_round_trip_and_none_starts_a_formula(tmp_path):
    values = column([value for value, _ in CELLS])
    with open(tmp_path / "cells.csv", "w", encoding="utf-8", newline="") as file:
        CsvExport(file, ["=name", "again", "n"], ids=2).write([values, values, np.arange(len(values))])
    header, *rows = read(tmp_path / "cells.csv")
    assert header == ["'=name", "again", "n"]
    assert rows == [[cell, cell, str(k)] for k, (_, cell) in enumerate(CELLS)]
    texts = [cell for value, cell in CELLS if isinstance(value, str)]
    number = re.compile(r"[-+][0-9.]+(e[-+]?[0-9]+)?")
    assert not [text for text in texts if text[:1] in tuple("=+-@\t\r\n") and not number.fullmatch(text)]
    assert any(escape_formula(value) != value for value, _ in CELLS)


def test_ids_are_copied_as_text_and_escaped(runs, tmp_path):
    (tmp_path / "new.csv").write_bytes(
        b"key,size,age,city,member,note\n007,1,2,Ulm,yes,=1+1\n12345678901234567890,1,2,Bonn,no,-3\n"
    )
    out = tmp_path / "out.csv"
    found = bptrain.predict(runs["number"], "new.csv", ids=["key", "note", "size"], output=out)
    assert [row[:3] for row in read(out)] == [
        ["key", "note", "size"],
        ["007", "'=1+1", "1"],
        ["12345678901234567890", "-3", "1"],
    ]
    assert found.columns == ("key", "note", "size", "predicted_price")


def test_ids_that_cannot_be_copied(runs, table, tmp_path):
    with pytest.raises(InputError, match=r"has no column 'keys'; did you mean 'key'\?"):
        bptrain.predict(runs["number"], table, ids=["keys"])
    (tmp_path / "a.csv").write_text("size,age,city,member,predicted_price\n1,2,Ulm,yes,7\n")
    with pytest.raises(InputError, match=r"--id 'predicted_price': the predictions have a column of this name"):
        bptrain.predict(runs["number"], "a.csv", ids=["predicted_price"])
    (tmp_path / "a.jsonl").write_text('{"size": 1, "age": 2, "city": "Ulm", "member": "yes", "n": 9007199254740993}\n')
    with pytest.raises(InputError, match=r"a\.jsonl:1: n: a number of more than 15 digits"):
        bptrain.predict(runs["number"], "a.jsonl", ids=["n"])


def test_the_id_of_the_config_is_copied_if_the_file_has_it(runs, table, tmp_path):
    run = train_run(table.parent, "target: price, id: key")
    assert quietly(run, table).columns == ("key", "predicted_price")
    assert quietly(run, table, ids=[]).columns == ("predicted_price",)
    (tmp_path / "a.csv").write_text("size,age,city,member\n1,2,Ulm,yes\n")
    assert bptrain.predict(run, "a.csv").columns == ("predicted_price",)


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".tsv", ".csv.gz", ".npz"])
def test_every_format_gives_the_same(runs, table, tmp_path, suffix):
    path = tmp_path / f"mixed{suffix}"
    if suffix == ".npz":
        header, *lines = read(table)
        arrays = {name: [line[k] for line in lines] for k, name in enumerate(header)}
        numeric = {"size", "age"}
        cast = {name: np.array([float(c or "nan") for c in a]) for name, a in arrays.items() if name in numeric}
        np.savez(path, **cast, city=arrays["city"], member=arrays["member"])
    else:
        options = {".parquet": "FORMAT parquet", ".jsonl": "FORMAT json", ".tsv": "DELIMITER '\t', HEADER"}
        how = options.get(suffix, "HEADER, COMPRESSION gzip")
        duckdb.sql(
            f"COPY (FROM read_csv('{table}', all_varchar = false, types = {{'member': 'VARCHAR'}})) TO '{path}' ({how})"
        )
    for name in ("classes", "number"):
        one, other = quietly(runs[name], table), quietly(runs[name], path)
        assert one.rows == other.rows
        for label, values in one.table.items():
            assert values.tolist() == other.table[label].tolist()


def test_images_of_mnist_need_no_labels(tmp_path):
    rng = np.random.default_rng(0)
    pixels, labels = rng.integers(0, 256, (40, 3, 3), np.uint8), np.arange(40, dtype=np.uint8) % 2
    for name, array in (("images-idx3-ubyte", pixels), ("labels-idx1-ubyte", labels)):
        shape = b"".join(length.to_bytes(4, "big") for length in array.shape)
        (tmp_path / name).write_bytes(bytes([0, 0, 8, array.ndim]) + shape + array.tobytes())
    Path("my.yaml").write_text(
        "data: {source: {idx: {images: images-idx3-ubyte, labels: labels-idx1-ubyte}}}\n"
        "hidden: [4]\ntraining: {epochs: 1}\n"
    )
    run = bptrain.train("my.yaml").run
    found = bptrain.predict(run, "images-idx3-ubyte")
    assert found.columns == ("predicted_label", "label=0", "label=1")
    assert set(found.table["predicted_label"].tolist()) <= {0, 1}
    assert found.rows == 40


@pytest.mark.parametrize("length", [3, 50, 1000])
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_late_row_is_named_by_its_line(runs, tmp_path, monkeypatch, length, suffix):
    """Dropped rows and earlier chunks do not shift it."""
    monkeypatch.setattr("bptrain.tables.source.CHUNK_ROWS", length)
    lines = ["1,,Ulm,yes" if k % 3 == 0 else "1,2,Ulm,yes" for k in range(400)]
    for late in (0, 198, 398):
        text = "\n".join(["size,age,city,member", *lines[:late], "1,2,Ulm,maybe", *lines[late:]]) + "\n"
        Path("late.csv").write_text(text)
        if suffix == ".jsonl":
            names = ("size", "age", "city", "member")
            rows = [dict(zip(names, line.split(","), strict=True)) for line in text.split("\n")[1:-1]]
            Path("late.jsonl").write_text(
                "".join(json.dumps({k: v or None for k, v in r.items()}) + "\n" for r in rows)
            )
        line = late + (2 if suffix == ".csv" else 1)
        with pytest.raises(InputError, match=rf"^late{suffix}:{line}: member: expected no or yes"):
            quietly(runs["dropped"], f"late{suffix}")


def test_a_file_is_overwritten_only_with_force(runs, table, tmp_path):
    out = tmp_path / "out.csv"
    out.write_text("mine")
    with pytest.raises(InputError, match=r"out\.csv: exists already and is not overwritten; .*--force"):
        bptrain.predict(runs["number"], table, output=out)
    assert out.read_text() == "mine"
    (tmp_path / "bad.csv").write_text("size,age,city,member\n" + "1,2,Ulm,yes\n" * 900 + "1,2,Ulm,maybe\n")
    with pytest.raises(InputError, match=r"bad\.csv:902: member"):
        quietly(runs["number"], "bad.csv", output=out, force=True)
    assert out.read_text() == "mine"
    quietly(runs["number"], table, output=out, force=True)
    assert len(read(out)) == ROWS + 1
    assert sorted(os.listdir(tmp_path)) == ["bad.csv", "out.csv"]


def test_the_input_is_never_overwritten(runs, tmp_path):
    text = "size,age,city,member\n1,2,Ulm,yes\n"
    (tmp_path / "in.csv").write_text(text)
    os.link("in.csv", "hard.csv")
    os.symlink("in.csv", "soft.csv")
    for place in ("in.csv", "hard.csv", "soft.csv", f"{tmp_path}/./in.csv"):
        for source in ("in.csv", "i*.csv"):
            with pytest.raises(InputError, match="it is the input, which is not overwritten"):
                bptrain.predict(runs["number"], source, output=place, force=True)
    assert (tmp_path / "in.csv").read_text() == text


PLACES = [
    ("out.parquet", "predictions are written as CSV; end the name in .csv"),
    ("out", "predictions are written as CSV"),
    ("folder.csv", "this is a folder; name a file in it"),
    ("nowhere/out.csv", "there is no folder 'nowhere'; create it first"),
]


@pytest.mark.parametrize(("place", "message"), PLACES)
def test_paths_that_cannot_be_written(runs, table, tmp_path, place, message):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match=f"^{re.escape(place)}: {message}"):
        bptrain.predict(runs["number"], table, output=place)


def test_an_output_that_is_not_finite_is_an_error(runs, tmp_path, monkeypatch):
    model, stored = load_checkpoint(runs["number"])
    model.network.theta *= 1e19
    monkeypatch.setattr("bptrain.commands.predict.load_checkpoint", lambda path: (model, stored))
    (tmp_path / "a.csv").write_text("size,age,city,member\n1,2,Ulm,yes\n3e15,2,Ulm,yes\n")
    with pytest.raises(InputError, match=r"a\.csv:3: the network's output is not finite"):
        bptrain.predict(runs["number"], "a.csv")


def test_the_command_prints_one_json_object(bptrain_in, runs, table):
    done = bptrain_in("predict", runs["classes"], table, "--json", "--id", "key")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found) == {"rows", "dropped", "skipped", "unseen", "columns", "output", "predictions"}
    assert (found["rows"], found["dropped"], found["output"]) == (ROWS, 0, None)
    assert [list(row) for row in found["predictions"]] == [found["columns"]] * ROWS
    assert found["predictions"][7]["key"] == "00007"
    written = bptrain_in("predict", runs["classes"], table, "--json", "-o", "out.csv")
    found = json.loads(written.stdout)
    assert (found["output"], found["predictions"], found["rows"]) == ("out.csv", None, ROWS)


def test_the_command_writes_the_same_csv_to_a_pipe_and_to_a_file(bptrain_in, runs, table, tmp_path):
    piped = bptrain_in("predict", runs["dropped"], table)
    assert piped.returncode == 0
    assert "warning: " in piped.stderr
    assert bptrain_in("predict", runs["dropped"], table, "-o", "out.csv").stdout == "out.csv: 700 rows written\n"
    assert piped.stdout == (tmp_path / "out.csv").read_text()
    again = bptrain_in("predict", runs["dropped"], table, "-o", "out.csv")
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr.startswith("error: out.csv: exists already")
    (tmp_path / "few.csv").write_text("size\n1\n")
    wrong = bptrain_in("predict", runs["dropped"], "few.csv")
    assert (wrong.returncode, wrong.stdout) == (2, "")


def test_the_table_of_the_first_rows_has_no_control_characters(runs, tmp_path, capsys):
    (tmp_path / "new.csv").write_bytes(
        "[red]key,size,age,city,member\n\x1b[31mA[/red]‮,1,2,Ulm,yes\n".encode() + b"b,1,2,Ulm,yes\n" * 40
    )
    found = bptrain.predict(runs["classes"], "new.csv", ids=["[red]key"], keep=20)
    assert (found.rows, len(found.table["kind=low"])) == (41, 20)
    print_predictions(found)
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert "‮" not in text
    assert "[red]key" in text
    assert r"\x1b[31mA[/red]\u202e" in text
    assert "21 more rows; write them all with -o OUT.csv" in text
    assert "kind=low" in text


def test_a_stream_gets_what_a_file_gets(runs, table, tmp_path):
    stream = io.StringIO()
    quietly(runs["number"], table, output=stream)
    quietly(runs["number"], table, output=tmp_path / "out.csv")
    assert stream.getvalue() == (tmp_path / "out.csv").read_text()

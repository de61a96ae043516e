"""Splits by time, group, column and file: what each guarantees; and rows that appear in several splits."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bptrain
from bptrain.columns.profile.split_profile import count_duplicates
from bptrain.columns.splits.split import Split, split_rows
from bptrain.errors import InputError, OptionError
from bptrain.model.assemble import assemble_file
from bptrain.tables.table import Selection, Table

SHARES = st.tuples(st.sampled_from([0.0, 0.1, 0.2, 0.3]), st.sampled_from([0.0, 0.1, 0.25]))


def split_values(split, values, seed=0):
    table = Table({"c": values, "y": np.arange(float(len(values)))}, "t")
    return split_rows(split, Selection(table, np.arange(len(values))), None, np.random.default_rng(seed))


def objects(values):
    column = np.empty(len(values), object)
    column[:] = values
    return column


@given(st.lists(st.integers(0, 30), min_size=10, max_size=200), SHARES, st.booleans())
def test_time_holds_out_the_latest_rows_and_keeps_equal_times_together(times, shares, as_dates):
    values = objects([f"2024-01-{day + 1:02d}" for day in times]) if as_dates else np.array(times, float)
    try:
        parts = split_values(Split(*shares, "time", "c"), values)
    except OptionError:
        # Each split needs at least two times.
        assert len(set(times)) <= 3 or min(share for share in shares if share) * len(times) < 1
    else:
        together = np.concatenate(list(parts.values()))
        assert sorted(together.tolist()) == list(range(len(times)))
        moments = [{times[k] for k in parts[name]} for name in ("train", "validation", "test")]
        moments = [one for one in moments if one]
        assert all(max(one) < min(other) for one, other in pairwise(moments))
        for name, share in zip(("validation", "test"), shares, strict=True):
            assert bool(len(parts[name])) == bool(share)


def test_time_holds_out_the_given_shares():
    rng = np.random.default_rng(0)
    parts = split_values(Split(0.2, 0.1, "time", "c"), rng.permutation(100).astype(float))
    assert {name: len(rows) for name, rows in parts.items()} == {"train": 70, "validation": 20, "test": 10}


@given(st.lists(st.integers(0, 12), min_size=10, max_size=200), SHARES, st.integers(0, 9))
def test_no_group_is_in_two_splits(groups, shares, seed):
    values = objects([f"g{group}" for group in groups])
    try:
        parts = split_values(Split(*shares, "group", "c"), values, seed)
    except OptionError:
        assert len(set(groups)) <= 2
    else:
        together = np.concatenate(list(parts.values()))
        assert sorted(together.tolist()) == list(range(len(groups)))
        sides = [{groups[k] for k in rows} for rows in parts.values()]
        assert sum(map(len, sides)) == len(set(groups))
        assert parts["train"].size


def test_groups_match_the_shares_and_depend_on_the_seed():
    values = np.repeat(np.arange(100.0), 5)
    one, same, other = (split_values(Split(0.2, 0.1, "group", "c"), values, seed) for seed in (1, 1, 2))
    assert {name: len(rows) for name, rows in one.items()} == {"train": 350, "validation": 100, "test": 50}
    assert (one["test"] == same["test"]).all()
    assert (one["test"] != other["test"]).any()


@given(st.lists(st.integers(1, 40), min_size=5, max_size=30), st.integers(0, 9))
def test_groups_never_hold_out_more_than_the_share_if_any_fits(sizes, seed):
    parts = split_values(Split(0.2, 0, "group", "c"), np.repeat(np.arange(float(len(sizes))), sizes), seed)
    assert len(parts["validation"]) <= max(round(0.2 * sum(sizes)), min(sizes))


def test_a_column_names_the_split_of_each_row():
    parts = split_values(
        Split(method="column", column="c"), objects(["Train", "test", "val", "train", "dev", "TRAINING"])
    )
    assert {name: rows.tolist() for name, rows in parts.items()} == {
        "train": [0, 3, 5],
        "validation": [2, 4],
        "test": [1],
    }


REFUSED = [
    (
        "time",
        objects(["2024-01-01", "01.02.2024"]),
        r"t, row 2: c: expected a number or a date \(got '01\.02\.2024'\); write",
    ),
    ("time", objects(["2024-01-01", None]), "t, row 2: c: a missing value in the column that decides the split"),
    ("time", np.ones(30), "validation: no row is left|test: no row is left"),
    ("group", objects(["a"] * 30), "no group is left for"),
    ("group", np.array([1.0, np.nan]), "t, row 2: c: a missing value in the column that decides the split"),
    ("column", objects(["train", "tset"]), r"t, row 2: c: expected train, validation or test \(got 'tset'\)"),
    ("column", objects(["test", "test"]), "no row is left to train on"),
]


@pytest.mark.parametrize(("method", "values", "message"), REFUSED)
def test_a_column_that_cannot_be_used(method, values, message):
    with pytest.raises(InputError, match=message):
        split_values(Split(method=method, column="c"), values)


WRONG = [
    ({"method": "time"}, "method: time needs a column"),
    ({"column": "c"}, "column: is only used by the methods time, group and column"),
    ({"validation": 0.5, "test": 0.5}, "leave no rows to train on"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_a_split_that_contradicts_itself(options, message):
    with pytest.raises(OptionError, match=message):
        Split(**options)


def sales(name="sales.csv", rows=120, start=0):
    rng = np.random.default_rng(start)
    lines = ["day,shop,part,x,z,y"]
    for k in range(rows):
        day = f"2024-{1 + k // 28:02d}-{1 + k % 28:02d}"
        part = ("train", "train", "train", "validation", "test")[k % 5]
        lines.append(f"{day},s{k % 9},{part},{rng.normal():.4f},{rng.normal():.4f},{rng.integers(0, 2)}")
    Path(name).write_text("\n".join(lines) + "\n")


def config(split, more=""):
    sales()
    Path("c.yaml").write_text(
        "data:\n  source: {csv: sales.csv}\n  target: y\n  features: {exclude: [day, shop, part]}\n"
        f"  split: {split}\n{more}hidden: [4]\ntraining: {{epochs: 2}}\n"
    )
    return "c.yaml"


METHODS = [
    "{method: time, column: day}",
    "{method: group, column: shop, validation: 0.2, test: 0.2}",
    "{method: column, column: part}",
    "{test: {csv: other.csv}}",
    "{validation: {csv: other.csv}, test: {csv: sales2.csv}}",
]


@pytest.mark.parametrize("split", METHODS)
def test_a_run_is_evaluated_on_its_own_test_rows(split):
    sales("other.csv", 30, 1)
    sales("sales2.csv", 20, 2)
    result = bptrain.train(config(split))
    again = bptrain.evaluate("runs/c-001")
    assert (again.split, again.rows, again.loss) == ("test", len(result.session.splits["test"]), result.test.loss)
    if "csv" in split:
        assert again.rows == (30 if "other.csv}}" in split else 20)
        sales("other.csv", 30, 3)
        with pytest.raises(InputError, match="has changed since the model was trained"):
            bptrain.evaluate("runs/c-001")


def test_the_column_of_a_split_is_a_feature_only_if_listed():
    Path("n.csv").write_text("when,x,y\n" + "".join(f"{k},{k % 7},{k % 2}\n" for k in range(60)))
    text = "data: {source: {csv: n.csv}, target: y, %s split: {method: time, column: when}}\nhidden: [2]\n"
    for features, expected in (("", ("x",)), ("features: [when, x],", ("when", "x"))):
        Path("n.yaml").write_text(text % features)
        assert assemble_file("n.yaml").model.columns.input_names == expected


PLACES = [
    ("{method: time, column: dy}", r"c\.yaml:5:33: data\.split\.column: .*no column 'dy'; did you mean 'day'"),
    ("{test: {csv: gone.csv}}", r"c\.yaml:5:23: data\.split\.test\.csv\.path: no such file"),
    ("{test: {cvs: gone.csv}}", r"c\.yaml:5:18: data\.split\.test\.cvs: unknown source 'cvs'"),
    ("{method: time}", r"c\.yaml:5:19: data\.split\.method: time needs a column"),
    ("{test: 1.5}", r"c\.yaml:5:17: data\.split\.test: expected .*a number >= 0 and < 1 \(got 1\.5\)"),
]


ADVICE = [
    ("{method: time}", "write column: NAME beside it", "{method: time, column: day}"),
    ("{column: day}", "write method: time, group or column", "{method: group, column: day}"),
    ("{column: day}", "or remove column", "{}"),
    ("{validation: 0.5, test: 0.5}", "make them add up to less than 1", "{validation: 0.4, test: 0.5}"),
    (
        "{method: column, column: part, test: {csv: sales.csv}}",
        "remove the source of test",
        "{method: column, column: part}",
    ),
    ("{test: 0.001}", "use a larger share, or 0", "{test: 0}"),
    ("{test: 0.001}", "use a larger share, or 0", "{test: 0.1}"),
]


@pytest.mark.parametrize(("split", "message", "followed"), ADVICE)
def test_a_split_that_follows_the_advice_is_valid(split, message, followed):
    (problem,) = bptrain.validate([config(split)]).problems
    assert message in problem.message
    assert bptrain.validate([config(followed)]).problems == ()


@pytest.mark.parametrize(("split", "message"), PLACES)
def test_mistakes_are_reported_with_their_place(split, message):
    with pytest.raises(InputError) as caught:
        assemble_file(config(split))
    assert re.search(message, str(caught.value)), str(caught.value)


def test_a_class_of_one_row_and_a_class_unseen_in_training():
    Path("r.csv").write_text("x,y\n" + "".join(f"{k},{'ab'[k % 2]}\n" for k in range(50)) + "9,c\n")
    text = "data: {source: {csv: r.csv}, target: y, features: [x], split: {%s}}\nhidden: [2]\n"
    Path("r.yaml").write_text(text % "validation: 0.2")
    with pytest.raises(InputError, match=r"data\.split\.method: the class 'c' has a single row \(.*r\.csv:52\)"):
        assemble_file("r.yaml")
    Path("r.yaml").write_text(text % "method: time, column: x, validation: 0, test: 0.9")
    Path("r.csv").write_text("x,y\n" + "".join(f"{k},{'abc'[k // 20]}\n" for k in range(60)))
    with pytest.raises(InputError, match=r"the target has a single class, 'a', in the 6 training rows"):
        assemble_file("r.yaml")
    Path("r.yaml").write_text(text % "method: time, column: x, validation: 0, test: 0.5")
    with pytest.raises(InputError, match=r"r\.csv:42: y: a class unseen in training, one of 20 such rows \(got 'c'"):
        assemble_file("r.yaml")


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=4, max_size=60), st.integers(0, 9))
def test_duplicates_are_counted_like_with_sets_of_rows(rows, seed):
    table = np.array(rows, np.float32)
    cut = sorted(np.random.default_rng(seed).integers(1, len(rows), 2))
    parts = {"train": table[: cut[0]], "validation": table[cut[0] : cut[1]], "test": table[cut[1] :]}
    seen, expected = set(map(tuple, parts["train"])), {}
    for name in ("validation", "test"):
        expected[name] = sum(tuple(row) in seen for row in parts[name])
        seen |= set(map(tuple, parts[name]))
    inputs = {name: part[:, :1] for name, part in parts.items()}
    found = count_duplicates(inputs, {name: part[:, 1].astype(np.int64) for name, part in parts.items()})
    assert found == {name: count for name, count in expected.items() if count}


def test_a_note_counts_the_duplicates_across_splits(bptrain_in):
    lines = [f"{k},{k * k % 17},{k % 2}" for k in range(60)]
    Path("d.csv").write_text("a,b,y\n" + "\n".join(lines + lines) + "\n")
    Path("d.yaml").write_text("data: {source: {csv: d.csv}, target: y}\nhidden: [2]\ntraining: {epochs: 1}\n")
    parts = assemble_file("d.yaml").splits
    seen, counts = {lines[k % 60] for k in parts["train"].numbers}, []
    for name in ("validation", "test"):
        mine = [lines[k % 60] for k in parts[name].numbers]
        counts.append(f"{sum(line in seen for line in mine)} of 18 {name} rows duplicate")
        seen |= set(mine)
    note = f"{counts[0]} training rows, {counts[1]} training or validation rows"
    assert f"note: {note}\n" in bptrain_in("train", "d.yaml").stderr
    done = bptrain_in("validate", "d.yaml")
    assert (done.returncode, done.stderr) == (0, f"note: d.yaml: {note}\n")


def test_rows_that_differ_in_a_column_of_few_values_are_not_duplicates():
    """Columns with many values are compared first; the others count too."""
    rng = np.random.default_rng(0)
    inputs = np.concatenate([rng.normal(size=(50, 9)), np.zeros((50, 1))], axis=1)
    other = inputs.copy()
    other[:20, 9] = 1
    targets = np.zeros(50, np.int64)
    assert count_duplicates({"train": inputs, "test": other}, {"train": targets, "test": targets}) == {"test": 30}
    assert count_duplicates({"train": inputs, "test": other}, {"train": targets, "test": targets + 1}) == {}

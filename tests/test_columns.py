"""Columns: kinds inferred from the training rows, imputers, one-hot, and the same encoding of any later table."""

import json
import re
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from samples import numbers, text
from speeds import sampled

import bptrain
from bptrain.columns.columns import Columns, fit
from bptrain.columns.fit import fit_feature
from bptrain.columns.imputers import Constant, Drop, Mean, Median, MostFrequent
from bptrain.columns.kinds import infer_kind
from bptrain.columns.options import Treatment
from bptrain.columns.scalers import Log1p, MinMax, Robust, Standard, Unscaled
from bptrain.errors import BptrainNote, BptrainWarning, ConfigError, InputError
from bptrain.model.assemble import assemble_file
from bptrain.tables.table import Selection, Table

KINDS = [
    (numbers(1, 2.5, None), "numeric", 0),
    (numbers(0, 1, 1), "numeric", 0),
    (text("true", "FALSE", None, "True"), "boolean", 2),
    (text("yes", "no"), "boolean", 2),
    (text("0", "1", "1"), "boolean", 2),
    (text("yes", "yes"), "boolean", 1),
    (text("yes", "no", "maybe", "no", "yes", "maybe"), "categorical", 3),
    (text("a", "b"), "categorical", 2),
    (text(*[f"c{k % 100}" for k in range(200)]), "categorical", 100),
    (text(*[f"c{k % 101}" for k in range(300)]), "text", 101),
    (text("a", "b", "c"), "text", 3),
    (text(*"abcabc"), "categorical", 3),
    (text("1", "2", "ten"), "mixed", 3),
    (text("1,5", "2,5", "3,5"), "mixed", 3),
    (text(None, None), "empty", 0),
]


@pytest.mark.parametrize(("values", "kind", "distinct"), KINDS, ids=[f"{row[1]}-{k}" for k, row in enumerate(KINDS)])
def test_the_kind_of_a_column(values, kind, distinct):
    found = infer_kind(values)
    assert (found.kind, found.distinct) == (kind, distinct)


def fitted(values, kind="numeric", **treatment):
    table = Table({"x": values, "y": np.arange(float(len(values)))}, "t")
    return fit(table, np.arange(len(values)), {"x": (kind, Treatment(kind, **treatment))}, {"y": Treatment()})


# Calculated by hand.
SCALED = [
    (Standard(), [1, 2, 3, 4, 5], 3, 0.0),
    (Standard(), [1, 2, 3, 4, 5], 3 + 2**0.5, 1.0),
    (MinMax(), [2, 4, 10], 4, 0.25),
    # Another number than the only one of the training rows has no influence.
    (MinMax(), [7, 7, 7], 8, 0.0),
    (Standard(), [7, 7, 7], 1e9, 0.0),
    (Unscaled(), [7, 7, 7], 8, 7.0),
    # quartiles 2 and 4
    (Robust(), [1, 2, 3, 4, 100], 7, 2.0),
    (Robust(), [5, 5, 5], 6, 0.0),
    # logarithms 0, 1 and 2: mean 1, variance 2/3
    (Log1p(), [0, np.e - 1, np.e**2 - 1], np.e**3 - 1, 2 / (2 / 3) ** 0.5),
    (Unscaled(), [1, 2], 9, 9.0),
]


@pytest.mark.parametrize(("scaler", "column", "value", "expected"), SCALED)
def test_scalers_by_hand(scaler, column, value, expected):
    columns = fitted(numbers(*column), scaling=scaler)
    inputs = columns.encode_inputs(Table({"x": numbers(value)}, "later"))
    assert inputs[0, 0] == pytest.approx(expected, rel=1e-12, abs=1e-12)


FILLED = [
    (Mean(), (1, 2, 6, None), 3.0),
    (Median(), (1, 2, 60, None, 4), 3.0),
    (MostFrequent(), (3, 1, 3, 1, None), 1.0),
    (Constant(7.0), (1, 2, None), 7.0),
    (Median(), (5, 6, 7), 6.0),
]


@pytest.mark.parametrize(("policy", "column", "expected"), FILLED)
def test_the_value_that_replaces_a_missing_number(policy, column, expected):
    columns = fitted(numbers(*column), missing=policy, scaling=Unscaled())
    later = Table({"x": numbers(None, 100)}, "later")
    assert columns.encode_inputs(later).tolist() == [[expected], [100]]


def test_scaling_counts_the_values_that_replace_missing_ones():
    """As in scikit-learn's pipeline: the median 2 replaces two values, so the mean is 2.2 and not 7/3."""
    columns = fitted(numbers(1, 2, None, 4, None), missing=Median())
    assert columns.features[0].statistics[0] == pytest.approx(2.2)


def test_an_indicator_marks_missing_values_if_training_had_some():
    columns = fitted(numbers(1, None, 3), missing=Mean(), indicator=True, scaling=Unscaled())
    assert columns.input_names == ("x", "x missing")
    assert columns.encode_inputs(Table({"x": numbers(5, None)}, "later")).tolist() == [[5, 0], [2, 1]]
    assert fitted(numbers(1, 2), missing=Mean(), indicator=True).input_names == ("x",)


def test_one_hot_in_the_order_of_the_sorted_values():
    columns = fitted(text("b", "c", "a", "b"), "categorical")
    assert columns.input_names == ("x=a", "x=b", "x=c")
    assert columns.encode_inputs(Table({"x": text("c", "a")}, "later")).tolist() == [[0, 0, 1], [1, 0, 0]]


def test_a_value_unseen_in_training_is_an_error_or_ignored_and_counted():
    later = Table({"x": text("a", "z", "z")}, "later")
    with pytest.raises(InputError, match=r"^later, row 2: x: a value unseen in training, one of 2 such rows \(got 'z'"):
        fitted(text("a", "b"), "categorical").encode_inputs(later)
    unseen = Counter()
    inputs = fitted(text("a", "b"), "categorical", unseen="ignore").encode_inputs(later, unseen=unseen)
    assert inputs.tolist() == [[1, 0], [0, 0], [0, 0]]
    assert unseen == {"x": 2}


def test_a_missing_category():
    columns = fitted(text("b", None, "b", "a"), "categorical", missing=MostFrequent())
    assert columns.encode_inputs(Table({"x": text(None)}, "later")).tolist() == [[0, 1]]
    own = fitted(text("b", None), "categorical", missing=Constant("none"), indicator=True)
    assert own.input_names == ("x=b", "x=none", "x missing")
    assert own.encode_inputs(Table({"x": text(None, "b")}, "later")).tolist() == [[0, 1, 1], [1, 0, 0]]
    # No training row has the category, so its weights would stay random.
    never = fitted(text("b", "a"), "categorical", missing=Constant("none"), unseen="ignore")
    assert never.encode_inputs(Table({"x": text(None)}, "later")).tolist() == [[0, 0]]


def test_numbers_as_categories_keep_their_order():
    columns = fitted(numbers(10, 9, 2.5, 9), "categorical")
    assert columns.input_names == ("x=2.5", "x=9", "x=10")
    assert columns.encode_inputs(Table({"x": text("9", "10")}, "later")).tolist() == [[0, 1, 0], [0, 0, 1]]


def test_booleans():
    columns = fitted(text("Yes", "no", None), "boolean", missing=Constant(True))
    assert columns.encode_inputs(Table({"x": text("NO", " yes", None)}, "later")).tolist() == [[0], [1], [1]]
    with pytest.raises(InputError, match=r"later, row 1: x: expected no or yes \(got 'true'\)"):
        columns.encode_inputs(Table({"x": text("true")}, "later"))


def test_a_column_of_numbers_may_come_as_text_later():
    columns = fitted(numbers(1, 2), scaling=Unscaled(), missing=Mean())
    assert columns.encode_inputs(Table({"x": text("3", None, " 4.5")}, "later")).tolist() == [[3], [1.5], [4.5]]
    assert columns.encode_inputs(Table({"x": text(None, None)}, "later")).tolist() == [[1.5], [1.5]]


REFUSED = [
    (numbers(1, None, 3, None), {}, r"t, row 2: x: a missing value or NaN, one of 2 \(also in row 4\); fill it in"),
    (numbers(1, None), {"missing": Drop()}, "t, row 2: x: a missing value or NaN; fill it in"),
    (numbers(1, np.inf), {}, "t, row 2: x: an infinite value; correct it"),
    (numbers(None, None), {"missing": Median()}, "t: x: the whole column is empty"),
    (numbers(None, 1), {"missing": Constant("a")}, "t: x: missing values become 'a', which is not a number"),
    (
        numbers(0, -3),
        {"scaling": Log1p()},
        "t, row 2: x: log1p is not defined for -3; correct it, or write under data: columns",
    ),
    (numbers(1, 1e300), {}, r"t, row 2: x: 1e\+300 is too large to train with"),
    (
        text("1", "b"),
        {},
        r"t, row 2: x: text among the numbers \(got 'b'\); correct it or remove the row, or write under data: columns",
    ),
    (text("1", "1,5"), {}, r"t, row 2: x: text among the numbers \(got '1,5'\); "),
    (
        text("yes", "b"),
        {"kind": "boolean"},
        r"t, row 2: x: expected two values such as yes and no, or true and false \(got 'b'\)",
    ),
    (
        text(None, "yes"),
        {"kind": "boolean", "missing": Constant("b")},
        "t: x: missing values become 'b', which is neither no nor yes; write",
    ),
    (text("a", None), {"kind": "categorical"}, "t, row 2: x: a missing value or NaN"),
]


@pytest.mark.parametrize(("values", "treatment", "message"), REFUSED)
def test_values_that_cannot_be_fitted(values, treatment, message):
    kind = treatment.get("kind", "numeric")
    treatment = {key: value for key, value in treatment.items() if key != "kind"}
    with pytest.raises(InputError, match=message):
        fitted(values, kind, **treatment)


CELL = st.one_of(st.none(), st.sampled_from(["a", "b", "c d", "01", "1", ""]))


@given(st.lists(CELL, min_size=1, max_size=30), st.lists(CELL, max_size=30))
def test_one_hot_rows_sum_to_one_or_to_zero_where_unseen(training, later):
    assume(any(value is not None for value in training))
    columns = fitted(text(*training), "categorical", missing=MostFrequent(), unseen="ignore")
    for values in (training, later):
        inputs = columns.encode_inputs(Table({"x": text(*values)}, "later"))
        assert set(np.unique(inputs)) <= {0, 1}
        known = [value is None or value in training for value in values]
        assert inputs.sum(axis=1).tolist() == [float(one) for one in known]


def mixed(rng, rows):
    return {
        "age": np.where(rng.random(rows) < 0.2, np.nan, rng.normal(size=rows)),
        "city": text(*rng.choice(["Rome", "Oslo", "Lima"], rows)),
        "member": text(*rng.choice(["yes", "no"], rows)),
        "fare": rng.lognormal(size=rows),
    }


FEATURES = {
    "age": ("numeric", Treatment(missing=Median(), indicator=True, scaling=Robust())),
    "city": ("categorical", Treatment(unseen="ignore")),
    "member": ("boolean", Treatment()),
    "fare": ("numeric", Treatment(scaling=Log1p())),
}


@given(st.permutations(["age", "city", "member", "fare", "y"]), st.integers(0, 99))
def test_the_order_of_columns_does_not_matter_and_extra_columns_are_ignored(order, seed):
    data = {**mixed(np.random.default_rng(seed), 30), "y": np.arange(30.0)}
    columns = fit(Table(data, "t"), np.arange(20), FEATURES, {"y": Treatment()})
    other = Table({"more": data["fare"], **{name: data[name] for name in order}}, "other")
    np.testing.assert_array_equal(columns.encode_inputs(other), columns.encode_inputs(Table(data, "t")))
    assert columns.find_extra(other) == ["more"]
    # Some rows alone are encoded as they are among all rows.
    np.testing.assert_array_equal(
        columns.encode_inputs(other, np.arange(5, 9)), columns.encode_inputs(Table(data, "t"))[5:9]
    )


def test_columns_come_back_from_json():
    data = {**mixed(np.random.default_rng(0), 40), "y": np.arange(40.0)}
    columns = fit(Table(data, "t"), np.arange(30), FEATURES, {"y": Treatment(scaling=MinMax())})
    stored = json.loads(json.dumps(columns.to_json(), allow_nan=False))
    again = Columns.from_json(stored)
    assert again == columns
    np.testing.assert_array_equal(again.encode_inputs(Table(data, "t")), columns.encode_inputs(Table(data, "t")))


def test_statistics_are_those_of_the_training_rows_alone():
    data = {**mixed(np.random.default_rng(0), 40), "y": np.arange(40.0)}
    columns = fit(Table(data, "t"), np.arange(30), FEATURES, {"y": Treatment()})
    for name in ("age", "fare"):
        data[name][30:] *= 1000
    data["city"][35] = "Bonn"
    assert fit(Table(data, "t"), np.arange(30), FEATURES, {"y": Treatment()}) == columns


CITIES = ("Rome", "Oslo", "Lima")


def people(rows=90):
    lines = ["name,age,city,member,code,weight,sold"]
    for k in range(rows):
        age = "" if k % 10 == 3 else 20 + (k * 7) % 50
        member, code, sold = ("yes", "no")[k % 2], ("B1", "C1", "A2")[k % 3], ("no", "yes")[(k * 7) % 50 > 25]
        lines.append(f"person {k},{age},{CITIES[k % 3]},{member},{code},{1 + k % 3},{sold}")
    Path("people.csv").write_text("\n".join(lines) + "\n")


def config(data, rest="hidden: [4]\ntraining: {epochs: 2}\n"):
    people()
    Path("c.yaml").write_text(f"data:\n  source: {{csv: people.csv}}\n  target: sold\n{data}{rest}")
    return "c.yaml"


GOOD = "  features: {exclude: [name, weight]}\n  missing: median\n"

WRONG = [
    (
        "  features: {exclude: [nam]}\n",
        r"c\.yaml:4:24: data\.features\.exclude\.0: .*no column 'nam'; did you mean 'name'",
    ),
    ("  features: {include: [ag, city]}\n", r"c\.yaml:4:24: data\.features\.include\.0: .*'ag'; did you mean 'age'"),
    ("  features: {include: [age], exclude: [name]}\n", r"data\.features: expected either include or exclude"),
    (
        "  features: [name]\n",
        r"c\.yaml:4:14: data\.features\.0: .*people\.csv: name: text with \d+ distinct values in",
    ),
    (
        "  features: [age]\n",
        r"people\.csv:5: age: a missing value or NaN, one of \d \(also in lines \d+, \d+, \.\.\.\); ",
    ),
    ("  features: [city]\n  columns: {cty: {kind: categorical}}\n", r"c\.yaml:5:18: data\.columns\.cty: .*'city'"),
    ("  features: [city]\n  columns: {city: {kind: numeric}}\n", r"people\.csv:\d+: city: text among the numbers"),
    (
        "  features: [city]\n  columns: {city: {scaling: robust}}\n",
        r"c\.yaml:5:29: data\.columns\.city\.scaling: is for numeric columns, but 'city' is categorical",
    ),
    (
        "  features: [city]\n  columns: {city: {missing: median}}\n",
        r"c\.yaml:5:29: data\.columns\.city\.missing: median is for numeric columns, but 'city' is categorical",
    ),
    (
        "  features: [member]\n  columns: {member: {unseen: ignore}}\n",
        r"c\.yaml:5:30: .*is for categorical columns, but 'member'",
    ),
    (
        "  features: [city]\n  missing: {constnt: 3}\n",
        r"c\.yaml:5:13: data\.missing\.constnt: unknown imputer 'constnt'",
    ),
    (GOOD + "  class_weight: {maybe: 2}\n", r"c\.yaml:6:25: data\.class_weight\.maybe: sold has no class 'maybe'"),
    (GOOD + "  class_weight: {yes: 0, no: 0}\n", r"data\.class_weight: all weights are 0"),
    (GOOD + "  class_weight: {yes: -1}\n", r"c\.yaml:6:23: data\.class_weight\.yes: expected a number >= 0"),
    (GOOD + "  class_weight: balancd\n", r"c\.yaml:6:17: data\.class_weight: .*balanced"),
    (GOOD + "  sample_weight: wight\n", r"c\.yaml:6:18: data\.sample_weight: .*did you mean 'weight'"),
    (GOOD + "  sample_weight: city\n", r"people\.csv: city: a weight must be a number, and the column is text"),
    (
        "  features: [city]\n  columns: {sold: {missing: median}}\n",
        r"data\.columns\.sold\.missing: median would invent targets",
    ),
    (
        "  features: [city]\n  columns: {city: {kynd: numeric}}\n",
        r"c\.yaml:5:20: data\.columns\.city\.kynd: unknown key",
    ),
]


@pytest.mark.parametrize(("data", "message"), WRONG)
def test_mistakes_are_reported_with_their_place(data, message):
    with pytest.raises(InputError) as caught:
        assemble_file(config(data))
    assert re.search(message, str(caught.value)), str(caught.value)


ADVICE = [
    ("  features: [age]\n", "age: a missing value", "columns: {age: {missing: median}}"),
    ("  features: [port]\n", "port: a missing value", "columns: {port: {missing: most_frequent}}"),
    ("  features: [fan]\n", "fan: a missing value", "columns: {fan: {missing: most_frequent}}"),
    ("  features: [city]\n  target: fan\n", "fan: the target is missing", "columns: {fan: {missing: drop}}"),
    ("  features: [city]\n  target: age\n", "age: the target is missing", "columns: {age: {missing: drop}}"),
    ("  features: [city]\n  target: [fan, sold]\n", "fan: the target is missing", "columns: {fan: {missing: drop}}"),
    ("  features: [debt]\n  scaling: log1p\n", "log1p is not defined for -", "columns: {debt: {scaling: standard}}"),
    (
        "  features: [fan]\n  columns: {fan: {kind: boolean, missing: {constant: maybe}}}\n",
        "missing values become 'maybe', which is neither no nor yes",
        "missing: {constant: no}",
    ),
    (
        "  features: [debt]\n  columns: {debt: {missing: {constant: none}}}\n",
        "missing values become 'none', which is not a number",
        "missing: {constant: 0}",
    ),
    (
        "  features: [city]\n  columns: {city: {kind: boolean}}\n",
        "city: expected two values such as yes and no",
        "columns: {city: {kind: categorical, unseen: ignore}}",
    ),
    ("  features: [name]\n", "too many for categories", "columns: {name: {categories: 50}}"),
    (
        "  features: [port]\n  missing: median\n",
        "median is for numeric columns, but 'port' is categorical",
        "missing: {numbers: median, others: most_frequent}",
    ),
]


@pytest.mark.parametrize(("data", "message", "advice"), ADVICE)
def test_a_config_that_follows_the_advice_is_valid(data, message, advice):
    config("")
    lines = Path("people.csv").read_text().splitlines()
    more = [f"{('A', '', 'B')[k % 3]},{('yes', 'no', '')[k % 3]},{k - 5}" for k in range(len(lines) - 1)]
    Path("people.csv").write_text(
        "\n".join(",".join(pair) for pair in zip(lines, ["port,fan,debt", *more], strict=True))
    )
    target = "" if "target" in data else "  target: sold\n"
    text = f"data:\n  source: {{csv: people.csv}}\n{target}{data}"
    Path("c.yaml").write_text(text + "hidden: [4]\n")
    problems = bptrain.validate(["c.yaml"]).problems
    assert message in problems[0].message
    assert advice in problems[0].message
    own = re.sub(r"  columns: .*\n", "", text) if advice.startswith("columns") else text
    followed = (
        re.sub(r"missing: ({constant: \w+}|median)", advice, text)
        if advice.startswith("missing")
        else f"{own}  {advice}\n"
    )
    Path("c.yaml").write_text(f"{followed}hidden: [4]\n")
    assert bptrain.validate(["c.yaml"]).problems == ()


NEW_ROWS = [
    ("25,Bonn,yes", "city: a value unseen in training", "columns: {city: {unseen: ignore}}"),
    ("25,,yes", "city: a missing value", "columns: {city: {missing: most_frequent}}"),
    ("25,Rome,", "member: a missing value", "columns: {member: {missing: most_frequent}}"),
    ("25,Rome,maybe", "member: expected no or yes", "columns: {member: {kind: categorical, unseen: ignore}}"),
    (",Rome,yes", "weight: a missing value", "columns: {weight: {missing: median}}"),
    ("heavy,Rome,yes", "weight: text among", "columns: {weight: {kind: categorical, unseen: ignore}}"),
]


@pytest.mark.parametrize(("row", "message", "advice"), sampled(NEW_ROWS, every=3))
def test_a_network_trained_as_advised_predicts_the_row(row, message, advice):
    config("  features: [weight, city, member]\n")
    Path("new.csv").write_text(f"weight,city,member\n{row}\n")
    bptrain.train("c.yaml", run="first")
    with pytest.raises(InputError, match=message) as caught:
        bptrain.predict("first", "new.csv")
    assert f"write under data: {advice}" in str(caught.value)
    bptrain.train("c.yaml", [f"data.{advice.replace(': ', '=', 1)}"], run="second")
    with warnings.catch_warnings(action="ignore"):
        assert bptrain.predict("second", "new.csv").rows == 1


def test_a_target_missing_in_the_test_rows_only_can_be_dropped():
    people()
    lines = Path("people.csv").read_text().splitlines()
    rows = [f"{line},{'' if k == 89 else k},{'test' if k > 60 else 'train'}" for k, line in enumerate(lines[1:])]
    Path("people.csv").write_text("\n".join([f"{lines[0]},height,part", *rows]) + "\n")
    text = (
        "data: {source: {csv: people.csv}, target: height, features: [city], split: {method: column, column: part}%s}"
    )
    Path("c.yaml").write_text(text % "" + "\nhidden: [4]\n")
    (problem,) = bptrain.validate(["c.yaml"]).problems
    assert "people.csv:91: height: the target is missing; " in problem.message
    assert "write under data: columns: {height: {missing: drop}}" in problem.message
    Path("c.yaml").write_text(text % ", columns: {height: {missing: drop}}" + "\nhidden: [4]\n")
    assert bptrain.validate(["c.yaml"]).problems == ()


def test_all_text_columns_are_named_at_once():
    with pytest.raises(ConfigError) as caught:
        assemble_file(config("  features: [name, age, name2]\n  missing: mean\n").replace("c.yaml", twice()))
    assert [problem.field for problem in caught.value.problems] == ["data.features.0", "data.features.2"]


def twice():
    """A config on a file with two columns of many texts."""
    lines = Path("people.csv").read_text().splitlines()
    Path("people.csv").write_text(
        "\n".join([lines[0] + ",name2", *(f"{line},{line.split(',')[0]}" for line in lines[1:])]) + "\n"
    )
    return "c.yaml"


def test_the_inputs_that_the_columns_become():
    assembly = assemble_file(config(GOOD + "  columns: {age: {missing: mean, indicator: true, scaling: minmax}}\n"))
    names = assembly.model.columns.input_names
    assert names == (
        "age",
        "age missing",
        "city=Lima",
        "city=Oslo",
        "city=Rome",
        "member",
        "code=A2",
        "code=B1",
        "code=C1",
    )
    inputs = assembly.splits["train"].inputs
    assert (inputs[:, 0].min(), inputs[:, 0].max()) == (0, 1)


def test_mistakes_in_columns_with_dots_and_digits_in_their_names_have_a_place():
    Path("d.csv").write_text("a.b,0,y\n" + "".join(f"x,{k % 5},{k % 2}\nz,1,0\n" for k in range(30)))
    Path("d.yaml").write_text(
        "data:\n  source: {csv: d.csv}\n  target: y\n"
        "  columns: {a.b: {scaling: robust}, '0': {unseen: ignore}}\nhidden: [2]\n"
    )
    with pytest.raises(ConfigError) as caught:
        assemble_file("d.yaml")
    found = [(problem.line, problem.column, problem.field) for problem in caught.value.problems]
    assert found == [(4, 28, "data.columns.a.b.scaling"), (4, 51, "data.columns.0.unseen")]


def test_dropped_rows_are_counted_in_a_note(bptrain_in):
    config("  features: [age, city]\n  missing: drop\n")
    assembly = assemble_file("c.yaml")
    assert sum(map(len, assembly.splits.values())) == 81
    used = np.sort(np.concatenate([rows.numbers for rows in assembly.splits.values()]))
    assert used.tolist() == [k for k in range(90) if k % 10 != 3]
    done = bptrain_in("train", "c.yaml")
    assert "note: " in done.stderr
    assert "people.csv: 9 of 90 rows dropped for a missing value ('age' in 9)" in done.stderr
    assert bptrain.evaluate("runs/c-001").rows == len(assembly.splits["test"])


def test_evaluation_finds_columns_by_name_and_reports_what_it_ignores(bptrain_in):
    config("  features: [age, city, member]\n  missing: median\n  unseen: ignore\n")
    assert bptrain_in("train", "c.yaml", "--quiet").returncode == 0
    Path("new.csv").write_text("sold,extra,city,age,member\nyes,1,Rome,30,no\nno,2,Bonn,,yes\nno,3,Oslo,50,no\n")
    done = bptrain_in("evaluate", "runs/c-001", "--data", "new.csv")
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "note: new.csv: ignored the column 'extra'",
        "warning: new.csv: values unseen in training are ignored ('city' in 1 row)",
    ]
    with pytest.warns(BptrainWarning) as seen:
        assert bptrain.evaluate("runs/c-001", data="new.csv").rows == 3
    assert {one.category for one in seen} == {BptrainNote, BptrainWarning}
    Path("few.csv").write_text("sold,ages,mmber\nyes,1,no\n")
    done = bptrain_in("evaluate", "runs/c-001", "--data", "few.csv")
    assert done.returncode == 2
    assert done.stderr == (
        "error: few.csv has no columns 'age' (did you mean 'ages'?), 'city', 'member' (did you mean 'mmber'?); "
        "it has 'sold', 'ages', 'mmber'\n"
    )


def test_a_value_missing_at_evaluation_only(bptrain_in):
    config("  features: [city, member]\n")
    assert bptrain_in("train", "c.yaml", "--quiet").returncode == 0
    Path("new.csv").write_text("sold,city,member\nyes,Rome,no\nno,,yes\n")
    done = bptrain_in("evaluate", "runs/c-001", "--data", "new.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: new.csv:3: city: a missing value or NaN; fill it in")


def test_show_prints_how_columns_are_encoded():
    text = bptrain.show(config(GOOD + "  class_weight: balanced\n"))
    head = text.split("\n\n")[0]
    assert "# columns: 4 become 8 inputs\n" in head
    assert re.search(r"age: numeric, standard; missing values \(\d+ in training\) become [\d.]+ \(median\)\n", head)
    assert "#   city: categorical, 3 inputs (Lima, Oslo, Rome), other values are an error\n" in head
    assert "#   member: boolean, yes is 1\n" in head
    assert re.search(r"# class weights: no: 0\.9\d*, yes: 1\.1\d*\n", head)


def test_numbers_declared_categorical_are_one_hot():
    table = Table({"x": numbers(2.5, 1, 2.5, 10, 1), "y": numbers(1, 2, 3, 4, 5)}, "t")
    columns = fit(table, np.arange(5), {"x": ("categorical", Treatment())}, {"y": Treatment()})
    wanted = {"x=1": [0, 1, 0, 0, 1], "x=2.5": [1, 0, 1, 0, 0], "x=10": [0, 0, 0, 1, 0]}
    assert set(columns.input_names) == set(wanted)
    np.testing.assert_array_equal(
        columns.encode_inputs(table), np.array([wanted[name] for name in columns.input_names]).T
    )


def test_a_policy_for_all_columns_at_once_fills_holes_that_training_did_not_have(bptrain_in, tmp_path):
    rows = "".join(f"{k % 7},{'ab'[k % 2]},{'yes' if k % 3 else 'no'},{k % 5}\n" for k in range(60))
    (tmp_path / "t.csv").write_text("n,c,b,y\n" + rows)
    (tmp_path / "t.yaml").write_text(
        "data: {source: {csv: t.csv}, target: y, task: regression, missing: {numbers: median, others: most_frequent}}\n"
        "hidden: [4]\ntraining: {epochs: 1}\n"
    )
    assert bptrain_in("train", "t.yaml", "-q").returncode == 0
    (tmp_path / "new.csv").write_text("n,c,b\n,a,yes\n3,,yes\n3,a,\n")
    (tmp_path / "full.csv").write_text("n,c,b\n3,a,yes\n3,a,yes\n3,a,yes\n")
    holes, full = (bptrain_in("predict", "runs/t-001", name) for name in ("new.csv", "full.csv"))
    assert holes.returncode == full.returncode == 0
    # The median is 3, and a and yes are the most frequent.
    assert holes.stdout == full.stdout


RARE = [
    ("categories: 2", ("k=a", "k=b", "k=other"), "other values (8 training rows) become other"),
    ("rare: 3", ("k=a", "k=b", "k=c", "k=other"), "other values (2 training rows) become other"),
    ("rare: 3, categories: 1", ("k=a", "k=other"), "other values (20 training rows) become other"),
    ("categories: 4", ("k=a", "k=b", "k=c", "k=d", "k=other"), "other values (1 training row) become other"),
    ("rare: 2, categories: 4", ("k=a", "k=b", "k=c", "k=other"), "other values (2 training rows) become other"),
    ("categories: 9", ("k=a", "k=b", "k=c", "k=d", "k=e"), "other values are ignored"),
]


@pytest.mark.parametrize(("options", "inputs", "words"), RARE)
def test_rare_and_unseen_values_share_one_input(options, inputs, words, bptrain_in, tmp_path):
    # a 30 rows, b 12, c 6, d 1, e 1.
    rows = "".join(f"{value},{k % 3}\n" for k, value in enumerate("a" * 30 + "b" * 12 + "c" * 6 + "de"))
    (tmp_path / "t.csv").write_text("k,y\n" + rows)
    (tmp_path / "t.yaml").write_text(
        "data: {source: {csv: t.csv}, target: y, split: {validation: 0, test: 0},\n"
        f"  columns: {{k: {{{options}}}}}}}\n"
        "hidden: [4]\ntraining: {epochs: 1}\n"
    )
    columns = assemble_file(tmp_path / "t.yaml").model.columns
    assert columns.input_names == inputs
    assert columns.features[0].words.split("), ", 1)[1] == words
    assert bptrain_in("train", "t.yaml", "-q").returncode == 0
    (tmp_path / "n.csv").write_text("k\ne\nunseen\n")
    done = bptrain_in("predict", "runs/t-001", "n.csv")
    assert done.returncode == 0
    if "k=other" in inputs:
        _, first, second = done.stdout.splitlines()
        assert first == second
        assert not done.stderr


@given(
    st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=40),
    st.one_of(st.none(), st.integers(2, 9)),
    st.one_of(st.none(), st.integers(1, 9)),
    st.sampled_from(["", " ", "  "]),
)
def test_each_row_has_one_category_and_the_rest_is_counted_as_other(texts, rare, most, space):
    values = np.array([text + space * (k % 2) for k, text in enumerate(texts)], object)
    rows = Selection(Table({"k": values}, "t"))
    feature = fit_feature(rows, "k", "categorical", Treatment(rare=rare, categories=most))
    out = np.empty((len(texts), len(feature.input_names)))
    feature.encode(rows, out, Counter())
    assert (out.sum(axis=1) == 1).all()
    counts = Counter(texts)
    found = dict(zip(feature.categories, out.sum(axis=0).astype(int).tolist(), strict=True))
    assert found.pop("other", 0) == feature.others == len(texts) - sum(found.values())
    assert found == {text: counts[text] for text in found}
    assert all(count >= (rare or 1) for count in found.values())
    assert len(found) <= (most or len(counts))
    left = [count for text, count in counts.items() if text not in found and count >= (rare or 1)]
    assert not left or (len(found) == most and max(left) <= min(found.values()))


@pytest.mark.parametrize("name", ["flag", "x1"])
def test_a_column_that_is_constant_in_training_has_no_influence_later(bptrain_in, tmp_path, name):
    # Names that differ only in their numbers are one measurement, such as pixels, and get no warning.
    others = ",".join(f"x{k}" for k in range(2, 12))
    rows = "".join(f"0,{','.join(str((k * j) % 7) for j in range(2, 12))},{'ab'[k % 2]}\n" for k in range(40))
    (tmp_path / "t.csv").write_text(f"{name},{others},y\n{rows}")
    (tmp_path / "t.yaml").write_text("data: {source: {csv: t.csv}, target: y}\nhidden: [4]\ntraining: {epochs: 2}\n")
    assert bptrain_in("train", "t.yaml", "-q").returncode == 0
    zeros = ",0" * 10
    (tmp_path / "n.csv").write_text(f"{name},{others}\n0{zeros}\n2209{zeros}\n-1e30{zeros}\n")
    _, *predictions = bptrain_in("predict", "runs/t-001", "n.csv").stdout.splitlines()
    assert len(set(predictions)) == 1
    words = assemble_file(tmp_path / "t.yaml").model.columns.features[0].words
    assert words.startswith("numeric, standard, 0 in every training row and so without influence")

"""One profile of the columns: data, validate, init and train agree on each, as a feature and as a target."""

import random
import re
from pathlib import Path

import numpy as np
import pytest
from speeds import sampled

import bptrain
from bptrain.columns.profile.leaks import TargetValues, compare_columns, find_leaks
from bptrain.columns.profile.profile import ColumnProfile
from bptrain.commands.init import make_starter
from bptrain.errors import ConfigError, InputError
from bptrain.run.train_run import Started
from bptrain.tables.table import Table

ROWS = 200
RANDOM = random.Random(7)
NOISE = [round(RANDOM.gauss(0, 1), 3) for _ in range(ROWS)]
OTHER = [round(RANDOM.gauss(0, 1), 3) for _ in range(ROWS)]
PRICE = [round(300 + 40 * RANDOM.gauss(0, 1), 2) for _ in range(ROWS)]
KINDS = [RANDOM.choice(["red", "green", "blue"]) for _ in range(ROWS)]

LEAK, ID, CONSTANT, PLACEHOLDER = "BP224", "BP223", "BP222", "BP226"

# The name, the cells, the target, and the expected warning or error. `out`: init leaves it out though training accepts
# it.
FEATURES = [
    ("clean", NOISE, "price", ""),
    ("whole", [k * 7 % 23 for k in range(ROWS)], "price", ""),
    ("holes", ["" if k % 9 == 0 else NOISE[k] for k in range(ROWS)], "price", ""),
    ("zero_one", [k % 2 for k in range(ROWS)], "price", ""),
    ("yes_no", ["yes" if k % 3 else "no" for k in range(ROWS)], "price", ""),
    ("True", ["True" if k % 3 else "FALSE" for k in range(ROWS)], "kind", ""),
    ("city", [("Ulm", "Bonn", "Rom")[k % 3] for k in range(ROWS)], "kind", ""),
    ("year", [1800 + k for k in range(ROWS)], "price", ""),
    ("one_odd", [NOISE[k] if k != 77 else "twelve" for k in range(ROWS)], "price", "marked: text among the numbers"),
    ("few_odd", [NOISE[k] if k % 20 else "n/a" for k in range(ROWS)], "price", "marked: text among the numbers"),
    ("many_odd", [NOISE[k] if k % 5 > 1 else "x1" for k in range(ROWS)], "kind", "refused: text among the numbers"),
    ("comma", [str(NOISE[k]).replace(".", ";") for k in range(ROWS)], "price", "refused: text with"),
    ("note", [f"note {k}" for k in range(ROWS)], "price", "refused: text with"),
    ("nothing", [""] * ROWS, "price", "refused: the whole column is empty"),
    ("customer_id", [1000 + k * 7919 % 5003 for k in range(ROWS)], "price", ID),
    ("counter", [k + 1 for k in range(ROWS)], "kind", ID),
    ("still", [4] * ROWS, "price", CONSTANT),
    ("country", ["DE"] * ROWS, "kind", CONSTANT),
    ("nearly_still", ["DE" if k % 20 else "" for k in range(ROWS)], "price", ""),
    ("euro", [round(0.9 * PRICE[k] - 3, 4) for k in range(ROWS)], "price", LEAK),
    ("euro_holes", ["" if k % 10 == 3 else 2 * PRICE[k] for k in range(ROWS)], "price", LEAK),
    ("near_price", [round(PRICE[k] + OTHER[k], 2) for k in range(ROWS)], "price", "kept " + LEAK),
    ("log_price", [round(float(np.log(PRICE[k])) ** 9, 4) for k in range(ROWS)], "price", "kept " + LEAK),
    ("band", [f"band {PRICE[k] // 20:g}" for k in range(ROWS)], "price", ""),
    ("related", [round(PRICE[k] + 20 * OTHER[k], 2) for k in range(ROWS)], "price", ""),
    ("code", [{"red": 10, "green": 7, "blue": 3}[KINDS[k]] for k in range(ROWS)], "kind", LEAK),
    ("farbe", [{"red": "rot", "green": "grün", "blue": "blau"}[KINDS[k]] for k in range(ROWS)], "kind", LEAK),
    ("shade", [f"{KINDS[k]} {k % 4}" for k in range(ROWS)], "kind", LEAK),
    ("range", [{"red": 0, "green": 10, "blue": 20}[KINDS[k]] + NOISE[k] for k in range(ROWS)], "kind", "kept " + LEAK),
    ("slip", ["rot" if KINDS[k] == "red" and k != 3 else f"{KINDS[k]}" for k in range(ROWS)], "price", ""),
    ("wavers", [{"red": 0, "green": 1, "blue": 2}[KINDS[k]] + NOISE[k] for k in range(ROWS)], "kind", ""),
    ("age", [-999 if k % 17 == 0 else k % 60 for k in range(ROWS)], "price", "kept " + PLACEHOLDER),
]


def write_table(name, cells, target):
    """Write a file of two features, the column in question and the target."""
    answers = PRICE if target == "price" else KINDS
    lines = [
        f"noise,other,{name},{target}",
        *(f"{NOISE[k] * 2 + k % 3},{OTHER[k]},{cells[k]},{answers[k]}" for k in range(ROWS)),
    ]
    Path("t.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def warnings_in_training(config):
    """Return the warnings of `train` before the first step."""
    seen = []
    bptrain.train(
        config,
        ["training.epochs=1"],
        sinks=[lambda event: seen.append(event.warnings) if isinstance(event, Started) else None],
    )
    return seen[0]


def with_feature(text, name):
    """Return a config of `init` with a column brought back as the comment tells."""
    more = re.search(r"with columns: ({.*})", " ".join(re.findall(r"^  # +(.*)$", text, re.M)))
    text = re.sub(r"^  features: \[(.*)\]$", rf"  features: [\1, {name!r}]", text, flags=re.M)
    if more:
        assert "  columns:" not in text
        text = text.replace("  features: ", f"  columns: {more[1]}\n  features: ")
    return text


@pytest.mark.filterwarnings("ignore::bptrain.errors.BptrainNote")
@pytest.mark.parametrize(
    ("name", "cells", "target", "truth"), sampled(FEATURES, every=5), ids=[row[0] for row in FEATURES]
)
def test_all_commands_agree_on_a_feature(name, cells, target, truth):
    write_table(name, cells, target)
    starter = make_starter("t.csv", target)
    left_out = {one.name for one in starter.left_out}
    if truth.startswith(("refused: ", "marked: ")):
        # Of what a config refuses, init takes marks for missing values.
        assert left_out == ({name} if truth.startswith("refused: ") else set())
        Path("c.yaml").write_text(f"data: {{source: {{csv: t.csv}}, target: {target}}}\nhidden: [4]\n")
        (column,) = (one for one in bptrain.describe_data("c.yaml").columns if one.name == name)
        (told, *_) = (one.message for one in column.objections if one.severity == "error")
        (problem,) = bptrain.validate(["c.yaml"]).problems
        with pytest.raises(InputError) as caught:
            bptrain.train("c.yaml")
        reason = truth.partition(": ")[2]
        assert all(reason in text for text in (told, problem.message, str(caught.value)))
        return
    code = truth.removeprefix("kept ")
    kept = not truth or truth.startswith("kept ")
    assert left_out == (set() if kept else {name})
    # A doubt is mentioned in a comment.
    assert (f"  # look at {name}: " in starter.text) == (kept and bool(code))
    text = starter.text if kept else with_feature(starter.text, name)
    Path("c.yaml").write_text(text, encoding="utf-8")
    columns = {one.name: one.objections for one in bptrain.describe_data("c.yaml").columns}
    found = bptrain.validate(["c.yaml"])
    assert found.problems == ()
    trained = warnings_in_training("c.yaml")
    expected = [code] if code else []
    assert [one.code for one in columns.pop(name)] == expected
    assert not any(columns.values())
    assert [one.code for one in found.warnings] == expected == [one.code for one in trained]
    assert all(repr(name) in one.message for one in found.warnings)
    if code:
        with pytest.raises(ConfigError, match=code):
            bptrain.train("c.yaml", strict=True)


WHOLE = [RANDOM.randint(18, 80) for _ in range(ROWS)]
# The name, the cells, and the expected task or error. `rows` is the number of rows that init learns from, 0 if it gives
# the same error as the others; it accepts more, since it recognises marks for missing values.
TARGETS = [
    ("clean", NOISE, "regression", ROWS),
    ("whole", WHOLE, "regression", ROWS),
    ("classes", [k % 3 for k in range(ROWS)], "classification", ROWS),
    ("padded", [f"0{k % 3}" for k in range(ROWS)], "classification", ROWS),
    ("yes_no", ["Yes" if k % 3 else "No" for k in range(ROWS)], "classification", ROWS),
    ("labels", [("a", "b", "c")[k % 3] for k in range(ROWS)], "classification", ROWS),
    ("mixed_labels", [("1", "2", "A")[k % 3] for k in range(ROWS)], "classification", ROWS),
    ("half_labels", [("1", "none")[k % 2] for k in range(ROWS)], "classification", ROWS),
    ("few_odd", [WHOLE[k] if k % 20 else "n/a" for k in range(ROWS)], "text among the numbers (got 'n/a')", 190),
    ("two_odd", [NOISE[k] if k % 20 else ("?", "-")[k // 20 % 2] for k in range(ROWS)], "text among the numbers", 190),
    ("one_odd", [WHOLE[k] if k != 77 else "$1,000" for k in range(ROWS)], "text among the numbers (got '$1,000')", 0),
    ("bound", [NOISE[k] if k != 77 else "<1.0" for k in range(ROWS)], "text among the numbers (got '<1.0')", 0),
    ("many_odd", [NOISE[k] if k % 5 > 1 else "?" for k in range(ROWS)], "text among the numbers (got '?')", 120),
    ("rated", [k % 5 if k % 20 else "n/a" for k in range(ROWS)], "text among the numbers (got 'n/a')", 190),
    ("holes", ["" if k % 9 == 0 else NOISE[k] for k in range(ROWS)], "the target is missing", 177),
    ("label_holes", ["" if k % 9 == 0 else "ab"[k % 2] for k in range(ROWS)], "the target is missing", 177),
    ("still", [4.5] * ROWS, "the target is 4.5 in ", 0),
    ("country", ["DE"] * ROWS, "a single class, 'DE'", 0),
]


@pytest.mark.filterwarnings("ignore::bptrain.errors.BptrainNote")
@pytest.mark.parametrize(("name", "cells", "truth", "rows"), sampled(TARGETS, every=5), ids=[row[0] for row in TARGETS])
def test_all_commands_agree_on_a_target(name, cells, truth, rows):
    quoted = [f'"{cell}"' if "," in str(cell) else cell for cell in cells]
    lines = [f"noise,{name}", *(f"{OTHER[k]},{quoted[k]}" for k in range(ROWS))]
    Path("t.csv").write_text("\n".join(lines) + "\n")
    Path("c.yaml").write_text(
        f"data: {{source: {{csv: t.csv}}, target: {name}}}\nhidden: [4]\ntraining: {{epochs: 1}}\n"
    )
    found, valid = bptrain.describe_data("c.yaml"), bptrain.validate(["c.yaml"])
    if truth in ("regression", "classification"):
        assert valid.problems == ()
        assert found.task == truth
        bptrain.train("c.yaml")
    else:
        (column,) = (one for one in found.columns if one.name == name)
        told = [*found.objections, *(one.message for one in column.objections)]
        (problem,) = valid.problems
        with pytest.raises(InputError) as caught:
            bptrain.train("c.yaml")
        assert all(truth in text for text in (" ".join(told), problem.message, str(caught.value)))
    if not rows:
        with pytest.raises(InputError, match=re.escape(truth)):
            make_starter("t.csv", name)
        return
    starter = make_starter("t.csv", name)
    assert f"{rows} rows." in starter.text
    assert starter.notes == ((f"{ROWS - rows} of {ROWS} rows have no {name} and are left out",) if rows < ROWS else ())
    Path("i.yaml").write_text(starter.text)
    assert bptrain.validate(["i.yaml"]).problems == ()
    assert sum(part.rows for part in bptrain.describe_data("i.yaml").parts) == rows


ADVICE = [
    ("target", "n/a", "", "missing: [n/a] in the options of the source and columns: {age: {missing: drop}}"),
    (
        "target",
        "n/a",
        "NA",
        "missing: [NA, N/A, NaN, nan, 'null', 'NULL', n/a] in the options of the source and columns:",
    ),
    ("feature", "?", "", "missing: ['?'] in the options of the source and columns: {age: {missing: median}}"),
    ("feature", "Unknown", "", "columns: {age: {kind: categorical, unseen: ignore}}"),
]


@pytest.mark.parametrize(("use", "odd", "other", "advice"), ADVICE)
def test_a_config_that_follows_the_advice_trains(use, odd, other, advice):
    lines = [f"{WHOLE[k] if k % 40 else odd},{other if other and k == 5 else KINDS[k]},{NOISE[k]}" for k in range(ROWS)]
    Path("t.csv").write_text("age,kind,y\n" + "\n".join(lines) + "\n")
    target = "age" if use == "target" else "y"
    options = "kind: {missing: {constant: none}}"
    config = "data: {source: {csv: {path: t.csv%s}}, target: %s, columns: {%s}}\nhidden: [4]\ntraining: {epochs: 1}\n"
    Path("c.yaml").write_text(config % ("", target, options))
    (problem,) = bptrain.validate(["c.yaml"]).problems
    assert advice in problem.message
    assert f"195 numbers, and {odd!r} in 5 rows (lines 2, 42, 82, ...)" in problem.message
    missing = re.search(r"(missing: \[.*?\]) in the options", problem.message)[1] if "missing: [" in advice else ""
    more = re.search(r"columns: {(age: .*?}})?", problem.message[problem.message.index(advice[:9]) :])[1]
    Path("c.yaml").write_text(config % (f", {missing}" if missing else "", target, f"{options}, {more[:-1]}"))
    assert bptrain.validate(["c.yaml"]).problems == ()
    bptrain.train("c.yaml")


def test_a_config_that_leaves_out_a_leak_as_advised_is_valid():
    write_table("euro", [2 * price for price in PRICE], "price")
    Path("c.yaml").write_text("data: {source: {csv: t.csv}, target: price}\nhidden: [4]\n")
    (warning,) = bptrain.validate(["c.yaml"]).warnings
    (advice,) = re.findall(r"leave it out with (features: {exclude: \[euro\]})", warning.message)
    Path("c.yaml").write_text(f"data: {{source: {{csv: t.csv}}, target: price, {advice}}}\nhidden: [4]\n")
    assert bptrain.validate(["c.yaml"], strict=True).valid


@pytest.mark.parametrize("leaks", [True, False])
def test_training_mentions_a_leak_again_below_the_score(bptrain_in, leaks):
    write_table("euro", [2 * price for price in PRICE] if leaks else NOISE, "price")
    Path("c.yaml").write_text("data: {source: {csv: t.csv}, target: price}\nhidden: [4]\ntraining: {epochs: 1}\n")
    done = bptrain_in("train", "c.yaml")
    assert done.returncode == 0
    assert ("these scores say nothing about new rows" in done.stdout) == leaks


def test_a_column_that_is_constant_in_the_training_rows_only():
    rows = [f"{int(k % 3 == 2)},{NOISE[k]},{('train', 'train', 'test')[k % 3]},{OTHER[k]}" for k in range(ROWS)]
    Path("t.csv").write_text("flag,x,part,y\n" + "\n".join(rows) + "\n")
    Path("c.yaml").write_text(
        "data: {source: {csv: t.csv}, target: y, split: {method: column, column: part}}\nhidden: [4]\n"
    )
    (warning,) = bptrain.validate(["c.yaml"]).warnings
    assert (warning.code, "in every training row" in warning.message) == (CONSTANT, True)
    (column,) = (one for one in bptrain.describe_data("c.yaml").columns if one.name == "flag")
    assert [one.code for one in column.objections] == [CONSTANT]


def test_a_match_by_chance_is_not_a_leak():
    """One of ten thousand columns of noise may well separate a rare class from the others, by range or by value."""
    rare = np.repeat([0, 1], [36, 4]).astype(np.int64)
    for column in (np.arange(40.0), np.repeat(np.arange(20.0), 2)):
        assert compare_columns([column], rare, 1) != [None]
        assert compare_columns([column], rare, 10_000) == [None]
    assert compare_columns([np.arange(40.0)], np.repeat([0, 1], [38, 2]).astype(np.int64)) == [None]
    half = (np.arange(40) % 2).astype(np.int64)
    assert compare_columns([3.0 - half], half, 10_000)[0].is_copy


@pytest.mark.parametrize("rows", [300, 20_000])
def test_leaks_are_found_in_any_number_of_rows(rows):
    rng = np.random.default_rng(1)
    target = rng.normal(size=rows)
    last = target.copy()
    last[-1] += 3
    columns = {
        "noise": rng.normal(size=rows),
        "copy": 3 - 2 * target,
        "holes": np.where(np.arange(rows) % 50 == 7, np.nan, target),
        "cube": target**3,
        "almost": last,
        "related": target + rng.normal(size=rows) / 3,
        "empty": np.full(rows, np.nan),
    }
    leaks = find_leaks(Table(columns, "t"), tuple(columns), [TargetValues(np.arange(rows), target)])
    assert {name: leak.is_copy for name, leak in leaks.items()} == {
        "copy": True,
        "holes": True,
        "cube": False,
        "almost": False,
    }
    codes = (target > 0).astype(np.int64)
    columns = {
        "noise": rng.normal(size=rows),
        "sign": np.sign(target),
        "value": target,
        "nearly": np.sign(last + 0.001),
    }
    leaks = find_leaks(Table(columns, "t"), tuple(columns), [TargetValues(np.arange(rows), codes)])
    assert {name: leak.is_copy for name, leak in leaks.items()} == {"sign": True, "value": False}


def test_repeated_rows_are_not_a_leak():
    rng = np.random.default_rng(4)
    half = {"a": np.arange(40.0) * 7 % 41, "b": rng.normal(size=40), "flag": np.repeat([1.0, 2.0], 20)}
    codes = np.repeat([0, 1], 20)[rng.permutation(40)].astype(np.int64)
    half["copy"] = 3.0 * codes
    table = Table({name: np.tile(values, 2) for name, values in half.items()}, "t")
    assert set(find_leaks(table, tuple(half), [TargetValues(np.arange(80), np.tile(codes, 2))])) == {"copy"}


def test_targets_that_are_all_among_the_features_are_the_task():
    rng = np.random.default_rng(2)
    columns = {"a": rng.normal(size=60), "b": rng.normal(size=60)}
    rows, table = np.arange(60), Table(columns, "t")
    both = [TargetValues(rows, columns["a"]), TargetValues(rows, 2 * columns["b"])]
    assert find_leaks(table, ("a", "b"), both) == {}
    assert set(find_leaks(table, ("a", "b"), both[:1])) == {"a"}
    assert find_leaks(table, ("a",), both[:1]) == {}


def test_a_single_feature_may_count_the_rows():
    values = np.arange(50.0)
    assert [one.code for one in ColumnProfile("x", values).warnings] == [ID]
    assert not ColumnProfile("x", values, single=True).warnings
    assert [one.code for one in ColumnProfile("row_id", values, single=True).warnings] == [ID]

"""The description of data: figures by hand, warnings about columns, and columns that training refuses."""

import csv
import io
import json
import re
import statistics
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console
from samples import numbers, text

import bptrain
from bptrain.columns.profile.leaks import compare_columns
from bptrain.columns.profile.profile import ColumnProfile, compute_spread
from bptrain.columns.profile.split_profile import describe_splits
from bptrain.columns.targets import find_classes
from bptrain.commands.data import describe_column
from bptrain.console import description as view
from bptrain.errors import BptrainError
from bptrain.tables.table import Selection, Table

N = 40


RANDOM = np.random.default_rng(3)
NOISE = RANDOM.normal(size=N)

SUSPICIONS = [
    ("country", text(*["DE"] * N), "BP222"),
    ("year", numbers(*[2024] * N), "BP222"),
    ("country", text(*["DE"] * (N - 1), None), ""),
    ("empty", numbers(*[None] * N), ""),
    ("customer_id", numbers(*(7 * k for k in range(N))), "BP223"),
    ("anything", numbers(*range(100, 100 + N)), "BP223"),
    ("year", numbers(*range(1990, 1990 + N)), ""),
    ("name", text(*(f"name {k}" for k in range(N))), "BP223"),
    ("name", text(*(f"name {k // 2}" for k in range(N))), ""),
    ("age", NOISE, ""),
]


@pytest.mark.parametrize(("name", "values", "code"), SUSPICIONS)
def test_constant_columns_and_ids(name, values, code):
    assert [one.code for one in ColumnProfile(name, values).warnings] == [code] * bool(code)


def test_a_constant_pixel_of_an_image_is_not_a_problem():
    assert not ColumnProfile("pixel_0_1", numbers(*[0] * N), numbered=True).warnings


CLASSES = np.arange(N) % 3
IN_CLASSES = [
    (text(*(f"zone {c}" for c in CLASSES)), "each of its values occurs in one class only"),
    (text(*(f"zone {c} {k % 2}" for k, c in enumerate(CLASSES))), "each of its values occurs in one class only"),
    (text(*(None if c == 1 else "b" if c else "a" for c in CLASSES)), "each of its values occurs in one class only"),
    (10.0 * CLASSES, "each of its values occurs in one class only"),
    (CLASSES + 0.01 * np.arange(N) / N, "each class has a separate range of its values"),
    (-CLASSES - 0.9 * np.arange(N) / N, "each class has a separate range of its values"),
    (CLASSES + 0.9 * NOISE, None),
    (text(*(f"{k}" for k in range(N))), None),
    (np.arange(N, dtype=float), None),
    (text(*(f"zone {c if k else 2}" for k, c in enumerate(CLASSES))), None),
    (np.minimum(CLASSES, 1).astype(float), None),
    (numbers(*[None] * N), None),
]


@pytest.mark.parametrize(("values", "why"), IN_CLASSES)
def test_leaks_into_classes(values, why):
    (found,) = compare_columns([values], CLASSES.astype(np.int64))
    assert (found is None) == (why is None)
    if why:
        (objection,) = [one for one in ColumnProfile("x", values, leak=found).warnings if one.code != "BP223"]
        assert why in objection.message
        assert (objection.severity, objection.code) == ("warning", "BP224")


PRICE = np.exp(RANDOM.normal(size=N))
IN_NUMBERS = [
    (PRICE * 1.1 + 3, "the target times a constant plus a constant"),
    (-PRICE, "the target times a constant plus a constant"),
    (PRICE + 0.02 * NOISE, r"its correlation with the target is 0\.99"),
    (np.log(PRICE), r"rank correlation 1\.0000"),
    (1 / PRICE, r"rank correlation -1\.0000"),
    (np.where(np.arange(N) == 5, np.nan, PRICE), "the target times a constant plus a constant"),
    (PRICE + NOISE, None),
    (NOISE, None),
    (text(*map(str, PRICE)), None),
    (numbers(*[4] * N), None),
    (numbers(*[None] * N), None),
]


@pytest.mark.parametrize(("values", "why"), IN_NUMBERS)
def test_leaks_into_numbers(values, why):
    (found,) = compare_columns([values], PRICE)
    assert (found is None) == (why is None)
    assert why is None or re.search(why, found.how)


def test_a_category_with_one_target_value_each_is_a_leak():
    target = np.repeat(np.arange(N // 4, dtype=float), 4)
    (found,) = compare_columns([text(*(f"town {int(value)}" for value in target))], target)
    assert found.how == "each of its values occurs with one target value only"


def test_ranges_that_share_a_value_are_not_separate():
    classes = (np.arange(N) >= N // 2).astype(np.int64)
    values = np.arange(N, dtype=float)
    assert "separate range of its values" in compare_columns([values], classes)[0].how
    values[N // 2] = values[N // 2 - 1]
    assert compare_columns([values], classes) == [None]


def test_few_rows_show_no_leak():
    assert compare_columns([np.arange(6.0)], np.arange(6) // 3) == [None]
    assert compare_columns([np.arange(6.0)], np.arange(6.0)) == [None]


@pytest.mark.parametrize("values", [[1.0], [3, 1, 2], [5, 5, 5, 1], list(RANDOM.normal(size=101))])
def test_the_spread_agrees_with_the_statistics_module(values):
    found = compute_spread(np.array(values, float))
    assert found.mean == pytest.approx(statistics.fmean(values))
    assert found.std == pytest.approx(statistics.pstdev(values))
    assert (found.min, found.max) == (min(values), max(values))
    assert found.median == pytest.approx(statistics.median(values))
    if len(values) > 1:
        # The method "inclusive" interpolates linearly between the values.
        low, _, high = statistics.quantiles(values, n=4, method="inclusive")
        assert (found.q25, found.q75) == (pytest.approx(low), pytest.approx(high))


def test_a_figure_that_a_float_cannot_hold_is_null():
    found = compute_spread(np.array([1e308, -1e308, 1e308]))
    assert found.std is None
    column = describe_column(ColumnProfile("x", numbers(1e308, -1e308)), "feature", "", ())
    json.dumps(column.to_json(), allow_nan=False)


COLUMNS = [
    (numbers(1, 2, None, 2), "", ("numeric", 1, 2, ())),
    (text("a", "b", None, "a", "b"), "", ("categorical", 1, 2, (("a", 2), ("b", 2)))),
    (text("yes", "no", "no"), "", ("boolean", 0, 2, (("no", 2), ("yes", 1)))),
    (text("1", "2", "x"), "", ("mixed", 0, 3, (("1", 1), ("2", 1), ("x", 1)))),
    (text("1", "2", "x"), "numeric", ("mixed", 0, 3, (("1", 1), ("2", 1), ("x", 1)))),
    (text("1", "2", None), "numeric", ("numeric", 1, 2, ())),
    (numbers(3, 1, 3), "categorical", ("categorical", 0, 2, (("3", 2), ("1", 1)))),
    (text(None, None), "", ("empty", 2, 0, ())),
    (numbers(None, None), "", ("empty", 2, 0, ())),
    (text(*"abcdef"), "", ("text", 0, 6, tuple((c, 1) for c in "abcdef"))),
]


@pytest.mark.parametrize(("values", "kind", "expected"), COLUMNS)
def test_a_column_in_figures(values, kind, expected):
    one = ColumnProfile("x", values, declared=kind or None)
    assert (one.kind, one.missing, one.distinct, one.most) == expected
    assert (one.spread is None) == (expected[0] != "numeric")


def test_repeated_rows_are_counted():
    table = Table(
        {"a": numbers(1, 1, None, None, 2, 1, 0, -0.0), "b": text("x", "x", None, None, "x", "x", "y", "y")}, "t"
    )
    table.columns["y"] = numbers(0, 0, 1, 1, 0, 0, 1, 1)
    parts = {
        "train": Selection(table, np.array([0, 1, 2])),
        "validation": Selection(table, np.array([3, 4])),
        "test": Selection(table, np.array([5, 6, 7])),
    }
    found = describe_splits(parts, ["a", "b", "y"], {"y": find_classes(Selection(table), "y")})
    assert [(one.rows, one.duplicates, one.repeated) for one in found] == [(3, 1, 0), (2, 0, 1), (3, 1, 1)]
    counts = [{"0": 2, "1": 1}, {"0": 1, "1": 1}, {"0": 1, "1": 2}]
    assert [one.classes for one in found] == [{"y": one} for one in counts]


ODD = ["customer_id", "age", "income", "city", "note", "country", "spoilt", "hole", "gone", "euro", "flag", "price"]
REFUSED = {"income", "note", "spoilt", "hole"}
SUSPECT = {"customer_id": "BP223", "country": "BP222", "euro": "BP224", "note": "BP223"}


@pytest.fixture
def odd(tmp_path):
    """Return a config with data that has many problems, and its rows."""
    rng, rows = np.random.default_rng(1), []
    for k in range(300):
        price = round(float(rng.normal(300, 40)), 2)
        row = [1000 + 3 * k, int(rng.integers(18, 80)), "" if k % 9 == 4 else round(float(rng.lognormal(10, 1)), 1)]
        row += [("Ulm", "Bonn", "Köln")[k % 3], f"note {k}", "DE", "12" if k != 77 else "twelve", "", ""]
        rows.append([*row, round(price * 1.1, 3), ("yes", "no")[k % 2], price])
    with open(tmp_path / "odd.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([ODD, *rows])
    config = tmp_path / "odd.yaml"
    config.write_text(
        "data: {source: {csv: odd.csv}, target: price, features: {exclude: [gone]}}\nhidden: [4]\n", encoding="utf-8"
    )
    return config, rows


def test_columns_that_training_refuses_are_described_with_the_reason(odd):
    config, rows = odd
    found = bptrain.describe_data(config)
    assert (found.rows, found.target, found.task) == (300, ("price",), "regression")
    columns = {one.name: one for one in found.columns}
    assert list(columns) == ODD
    assert {name for name, one in columns.items() if any(o.severity == "error" for o in one.objections)} == REFUSED
    assert {name: o.code for name, one in columns.items() for o in one.objections if o.code} == SUSPECT
    assert [columns[name].kind for name in ODD] == [
        "numeric", "numeric", "numeric", "categorical", "text", "categorical", "mixed", "empty", "empty", "numeric",
        "boolean", "numeric",
    ]  # fmt: skip
    assert (columns["gone"].use, columns["price"].use, columns["age"].use) == ("unused", "target", "feature")
    for k, name in enumerate(ODD):
        values = [row[k] for row in rows if row[k] != ""]
        assert columns[name].missing == 300 - len(values)
        assert columns[name].distinct == len(set(values))
        if columns[name].kind == "numeric":
            assert columns[name].spread.mean == pytest.approx(statistics.fmean(values))
    assert dict(columns["city"].most) == Counter(row[3] for row in rows)
    assert "line 6: a missing value or NaN, one of " in columns["income"].objections[0].message
    assert columns["spoilt"].objections[0].message.startswith("line 79: text among the numbers (got 'twelve')")
    assert columns["age"].treatment == "numeric, standard"
    assert sum(part.rows for part in found.parts) == 300
    json.dumps(found.to_json(), allow_nan=False)


def test_training_accepts_the_columns_without_errors_and_no_others(odd):
    config, _ = odd
    text = config.read_text()
    good = [name for name in ODD if name not in REFUSED | {"gone", "price"}]
    config.write_text(text.replace("{exclude: [gone]}", f"[{', '.join(good)}]"))
    assert bptrain.validate([config]).valid
    for name in sorted(REFUSED):
        config.write_text(text.replace("{exclude: [gone]}", f"[age, {name}]"))
        assert not bptrain.validate([config]).valid, name


def test_an_error_of_the_whole_table_does_not_hide_the_columns(odd):
    config, _ = odd
    found = bptrain.describe_data(config, ["data.target=prise"])
    assert len(found.columns) == len(ODD)
    assert (found.task, found.parts) == ("", ())
    (said,) = found.objections
    assert re.search(r"has no column 'prise'; did you mean 'price'\?", said)
    found = bptrain.describe_data(config, ["data.target=city", "data.split={method: group, column: nowhere}"])
    assert found.classes == {"city": {"Bonn": 100, "Köln": 100, "Ulm": 100}}
    assert any("has no column 'nowhere'" in said for said in found.objections)
    found = bptrain.describe_data(config, ["data.target=country"])
    assert any("a single class, 'DE'" in said for said in found.objections)
    assert len(found.columns) == len(ODD)


@pytest.mark.parametrize(
    ("override", "features", "said"),
    [
        ("data.features=[nope, age]", ["age"], "has no column 'nope'"),
        ("data.features=[age, price]", ["age"], "the target 'price' is among the features"),
        ("data.features=[age, age]", ["age"], "names the column 'age' twice"),
        ("data.features=[]", [], "there are no features"),
        ("data.id=nope", [name for name in ODD if name not in ("gone", "price")], "has no column 'nope'"),
        ("data.columns={nope: {scaling: none}}", [n for n in ODD if n not in ("gone", "price")], "no column 'nope'"),
    ],
)
def test_a_wrong_name_does_not_hide_the_rest_of_the_config(odd, override, features, said):
    found = bptrain.describe_data(odd[0], [override])
    assert [one.name for one in found.columns if one.use == "feature"] == features
    assert any(said in one for one in found.objections)


def test_the_weight_of_an_unknown_class_is_reported(odd):
    given = ["data.target=city", "data.features=[age]", "data.class_weight={Bonn: 2, Rom: 1}"]
    (said,) = bptrain.describe_data(odd[0], given).objections
    assert "city has no class 'Rom'" in said


def test_the_splits_are_those_of_training(repository):
    found = bptrain.describe_data(repository / "configs" / "iris.yaml")
    assert found.classes == {"species": {"setosa": 50, "versicolor": 50, "virginica": 50}}
    assert sum(part.rows for part in found.parts) == 150
    for label in found.classes["species"]:
        assert sum(part.classes["species"][label] for part in found.parts) == 50
    told = bptrain.summarize(repository / "configs" / "iris.yaml")
    assert {part.name: part.rows for part in found.parts} == told.rows
    assert not found.objections
    assert not [one for one in found.columns if one.objections]


def test_several_targets_and_none(odd):
    config, _ = odd
    both = bptrain.describe_data(config, ["data.target={price: {}, city: {}}", "data.features=[age, flag]"])
    assert (both.task, both.target) == ("multi_task", ("price", "city"))
    assert both.classes == {"city": {"Bonn": 100, "Köln": 100, "Ulm": 100}}
    assert sum(part.classes["city"]["Ulm"] for part in both.parts) == 100
    assert not both.objections
    none = bptrain.describe_data(config, ["data.target=inputs", "data.features=[age, flag, city]"])
    assert (none.task, none.target, none.classes) == ("autoencoder", (), {})
    assert sum(part.rows for part in none.parts) == 300
    assert not none.objections


@pytest.mark.parametrize("name", ["digits", "wine", "breast_cancer", "diabetes", "xor", "linear_regression"])
def test_bundled_data_has_no_errors(repository, name):
    found = bptrain.describe_data(repository / "configs" / f"{name}.yaml")
    assert not found.objections
    assert not [o for one in found.columns for o in one.objections if o.severity == "error"]


HOSTILE = [
    (b"", r":1: the file is empty"),
    (b"a,y\n", r":2: the file has a header and no rows"),
    (b"a,y\n1,2\n1\n", r":3: y: the line has 1 value, and the header has 2"),
    (b"a,y\n1,K\xf6ln\n", r":2: y: the byte 0xf6, which is not UTF-8"),
    (b"a,y\n1,\0\n", r":2: y: a NUL byte"),
    (b'a,y\n1,"2\n', r":2: y: a quoted value does not end"),
    (b"a,a\n1,2\n", r":1: two columns are named 'a'"),
    (b"a,y\n1,2\r\n", r":2: the line ends in CR LF"),
    ("a,y\n1,2\n".encode("utf-32"), r":1: the file is UTF-32 text"),
]


@pytest.mark.parametrize(("content", "message"), HOSTILE)
def test_a_file_that_cannot_be_read_is_an_error_of_one_line(tmp_path, content, message):
    Path("bad.csv").write_bytes(content)
    Path("my.yaml").write_text("data: {source: {csv: bad.csv}, target: y}\nhidden: [4]\n")
    with pytest.raises(BptrainError) as caught:
        bptrain.describe_data("my.yaml")
    (line,) = caught.value.lines
    assert re.search(r"bad\.csv" + message, line), line


def test_the_command(bptrain_in, odd):
    done = bptrain_in("data", "odd.yaml", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    keys = {"origin", "rows", "task", "target", "classes", "columns", "parts", "objections", "notes"}
    assert set(found) == keys
    facts = {"name", "use", "kind", "missing", "distinct", "spread", "most", "treatment", "objections", "calendar"}
    assert set(found["columns"][0]) == facts
    plain = bptrain_in("data", "odd.yaml", "data.target=prise")
    assert plain.returncode == 0
    assert "train refuses: data.target: " in plain.stdout
    assert "\x1b" not in plain.stdout
    Path("odd.csv").write_text("")
    gone = bptrain_in("data", "odd.yaml")
    assert (gone.returncode, gone.stdout) == (2, "")
    assert re.fullmatch(r"error: .*odd\.csv:1: the file is empty[^\n]*\n", gone.stderr)


@pytest.mark.parametrize("width", [40, 80, 160])
def test_no_line_is_wider_than_the_terminal_or_has_control_characters(tmp_path, monkeypatch, width, odd):
    config, rows = odd
    names = ["[red]a", "\x1b[31mb", "‮c", "d\te", "x" * 200, *ODD[5:]]
    with open(tmp_path / "odd.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, *[[*row[:3], f"\x1b[2J[bold]{row[3]}", *row[4:]] for row in rows]])
    config.write_text(config.read_text().replace("{exclude: [gone]}", "null"), encoding="utf-8")
    stream = io.StringIO()
    console = Console(file=stream, width=width, markup=False, highlight=False, emoji=False, color_system=None)
    monkeypatch.setattr(view, "get_console", lambda: console)
    view.print_description(bptrain.describe_data(config))
    text = stream.getvalue()
    assert not set(text) & {"\x1b", "‮", "\t"}
    lines = text.split("\n")
    wide = [
        line for line in lines if cell_len(line) > width and not line.startswith(("train refuses: ", str(tmp_path)))
    ]
    assert not wide
    assert "[red]a" in text
    assert r"\x1b[31mb" in text
    # At 80 columns the most frequent values are left out.
    assert ("[bold]" in text) == (width != 80)
    assert ("not shown at this width: " in text) == (width != 40)
    assert "looks like an ID" in " ".join(text.split())


def test_of_many_columns_those_with_problems_are_shown(tmp_path, capsys):
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(30, 300))
    wide[:, 250] = 7
    columns = {f"x{k}": wide[:, k] for k in range(250)} | {"still": wide[:, 250], "y": wide[:, 251]}
    with open("wide.csv", "w") as file:
        csv.writer(file).writerows([columns, *zip(*columns.values(), strict=True)])
    Path("wide.yaml").write_text("data: {source: {csv: wide.csv}, target: y}\nhidden: [4]\n")
    view.print_description(bptrain.describe_data("wide.yaml"))
    text = capsys.readouterr().out
    assert re.search(r"^warning: still: it is .* in every row", text, re.M)
    assert re.search(r"^y +target", text, re.M)
    assert "52 more columns" in text


def test_text_outside_the_training_rows_is_reported_with_its_line(tmp_path):
    rows = [f"{k},{k % 7},{'test' if k == 50 else 'train'},{k * k % 11}" for k in range(60)]
    rows[50] = "50,seven,test,3"
    Path("part.csv").write_text("\n".join(["a,b,part,y", *rows]) + "\n")
    Path("part.yaml").write_text(
        "data: {source: {csv: part.csv}, target: y, task: regression, split: {method: column, column: part}}\n"
        "hidden: [4]\n"
    )
    (problem,) = bptrain.validate(["part.yaml"]).problems
    assert "part.csv:52: b: text among the numbers (got 'seven')" in problem.message
    (one,) = [column for column in bptrain.describe_data("part.yaml").columns if column.name == "b"]
    assert one.kind == "mixed"
    assert one.objections[0].message.startswith("line 52: text among the numbers (got 'seven')")

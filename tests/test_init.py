"""A first config for a data file: it says which columns are left out and why, and trains unchanged."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from speeds import sampled

import bptrain
from bptrain.columns.imputers import Median, MostFrequent
from bptrain.columns.options import MissingByKind
from bptrain.config import load
from bptrain.errors import InputError
from bptrain.model.assemble import assemble_file

DATASETS = Path(__file__).parents[1] / "datasets"

HOUSES = {
    "id": lambda k: k + 1000,
    "area": lambda k: 50 + (k * 37) % 101,
    "rooms": lambda k: 1 + k % 5,
    "city": lambda k: ("Rome", "Oslo", "Lima")[k % 3],
    "country": lambda k: 7,
    "garden": lambda k: "" if k % 8 == 0 else k % 4,
    "name": lambda k: f"house {k}",
    "spoilt": lambda k: "x1" if k % 9 == 0 else k % 4,
    "empty": lambda k: "",
    "huge": lambda k: 1e300 if k == 3 else k % 7,
    "customer_id": lambda k: (k * 7919) % 1000,
    "price": lambda k: 1000.5 * (50 + (k * 37) % 101) + 10 * (k % 5),
}


def houses(rows=60, name="houses.csv", columns=HOUSES):
    lines = [",".join(columns)] + [",".join(str(column(k)) for column in columns.values()) for k in range(rows)]
    Path(name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return name


def experiment(text, name="out.yaml"):
    Path(name).write_text(text, encoding="utf-8")
    return load(name).experiment


def test_useless_columns_are_left_out_with_the_reason():
    text = bptrain.init(houses(), "price")
    data = experiment(text).data
    assert data.features == ("area", "rooms", "city", "garden")
    assert {name: (one.kind, one.missing, one.indicator, one.unseen) for name, one in data.columns.items()} == {
        "city": ("categorical", None, None, "ignore"),
        "garden": ("auto", None, True, None),
    }
    assert data.missing == MissingByKind(Median(), MostFrequent())
    assert "garden: {indicator: true}" in text
    assert "# whole numbers, 4 distinct values, 8 of 60 missing" in text
    reasons = dict(re.findall(r"^  #   (\w+): (.*)$", text, re.M))
    assert reasons == {
        "id": "it looks like an ID, which says nothing about new rows",
        "country": "it is 7 in every row",
        "name": "text, 60 distinct values; too many for categories",
        "spoilt": "text, 5 distinct values; text among the numbers",
        "empty": "the whole column is empty",
        "huge": "its numbers are too large to be scaled",
        "customer_id": "it looks like an ID, which says nothing about new rows",
    }
    result = bptrain.train("out.yaml")
    assert result.test.metrics["r2"] > 0.9


def test_features_are_listed_only_if_some_are_left_out():
    text = bptrain.init(houses(columns={key: HOUSES[key] for key in ("area", "rooms", "price")}), "price")
    assert experiment(text).data.features is None
    assert "left out" not in text


@pytest.mark.parametrize(
    ("data", "target", "task", "metric", "least"),
    sampled(
        [
            ("iris.csv", "species", "classification", "accuracy", 0.9),
            ("wine.csv", "cultivar", "classification", "accuracy", 0.9),
            ("breast_cancer.csv", "diagnosis", "classification", "roc_auc", 0.95),
            ("digits.csv.gz", "digit", "classification", "accuracy", 0.94),
            ("diabetes.csv", "progression", "regression", "r2", 0.3),
        ],
        every=4,
    ),
)
def test_the_config_of_real_data_trains_unchanged(data, target, task, metric, least, bptrain_in):
    done = bptrain_in("init", DATASETS / data, "--target", target, "-o", "mine.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "mine.yaml: written; train it with  bptrain train mine.yaml\n"
    assert load("mine.yaml").experiment.data.task == task
    assert bptrain.validate(["mine.yaml"]).problems == ()
    assert bptrain.train("mine.yaml").test.metrics[metric] > least


def test_the_path_starts_from_the_config(bptrain_in, tmp_path):
    for folder in ("data sets", "configs"):
        (tmp_path / folder).mkdir()
    houses(name="data sets/houses.csv")
    assert bptrain_in("init", "data sets/houses.csv", "--target", "price", "-o", "configs/p.yaml").returncode == 0
    text = (tmp_path / "configs" / "p.yaml").read_text(encoding="utf-8")
    assert "{csv: ../data sets/houses.csv}" in text
    assert bptrain.train("configs/p.yaml", ["training.epochs=1"]).epochs == 1
    printed = bptrain_in("init", "data sets/houses.csv", "--target", "price", PYTHONIOENCODING="utf-8").stdout
    assert printed == bptrain.init("data sets/houses.csv", "price")
    assert "{csv: data sets/houses.csv}" in printed


def test_no_comment_is_above_its_line(tmp_path):
    (tmp_path / "a" / ("long" * 30)).mkdir(parents=True)
    source = houses(name=f"a/{'long' * 30}/houses.csv")
    lines = bptrain.init(source, "price").splitlines()
    (source_line,) = [line for line in lines if line.startswith("  source:")]
    assert lines[lines.index(source_line) - 1] == "data:"
    assert lines[lines.index(source_line) + 1].strip() == "# path relative to this file"


def test_an_existing_file_is_not_overwritten(bptrain_in, tmp_path):
    houses()
    (tmp_path / "mine.yaml").write_text("years of work")
    done = bptrain_in("init", "houses.csv", "--target", "price", "-o", "mine.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    message = "error: mine.yaml: exists already and is not overwritten; choose another path, or --force\n"
    assert done.stderr == message
    assert (tmp_path / "mine.yaml").read_text() == "years of work"
    done = bptrain_in("init", "houses.csv", "--target", "price", "-o", "mine.yaml", "--force")
    assert done.returncode == 0
    assert done.stdout.splitlines()[1] == "left out id: it looks like an ID, which says nothing about new rows"
    assert (tmp_path / "mine.yaml").read_text(encoding="utf-8") == bptrain.init("houses.csv", "price").replace(
        "bptrain train CONFIG.yaml", "bptrain train mine.yaml"
    )


REFUSED = [
    ("x,y\n1,2\n2,3\n", "z", "b.csv has no column 'z'; choose from x, y"),
    ("width,price\n1,2\n2,3\n", "prize", "b.csv has no column 'prize'; did you mean 'price'?"),
    ("x,y\n1,2\n2,\n3,4\n", "y", "b.csv:3: y: the target is missing; fill it in, remove the row"),
    ("x,y\n1,a\n2,\n3,b\n", "y", "b.csv:3: y: the target is missing; fill it in, remove the row"),
    ("x,y\n1,a\n2,a\n", "y", "b.csv: y: the target has a single class, 'a'; there is nothing to learn"),
    ("x,y\n" + "1,2.5\n" * 40, "y", "b.csv: y: the target is 2.5 in every row; there is nothing to learn"),
    ("x,y\n1,a\n2,b\n3,c\n4,d\n", "y", "b.csv: y: 4 classes in 4 rows; a class needs several rows to be learned"),
    ("y\n1\n2\n3\n", "y", "b.csv: there is no column to predict 'y' from (it has no other columns)"),
    (
        "y,c\n1,a\n2,b\n3,c\n",
        "y",
        "b.csv: there is no column to predict 'y' from (c: text, 3 distinct values; too many",
    ),
    ("x,y\n" + "1,a\n" * 40 + "3,c\n", "y", "b.csv: y: only 1 of its classes has more than one row; add rows of the"),
    ("x,y\n1,1e300\n2,-1e300\n3,4\n", "y", "b.csv: y: its numbers are too large to be scaled"),
    ("x,y\n1\n", "y", "b.csv:2: y: the line has 1 value, and the header has 2: too few"),
    ("", "y", "b.csv:1: the file is empty; the first line must name the columns"),
    ("x,y\n", "y", "b.csv:2: the file has a header and no rows; add at least one"),
]


@pytest.mark.parametrize(("text", "target", "message"), REFUSED)
def test_data_that_cannot_be_learned_is_an_error(text, target, message):
    Path("b.csv").write_text(text)
    with pytest.raises(InputError) as caught:
        bptrain.init("b.csv", target, output="out.yaml")
    assert str(caught.value).startswith(message)
    assert not Path("out.yaml").exists()


def test_without_a_target_the_message_lists_the_columns(bptrain_in):
    houses()
    done = bptrain_in("init", "houses.csv")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        "error: houses.csv: name the column to predict, such as: bptrain init houses.csv --target price; the columns"
    )
    assert "city (text, 3 distinct values)" in line
    assert "garden (whole numbers, 4 distinct values, 8 of 60 missing)" in line
    assert bptrain_in("init", "gone.csv").stderr == "error: gone.csv: no such file\n"


def test_without_a_likely_name_the_last_usable_column_is_suggested():
    Path("b.csv").write_text("a,b,id,c\n" + "".join(f"{k % 3},{k % 4},{k},5\n" for k in range(30)))
    with pytest.raises(InputError, match=r"such as: bptrain init b\.csv --target b;"):
        bptrain.init("b.csv", None)


def test_a_doubtful_column_is_used_if_there_is_no_other():
    """A column that looks like an ID may be the only input: x in y = f(x)."""
    Path("b.csv").write_text("x,y\n" + "".join(f"{k},{k * k / 7}\n" for k in range(40)))
    assert experiment(bptrain.init("b.csv", "y")).data.features is None


def test_of_few_rows_none_are_held_out():
    Path("xor.csv").write_text("a,b,c\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n")
    one = experiment(bptrain.init("xor.csv", "c"))
    assert (one.data.split.validation, one.data.split.test, one.training.early_stopping) == (0, 0, None)
    assert one.training.batch_size == "full"
    assert bptrain.train("out.yaml", ["training.epochs=2"]).test is None


def test_a_rare_class_is_mentioned():
    Path("b.csv").write_text("x,y\n" + "".join(f"{k % 13},{'rare' if k % 20 == 0 else 'usual'}\n" for k in range(200)))
    text = bptrain.init("b.csv", "y")
    assert "the rarest class, rare, has 10 of 200 rows" in text
    assert [type(metric).__name__ for metric in experiment(text).metrics][1] == "BalancedAccuracy"


def test_larger_data_gets_a_larger_network_and_larger_batches():
    sizes = []
    for rows in (40, 300, 3000, 30_000):
        one = experiment(bptrain.init(houses(rows), "price"))
        sizes.append((sum(one.hidden), one.training.batch_size, -one.training.epochs))
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 4


HOSTILE = [
    "a\nseed: 99",
    "a # b",
    "1e3",
    "no",
    "- x",
    "{a: b}",
    "\x1b[31mred",
    "\u202eevil",
    "a\u2028b",
    "'",
    "${seed}",
    ": x",
]


@pytest.mark.parametrize("name", sampled(HOSTILE, every=4))
def test_odd_column_names_are_kept(name):
    def cell(text):
        return '"' + text.replace('"', '""') + '"'

    header = ",".join(map(cell, (name, name + "2", name + "3", "y")))
    rows = "".join(f"{k % 7},{cell(name)},{(k * k) % 11},{cell(name if k % 2 else 'other')}\n" for k in range(60))
    Path("h.csv").write_text(f"{header}\n{rows}", encoding="utf-8")
    # A column of which half are numbers is a spoilt one.
    others = (name + "3",) if name == "1e3" else (name + "3", "y")
    for target, features in (("y", (name, name + "3")), (name, others)):
        text = bptrain.init("h.csv", target)
        assert all(line.isprintable() for line in text.split("\n"))
        one = experiment(text)
        assert (one.seed, one.data.target, one.data.features) == (0, target, features)
        assemble_file("out.yaml")


def test_an_odd_file_name_is_kept():
    name = "a: b # {c} 'é'\u202e.csv"
    houses(name=name)
    experiment(bptrain.init(name, "price"))
    assert Path(assemble_file("out.yaml").table.origin).name == name


COLUMN = st.sampled_from(["text", "numbers", "whole", "constant", "count", "missing", "huge", "tiny", "two", "mixed"])


def cell(kind, k, draw):
    few = draw(st.integers(0, 5))
    return {
        "text": f"word {few}",
        "numbers": repr(draw(st.floats(-1e6, 1e6))),
        "whole": str(draw(st.integers(-50, 50))),
        "constant": "3",
        "count": str(k),
        "missing": "" if few == 0 else str(k * 0.5),
        "huge": repr(draw(st.floats(-1e308, 1e308))),
        "tiny": repr(draw(st.floats(-1e-300, 1e-300))),
        "two": str(few % 2),
        "mixed": "n/a" if few == 0 else str(few),
    }[kind]


@st.composite
def tables(draw):
    names = draw(
        st.lists(st.text("abId_ #:'{}[]é", min_size=1, max_size=6), min_size=2, max_size=6, unique_by=str.lower)
    )
    columns = [(name, draw(COLUMN)) for name in names if name.strip()]
    rows = draw(st.integers(1, 60))
    body = [[cell(kind, k, draw) for _, kind in columns] for k in range(rows)]
    head = ['"' + name + '"' for name, _ in columns]
    return [name for name, _ in columns], "\n".join(",".join(line) for line in [head, *body]) + "\n"


@pytest.mark.filterwarnings("ignore::bptrain.errors.BptrainNote")
@pytest.mark.parametrize("examples", sampled([10, 60]))
def test_an_accepted_file_trains(examples):
    """A file is an error of one line, or its config trains unchanged."""
    trained = []

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
    @given(table=tables(), data=st.data())
    def law(table, data):
        names, text = table
        assume(names)
        Path("law.csv").write_text(text, encoding="utf-8")
        target = data.draw(st.sampled_from(names))
        try:
            written = bptrain.init("law.csv", target)
        except InputError:
            written = None
        if written is not None:
            Path("law.yaml").write_text(written, encoding="utf-8")
            trained.append(bptrain.train("law.yaml", ["training.epochs=1"]).epochs)

    law()
    assert set(trained) == {1}


def test_the_data_file_itself_is_never_overwritten(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("a,y\n" + "".join(f"{k},{k * 1.5}\n" for k in range(20)))
    before = path.read_text()
    with pytest.raises(InputError, match="is the data file itself"):
        bptrain.init(path, "y", output=tmp_path / "." / "d.csv", force=True)
    assert path.read_text() == before


def test_classes_of_a_single_row_are_left_out_by_name(bptrain_in, tmp_path):
    rows = "".join(f"{k % 7},{'ab'[k % 2]}\n" for k in range(60))
    (tmp_path / "t.csv").write_text(f"x,y\n{rows}3,c\n4,\n5,d\n")
    done = bptrain_in("init", "t.csv", "--target", "y", "-o", "t.yaml")
    assert done.returncode == 0
    assert "note: the classes 'c', 'd' with a single row are left out" in done.stdout + done.stderr
    assert "y: {missing: {drop: [c, d]}}" in (tmp_path / "t.yaml").read_text()
    trained = bptrain_in("train", "t.yaml", "--log", "plain")
    assert trained.returncode == 0
    assert "3 of 63 rows dropped for a missing value, or one of 'c', 'd' ('y' in 3)" in trained.stderr
    # A later file may have such rows, and a run is resumed with them.
    assert bptrain_in("evaluate", "runs/t-001", "--data", "t.csv").returncode == 0
    assert bptrain_in("resume", "runs/t-001", "training.epochs=400", "-q").returncode == 0


RECIPES = [
    (20, 3, ["relu", "split: {validation: 0, test: 0}", "batch_size: full"]),
    # 1,200 steps: 160 training rows are 10 batches of 16.
    (200, 3, ["mish", "l2: 0.03", "schedule: cosine", "epochs: 120 ", "validation: 0, test: 0.2", "hidden: [32]"]),
    (900, 3, ["mish", "l2: 0.01", "schedule: cosine", "epochs: 53 ", "validation: 0, test: 0.2", "hidden: [32]"]),
    # 5,000 steps: 2,550 training rows are 80 batches of 32.
    (
        3000,
        3,
        ["mish", "l2: 0.001", "schedule: cosine", "epochs: 63 ", "validation: 0, test: 0.15", "hidden: [64, 32]"],
    ),
    (30_000, 3, ["relu", "early_stopping: {patience: 5}", "validation: 0.1, test: 0.1", "hidden: [128, 64]"]),
]


@pytest.mark.parametrize(("rows", "columns", "lines"), RECIPES, ids=[str(one[0]) for one in RECIPES])
def test_the_recipe_follows_the_number_of_rows(rows, columns, lines):
    rng = np.random.default_rng(0)
    names = ",".join(f"n{k}" for k in range(columns))
    values = rng.normal(size=(rows, columns + 1)).round(3)
    Path("t.csv").write_text(f"{names},y\n" + "\n".join(",".join(map(str, row)) for row in values) + "\n")
    text = bptrain.init("t.csv", "y")
    assert [line for line in lines if line not in text] == []
    quick = bptrain.init("t.csv", "y", quick=True)
    assert "relu" in quick
    assert ("early_stopping" in quick) == (rows >= 30)


def test_holes_in_training_get_a_mark_in_columns_of_every_kind(bptrain_in, tmp_path):
    rows = [f"{k % 9 if k % 8 else ''},{('yes', 'no', '')[k % 3]},{'pqr '[k % 4]},{'ab'[k % 5 > 2]}" for k in range(60)]
    (tmp_path / "t.csv").write_text("n,b,c,y\n" + "\n".join(rows).replace(" ,", ",") + "\n")
    assert bptrain_in("init", "t.csv", "--target", "y", "-o", "t.yaml").returncode == 0
    columns = assemble_file(tmp_path / "t.yaml").model.columns
    assert {name for name in columns.input_names if "missing" in name} == {"n missing", "b missing", "c=missing"}
    assert bptrain_in("train", "t.yaml", "-q", "training.epochs=1").returncode == 0
    (tmp_path / "n.csv").write_text("n,b,c\n,,\n1,YES, p \n")
    assert bptrain_in("predict", "runs/t-001", "n.csv").returncode == 0

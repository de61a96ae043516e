"""Encodings of numbers: piecewise-linear bins, and the layer that embeds them by learned waves."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import numbers

import bptrain
from bptrain.arrays import Streams
from bptrain.columns.columns import Columns, fit
from bptrain.columns.encodings import PiecewiseLinear
from bptrain.columns.imputers import Median
from bptrain.columns.options import Treatment
from bptrain.columns.scalers import Log1p
from bptrain.errors import BptrainNote, InputError
from bptrain.model.assemble import assemble_file
from bptrain.nn import Network
from bptrain.nn.layers import Periodic
from bptrain.tables.table import Table

# The bins, the training column, the edges, a value and its inputs: calculated by hand.
ENCODED = [
    (2, [0, 1, 2, 3, 4], [0, 2, 4], 1, [0.5, 0]),
    (2, [0, 1, 2, 3, 4], [0, 2, 4], 3, [1, 0.5]),
    (2, [0, 1, 2, 3, 4], [0, 2, 4], -2, [-1, 0]),
    (2, [0, 1, 2, 3, 4], [0, 2, 4], 6, [1, 2]),
    (3, [0, 1, 2, 30], [0, 1, 2, 30], 16, [1, 1, 0.5]),
    (3, [0, 1, 2, 30], [0, 1, 2, 30], 99, [1, 1, 97 / 28]),
    # few distinct values have fewer bins
    (4, [0, 0, 0, 0, 0, 0, 7], [0, 7], 7, [1]),
    (8, [1, 1, 2, 2], [1, 2], 1, [0]),
    # a constant column becomes 0
    (8, [5, 5, 5], [5, 10], 5, [0]),
    (8, [0, 0], [0, 1], 0, [0]),
    # a step of one rounding error is no bin
    (2, [1, 1 + 2**-52, 1 + 2**-52, 2], [1, 2], 1.5, [0.5]),
]


@pytest.mark.parametrize(("bins", "column", "edges", "value", "inputs"), ENCODED)
def test_bins_by_hand(bins, column, edges, value, inputs):
    encoding = PiecewiseLinear(bins)
    found = encoding.fit(np.array(column, float))
    np.testing.assert_allclose(found, edges)
    np.testing.assert_allclose(encoding.apply(np.array([float(value)]), found), [inputs])


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.integers(1, 6), st.floats(-1e6, 1e6))
def test_bins_can_be_undone_and_rise_with_the_number(column, bins, value):
    encoding = PiecewiseLinear(bins)
    edges = encoding.fit(np.array(column))
    inputs = encoding.apply(np.array([value, value + 1.0]), edges)
    assert (np.diff(inputs, axis=0) >= 0).all()
    narrow = min(np.diff(edges)) < 1e-6
    if not narrow:
        np.testing.assert_allclose(encoding.invert(inputs, edges), [value, value + 1.0], rtol=1e-6, atol=1e-6)


def fitted(values, **treatment):
    table = Table({"x": values, "y": np.arange(float(len(values)))}, "t")
    columns = fit(
        table, np.arange(len(values)), {"x": ("numeric", Treatment("numeric", **treatment))}, {"y": Treatment()}
    )
    return columns, table


def test_missing_values_are_filled_then_scaled_then_encoded_and_restored_from_json():
    values = numbers(0, np.e - 1, None, np.e**2 - 1, np.e**4 - 1)
    columns, table = fitted(values, missing=Median(), indicator=True, scaling=Log1p(), encoding=PiecewiseLinear(2))
    # The median of the four is between e - 1 and e² - 1; the middle edge of the five is the same number.
    assert columns.input_names == ("x bin 1", "x bin 2", "x missing")
    found = columns.encode_inputs(table)
    middle = np.log1p((np.e + np.e**2 - 2) / 2)
    logs = np.array([0, 1, middle, 2, 4])
    expected = np.stack(
        [np.minimum(logs / middle, 1), np.maximum((logs - middle) / (4 - middle), 0), logs == middle], 1
    )
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(columns.decode_numbers(found)[1][:, 0], np.expm1(logs), atol=1e-9)
    again = Columns.from_json(json.loads(json.dumps(columns.to_json())))
    np.testing.assert_array_equal(again.encode_inputs(table), found)


def test_a_number_far_outside_of_a_narrow_bin_is_an_error():
    columns, _ = fitted(numbers(*[0.0] * 9, 1e-300), encoding=PiecewiseLinear(1))
    with pytest.raises(InputError, match="row 1: x: 1 is too large to train with"):
        columns.encode_inputs(Table({"x": np.array([1.0])}, "later"))


CONFIG = """
data:
  source: {csv: t.csv}
  target: y
  features: {exclude: [id]}
  columns: {b: {encoding: plain}, c: {missing: median, encoding: {piecewise_linear: {bins: 3}}}}
  encoding: {piecewise_linear: {bins: 4}}
  indicator: true
hidden: [4]
training: {epochs: 2}
"""


@pytest.fixture
def table():
    rng = np.random.default_rng(5)
    a, b, c = rng.normal(50, 20, 60), rng.normal(size=60), rng.integers(0, 3, 60)
    lines = ["id,a,b,c,word,y"]
    for k in range(60):
        hole = "" if k % 9 == 0 else str(c[k])
        lines.append(f"{k},{a[k]:.3f},{b[k]:.3f},{hole},{'one' if k % 2 else 'two'},{'yes' if a[k] > 50 else 'no'}")
    Path("t.csv").write_text("\n".join(lines) + "\n")
    Path("c.yaml").write_text(CONFIG)
    return Path("c.yaml")


def test_the_option_of_a_column_precedes_that_of_all_columns(table):
    columns = assemble_file(table).model.columns
    names = ["a bin 1", "a bin 2", "a bin 3", "a bin 4", "b", "c bin 1", "c bin 2", "c missing", "word=one", "word=two"]
    assert list(columns.input_names) == names


def test_rows_are_the_same_in_memory_and_in_a_file(table):
    one = assemble_file(table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BptrainNote)
        other = assemble_file(table, ["data.memory=1kB"])
    for name, rows in one.splits.items():
        np.testing.assert_array_equal(rows.inputs, other.splits[name].inputs)


def test_a_run_predicts_evaluates_and_shows_its_bins(bptrain_in, table):
    assert bptrain_in("train", "c.yaml", "--run", "run").returncode == 0
    rows = [line.split(",") for line in Path("t.csv").read_text().splitlines()]
    order = [2, 4, 1, 3]
    Path("later.csv").write_text("\n".join(",".join(row[k] for k in order) for row in rows) + "\n")
    done = bptrain_in("predict", "run", "later.csv", "--json")
    assert done.returncode == 0, done.stderr
    shown = " ".join(bptrain_in("show", "c.yaml").stdout.replace("\n#", "").split())
    assert "a: numeric, standard, piecewise_linear in 4 bins with the edges" in shown
    assert bptrain_in("evaluate", "run").returncode == 0
    assert bptrain_in("explain", "c.yaml").returncode == 0


@pytest.mark.slow
def test_a_report_has_the_numbers_of_the_table(bptrain_in, table):
    assert bptrain_in("train", "c.yaml", "--run", "run").returncode == 0
    assert bptrain_in("report", "run").returncode == 0
    page = Path("run/report.html").read_text()
    values = {f"{float(line.split(',')[1]):.4g}" for line in Path("t.csv").read_text().splitlines()[1:]}
    assert sum(f">{value}<" in page for value in values) >= 1


def test_an_autoencoder_restores_numbers_from_their_bins(bptrain_in, table):
    options = ["data.target=inputs", "data.features={exclude: [id, y]}", "loss=mse", "training.epochs=200"]
    assert bptrain_in("train", "c.yaml", *options, "hidden=[32]", "--run", "auto").returncode == 0
    rows = bptrain_in("predict", "auto", "t.csv").stdout.splitlines()
    assert rows[0].replace('"', "").split(",") == [
        "predicted_a",
        "predicted_b",
        "predicted_c",
        "predicted_word",
    ]
    found = np.array([float(row.split(",")[0]) for row in rows[1:]])
    given = np.array([float(row.split(",")[1]) for row in Path("t.csv").read_text().splitlines()[1:]])
    assert np.corrcoef(found, given)[0, 1] > 0.9


WRONG = [
    ("data.columns.word={encoding: piecewise_linear}", "data.columns.word.encoding", "is for numeric columns"),
    ("data.columns={a: {encoding: ple}}", "data.columns.a.encoding", "piecewise_linear"),
    ("data.encoding={piecewise_linear: {bins: 0}}", "data.encoding.piecewise_linear.bins", "1"),
]


@pytest.mark.parametrize(("override", "field", "words"), WRONG)
def test_wrong_options_are_named(table, override, field, words):
    with pytest.raises(InputError) as caught:
        assemble_file(table, [override])
    assert field in str(caught.value)
    assert words in str(caught.value)


def test_a_target_is_not_encoded(table):
    with pytest.raises(InputError, match=r"data.columns.a.encoding: is for features, and this column is a target"):
        assemble_file(table, ["data.target=a", "data.columns={a: {encoding: piecewise_linear}}"])
    with pytest.raises(InputError, match=r"data.columns.a.encoding: is for features, and this column is a target"):
        assemble_file(table, ["data.target=a", "data.columns={a: {encoding: periodic}}"])
    # The option for all columns is for features only.
    assert assemble_file(
        table, ["data.target=a", "data.columns={c: {missing: median}}"]
    ).model.columns.target_names == ("a",)


PERIODIC = """
data:
  source: {csv: t.csv}
  target: y
  features: {exclude: [id]}
  columns: {c: {missing: median}}
  encoding: periodic
hidden: [4]
training: {epochs: 2}
"""


@pytest.fixture
def periodic(table):
    Path("p.yaml").write_text(PERIODIC)
    return Path("p.yaml")


# What the config says, and the inputs that its first layer embeds: a, b and c are the inputs 0 to 2, then two words.
EMBEDDED = [
    ([], (0, 1, 2)),
    (["data.encoding=plain", "data.columns.b.encoding=periodic"], (1,)),
    (["data.encoding={piecewise_linear: {bins: 2}}", "data.columns.b.encoding=periodic"], (2,)),
    (["hidden=null", "network=[periodic: {units: 2}, dense]"], (0, 1, 2)),
    (["hidden=null", "network=[periodic, dense]", "data.encoding=plain"], (0, 1, 2)),
    (["hidden=null", "network=[periodic: {inputs: [2, 4]}, dense]", "data.encoding=plain"], (2, 4)),
    (["hidden=null", "network=[dense: 3, periodic, dense]", "data.encoding=plain"], None),
]


@pytest.mark.parametrize(("options", "inputs"), EMBEDDED)
def test_the_first_layer_embeds_the_numeric_columns(periodic, options, inputs):
    model = assemble_file(periodic, options).model
    assert getattr(model.network.chain.layers[0], "inputs", None) == inputs
    # The config of the run says all of it, and gives the same network again.
    assert model.experiment.layers == model.network.chain.layers


def test_the_layer_by_hand():
    network = Network(
        (Periodic(1, 1, inputs=(1,)),), (2,), batch=1, dtype="float64", rng=Streams(0), input_gradient=True
    )
    values = {"frequency": 0.5, "phase": np.pi / 3, "weight": 2.0, "bias": 0.25}
    for name, value in values.items():
        network.parameters()[f"0.periodic.{name}"][...] = value
    frame = network.frame(1)
    frame.input[...] = [[7, 1 / 3]]
    frame.forward(training=True)
    # v = π / 3 + π / 3, of which the cosine is -1/2 and the sine √3 / 2
    np.testing.assert_allclose(frame.scores, [[7, 1 / 3, -0.75]], rtol=1e-14)
    frame.dscores[...] = [[10, 20, 1]]
    frame.backward()
    slope = -2 * np.sqrt(3) / 2
    expected = {"frequency": slope * 2 * np.pi / 3, "phase": slope, "weight": -0.5, "bias": 1.0}
    for name, value in expected.items():
        np.testing.assert_allclose(network.gradients()[f"0.periodic.{name}"], value, rtol=1e-14)
    np.testing.assert_allclose(frame.dinput, [[10, 20 + slope * np.pi]], rtol=1e-14)


def test_a_periodic_run_resumes_predicts_and_is_explained(bptrain_in, periodic):
    assert bptrain_in("train", "p.yaml", "--run", "one", "training.epochs=4").returncode == 0
    assert bptrain_in("train", "p.yaml", "--run", "two", "training.epochs=2").returncode == 0
    assert bptrain_in("resume", "two", "training.epochs=4").returncode == 0
    one, two = (bptrain_in("predict", run, "t.csv").stdout for run in ("one", "two"))
    assert one == two
    assert len(one.splitlines()) == 61
    shown = bptrain_in("show", "p.yaml").stdout
    assert "numeric, standard, periodic" in shown
    assert "inputs: [0, 1, 2]" in shown
    page = bptrain_in("explain", "p.yaml", "dtype=float64").stdout
    assert "v[1, 1, 1, 1] = 2 · 3.14159 ·" in page
    assert "dφ[1, 1, 1] = " in page
    assert "0.periodic" in bptrain_in("show", "p.yaml", "--summary").stdout


FIRST = "the network must begin with the layer periodic, which embeds the numbers; write - periodic as its first layer"
MISTAKES = [
    (["hidden=null", "network=[dense]"], f"data.encoding: {FIRST}"),
    (
        ["data.encoding=plain", "hidden=null", "network=[dense]", "data.columns.b.encoding=periodic"],
        f"data.columns.b.encoding: {FIRST}",
    ),
    (
        ["data.features=[word]", "hidden=null", "network=[periodic, dense]"],
        "network.0.periodic: there is no numeric column to embed; remove the layer",
    ),
    (["data.features=[word]"], "data.encoding: there is no numeric column to encode in this way; remove it"),
    (
        ["hidden=null", "network=[periodic: {inputs: [1, 9]}, dense]"],
        "network.0.periodic.inputs: the layer has the inputs 0 to 4 (got 9); write auto",
    ),
    (
        ["hidden=null", "network=[periodic: {inputs: [1, 1]}, dense]"],
        "network.0.periodic.inputs: expected different numbers (got [1, 1]); write auto",
    ),
]


@pytest.mark.parametrize(("options", "message"), MISTAKES)
def test_a_network_without_its_embedding_is_refused(periodic, options, message):
    with pytest.raises(InputError) as caught:
        assemble_file(periodic, options)
    assert f" {message}" in f" {caught.value}"


def test_max_norm_bounds_the_weights_into_each_unit(periodic):
    options = ["regularization.max_norm=0.1", "hidden=null", "network=[periodic, dense: {weight_init: zeros}]"]
    weight = bptrain.train(periodic, options).session.model.network.parameters()["0.periodic.weight"]
    norms = np.sqrt((weight.astype(np.float64) ** 2).sum(axis=2))
    assert norms.max() == pytest.approx(0.1, rel=1e-5)
    assert norms.min() > 0.09

"""Autoencoders: the encoded inputs are the target."""

from pathlib import Path

import numpy as np
import pytest

import bptrain
from bptrain.commands.train import train
from bptrain.commands.verify_resume import verify_resume
from bptrain.errors import ConfigError, InputError
from bptrain.model.assemble import assemble_file


def table(rows=150, name="t.csv", seed=0):
    """Write a table of numbers near a line, a town, and missing values."""
    rng = np.random.default_rng(seed)
    a = rng.normal(10, 3, rows)
    b, towns = 5 * a + rng.normal(0, 0.1, rows), rng.choice(["Bonn", "Kiel", "Ulm"], rows)
    lines = [
        f"{x:.3f},{'' if k == 7 else f'{y:.3f}'},{t}\n" for k, (x, y, t) in enumerate(zip(a, b, towns, strict=True))
    ]
    Path(name).write_text("a,b,town\n" + "".join(lines))


def config(more="", data="", network="hidden: [3]\n"):
    table()
    Path("my.yaml").write_text(
        f"data:\n  source: {{csv: t.csv}}\n  target: inputs\n  missing: {{constant: 50}}\n{data}"
        f"  columns: {{town: {{missing: error}}}}\n{network}training: {{epochs: 5, batch_size: 16}}\n{more}"
    )
    return "my.yaml"


def test_the_encoded_inputs_are_the_target():
    assembly = assemble_file(config())
    model, rows = assembly.model, assembly.splits["train"]
    assert model.experiment.data.task == "autoencoder"
    assert model.network.output_shape == (5,) == (len(model.columns.input_names),)
    assert rows.targets is rows.inputs
    assert model.columns.target_names == ()


def test_metrics_are_computed_on_the_encoded_inputs():
    result = train(config(), run="run")
    network, rows = result.session.model.network, result.session.splits["test"]
    weights = {name: array.astype(float) for name, array in network.parameters().items()}
    hidden = np.maximum(rows.inputs.astype(float) @ weights["0.dense.weight"] + weights["0.dense.bias"], 0)
    errors = hidden @ weights["2.dense.weight"] + weights["2.dense.bias"] - rows.inputs
    assert result.test.loss == pytest.approx(np.mean(errors**2), rel=1e-4)
    assert result.test.metrics["rmse"] == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-4)
    assert result.test.metrics["mae"] == pytest.approx(np.mean(np.abs(errors)), rel=1e-4)


def test_it_learns_a_line():
    Path("line.yaml").write_text(
        "data: {source: {csv: t.csv}, target: inputs, features: [a, b], missing: drop}\n"
        "network: [dense: 1, dense]\ntraining: {epochs: 150}\noptimizer: {adam: {lr: 0.02}}\n"
    )
    table()
    result = train("line.yaml", run="run")
    # Along the line nothing is lost; beside it lies less than a thousandth of the variance.
    assert result.test.metrics["rmse"] < 0.05
    model, rows = result.session.model, result.session.splits["test"]
    _, found = model.columns.decode_numbers(rows.inputs)
    lines = [line.split(",") for line in Path("t.csv").read_text().splitlines()[1:]]
    expected = np.array([[float(value) for value in lines[k][:2]] for k in rows.numbers])
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_evaluation_needs_no_target_column():
    result = train(config(), run="run")
    again = bptrain.evaluate("run")
    assert again.metrics["rmse"] == pytest.approx(result.test.metrics["rmse"], rel=1e-6)
    table(20, "new.csv", seed=5)
    assert bptrain.evaluate("run", data="new.csv").rows == 20
    Path("new.csv").write_text("a,town\n1,Ulm\n")
    with pytest.raises(InputError, match=r"new\.csv has no column 'b'"):
        bptrain.evaluate("run", data="new.csv")


@pytest.mark.slow
@pytest.mark.parametrize("more", ["", "augmentation: [gaussian_noise: 0.3, mixup]\n", "dtype: float64\n"], ids=str)
def test_an_interrupted_run_ends_like_an_uninterrupted_one(more):
    found = verify_resume(config(more))
    assert len(found.interruptions) >= 3
    assert found.identical, found.different


def test_noise_is_added_to_the_inputs_and_not_to_the_targets():
    assembly = assemble_file(config("augmentation: [gaussian_noise: 1]\n"))
    rows, batch = assembly.splits["train"], assembly.model.objective.batch(8)
    batch.fill(rows.inputs, rows.targets, np.arange(8))
    batch.augment()
    assert np.array_equal(batch.targets, rows.inputs[:8])
    assert np.abs(batch.input - rows.inputs[:8]).max() > 0.5


def test_cross_entropy_of_inputs_from_0_to_1():
    result = train(config("loss: binary_cross_entropy\n", "  scaling: minmax\n"), run="run")
    assert 0 < result.test.metrics["rmse"] < 0.6
    table(20, "new.csv", seed=5)
    text = Path("new.csv").read_text().splitlines()
    text[1] = "99,12,Ulm"
    Path("new.csv").write_text("\n".join(text) + "\n")
    # Beyond what trained: the loss is defined there.
    assert np.isfinite(bptrain.evaluate("run", data="new.csv").loss)


def test_the_target_of_a_bundled_set_is_not_an_input():
    Path("digits.yaml").write_text("data: {source: {bundled: digits}, target: inputs}\nhidden: [8]\n")
    model = assemble_file("digits.yaml").model
    assert len(model.columns.input_names) == 64
    assert "digit" not in model.columns.input_names


def test_gradients_and_show():
    assert bptrain.check_gradients(config()).passed
    shown = bptrain.show("my.yaml")
    assert "# target: the 5 inputs" in shown
    Path("shown.yaml").write_text(shown)
    one, two = train("my.yaml", run="one"), train("shown.yaml", run="two")
    assert np.array_equal(one.session.model.network.theta, two.session.model.network.theta)


BROKEN = [
    (
        "loss: binary_cross_entropy\n",
        "",
        "",
        r"loss: binary_cross_entropy: a label must be from 0 to 1 .*; write data.scaling: minmax",
    ),
    ("loss: softmax_cross_entropy\n", "", "", "loss: softmax_cross_entropy does not fit a target of 5 numeric columns"),
    ("metrics: [accuracy]\n", "", "", "metrics.0: accuracy is not defined for numbers"),
    ("", "  class_weight: balanced\n", "", "data.class_weight: is for classes, but the task is autoencoder"),
    ("", "  split: {method: stratified}\n", "", r"data.split.method: .*classes"),
    (
        "",
        "",
        "network: [dense: 3, relu, dense: 4]\n",
        r"network.2.dense.units: the network ends in 4 outputs; mse on 5 inputs needs 5",
    ),
]


@pytest.mark.parametrize(("more", "data", "network", "message"), BROKEN)
def test_a_mistake_is_reported_with_its_place(more, data, network, message):
    with pytest.raises(ConfigError, match=message):
        assemble_file(config(more, data, network or "hidden: [3]\n"))


def test_a_column_named_inputs_is_ambiguous():
    Path("t.csv").write_text("x,inputs\n" + "".join(f"{k},{k % 7 + k / 50}\n" for k in range(60)))
    text = "data: {{source: {{csv: t.csv}}, target: {}}}\nhidden: [4]\ntraining: {{epochs: 1}}\n"
    Path("t.yaml").write_text(text.format("inputs"))
    with pytest.raises(ConfigError, match=r"data.target: inputs means the inputs themselves, .*; write \[inputs\]"):
        assemble_file("t.yaml")
    Path("t.yaml").write_text(text.format("[inputs]"))
    assert train("t.yaml", run="column").session.model.columns.target_names == ("inputs",)
    assert bptrain.evaluate("column").metrics["rmse"] > 0
    Path("t.yaml").write_text(text.format("inputs, task: autoencoder"))
    assert assemble_file("t.yaml").model.columns.input_names == ("x", "inputs")
    Path("t.yaml").write_text(text.format("x, task: autoencoder"))
    with pytest.raises(
        ConfigError, match=r"data\.target: an autoencoder predicts its own inputs; write target: inputs"
    ):
        assemble_file("t.yaml")

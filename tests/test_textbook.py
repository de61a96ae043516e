"""The textbook configs: each shows what it says, against numbers from closed forms and from Python's own arithmetic."""

import json
import math
import shlex
from pathlib import Path

import numpy as np
import pytest

import bptrain
from bptrain.config import load
from bptrain.errors import DivergedError
from bptrain.model.assemble import assemble_file

TEXTBOOK = Path(__file__).parents[1] / "configs" / "textbook"


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def gradients(name, overrides=()):
    """Loss, signals after each layer and gradients of the first batch, all rows."""
    assembly = assemble_file(TEXTBOOK / f"{name}.yaml", overrides)
    objective, rows = assembly.model.objective, assembly.splits["train"]
    batch = objective.batch(len(rows))
    batch.fill(rows.inputs, rows.targets, np.arange(len(rows)))
    signals = []
    for step in batch.frame.steps:
        # A copy at once: the next layer may work in place.
        step.layer.forward(step.p, step.x, step.y, step.s)
        signals.append(step.y.copy())
    loss, _ = objective.loss_and_grad(batch)
    return loss, signals, {key: value.copy() for key, value in objective.network.gradients().items()}


def trained(name, *overrides):
    result = bptrain.train(TEXTBOOK / f"{name}.yaml", overrides)
    return result, [json.loads(line) for line in (result.run / "history.jsonl").read_text().splitlines()]


def test_two_three_one_is_saturated():
    """The article's h = 1, 1, y = 1, loss 4 and gradients -2 to -12 are rounding; these are the numbers."""
    loss, (z, h, _, y), grad = gradients("two_three_one")
    assert z.tolist() == [[5, 11, 17]]
    assert h[0] == pytest.approx([0.9933071490757153, 0.999983298578152, 0.9999999586006244], rel=1e-14)
    assert y[0, 0] == pytest.approx(0.997510730524519, rel=1e-14)
    assert loss == pytest.approx(2.0049816371822224, rel=1e-14)

    hidden = [sigmoid(5), sigmoid(11), sigmoid(17)]
    out = sigmoid(hidden[0] + 2 * hidden[1] + 3 * hidden[2])
    delta = (out - 3) * out * (1 - out)
    assert grad["2.dense.weight"][:, 0] == pytest.approx([delta * one for one in hidden], rel=1e-12)
    slopes = [one * (1 - one) for one in hidden]
    expected = [[x * delta * w * slope for w, slope in zip((1, 2, 3), slopes, strict=True)] for x in (1, 2)]
    assert grad["0.dense.weight"] == pytest.approx(np.array(expected), rel=1e-7)
    assert f"{grad['0.dense.weight'][1, 0]:.1e}" == "-6.6e-05"
    assert f"{grad['0.dense.weight'][0, 2]:.1e}" == "-6.2e-10"


@pytest.mark.parametrize(("slope", "intercept"), [(3, 2), (2, 0)])
def test_a_line_ends_at_the_least_squares_solution(slope, intercept):
    given = [f"data.source.synthetic.slope={slope}", f"data.source.synthetic.intercept={intercept}"]
    result, _ = trained("line_by_gradient_descent", *given)
    rows = result.session.train
    design = np.hstack([rows.inputs, np.ones((len(rows), 1))])
    best = np.linalg.lstsq(design, rows.targets[:, 0], rcond=None)[0]
    assert result.session.model.network.theta == pytest.approx(best, abs=1e-5)
    assert best == pytest.approx([slope, intercept], abs=0.05)


def test_a_line_diverges_above_the_critical_rate():
    """Gradient descent on a bowl converges for rates below 2 over the largest curvature, and for no others."""
    rows = assemble_file(TEXTBOOK / "line_by_gradient_descent.yaml").splits["train"]
    design = np.hstack([rows.inputs, np.ones((len(rows), 1))])
    critical = 2 / np.linalg.eigvalsh(2 * design.T @ design / len(rows)).max()
    for share, converges in ((0.98, True), (1.02, False)):
        _, history = trained("line_by_gradient_descent", f"optimizer.sgd.lr={share * critical}")
        assert (history[-1]["loss"] < history[-2]["loss"] < history[0]["loss"]) is converges


def test_cross_entropy_saves_the_logistic_unit_its_slope():
    out = sigmoid(5)
    _, _, squared = gradients("logistic_unit")
    _, _, entropy = gradients("logistic_unit", ["network.1=identity", "loss=binary_cross_entropy"])
    assert squared["0.dense.bias"][0] == pytest.approx(out * out * (1 - out), rel=1e-12)
    assert entropy["0.dense.bias"][0] == pytest.approx(out, rel=1e-12)
    assert f"{squared['0.dense.bias'][0]:.4f} {entropy['0.dense.bias'][0]:.4f}" == "0.0066 0.9933"


def test_xor_is_learned_unless_the_units_are_alike():
    result, _ = trained("xor")
    assert result.best.score.metrics["accuracy"] == 1
    result, _ = trained("xor", "network.0.dense.weight_init=zeros")
    weights = result.session.model.network.parameters()["0.dense.weight"]
    assert (weights[:, 0] == weights[:, 1]).all()
    assert result.best.score.loss == pytest.approx(math.log(2), abs=1e-6)


RELU = ("network.2=relu", "network.0.dense.weight_init=he_normal")


@pytest.mark.parametrize("cure", [RELU, ("network.1=batch_norm",)], ids=["relu", "batch_norm"])
def test_gradients_vanish_until_they_are_cured(cure):
    def share(record):
        norms = [value for key, value in record.items() if key.startswith("gradient_norm") and "dense" in key]
        assert len(norms) > 2
        return norms[0] / norms[-1]

    sick, history = trained("vanishing")
    assert share(history[0]) < 1e-4
    assert sick.best.score.metrics["accuracy"] < 0.6
    healthy, history = trained("vanishing", *cure)
    assert share(history[0]) > 0.1
    assert healthy.best.score.metrics["accuracy"] > 0.97


def test_gradients_explode_until_they_are_clipped():
    with pytest.raises(DivergedError):
        trained("exploding")
    for cure in ("training.clipping={norm: 1}", "network.0.dense.weight_init=he_normal"):
        result, _ = trained("exploding", cure)
        assert result.best.score.metrics["accuracy"] > 0.97


CURES = (
    "network.2.dropout.rate=0.5",
    "regularization.l2=0.01",
    "augmentation=[{gaussian_noise: {std: 0.3}}]",
    "training.early_stopping={patience: 30}",
)


@pytest.mark.slow
def test_overfitting_is_cured():
    _, history = trained("overfitting")
    losses = [record["validation_loss"] for record in history]
    assert losses[-1] > 1.5 * min(losses)
    for cure in CURES:
        _, cured = trained("overfitting", cure)
        assert cured[-1]["validation_loss"] < 0.75 * losses[-1], cure


@pytest.mark.slow
def test_the_autoencoder_keeps_more_than_eight_principal_components():
    """Of all linear maps through 8 numbers, principal components lose least; the curves of tanh lose less still."""
    result, _ = trained("autoencoder")
    parts = result.session.splits
    rows = parts["train"].inputs.astype(np.float64)
    mean = rows.mean(axis=0)
    axes = np.linalg.svd(rows - mean)[2][:8]
    for part, loss in (("validation", result.best.score.loss), ("test", result.test.loss)):
        x = parts[part].inputs.astype(np.float64) - mean
        lost = ((x - x @ axes.T @ axes) ** 2).mean()
        assert loss < 0.9 * lost
    smaller, _ = trained("autoencoder", "network.2.dense.units=2")
    assert smaller.best.score.loss > 1.3 * result.best.score.loss


SHAPELESS = [
    ("inline: {columns: [x, y], rows: []}", ":2:44: data.source.inline.rows: has no rows; write at least one"),
    (
        "inline: {columns: [x, y], rows: [[1, 2], [3]]}",
        ":2:53: data.source.inline.rows.1: expected 2 values, one for each column (got 1); add or remove some",
    ),
    (
        "inline: {columns: [y], rows: [[1]]}",
        ":2:30: data.source.inline.columns: expected at least two columns, the target last (got 1); add one",
    ),
    (
        "inline: {columns: [x, x], rows: [[1, 2]]}",
        ":2:34: data.source.inline.columns.1: names the column 'x' twice; choose another name",
    ),
]


@pytest.mark.parametrize(("source", "message"), SHAPELESS)
def test_a_table_in_a_config_is_refused_at_its_place(tmp_path, source, message):
    config = tmp_path / "c.yaml"
    config.write_text(f"data:\n  source: {{{source}}}\n  split: {{validation: 0, test: 0}}\nhidden: [2]\n")
    (problem,) = bptrain.validate([config]).problems
    assert str(problem) == f"{config}{message}"


def test_initial_weights_of_the_wrong_shape_are_refused_with_both_shapes():
    path = Path("mine.yaml")
    text = (TEXTBOOK / "two_three_one.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace("[[1, 3, 5], [2, 4, 6]]", "[[1, 2], [3, 4]]"), encoding="utf-8")
    (problem,) = bptrain.validate([path]).problems
    assert (problem.line, problem.column) == (22, 29)
    assert problem.field == "network.0.dense.weight_init.values.values"
    assert problem.message == "the parameter has shape (2, 3) (got (2, 2)); give as many numbers"


def test_a_table_in_a_config_may_have_text():
    config = Path("names.yaml")
    config.write_text(
        "data: {source: {inline: {columns: [x, kind], rows: [[1, a], [2, 7]]}}, split: {validation: 0, test: 0}}\n"
        "hidden: [2]\n"
    )
    assert assemble_file(config).model.columns.target.labels == ("7", "a")


def test_help_walks_through_every_config_with_commands_that_load(bptrain_in):
    (topic,) = bptrain.help_topics("textbook")
    named = set()
    for example in topic.examples:
        assert example.caption
        assert example.config
        for line in example.config.splitlines():
            program, command, config, *overrides = shlex.split(line)
            assert (program, command in ("train", "explain")) == ("bptrain", True)
            load(TEXTBOOK.parents[1] / config, overrides)
            named.add(Path(config).stem)
    assert named == {path.stem for path in TEXTBOOK.glob("*.yaml")}
    done = bptrain_in("help", "textbook")
    assert done.returncode == 0
    for example in topic.examples:
        assert all(f"  {line}" in done.stdout.splitlines() for line in example.config.splitlines())

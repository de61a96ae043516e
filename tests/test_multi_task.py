"""Several targets of different kinds: the losses on their own scores, the metrics of each, and mistakes in a config."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import bptrain
from bptrain.arrays import Streams
from bptrain.commands.resume import resume
from bptrain.commands.train import train
from bptrain.commands.verify_resume import verify_resume
from bptrain.config import load
from bptrain.errors import ConfigError, InputError
from bptrain.gradcheck.network_check import check
from bptrain.gradcheck.twin import Twin
from bptrain.model.assemble import assemble_file
from bptrain.model.objective import Objective
from bptrain.nn import LOSSES, Network, resolve_layers
from bptrain.nn.activations import Tanh
from bptrain.nn.layers import Dense
from bptrain.nn.losses import BinaryCrossEntropy, Mae, Mse, MultiTask, Part, SoftmaxCrossEntropy
from bptrain.optim import Regularization
from bptrain.run import npz

SCORES = np.random.default_rng(0).normal(size=(8, 5))


def make_part(name, label="a", weight=1.0):
    """Return a part with a loss, for the first kind of target that it takes."""
    loss = LOSSES.members[name]()
    kind = next(kind for kind in ((3, 1), (2, 1), (None, 2)) if loss.widths(*kind))
    width = loss.widths(*kind)[0]
    return Part(label, loss, width, 1 if loss.encoding == "codes" else width, weight), kind[0]


def draw_targets(part, classes, rows, rng):
    """Return targets that the loss of a part takes, `(rows, columns)`."""
    if classes is None:
        shares = rng.uniform(0.1, 1, (rows, part.width))
        return shares / shares.sum(axis=1, keepdims=True)
    codes = rng.integers(0, classes, (rows, 1))
    return codes if part.columns < part.width or part.width == 1 else (codes == np.arange(part.width)) * 1.0


def build_objective(loss, width, rows, weighted=False, dtype="float64"):
    network = Network(
        resolve_layers((Dense(4), Tanh(), Dense(width)), width), (3,), batch=rows, dtype=dtype, rng=Streams(0)
    )
    return Objective(network, loss, Regularization(), weighted=weighted)


def compute_alone(loss, scores, targets, weights):
    """Return value, weight and gradient of one loss on scores `(n, width)`."""
    objective = build_objective(loss, scores.shape[1], len(scores))
    batch = objective.batch(len(scores))
    known = targets[:, 0].astype(int) if loss.encoding == "codes" else targets
    gradient = np.zeros_like(scores)
    return *loss.value_and_grad(scores, known, weights, gradient, batch.scratch), gradient


PAIRS = list(product(LOSSES, repeat=2))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_any_two_losses_add_up_and_use_only_their_columns(one, other, weighted):
    rng = np.random.default_rng(1)
    (first, some), (second, more) = make_part(one, "a", 0.5), make_part(other, "b", 3.0)
    scores = rng.normal(size=(6, first.width + second.width))
    known = draw_targets(first, some, 6, rng), draw_targets(second, more, 6, rng)
    weights = rng.uniform(0.5, 2, 6) if weighted else None
    loss = MultiTask((first, second))
    objective = build_objective(loss, scores.shape[1], 6)
    targets, gradient = np.concatenate(known, axis=1).astype(float), np.full_like(scores, 7)
    assert targets.shape[1:] == loss.target_shape(scores.shape[1:])
    value, weight = loss.value_and_grad(scores, targets, weights, gradient, objective.batch(6).scratch)
    a = compute_alone(first.loss, scores[:, : first.width].copy(), known[0], weights)
    b = compute_alone(second.loss, scores[:, first.width :].copy(), known[1], weights)
    assert value == pytest.approx(0.5 * a[0] + 3 * b[0], rel=1e-14)
    assert weight == pytest.approx(6 if weights is None else weights.sum())
    np.testing.assert_allclose(gradient[:, : first.width], 0.5 * a[2], rtol=1e-14)
    np.testing.assert_allclose(gradient[:, first.width :], 3 * b[2], rtol=1e-14)
    outputs = loss.outputs(scores, np.empty_like(scores))
    np.testing.assert_array_equal(
        outputs[:, first.width :], second.loss.outputs(scores[:, first.width :].copy(), np.empty((6, second.width)))
    )


@pytest.mark.parametrize(("one", "other"), [pair for pair in PAIRS if pair[0] <= pair[1]])
def test_the_gradient_of_any_two_losses_is_exact(one, other):
    rng = np.random.default_rng(2)
    (first, some), (second, more) = make_part(one, "a", 0.5), make_part(other, "b", 3.0)
    targets = np.concatenate([draw_targets(first, some, 5, rng), draw_targets(second, more, 5, rng)], axis=1)
    layers = (Dense(3), Tanh(), Dense(first.width + second.width))
    twin = Twin(layers, (3,), MultiTask((first, second)), Regularization(), rng.normal(size=(5, 3)), targets, 0)
    found = check(twin)
    assert found
    assert all(one.passed for one in found), found


def test_a_part_with_class_weights_is_divided_by_the_rows():
    rng = np.random.default_rng(3)
    scores, codes = rng.normal(size=(10, 4)), rng.integers(0, 3, (10, 1))
    own = SoftmaxCrossEntropy(class_weights=(1.0, 2.0, 0.5))
    loss = MultiTask((Part("a", Mse(), 1), Part("b", own, 3)))
    known = np.concatenate([np.zeros((10, 1)), codes], axis=1)
    gradient = np.zeros_like(scores)
    value, weight = loss.value_and_grad(scores, known, None, gradient, build_objective(loss, 4, 10).batch(10).scratch)
    logs = scores[:, 1:] - np.log(np.exp(scores[:, 1:]).sum(axis=1, keepdims=True))
    terms = -np.take_along_axis(logs, codes, axis=1)[:, 0] * np.array([1.0, 2.0, 0.5])[codes[:, 0]]
    assert weight == 10
    assert value == pytest.approx(np.mean(scores[:, 0] ** 2) + terms.sum() / 10, rel=1e-13)


def test_a_step_of_several_losses_allocates_nothing_that_grows_with_the_batch():
    import tracemalloc

    parts = (Part("a", Mse(), 2, 2), Part("b", SoftmaxCrossEntropy(), 3), Part("c", BinaryCrossEntropy(), 1))

    def peak(rows):
        objective = build_objective(MultiTask(parts), 6, rows, weighted=True, dtype="float32")
        batch = objective.batch(rows)
        rng = np.random.default_rng(0)
        inputs, targets = rng.normal(size=(rows, 3)).astype("f"), rng.integers(0, 2, (rows, 4)).astype("f")
        for _ in range(2):
            batch.fill(inputs, targets, np.arange(rows))
            objective.loss_and_grad(batch)
        order = np.arange(rows)
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        batch.fill(inputs, targets, order)
        objective.loss_and_grad(batch)
        found = tracemalloc.get_traced_memory()[1] - before
        tracemalloc.stop()
        return found

    assert peak(60_000) <= peak(10_000) + 512


def houses(rows=120, seed=0):
    """Write a table with numbers, yes or no, and three grades to predict."""
    rng = np.random.default_rng(seed)
    area, age = rng.uniform(40, 200, rows), rng.integers(0, 90, rows)
    price = 3000 * area - 500 * age + rng.normal(0, 5000, rows)
    sold = np.where(price < 350_000, "yes", "no")
    lines = [
        f"{a:.1f},{y},{p:.0f},{s},{'ABC'[min(y // 30, 2)]}\n" for a, y, p, s in zip(area, age, price, sold, strict=True)
    ]
    Path("houses.csv").write_text("area,age,price,sold,grade\n" + "".join(lines))


THREE = "{price: {loss: mse, weight: 0.5}, sold: {}, grade: {loss: softmax_cross_entropy}}"


def config(target=THREE, more=""):
    houses()
    Path("my.yaml").write_text(
        f"data:\n  source: {{csv: houses.csv}}\n  target: {target}\n{more}"
        "hidden: [8]\ntraining: {epochs: 3, batch_size: 16}\n"
    )
    return "my.yaml"


def test_each_target_has_its_metrics_and_the_loss_is_their_weighted_sum():
    result = train(config(), run="run")
    model, rows = result.session.model, result.session.splits["test"]
    assert list(result.test.metrics) == [
        "price.r2",
        "price.rmse",
        "price.mae",
        "sold.accuracy",
        "grade.accuracy",
    ]
    # By hand, from the scores of the network.
    weights = {name: array.astype(float) for name, array in model.network.parameters().items()}
    hidden = np.maximum(rows.inputs.astype(float) @ weights["0.dense.weight"] + weights["0.dense.bias"], 0)
    scores = hidden @ weights["2.dense.weight"] + weights["2.dense.bias"]
    lines = [line.split(",") for line in Path("houses.csv").read_text().splitlines()[1:]]
    chosen = [lines[k] for k in rows.numbers]
    price = np.array([float(line[2]) for line in chosen])
    sold = np.array([line[3] == "yes" for line in chosen])
    grade = np.array(["ABC".index(line[4]) for line in chosen])
    train_price = np.array([float(lines[k][2]) for k in result.session.train.numbers])
    mean, std = train_price.mean(), train_price.std()
    predicted = scores[:, 0] * std + mean
    metrics = result.test.metrics
    assert metrics["price.rmse"] == pytest.approx(np.sqrt(np.mean((predicted - price) ** 2)), rel=1e-4)
    assert metrics["sold.accuracy"] == pytest.approx(np.mean((scores[:, 1] > 0) == sold))
    assert metrics["grade.accuracy"] == pytest.approx(np.mean(scores[:, 2:].argmax(axis=1) == grade))
    squares = np.mean((scores[:, 0] - (price - mean) / std) ** 2)
    binary = np.mean(np.log1p(np.exp(np.where(sold, -1, 1) * scores[:, 1])))
    logs = scores[:, 2:] - np.log(np.exp(scores[:, 2:]).sum(axis=1, keepdims=True))
    several = -np.mean(logs[np.arange(len(grade)), grade])
    assert result.test.loss == pytest.approx(0.5 * squares + binary + several, rel=1e-4)


def test_a_checkpoint_is_enough_to_evaluate():
    result = train(config(), run="run")
    Path("my.yaml").unlink()
    again = bptrain.evaluate("run")
    assert again.loss == pytest.approx(result.test.loss, rel=1e-6)
    assert again.metrics["sold.accuracy"] == result.test.metrics["sold.accuracy"]
    text = Path("houses.csv").read_text().splitlines()
    order = ["grade", "area", "sold", "age", "price"]
    places = [text[0].split(",").index(name) for name in order]
    lines = [",".join(line.split(",")[k] for k in places) for line in text]
    Path("new.csv").write_text("\n".join(lines) + "\n")
    whole = bptrain.evaluate("run", data="new.csv")
    assert whole.rows == 120
    assert set(whole.metrics) >= {"price.rmse", "sold.accuracy", "grade.accuracy"}
    Path("new.csv").write_text("area,age,price,sold\n100,3,1,yes\n")
    with pytest.raises(InputError, match="has no column 'grade'"):
        bptrain.evaluate("run", data="new.csv")


def test_the_history_has_the_metrics_of_each_target():
    result = train(config(), run="run")
    record = json.loads((result.run / "history.jsonl").read_text().splitlines()[-1])
    assert {"validation_price.rmse", "validation_sold.accuracy", "validation_grade.accuracy"} <= set(record)


@pytest.mark.parametrize(
    "more", ["", "augmentation: [mixup, gaussian_noise]\n", "optimizer: {sgd: {momentum: 0.9}}\n"], ids=str
)
def test_an_interrupted_run_ends_like_an_uninterrupted_one(more):
    found = verify_resume(config(more=more))
    assert len(found.interruptions) >= 3
    assert found.identical, found.different


def test_the_order_of_the_targets_makes_no_difference():
    """A checkpoint stores the names of a mapping in sorted order."""
    one = train(config(), run="one")
    other = train(config("{grade: {loss: softmax_cross_entropy}, price: {weight: 0.5}, sold: {}}"), run="other")
    assert np.array_equal(one.session.model.network.theta, other.session.model.network.theta)
    again = resume("one", ["training.epochs=4"])
    assert again.epochs == 4


def test_the_checkpoint_has_the_targets():
    train(config(), run="run")
    _, stored = npz.read(Path("run/checkpoints/best.npz"))
    assert stored["config"]["data"]["target"]["price"] == {
        "task": "regression",
        "loss": {"mse": {"half": False}},
        "weight": 0.5,
    }
    assert [one["name"] for one in stored["columns"]["target"]["several"]] == ["price", "sold", "grade"]


def test_the_config_that_show_prints_trains_the_same():
    straight = train(config(), run="one")
    Path("shown.yaml").write_text(bptrain.show("my.yaml"))
    again = train("shown.yaml", run="two")
    assert np.array_equal(straight.session.model.network.theta, again.session.model.network.theta)
    assert "target: price; sold, 2 classes (no, yes); grade, 3 classes (A, B, C)" in bptrain.show("my.yaml")


def test_gradients_of_a_config():
    assert bptrain.check_gradients(config()).passed
    assert bptrain.sweep_gradients("my.yaml").passed


TASKS = [
    ("[price, grade]", "multi_task", {"price": Mse(), "grade": SoftmaxCrossEntropy()}),
    ("[price, sold]", "multi_task", {"price": Mse(), "sold": BinaryCrossEntropy()}),
    ("[sold, grade]", "multi_task", {"sold": BinaryCrossEntropy(), "grade": SoftmaxCrossEntropy()}),
    ("[price, age]", "regression", None),
    ("{price: {}}", "multi_task", {"price": Mse()}),
    ("{price: {loss: mae}, sold: {loss: hinge}}", "multi_task", {"price": Mae(), "sold": LOSSES.members["hinge"]()}),
]


@pytest.mark.parametrize(("target", "task", "losses"), TASKS)
def test_the_task_of_several_columns(target, task, losses):
    model = assemble_file(config(target)).model
    assert model.experiment.data.task == task
    if losses:
        assert {name: one.loss for name, one in model.experiment.data.target.items()} == losses
        assert {head.name: head.loss for head in model.heads} == losses


SEVERAL = [
    ("0,1,1", "0,1", "multi_label"),
    ("0,1,1", "yes,no", "multi_label"),
    ("0,1,2", "0,1", "regression"),
    ("0,1,2", "yes,no", "multi_task"),
    ("0.5,1,0", "0,1", "regression"),
    ("0,1,1", "red,blue", "multi_task"),
]


@pytest.mark.parametrize(("one", "other", "task"), SEVERAL)
def test_the_task_by_the_values_of_two_columns(one, other, task):
    first, second = one.split(","), other.split(",")
    lines = [f"{k / 7:.3f},{first[k % len(first)]},{second[k % len(second)]}\n" for k in range(60)]
    Path("t.csv").write_text("x,a,b\n" + "".join(lines))
    Path("t.yaml").write_text("data: {source: {csv: t.csv}, target: [a, b]}\nhidden: [8]\n")
    assert assemble_file("t.yaml").model.experiment.data.task == task
    assert assemble_file("t.yaml", ["loss=mse"] if task == "regression" else []).model.experiment.data.task == task


def test_yes_and_no_in_several_columns_are_labels():
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    words = np.array(["no", "yes"])
    lines = [f"{v:.3f},{words[int(v > 0)]},{int(v > 0.5)},{str(v < -0.5).lower()}\n" for v in x]
    Path("t.csv").write_text("x,a,b,c\n" + "".join(lines))
    Path("t.yaml").write_text(
        "data: {source: {csv: t.csv}, target: [a, b, c]}\nhidden: [8]\n"
        "training: {epochs: 60}\noptimizer: {adam: {lr: 0.03}}\n"
    )
    result = train("t.yaml", run="run")
    assert result.session.model.experiment.data.task == "multi_label"
    assert result.test.metrics["accuracy"] > 0.95
    assert bptrain.evaluate("run").metrics["accuracy"] == result.test.metrics["accuracy"]
    assert set(np.unique(result.session.train.targets)) == {0, 1}
    Path("new.csv").write_text("x,a,b,c\n-1,no,0,true\n1,YES,1,False\n0.7,maybe,1,false\n")
    with pytest.raises(InputError, match=r"new.csv:4: a: expected no or yes \(got 'maybe'\)"):
        bptrain.evaluate("run", data="new.csv")


BROKEN = [
    ("{price: {}, solt: {}}", "", r"my.yaml:3:29: data.target.solt: .* has no column 'solt'; did you mean 'sold'"),
    ("{price: {loss: mes}}", "", r"my.yaml:3:26: data.target.price.loss: unknown loss 'mes'; did you mean 'mse'"),
    ("{}", "", r"my.yaml:3:11: data.target: is missing; name the column to predict, one of area, age, price"),
    (
        "{price: mse}",
        "",
        r"data.target.price: expected a mapping with keys task, loss, weight \(got 'mse'\); write {loss: mse}",
    ),
    ("{price: {weight: 0}}", "", "data.target.price.weight: expected a number > 0"),
    ("{price: {weigth: 1}}", "", "data.target.price.weigth: unknown key; did you mean 'weight'"),
    ("{price: {}}", "loss: mse\n", r"my.yaml:4:7: loss: each of several targets has its own loss"),
    ("{price: {}}", "  task: regression\n", r"my.yaml:4:9: data.task: regression is the task of all targets"),
    ("{sold: {}}", "  class_weight: balanced\n", "data.class_weight: is for a single target"),
    ("{price: {task: classification}}", "", r"data.target.price.task: classification takes classes, .* is continuous"),
    ("{price: {loss: focal}, sold: {}}", "", r"data.target.price.loss: focal: a label must be 0 or 1"),
    ("{sold: {loss: poisson}}", "", "data.target.sold.loss: poisson does not fit a target of 2 classes"),
    (
        "{grade: {loss: {softmax_cross_entropy: {class_weights: [1]}}}}",
        "",
        "class_weights: needs one weight for each of the 3",
    ),
    (THREE, "metrics: [brier_score, top_k, mse, mse]\n", "metrics.3: mse is listed twice"),
    ("{price: {}}", "metrics: [accuracy]\n", "metrics.0: accuracy is not defined for numbers"),
    (
        "[sold, grade]",
        "  task: multi_label\n",
        r"data.target: 'grade' is not a label, which must be 0 or 1, or yes or no \(got '.'\)",
    ),
    ("[sold, grade]", "  task: classification\n", "data.target: classification has one target column"),
    ("{price: {}, area: {}}", "  features: [area]\n", "data.features.0: the target 'area' is among the features"),
]


@pytest.mark.parametrize(("target", "more", "message"), BROKEN)
def test_a_mistake_is_reported_with_its_place(target, more, message):
    with pytest.raises(ConfigError, match=message):
        assemble_file(config(target, more))


def test_a_network_of_the_wrong_width_is_told_what_each_target_needs():
    text = Path(config()).read_text().replace("hidden: [8]", "network: [dense: 8, relu, dense: 4]")
    Path("my.yaml").write_text(text)
    message = r"network.2.dense.units: .* 4 outputs; the targets together need 5 \(price 1, sold 1, grade 3\)"
    with pytest.raises(ConfigError, match=message):
        assemble_file("my.yaml")


def test_rows_may_have_weights_and_missing_targets_may_be_dropped():
    path = config(more="  sample_weight: age\n  missing: drop\n")
    text = Path("houses.csv").read_text().splitlines()
    text[5] = ",".join([*text[5].split(",")[:2], "", *text[5].split(",")[3:]])
    Path("houses.csv").write_text("\n".join(text) + "\n")
    result = train(path, run="run")
    assert sum(map(len, result.session.splits.values())) == 119
    assert result.session.train.weights is not None


def test_a_stratified_split_uses_the_first_target_of_classes():
    parts = assemble_file(config(more="  split: {method: stratified}\n")).splits
    shares = {name: float(np.mean(rows.targets[:, 1])) for name, rows in parts.items()}
    assert max(shares.values()) - min(shares.values()) < 0.05


def test_a_file_cannot_write_escape_sequences_to_the_terminal(bptrain_in):
    houses()
    text = Path("houses.csv").read_text().replace("price", "\x1b[31mred", 1)
    Path("houses.csv").write_text(text)
    Path("my.yaml").write_text(
        'data: {source: {csv: houses.csv}, target: {"\\e[31mred": {}, sold: {}}}\nhidden: [4]\ntraining: {epochs: 2}\n'
    )
    for command in (("train", "my.yaml", "--run", "run"), ("evaluate", "run"), ("show", "my.yaml", "--summary")):
        done = bptrain_in(*command)
        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout + done.stderr
        assert "red" in done.stdout


def test_the_config_is_stored_as_it_was_written():
    target = load(config()).experiment.data.target
    assert list(target) == ["price", "sold", "grade"]
    assert replace(target["sold"]) == target["sold"]

"""What happens between the steps: order, scaling, chunks, accumulation, clipping, averaging, line searches,
stopping."""

import json
from pathlib import Path

import numpy as np
import pytest
from samples import write_config
from threadpoolctl import threadpool_info

import bptrain
from bptrain.commands.evaluate import evaluate
from bptrain.commands.train import train
from bptrain.errors import ConfigError, DivergedError, InputError
from bptrain.model.assemble import assemble_file
from bptrain.model.model import count_scoring_rows
from bptrain.model.scoring import score
from bptrain.nn.network import SMALL_PRODUCT, limit_threads
from bptrain.optim import Clipping
from bptrain.optim.optimizer import drop_subnormal
from bptrain.run.checkpoint import load_checkpoint, save_last
from bptrain.run.npz import read
from bptrain.run.train_run import Started
from bptrain.training.events import EpochEnd
from bptrain.training.loop import Budget, pass_over_rows
from bptrain.training.session import begin

IRIS = "data: {source: {bundled: iris}}\nhidden: [4]\ntraining: {epochs: 3}\n"
LINE = """
dtype: float64
data:
  source: {synthetic: {kind: line, rows: 40}}
  split: {validation: 0, test: 0}
  scaling: none
  target_scaling: none
network: [dense: {units: 1, weight_init: zeros}]
optimizer: {sgd: {lr: 0.1}}
training: {epochs: 5, batch_size: full}
"""


def run(text, *overrides, sinks=()):
    return train(write_config(text), overrides, sinks=sinks)


def history(result):
    return [json.loads(line) for line in (result.run / "history.jsonl").read_text().splitlines()]


def orders(*overrides):
    """Return the order of the rows in each epoch."""
    seen, sessions = [], []

    def watch(event):
        if isinstance(event, Started):
            sessions.append(event.session)
        if isinstance(event, EpochEnd):
            seen.append(sessions[0].order.tolist())

    text = (
        "data: {source: {bundled: iris}}\nnetwork: [dense: 4, relu, dropout: {rate: 0}, dense]\ntraining: {epochs: 3}\n"
    )
    run(text, *overrides, sinks=[watch])
    return seen


def test_rows_are_shuffled_anew_in_every_epoch_and_dropout_does_not_change_how():
    plain, masked = orders(), orders("network.2.dropout.rate=0.5")
    assert plain == masked
    assert plain[0] != plain[1] != plain[2]
    assert all(sorted(order) == list(range(106)) for order in plain)
    assert plain != orders("seed=1")


def test_masks_and_order_come_from_streams_of_their_own():
    states = assemble_file(write_config(IRIS)).model.streams.state()
    assert len({state["state"]["inc"] for state in states.values()}) == 5


def test_scaling_is_fitted_on_the_training_rows_that_the_split_chose():
    assembly = assemble_file(write_config(IRIS))
    inputs = assembly.splits["train"].inputs.astype(float)
    np.testing.assert_allclose(inputs.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(inputs.std(axis=0), 1, atol=1e-6)
    assert np.abs(assembly.splits["test"].inputs.mean(axis=0)).max() > 1e-3


@pytest.mark.parametrize("name", ["digits", "diabetes"])
def test_a_score_computed_in_chunks_is_the_score_of_all_rows(name):
    assembly = assemble_file(write_config(f"data: {{source: {{bundled: {name}}}}}\nhidden: [4]\ndtype: float64\n"))
    rows = assembly.splits["train"]
    chunk = count_scoring_rows(assembly.model.experiment)
    assert len(rows) % chunk
    parts = score(assembly.model, rows)
    whole = assemble_file("my.yaml", ["training.batch_size=2000"])
    assert count_scoring_rows(whole.model.experiment) > len(rows)
    at_once = score(whole.model, rows)
    assert parts.loss == pytest.approx(at_once.loss, rel=1e-12)
    for key, value in parts.metrics.items():
        assert value == pytest.approx(at_once.metrics[key], rel=1e-12)


def test_class_weights_count_in_a_score_computed_in_chunks():
    text = "data: {source: {bundled: digits}}\nhidden: [4]\ndtype: float64\n"
    weighted = "loss={softmax_cross_entropy: {class_weights: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}}"
    small, large = (
        assemble_file(write_config(text), [weighted]),
        assemble_file("my.yaml", [weighted, "training.batch_size=2000"]),
    )
    rows = small.splits["train"]
    assert score(small.model, rows).loss == pytest.approx(score(large.model, rows).loss, rel=1e-12)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "{sgd: {momentum: 0.9}}"])
@pytest.mark.parametrize("clip", ["null", "{norm: 0.1}"])
def test_accumulating_four_batches_is_one_batch_of_four(optimizer, clip):
    text = "dtype: float64\ndata: {source: {bundled: iris}}\nhidden: [4]\nregularization: {l2: 0.1}\n"
    common = [f"optimizer={optimizer}", "training.epochs=3", f"training.clipping={clip}"]
    one = run(text, *common, "training.batch_size=32")
    four = run(text, *common, "training.batch_size=8", "training.accumulate=4")
    assert one.steps == four.steps == 3 * 4
    theta = [result.session.model.network.theta for result in (one, four)]
    np.testing.assert_allclose(*theta, rtol=1e-9)
    assert four.session.gathered.any() == 0


def test_clipping():
    for norm, gradient, expected in [(1, (3, 4), (0.6, 0.8)), (10, (3, 4), (3, 4)), (1, (0, 0), (0, 0))]:
        grad = np.array(gradient, float)
        assert Clipping(norm=norm).clip(grad) == (tuple(grad) != gradient)
        assert grad == pytest.approx(expected, rel=1e-15)
    grad = np.array([3.0, -4.0, 0.5])
    assert Clipping(value=2).clip(grad)
    assert grad.tolist() == [2, -2, 0.5]
    beyond = np.array([3e160, 4e160])
    assert Clipping(norm=1).clip(beyond)
    assert beyond == pytest.approx([0.6, 0.8], rel=1e-14)
    assert Clipping(value=1).clip(np.array([1e160, 1.0]))
    huge = np.full(4, 1e30, np.float32)
    assert Clipping(norm=1).clip(huge)
    np.testing.assert_allclose(huge, 0.5, rtol=1e-6)
    infinite = np.array([np.inf, 1])
    assert not Clipping(norm=1).clip(infinite)
    assert infinite.tolist() == [np.inf, 1]


def test_the_history_has_the_share_of_clipped_steps():
    assert [record["clipped"] for record in history(run(IRIS, "training.clipping={norm: 1e-6}"))] == [1, 1, 1]
    assert [record["clipped"] for record in history(run(IRIS, "training.clipping={norm: 1e6}"))] == [0, 0, 0]
    assert "clipped" not in history(run(IRIS))[0]


def test_averaged_weights_are_evaluated_and_both_are_saved():
    result = run(LINE, "training.average=0.5")
    table = assemble_file("my.yaml").model.experiment.data.source.load().columns
    x, y = table["x"], table["y"]
    raw, average = np.zeros(2), np.zeros(2)
    for _ in range(5):
        error = raw[0] * x + raw[1] - y
        raw = raw - 0.1 * 2 * np.array([np.mean(error * x), np.mean(error)])
        average = 0.5 * average + 0.5 * raw
    arrays, _ = read(result.checkpoint)
    stored = [arrays["0.dense.weight"].item(), arrays["0.dense.bias"].item()]
    assert stored == pytest.approx(average, rel=1e-12)
    assert arrays["raw"] == pytest.approx(raw, rel=1e-12)
    loss = np.mean((average[0] * x + average[1] - y) ** 2)
    assert result.best.score.loss == pytest.approx(loss, rel=1e-12)
    assert evaluate(result.run).loss == result.best.score.loss
    last, _ = read(result.run / "checkpoints" / "last.npz")
    assert last["0.dense.weight"].item() == pytest.approx(raw[0], rel=1e-12)
    assert last["average"] == pytest.approx(average, rel=1e-12)


@pytest.mark.parametrize("name", ["iris", "wine", "diabetes"])
def test_lbfgs_ends_below_adam(name):
    text = f"dtype: float64\ndata: {{source: {{bundled: {name}}}, split: {{validation: 0, test: 0}}}}\nhidden: [8]\n"
    text += "activation: tanh\nregularization: {l2: 0.01}\ntraining: {epochs: 150, batch_size: full}\n"

    def objective(optimizer):
        last = history(run(text, f"optimizer={optimizer}"))[-1]
        return last["loss"] + last["penalty"]

    assert objective("lbfgs") < objective("{adam: {lr: 0.01}}")


@pytest.mark.parametrize("lr", [1, 1e10])
def test_a_line_search_updates_running_statistics_once_a_step(lr):
    """Otherwise the points that were tried and rejected would change how the network is evaluated."""
    text = "dtype: float64\ndata: {source: {bundled: iris}, split: {validation: 0, test: 0}}\n"
    text += "network: [dense: 4, {batch_norm: {momentum: 1}}, tanh, dense]\n"
    result = run(text, f"optimizer={{lbfgs: {{lr: {lr}}}}}", "training={epochs: 1, batch_size: full}")
    start = assemble_file("my.yaml", ["training.batch_size=full"])
    weights = start.model.network.parameters()
    signals = start.splits["train"].inputs @ weights["0.dense.weight"] + weights["0.dense.bias"]
    mean = result.session.model.network.states["1.batch_norm.mean"]
    np.testing.assert_allclose(mean, signals.mean(axis=0), rtol=1e-9, atol=1e-12)


def test_a_line_search_without_a_finite_loss_names_its_step():
    with pytest.raises(DivergedError, match=r"at step 1 \(epoch 1"):
        run(LINE.replace("weight_init: zeros", "weight_init: {values: [[1e200]]}"), "optimizer=lbfgs")


def test_max_norm_bounds_the_incoming_weights_of_every_unit():
    result = run(IRIS, "regularization.max_norm=0.5", "optimizer.adam.lr=0.1", "training.epochs=10")
    parameters = result.session.model.network.parameters()
    norms = np.concatenate([np.linalg.norm(parameters[f"{k}.dense.weight"], axis=0) for k in (0, 2)])
    assert norms.max() == pytest.approx(0.5, rel=1e-6)
    assert np.linalg.norm(parameters["0.dense.bias"]) > 0


def test_a_layer_may_have_penalties_of_its_own():
    network = "network=[dense: {units: 3, l2: 0}, tanh, dense: {units: 4, l1: 0.5, l2: 0.1}, tanh, dense]"
    assembly = assemble_file(write_config(IRIS), ["hidden=null", network, "regularization.l2=0.2"])
    objective = assembly.model.objective
    weights = {name: array.astype(float) for name, array in assembly.model.network.parameters().items()}
    own = 0.5 * np.abs(weights["2.dense.weight"]).sum() + 0.05 * np.square(weights["2.dense.weight"]).sum()
    general = 0.1 * np.square(weights["4.dense.weight"]).sum()
    assert objective.penalty() == pytest.approx(own + general, rel=1e-6)
    objective.network.grad.fill(0)
    objective.add_penalty_gradient()
    gradients = objective.network.gradients()
    assert not gradients["0.dense.weight"].any()
    np.testing.assert_allclose(gradients["4.dense.weight"], 0.2 * weights["4.dense.weight"], rtol=1e-6)


def test_plateau_lowers_the_learning_rate_and_the_history_has_it():
    rates = [
        r["lr"] for r in history(run(IRIS, "schedule={plateau: {patience: 1, threshold: 0.9}}", "training.epochs=7"))
    ]
    assert rates == pytest.approx([0.001, 0.001, 0.001, 0.0001, 0.0001, 0.00001, 0.00001], rel=1e-9)


def test_min_delta_matters_for_patience_and_not_for_the_best_weights():
    result = run(IRIS, "training.early_stopping={patience: 2, min_delta: 1000}", "training.epochs=20")
    assert (result.stopped, result.epochs) == ("early_stopping", 3)
    assert result.best.epoch == 3


def test_the_result_has_the_best_weights_and_not_the_last():
    result = run(IRIS, "optimizer.adam.lr=0.3", "training.epochs=40")
    assert result.best.epoch < result.epochs
    model, _ = load_checkpoint(result.checkpoint)
    network = result.session.model.network
    assert (network.theta == model.network.theta).all()
    last, _ = load_checkpoint(result.run / "checkpoints" / "last.npz")
    assert (last.network.theta != network.theta).any()


def test_the_penalty_counts_for_convergence():
    overrides = [
        "regularization.l2=100",
        "optimizer.sgd.lr=0.001",
        "training.convergence={tolerance: 0.1, patience: 1}",
    ]
    text = LINE.replace("weight_init: zeros", "weight_init: {values: [[9]]}")
    losses = [record["loss"] + record["penalty"] for record in history(run(text, *overrides, "training.epochs=60"))]
    assert losses[-2] - losses[-1] <= 0.1
    assert min(np.abs(np.diff(losses))[:-1]) > 0.1


def test_the_last_checkpoint_keeps_its_predecessor():
    result = run(IRIS, "training.checkpoint.every_epochs=1")
    folder = result.run / "checkpoints"
    steps = [read(folder / name)[1]["progress"]["step"] for name in ("last.previous.npz", "last.npz")]
    assert steps == [8, 12]


def test_a_checkpoint_within_an_epoch_has_its_sums():
    session = begin(assemble_file(write_config(IRIS)))
    session.position, session.loss_sum, session.weight_sum = 32, 17.5, 32.0
    save_last(Path("last.npz"), session, {})
    _, stored = read(Path("last.npz"))
    assert (stored["progress"]["position"], stored["progress"]["loss_sum"]) == (32, 17.5)


def test_small_products_run_on_one_thread_and_the_environment_is_that_of_the_machine():
    network = assemble_file(write_config(IRIS)).model.network

    def threads():
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    outside = threads()
    with limit_threads(network, 32):
        assert threads() == {1}
        with limit_threads(network, SMALL_PRODUCT):
            assert threads() == outside
        assert threads() == {1}
    assert threads() == outside


def test_large_products_have_a_team(monkeypatch):
    asked = []
    monkeypatch.setattr("bptrain.nn.network.count_threads", lambda: asked.append("") or 4)
    network = assemble_file(write_config(IRIS)).model.network
    with limit_threads(network, 1):
        # The number of threads is found out outside of every limit.
        assert asked
    with limit_threads(network, SMALL_PRODUCT):
        assert network.team.size == 2
        with limit_threads(network, 32):
            assert network.team.size == 1
    assert network.team.size == 1


def test_subnormal_numbers_are_dropped():
    slot = np.array([1e-40, -1e-44, 1e-20, 0.5], np.float32)
    drop_subnormal(slot, np.empty(4, np.float32))
    assert slot.tolist() == [0, 0, np.float32(1e-20), 0.5]


def test_moments_of_dead_units_never_become_subnormal():
    """Not even within a long epoch: the value that this starts from is still there at step 256, and dropped at 384."""
    layers = "dense: {units: 4, bias_init: {constant: {value: -1000}}}, relu, dense"
    text = f"data: {{source: {{bundled: digits}}}}\nnetwork: [{layers}]\ntraining: {{batch_size: 1}}\n"
    session = begin(assemble_file(write_config(text)))
    session.slots[0].fill(6.7e-19)
    with np.errstate(all="ignore"):
        for _ in pass_over_rows(session, Budget(max_steps=511)):
            if session.stopped:
                break
    assert session.step == 511
    assert session.position < len(session.train)
    sizes = np.abs(session.slots[0])
    assert ((sizes == 0) | (sizes >= np.finfo(np.float32).tiny)).all()
    assert (sizes == 0).any()


REFUSED = [
    (["optimizer=lbfgs"], r"training.batch_size: lbfgs needs all 106 rows in every step \(got 32\); write batch_size"),
    (["optimizer=rprop"], r"training.batch_size: rprop needs all 106 rows in every step"),
    (
        ["optimizer=lbfgs", "training.batch_size=full", "hidden=null", "network=[dense: 4, dropout: 0.1, dense]"],
        r"optimizer: lbfgs compares losses, which dropout and noise make random",
    ),
    (["optimizer=lbfgs", "training.batch_size=full", "training.clipping={norm: 1}"], r"clipping: cannot be used"),
    (
        ["optimizer=lbfgs", "training.batch_size=full", "regularization.max_norm=1"],
        r"regularization.max_norm: cannot be used with lbfgs",
    ),
    (["optimizer=lbfgs", "training.batch_size=full", "training.average=0.9"], r"training.average: cannot be used with"),
    (["optimizer={sgd: {nesterov: true}}"], r"optimizer.sgd.nesterov: "),
    (["optimizer={sgd: {momentum: 1}}"], r"optimizer.sgd.momentum: expected a number >= 0 and < 1 \(got 1\)"),
    (["optimizer={adam: {beta2: 1}}"], r"optimizer.adam.beta2: expected a number >= 0 and < 1 \(got 1\)"),
    (["optimizer={adam: {epsilon: 0}}"], r"optimizer.adam.epsilon: expected a number > 0 \(got 0\)"),
    (["training.average=1"], r"training.average: expected a number > 0 and < 1 or null \(got 1\)"),
    (
        ["training.early_stopping={}", "data.split.validation=0"],
        r"training.early_stopping: there are no validation rows",
    ),
    (
        ["hidden=null", "network=[dense: 4, residual: [dense: 5], dense]"],
        r"network.1.residual.layers: the block begins with 4 values and ends with 5; give its last dense layer 4 units",
    ),
    (
        ["hidden=null", "network=[batch_norm, dense]", "training.batch_size=1"],
        r"training.batch_size: batch_norm needs",
    ),
    (["metrics=[rmse]"], r"metrics.0: rmse is not defined for classes; choose from accuracy"),
    (["metrics=[accuracy, accuracy]"], r"metrics.1: accuracy is listed twice"),
    (
        ["loss={softmax_cross_entropy: {class_weights: [1, 2]}}"],
        r"loss\.softmax_cross_entropy\.class_weights: needs one weight for each of the 3 classes \(got 2\)",
    ),
    (
        ["loss={softmax_cross_entropy: {class_weights: [0, 0, 0]}}"],
        r"loss\.softmax_cross_entropy\.class_weights: needs a weight of at least 1e-6",
    ),
    (
        ["optimizer={rprop: {lr: 1e300}}", "training.batch_size=full"],
        r"optimizer.rprop: an option is too large for float32",
    ),
    (["optimizer={lbfgs: {history: 100000}}"], r"optimizer.lbfgs.history: expected a whole number >= 1 and <= 1000"),
    (["metrics=[expected_calibration_error: {bins: 1e9}]"], r"metrics.0.expected_calibration_error.bins: expected"),
    (["loss=huber"], r"loss: huber does not fit a target of 3 classes; use softmax_cross_entropy"),
    (["loss=kl_divergence"], r"loss: kl_divergence does not fit"),
]


@pytest.mark.parametrize(("overrides", "message"), REFUSED, ids=[row[0][0] for row in REFUSED])
def test_contradicting_options_are_errors_before_training(overrides, message):
    with pytest.raises(InputError, match=message):
        run(IRIS, *overrides)
    assert not Path("runs").exists()


def test_all_contradicting_options_are_reported_at_once():
    with pytest.raises(ConfigError) as caught:
        run(IRIS, "optimizer=lbfgs", "training.early_stopping={}", "data.split.validation=0")
    assert len(caught.value.problems) == 2


COUNTS = "x,y,z\n" + "".join(f"{k},{k % 5},{k % 2}\n" for k in range(60))


@pytest.mark.parametrize(
    ("overrides", "column", "check"),
    [
        (["data.target=y", "loss=poisson", "data.task=regression"], "y", lambda t: set(t[:, 0]) <= set(range(5))),
        (
            ["data.target=[y, z]", "data.features=[x]", "loss=mse"],
            "both",
            lambda t: abs(t.mean()) < 0.3,
        ),
    ],
)
def test_targets_with_a_meaning_of_their_own_are_not_scaled(overrides, column, check):
    Path("c.csv").write_text(COUNTS)
    result = run("data: {source: {csv: c.csv}}\nhidden: [4]\ntraining: {epochs: 2}\n", *overrides)
    assert check(result.session.train.targets)


def test_negative_counts_and_impossible_shares_are_errors():
    Path("c.csv").write_text("x,a,b\n" + "".join(f"{k},{-k},{k + 1}\n" for k in range(60)))
    text = "data: {source: {csv: c.csv}, features: [x]}\nhidden: [4]\n"
    with pytest.raises(InputError, match=r"loss: poisson: a count must be 0 or more \(got -59\)"):
        run(text, "data.target=a", "loss=poisson")
    with pytest.raises(InputError, match=r"loss: kl_divergence: a share must be 0 or more"):
        run(text, "data.target=[a, b]", "loss=kl_divergence")


def test_labels_are_yes_or_no_and_shares_are_numbers():
    Path("c.csv").write_text("x,a,b\n" + "".join(f"{k},{k % 4},{k / 60}\n" for k in range(60)))
    text = "data: {source: {csv: c.csv}, features: [x]}\nhidden: [4]\ntraining: {epochs: 2}\n"
    for loss in ("auto", "mse", "binary_cross_entropy"):
        with pytest.raises(InputError, match=r"data.target: a label must be 0 or 1; for shares and other numbers use"):
            run(text, "data.target=[a, b]", "data.task=multi_label", f"loss={loss}")
    shares = run(text, "data.target=b", "loss=binary_cross_entropy")
    assert shares.session.model.experiment.data.task == "regression"


def test_new_data_must_suit_the_loss_too():
    Path("c.csv").write_text("x,a,b\n" + "".join(f"{k},{k % 2},{k % 5}\n" for k in range(60)))
    text = "data: {source: {csv: c.csv}, features: [x]}\nhidden: [4]\ntraining: {epochs: 1}\n"
    counts = run(text, "data.target=b", "loss=poisson", "data.task=regression")
    Path("new.csv").write_text("x,b\n1,2\n2,-4\n")
    with pytest.raises(InputError, match=r"new.csv: poisson: a count must be 0 or more \(got -4\)"):
        evaluate(counts.run, data="new.csv")


def test_multi_label_targets():
    Path("c.csv").write_text("x,a,b\n" + "".join(f"{k},{int(k > 30)},{int(k % 20 > 9)}\n" for k in range(60)))
    text = "data: {source: {csv: c.csv}, target: [a, b], task: multi_label}\nhidden: [8]\n"
    result = run(text, "training.epochs=60", "optimizer.adam.lr=0.05", "metrics=[accuracy, f1]")
    assert result.session.model.experiment.loss.labels
    assert result.best.score.metrics["accuracy"] > 0.7
    assert evaluate(result.run).metrics.items() >= result.test.metrics.items()


@pytest.mark.parametrize(("rows", "size", "layers", "steps"), [
    (65, 32, "batch_norm, dense", 2), (66, 32, "batch_norm, dense", 3), (64, 32, "batch_norm, dense", 2),
    (65, 64, "batch_norm, dense", 1), (300, 299, "batch_norm, dense", 1), (65, 32, "tanh, dense", 3),
])  # fmt: skip
def test_a_single_row_that_is_left_over_joins_the_batch_before(rows, size, layers, steps):
    Path("t.csv").write_text("x,y\n" + "".join(f"{k % 11},{'ab'[k % 2]}\n" for k in range(rows)))
    Path("t.yaml").write_text(
        "data: {source: {csv: t.csv}, target: y, split: {validation: 0, test: 0}}\n"
        f"network: [dense: 3, {layers}]\ntraining: {{epochs: 2, batch_size: {size}}}\n"
    )
    result = bptrain.train("t.yaml")
    assert (result.steps, result.session.steps_per_epoch) == (2 * steps, steps)

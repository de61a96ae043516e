"""Evaluation: figures by hand, intervals, printed tables, and errors."""

import json
import re

import numpy as np
import pytest

import bptrain
from bptrain.errors import InputError
from bptrain.evaluation import evaluation
from bptrain.evaluation.curves import (
    compute_calibration,
    compute_precision_recall,
    compute_roc,
    count_hits,
    find_best_threshold,
)
from bptrain.evaluation.evaluation import compute_intervals
from bptrain.evaluation.predictions import Measure, Predictions, add_metrics
from bptrain.evaluation.target_results import ClassResult, NumberResult, evaluate_targets
from bptrain.metrics import Accuracy, Mae, RocAuc
from bptrain.model import scoring
from bptrain.model.assemble import assemble_file
from bptrain.registry import name_of

TINY = "data: {source: {bundled: %s}}\nhidden: [4]\ntraining: {epochs: 3}\n"


def two_classes(scores, true):
    scores, true = np.array(scores, float), np.array(true)
    return Predictions("classes", ("y",), ("no", "yes"), scores[:, None], true)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Train a run of each kind of target."""
    folder = tmp_path_factory.mktemp("runs")
    found = {}
    for name in ("iris", "breast_cancer", "diabetes"):
        (folder / f"{name}.yaml").write_text(TINY % name)
        found[name] = bptrain.train(folder / f"{name}.yaml", run=folder / name).run
    return found


def test_curves_by_hand():
    found = count_hits(np.array([0.9, 0.8, 0.8, 0.3, 0.1]), np.array([1, 1, 0, 0, 1]))
    assert found.thresholds.tolist() == [0.9, 0.8, 0.3, 0.1]
    assert [curve.tolist() for curve in compute_roc(found)] == [[0, 0, 0.5, 1, 1], [0, 1 / 3, 2 / 3, 2 / 3, 1]]
    recall, precision = compute_precision_recall(found)
    assert precision.tolist() == [1, 1, 2 / 3, 0.5, 0.6]
    assert recall.tolist() == [0, 1 / 3, 2 / 3, 2 / 3, 1]
    best = find_best_threshold(found)
    assert (best.value, best.f1, best.precision, best.recall) == (0.1, 0.75, 0.6, 1)


@pytest.mark.parametrize(
    ("scores", "true"), [([0.1, 0.2], [0, 0]), ([0.1, 0.2], [1, 1]), ([0.1, np.nan], [0, 1]), ([], [])]
)
def test_no_curve_for_a_single_class(scores, true):
    assert count_hits(np.array(scores), np.array(true)) is None


def test_calibration_by_hand():
    found = compute_calibration(np.array([0.0, 0.1, 0.15, 0.95, 1.0]), np.array([0, 1, 0, 1, 1]))
    assert found.rows.tolist() == [2, 1, 2]
    assert found.probability == pytest.approx([0.05, 0.15, 0.975])
    assert found.share.tolist() == [0.5, 0, 1]


def test_classes_by_hand():
    (found,) = evaluate_targets(two_classes([0.9, 0.6, 0.4, 0.2], [1, 0, 1, 0]))
    assert isinstance(found, ClassResult)
    assert found.confusion_matrix == ((1, 1), (1, 1))
    assert [(one.label, one.precision, one.recall, one.f1, one.rows) for one in found.per_class] == [
        ("no", 0.5, 0.5, 0.5, 2),
        ("yes", 0.5, 0.5, 0.5, 2),
    ]
    assert (found.threshold.value, found.threshold.f1) == (0.4, 0.8)


def test_a_class_that_is_never_predicted_has_no_precision():
    (found,) = evaluate_targets(two_classes([0.1, 0.2, 0.3], [0, 0, 1]))
    assert (found.per_class[1].precision, found.per_class[1].recall, found.per_class[1].f1) == (None, 0, 0)
    assert found.macro.precision == pytest.approx(1 / 3), "as scikit-learn, it counts as 0"


def test_labels_are_targets_of_two_classes_each():
    outputs, true = np.array([[0.9, 0.1], [0.8, 0.7], [0.2, 0.6]]), np.array([[1.0, 0], [1, 1], [0, 1]])
    found = list(evaluate_targets(Predictions("labels", ("a", "b"), (), outputs, true)))
    assert [one.target for one in found] == ["a", "b"]
    assert [one.confusion_matrix for one in found] == [((1, 0), (0, 2))] * 2


def test_residuals_by_hand():
    outputs, true = np.array([[1.0, 0], [2, 0], [3, 0], [4, 0]]), np.array([[2.0, 1], [2, 1], [1, 1], [9, 1]])
    first, second = evaluate_targets(Predictions("numbers", ("a", "b"), (), outputs, true))
    assert isinstance(first, NumberResult)
    assert (first.target, first.rows, first.mean, first.min, first.max, first.max_abs) == ("a", 4, 1, -2, 5, 5)
    assert (first.median, first.q1, first.q3, first.mae) == (0.5, -0.5, 2, 2)
    assert first.rmse == pytest.approx(30**0.5 / 2)
    assert first.std == pytest.approx((26 / 3) ** 0.5)
    assert (second.target, second.mean, second.std) == ("b", 1, 0)


def test_residuals_that_are_not_finite_have_no_figures():
    (found,) = evaluate_targets(Predictions("numbers", ("a",), (), np.array([[np.inf], [1]]), np.array([[1.0], [1]])))
    assert (found.rows, found.mean, found.max) == (2, None, None)


def test_scores_get_no_metrics_of_probabilities():
    def names(scores):
        return {name_of(one) for one in add_metrics((), two_classes(scores, [0, 1]))}

    probable, scores = names([0.1, 0.9]), names([-0.1, 1.7])
    assert probable - scores == {"log_loss", "brier_score", "expected_calibration_error"}
    assert {"accuracy", "f1", "roc_auc"} <= scores
    assert not {"confusion_matrix", "top_k"} & probable


def test_intervals_agree_with_the_binomial_distribution():
    """80 of 100 rows are correct: the standard deviation of the share is sqrt(0.8 · 0.2 / 100) = 0.04."""
    found = two_classes([0.9] * 80 + [0.1] * 20, [1] * 100)
    interval = compute_intervals([Measure("accuracy", Accuracy(), found)], 2000)["accuracy"]
    assert interval.low == pytest.approx(0.8 - 1.96 * 0.04, abs=0.015)
    assert interval.high == pytest.approx(0.8 + 1.96 * 0.04, abs=0.015)


def test_intervals_count_samples_without_a_value():
    found = two_classes([0.9, 0.1, 0.2], [1, 0, 0])
    interval = compute_intervals([Measure("roc_auc", RocAuc(), found)], 1000)["roc_auc"]
    # No row of the one class: (2/3)^3; none of the other: (1/3)^3.
    assert interval.undefined == pytest.approx(1000 * 9 / 27, abs=50)
    assert (interval.low, interval.high) == (1, 1)
    assert compute_intervals([Measure("roc_auc", RocAuc(), two_classes([0.5], [1]))], 10) == {"roc_auc": None}


def test_intervals_are_reproducible(runs):
    seen = []
    first, again = (
        bptrain.evaluate(runs["iris"], bootstrap=50, watch=lambda done, total: seen.append((done, total)))
        for _ in range(2)
    )
    assert first.intervals == again.intervals
    assert seen[:50] == [(k + 1, 50) for k in range(50)]
    assert bptrain.evaluate(runs["iris"]).intervals is None


@pytest.mark.parametrize("samples", [-1, 0, 9, 1_000_001])
def test_samples_are_bounded(bptrain_in, runs, samples):
    done = bptrain_in("evaluate", runs["iris"], "--bootstrap", samples)
    assert done.returncode == 2
    assert done.stderr.startswith("error: --bootstrap: expected a whole number from 10 to 1,000,000")


def test_confusions_are_sorted_by_frequency():
    said, true = np.eye(3)[[0, 1, 1, 2, 0]], np.array([0, 0, 0, 1, 2])
    (target,) = evaluate_targets(Predictions("classes", ("y",), tuple("abc"), said, true))
    assert target.list_confusions() == [(2, "a", "b"), (1, "b", "c"), (1, "c", "a")]


def test_changed_rows_and_fewer_rows_have_different_errors(tmp_path):
    lines = [f"{k},{'ab'[k % 2]},{'test' if k < 10 else 'train'}\n" for k in range(40)]
    data = tmp_path / "t.csv"
    data.write_text("x,y,part\n" + "".join(lines))
    (tmp_path / "c.yaml").write_text(
        "data: {source: {csv: {path: t.csv}}, target: y, split: {method: column, column: part}}\n"
        "hidden: [2]\ntraining: {epochs: 1}\n"
    )
    run = bptrain.train(tmp_path / "c.yaml").run
    # Another value in a row, and a row in another split.
    for changed in (["99,a,test\n", *lines[1:]], [lines[0].replace("test", "train"), *lines[1:]]):
        data.write_text("x,y,part\n" + "".join(changed))
        with pytest.raises(InputError, match=r"has changed since .*; its train rows may be different now"):
            bptrain.evaluate(run, split="train")
    data.write_text("x,y,part\n" + "".join(lines[:-1]))
    with pytest.raises(InputError, match="has 39 rows, and had 40 when"):
        bptrain.evaluate(run, split="train")


def test_json_has_everything(bptrain_in, runs):
    found = json.loads(bptrain_in("evaluate", runs["breast_cancer"], "--bootstrap", 20, "--json").stdout)
    assert set(found) == {"split", "rows", "loss", "metrics", "targets", "bootstrap", "baselines"}
    assert set(found["bootstrap"]["intervals"]) == set(found["metrics"]) >= {"accuracy", "f1", "roc_auc", "log_loss"}
    (target,) = found["targets"]
    assert set(target) == {"target", "per_class", "macro", "confusion_matrix", "threshold"}
    assert sum(map(sum, target["confusion_matrix"])) == found["rows"] > 50
    assert [one["label"] for one in target["per_class"]] == ["benign", "malignant"]
    for low, value, high in (
        (one["low"], found["metrics"][name], one["high"]) for name, one in found["bootstrap"]["intervals"].items()
    ):
        assert low <= value <= high


def test_the_printed_tables(bptrain_in, runs):
    text = bptrain_in("evaluate", runs["breast_cancer"], "--bootstrap", 20).stdout
    assert "\x1b" not in text
    assert re.search(r"^accuracy +0\.\d+ +95% interval 0\.\d+ to \S+$", text, re.M)
    assert re.search(r"^class +precision +recall +f1 +rows", text, re.M)
    assert re.search(r"^macro +0\.\d{4} +0\.\d{4} +0\.\d{4} +85", text, re.M)
    assert re.search(r"^malignant +\d+ +\d+ *$", text, re.M)
    assert "best threshold for malignant" in text
    assert "best threshold" not in bptrain_in("evaluate", runs["iris"]).stdout
    numbers = bptrain_in("evaluate", runs["diabetes"]).stdout
    assert re.search(r"^max_abs +\d+", numbers, re.M)
    assert "class" not in numbers


def test_colours_on_a_terminal_only(runs, monkeypatch):
    import io

    from rich.console import Console

    from bptrain.console.scores import evaluation_tables as view

    def shown(**options):
        target = io.StringIO()
        console = Console(file=target, width=80, highlight=False, markup=False, **options)
        monkeypatch.setattr(view, "get_console", lambda: console)
        view.print_evaluation(bptrain.evaluate(runs["iris"]))
        return target.getvalue()

    assert "\x1b[" not in shown(color_system=None)
    full, plain = (shown(force_terminal=True, color_system=system) for system in ("truecolor", "standard"))
    assert "48;2;" in full
    assert "48;" not in plain
    assert "\x1b[1;32m" in plain


def test_mae_agrees_with_the_residuals(runs):
    found = bptrain.evaluate(runs["diabetes"], split="train")
    assert found.targets[0].mae == pytest.approx(found.metrics[name_of(Mae())], rel=1e-6)


def test_the_network_reads_the_rows_once(runs, monkeypatch):
    rows, original = [], scoring.score_batch

    def counted(model, part, chosen):
        rows.extend(chosen)
        return original(model, part, chosen)

    monkeypatch.setattr(scoring, "score_batch", counted)
    evaluation = bptrain.evaluate(runs["iris"], split="train")
    assert rows == list(range(evaluation.rows))
    assert evaluation.rows > 0


def test_the_rows_of_a_run_are_digested_once(runs, monkeypatch):
    """Which takes a pass over all of them."""
    compare, calls = evaluation.has_digest, []

    def count(rows, digest):
        calls.append(digest)
        return compare(rows, digest)

    monkeypatch.setattr(evaluation, "has_digest", count)
    bptrain.evaluate(runs["iris"])
    assert len(calls) == 1


@pytest.mark.parametrize(("name", "metric", "advice"), [
    ("iris", "top_k: 3", "write top_k: 2"), ("iris", "top_k: 9", "write top_k: 2"),
    ("breast_cancer", "top_k", "write accuracy"),
])  # fmt: skip
def test_a_metric_that_would_always_be_1_is_refused_before_training(tmp_path, name, metric, advice):
    config = tmp_path / "c.yaml"
    config.write_text(f"data: {{source: {{bundled: {name}}}}}\nhidden: [4]\nmetrics: [{metric}]\n")
    with pytest.raises(InputError, match=f"top_k is always 1 here.*{advice}"):
        assemble_file(config)
    config.write_text(config.read_text().replace(metric, advice.removeprefix("write ")))
    assemble_file(config)

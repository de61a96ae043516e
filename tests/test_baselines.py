"""What guessing and a linear model score beside a network, and the sentences about it."""

import json
from pathlib import Path

import numpy as np
import pytest

import bptrain
from bptrain.evaluation.baselines import Baseline
from bptrain.evaluation.linear_models import fit_linear_model
from bptrain.evaluation.remarks import find_remark
from bptrain.metrics import METRICS

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(80, 4)) * [1, 5, 0.1, 2] + [0, 10, 3, -1]
SCORES = INPUTS @ RNG.normal(size=(4, 3)) + RNG.normal(size=(80, 3))


def standardize(inputs):
    return (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)


@pytest.mark.parametrize("width", [4, 90])
def test_ridge_is_that_of_scikit_learn(width):
    linear_model = pytest.importorskip("sklearn.linear_model")
    inputs = RNG.normal(size=(80, width)) + 3
    expected = linear_model.Ridge(1.0).fit(standardize(inputs), SCORES).predict(standardize(inputs))
    assert np.allclose(fit_linear_model("numbers", inputs, SCORES).predict(inputs), expected, atol=1e-8)


def test_softmax_regression_is_that_of_scikit_learn():
    linear_model = pytest.importorskip("sklearn.linear_model")
    codes = SCORES.argmax(axis=1)
    expected = linear_model.LogisticRegression(tol=1e-8).fit(standardize(INPUTS), codes)
    found = fit_linear_model("classes", INPUTS, np.eye(3)[codes]).predict(INPUTS)
    assert np.allclose(found, expected.predict_proba(standardize(INPUTS)), atol=5e-3)


def test_logistic_regression_of_labels_is_that_of_scikit_learn():
    linear_model = pytest.importorskip("sklearn.linear_model")
    labels = (SCORES.mean(axis=0) < SCORES).astype(float)
    found = fit_linear_model("labels", INPUTS, labels).predict(INPUTS)
    for k in range(3):
        expected = linear_model.LogisticRegression(tol=1e-8).fit(standardize(INPUTS), labels[:, k])
        assert np.allclose(found[:, k], expected.predict_proba(standardize(INPUTS))[:, 1], atol=5e-3)


def test_a_constant_input_has_no_influence():
    inputs = np.c_[INPUTS, np.full(80, 0.1)]
    model = fit_linear_model("numbers", inputs, SCORES)
    assert (model.weights[4] == 0).all()
    assert np.isfinite(model.weights).all()


def write_table(path, target):
    x = np.random.default_rng(1).normal(size=(200, 2))
    rows = [f"{a:.5f},{b:.5f},{target(a, b)}" for a, b in x]
    Path(path).write_text("\n".join(["a,b,y", *rows]) + "\n")
    return x


def test_guessing_is_the_majority_or_the_mean_of_the_training_rows(bptrain_in):
    x = write_table("one.csv", lambda a, b: "yes" if a > 0.7 else "no")
    config = "data: {source: {csv: one.csv}, target: y}\nhidden: [4]\ntraining: {epochs: 2}\nmetrics: [accuracy]\n"
    Path("one.yaml").write_text(config)
    done = json.loads(bptrain_in("train", "one.yaml", "--json").stdout)
    ruler = done["ruler"]
    test = json.loads(bptrain_in("evaluate", done["run"], "--json").stdout)
    rows = sum(one["rows"] for one in test["targets"][0]["per_class"] if one["label"] == "no")
    assert ruler["split"] == "test"
    assert (x[:, 0] > 0.7).mean() < 0.5
    assert ruler["baselines"]["guess"]["metrics"]["accuracy"] == pytest.approx(rows / test["rows"])
    assert ruler["baselines"]["linear"]["metrics"]["accuracy"] > 0.9
    assert test["baselines"]["guess"]["metrics"]["accuracy"] == ruler["baselines"]["guess"]["metrics"]["accuracy"]
    assert test["baselines"]["linear"]["metrics"]["accuracy"] == ruler["baselines"]["linear"]["metrics"]["accuracy"]
    stored = json.loads(Path(done["run"], "outcome.json").read_text())
    assert stored["ruler"] == ruler
    text = bptrain_in("evaluate", done["run"]).stdout
    assert "guessing predicts the most frequent class" in text


def test_rows_in_time_order_are_compared_with_the_row_before():
    values = np.cumsum(np.random.default_rng(2).normal(size=120))
    lines = [f"{k},{value!r},{k % 7}" for k, value in enumerate(values.tolist())]
    Path("s.csv").write_text("\n".join(["t,y,day", *lines]) + "\n")
    split = "split: {method: time, column: t, validation: 0.2, test: 0.2}"
    Path("s.yaml").write_text(
        f"data: {{source: {{csv: s.csv}}, target: y, {split}}}\nhidden: [4]\ntraining: {{epochs: 2}}\n"
    )
    ruler = bptrain.train("s.yaml").ruler
    (before,) = (one for one in ruler.baselines if one.name == "row_before")
    assert before.metrics["mae"] == pytest.approx(np.abs(np.diff(values[95:])).mean(), rel=1e-5)
    assert ruler.remark.startswith(("r2 is below 0", "no better than"))


MEASURES = [("accuracy", METRICS.members["accuracy"](), ""), ("r2", METRICS.members["r2"](), "")]


@pytest.mark.parametrize(
    ("found", "guess", "linear", "train", "begins"),
    [
        ({"accuracy": 0.62}, {"accuracy": 0.6}, {"accuracy": 0.9}, {}, "no better than guessing: accuracy 0.62"),
        ({"accuracy": 0.9}, {"accuracy": 0.5}, {"accuracy": 0.91}, {}, "a linear model does as well: accuracy 0.9"),
        ({"accuracy": 0.71}, {"accuracy": 0.3}, {"accuracy": 0.5}, {"accuracy": 0.99}, "overfits: accuracy 0.99"),
        ({"r2": -0.5}, {"r2": -0.1}, {"r2": 0.5}, {}, "r2 is below 0: worse than always predicting the mean"),
        ({"accuracy": 0.95}, {"accuracy": 0.5}, {"accuracy": 0.7}, {"accuracy": 0.96}, None),
    ],
)
def test_one_sentence_says_what_matters_most(found, guess, linear, train, begins):
    baselines = (Baseline("guess", "", guess), Baseline("linear", "", linear))
    measures = [one for one in MEASURES if one[0] in found]
    text = find_remark(measures, found, baselines, train, "test", 200)
    assert text is None if begins is None else text.startswith(begins)

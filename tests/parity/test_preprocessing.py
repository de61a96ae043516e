"""Preprocessing compared with scikit-learn: scalers and imputers value by value, and a pipeline on mixed data."""

from pathlib import Path

import numpy as np
import pytest
from samples import write_passengers

import bptrain
from bptrain.columns.columns import fit
from bptrain.columns.imputers import IMPUTERS
from bptrain.columns.options import Treatment
from bptrain.columns.scalers import SCALERS
from bptrain.columns.splits.split import Split
from bptrain.columns.targets import balance_weights
from bptrain.model.assemble import assemble_file
from bptrain.tables.table import Selection, Table

sklearn = pytest.importorskip("sklearn")

from sklearn.compose import ColumnTransformer  # noqa: E402
from sklearn.impute import SimpleImputer  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import (  # noqa: E402
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils.class_weight import compute_class_weight  # noqa: E402

SCALING = {
    "standard": StandardScaler,
    "minmax": MinMaxScaler,
    "robust": RobustScaler,
    "log1p": lambda: make_pipeline(FunctionTransformer(np.log1p), StandardScaler()),
}
IMPUTING = ("mean", "median", "most_frequent")


def test_every_scaler_has_its_counterpart():
    assert set(SCALING) == set(SCALERS) - {"none"}
    assert set(IMPUTING) == set(IMPUTERS) - {"error", "drop", "constant"}


@pytest.mark.parametrize("scaling", SCALING)
@pytest.mark.parametrize("imputing", IMPUTING)
@pytest.mark.parametrize("shape", ["normal", "skewed", "few", "constant"])
def test_numbers(scaling, imputing, shape):
    rng = np.random.default_rng(0)
    draw = {
        "normal": lambda n: 50 + 3 * rng.normal(size=n),
        "skewed": lambda n: rng.lognormal(2, 2, n),
        "few": lambda n: rng.integers(0, 4, n).astype(float),
        "constant": lambda n: np.full(n, 3.5),
    }[shape]
    values = np.where(rng.random(300) < 0.2, np.nan, draw(300))
    treatment = Treatment("numeric", IMPUTERS.members[imputing](), scaling=SCALERS.members[scaling]())
    table = Table({"x": values, "y": np.arange(300.0)}, "t")
    columns = fit(table, np.arange(200), {"x": ("numeric", treatment)}, {"y": Treatment()})
    theirs = make_pipeline(SimpleImputer(strategy=imputing), SCALING[scaling]()).fit(values[:200, None])
    np.testing.assert_allclose(columns.encode_inputs(table), theirs.transform(values[:, None]), rtol=1e-9, atol=1e-9)


def test_categories():
    rng = np.random.default_rng(0)
    values = rng.choice(np.array(["b", "a", "Z", "é", "10", "9"], object), 300)
    values[rng.random(300) < 0.1] = None
    table = Table({"x": values, "y": np.arange(300.0)}, "t")
    treatment = Treatment("categorical", IMPUTERS.members["most_frequent"](), unseen="ignore")
    columns = fit(table, np.arange(20), {"x": ("categorical", treatment)}, {"y": Treatment()})
    theirs = make_pipeline(
        SimpleImputer(strategy="most_frequent", missing_values=None), OneHotEncoder(handle_unknown="ignore")
    ).fit(values[:20, None])
    np.testing.assert_array_equal(columns.encode_inputs(table), theirs.transform(values[:, None]).toarray())


def test_class_weights():
    codes = np.random.default_rng(0).choice(4, 200, p=[0.7, 0.1, 0.15, 0.05])
    theirs = compute_class_weight("balanced", classes=np.arange(4), y=codes)
    np.testing.assert_allclose(balance_weights(codes, 4), theirs, rtol=1e-12)


CONFIG = """
seed: {seed}
data:
  source: {{csv: titanic.csv}}
  target: survived
  task: classification
  missing: median
  indicator: true
  columns:
    fare: {{scaling: log1p}}
    port: {{missing: most_frequent}}
  split: {{validation: 0, test: 0.3}}
hidden: [16]
optimizer: {{adam: {{lr: 0.005}}}}
regularization: {{l2: 0.0001}}
training: {{epochs: 60, batch_size: 32}}
"""


def pipeline(seed):
    """Return the same pipeline in scikit-learn."""
    ages = make_pipeline(
        FunctionTransformer(lambda x: x.astype(float)), SimpleImputer(strategy="median", add_indicator=True),
        StandardScaler(),
    )  # fmt: skip
    fares = make_pipeline(FunctionTransformer(lambda x: np.log1p(x.astype(float))), StandardScaler())
    ports = make_pipeline(
        SimpleImputer(strategy="most_frequent", missing_values=None, add_indicator=True), OneHotEncoder()
    )
    columns = ColumnTransformer(
        [
            ("age", ages, [2]),
            ("fare", fares, [3]),
            ("port", ports, [4]),
            ("category", OneHotEncoder(), [0, 1]),
            ("alone", FunctionTransformer(lambda x: (x == "yes").astype(float)), [5]),
        ],
        sparse_threshold=0,
    )
    # Its penalty is alpha / 2 · |w|² / rows of the batch; ours is l2 / 2 · |w|².
    network = MLPClassifier(
        (16,), alpha=0.0001 * 32, batch_size=32, learning_rate_init=0.005, max_iter=60, n_iter_no_change=60,
        tol=0, random_state=seed,
    )  # fmt: skip
    return make_pipeline(columns, network)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_mixed_data_is_learned_as_well_as_with_a_pipeline():
    """Five tables and seeds: the accuracies differ by no more than their spread."""
    ours, theirs = [], []
    for seed in range(5):
        write_passengers(Path("titanic.csv"), seed)
        Path("t.yaml").write_text(CONFIG.format(seed=seed))
        result = bptrain.train("t.yaml")
        ours.append(result.test.metrics["accuracy"])
        parts = assemble_file("t.yaml").splits
        table = assemble_file("t.yaml").table
        rows = np.array(list(zip(*(table.columns[name] for name in list(table.columns)[:-1]), strict=True)), object)
        survived = table.columns["survived"]
        train, test = parts["train"].numbers, parts["test"].numbers
        theirs.append(pipeline(seed).fit(rows[train], survived[train]).score(rows[test], survived[test]))
    difference = np.array(ours) - np.array(theirs)
    assert 0.7 < np.mean(ours) < 0.95
    assert abs(difference.mean()) < 3 * max(difference.std(ddof=1), 0.005) / 5**0.5, (ours, theirs)
    assert abs(difference.mean()) < 0.02, (ours, theirs)


def test_a_stratified_split_has_the_counts_of_scikit_learn():
    from sklearn.model_selection import StratifiedShuffleSplit

    codes = np.random.default_rng(0).choice(3, 1000, p=[0.6, 0.3, 0.1])
    _, held_out = next(StratifiedShuffleSplit(1, test_size=0.2, random_state=0).split(codes, codes))
    rows = Split(0, 0.2, "stratified").draw_rows(1000, codes, np.random.default_rng(0))["test"]
    assert np.abs(np.bincount(codes[rows]) - np.bincount(codes[held_out])).max() <= 1
    assert len(Selection(Table({"y": codes.astype(float)}, "t"), rows)) == 200

"""Tables as they come: does each go straight in, and how well is it predicted beside scikit-learn?

    python tests/campaign_tables.py FOLDER [--targets FILE] [--seeds 5] [--only NAME] [--quick]

FILE has the columns `file` and `target` (a name, a position, or `last`); without it, `targets.csv` of FOLDER is used,
and without that one, the last column of each file is predicted. `init` and `train` get each file unchanged. Where that
works, the rows are divided into 80% and 20% (the last ones where `init` divides by time), once for each seed; `init`,
`train` and scikit-learn's networks and boosted trees learn from the 80%, with the columns that `init` uses, and are
scored on the rest: classes by the mean of accuracy and balanced accuracy, numbers by R2. Needs the extra `[parity]`.
"""

import argparse
import csv
import json
import shutil
import sys
import tempfile
import warnings
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from campaign import run

TESTED = 0.2

IGNORED = (".md", ".yaml", ".txt")

SLACK = 0.01


@dataclass(frozen=True)
class Parsed:
    """A table as `init` understands it: its rows as text, the features, the target, and how to divide the rows."""

    names: list[str]
    rows: list[list[str]]
    features: list[str]
    target: str
    is_classes: bool
    by_time: bool


def list_tables(folder, targets):
    """Return the files of a folder with the target of each."""
    listed = targets or folder / "targets.csv"
    if listed.exists():
        with open(listed, newline="") as file:
            return [(folder / row["file"], row["target"]) for row in csv.DictReader(file)]
    found = [path for path in sorted(folder.iterdir()) if path.is_file() and path.suffix not in IGNORED]
    return [(path, "last") for path in found]


def try_straight_in(path, target, folder):
    """Return what stops a table from being trained with one command each of `init` and `train`; None: nothing does."""
    shutil.copy(path, folder)
    for command in (
        ("init", path.name, "--target", target, "-o", "c.yaml"),
        ("train", "c.yaml", "-q", "--run", "first"),
    ):
        done = run(folder, *command, timeout=900)
        if done.returncode:
            return f"{command[0]}: {done.stderr.strip().splitlines()[-1][:300]}"
    return None


def parse_table(folder):
    """Return the table of the config that `init` has written."""
    from bptrain.columns.targets import Classes
    from bptrain.model.assemble import assemble_file

    assembly = assemble_file(folder / "c.yaml")
    table, model = assembly.table, assembly.model
    names = list(table.columns)
    columns = [[write_cell(value) for value in table.columns[name].tolist()] for name in names]
    target, split = model.columns.target_columns[0], model.experiment.data.split
    features = [feature.name for feature in model.columns.features]
    rows = [list(row) for row in zip(*columns, strict=True) if row[names.index(target.name)]]
    return Parsed(names, rows, features, target.name, isinstance(target, Classes), "time" in str(split).lower())


def write_cell(value):
    """Return a value as a file has it."""
    if value is None or value != value:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def divide_rows(table, seed):
    """Return the rows to learn from and those to be scored on: a share of each class, or the last rows of a series."""
    count = round(TESTED * len(table.rows))
    if table.by_time:
        return table.rows[:-count], table.rows[-count:]
    order = np.random.default_rng(seed).permutation(len(table.rows))
    if table.is_classes:
        at = table.names.index(table.target)
        labels = np.array([table.rows[k][at] for k in order])
        place = np.empty(len(order))
        for label in sorted(set(labels)):
            mine = np.flatnonzero(labels == label)
            place[mine] = (np.arange(len(mine)) + 0.5) / len(mine)
        order = order[np.argsort(place, kind="stable")]
    return [table.rows[k] for k in order[count:]], [table.rows[k] for k in order[:count]]


def write_rows(path, names, rows):
    """Write rows as CSV."""
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([names, *rows])


def score(truth, guess, is_classes):
    """Return the score of predictions."""
    from sklearn.metrics import accuracy_score, balanced_accuracy_score, r2_score

    if not is_classes:
        return float(r2_score(np.array(truth, float), np.array(guess, float)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float((accuracy_score(truth, guess) + balanced_accuracy_score(truth, guess)) / 2)


def score_bptrain(folder, table, learned, tested, seed, options=()):
    """Return the score of `init`, `train` and `predict` with their defaults on rows that they have not seen."""
    write_rows(folder / "learn.csv", table.names, learned)
    write_rows(folder / "test.csv", table.names, tested)
    name = f"s{seed}"
    steps = [
        ("init", "learn.csv", "--target", table.target, "-o", f"{name}.yaml", "--force", *options),
        ("train", f"{name}.yaml", "-q", "--run", name, f"seed={seed}", "data.split.test=0"),
        ("predict", name, "test.csv", "--json"),
    ]
    for command in steps:
        done = run(folder, *command, timeout=1800)
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {done.stderr.strip()[-300:]}")
    predictions = json.loads(done.stdout)["predictions"]
    shutil.rmtree(folder / name)
    guess = [write_cell(row[f"predicted_{table.target}"]) for row in predictions]
    at = table.names.index(table.target)
    return score([row[at] for row in tested], guess, table.is_classes)


def convert_column(texts):
    """Return a column as numbers `(rows,)`, with NaN where it is empty; None if it is text. Dates become days."""
    try:
        return np.array([float(text or "nan") for text in texts])
    except ValueError:
        pass
    try:
        return np.array([datetime.fromisoformat(text).timestamp() / 86400 if text else np.nan for text in texts])
    except ValueError:
        return None


def score_peers(table, learned, tested, seed):
    """Return the scores of scikit-learn's MLP without and with early stopping, and of its boosted trees."""
    from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    places, at = [table.names.index(name) for name in table.features], table.names.index(table.target)
    columns = [[row[k] for row in learned + tested] for k in places]
    numbers = [convert_column(texts) for texts in columns]
    data = np.empty((len(learned) + len(tested), len(places)), object)
    for k, (texts, found) in enumerate(zip(columns, numbers, strict=True)):
        data[:, k] = texts if found is None else found
    numeric = [k for k, found in enumerate(numbers) if found is not None and not np.isnan(found[: len(learned)]).all()]
    text = [k for k, found in enumerate(numbers) if found is None]
    truth = np.array([row[at] for row in learned + tested], str if table.is_classes else float)
    scaled = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    one_hot = ColumnTransformer(
        [("n", scaled, numeric), ("t", OneHotEncoder(handle_unknown="ignore", sparse_output=False), text)]
    )
    ordinal = ColumnTransformer(
        [
            ("t", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), text),
            ("n", "passthrough", numeric),
        ]
    )
    few = [k for k, place in enumerate(text) if len(set(columns[place])) < 250]
    network, trees = (
        (MLPClassifier, HistGradientBoostingClassifier)
        if table.is_classes
        else (MLPRegressor, HistGradientBoostingRegressor)
    )
    models = [
        make_pipeline(one_hot, network(random_state=seed, max_iter=500, early_stopping=stop)) for stop in (False, True)
    ]
    if not table.is_classes:
        models = [TransformedTargetRegressor(one, transformer=StandardScaler()) for one in models]
    models.append(make_pipeline(ordinal, trees(random_state=seed, categorical_features=few)))
    scores, cut = [], len(learned)
    for model in models:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                guess = model.fit(data[:cut], truth[:cut]).predict(data[cut:])
                scores.append(score(truth[cut:], guess, table.is_classes))
            except ValueError:
                # Early stopping wants two rows of each class.
                scores.append(np.nan)
    return scores


def main():
    """Run the tables, and print the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--targets", type=Path, help="CSV with the columns file and target")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", help="the tables whose name contains this text")
    parser.add_argument("--quick", action="store_true", help="let init propose the plain network")
    given = parser.parse_args()
    tables = [one for one in list_tables(given.folder, given.targets) if not given.only or given.only in one[0].name]
    print(f"{'table':28} {'rows':>7}  in   bptrain   MLP  MLP stop  trees   (mean of {given.seeds} seeds)")
    taken, all_scores = 0, []
    for path, target in tables:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if problem := try_straight_in(path, target, folder):
                print(f"{path.name:28} {'':7}  no   {problem}", flush=True)
                continue
            taken += 1
            table = parse_table(folder)
            scores = []
            for seed in range(given.seeds):
                learned, tested = divide_rows(table, seed)
                ours = score_bptrain(folder, table, learned, tested, seed, ["--quick"] * given.quick)
                scores.append([ours, *score_peers(table, learned, tested, seed)])
        means = np.nanmean(scores, axis=0)
        all_scores.append(means)
        print(f"{path.name:28} {len(table.rows):7,}  yes  {'  '.join(f'{one:7.3f}' for one in means)}", flush=True)
    print(f"straight in: {taken} of {len(tables)}")
    if all_scores:
        each = np.array(all_scores)
        networks = np.nanmax(each[:, 1:3], axis=1)
        print(f"within {SLACK} of the better MLP, or above it: {np.sum(each[:, 0] >= networks - SLACK)} of {taken}")
        print(f"within {SLACK} of boosted trees, or above them: {np.sum(each[:, 0] >= each[:, 3] - SLACK)} of {taken}")
        print(f"mean score: {'  '.join(f'{one:.3f}' for one in each.mean(0))}")
    return taken == len(tables)


if __name__ == "__main__":
    sys.exit(not main())

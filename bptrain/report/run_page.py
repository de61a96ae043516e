"""The report of a run: its title, and its sections in order."""

from collections.abc import Iterator
from shlex import quote

from bptrain.columns.targets import Inputs
from bptrain.config import to_yaml
from bptrain.evaluation.evaluation import Evaluation
from bptrain.evaluation.predictions import restore_units
from bptrain.evaluation.target_results import ClassResult, NumberResult
from bptrain.model.heads import get_metric_name
from bptrain.model.model import count_batch_rows
from bptrain.model.summary import describe_targets
from bptrain.nn.cost import compute_costs
from bptrain.quantities import format_figure, format_number
from bptrain.registry import name_of
from bptrain.report.classes import show_calibration, show_classes, show_threshold_curves
from bptrain.report.html_page import Content, Html, details, facts, join, listing, note, safe_name, table, tag
from bptrain.report.images import find_grid, show_first_weights, show_reconstructions
from bptrain.report.learning_curves import show_gradient_health, show_learning_curves
from bptrain.report.material import Material
from bptrain.report.mistakes import show_mistakes, show_residual_table, show_residuals
from bptrain.training.environment import describe_value

MAIN_METRICS = ("accuracy", "f1", "roc_auc", "r2", "rmse", "mae")
"""The metrics in the summary, besides the loss."""

MOST_TILES = 12
MOST_COLUMNS = 100
MOST_TARGETS = 12
"""The most numeric targets whose residuals are drawn; an autoencoder has as many targets as inputs."""

REASONS = {
    "epochs": "all epochs done",
    "max_steps": "step limit reached",
    "max_seconds": "time limit reached",
    "early_stopping": "the validation loss stopped improving",
    "convergence": "the training loss stopped changing",
}
"""Why training ended, by the word in `outcome.json`."""


def make_title(found: Material) -> str:
    """Return the target and where the data is from: `price from houses.csv (12 features)`."""
    columns, source = found.model.columns, found.model.experiment.data.source
    names = [safe_name(one.name, 40) for one in columns.target_columns]
    target = "autoencoder" if isinstance(columns.target, Inputs) else ", ".join(names[:3]) + ", ..." * (len(names) > 3)
    path = getattr(source, "path", None)
    where = safe_name(path.name if path else getattr(source, "name", name_of(source)), 60)
    count = len(columns.features)
    return f"{target} from {where} ({count:,} feature{'s' * (count != 1)})"


def make_lead(found: Material) -> str:
    """Return the sentence below the title."""
    task, name = found.model.experiment.data.task.replace("_", "-"), safe_name(found.model.experiment.name)
    return f"{name}: {task} by a network of {found.model.network.theta.size:,} parameters."


def list_sections(found: Material) -> Iterator[tuple[str, Html]]:
    """Yield the sections that have something to show."""
    best = (found.stored.get("best") or {}).get("epoch")
    yield "Summary", show_summary(found)
    if found.evaluation and found.rows is not None:
        yield from list_results(found, found.evaluation)
    else:
        yield "Evaluation", tag("p", f"There is none: {safe_name(found.missing, 500)}", class_="warning")
    if found.records:
        yield "Learning curves", show_learning_curves(found.records, best)
        if gradients := show_gradient_health(found.records, best):
            yield "Gradients", gradients
    else:
        yield "Learning curves", note("There is no history: the checkpoint is not in a run directory.")
    if weights := show_first_weights(found.model):
        yield "First layer", weights
    yield "Network", show_network(found)
    yield "Data", show_data(found)
    config = listing(to_yaml(found.model.experiment), "Config")
    yield "Config", join((note("As run, with every default written out."), config))
    known = [(key, value) for key, value in found.environment.items() if value not in ([], "")]
    yield "Environment", facts((safe_name(key), safe_name(describe_value(value), 300)) for key, value in known)
    yield "Commands", show_commands(found)


def list_results(found: Material, evaluation: Evaluation) -> Iterator[tuple[str, Html]]:
    """Yield the sections of an evaluation."""
    assert found.rows is not None
    yield "Evaluation", show_metrics(evaluation)
    columns = found.model.columns
    grid = find_grid(columns) if isinstance(columns.target, Inputs) else None
    for predictions in evaluation.predictions:
        own = restore_units(columns, predictions)
        of = f" of {safe_name(predictions.head, 40)}" if predictions.head else ""
        targets = [one for one in evaluation.targets if one.target in own.names]
        classes = [one for one in targets if isinstance(one, ClassResult)]
        for one in classes:
            title = f"Classes{of}" if predictions.kind == "classes" else f"Label {safe_name(one.target, 40)}"
            yield title, show_classes(one)
        if classes:
            yield f"ROC and precision-recall{of}", show_threshold_curves(predictions)
            yield f"Calibration{of}", show_calibration(predictions)
        if grid is not None:
            yield "Reconstructions", show_reconstructions(grid, found.rows, own)
        numbers = [one for one in targets if isinstance(one, NumberResult)]
        if numbers:
            plots = (show_residuals(own, k) for k in range(min(len(numbers), MOST_TARGETS)))
            left = len(numbers) - MOST_TARGETS
            more = note(f"{left} more are not shown; bptrain evaluate --json has them.") if left > 0 else None
            yield f"Residuals{of}", join((show_residual_table(numbers[:MOST_TARGETS]), *plots, more))
        if grid is None:
            title = "Most confident mistakes" if predictions.kind == "classes" else "Largest errors"
            yield f"{title}{of}", show_mistakes(columns, found.rows, own)


def show_summary(found: Material) -> Html:
    """Return the most important figures as tiles, and how training ended."""
    tiles: list[tuple[str, str, str]] = []
    if evaluation := found.evaluation:
        where = f"{evaluation.rows:,} {evaluation.split} rows" if evaluation.split != "data" else "new data"
        tiles.append(("loss", format_number(evaluation.loss, 4), where))
        ranges = evaluation.intervals or {}
        main = [(name, value) for name, value in evaluation.metrics.items() if get_metric_name(name) in MAIN_METRICS]
        for name, value in sorted(main, key=lambda one: MAIN_METRICS.index(get_metric_name(one[0])))[:MOST_TILES]:
            if isinstance(value, float):
                one = ranges.get(name)
                more = f"95%: {one.low:.3g} to {one.high:.3g}" if one else where
                tiles.append((safe_name(name, 60), format_number(value, 4), more))
    tiles.append(("parameters", f"{found.model.network.theta.size:,}", found.model.experiment.dtype))
    large = (tag("div", tag("dt", name), tag("dd", value, tag("small", more))) for name, value, more in tiles)
    pairs: list[tuple[str, Content]] = [("target", safe_name(describe_targets(found.model.columns), 200))]
    if best := found.stored.get("best"):
        epoch = f"{best['epoch']}" + (f" of {len(found.records)}" if found.records else "")
        held_out = "validation" if "validation" in found.stored["rows"] else "training"
        scores = [f"{held_out} loss {format_number(best['loss'], 4)}"]
        scores += [f"{name} {format_number(v, 4)}" for name, v in best["metrics"].items() if isinstance(v, float)]
        pairs.append(("best epoch", f"{epoch}: {', '.join(scores)}"))
    if found.state:
        why = REASONS.get(found.state.why, found.state.why)
        pairs.append(("state", safe_name(f"{found.state.state}: {why}" if why else found.state.state, 300)))
    if started := found.environment.get("started"):
        pairs.append(("started", safe_name(started, 40)))
    pairs += [("seed", f"{found.model.experiment.seed}"), ("run", safe_name(found.path, 300))]
    return join((tag("dl", *large, class_="tiles"), facts(pairs)))


def show_metrics(evaluation: Evaluation) -> Html:
    """Return loss and metrics with their confidence intervals, and those of the baselines."""
    ranges = evaluation.intervals or {}
    names = ["guessing" if one.name == "guess" else one.method for one in evaluation.baselines]
    rows = [("loss", format_number(evaluation.loss, 4), "–", *["–"] * len(names))]
    for name, value in evaluation.metrics.items():
        one = ranges.get(name)
        others = (format_figure(base.metrics.get(name), 4) for base in evaluation.baselines)
        rows.append((name, format_figure(value, 4), f"{one.low:.4g} to {one.high:.4g}" if one else "–", *others))
    where = "rows of new data" if evaluation.split == "data" else f"{evaluation.split} rows"
    method = f"Intervals from {evaluation.bootstrap:,} bootstrap samples of the rows." if evaluation.bootstrap else None
    guess = f"Guessing predicts {evaluation.baselines[0].method}." if names else None
    body = table(("metric", "value", "95% interval", *names), rows, caption=f"On {evaluation.rows:,} {where}")
    return join((body, *(note(text) for text in (method, guess) if text)))


def show_network(found: Material) -> Html:
    """Return the layers, and what trains them."""
    model, experiment = found.model, found.model.experiment
    batch = count_batch_rows(experiment, found.stored["rows"].get("train", 1))
    rows = [
        (
            safe_name(layer.name),
            " × ".join(map(str, layer.shape)),
            f"{layer.parameters:,}",
            safe_name(", ".join(f"{key} {name}" for key, name in layer.initializers.items()) or "–"),
        )
        for layer in compute_costs(model.network.chain, batch)
    ]
    rows.append(("all", "", f"{model.network.theta.size:,}", "–"))
    pairs: list[tuple[str, Content]] = [
        ("loss", name_of(model.objective.loss)),
        ("optimizer", f"{name_of(experiment.optimizer)}, learning rate {experiment.optimizer.lr:g}"),
        ("schedule", name_of(experiment.schedule)),
    ]
    return join((table(("layer", "output", "parameters", "initializer"), rows), facts(pairs)))


def show_data(found: Material) -> Html:
    """Return the rows of each split, and how each column is encoded."""
    columns, counts = found.model.columns, found.stored["rows"]
    split = ", ".join(f"{counts[name]:,} {name}" for name in ("train", "validation", "test") if name in counts)
    head: list[tuple[str, Content]] = [
        ("source", name_of(found.model.experiment.data.source)),
        ("rows", split),
        ("target", safe_name(describe_targets(columns), 200)),
        ("features", f"{len(columns.features):,}, encoded as {len(columns.input_names):,} inputs"),
    ]
    rows = [(safe_name(one.name), safe_name(one.words, 300)) for one in columns.features[:MOST_COLUMNS]]
    more = len(columns.features) - len(rows)
    rest = note(f"{more:,} more columns are not listed.") if more else None
    title = f"The first {MOST_COLUMNS} columns" if more else "All columns"
    return join((facts(head), details(title, table(("column", "encoding"), rows), rest)))


def show_commands(found: Material) -> Html:
    """Return the commands that repeat the run, its evaluation and its report."""
    code = "".join(f" --code {quote(path)}" for path in list_code_files(found))
    path = quote(str(found.path))
    split = f" --split {found.evaluation.split}" if found.evaluation and found.evaluation.split != "data" else ""
    commands = [f"bptrain train {quote(str(found.run.config))}{code}"] if found.run else []
    commands += [f"bptrain evaluate {path}{split}{code}", f"bptrain report {path}{code}"]
    versions = ", ".join(
        f"{name} {safe_name(found.environment[name], 40)}"
        for name in ("bptrain", "numpy", "python")
        if name in found.environment
    )
    text = f"With the same data in the same environment ({versions}), training gives a bit-identical result."
    return join((listing("\n".join(commands), "Commands"), note(text)))


def list_code_files(found: Material) -> list[str]:
    """Return the user's code files that the run needs, with their paths where these are known."""
    known = found.environment.get("code")
    paths = [one.get("path") for one in known if isinstance(one, dict)] if isinstance(known, list) else []
    needed = [one.get("file") for one in found.stored.get("code", [])]
    by_name = {str(path).rpartition("/")[2]: str(path) for path in paths}
    return [by_name.get(str(name), str(name)) for name in needed]

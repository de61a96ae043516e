"""The facts of a run: what was trained on what, where, and how to do it again."""

from collections.abc import Iterator
from shlex import quote

from bptrain.config import to_yaml
from bptrain.model.measures import metric_name
from bptrain.model.model import batch_rows
from bptrain.model.summary import target_in_words
from bptrain.nn.cost import costs
from bptrain.registry import name_of
from bptrain.report.html import Content, Html, join, safe_name, tag
from bptrain.report.html_page import details, facts, listing, note, table
from bptrain.report.material import Material
from bptrain.training.environment import in_words

MAIN = ("accuracy", "f1", "roc_auc", "r2", "rmse", "mae")
"""The metrics that stand at the top, where there are some, beside the loss."""

MOST_TILES = 12
"""Several targets have such metrics each."""

MOST_COLUMNS = 100


def number(value: float | int | None) -> str:
    """A figure in few digits."""
    if value is None:
        return "undefined"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def summary(found: Material) -> Html:
    """The most important figures large, and the rest of what a person asks first."""
    tiles: list[tuple[str, str, str]] = []
    evaluation = found.evaluation
    if evaluation:
        where = f"{evaluation.rows:,} {evaluation.split} rows" if evaluation.split != "data" else "new data"
        tiles.append(("loss", number(evaluation.loss), where))
        ranges = evaluation.intervals or {}
        main = [(name, value) for name, value in evaluation.metrics.items() if metric_name(name) in MAIN]
        for name, value in sorted(main, key=lambda one: MAIN.index(metric_name(one[0])))[:MOST_TILES]:
            if isinstance(value, float):
                one = ranges.get(name)
                more = f"95 %: {one.low:.3g} to {one.high:.3g}" if one else where
                tiles.append((safe_name(name, 60), number(value), more))
    parameters = found.model.network.theta.size
    tiles.append(("parameters", f"{parameters:,}", f"{found.model.experiment.dtype}"))
    large = (tag("div", tag("dt", name), tag("dd", value, tag("small", more))) for name, value, more in tiles)
    pairs: list[tuple[str, Content]] = [("target", safe_name(target_in_words(found.model.columns), 200))]
    best = found.stored.get("best")
    if best:
        text = f"{best['epoch']}" + (f" of {len(found.records)}" if found.records else "")
        held = "validation" if "validation" in found.stored["rows"] else "training"
        figures = ", ".join(f"{name} {number(v)}" for name, v in best["metrics"].items() if isinstance(v, float))
        pairs.append(
            ("best epoch", f"{text}: {held} loss {number(best['loss'])}" + (f", {figures}" if figures else ""))
        )
    if found.state:
        why = found.state.why.replace("_", " ")
        pairs.append(("state", safe_name(f"{found.state.state}: {why}" if why else found.state.state, 300)))
    if started := found.environment.get("started"):
        pairs.append(("started", safe_name(started, 40)))
    pairs.append(("seed", f"{found.model.experiment.seed}"))
    pairs.append(("run", safe_name(found.path, 300)))
    return join((tag("dl", *large, class_="tiles"), facts(pairs)))


def network(found: Material) -> Html:
    """The layers, with what trains them."""
    model = found.model
    layers = costs(model.network, batch_rows(model.experiment, found.stored["rows"].get("train", 1)))
    rows = [
        (
            safe_name(layer.name),
            " × ".join(map(str, layer.shape)),
            f"{layer.parameters:,}",
            safe_name(", ".join(f"{key} {name}" for key, name in layer.initializers.items()) or "–"),
        )
        for layer in layers
    ]
    total = ("all", "", f"{model.network.theta.size:,}", "–")
    experiment = model.experiment
    parts: list[tuple[str, Content]] = [
        ("loss", name_of(model.objective.loss)),
        ("optimizer", f"{name_of(experiment.optimizer)}, learning rate {experiment.optimizer.lr:g}"),
        ("schedule", name_of(experiment.schedule)),
    ]
    return join((table(("layer", "output", "parameters", "initializer"), [*rows, total]), facts(parts)))


def data(found: Material) -> Html:
    """Rows of each part, and what each column is to the network."""
    columns = found.model.columns
    held = found.stored["rows"]
    counts = ", ".join(f"{held[part]:,} {part}" for part in ("train", "validation", "test") if part in held)
    head: list[tuple[str, Content]] = [
        ("source", name_of(found.model.experiment.data.source)),
        ("rows", counts),
        ("target", safe_name(target_in_words(columns), 200)),
        ("columns", f"{len(columns.features):,}, which become {len(columns.outputs):,} inputs"),
    ]
    shown = columns.features[:MOST_COLUMNS]
    rows = [(safe_name(one.name), safe_name(one.words, 300)) for one in shown]
    more = len(columns.features) - len(shown)
    rest = note(f"And {more:,} more.") if more else None
    body = table(("column", "what the network reads"), rows)
    return join((facts(head), details("All columns" if not more else f"The first {MOST_COLUMNS}", body, rest)))


def config(found: Material) -> Html:
    """The config as run."""
    what = note("As run: every default is written out.")
    return join((what, listing(to_yaml(found.model.experiment), "The config")))


def environment(found: Material) -> Html:
    """What results may depend on besides."""
    return facts(
        (safe_name(key), safe_name(in_words(value), 300))
        for key, value in found.environment.items()
        if value not in ([], "")
    )


def commands(found: Material) -> Html:
    """What to type to have all of it again."""
    note_of_versions = ", ".join(
        f"{name} {safe_name(found.environment[name], 40)}"
        for name in ("bptrain", "numpy", "python")
        if name in found.environment
    )
    what = f"With the same data, in the same environment ({note_of_versions}), training ends bit-identical."
    return join((listing("\n".join(lines(found)), "Commands"), note(what)))


def lines(found: Material) -> Iterator[str]:
    """The commands, a line each."""
    code = "".join(f" --code {quote(path)}" for path in code_files(found))
    path = quote(str(found.path))
    if found.run:
        yield f"bptrain train {quote(str(found.run.config))}{code}"
    split = f" --split {found.evaluation.split}" if found.evaluation and found.evaluation.split != "data" else ""
    yield f"bptrain evaluate {path}{split}{code}"
    yield f"bptrain report {path}{code}"


def code_files(found: Material) -> list[str]:
    """The files of the user's code that the run needs: with their paths where these are known."""
    known = found.environment.get("code")
    paths = [one.get("path") for one in known if isinstance(one, dict)] if isinstance(known, list) else []
    needed = [one.get("file") for one in found.stored.get("code", [])]
    by_name = {str(path).rpartition("/")[2]: str(path) for path in paths}
    return [by_name.get(str(name), str(name)) for name in needed]

"""Runs side by side: how their configs differ, their scores, and which run has the best."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from bptrain.config.document.dump import to_inline_yaml
from bptrain.errors import InputError
from bptrain.metrics import METRICS
from bptrain.model.heads import get_metric_name
from bptrain.run.run_list import Run, get_entry

SHORT_OPTION = ("units", "rate", "lr", "alpha")
"""The options that describe a component best; the first that it has is shown."""

SCALAR = (str, int, float, type(None))


@dataclass(frozen=True)
class Difference:
    """A key whose value differs between configs, with its value in each run; None where the key is missing."""

    key: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Score:
    """A score: its value in each run, None if the run has none, and the indices of the runs with the best value."""

    name: str
    values: tuple[float | None, ...]
    best: tuple[int, ...]


@dataclass(frozen=True)
class Comparison:
    """Runs side by side: `differences` of their configs, `scores` of the best epochs and on test rows. `remark` says
    why no score is marked as the best, if they cannot be compared."""

    runs: tuple[Run, ...]
    differences: tuple[Difference, ...]
    scores: tuple[Score, ...]
    remark: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the keys that scripts may rely on."""
        return {
            "runs": [run.to_json() for run in self.runs],
            "differences": [{"key": one.key, "values": list(one.values)} for one in self.differences],
            "scores": [{"name": one.name, "values": list(one.values), "best": list(one.best)} for one in self.scores],
            "remark": self.remark,
        }


def find_differences(values: Sequence[Any], key: str = "") -> Iterator[Difference]:
    """Yield the keys whose values differ, going as deep as all documents have the same form."""
    first = values[0]
    if all(value == first for value in values):
        return
    under = f"{key}." if key else ""
    if all(isinstance(value, Mapping) and value.keys() == first.keys() for value in values):
        for name in first:
            yield from find_differences([value[name] for value in values], under + str(name))
    elif all(isinstance(value, list | tuple) and len(value) == len(first) for value in values):
        for k in range(len(first)):
            yield from find_differences([value[k] for value in values], f"{under}{k}")
    elif not key:
        for name in dict.fromkeys(name for value in values for name in value):
            yield from find_differences([value.get(name) for value in values], str(name))
    elif all(is_component(value) for value in values):
        yield Difference(key, tuple(name for name, _ in map(split_component, values)))
        options = [inner for _, inner in map(split_component, values)]
        for name in options[0]:
            if all(name in inner for inner in options):
                yield from find_differences([inner[name] for inner in options], f"{under}{name}")
    else:
        yield Difference(key, tuple(value if isinstance(value, SCALAR) else abbreviate(value) for value in values))


def is_component(value: Any) -> bool:
    """Return whether a value is a component: a bare name, or one `name: {options}` entry."""
    if isinstance(value, Mapping) and len(value) == 1:
        return isinstance(next(iter(value.values())), Mapping)
    return isinstance(value, str)


def split_component(value: Any) -> tuple[str, Mapping[str, Any]]:
    """Return the name of a component and its options."""
    return (value, {}) if isinstance(value, str) else next(iter(value.items()))


def abbreviate(value: Any) -> str:
    """Return a value of a config in a few words: `dense 64, relu, dense 10`."""
    if isinstance(value, list | tuple) and all(map(is_component, value)):
        return ", ".join(map(abbreviate, value))
    if is_component(value):
        name, options = split_component(value)
        return " ".join([name, *(f"{options[option]}" for option in SHORT_OPTION if option in options)][:2])
    return value if isinstance(value, str) else to_inline_yaml(value)


def list_scores(runs: Sequence[Run], *, mark: bool) -> Iterator[Score]:
    """Yield every score of the best epochs and on the test rows; the best is marked if higher or lower is better, but
    not on the test rows: who chooses a run by its test score has no test left."""
    for prefix, documents in (("", [run.best for run in runs]), ("test ", [run.test for run in runs])):
        if not any(documents):
            continue
        losses = [as_number((document or {}).get("loss")) for document in documents]
        marked = mark and not prefix
        yield mark_best(f"{prefix}loss", losses, 0.0, mark=marked)
        metrics = [(document or {}).get("metrics") or {} for document in documents]
        for name in dict.fromkeys(name for each in metrics for name in each):
            values = [as_number(each.get(name)) for each in metrics]
            if any(value is not None for value in values):
                yield mark_best(f"{prefix}{name}", values, find_perfect(name), mark=marked)


def describe_held_out(runs: Sequence[Run]) -> str:
    """Return the rows that the scores of the best epochs are from: `validation`, `training`, or `best epoch's`."""
    validated = {has_validation(run) for run in runs if run.history}
    return "best epoch's" if len(validated) > 1 else "validation" if True in validated else "training"


def has_validation(run: Run) -> bool:
    """Return whether the best epoch of a run has scores on validation rows; those of folds are, too."""
    searched = any(get_entry(run.config, "training", key) for key in ("refit", "folds"))
    return searched or any("validation_loss" in record for record in run.history)


def mark_best(name: str, values: Sequence[float | None], perfect: float | None, *, mark: bool) -> Score:
    """Return a score with the runs that have the best value: the highest if 1 is perfect, the lowest if 0 is."""
    known = [value for value in values if value is not None]
    if not mark or perfect is None or len(known) < 2:
        return Score(name, tuple(values), ())
    best = max(known) if perfect else min(known)
    return Score(name, tuple(values), tuple(k for k, value in enumerate(values) if value == best))


def find_perfect(name: str) -> float | None:
    """Return the perfect value of a metric, which may be of one target among several; None for a table, and for a
    metric that is not registered."""
    member = METRICS.members.get(get_metric_name(name))
    found = getattr(member, "perfect", None)
    return found if isinstance(found, float | int) else None


def as_number(value: Any) -> float | None:
    """Return a score if it is a finite number, else None."""
    return value if isinstance(value, int | float) and isfinite(value) else None


def explain_no_best(runs: Sequence[Run]) -> str:
    """Return why the scores of runs cannot be compared; empty if they can."""
    seen = {
        "data": {repr([run.config.get("data", {}).get(key) for key in ("source", "target", "split")]) for run in runs},
        "losses": {repr(run.config.get("loss")) for run in runs},
    }
    unlike = [name for name, values in seen.items() if len(values) > 1]
    return f"the {' and the '.join(unlike)} differ, so no score is marked as the best" if unlike else ""


def sort_runs(found: Sequence[Run], name: str) -> list[Run]:
    """Return the runs sorted by a score, the best first.

    Raises:
        InputError: no run has the score, and there are runs.
    """
    values = {score.name: score.values for score in list_scores(found, mark=False)}
    if found and name not in values:
        raise InputError(f"--sort {name}: no run has this score; choose from {', '.join(values)}")
    sign = -1 if find_perfect(name.removeprefix("test ")) else 1
    keys = [(value is None, sign * (value or 0.0)) for value in values.get(name, ())]
    return [found[k] for k in sorted(range(len(found)), key=keys.__getitem__)]


def matches(run: Run, condition: str) -> bool:
    """Return whether `KEY=VALUE` of the config, or a text in name, path or state, applies to a run."""
    key, equals, wanted = condition.partition("=")
    if not equals:
        return any(condition.lower() in text.lower() for text in (run.path.name, run.name, run.state))
    value: Any = run.config
    for name in key.strip().split("."):
        if isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            value = value.get(name) if isinstance(value, dict) else None
    return wanted.strip() in (str(value), to_inline_yaml(value))

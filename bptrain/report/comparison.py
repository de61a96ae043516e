"""Runs side by side: in what their configs differ, what they came to, and which came to the best."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from bptrain.config.dump import to_inline_yaml
from bptrain.metrics import METRICS
from bptrain.model.measures import metric_name
from bptrain.run.run_list import Run

SHORT_OPTION = ("units", "rate", "lr", "alpha")
"""The option that says most of a component, where it has several."""


@dataclass(frozen=True)
class Difference:
    """A key of the configs with its value in each run, None where it has none."""

    key: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Score:
    """A figure of each run, None where there is none, and which runs have the best one."""

    name: str
    values: tuple[float | None, ...]
    best: tuple[int, ...]


@dataclass(frozen=True)
class Comparison:
    """Runs side by side: `differences` of their configs, `scores` of the best epochs and on test rows. `remark` says
    why no best is marked, where that would mean nothing."""

    runs: tuple[Run, ...]
    differences: tuple[Difference, ...]
    scores: tuple[Score, ...]
    remark: str = ""

    def to_json(self) -> dict[str, Any]:
        """The keys that scripts may rely on."""
        return {
            "runs": [run.to_json() for run in self.runs],
            "differences": [{"key": one.key, "values": list(one.values)} for one in self.differences],
            "scores": [{"name": one.name, "values": list(one.values), "best": list(one.best)} for one in self.scores],
            "remark": self.remark,
        }


def without_name(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config but for its name, which the run's directory has."""
    return {key: value for key, value in config.items() if key != "name"}


def different(values: Sequence[Any], key: str = "") -> Iterator[Difference]:
    """The places in which documents differ, down to where they stop to be alike in form."""
    first = values[0]
    if all(value == first for value in values):
        return
    under = f"{key}." if key else ""
    if all(isinstance(value, Mapping) and value.keys() == first.keys() for value in values):
        for name in first:
            yield from different([value[name] for value in values], under + str(name))
    elif all(isinstance(value, list | tuple) and len(value) == len(first) for value in values):
        for k in range(len(first)):
            yield from different([value[k] for value in values], f"{under}{k}")
    elif not key:
        for name in dict.fromkeys(name for value in values for name in value):
            yield from different([value.get(name) for value in values], str(name))
    elif all(is_component(value) for value in values):
        yield Difference(key, tuple(name for name, _ in map(component, values)))
        options = [inner for _, inner in map(component, values)]
        for name in options[0]:
            if all(name in inner for inner in options):
                yield from different([inner[name] for inner in options], f"{under}{name}")
    else:
        yield Difference(key, tuple(value if is_plain(value) else in_short(value) for value in values))


def is_plain(value: Any) -> bool:
    """Whether a value is a single one that JSON knows."""
    return value is None or isinstance(value, str | int | float)


def is_component(value: Any) -> bool:
    """Whether a value is a component: a bare name, or one `name: {options}` entry."""
    if isinstance(value, Mapping) and len(value) == 1:
        return isinstance(next(iter(value.values())), Mapping)
    return isinstance(value, str)


def component(value: Any) -> tuple[str, Mapping[str, Any]]:
    """The name of a component, and its options."""
    return (value, {}) if isinstance(value, str) else next(iter(value.items()))


def in_short(value: Any) -> str:
    """What stands in a config, in a few words: `dense 64, relu, dense 10`."""
    if isinstance(value, list | tuple) and all(map(is_component, value)):
        return ", ".join(map(in_short, value))
    if is_component(value):
        name, options = component(value)
        return " ".join([name, *(f"{options[option]}" for option in SHORT_OPTION if option in options)][:2])
    return value if isinstance(value, str) else to_inline_yaml(value)


def scores(runs: Sequence[Run], *, mark: bool) -> Iterator[Score]:
    """Every figure that a run has: of its best epoch, and on the test rows; the best is marked where that is known."""
    for prefix, documents in (("", [run.best for run in runs]), ("test ", [run.test for run in runs])):
        if not any(documents):
            continue
        yield score(f"{prefix}loss", [number((document or {}).get("loss")) for document in documents], 0.0, mark=mark)
        metrics = [(document or {}).get("metrics") or {} for document in documents]
        for name in dict.fromkeys(name for each in metrics for name in each):
            values = [number(each.get(name)) for each in metrics]
            if any(value is not None for value in values):
                yield score(f"{prefix}{name}", values, perfect(name), mark=mark)


def score(name: str, values: Sequence[float | None], ideal: float | None, *, mark: bool) -> Score:
    """A figure with the runs that have the best of it: the highest where 1 is perfect, the lowest where 0 is."""
    known = [value for value in values if value is not None]
    if not mark or ideal is None or len(known) < 2:
        return Score(name, tuple(values), ())
    best = max(known) if ideal else min(known)
    return Score(name, tuple(values), tuple(k for k, value in enumerate(values) if value == best))


def perfect(name: str) -> float | None:
    """What faultless predictions get by a metric, which may be of one target among several; None where it is not
    registered here, or a table."""
    member = METRICS.members.get(metric_name(name))
    found = getattr(member, "perfect", None)
    return found if isinstance(found, float | int) else None


def number(value: Any) -> float | None:
    """A figure as a number; None for a table, and for what is not one."""
    return value if isinstance(value, int | float) and isfinite(value) else None


def incomparable(runs: Sequence[Run]) -> str:
    """Why the scores of runs say nothing of each other, if so."""
    kinds = {
        "data": {repr([run.config.get("data", {}).get(key) for key in ("source", "target", "split")]) for run in runs},
        "loss": {repr(run.config.get("loss")) for run in runs},
    }
    unlike = [name for name, seen in kinds.items() if len(seen) > 1]
    return f"the {' and the '.join(unlike)} differ, so no score is marked as the best" if unlike else ""

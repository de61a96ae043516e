"""Rules: checks of whether a config whose values are all valid makes sense with its data.

A rule is a check with a code, which a page of the guide explains: BP1xx is an error and stops training, BP2xx is a
warning. Problems whose code has no check here are found while a model is assembled.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from typing import Literal

from bptrain.arrays import Shape
from bptrain.columns.profile.leaks import read_target
from bptrain.columns.profile.profile import TableProfile
from bptrain.columns.targets import Classes
from bptrain.config import Config, Experiment
from bptrain.config.document.origin import split_path
from bptrain.errors import ConfigError, Mistake, Problem
from bptrain.model.assemble import Assembly
from bptrain.model.model import Model
from bptrain.nn import Layer, Loss, Plan
from bptrain.nn.chain import Chain
from bptrain.registry import name_of


@dataclass(frozen=True)
class LayerPlace:
    """A layer with the field that it is written in: `network.2`, or `hidden.0` and `activation` of the short form.

    `inputs` is the shape of a row that reaches the layer, `plan` its plan for that shape, and `inside` the chain
    inside a layer that contains other layers.
    """

    field: str
    layer: Layer
    inputs: Shape
    plan: Plan
    inside: Chain | None

    @property
    def name(self) -> str:
        """The name of the layer in a config."""
        return name_of(self.layer)

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the largest value that the layer can return."""
        low, high = getattr(self.layer, "bounds", (-inf, inf))
        return float(low), float(high)


@dataclass(frozen=True)
class Case:
    """A config with what was assembled from it."""

    config: Config
    assembly: Assembly

    @property
    def model(self) -> Model:
        """The assembled model."""
        return self.assembly.model

    @property
    def experiment(self) -> Experiment:
        """The experiment with every `auto` resolved; `config.experiment` is the one that was written."""
        return self.model.experiment

    @property
    def loss(self) -> Loss:
        """The loss; with several targets, the first loss that takes raw scores, or else the first."""
        losses = [head.loss for head in self.model.heads]
        return next((loss for loss in losses if loss.link), losses[0])

    def is_written(self, field: str) -> bool:
        """Return whether a field is in the config or in an override, and not a default."""
        return self.config.origin.has(split_path(field))

    def is_override(self, field: str) -> bool:
        """Return whether a field is in an override rather than in the file."""
        origin = self.config.origin
        return origin.make_problem(split_path(field), "").file != origin.file

    @cached_property
    def network(self) -> tuple[LayerPlace, ...]:
        """The layers from input to output, without those inside other layers."""
        written, chain = self.config.experiment, self.model.network.chain
        numbers = range(len(chain.layers))
        if written.network is not None:
            return locate_layers(chain, [f"network.{k}" for k in numbers])
        most = 2 * len(written.hidden or ())
        return locate_layers(
            chain, ["activation" if k % 2 else f"hidden.{k // 2}" if k < most else "hidden" for k in numbers]
        )

    @property
    def last_layer(self) -> LayerPlace:
        """The last layer that changes its input; if none does, the last layer."""
        changing = [place for place in self.network if place.plan.random or not place.plan.identity]
        return changing[-1] if changing else self.network[-1]

    @cached_property
    def chains(self) -> tuple[tuple[LayerPlace, ...], ...]:
        """All chains of layers: the network, and those inside other layers."""
        found, waiting = [], [self.network]
        while waiting:
            chain = waiting.pop()
            found.append(chain)
            for place in chain:
                if place.inside:
                    prefix = f"{place.field}.{place.name}.layers"
                    numbers = range(len(place.inside.layers))
                    waiting.append(locate_layers(place.inside, [f"{prefix}.{k}" for k in numbers]))
        return tuple(found)

    @cached_property
    def features(self) -> tuple[str, ...]:
        """The names of the feature columns."""
        return tuple(column.name for column in self.model.columns.features)

    @cached_property
    def profile(self) -> TableProfile:
        """The profile of the table: its features compared with the targets."""
        columns, table, train = self.model.columns, self.assembly.table, self.assembly.selections["train"]
        labels = self.experiment.data.task == "multi_label"
        each = (
            read_target(table, one.name, classes=labels or isinstance(one, Classes)) for one in columns.target_columns
        )
        return TableProfile(table, self.features, tuple(one for one in each if one), train.rows)


def locate_layers(chain: Chain, fields: Sequence[str]) -> tuple[LayerPlace, ...]:
    """Return the layers of a chain with the fields that they are written in."""
    each = zip(fields, chain.layers, chain.shapes, chain.plans, chain.inner, strict=False)
    return tuple(LayerPlace(*one) for one in each)


Check = Callable[[Case], Iterator[Mistake]]

RULES: dict[str, Check] = {}
"""The check of each code, except for the codes of problems that are found while a model is assembled."""


def rule(code: str) -> Callable[[Check], Check]:
    """Return a decorator that registers a function as the check of a code; `guide/CODE.md` explains the code."""

    def register(check: Check) -> Check:
        if code in RULES:
            raise ValueError(f"the code {code} has a check already")
        RULES[code] = check
        return check

    return register


def get_severity(code: str) -> Literal["error", "warning"]:
    """Return `error` for a code that stops training, and `warning` for any other."""
    return "error" if code.startswith("BP1") else "warning"


def find_problems(assembly: Assembly, *, strict: bool = False) -> tuple[Problem, ...]:
    """Return the errors and warnings of all rules, in the order of their places in the file.

    Args:
        assembly: what was assembled from the config.
        strict: whether warnings are errors.
    """
    case, origin = Case(assembly.config, assembly), assembly.config.origin
    found = [
        replace(
            origin.make_problem(origin.find_path(one.field), one.message),
            code=code,
            severity="error" if strict else get_severity(code),
        )
        for code, check in RULES.items()
        for one in check(case)
    ]
    return tuple(sorted(found, key=lambda problem: (problem.file, problem.line, problem.column, problem.code)))


def check_rules(assembly: Assembly, *, strict: bool = False) -> tuple[Problem, ...]:
    """Check an assembled config by all rules, and return the warnings.

    Args:
        assembly: what was assembled from the config.
        strict: whether warnings are errors.

    Raises:
        ConfigError: there are errors; it has all of them.
    """
    problems = find_problems(assembly, strict=strict)
    if errors := [problem for problem in problems if problem.severity == "error"]:
        raise ConfigError(errors)
    return problems

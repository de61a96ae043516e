"""Rules of sense: what is wrong or risky in a config whose every single value is allowed.

A rule is a check with a code, which a page of the guide explains: BP1xx is wrong and never trained, BP2xx is risky and
trained with a warning. Some codes have no check here; they are found while a model is assembled.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from bptrain.arrays import Shape
from bptrain.columns.profile.leaks import answers_of
from bptrain.columns.profile.profile import TableProfile
from bptrain.columns.targets import Classes
from bptrain.config import Config, Experiment
from bptrain.config.origin import split_path
from bptrain.errors import Mistake
from bptrain.model.assemble import Assembly
from bptrain.model.model import Model
from bptrain.nn import Layer, Loss, Plan
from bptrain.nn.chain import Chain
from bptrain.registry import name_of


@dataclass(frozen=True)
class Spot:
    """A layer with the field that it is written in: `network.2`, or `hidden.0` and `activation` of the short form.

    `inputs` is the shape of a row that reaches it, `plan` what it makes of that, and `inside` the chain inside it.
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
        """The experiment without any `auto` left; `config.experiment` is the one that was written."""
        return self.model.experiment

    @property
    def loss(self) -> Loss:
        """The loss that is trained with; of those of several targets the first that takes raw scores, if any does."""
        losses = [head.loss for head in self.model.heads]
        return next((loss for loss in losses if loss.link), losses[0])

    def is_written(self, field: str) -> bool:
        """Whether a field stands in the config or in an override, and is not a default."""
        return self.config.origin.has(split_path(field))

    def is_override(self, field: str) -> bool:
        """Whether a field stands in an override rather than in the file."""
        origin = self.config.origin
        return origin.problem(split_path(field), "").file != origin.file

    @cached_property
    def network(self) -> tuple[Spot, ...]:
        """The layers from input to output; those inside of a block are left to `chains`."""
        written, chain = self.config.experiment, self.model.network.chain
        if written.network is not None:
            return spots_of(chain, [f"network.{k}" for k in range(len(chain.layers))])
        most = 2 * len(written.hidden or ())
        places = range(len(chain.layers))
        fields = ["activation" if k % 2 else f"hidden.{k // 2}" if k < most else "hidden" for k in places]
        return spots_of(chain, fields)

    @cached_property
    def chains(self) -> tuple[tuple[Spot, ...], ...]:
        """All chains of layers: the network, and the insides of every block in it."""
        found, waiting = [], [self.network]
        while waiting:
            chain = waiting.pop()
            found.append(chain)
            for spot in chain:
                if spot.inside:
                    prefix = f"{spot.field}.{spot.name}.layers"
                    waiting.append(spots_of(spot.inside, [f"{prefix}.{k}" for k in range(len(spot.inside.layers))]))
        return tuple(found)

    @cached_property
    def features(self) -> tuple[str, ...]:
        """The names of the columns that are predicted from, numeric or not."""
        return tuple(column.name for column in self.model.columns.features)

    @cached_property
    def profile(self) -> TableProfile:
        """The profile of the table: its features compared with the targets."""
        columns, table, train = self.model.columns, self.assembly.table, self.assembly.selections["train"]
        labels = self.experiment.data.task == "multi_label"
        each = (answers_of(table, one.name, classes=labels or isinstance(one, Classes)) for one in columns.singles)
        return TableProfile(table, self.features, tuple(one for one in each if one), train.rows)

    def find_warned(self, code: str) -> dict[str, str]:
        """Return the features that the profile warns of under a code, each with the message."""
        each = ((name, one) for name, found in self.profile.warnings.items() for one in found)
        return {name: one.message for name, one in each if one.code == code}


def spots_of(chain: Chain, fields: Sequence[str]) -> tuple[Spot, ...]:
    """Return the layers of a chain with the fields that they are written in."""
    each = zip(fields, chain.layers, chain.shapes, chain.plans, chain.inner, strict=False)
    return tuple(Spot(*one) for one in each)


Check = Callable[[Case], Iterator[Mistake]]


RULES: dict[str, Check] = {}
"""The check of each code, but for the codes that assembling a model raises itself."""


def rule(code: str) -> Callable[[Check], Check]:
    """Function decorator: registers the check of a code; `guide/CODE.md` explains it."""

    def register(check: Check) -> Check:
        if code in RULES:
            raise ValueError(f"the code {code} has a check already")
        RULES[code] = check
        return check

    return register


def get_severity(code: str) -> Literal["error", "warning"]:
    """Return whether a code stops training."""
    return "error" if code.startswith("BP1") else "warning"

"""Rules of the layers inside a network: what trains badly or does nothing. All of it is risky."""

from collections.abc import Iterator
from itertools import pairwise
from math import prod

from bptrain.errors import Mistake
from bptrain.nn import Activation
from bptrain.rules.rule import Case, Spot, rule

HIGH_RATE = 0.8
"""A dropout rate from here on is more likely meant as the share that is kept."""


@rule("BP202")
def linear_pair(case: Case) -> Iterator[Mistake]:
    """Layers of weights with nothing but linear layers between them, and no bottleneck."""
    for chain in case.chains:
        rest = [one for one in chain if one.plan.has_weights or not (one.plan.linear or one.plan.identity)]
        for first, second in pairwise(rest):
            if not (first.plan.linear and second.plan.linear):
                continue
            size, inner, outer = (prod(shape) for shape in (first.inputs, first.plan.shape, second.plan.shape))
            if inner >= min(size, outer):
                what = f"a {second.name} layer follows a {first.name} layer"
                why = "without an activation both are one linear function"
                yield Mistake(second.field, f"{what} ({why}); put relu or another activation between them")


@rule("BP203")
def idle_activation(case: Case) -> Iterator[Mistake]:
    """An activation at the input or behind another one."""
    for chain in case.chains:
        before: Spot | None = None
        for spot in chain:
            if spot.plan.identity:
                continue
            is_activation = isinstance(spot.layer, Activation)
            if is_activation and before is None and chain is case.network:
                what = f"{spot.name} works on the features themselves (it throws part of them away)"
                yield Mistake(spot.field, f"{what}; put a dense layer before it")
            elif is_activation and before and isinstance(before.layer, Activation):
                what = f"{spot.name} follows {before.name} (there are no weights between them)"
                yield Mistake(spot.field, f"{what}; take one of them out, or put a dense layer between")
            before = spot


@rule("BP204")
def dropout_before_norm(case: Case) -> Iterator[Mistake]:
    """A dropout layer with a batch norm anywhere behind it."""
    for chain in case.chains:
        dropped: Spot | None = None
        for spot in chain:
            if spot.plan.drops:
                dropped = dropped or spot
            elif spot.plan.normalizes == "rows" and dropped:
                what = f"{dropped.name} before {spot.name} (it changes the variance in training, but not afterwards)"
                yield Mistake(dropped.field, f"{what}; put {dropped.name} behind the last {spot.name}")
                break


@rule("BP205")
def high_dropout(case: Case) -> Iterator[Mistake]:
    """A dropout layer with a high rate."""
    for chain in case.chains:
        for spot in chain:
            if spot.plan.drops >= HIGH_RATE:
                rate = spot.plan.drops
                what = f"drops {rate:.0%} of the values (the rate is the share that is dropped, not that is kept)"
                yield Mistake(
                    f"{spot.field}.{spot.name}.rate", f"{what}; if the share kept is meant, write {1 - rate:.2g}"
                )


@rule("BP206")
def equal_units(case: Case) -> Iterator[Mistake]:
    """A layer of several units, with weights behind it, whose own start at one number."""
    for chain in case.chains:
        weighted = [spot for spot in chain if spot.plan.has_weights]
        for spot in weighted[:-1]:
            for name, parameter in spot.plan.parameters.items():
                alike = parameter.decay and getattr(parameter.initializer, "alike", False)
                if alike and prod(spot.plan.shape) > 1:
                    what = "all units start alike (they get the same gradient and stay copies of each other)"
                    option = f".{spot.name}.{name}_init" if hasattr(spot.layer, f"{name}_init") else ""
                    yield Mistake(f"{spot.field}{option}", f"{what}; leave it out, or draw random weights")


@rule("BP207")
def fading_gradients(case: Case) -> Iterator[Mistake]:
    """More S-shaped activations than gradients get through, with nothing between them that helps."""
    for chain in case.chains:
        if any(spot.plan.normalizes or spot.inside for spot in chain):
            continue
        limits = {type(spot.layer): getattr(spot.layer, "most_in_a_row", None) for spot in chain}
        for kind, most in limits.items():
            spots = [spot for spot in chain if type(spot.layer) is kind]
            if most and len(spots) > most:
                what = f"{len(spots)} layers of {spots[0].name} in a row (gradients fade on the way back)"
                yield Mistake(spots[0].field, f"{what}; use relu, or put batch_norm or residual between")


@rule("BP208")
def inner_softmax(case: Case) -> Iterator[Mistake]:
    """A softmax with weights behind it."""
    for chain in case.chains:
        last = max((k for k, spot in enumerate(chain) if spot.plan.has_weights), default=-1)
        for spot in chain[: last + 1]:
            if spot.plan.link == "softmax":
                what = f"{spot.name} between hidden layers (one of its values gets nearly all)"
                yield Mistake(spot.field, f"{what}; use relu or another activation")

"""Rules of the end of a network: whether its scores are what the loss takes. What breaks them is wrong."""

from collections.abc import Iterator
from math import inf, isfinite

import numpy as np

from bptrain.errors import Mistake
from bptrain.registry import name_of
from bptrain.rules.rule import Case, Spot, rule

OWN = {
    "softmax": "computes the softmax itself",
    "sigmoid": "computes the sigmoid itself",
    "exp": "takes the logarithm of the rate",
    "margin": "asks for a margin that has no bounds",
}

UNREACHABLE = 0.01
"""The share of the targets that the last layer must be unable to reach to be called wrong."""


def last(case: Case) -> Spot:
    """The last layer that changes anything."""
    spots = [spot for spot in case.network if spot.plan.random or not spot.plan.identity]
    return spots[-1] if spots else case.network[-1]


def bounds(spot: Spot) -> tuple[float, float]:
    """Between which numbers the values of a layer lie."""
    low, high = getattr(spot.layer, "bounds", (-inf, inf))
    return float(low), float(high)


def link_twice(case: Case, link: str) -> Iterator[Mistake]:
    """The last layer, if it is a function of the scores that the loss has in it."""
    spot, loss = last(case), name_of(case.loss)
    if case.loss.link and spot.plan.link == link:
        what = f"{spot.name} before {loss} ({loss} {OWN.get(case.loss.link, 'takes raw scores')})"
        yield Mistake(spot.field, f"{what}; take the layer out")


@rule("BP101")
def softmax_twice(case: Case) -> Iterator[Mistake]:
    """A softmax as the last layer before a loss on raw scores."""
    yield from link_twice(case, "softmax")


@rule("BP102")
def sigmoid_twice(case: Case) -> Iterator[Mistake]:
    """A sigmoid as the last layer before a loss on raw scores."""
    yield from link_twice(case, "sigmoid")


@rule("BP103")
def bounded_scores(case: Case) -> Iterator[Mistake]:
    """An activation with bounds as the last layer before a loss on raw scores."""
    spot = last(case)
    low, high = bounds(spot)
    if case.loss.link and not spot.plan.link and (isfinite(low) or isfinite(high)):
        loss = name_of(case.loss)
        what = f"{spot.name} is the last layer ({loss} needs scores that are free, these are {bounds_in_words(spot)})"
        yield Mistake(spot.field, f"{what}; take the layer out")


def bounds_in_words(spot: Spot) -> str:
    """Describe the bounds of a layer."""
    low, high = bounds(spot)
    if isfinite(low) and isfinite(high):
        return f"from {low:g} to {high:g}"
    return f"never below {low:g}" if isfinite(low) else f"never above {high:g}"


@rule("BP104")
def unreachable_targets(case: Case) -> Iterator[Mistake]:
    """A last layer whose values do not go as far as the targets of the training rows; rows that somebody wrote into the
    config are meant as they are."""
    spot = last(case)
    low, high = bounds(spot)
    if case.assembly.table.written or case.loss.link or not (isfinite(low) or isfinite(high)):
        return
    targets = next(case.assembly.parts["train"].chunks()).targets
    share = float(np.mean((targets < low - 1e-6) | (targets > high + 1e-6)))
    if share >= UNREACHABLE:
        scaled = " as scaled" if case.experiment.data.task in ("regression", "autoencoder") else ""
        reach = f"{share:.0%} of the targets{scaled} are out of its reach, from {targets.min():g} to {targets.max():g}"
        what = f"{spot.name} is the last layer and {bounds_in_words(spot)} ({reach})"
        yield Mistake(spot.field, f"{what}; end with a dense layer")


@rule("BP105")
def random_scores(case: Case) -> Iterator[Mistake]:
    """A layer that draws random numbers as the last one."""
    spot = last(case)
    if spot.plan.random:
        what = f"{spot.name} is the last layer (it would change the predictions themselves at random)"
        yield Mistake(spot.field, f"{what}; put it before the last dense layer")


@rule("BP106")
def constant_layer(case: Case) -> Iterator[Mistake]:
    """A softmax or layer norm over one unit; a softmax before a loss on raw scores is wrong at any width."""
    for spot in case.network:
        is_softmax = spot.plan.link == "softmax"
        if spot.inputs != (1,) or not (is_softmax or spot.plan.normalizes == "units"):
            continue
        if case.loss.link and is_softmax and spot is last(case):
            continue
        what = f"{spot.name} of a single value (it is always {'1' if is_softmax else 'the same'}, whatever the input)"
        yield Mistake(spot.field, f"{what}; take the layer out")


@rule("BP201")
def normalised_scores(case: Case) -> Iterator[Mistake]:
    """Batch norm or layer norm as the last layer."""
    spot = last(case)
    normalizes = spot.plan.normalizes
    if normalizes == "rows" or (normalizes and spot.inputs != (1,)):
        what = f"{spot.name} is the last layer (it fixes mean and spread of the predictions themselves)"
        yield Mistake(spot.field, f"{what}; end with a dense layer")

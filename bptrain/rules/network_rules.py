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


@rule(
    "BP101",
    "softmax before a loss that takes raw scores",
    why="""
    Cross-entropy takes the softmax of the scores itself, exactly and without overflow. A softmax layer before it
    makes a softmax of a softmax: the scores then lie between 0 and 1, no class can get a probability near 1, and
    the gradients all but vanish. Predictions are probabilities without that layer too.
    """,
    example="""
      data: {source: {bundled: iris}}
      network:
        - dense: 16
        - relu
        - dense
    -   - softmax
      loss: softmax_cross_entropy
    """,
)
def softmax_twice(case: Case) -> Iterator[Mistake]:
    """A softmax as the last layer before a loss on raw scores."""
    yield from link_twice(case, "softmax")


@rule(
    "BP102",
    "sigmoid before a loss that takes raw scores",
    why="""
    Binary cross-entropy on raw scores (logits) takes the sigmoid itself, exactly and without overflow. A sigmoid
    layer before it lets the probability lie only between 0.5 and 0.73, so that one class can never be predicted.
    Predictions are probabilities without that layer too.
    """,
    example="""
      data:
        source: {bundled: breast_cancer}
      network:
        - dense: 16
        - relu
        - dense
    -   - sigmoid
      loss: binary_cross_entropy
    """,
)
def sigmoid_twice(case: Case) -> Iterator[Mistake]:
    """A sigmoid as the last layer before a loss on raw scores."""
    yield from link_twice(case, "sigmoid")


@rule(
    "BP103",
    "an activation that bounds raw scores",
    why="""
    A loss such as cross-entropy takes scores from minus to plus infinity: how sure the network is of a class. An
    activation as the last layer cuts them off: after relu no score can be negative, so the probability of a class
    can never fall below one half, or below its even share; after tanh no probability can come near 0 or 1.
    """,
    example="""
      data: {source: {bundled: iris}}
      network:
        - dense: 16
        - relu
        - dense
    -   - relu
    """,
)
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


@rule(
    "BP104",
    "targets that the last layer cannot reach",
    why="""
    Where the loss compares outputs with the targets themselves, the last layer must be able to give every target.
    Numeric targets are standardised unless the config says otherwise, so about half of them are negative: relu,
    sigmoid or softplus as the last layer can never predict those, even where the original numbers are all positive.
    """,
    example="""
      data: {source: {bundled: diabetes}}
      network:
        - dense: 16
        - relu
        - dense
    -   - relu
      loss: mse
    """,
)
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


@rule(
    "BP105",
    "dropout or noise as the last layer",
    why="""
    Dropout after the last dense layer sets predictions themselves to zero at random, and noise makes them jump: the
    loss punishes the network for what it did not do. Both belong between the hidden layers.
    """,
    example="""
      data: {source: {bundled: iris}}
      network:
        - dense: 16
        - relu
    +   - dropout: 0.2
        - dense
    -   - dropout: 0.2
    """,
)
def random_scores(case: Case) -> Iterator[Mistake]:
    """A layer that draws random numbers as the last one."""
    spot = last(case)
    if spot.plan.random:
        what = f"{spot.name} is the last layer (it would change the predictions themselves at random)"
        yield Mistake(spot.field, f"{what}; put it before the last dense layer")


@rule(
    "BP106",
    "a layer whose output never changes",
    why="""
    The softmax of a single value is always 1, and a single value brought to mean 0 by layer norm is always 0. What
    comes out of the layer does not depend on the input, so nothing before it is learned.
    """,
    example="""
      data: {source: {bundled: diabetes}}
      network:
        - dense: 16
    +   - layer_norm
        - relu
        - dense: 1
    -   - layer_norm
    """,
)
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


@rule(
    "BP201",
    "normalisation as the last layer",
    why="""
    Batch norm or layer norm at the very end forces the predictions themselves to a fixed mean and spread: over the
    batch, whose other rows then decide a prediction, or over the outputs of each row, whose sum is then fixed. A
    dense layer after it is free to give any value.
    """,
    example="""
      data: {source: {bundled: wine}}
      network:
        - dense: 16
    +   - batch_norm
        - relu
        - dense
    -   - batch_norm
    """,
)
def normalised_scores(case: Case) -> Iterator[Mistake]:
    """Batch norm or layer norm as the last layer."""
    spot = last(case)
    normalizes = spot.plan.normalizes
    if normalizes == "rows" or (normalizes and spot.inputs != (1,)):
        what = f"{spot.name} is the last layer (it fixes mean and spread of the predictions themselves)"
        yield Mistake(spot.field, f"{what}; end with a dense layer")

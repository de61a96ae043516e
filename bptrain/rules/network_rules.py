"""Rules of the network: whether its scores suit the loss (an error), and whether its layers train well (a warning)."""

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from math import isfinite, prod

import numpy as np

from bptrain.errors import Mistake
from bptrain.nn import Activation
from bptrain.registry import name_of
from bptrain.rules.rule import Case, LayerPlace, rule

LINKS = {
    "softmax": "computes the softmax itself",
    "sigmoid": "computes the sigmoid itself",
    "exp": "expects the logarithm of the rate",
    "margin": "expects scores without bounds",
}
"""How a loss uses raw scores, by its link."""

MIN_UNREACHABLE = 0.01
"""It is an error if the last layer cannot reach at least this share of the targets."""

HIGH_RATE = 0.8
"""A dropout rate of this or more is likely meant as the share that is kept."""


def find_repeated_link(case: Case, link: str) -> Iterator[Mistake]:
    """Find a last layer that is a link function which the loss applies itself."""
    last, loss = case.last_layer, name_of(case.loss)
    if case.loss.link and last.plan.link == link:
        why = f"{loss} {LINKS.get(case.loss.link, 'expects raw scores')}"
        yield Mistake(last.field, f"{last.name} before {loss} ({why}); remove the layer")


rule("BP101")(partial(find_repeated_link, link="softmax"))
rule("BP102")(partial(find_repeated_link, link="sigmoid"))


@rule("BP103")
def find_bounded_scores(case: Case) -> Iterator[Mistake]:
    """Find an activation with bounds as the last layer before a loss on raw scores."""
    last = case.last_layer
    if case.loss.link and not last.plan.link and has_bounds(last):
        why = f"{name_of(case.loss)} needs unlimited scores, and these are {describe_bounds(last)}"
        yield Mistake(last.field, f"{last.name} is the last layer ({why}); remove the layer")


def has_bounds(place: LayerPlace) -> bool:
    """Return whether the values of a layer have a lower or an upper limit."""
    return any(isfinite(bound) for bound in place.bounds)


def describe_bounds(place: LayerPlace) -> str:
    """Describe the bounds of a layer that has any."""
    low, high = place.bounds
    if isfinite(low) and isfinite(high):
        return f"from {low:g} to {high:g}"
    return f"never below {low:g}" if isfinite(low) else f"never above {high:g}"


@rule("BP104")
def find_unreachable_targets(case: Case) -> Iterator[Mistake]:
    """Find a last layer that cannot produce the training targets; rows written in the config itself are not checked."""
    last = case.last_layer
    if case.assembly.table.written or case.loss.link or not has_bounds(last):
        return
    low, high = last.bounds
    targets = next(case.assembly.splits["train"].chunks()).targets
    share = float(np.mean((targets < low - 1e-6) | (targets > high + 1e-6)))
    if share >= MIN_UNREACHABLE:
        scaled = "scaled " if case.experiment.data.task in ("regression", "autoencoder") else ""
        why = f"it cannot reach {share:.0%} of the {scaled}targets, which are {targets.min():g} to {targets.max():g}"
        what = f"{last.name} is the last layer, and its values are {describe_bounds(last)} ({why})"
        yield Mistake(last.field, f"{what}; end with a dense layer")


@rule("BP105")
def find_random_scores(case: Case) -> Iterator[Mistake]:
    """Find a last layer that draws random numbers."""
    last = case.last_layer
    if last.plan.random:
        what = f"{last.name} is the last layer (it would change the predictions at random)"
        yield Mistake(last.field, f"{what}; put it before the last dense layer")


@rule("BP106")
def find_constant_layers(case: Case) -> Iterator[Mistake]:
    """Find a softmax or layer norm over one unit; a softmax before a loss on raw scores has a rule of its own."""
    for place in case.network:
        is_softmax = place.plan.link == "softmax"
        if place.inputs != (1,) or not (is_softmax or place.plan.normalizes == "units"):
            continue
        if case.loss.link and is_softmax and place is case.last_layer:
            continue
        value = "1" if is_softmax else "the same"
        what = f"{place.name} of a single value (the output is always {value}, whatever the input)"
        yield Mistake(place.field, f"{what}; remove the layer")


@rule("BP201")
def find_normalised_scores(case: Case) -> Iterator[Mistake]:
    """Find a batch norm or layer norm as the last layer."""
    last = case.last_layer
    if last.plan.normalizes == "rows" or (last.plan.normalizes and last.inputs != (1,)):
        what = f"{last.name} is the last layer (it fixes the mean and variance of the predictions)"
        yield Mistake(last.field, f"{what}; end with a dense layer")


@rule("BP202")
def find_linear_pairs(case: Case) -> Iterator[Mistake]:
    """Find two layers with weights and only linear layers between them, unless the first is a bottleneck."""
    for chain in case.chains:
        places = [one for one in chain if one.plan.has_weights or not (one.plan.linear or one.plan.identity)]
        for first, second in pairwise(places):
            if not (first.plan.linear and second.plan.linear):
                continue
            size, inner, outer = (prod(shape) for shape in (first.inputs, first.plan.shape, second.plan.shape))
            if inner >= min(size, outer):
                what = f"a {second.name} layer follows a {first.name} layer"
                why = "without an activation between them, both are one linear function"
                yield Mistake(second.field, f"{what} ({why}); put relu or another activation between them")


@rule("BP203")
def find_idle_activations(case: Case) -> Iterator[Mistake]:
    """Find an activation on the input, or directly after another activation."""
    for chain in case.chains:
        before: LayerPlace | None = None
        for place in chain:
            if place.plan.identity:
                continue
            is_activation = isinstance(place.layer, Activation)
            if is_activation and before is None and chain is case.network:
                what = f"{place.name} is applied directly to the features (it discards information)"
                yield Mistake(place.field, f"{what}; put a dense layer before it")
            elif is_activation and before and isinstance(before.layer, Activation):
                what = f"{place.name} follows {before.name} (there are no weights between them)"
                yield Mistake(place.field, f"{what}; remove one of them, or put a dense layer between them")
            before = place


@rule("BP204")
def find_dropout_before_norm(case: Case) -> Iterator[Mistake]:
    """Find a dropout layer with a batch norm anywhere after it."""
    for chain in case.chains:
        dropout: LayerPlace | None = None
        for place in chain:
            if place.plan.drops:
                dropout = dropout or place
            elif place.plan.normalizes == "rows" and dropout:
                what = f"{dropout.name} before {place.name} (it changes the variance in training, but not afterwards)"
                yield Mistake(dropout.field, f"{what}; put {dropout.name} after the last {place.name}")
                break


@rule("BP205")
def find_high_dropout_rates(case: Case) -> Iterator[Mistake]:
    """Find a dropout layer with a high rate."""
    for place in (place for chain in case.chains for place in chain):
        rate = place.plan.drops
        if rate >= HIGH_RATE:
            what = f"drops {rate:.0%} of the values (the rate is the share that is dropped, not the share that is kept)"
            advice = f"to keep {rate:.0%} of them, write {1 - rate:.2g}"
            yield Mistake(f"{place.field}.{place.name}.rate", f"{what}; {advice}")


@rule("BP206")
def find_equal_units(case: Case) -> Iterator[Mistake]:
    """Find a hidden layer of several units whose weights all start at the same number."""
    for chain in case.chains:
        weighted = [place for place in chain if place.plan.has_weights]
        for place in weighted[:-1]:
            for name, parameter in place.plan.parameters.items():
                alike = parameter.decay and getattr(parameter.initializer, "alike", False)
                if alike and prod(place.plan.shape) > 1:
                    what = "all units start with the same weights (they get the same gradient and stay copies)"
                    option = f".{place.name}.{name}_init" if hasattr(place.layer, f"{name}_init") else ""
                    yield Mistake(f"{place.field}{option}", f"{what}; remove the option, or draw random weights")


@rule("BP207")
def find_fading_gradients(case: Case) -> Iterator[Mistake]:
    """Find too many S-shaped activations in a chain without normalization or residual blocks: gradients fade."""
    for chain in case.chains:
        if any(place.plan.normalizes or place.inside for place in chain):
            continue
        limits = {type(place.layer): getattr(place.layer, "most_in_a_row", None) for place in chain}
        for cls, most in limits.items():
            places = [place for place in chain if type(place.layer) is cls]
            if most and len(places) > most:
                what = f"{len(places)} layers of {places[0].name} in a row (gradients shrink on the way back)"
                yield Mistake(places[0].field, f"{what}; use relu, or put batch_norm or residual between them")


@rule("BP208")
def find_inner_softmax(case: Case) -> Iterator[Mistake]:
    """Find a softmax with weights after it."""
    for chain in case.chains:
        last = max((k for k, place in enumerate(chain) if place.plan.has_weights), default=-1)
        for place in chain[: last + 1]:
            if place.plan.link == "softmax":
                what = f"{place.name} between hidden layers (one of its outputs is often nearly 1, the others nearly 0)"
                yield Mistake(place.field, f"{what}; use relu or another activation")

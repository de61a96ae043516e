"""Rules of the layers inside a network: what trains badly or does nothing. All of it is risky."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from bptrain.errors import Mistake
from bptrain.nn import Layer
from bptrain.nn.activations import HardTanh, Identity, Sigmoid, Softsign, Tanh
from bptrain.nn.initializers import Constant, Normal, Ones, TruncatedNormal, Uniform, Zeros
from bptrain.nn.layer import Activation
from bptrain.nn.layers import BatchNorm, Dense, Dropout, GaussianNoise, LayerNorm, Residual, Softmax
from bptrain.registry import name_of
from bptrain.rules.rule import Case, Spot, rule

HIGH_RATE = 0.8
"""A dropout rate from here on is more likely meant as the share that is kept."""

DEEPEST = {Sigmoid: 4, Tanh: 8, Softsign: 8, HardTanh: 8}
"""How many S-shaped activations may follow each other without help, before gradients fade."""


@rule(
    "BP202",
    "two dense layers with no activation between them",
    why="""
    Two dense layers in a row are one: a weighted sum of weighted sums is a weighted sum. The network is slower to
    train and can tell no more apart than with a single layer, unless the first is narrower than both its sides.
    """,
    wrong="""
    data: {source: {bundled: wine}}
    network:
      - dense: 32
      - dense
    """,
    right="""
    data: {source: {bundled: wine}}
    network:
      - dense: 32
      - relu
      - dense
    """,
)
def linear_pair(case: Case) -> Iterator[Mistake]:
    """Dense layers with nothing but linear layers between them, and no bottleneck."""
    for chain in case.chains:
        inputs = {id(spot): size for spot, size in zip(chain, widths(case, chain), strict=True)}
        rest = [s for s in chain if not isinstance(s.layer, Identity | Dropout | GaussianNoise | BatchNorm)]
        for first, second in pairwise(rest):
            if not isinstance(first.layer, Dense) or not isinstance(second.layer, Dense):
                continue
            inner, outer = first.layer.units, second.layer.units
            assert inner != "auto"
            assert outer != "auto"
            if inner >= min(inputs[id(first)], outer):
                what = "a dense layer follows a dense layer (without an activation both are one linear function)"
                yield Mistake(second.field, f"{what}; put relu or another activation between them")


def widths(case: Case, chain: Sequence[Spot]) -> list[int]:
    """How many values reach each layer of a chain. A block begins with as many as its last dense layer gives back."""
    if chain is case.network:
        size = len(case.features)
    else:
        units = [spot.layer.units for spot in chain if isinstance(spot.layer, Dense) and spot.layer.units != "auto"]
        size = units[-1] if units else 0
    sizes = []
    for spot in chain:
        sizes.append(size)
        if isinstance(spot.layer, Dense) and spot.layer.units != "auto":
            size = spot.layer.units
    return sizes


@rule(
    "BP203",
    "an activation with no weights before it",
    why="""
    An activation is there to bend what a layer of weights gives it. Right at the input it throws information away
    (relu drops every feature that is below its mean), and right behind another activation it repeats it, or bends
    what was bent.
    """,
    wrong="""
    data: {source: {bundled: wine}}
    network:
      - relu
      - dense: 32
      - relu
      - dense
    """,
    right="""
    data: {source: {bundled: wine}}
    network:
      - dense: 32
      - relu
      - dense
    """,
)
def idle_activation(case: Case) -> Iterator[Mistake]:
    """An activation at the input or behind another one."""
    for chain in case.chains:
        before: Layer | None = None
        for spot in chain:
            layer = spot.layer
            if isinstance(layer, Identity | Dropout | GaussianNoise):
                continue
            if isinstance(layer, Activation) and before is None and chain is case.network:
                what = f"{name_of(layer)} works on the features themselves (it throws part of them away)"
                yield Mistake(spot.field, f"{what}; put a dense layer before it")
            elif isinstance(layer, Activation) and isinstance(before, Activation):
                what = f"{name_of(layer)} follows {name_of(before)} (there are no weights between them)"
                yield Mistake(spot.field, f"{what}; take one of them out, or put a dense layer between")
            before = layer


@rule(
    "BP204",
    "dropout before batch norm",
    why="""
    Dropout raises the variance of its values in training and not afterwards. Batch norm behind it remembers the
    raised variance and divides by it when the network is used, which shifts every prediction. Batch norm first and
    dropout after it avoids that (Li et al., 2019).
    """,
    wrong="""
    data: {source: {bundled: wine}}
    network:
      - dense: 32
      - relu
      - dropout: 0.5
      - dense: 16
      - batch_norm
      - relu
      - dense
    """,
    right="""
    data: {source: {bundled: wine}}
    network:
      - dense: 32
      - batch_norm
      - relu
      - dropout: 0.5
      - dense
    """,
)
def dropout_before_norm(case: Case) -> Iterator[Mistake]:
    """A dropout layer with a batch norm anywhere behind it."""
    for chain in case.chains:
        dropped: Spot | None = None
        for spot in chain:
            if isinstance(spot.layer, Dropout) and spot.layer.rate:
                dropped = dropped or spot
            elif isinstance(spot.layer, BatchNorm) and dropped:
                what = "dropout before batch_norm (it changes the variance in training, but not afterwards)"
                yield Mistake(dropped.field, f"{what}; put dropout behind the last batch_norm")
                break


@rule(
    "BP205",
    "a dropout rate that drops nearly everything",
    why="""
    The rate is the share of the values that is dropped, as in PyTorch and Keras. Older texts, the first TensorFlow
    and JAX's stax give the share that is kept: their 0.8 is a rate of 0.2 here. With most of the values gone in
    every step a network learns next to nothing.
    """,
    wrong="""
    data: {source: {bundled: wine}}
    network:
      - dense: 32
      - relu
      - dropout: {rate: 0.9}
      - dense
    """,
    right="""
    data: {source: {bundled: wine}}
    network:
      - dense: 32
      - relu
      - dropout: {rate: 0.1}
      - dense
    """,
)
def high_dropout(case: Case) -> Iterator[Mistake]:
    """A dropout layer with a high rate."""
    for chain in case.chains:
        for spot in chain:
            if isinstance(spot.layer, Dropout) and spot.layer.rate >= HIGH_RATE:
                rate = spot.layer.rate
                what = f"drops {rate:.0%} of the values (the rate is the share that is dropped, not that is kept)"
                yield Mistake(f"{spot.field}.dropout.rate", f"{what}; if the share kept is meant, write {1 - rate:.2g}")


@rule(
    "BP206",
    "hidden units that start alike",
    why="""
    Units with the same weights give the same output and get the same gradient, so they stay copies of each other
    for ever: a layer of a hundred such units is worth one. Weights must start at random numbers; biases may start
    at zero.
    """,
    wrong="""
    data: {source: {bundled: wine}}
    network:
      - dense:
          units: 32
          weight_init: zeros
      - tanh
      - dense
    """,
    right="""
    data: {source: {bundled: wine}}
    network:
      - dense:
          units: 32
          weight_init: glorot_normal
      - tanh
      - dense
    """,
)
def equal_units(case: Case) -> Iterator[Mistake]:
    """A dense layer of several units, with weights behind it, whose own start at one number."""
    for chain in case.chains:
        dense = [spot for spot in chain if isinstance(spot.layer, Dense)]
        for spot in dense[:-1]:
            layer = spot.layer
            if isinstance(layer, Dense) and layer.units != 1 and alike(layer.weight_init):
                what = "all units start alike (they get the same gradient and stay copies of each other)"
                yield Mistake(f"{spot.field}.dense.weight_init", f"{what}; leave it out, or draw random weights")


def alike(initializer: object) -> bool:
    """Whether an initializer gives every weight the same value."""
    if isinstance(initializer, Normal | TruncatedNormal):
        return initializer.std == 0
    if isinstance(initializer, Uniform):
        return initializer.low == initializer.high
    return isinstance(initializer, Zeros | Ones | Constant)


@rule(
    "BP207",
    "many S-shaped activations in a row",
    why="""
    The slope of sigmoid is at most 1/4 and that of tanh at most 1, and nearly 0 where they saturate. The gradient
    of an early layer is a product of all slopes behind it, so it fades with depth and those layers hardly learn.
    Normalisation or residual blocks between the layers, or relu, keep it alive (Glorot and Bengio, 2010).
    """,
    wrong="""
    data: {source: {bundled: wine}}
    hidden: [16, 16, 16, 16, 16]
    activation: sigmoid
    """,
    right="""
    data: {source: {bundled: wine}}
    hidden: [16, 16, 16, 16, 16]
    activation: relu
    """,
)
def fading_gradients(case: Case) -> Iterator[Mistake]:
    """More S-shaped activations than gradients get through, with nothing between them that helps."""
    for chain in case.chains:
        if any(isinstance(spot.layer, BatchNorm | LayerNorm | Residual) for spot in chain):
            continue
        for kind, most in DEEPEST.items():
            spots = [spot for spot in chain if isinstance(spot.layer, kind)]
            if len(spots) > most:
                what = f"{len(spots)} layers of {name_of(spots[0].layer)} in a row (gradients fade on the way back)"
                yield Mistake(spots[0].field, f"{what}; use relu, or put batch_norm or residual between")


@rule(
    "BP208",
    "softmax inside the network",
    why="""
    Softmax makes its values compete: they add up to 1, and one of them gets nearly all. Between hidden layers that
    leaves the next one little to see, with gradients that all but vanish. It is for the end of a network, and there
    mostly part of the loss.
    """,
    wrong="""
    data: {source: {bundled: wine}}
    network:
      - dense: 32
      - softmax
      - dense
    """,
    right="""
    data: {source: {bundled: wine}}
    network:
      - dense: 32
      - relu
      - dense
    """,
)
def inner_softmax(case: Case) -> Iterator[Mistake]:
    """A softmax with weights behind it."""
    for chain in case.chains:
        last = max((k for k, spot in enumerate(chain) if isinstance(spot.layer, Dense)), default=-1)
        for spot in chain[: last + 1]:
            if isinstance(spot.layer, Softmax):
                what = "softmax between hidden layers (one of its values gets nearly all)"
                yield Mistake(spot.field, f"{what}; use relu or another activation")

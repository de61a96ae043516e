"""Gradient health: how large gradients and updates are layer by layer, and which units no longer learn.

Measured in the last step of an epoch, when 64 steps have passed since the last time, so that it costs next to nothing.
"""

from collections.abc import Iterator, Mapping
from math import isfinite, sqrt

import numpy as np

from bptrain.arrays import Array
from bptrain.nn import Frame
from bptrain.nn.chain import Chain, Step
from bptrain.nn.layer import Activation
from bptrain.optim import LineSearch
from bptrain.training.session import Session

EVERY = 64
"""Steps between two measurements at least."""

FEWEST_ROWS = 16
"""On which units are looked at."""

FLAT = 1e-6
"""A slope below this lets nothing through."""

VANISHING = 1e-4
"""Gradients per weight of the first layer, as a share of those of the last, below which they vanish, and above whose
inverse they explode."""

LONG = 1.0
"""An update that changes weights by more than this share of their own size is too long."""

MOST = 0.9
"""Share of dead units, or of saturated values, from which a layer counts as dead or saturated."""

LIMITS = {"update_ratio": LONG, "dead": MOST, "saturated": MOST}
WORDS = {"update_ratio": "long steps", "dead": "dead", "saturated": "saturated"}


def due(session: Session) -> bool:
    """Whether the last step of this epoch is to be measured; the same whenever the epoch is resumed."""
    if isinstance(session.model.experiment.optimizer, LineSearch):
        return False
    last = (session.epoch + 1) * session.steps_per_epoch
    return not session.measured or last - session.measured >= EVERY


class Measurement:
    """Made between the gradient of a step and its update, and finished after it."""

    def __init__(self, session: Session) -> None:
        network = session.model.network
        self.session = session
        self.before = network.theta.copy()
        self.gradients = norms(session, network.grad)

    def finish(self) -> None:
        """Note the figures in the session. The gradient is used up, and serves as scratch."""
        session, network = self.session, self.session.model.network
        sizes = norms(session, self.before)
        np.subtract(network.theta, self.before, out=network.grad)
        updates = norms(session, network.grad)
        figures = {f"gradient_norm.{name}": value for name, value in self.gradients.items()}
        figures |= {f"update_ratio.{name}": updates[name] / size for name, size in sizes.items() if size}
        figures |= dict(slopes(session))
        session.health = {name: value for name, value in figures.items() if isfinite(value)}
        session.measured = session.step


def norms(session: Session, vector: Array) -> dict[str, float]:
    """The norm of each layer's part of a vector as long as theta."""
    found = {}
    for name, parts in session.layers.items():
        total = 0.0
        for part in parts:
            values = vector[part]
            square = values.dot(values)
            if not 1e-30 < square < 1e30:
                # Squares overflow or vanish in single precision where the norm does not.
                wide = values.astype(np.float64)
                square = wide.dot(wide)
            total += square
        found[name] = sqrt(total)
    return found


def slopes(session: Session) -> Iterator[tuple[str, float]]:
    """The share of dead units in each activation, and of saturated values where it is bounded, on some rows that
    train, as in evaluation."""
    model, rows = session.model, session.train
    count = min(max(session.batch_size, FEWEST_ROWS), model.network.batch, len(rows))
    batch = model.objective.batch(count)
    rows.fill(batch, session.order[:count])
    batch.frame.forward(training=False)
    for name, step in activations(batch.frame, model.network.chain):
        layer, slope = step.layer, np.empty_like(step.dy) if step.dx is None else step.dx
        step.dy.fill(1)
        layer.backward(step.p, step.g, step.x, step.y, step.dy, slope, step.s)
        np.absolute(slope, out=slope)
        yield f"dead.{name}", float(np.count_nonzero(slope.max(axis=0) < FLAT)) / slope[0].size
        if steepest := getattr(layer, "steepest", None):
            yield f"saturated.{name}", float(np.count_nonzero(slope < 0.1 * steepest)) / slope.size


def activations(frame: Frame, chain: Chain) -> Iterator[tuple[str, Step]]:
    """Every activation of a frame, those inside of blocks too."""
    for name, step, inner in zip(chain.names, frame.steps, chain.inner, strict=True):
        if inner is not None:
            yield from activations(step.s.inner, inner)
        elif isinstance(step.layer, Activation):
            yield name, step


def warnings(session: Session) -> list[str]:
    """What the latest figures give reason to warn of, each kind once a run; the session remembers which."""
    found = [(kind, text) for kind, text in findings(session) if kind not in session.warned]
    session.warned += [kind for kind, _ in found]
    return [text for _, text in found]


def findings(session: Session) -> Iterator[tuple[str, str]]:
    """What is wrong by the latest figures: its kind, and what to say of it."""
    epoch, health = session.epoch, session.health
    if ends := far_ends(session, health):
        (one, other), ratio = ends
        if ratio < 1:
            what = f"vanishing gradients in epoch {epoch}: a weight of {one} gets {ratio:.1g} of what one of"
            yield "vanishing", f"{what} {other} gets, and hardly learns; try relu, batch_norm, or residual blocks"
        else:
            what = f"exploding gradients in epoch {epoch}: a weight of {one} gets {ratio:.1g} times what one of"
            yield "exploding", f"{what} {other} gets; try training.clipping={{norm: 1}}, or batch_norm"
    if long := find_layers(health, "update_ratio", LONG):
        what = (
            f"exploding updates in epoch {epoch}: a step changes {', '.join(long)} by more than the weights are large"
        )
        yield "long", f"{what}; try a smaller learning rate, or training.clipping={{norm: 1}}"
    if dead := find_layers(health, "dead", MOST):
        what = (
            f"dead units in epoch {epoch}: {MOST:.0%} or more of those in {', '.join(dead)} learn from no row any more"
        )
        yield "dead", f"{what}; try a smaller learning rate, or leaky_relu"
    if flat := find_layers(health, "saturated", MOST):
        what = f"saturated units in epoch {epoch}: {MOST:.0%} or more of the values in {', '.join(flat)} lie where"
        yield "saturated", f"{what} the curve is flat; try batch_norm before it, or smaller initial weights"


def marks(session: Session, health: Mapping[str, float]) -> dict[str, str]:
    """What is wrong with single layers by figures of health, in a word each: by the rules of `findings`."""
    found = {name: word for kind, word in WORDS.items() for name in find_layers(health, kind, LIMITS[kind])}
    if ends := far_ends(session, health):
        (one, _), ratio = ends
        found[one] = "vanishing" if ratio < 1 else "exploding"
    return found


def far_ends(session: Session, health: Mapping[str, float]) -> tuple[tuple[str, str], float] | None:
    """The first and the last layer, and how much of a gradient a weight of the first gets as a share of what one of
    the last gets, where these are too far apart."""
    layers = find_layers(health, "gradient_norm")
    if len(layers) < 2:
        return None
    ends = layers[0], layers[-1]
    first, last = (per_weight(session, name, health) for name in ends)
    if not last or VANISHING <= first / last <= 1 / VANISHING:
        return None
    return ends, first / last


def find_layers(health: Mapping[str, float], kind: str, least: float = 0.0) -> list[str]:
    """Return the layers with such a figure, in order, where it is no less than that."""
    found = (name.split(".", 1) for name, value in health.items() if value >= least)
    return [layer for one, layer in found if one == kind]


def per_weight(session: Session, name: str, health: Mapping[str, float]) -> float:
    """The gradient of a layer for each of its parameters: the root of the mean square."""
    return health[f"gradient_norm.{name}"] / sqrt(sum(part.stop - part.start for part in session.layers[name]))

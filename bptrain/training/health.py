"""Health of training: the size of gradients and updates in each layer, units that no longer learn, and the errors for
numbers that are not finite.

Health is measured in the last step of an epoch, at most every 64 steps, so that it costs almost nothing.
"""

from collections.abc import Iterator, Mapping
from math import isfinite, sqrt

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import DivergedError
from bptrain.model.objective import Batch
from bptrain.nn import Frame
from bptrain.nn.chain import Chain, Step
from bptrain.nn.layer import Activation
from bptrain.optim import LineSearch
from bptrain.registry import name_of
from bptrain.training.session import Session

EVERY = 64
"""The fewest steps between two measurements."""

FEWEST_ROWS = 16
"""The fewest rows on which units are measured."""

FLAT = 1e-6
"""A unit whose slope is smaller than this on all rows is dead: it passes almost no gradient on."""

VANISHING = 1e-4
"""Gradients vanish where the gradient per weight of the first layer, divided by that of the last, is below this; they
explode where it is above the inverse."""

LONG = 1.0
"""An update is too long if its norm is this share of the norm of the weights, or more."""

MOST = 0.9
"""The share of dead units, or of saturated values, from which on a layer is reported."""

LIMITS = {"update_ratio": LONG, "dead": MOST, "saturated": MOST}
WORDS = {"update_ratio": "long steps", "dead": "dead", "saturated": "saturated"}

FAR = 100.0
"""A larger input is far from all scaled ones, and so the likely cause of divergence."""

MOST_ROWS = 8
"""The most row numbers that an error lists."""


def is_due(session: Session) -> bool:
    """Tell whether to measure in the last step of this epoch. The answer stays the same when the epoch is resumed."""
    if isinstance(session.model.experiment.optimizer, LineSearch):
        return False
    last = (session.epoch + 1) * session.steps_per_epoch
    return not session.measured or last - session.measured >= EVERY


class Measurement:
    """A measurement of one step: it begins when the gradient is known, and is finished after the update."""

    def __init__(self, session: Session) -> None:
        network = session.model.network
        self.session = session
        self.before = network.theta.copy()
        self.gradients = compute_norms(session, network.grad)

    def finish(self) -> None:
        """Put the figures into the session. The gradient is no longer needed, and is overwritten."""
        session, network = self.session, self.session.model.network
        sizes = compute_norms(session, self.before)
        np.subtract(network.theta, self.before, out=network.grad)
        updates = compute_norms(session, network.grad)
        figures = {f"gradient_norm.{name}": value for name, value in self.gradients.items()}
        figures |= {f"update_ratio.{name}": updates[name] / size for name, size in sizes.items() if size}
        figures |= dict(measure_slopes(session))
        session.health = {name: value for name, value in figures.items() if isfinite(value)}
        session.measured = session.step


def compute_norms(session: Session, vector: Array) -> dict[str, float]:
    """Return the norm of each layer's entries of a vector as long as theta."""
    found = {}
    for name, slices in session.layers.items():
        total = 0.0
        for entries in slices:
            values = vector[entries]
            square = values.dot(values)
            if not 1e-30 < square < 1e30:
                # In single precision squares may overflow or vanish where the norm itself would not.
                wide = values.astype(np.float64)
                square = wide.dot(wide)
            total += square
        found[name] = sqrt(total)
    return found


def measure_slopes(session: Session) -> Iterator[tuple[str, float]]:
    """Yield the share of dead units in each activation, and of saturated values in each that can saturate, on some
    training rows, with dropout and noise turned off."""
    model, rows = session.model, session.train
    count = min(max(session.batch_size, FEWEST_ROWS), model.network.batch, len(rows))
    batch = model.objective.batch(count)
    rows.fill(batch, session.order[:count])
    batch.frame.forward(training=False)
    for name, step in find_activations(batch.frame, model.network.chain):
        layer, slope = step.layer, np.empty_like(step.dy) if step.dx is None else step.dx
        step.dy.fill(1)
        layer.backward(step.p, step.g, step.x, step.y, step.dy, slope, step.s)
        np.absolute(slope, out=slope)
        yield f"dead.{name}", float(np.count_nonzero(slope.max(axis=0) < FLAT)) / slope[0].size
        if steepest := getattr(layer, "steepest", None):
            yield f"saturated.{name}", float(np.count_nonzero(slope < 0.1 * steepest)) / slope.size


def find_activations(frame: Frame, chain: Chain) -> Iterator[tuple[str, Step]]:
    """Yield every activation of a frame, also those inside blocks."""
    for name, step, inner in zip(chain.names, frame.steps, chain.inner, strict=True):
        if inner is not None:
            yield from find_activations(step.s.inner, inner)
        elif isinstance(step.layer, Activation):
            yield name, step


def collect_warnings(session: Session) -> list[str]:
    """Return the warnings that follow from the latest figures, each kind only once in a run; `session.warned` has those
    given so far."""
    found = [(kind, text) for kind, text in find_problems(session) if kind not in session.warned]
    session.warned += [kind for kind, _ in found]
    return [text for _, text in found]


def find_problems(session: Session) -> Iterator[tuple[str, str]]:
    """Yield the kind of each problem in the latest figures, and the warning about it."""
    epoch, health = session.epoch, session.health
    if ends := find_far_ends(session, health):
        (one, other), ratio = ends
        if ratio < 1:
            what = f"vanishing gradients in epoch {epoch}: the gradient per weight of {one} is only {ratio:.1g} times"
            yield "vanishing", f"{what} that of {other}; try relu, batch_norm, or residual blocks"
        else:
            what = f"exploding gradients in epoch {epoch}: the gradient per weight of {one} is {ratio:.1g} times"
            yield "exploding", f"{what} that of {other}; try training.clipping.norm=1, or batch_norm"
    if long := ", ".join(find_layers(health, "update_ratio", LONG)):
        what = f"exploding updates in epoch {epoch}: a step changes the weights of {long} by more than their own size"
        yield "long", f"{what}; try a smaller learning rate, or training.clipping.norm=1"
    if dead := ", ".join(find_layers(health, "dead", MOST)):
        what = f"dead units in epoch {epoch}: {MOST:.0%} or more of those in {dead} no longer learn from any row"
        yield "dead", f"{what}; try a smaller learning rate, or leaky_relu"
    if flat := ", ".join(find_layers(health, "saturated", MOST)):
        what = f"saturated units in epoch {epoch}: {MOST:.0%} or more of the values in {flat}"
        yield "saturated", f"{what} lie where the curve is flat; try batch_norm before it, or smaller initial weights"


def mark_layers(session: Session, health: Mapping[str, float]) -> dict[str, str]:
    """Return one word for each layer that has a problem, such as `dead`, by the rules of `find_problems`."""
    found = {name: word for kind, word in WORDS.items() for name in find_layers(health, kind, LIMITS[kind])}
    if ends := find_far_ends(session, health):
        (one, _), ratio = ends
        found[one] = "vanishing" if ratio < 1 else "exploding"
    return found


def find_far_ends(session: Session, health: Mapping[str, float]) -> tuple[tuple[str, str], float] | None:
    """Return the first and the last layer, and the gradient per weight of the first divided by that of the last; None
    where this ratio is neither too small nor too large."""
    layers = find_layers(health, "gradient_norm")
    if len(layers) < 2:
        return None
    ends = layers[0], layers[-1]
    first, last = (
        health[f"gradient_norm.{name}"] / sqrt(sum(one.stop - one.start for one in session.layers[name]))
        for name in ends
    )
    if not last or VANISHING <= first / last <= 1 / VANISHING:
        return None
    return ends, first / last


def find_layers(health: Mapping[str, float], kind: str, least: float = 0.0) -> list[str]:
    """Return the layers whose figure of a kind, such as `dead`, is at least `least`, in order."""
    found = (name.split(".", 1) for name, value in health.items() if value >= least)
    return [layer for one, layer in found if one == kind]


def explain_divergence(
    session: Session, what: str, step: int, batch: Batch | None = None, chosen: Array | None = None
) -> DivergedError:
    """Return the error for numbers that are not finite.

    Args:
        session: the session at that moment.
        what: what is not finite, such as `the loss is nan`.
        step: the step in which it was found.
        batch: the batch of that step; None if it was found between two steps.
        chosen: the indices of the batch's rows among the training rows.
    """
    layer = find_layer(session, batch)
    moment = f"at step {step} (epoch {session.epoch + 1}, learning rate {session.lr:g})"
    text = f"training diverged: {what}, first in layer {layer} {moment}"
    if batch is None or chosen is None:
        return DivergedError(f"{text}; {advise(session, 0.0)}")
    size = np.abs(batch.input.reshape(len(chosen), -1))
    row, column = np.unravel_index(int(np.argmax(size)), size.shape)
    largest, numbers = float(size[row, column]), session.train.numbers
    rows = (chosen if numbers is None else numbers[chosen]) + 1
    more = f" and {len(rows) - MOST_ROWS} more" if len(rows) > MOST_ROWS else ""
    some = ", ".join(map(str, rows[:MOST_ROWS])) + more
    name = session.model.columns.input_names[column]
    seen = f"the batch has the data rows {some}; its largest input is {largest:.3g} ({name} of row {rows[row]})"
    return DivergedError(f"{text}; {seen}; {advise(session, largest)}")


def find_layer(session: Session, batch: Batch | None) -> str:
    """Return the layer where divergence began: the first whose output is not finite, or else the last whose parameters
    are not finite, or else the last of all, which computes the scores."""
    chain, entries = session.model.network.chain, session.model.network.entries
    if batch is not None:
        steps = zip(chain.names, batch.frame.steps, strict=True)
        if layer := next((name for name, step in steps if not np.isfinite(step.y).all()), None):
            return layer
    theta = session.model.network.theta
    bad = [entry.name for entry in entries if not np.isfinite(theta[entry.slice]).all()]
    candidates = (name for name in reversed(chain.names) if any(one.startswith(f"{name}.") for one in bad))
    return next(candidates, chain.names[-1])


def advise(session: Session, largest: float) -> str:
    """Return the likely cause, and what to try."""
    experiment = session.model.experiment
    optimizer = experiment.optimizer
    # A tenth of an absurd rate is absurd too.
    rate = min(optimizer.lr / 10, optimizer.usual_lr[1])
    slower = f"a smaller learning rate, such as optimizer.{name_of(optimizer)}.lr={rate:g}"
    if largest > FAR:
        scaled = name_of(experiment.data.scaling) != "none"
        cause = "that input is far from the others" if scaled else "the inputs are not scaled"
        remedy = "check that row" if scaled else "try data.scaling=standard"
        return f"the likely cause: {cause}; {remedy}, or try {slower}"
    clipping = "" if experiment.training.clipping else ", or training.clipping.norm=1"
    return f"the likely cause: the steps are too long; try {slower}{clipping}"

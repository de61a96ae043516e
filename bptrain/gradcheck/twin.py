"""The twin: one training objective twice on the same rows, in float64 with its backward pass, in complex128 without.

For a function that is analytic around x, `Im f(x + ih) / h` is the derivative up to terms in h². With h = 1e-200 these
are zero to the last bit, nothing cancels, and no kink is crossed: a network of rectifiers is checked exactly too.
Reference: Squire and Trapp, 1998.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from bptrain.arrays import Array, Shape, Streams
from bptrain.model.objective import Batch, Objective
from bptrain.nn import Frame, Layer, Loss, Network, Views, Workspace
from bptrain.nn.observer import (
    ObservedLayer,
    Observer,
    Passage,
    PassageObserver,
    guard_kernels,
    observe,
    observe_layers,
    walk_backward,
)
from bptrain.optim import Regularization
from bptrain.registry import name_of

STEP = 1e-200
UNDERFLOW = 1e-100
"""Derivatives below this may underflow together with the step."""

Term = Literal["loss", "penalty", "both"]
TERMS: tuple[Term, ...] = ("loss", "penalty", "both")

Gradients = dict[Term, dict[str, Array]]
"""The gradients of the loss, of the penalty, and of both together, each by the name of the parameter and `inputs`."""


class Twin:
    """A training objective in float64 with its backward pass, and in complex128 with its forward pass only.

    Biases, and whatever else takes no weight decay, are moved off their initial values, since a gradient may be right
    by chance at 0 or 1. Both networks have observed layers.

    Args:
        layers: without `auto`.
        shape: of an input row.
        loss: of the scores.
        regularization: of the weights.
        inputs: `(n, *shape)`.
        targets: in the encoding of the loss.
        seed: of the parameters and the dropout masks.
        objective: the class that adds loss and penalty up.
        weights: of the rows in the loss `(n,)`; None: all the same.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        shape: Shape,
        loss: Loss,
        regularization: Regularization,
        inputs: Array,
        targets: Array,
        seed: int,
        objective: type[Objective] = Objective,
        weights: Array | None = None,
    ) -> None:
        # Room for one row more than is used, so that a kernel that ignores the number of rows is caught.
        self.real, self.complex = (
            objective(
                Network(
                    layers,
                    shape,
                    batch=len(inputs) + 1,
                    dtype=dtype,
                    rng=Streams(seed),
                    input_gradient=dtype == "float64",
                ),
                loss,
                regularization,
                weighted=weights is not None,
            )
            for dtype in ("float64", "complex128")
        )
        self.seed = seed
        self.loss_name = f"loss {name_of(loss)}"
        self.loss_is_complex_safe = True
        real, in_complex = (fill_batch(one, inputs, targets, weights) for one in (self.real, self.complex))
        self.batches: tuple[Batch, Batch] = (real[0], in_complex[0])
        self.observed = (real[1], in_complex[1])
        network = self.real.network
        rng = np.random.default_rng(seed)
        network.theta[network.decayed.stop :] += rng.normal(0, 0.1, network.theta.size - network.decayed.stop)
        self.streams = network.rng.state()
        self.targets = self.batches[0].targets.copy()
        self.state = network.state.copy()
        self.sync_complex()

    def sync_complex(self) -> None:
        """Copy the parameters of the real network to the complex one."""
        self.complex.network.theta[...] = self.real.network.theta

    def rewind(self, which: Literal[0, 1] = 0) -> None:
        """Put back what a pass may change: random streams, running statistics, and the targets."""
        network = (self.real, self.complex)[which].network
        network.rng.restore(self.streams)
        network.state[...] = self.state
        self.batches[which].targets[...] = self.targets

    @contextmanager
    def preserve(self) -> Iterator[None]:
        """Restore parameters, state, inputs, targets and random streams at the end, to the last bit."""
        networks = self.real.network, self.complex.network
        before = [(network.theta.copy(), network.state.copy(), network.rng.state()) for network in networks]
        rows, state = [(batch.input.copy(), batch.targets.copy()) for batch in self.batches], self.state
        try:
            yield
        finally:
            for network, (theta, statistics, streams) in zip(networks, before, strict=True):
                network.theta[...], network.state[...] = theta, statistics
                network.rng.restore(streams)
            for batch, (inputs, targets) in zip(self.batches, rows, strict=True):
                batch.input[...], batch.targets[...] = inputs, targets
            self.state = state

    def compute_objective(self) -> tuple[float, float]:
        """Return the loss and the penalty of the real network."""
        self.rewind()
        with guard_kernels(self.loss_name):
            value = float(self.real.loss_value(self.batches[0], training=True)[0])
            return value, float(self.real.penalty())

    def compute_gradients(self) -> tuple[float, Gradients]:
        """Return loss and penalty together, and the gradients that the backward pass gives.

        Raises:
            KernelError: a pass stops with an exception.
        """
        network = self.real.network
        self.run_other_rows()
        _, loss = self.run_pass(self.real.loss_and_grad)
        network.grad.fill(0)
        with guard_kernels("penalty"):
            self.real.add_penalty_gradient()
        penalty = {name: array.copy() for name, array in network.gradients().items()}
        penalty["inputs"] = np.zeros_like(loss["inputs"])
        self.run_other_rows()
        value, both = self.run_pass(self.real.value_and_grad)
        return value, {"loss": loss, "penalty": penalty, "both": both}

    def compute_loss(self, which: Literal[0, 1], scores: Array) -> Any:
        """Return the loss of other scores for the targets of the real (0) or complex (1) batch."""
        batch, loss = self.batches[which], (self.real, self.complex)[which].loss
        with guard_kernels(self.loss_name):
            return loss.value_and_grad(scores, batch.targets, None, np.empty_like(batch.frame.dscores), batch.scratch)[
                0
            ]

    def run_pass(self, run: Callable[[Batch], Any]) -> tuple[float, dict[str, Array]]:
        """Run the real network once, and return its value and its gradients by name.

        All gradients are NaN before, which shows whatever backward does not write.
        """
        network, batch = self.real.network, self.batches[0]
        self.rewind()
        network.grad.fill(np.nan)
        fill_with_nan(batch.frame)
        with guard_kernels(self.loss_name):
            value = run(batch)
        assert batch.frame.dinput is not None
        gradients = {**network.gradients(), "inputs": batch.frame.dinput}
        total = float(np.sum(value[0] if isinstance(value, tuple) else value))
        return total, {name: array.copy() for name, array in gradients.items()}

    def run_other_rows(self) -> None:
        """Run other rows through the real network, which shows a layer that uses values of an earlier pass."""
        batch = self.batches[0]
        rows = batch.input.copy()
        batch.input[...] = 0.5 * rows[::-1] - 0.25
        self.rewind()
        try:
            with guard_kernels(self.loss_name):
                self.real.value_and_grad(batch)
        finally:
            batch.input[...] = rows

    def differentiate(self, array: Array, direction: Array) -> tuple[float, float]:
        """Return the derivatives of loss and penalty along a direction in one of the `complex_arrays`."""
        array += 1j * STEP * direction
        return self._read_derivatives(array)

    def differentiate_entry(self, array: Array, k: int) -> tuple[float, float]:
        """Return the derivatives of loss and penalty by entry k (counted flat) of one of the `complex_arrays`."""
        array.reshape(-1)[k] += 1j * STEP
        return self._read_derivatives(array)

    def _read_derivatives(self, array: Array) -> tuple[float, float]:
        self.rewind(1)
        try:
            with guard_kernels(self.loss_name, "in complex numbers"):
                loss = self.complex.loss_value(self.batches[1], training=True)[0]
                penalty = self.complex.penalty()
        finally:
            array.imag = 0
        return complex(loss).imag / STEP, complex(penalty).imag / STEP

    @property
    def complex_arrays(self) -> dict[str, Array]:
        """The arrays of the complex network that have a derivative: every parameter, and `inputs`."""
        return {**self.complex.network.parameters(), "inputs": self.batches[1].input}

    @property
    def real_arrays(self) -> dict[str, Array]:
        """The same arrays of the real network."""
        return {**self.real.network.parameters(), "inputs": self.batches[0].input}

    @property
    def layers(self) -> Iterator[tuple[ObservedLayer, ObservedLayer]]:
        """Every layer as it is in the real and in the complex network, the last first, each before those inside it."""
        return zip(*map(walk_backward, self.observed), strict=True)

    def record_passages(self, *, backward: bool = True) -> dict[str, Passage]:
        """Run the real network once, and return what passed through each layer, by its name."""
        observer = PassageObserver()
        with self.observe(observer):
            if backward:
                self.run_pass(self.real.loss_and_grad)
            else:
                self.compute_objective()
        return observer.passages

    @contextmanager
    def observe(self, observer: Observer, which: Literal[0, 1] = 0) -> Iterator[None]:
        """Let an observer see all layers of the real network, or of the complex one."""
        with observe(self.observed[which], observer):
            yield

    def find_kink_sides(self, which: Literal[0, 1] = 0) -> bytes:
        """Return on which side of every kink a network is: those of activations, of the loss, and of l1 penalties."""
        observer, objective, batch = KinkObserver(), (self.real, self.complex)[which], self.batches[which]
        self.rewind(which)
        with self.observe(observer, which), guard_kernels(self.loss_name):
            objective.loss_value(batch, training=True)
        signs = observer.signs
        if getattr(objective.loss, "kinked", False):
            signs.append(np.nan_to_num(np.sign(batch.frame.dscores.real)).astype(np.int8).tobytes())
        if any(penalty.l1 for _, penalty in objective.penalties):
            network = objective.network
            signs.append(np.sign(network.theta[network.decayed].real).astype(np.int8).tobytes())
        return b"".join(signs)


@dataclass
class KinkObserver(Observer):
    """Records the inputs of all layers with kinks, by the name of the layer, and their side of each kink."""

    signs: list[bytes] = field(default_factory=list)
    inputs: dict[str, Array] = field(default_factory=dict)

    def forward(self, observed: ObservedLayer, p: Views, x: Array, y: Array, s: Workspace) -> None:
        """Record x and its side of each kink, then run the layer."""
        kinks = get_kinks(observed.layer)
        with np.errstate(invalid="ignore"):
            self.signs += [np.sign(x.real - kink).astype(np.int8).tobytes() for kink in kinks]
        if kinks:
            self.inputs[observed.name] = x.real.copy()
        observed.layer.forward(p, x, y, s)


def get_kinks(layer: Layer) -> tuple[float, ...]:
    """Return the inputs at which the slope of a layer jumps, as the layer declares them."""
    return tuple(getattr(layer, "kinks", ()))


def fill_batch(
    objective: Objective, inputs: Array, targets: Array, weights: Array | None
) -> tuple[Batch, tuple[ObservedLayer, ...]]:
    """Return a batch of an objective with these rows in it, and the observed layers of its frame."""
    batch = objective.batch(len(inputs))
    frame, observed = observe_layers(objective.network.chain, batch.frame)
    batch = replace(batch, frame=frame)
    batch.input[...] = inputs
    batch.targets[...] = targets
    if batch.weights is not None:
        batch.weights[...] = weights
    return batch, observed


def fill_with_nan(frame: Frame) -> None:
    """Fill dy and dx of all layers with NaN."""
    for step in frame.steps:
        step.dy.fill(np.nan)
        if step.dx is not None:
            step.dx.fill(np.nan)
        if hasattr(step.s, "inner"):
            fill_with_nan(step.s.inner)

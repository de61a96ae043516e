"""The twin: one training objective twice on the same rows, with its backward pass, and in complex numbers without.

For a function that is analytic around x, `Im f(x + i h) / h` is the derivative up to terms in h². With h = 1e-200 these
are zero to the last bit, nothing cancels, and no kink is crossed: a network of rectifiers is checked exactly too.
Reference: Squire and Trapp, 1998.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from bptrain.arrays import Array, Shape, Streams
from bptrain.gradcheck.observers import KinkObserver
from bptrain.model.objective import Batch, Objective
from bptrain.nn import Frame, Layer, Loss, Network
from bptrain.nn.observer import ObservedLayer, Observer, guard_kernels, observe, observe_layers
from bptrain.optim import Adam, Regularization
from bptrain.registry import name_of

STEP = 1e-200
NOTHING = 1e-100
"""Derivatives below this may underflow together with the step."""
BURN_IN = 20

Part = Literal["loss", "penalty", "both"]
PARTS: tuple[Part, ...] = ("loss", "penalty", "both")

Gradients = dict[Part, dict[str, Array]]
"""The gradients of the loss, of the penalty, and of both together, each by the name of the parameter and `inputs`."""


class Twin:
    """A training objective in float64 with its backward pass, and in complex128 with its forward pass only.

    Biases, and whatever else takes no weight decay, are moved off their initial values, since a gradient may be right
    by chance at 0 or 1. Both have observed layers.

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
        n = len(inputs)
        # Room for one row more than is used, so that a kernel that ignores the number of rows is caught.
        self.real, self.complex = (
            objective(
                Network(layers, shape, batch=n + 1, dtype=dtype, rng=Streams(seed), input_gradient=dtype == "float64"),
                loss,
                regularization,
                weighted=weights is not None,
            )
            for dtype in ("float64", "complex128")
        )
        self.seed = seed
        self.loss_name = f"loss {name_of(loss)}"
        self.loss_is_complex_safe = True
        self.batches: tuple[Batch, Batch]
        self.observed: tuple[tuple[ObservedLayer, ...], tuple[ObservedLayer, ...]]
        pairs = []
        for one in (self.real, self.complex):
            batch = one.batch(n)
            frame, observed = observe_layers(one.network.chain, batch.frame)
            batch = replace(batch, frame=frame)
            batch.input[...] = inputs
            batch.targets[...] = targets
            if batch.weights is not None:
                batch.weights[...] = weights
            pairs.append((batch, observed))
        (first, seen), (second, also_seen) = pairs
        self.batches, self.observed = (first, second), (seen, also_seen)
        network = self.real.network
        rng = np.random.default_rng(seed)
        network.theta[network.decayed.stop :] += rng.normal(0, 0.1, network.theta.size - network.decayed.stop)
        self.masks = network.rng.state()
        self.targets = self.batches[0].targets.copy()
        self.state = network.state.copy()
        self.settle()

    def settle(self) -> None:
        """Let the complex network stand where the real one does."""
        self.complex.network.theta[...] = self.real.network.theta

    def rewind(self, which: Literal[0, 1] = 0) -> None:
        """Put back what a pass changes or might: random streams, running statistics, and the targets."""
        network = (self.real, self.complex)[which].network
        network.rng.restore(self.masks)
        network.state[...] = self.state
        self.batches[which].targets[...] = self.targets

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Leave parameters, state, inputs, targets and random streams as they are found, to the last bit."""
        networks = self.real.network, self.complex.network
        before = [(network.theta.copy(), network.state.copy(), network.rng.state()) for network in networks]
        inputs, kept_state = [(batch.input.copy(), batch.targets.copy()) for batch in self.batches], self.state
        try:
            yield
        finally:
            for network, (theta, state, streams) in zip(networks, before, strict=True):
                network.theta[...], network.state[...] = theta, state
                network.rng.restore(streams)
            for batch, (kept, targets) in zip(self.batches, inputs, strict=True):
                batch.input[...], batch.targets[...] = kept, targets
            self.state = kept_state

    def burn_in(self, steps: int = BURN_IN) -> bool:
        """Train for a few steps of Adam on the rows at hand, and stand there.

        Returns:
            False if the numbers did not stay finite; then nothing has moved.

        Raises:
            BackwardError: a pass does not run through.
        """
        network, rule = self.real.network, Adam(lr=0.01)
        start, self.batches[0].targets[...] = network.theta.copy(), self.targets
        slots = [np.zeros_like(start) for _ in range(rule.slots)]
        self.rewind()
        for step in range(1, steps + 1):
            network.rng.restore(self.masks)
            with guard_kernels(self.loss_name), np.errstate(all="ignore"):
                self.real.value_and_grad(self.batches[0])
                rule.update(network.theta, network.grad, slots, lr=rule.lr, step=step, decayed=0)
        if not (np.isfinite(network.theta).all() and np.isfinite(network.state).all()):
            network.theta[...], network.state[...] = start, self.state
            return False
        self.state = network.state.copy()
        self.settle()
        return True

    def values(self) -> tuple[float, float]:
        """The loss and the penalty of the real network as it stands."""
        self.rewind()
        with guard_kernels(self.loss_name):
            value = float(self.real.loss_value(self.batches[0], training=True)[0])
            return value, float(self.real.penalty())

    def gradients(self) -> tuple[float, Gradients]:
        """Loss and penalty together, and the gradients by the backward pass.

        Raises:
            BackwardError: forward or backward does not run through.
        """
        network, batch = self.real.network, self.batches[0]
        self.prime()
        _, loss = self.run_pass(self.real.loss_and_grad)
        network.grad.fill(0)
        with guard_kernels("penalty"):
            self.real.add_penalty_gradient()
        assert batch.frame.dinput is not None
        penalty = {name: array.copy() for name, array in network.gradients().items()}
        penalty["inputs"] = np.zeros_like(batch.frame.dinput)
        self.prime()
        value, both = self.run_pass(self.real.value_and_grad)
        return value, {"loss": loss, "penalty": penalty, "both": both}

    def run_pass(self, run: Any) -> tuple[float, dict[str, Array]]:
        """Run the real network once over buffers full of NaN, so that whatever backward does not write is seen."""
        network, batch = self.real.network, self.batches[0]
        self.rewind()
        network.grad.fill(np.nan)
        fill_with_nan(batch.frame)
        with guard_kernels(self.loss_name):
            value = run(batch)
        assert batch.frame.dinput is not None
        gradients = {**network.gradients(), "inputs": batch.frame.dinput}
        return float(np.sum(value[0] if isinstance(value, tuple) else value)), {
            name: array.copy() for name, array in gradients.items()
        }

    def prime(self) -> None:
        """Run other rows through the real network, so that a layer that uses what it kept from before is caught."""
        batch = self.batches[0]
        kept = batch.input.copy()
        batch.input[...] = 0.5 * kept[::-1] - 0.25
        self.rewind()
        try:
            with guard_kernels(self.loss_name):
                self.real.value_and_grad(batch)
        finally:
            batch.input[...] = kept

    def derivative(self, array: Array, direction: Array) -> tuple[float, float]:
        """The derivatives of loss and penalty along a direction in one of the arrays of `complex`."""
        array += 1j * STEP * direction
        return self._derivatives_and_reset(array)

    def derivative_of_entry(self, array: Array, k: int) -> tuple[float, float]:
        """The derivatives of loss and penalty by entry k (counted flat) of one of the arrays of `complex`."""
        array.reshape(-1)[k] += 1j * STEP
        return self._derivatives_and_reset(array)

    def _derivatives_and_reset(self, array: Array) -> tuple[float, float]:
        self.rewind(1)
        try:
            with guard_kernels(self.loss_name, "in complex numbers"):
                loss = self.complex.loss_value(self.batches[1], training=True)[0]
                penalty = self.complex.penalty()
        finally:
            array.imag = 0
        return complex(loss).imag / STEP, complex(penalty).imag / STEP

    def arrays(self) -> dict[str, Array]:
        """The complex arrays that can be stepped: every parameter, and `inputs`."""
        return {**self.complex.network.parameters(), "inputs": self.batches[1].input}

    def real_arrays(self) -> dict[str, Array]:
        """The same of the real network."""
        return {**self.real.network.parameters(), "inputs": self.batches[0].input}

    @contextmanager
    def observe(self, observer: Observer, which: Literal[0, 1] = 0) -> Iterator[None]:
        """Let an observer see all layers of the real network, or of the complex one."""
        with observe(self.observed[which], observer):
            yield

    def pattern(self, which: Literal[0, 1] = 0) -> bytes:
        """On which side of every kink a network stands: of activations, of the loss, of the absolute values."""
        seen, one, batch = KinkObserver(), (self.real, self.complex)[which], self.batches[which]
        self.rewind(which)
        with self.observe(seen, which), guard_kernels(self.loss_name):
            one.loss_value(batch, training=True)
        sides = seen.sides
        if getattr(one.loss, "kinked", False):
            sides.append(np.nan_to_num(np.sign(batch.frame.dscores.real)).astype(np.int8).tobytes())
        if any(penalty.l1 for _, penalty in one.penalties):
            sides.append(np.sign(one.network.theta[one.network.decayed].real).astype(np.int8).tobytes())
        return b"".join(sides)


def fill_with_nan(frame: Frame) -> None:
    """Fill all gradients of signals with NaN."""
    for step in frame.steps:
        step.dy.fill(np.nan)
        if step.dx is not None:
            step.dx.fill(np.nan)
        if hasattr(step.s, "inner"):
            fill_with_nan(step.s.inner)

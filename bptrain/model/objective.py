"""The objective: what training minimises, on one batch: the loss of the scores plus the penalty on the weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from bptrain.arrays import Array, Shape
from bptrain.columns.augmentation import Augmentation
from bptrain.errors import Mistake, OptionError
from bptrain.nn import Frame, Loss, Network, Scratch, Workspace
from bptrain.nn.layer import check_planned
from bptrain.nn.losses import Value
from bptrain.nn.network import Entry
from bptrain.optim import Regularization
from bptrain.registry import name_of


@dataclass
class Mixture:
    """The other rows that are mixed into those of a batch: their targets and weights, room for the gradient of their
    loss, and the share of its own that a row keeps; with 1 nothing is mixed."""

    targets: Array
    weights: Array | None
    dscores: Array
    share: float = 1.0


@dataclass(frozen=True)
class Batch:
    """Buffers for n rows: fill `input`, `targets` and, where rows are weighted, `weights` `(n,)`, then ask the
    objective. `augmentations` go with a workspace each; there is a `mixture` where one of them mixes rows."""

    frame: Frame
    targets: Array
    scratch: Workspace
    weights: Array | None = None
    augmentations: tuple[tuple[Augmentation, Workspace], ...] = ()
    mixture: Mixture | None = None

    @property
    def input(self) -> Array:
        """The network's input buffer, `(n, inputs)`."""
        return self.frame.input

    def fill(self, inputs: Array, targets: Array, rows: Array, weights: Array | None = None) -> None:
        """Gather the given rows of a data set; without weights they all weigh 1."""
        # With mode="raise" NumPy would gather into a fresh array first, which grows with the batch.
        inputs.take(rows, axis=0, out=self.input, mode="clip")
        targets.take(rows, axis=0, out=self.targets, mode="clip")
        if self.weights is not None:
            if weights is None:
                self.weights.fill(1)
            else:
                np.take(weights, rows, out=self.weights, mode="clip")
        if self.mixture is not None:
            self.mixture.share = 1.0

    def augment(self) -> None:
        """Change the rows of the filled batch at random, in place, in the order of the config."""
        for one, s in self.augmentations:
            share = one.apply(self.input, s)
            if one.mixes and self.mixture is not None:
                self.mixture.share = share
                np.take(self.targets, s.order, axis=0, out=self.mixture.targets, mode="clip")
                if self.weights is not None and self.mixture.weights is not None:
                    np.take(self.weights, s.order, out=self.mixture.weights, mode="clip")


class Objective:
    """A network with its loss and its penalties.

    Args:
        network: whose parameters are learned.
        loss: of its scores.
        regularization: of its weights; a layer may say otherwise of its own.
        weighted: whether each row has a weight in the loss.
        augmentations: of the batches that train.

    Raises:
        OptionError: an augmentation does not go with the rows, or with another one.
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        regularization: Regularization,
        *,
        weighted: bool = False,
        augmentations: Sequence[Augmentation] = (),
    ) -> None:
        self.network = network
        self.loss = loss
        self.regularization = regularization
        self.penalties = self._penalties()
        bounded = self.penalties or regularization.max_norm is not None
        self._scratch = np.empty_like(network.theta[network.decayed]) if bounded else network.theta[:0]
        real = np.empty(0, network.dtype).real.dtype
        shape = (network.batch, *loss.target_shape(network.output_shape))
        self._targets = np.zeros(shape, np.int64 if loss.encoding == "codes" else real)
        self._weights = np.ones(network.batch, real) if weighted else None
        self._plan = check_plan(loss, loss.plan(network.output_shape))
        self._loss_scratch = {key: network.arena.allocate(planned) for key, planned in self._plan.items()}
        self.augmentations = tuple(augmentations)
        self._augmentation_plans = plan_augmentations(self.augmentations, network.input_shape)
        self._augmentation_scratch = [
            {key: network.arena.allocate(planned) for key, planned in plan.items()} for plan in self._augmentation_plans
        ]
        mixed = any(one.mixes for one in augmentations)
        self._mixed = (self._targets.copy(), network.arena.allocate(Scratch(network.output_shape))) if mixed else None
        self._batches: dict[int, Batch] = {}

    def _penalties(self) -> tuple[tuple[slice, Regularization], ...]:
        """Return the stretches of theta that are penalised alike; there is one, unless layers have penalties of their
        own."""

        def penalty(entry: Entry) -> Regularization:
            own = {"l1": entry.parameter.l1, "l2": entry.parameter.l2}
            return replace(self.regularization, **{key: value for key, value in own.items() if value is not None})

        decayed = [entry for entry in self.network.entries if entry.parameter.decay]
        stretches = [(one, list(entries)) for one, entries in groupby(decayed, penalty)]
        return tuple(
            (slice(entries[0].slice.start, entries[-1].slice.stop), one) for one, entries in stretches if one.active
        )

    def batch(self, n: int) -> Batch:
        """Return the buffers for n rows; made once for each n."""
        if n not in self._batches:
            scratch = self.network.arena.workspace(n, self._plan, self._loss_scratch)
            weights = None if self._weights is None else self._weights[:n]
            mixture = None
            if self._mixed is not None:
                targets, dscores = self._mixed
                mixture = Mixture(targets[:n], None if weights is None else weights.copy(), dscores[:n])
            self._batches[n] = Batch(
                self.network.frame(n), self._targets[:n], scratch, weights, self._augmenting(n), mixture
            )
        return self._batches[n]

    def _augmenting(self, n: int) -> tuple[tuple[Augmentation, Workspace], ...]:
        """Return the augmentations, each with its workspace of n rows and the random stream that is theirs."""
        arena = self.network.arena
        spaces = [
            arena.workspace(n, *one) for one in zip(self._augmentation_plans, self._augmentation_scratch, strict=True)
        ]
        for s in spaces:
            s.rng = self.network.rng.augmentation
        return tuple(zip(self.augmentations, spaces, strict=True))

    def loss_value(self, batch: Batch, *, training: bool) -> Value:
        """Return the mean loss of the batch without penalty, and what the batch weighs; fills its scores and dscores.

        The mean is a float, or complex in a complex network.
        """
        frame = batch.frame
        frame.forward(training=training)
        value = self._loss_of(batch, batch.targets, batch.weights, frame.dscores)
        mixture = batch.mixture
        if mixture is None or mixture.share == 1:
            return value
        other, _ = self._loss_of(batch, mixture.targets, mixture.weights, mixture.dscores)
        np.multiply(frame.dscores, mixture.share, out=frame.dscores)
        np.multiply(mixture.dscores, 1 - mixture.share, out=mixture.dscores)
        np.add(frame.dscores, mixture.dscores, out=frame.dscores)
        return mixture.share * value[0] + (1 - mixture.share) * other, value[1]

    def _loss_of(self, batch: Batch, targets: Array, weights: Array | None, dscores: Array) -> Value:
        """Return the mean loss of the batch's scores for some targets, and what they weigh; fills dscores."""
        value = self.loss.value_and_grad(batch.frame.scores, targets, weights, dscores, batch.scratch)
        return value if type(value) is tuple and type(value[0]) in (float, complex) else read_value(self.loss, value)

    def loss_and_grad(self, batch: Batch) -> Value:
        """Return the mean loss of a training batch without penalty, and what the batch weighs; fills the network's
        gradient."""
        value = self.loss_value(batch, training=True)
        batch.frame.backward()
        return value

    def penalty(self) -> Any:
        """Return the penalty on the weights as they are."""
        theta = self.network.theta
        return sum((one.compute_penalty(theta[part], self._scratch[part]) for part, one in self.penalties), 0.0)

    def add_penalty_gradient(self) -> None:
        """Add the penalty's gradient to the network's."""
        for part, one in self.penalties:
            one.add_gradient(self.network.theta[part], self.network.grad[part], self._scratch[part])

    def value_and_grad(self, batch: Batch) -> float:
        """Loss and penalty of a training batch together; fills the network's gradient with that of both."""
        value, _ = self.loss_and_grad(batch)
        self.add_penalty_gradient()
        total: float = value + self.penalty()
        return total

    def constrain(self) -> None:
        """Scale weights down to the norm that they may have."""
        if self.regularization.max_norm is not None:
            for entry in self.network.entries:
                if entry.parameter.decay and len(entry.shape) > 1:
                    weight, scratch = (
                        vector[entry.slice].reshape(entry.shape) for vector in (self.network.theta, self._scratch)
                    )
                    self.regularization.constrain(weight, scratch)


def plan_augmentations(augmentations: Sequence[Augmentation], shape: Shape) -> list[Mapping[str, Scratch]]:
    """Return the scratch that augmentations plan for rows of a shape.

    Raises:
        OptionError: one does not go with such rows, or two of them mix rows.
    """
    plans = []
    for k, one in enumerate(augmentations):
        name = name_of(one)
        if one.mixes and any(other.mixes for other in augmentations[:k]):
            raise OptionError(Mistake(f"augmentation.{k}", f"{name} mixes rows that are mixed already; take one out"))
        try:
            plan = one.plan(shape)
            check_planned("plan(shape)", plan, Scratch)
        except OptionError as error:
            raise error.under(f"augmentation.{k}.{name}") from None
        except TypeError as error:
            raise OptionError(Mistake(f"augmentation.{k}", f"{name}: {error}")) from None
        plans.append(plan)
    return plans


def check_plan(loss: Loss, plan: Mapping[str, Scratch]) -> Mapping[str, Scratch]:
    """Return the scratch that a loss plans, if it is that.

    Raises:
        OptionError: it is something else.
    """
    try:
        check_planned("plan(shape)", plan, Scratch)
    except TypeError as error:
        raise OptionError(Mistake("loss", f"{name_of(loss)}: {error}")) from None
    return plan


def read_value(loss: Loss, value: Any) -> Value:
    """Return what a loss returned as numbers of Python's own, which JSON can hold.

    Raises:
        OptionError: it is not a mean and what it weighs.
    """
    try:
        mean, weight = value
        return np.asarray(mean).item(), float(weight)
    except (TypeError, ValueError):
        what = "value_and_grad must return the mean loss and the weight of the batch, as mean(...) does"
        raise OptionError(Mistake("loss", f"{name_of(loss)}: {what} (got {value!r})")) from None

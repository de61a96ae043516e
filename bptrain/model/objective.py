"""The objective that training minimises on a batch: the loss of the scores plus the penalty on the weights."""

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
    """The rows that an augmentation mixes into a batch: their targets and weights, an array for the gradient of their
    loss, and the share that each row of the batch keeps of itself; with 1 nothing is mixed."""

    targets: Array
    weights: Array | None
    dscores: Array
    share: float = 1.0


@dataclass(frozen=True)
class Batch:
    """Buffers for n rows: fill `input`, `targets` and, if rows are weighted, `weights` `(n,)`, then call the objective.

    Each of the `augmentations` has a workspace; there is a `mixture` if one of them mixes rows.
    """

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
        """Gather the given rows of a data set; without weights, all have weight 1."""
        # With mode="raise", NumPy would gather into a new array first, which grows with the batch.
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
        network: its parameters are learned.
        loss: the loss of its scores.
        regularization: the penalties on its weights; a layer may have its own.
        weighted: whether each row has a weight in the loss.
        augmentations: changes to the training batches.

    Raises:
        OptionError: an augmentation does not fit the rows, or another one.
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
        self.penalties = self._find_penalties()
        bounded = self.penalties or regularization.max_norm is not None
        self._scratch = np.empty_like(network.theta[network.decayed]) if bounded else network.theta[:0]
        real = np.empty(0, network.dtype).real.dtype
        shape = (network.batch, *loss.target_shape(network.output_shape))
        self._targets = np.zeros(shape, np.int64 if loss.encoding == "codes" else real)
        self._weights = np.ones(network.batch, real) if weighted else None
        self._plan = check_scratch(loss.plan(network.output_shape), name_of(loss), "loss")
        self._loss_scratch = {key: network.arena.allocate(planned) for key, planned in self._plan.items()}
        self.augmentations = tuple(augmentations)
        self._augmentation_plans = plan_augmentations(self.augmentations, network.input_shape)
        self._augmentation_scratch = [
            {key: network.arena.allocate(planned) for key, planned in plan.items()} for plan in self._augmentation_plans
        ]
        mixed = any(one.mixes for one in augmentations)
        self._mixed = (self._targets.copy(), network.arena.allocate(Scratch(network.output_shape))) if mixed else None
        self._batches: dict[int, Batch] = {}

    def _find_penalties(self) -> tuple[tuple[slice, Regularization], ...]:
        """Return slices of theta, each with its penalties: a single one, unless layers have penalties of their own."""

        def merge(entry: Entry) -> Regularization:
            own = {"l1": entry.parameter.l1, "l2": entry.parameter.l2}
            return replace(self.regularization, **{key: value for key, value in own.items() if value is not None})

        decayed = [entry for entry in self.network.entries if entry.parameter.decay]
        chunks = [(one, list(entries)) for one, entries in groupby(decayed, merge)]
        return tuple(
            (slice(entries[0].slice.start, entries[-1].slice.stop), one) for one, entries in chunks if one.active
        )

    def batch(self, n: int) -> Batch:
        """Return the buffers for n rows, always the same ones for the same n."""
        if n not in self._batches:
            scratch = self.network.arena.build_workspace(n, self._plan, self._loss_scratch)
            weights = None if self._weights is None else self._weights[:n]
            mixture = None
            if self._mixed is not None:
                targets, dscores = self._mixed
                mixture = Mixture(targets[:n], None if weights is None else weights.copy(), dscores[:n])
            self._batches[n] = Batch(
                self.network.frame(n), self._targets[:n], scratch, weights, self._get_augmentations(n), mixture
            )
        return self._batches[n]

    def _get_augmentations(self, n: int) -> tuple[tuple[Augmentation, Workspace], ...]:
        """Return the augmentations, each with a workspace of n rows that has their random stream."""
        arena = self.network.arena
        planned = zip(self._augmentation_plans, self._augmentation_scratch, strict=True)
        spaces = [arena.build_workspace(n, *one) for one in planned]
        for s in spaces:
            s.rng = self.network.rng.augmentation
        return tuple(zip(self.augmentations, spaces, strict=True))

    def loss_value(self, batch: Batch, *, training: bool) -> Value:
        """Return the mean loss of the batch without penalty, and the weight of the batch; fill its scores and dscores.

        The mean is a float, or complex in a complex network.
        """
        frame = batch.frame
        frame.forward(training=training)
        value = self.compute_loss(batch)
        mixture = batch.mixture
        if mixture is None or mixture.share == 1:
            return value
        other, _ = self._compute_loss(batch, mixture.targets, mixture.weights, mixture.dscores)
        np.multiply(frame.dscores, mixture.share, out=frame.dscores)
        np.multiply(mixture.dscores, 1 - mixture.share, out=mixture.dscores)
        np.add(frame.dscores, mixture.dscores, out=frame.dscores)
        return mixture.share * value[0] + (1 - mixture.share) * other, value[1]

    def compute_loss(self, batch: Batch) -> Value:
        """Return the mean loss of the scores that the batch has, and its weight; fill its dscores."""
        return self._compute_loss(batch, batch.targets, batch.weights, batch.frame.dscores)

    def _compute_loss(self, batch: Batch, targets: Array, weights: Array | None, dscores: Array) -> Value:
        """Return the mean loss of the batch's scores for some targets, and their weight; fill dscores."""
        value = self.loss.value_and_grad(batch.frame.scores, targets, weights, dscores, batch.scratch)
        return value if type(value) is tuple and type(value[0]) in (float, complex) else read_value(self.loss, value)

    def loss_and_grad(self, batch: Batch) -> Value:
        """Return the mean loss of a training batch without penalty, and the weight of the batch; fill the network's
        gradient."""
        value = self.loss_value(batch, training=True)
        batch.frame.backward()
        return value

    def penalty(self) -> Any:
        """Return the penalty on the present weights."""
        theta = self.network.theta
        return sum((one.compute_penalty(theta[chunk], self._scratch[chunk]) for chunk, one in self.penalties), 0.0)

    def add_penalty_gradient(self) -> None:
        """Add the gradient of the penalty to the network's gradient."""
        for chunk, one in self.penalties:
            one.add_gradient(self.network.theta[chunk], self.network.grad[chunk], self._scratch[chunk])

    def value_and_grad(self, batch: Batch) -> float:
        """Return loss plus penalty of a training batch; fill the network's gradient with the gradient of this sum."""
        value, _ = self.loss_and_grad(batch)
        self.add_penalty_gradient()
        total: float = value + self.penalty()
        return total

    def constrain(self) -> None:
        """Scale weights down to the largest norm that `max_norm` allows."""
        if self.regularization.max_norm is not None:
            for entry in self.network.entries:
                if entry.parameter.decay and len(entry.shape) > 1:
                    weight, scratch = (
                        vector[entry.slice].reshape(entry.shape) for vector in (self.network.theta, self._scratch)
                    )
                    self.regularization.constrain(weight, scratch, entry.parameter.axis)


def plan_augmentations(augmentations: Sequence[Augmentation], shape: Shape) -> list[Mapping[str, Scratch]]:
    """Return the scratch that augmentations need for rows of a shape.

    Raises:
        OptionError: one does not fit such rows, or two of them mix rows.
    """
    plans = []
    for k, one in enumerate(augmentations):
        name, field = name_of(one), f"augmentation.{k}"
        if one.mixes and any(other.mixes for other in augmentations[:k]):
            raise OptionError(Mistake(field, f"{name} mixes rows that are already mixed; remove one"))
        try:
            plan = one.plan(shape)
        except OptionError as error:
            raise error.prefix_fields(f"{field}.{name}") from None
        plans.append(check_scratch(plan, name, field))
    return plans


def check_scratch(plan: Mapping[str, Scratch], name: str, field: str) -> Mapping[str, Scratch]:
    """Check what the `plan` of a component returned, and return it.

    Raises:
        OptionError: it is not a mapping of names to scratch.
    """
    try:
        check_planned("plan(shape)", plan, Scratch)
    except TypeError as error:
        raise OptionError(Mistake(field, f"{name}: {error}")) from None
    return plan


def read_value(loss: Loss, value: Any) -> Value:
    """Return the value of a loss as plain numbers of Python, which JSON can hold.

    Raises:
        OptionError: it is not a mean and a weight.
    """
    try:
        mean, weight = value
        return np.asarray(mean).item(), float(weight)
    except (TypeError, ValueError):
        what = "value_and_grad must return the mean loss and the weight of the batch, as mean(...) does"
        raise OptionError(Mistake("loss", f"{name_of(loss)}: {what} (got {value!r})")) from None

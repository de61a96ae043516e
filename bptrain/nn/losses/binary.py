"""Losses on the sigmoid of each score: for two classes, or for labels that may occur together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Lt

from bptrain.arrays import Array, Shape
from bptrain.equations import Equations
from bptrain.nn import kernels
from bptrain.nn.layer import Scratch, Workspace
from bptrain.nn.losses.loss import LOSSES, Loss, Value, Weights, mean


class SigmoidLoss(Loss):
    """The base of losses on the sigmoid of each score."""

    raw_targets = True
    labels = True
    link = "sigmoid"

    def outputs(self, scores: Array, out: Array) -> Array:
        return fill_sigmoid(scores, out)


def fill_sigmoid(scores: Array, out: Array) -> Array:
    """Fill out with the sigmoid of each score, and return it."""
    kernels.sigmoid(scores, out, np.empty_like(scores), np.empty(scores.shape, bool))
    return out


@LOSSES.register
@dataclass(frozen=True)
class BinaryCrossEntropy(SigmoidLoss):
    """Cross-entropy of the sigmoid of each score: for two classes, or for several labels that may occur together.

    Put no sigmoid layer before it. Shapes: z and t `(n, width)`, t from 0 to 1. PyTorch's BCEWithLogitsLoss with w its
    `pos_weight`, Keras's BinaryCrossentropy(from_logits=True). Reference: Good, 1952.

    A term is computed from |z| and ln(1 + e) with e = exp(-|z|), which cannot overflow. It is not defined at an
    infinite z.
    """

    equations = Equations(
        forward=("L = -Σ (w t ln σ(z) + (1 - t) ln(1 - σ(z))) / (n · width)",),
        backward=("dz = ((1 - t) σ(z) - w t (1 - σ(z))) / (n · width)",),
    )
    aliases = ("bce", "bce_with_logits", "binary_crossentropy", "logistic")
    symbols: ClassVar[Mapping[str, str]] = {"positive_weight": "w"}

    positive_weight: Annotated[float, Gt(0), "weight w of the positive class"] = 1.0

    def widths(self, classes: int | None, columns: int) -> tuple[int, ...]:
        if classes is None:
            return (columns,)
        return (1,) if classes == 2 and columns == 1 else ()

    def objection(self, targets: Array, classes: int | None) -> str | None:
        wrong = targets[(targets < 0) | (targets > 1)]
        return f"a label must be from 0 to 1 (got {wrong.flat[0]:g})" if wrong.size else None

    def plan(self, shape: Shape) -> Mapping[str, Scratch]:
        numbers = dict.fromkeys(("decay", "terms", "no", "yes", "both"), Scratch(shape))
        return {"positive": Scratch(shape, "bool"), **numbers}

    def value_and_grad(self, scores: Array, targets: Array, weights: Weights, dscores: Array, s: Workspace) -> Value:
        np.greater(scores.real, 0, out=s.positive)
        np.subtract(1, targets, out=s.no)
        np.multiply(targets, self.positive_weight, out=s.yes)
        # The first summand of a term: |z|, times (1 - t) where z > 0, else times w t.
        kernels.absolute_from_left(scores, s.terms)
        np.copyto(dscores, s.yes)
        np.copyto(dscores, s.no, where=s.positive)
        s.terms *= dscores
        # The second summand: ln(1 + e) times (1 - t + w t).
        kernels.exp_of_minus_abs(scores, s.decay)
        kernels.log1p(s.decay, dscores)
        np.add(s.no, s.yes, out=s.both)
        dscores *= s.both
        s.terms += dscores

        # σ(z) is 1 / (1 + e) for z > 0, else e / (1 + e), and 1 - σ(z) is the other of the two, without a subtraction.
        np.copyto(dscores, s.decay)
        np.copyto(dscores, 1, where=s.positive)
        dscores *= s.no
        np.multiply(s.yes, s.decay, out=s.yes, where=s.positive)
        dscores -= s.yes
        s.decay += 1
        dscores /= s.decay
        return mean(s.terms, dscores, weights)


@LOSSES.register
@dataclass(frozen=True)
class Focal(SigmoidLoss):
    """Cross-entropy of the sigmoid of each score, with less weight on rows that are already right: for rare classes.

    Shapes: z and t `(n, width)`, t 0 or 1; several classes have a score each. As torchvision's sigmoid_focal_loss,
    whose alpha is 0.25. Reference: Lin et al., 2017.
    """

    equations = Equations(
        forward=("L = Σ σ(-u)^γ (-ln σ(u)) / (n · width)", "u = (2 t - 1) z"),
        backward=("dz = (2 t - 1) du", "du = -σ(-u)^γ (γ σ(u) (-ln σ(u)) + σ(-u)) / (n · width)"),
        variants={
            "with alpha": Equations(
                forward=("L = Σ q σ(-u)^γ (-ln σ(u)) / (n · width)", "u = (2 t - 1) z", "q = α t + (1 - α) (1 - t)"),
                backward=("dz = (2 t - 1) du", "du = -q σ(-u)^γ (γ σ(u) (-ln σ(u)) + σ(-u)) / (n · width)"),
            )
        },
    )
    aliases = ("focal_loss",)

    gamma: Annotated[float, Ge(0), "the higher, the less weight on rows that are right; 0 is binary_cross_entropy"] = (
        2.0
    )
    alpha: Annotated[
        Annotated[float, Gt(0), Lt(1)] | None, "weight of label 1, with 1 - alpha for label 0; null: both 1"
    ] = None

    def widths(self, classes: int | None, columns: int) -> tuple[int, ...]:
        if classes is None:
            return (columns,)
        return (1,) if classes == 2 else (classes,)

    def objection(self, targets: Array, classes: int | None) -> str | None:
        wrong = targets[(targets != 0) & (targets != 1)]
        return f"a label must be 0 or 1 (got {wrong.flat[0]:g})" if wrong.size else None

    def choose_equations(self, width: int) -> Equations:
        return self.equations if self.alpha is None else self.equations.variants["with alpha"]

    def plan(self, shape: Shape) -> Mapping[str, Scratch]:
        return dict.fromkeys(("sign", "terms", "right", "wrong", "tail"), Scratch(shape))

    def value_and_grad(self, scores: Array, targets: Array, weights: Weights, dscores: Array, s: Workspace) -> Value:
        np.multiply(targets, 2, out=s.sign)
        s.sign -= 1
        np.multiply(scores, s.sign, out=dscores)
        # right = -ln σ(-u) and wrong = -ln σ(u); all powers and logarithms of σ(u) and σ(-u) follow from these two.
        kernels.softplus(dscores, s.right, s.tail)
        np.negative(dscores, out=dscores)
        kernels.softplus(dscores, s.wrong, s.tail)
        np.multiply(s.right, -self.gamma, out=s.tail)
        np.exp(s.tail, out=s.tail)
        if self.alpha is not None:
            # α for sign 1 and 1 - α for sign -1
            np.multiply(s.sign, self.alpha - 0.5, out=s.terms)
            s.terms += 0.5
            s.tail *= s.terms
        np.multiply(s.tail, s.wrong, out=s.terms)

        np.negative(s.wrong, out=dscores)
        np.exp(dscores, out=dscores)
        dscores *= s.wrong
        dscores *= self.gamma
        np.negative(s.right, out=s.right)
        np.exp(s.right, out=s.right)
        dscores += s.right
        dscores *= s.tail
        dscores *= s.sign
        np.negative(dscores, out=dscores)
        return mean(s.terms, dscores, weights)

"""Linear models: ridge, softmax and logistic regression of encoded inputs, as a ruler for networks.

Inputs `(n, inputs)` are standardized first, and the weights, but not the intercepts, have the penalty `|w|²/2` beside
the sum of the losses, as by default in scikit-learn's Ridge (whose penalty is `|w|²`) and LogisticRegression.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bptrain.arrays import Array
from bptrain.metrics import Kind

MOST_STEPS = 100
"""The most steps of L-BFGS."""

MEMORY = 10
"""How many past steps L-BFGS takes into account."""

TOLERANCE = 1e-4
"""L-BFGS ends when no entry of the gradient of the mean loss is larger."""

Objective = Callable[[Array], tuple[float, Array]]


@dataclass(frozen=True)
class LinearModel:
    """Weights `(inputs, outputs)` and intercepts `(outputs,)`, and the kind of the target."""

    kind: Kind
    weights: Array
    intercepts: Array

    def predict(self, inputs: Array) -> Array:
        """Return the outputs `(n, outputs)` float64: numbers, or probabilities of classes or labels."""
        scores = inputs.astype(np.float64) @ self.weights + self.intercepts
        return scores if self.kind == "numbers" else compute_probabilities(self.kind, scores)


def fit_linear_model(kind: Kind, inputs: Array, targets: Array) -> LinearModel:
    """Fit a linear model.

    Args:
        kind: of the target.
        inputs: `(n, inputs)`, finite.
        targets: `(n, outputs)` float64: numbers, labels of 0 and 1, or classes as one 1 in each row.
    """
    wide = inputs.astype(np.float64)
    means, stds = wide.mean(axis=0), wide.std(axis=0)
    # A column that is constant but for rounding has no influence.
    factors = np.where(stds > 1e-9 * np.abs(means), 1 / np.where(stds > 0, stds, 1), 0.0)
    scaled = (wide - means) * factors
    if kind == "numbers":
        weights, intercepts = solve_ridge(scaled, targets)
    else:
        weights, intercepts = minimize_entropy(kind, scaled, targets)
    weights = weights * factors[:, None]
    return LinearModel(kind, weights, intercepts - means @ weights)


def solve_ridge(inputs: Array, targets: Array) -> tuple[Array, Array]:
    """Return weights and intercepts of ridge regression with penalty 1 on centred inputs, by whichever system of linear
    equations is smaller."""
    count, width = inputs.shape
    means = targets.mean(axis=0)
    centred = targets - means
    if width <= count:
        gram = inputs.T @ inputs + np.eye(width)
        return np.linalg.solve(gram, inputs.T @ centred), means
    return inputs.T @ np.linalg.solve(inputs @ inputs.T + np.eye(count), centred), means


def minimize_entropy(kind: Kind, inputs: Array, targets: Array) -> tuple[Array, Array]:
    """Return weights and intercepts that minimize the cross-entropy `L = -Σ t·log p` of classes or labels with penalty.

    The gradient of L by the scores is `p - t`.
    """
    count, width = inputs.shape
    outputs = targets.shape[1]

    def compute_loss(flat: Array) -> tuple[float, Array]:
        theta = flat.reshape(width + 1, outputs)
        scores = inputs @ theta[:-1] + theta[-1]
        if kind == "classes":
            shifted = scores - scores.max(axis=1, keepdims=True)
            loss = np.log(np.exp(shifted).sum(axis=1)).sum() - (shifted * targets).sum()
        else:
            loss = np.logaddexp(0, scores).sum() - (scores * targets).sum()
        difference = compute_probabilities(kind, scores) - targets
        gradient = np.concatenate([inputs.T @ difference + theta[:-1], difference.sum(axis=0, keepdims=True)])
        return float(loss + (theta[:-1] ** 2).sum() / 2) / count, gradient.ravel() / count

    theta = minimize(compute_loss, np.zeros((width + 1) * outputs)).reshape(width + 1, outputs)
    return theta[:-1], theta[-1]


def compute_probabilities(kind: Kind, scores: Array) -> Array:
    """Return probabilities from scores: the softmax for classes, the logistic function for labels."""
    if kind == "classes":
        exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))
    return np.asarray(0.5 * (1 + np.tanh(0.5 * scores)))


def minimize(objective: Objective, start: Array) -> Array:
    """Minimize a convex function by L-BFGS, with steps that are halved until the function decreases enough.

    Reference: Nocedal and Wright, Numerical Optimization, 2006, algorithm 7.4.
    """
    theta = start
    value, gradient = objective(theta)
    pairs: deque[tuple[Array, Array]] = deque(maxlen=MEMORY)
    for _ in range(MOST_STEPS):
        if np.abs(gradient).max(initial=0.0) < TOLERANCE:
            break
        direction = -multiply_inverse_hessian(gradient, pairs)
        slope = float(direction @ gradient)
        size = 1.0 if pairs else min(1.0, 1.0 / float(np.abs(gradient).sum()))
        for _ in range(30):
            there = theta + size * direction
            new_value, new_gradient = objective(there)
            if new_value <= value + 1e-4 * size * slope:
                break
            size /= 2
        else:
            break
        step, change = there - theta, new_gradient - gradient
        if float(step @ change) > 1e-12:
            pairs.append((step, change))
        theta, value, gradient = there, new_value, new_gradient
    return theta


def multiply_inverse_hessian(gradient: Array, pairs: "deque[tuple[Array, Array]]") -> Array:
    """Return the product of a gradient with the inverse Hessian that the past steps and changes suggest."""
    product, shares = gradient.copy(), []
    for step, change in reversed(pairs):
        shares.append(float(step @ product) / float(step @ change))
        product -= shares[-1] * change
    if pairs:
        step, change = pairs[-1]
        product *= float(step @ change) / float(change @ change)
    for step, change in pairs:
        product += (shares.pop() - float(change @ product) / float(step @ change)) * step
    return product

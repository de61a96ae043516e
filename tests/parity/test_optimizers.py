"""Optimizers and schedules against PyTorch itself, in float64."""

from itertools import pairwise

import numpy as np
import pytest

from bptrain.optim import (
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    Adamw,
    Cosine,
    CosineRestarts,
    Exponential,
    Lbfgs,
    MultiStep,
    Nadam,
    OneCycle,
    Plateau,
    Polynomial,
    Regularization,
    Rmsprop,
    Rprop,
    Sgd,
    Step,
)

torch = pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def _double_precision():
    """NAdam keeps its product of momenta in the default dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


OPTIMIZERS = [
    (Sgd(lr=0.05), torch.optim.SGD, {}, 0),
    (Sgd(lr=0.05), torch.optim.SGD, {"weight_decay": 0.1}, 0.1),
    (Sgd(lr=0.05, momentum=0.9), torch.optim.SGD, {"momentum": 0.9}, 0),
    (Sgd(lr=0.05, momentum=0.9, dampening=0.3), torch.optim.SGD, {"momentum": 0.9, "dampening": 0.3}, 0),
    (Sgd(lr=0.05, momentum=0.8, nesterov=True), torch.optim.SGD, {"momentum": 0.8, "nesterov": True}, 0),
    (Adagrad(lr=0.05), torch.optim.Adagrad, {}, 0),
    (
        Adagrad(lr=0.05, initial=0.1, epsilon=0.01),
        torch.optim.Adagrad,
        {"initial_accumulator_value": 0.1, "eps": 0.01},
        0,
    ),
    (Adadelta(), torch.optim.Adadelta, {}, 0),
    (Adadelta(lr=0.5, rho=0.7, epsilon=1e-2), torch.optim.Adadelta, {"rho": 0.7, "eps": 1e-2}, 0.01),
    (Rmsprop(lr=0.01), torch.optim.RMSprop, {"alpha": 0.9}, 0),
    (Rmsprop(lr=0.01, rho=0.5, epsilon=0.1), torch.optim.RMSprop, {"alpha": 0.5, "eps": 0.1}, 0.1),
    (Rmsprop(lr=0.01, momentum=0.8), torch.optim.RMSprop, {"alpha": 0.9, "momentum": 0.8}, 0),
    (Rmsprop(lr=0.01, centered=True), torch.optim.RMSprop, {"alpha": 0.9, "centered": True}, 0),
    (
        Rmsprop(lr=0.01, rho=0.99, centered=True, momentum=0.9, epsilon=0.01),
        torch.optim.RMSprop,
        {"alpha": 0.99, "centered": True, "momentum": 0.9, "eps": 0.01},
        0,
    ),
    (Adam(lr=0.01), torch.optim.Adam, {}, 0),
    (Adam(lr=0.01, beta1=0.5, beta2=0.8, epsilon=0.1), torch.optim.Adam, {"betas": (0.5, 0.8), "eps": 0.1}, 0.1),
    (Adam(lr=0.01, beta2=0.5, amsgrad=True), torch.optim.Adam, {"betas": (0.9, 0.5), "amsgrad": True}, 0),
    (Adamw(lr=0.01), torch.optim.AdamW, {}, 0),
    (Adamw(lr=0.01, weight_decay=0.5), torch.optim.AdamW, {"weight_decay": 0.5}, 0),
    (
        Adamw(lr=0.01, weight_decay=0.1, beta2=0.6, amsgrad=True),
        torch.optim.AdamW,
        {"weight_decay": 0.1, "betas": (0.9, 0.6), "amsgrad": True},
        0,
    ),
    (Adamax(lr=0.01), torch.optim.Adamax, {}, 0),
    (Adamax(lr=0.01, beta1=0.5, beta2=0.7, epsilon=0.1), torch.optim.Adamax, {"betas": (0.5, 0.7), "eps": 0.1}, 0.1),
    (Nadam(lr=0.01), torch.optim.NAdam, {}, 0),
    (
        Nadam(lr=0.01, beta1=0.8, beta2=0.9, epsilon=0.01, momentum_decay=0.1),
        torch.optim.NAdam,
        {"betas": (0.8, 0.9), "eps": 0.01, "momentum_decay": 0.1},
        0.1,
    ),
    (Rprop(lr=0.01), torch.optim.Rprop, {}, 0),
    (
        Rprop(lr=0.1, shrink=0.4, grow=1.5, smallest=0.05, largest=0.3),
        torch.optim.Rprop,
        {"etas": (0.4, 1.5), "step_sizes": (0.05, 0.3)},
        0,
    ),
]


@pytest.mark.parametrize(("ours", "theirs", "options", "l2"), OPTIMIZERS)
def test_a_hundred_steps(ours, theirs, options, l2):
    rng = np.random.default_rng(0)
    theta = rng.normal(size=50)
    parameter = torch.tensor(theta.copy(), requires_grad=True)
    other = theirs([parameter], lr=ours.lr, **({"weight_decay": l2} if l2 else {}) | options)
    slots = [np.zeros(50) for _ in range(ours.slots)]
    ours.start(slots)
    penalty = Regularization(l2=l2)
    for step in range(1, 101):
        grad = rng.normal(size=50)
        parameter.grad = torch.tensor(grad.copy())
        other.step()
        penalty.add_gradient(theta, grad, np.empty(50))
        ours.update(theta, grad, slots, lr=ours.lr, step=step, decayed=50)
        np.testing.assert_allclose(theta, parameter.detach().numpy(), rtol=1e-10, atol=1e-14)


def test_lbfgs_on_a_quadratic():
    """Where the first trial meets the conditions, the searches do not differ and the directions must not."""
    scales, goal, history = np.logspace(0, 4, 20), np.arange(20.0), 5
    theta, grad, ours = np.zeros(20), np.empty(20), Lbfgs(history=history)
    slots = [np.zeros(20) for _ in range(ours.slots)]
    parameter = torch.zeros(20, requires_grad=True)
    options = {"max_iter": 1, "max_eval": 100, "tolerance_change": 0, "tolerance_grad": 0}
    theirs = torch.optim.LBFGS([parameter], history_size=history, line_search_fn="strong_wolfe", **options)

    def evaluate():
        np.multiply(scales, theta - goal, out=grad)
        return float(grad @ (theta - goal)) / 2

    def closure():
        theirs.zero_grad()
        error = parameter - torch.tensor(goal)
        loss = (torch.tensor(scales) * error * error).sum() / 2
        loss.backward()
        return loss

    for step in range(1, 31):
        ours.advance(theta, grad, slots, evaluate, lr=1.0, step=step)
        theirs.step(closure)
        np.testing.assert_allclose(theta, parameter.detach().numpy(), rtol=1e-8, atol=1e-10)


EPOCHS = 30
lr = torch.optim.lr_scheduler
SCHEDULES = [
    (Step(every=7, gamma=0.3), lr.StepLR, {"step_size": 7, "gamma": 0.3}),
    (MultiStep((3, 11, 20), gamma=0.3), lr.MultiStepLR, {"milestones": [3, 11, 20], "gamma": 0.3}),
    (Exponential(gamma=0.9), lr.ExponentialLR, {"gamma": 0.9}),
    (Cosine(), lr.CosineAnnealingLR, {"T_max": EPOCHS}),
    (Cosine(final=0.25), lr.CosineAnnealingLR, {"T_max": EPOCHS, "eta_min": 0.1}),
    (CosineRestarts(period=4), lr.CosineAnnealingWarmRestarts, {"T_0": 4}),
    (CosineRestarts(3, 2, 0.25), lr.CosineAnnealingWarmRestarts, {"T_0": 3, "T_mult": 2, "eta_min": 0.1}),
    (Polynomial(power=3), lr.PolynomialLR, {"total_iters": EPOCHS, "power": 3}),
    (Polynomial(power=0.5), lr.PolynomialLR, {"total_iters": EPOCHS, "power": 0.5}),
]


def rates(scheduler, count):
    """The factors of a schedule of PyTorch's, before every epoch; the learning rate is 0.4."""
    for _ in range(count):
        yield scheduler.optimizer.param_groups[0]["lr"] / 0.4
        scheduler.optimizer.step()
        scheduler.step()


def optimizer():
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)


@pytest.mark.parametrize(("ours", "theirs", "options"), SCHEDULES)
def test_schedule_at_every_epoch(ours, theirs, options):
    expected = list(rates(theirs(optimizer(), **options), EPOCHS + 1))
    found = [ours.factor(epoch, EPOCHS, 1.0) for epoch in range(EPOCHS + 1)]
    assert found == pytest.approx(expected, rel=1e-10, abs=1e-14)


@pytest.mark.parametrize(("rise", "div_factor", "final_div_factor"), [(0.3, 25, 1e4), (0.5, 10, 100)])
def test_one_cycle(rise, div_factor, final_div_factor):
    scheduler = lr.OneCycleLR(
        optimizer(),
        max_lr=0.4,
        total_steps=EPOCHS,
        pct_start=rise,
        div_factor=div_factor,
        final_div_factor=final_div_factor,
        cycle_momentum=False,
    )
    expected = list(rates(scheduler, EPOCHS - 1))
    # PyTorch's peak is at step rise · N - 1, and its end at N - 1.
    last = EPOCHS - 1
    ours = OneCycle((rise * EPOCHS - 1) / last, div_factor, final_div_factor)
    assert [ours.factor(t, last, 1.0) for t in range(last)] == pytest.approx(expected, rel=1e-10)
    scheduler = lr.OneCycleLR(optimizer(), 0.4, 20_000, pct_start=0.3, cycle_momentum=False)
    long = np.array(list(rates(scheduler, 19_999)))
    assert np.abs(long - [OneCycle().factor(t / 100, 200, 1.0) for t in range(19_999)]).max() < 2e-4


@pytest.mark.parametrize(
    ("ours", "options"),
    [
        (Plateau(), {}),
        (Plateau(patience=2, gamma=0.5), {"patience": 2, "factor": 0.5}),
        (Plateau(patience=1, gamma=0.5, cooldown=3), {"patience": 1, "factor": 0.5, "cooldown": 3}),
        (Plateau(patience=0, gamma=0.5, floor=0.1), {"patience": 0, "factor": 0.5, "min_lr": 0.04}),
        (Plateau(patience=2, gamma=0.5, threshold=0.2), {"patience": 2, "factor": 0.5, "threshold": 0.2}),
    ],
)
def test_plateau(ours, options):
    losses = np.exp(-np.arange(120) / 40) + 0.1 * np.random.default_rng(0).random(120)
    other = optimizer()
    scheduler = lr.ReduceLROnPlateau(other, eps=0, **options)
    found, expected = [], []
    for epoch in range(1, 121):
        scheduler.step(losses[epoch - 1])
        expected.append(other.param_groups[0]["lr"] / 0.4)
        found.append(ours.factor(epoch, 120, ours.remember(losses[:epoch].tolist())))
    assert found == pytest.approx(expected, rel=1e-10)
    assert any(a != b for a, b in pairwise(found))

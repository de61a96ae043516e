"""Schedules against closed forms, the plateau against hand-made tables, and warm-up before each of them."""

from math import cos, inf, nan, pi

import pytest

from bptrain.optim import (
    SCHEDULES,
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    InverseTime,
    Linear,
    MultiStep,
    OneCycle,
    Plateau,
    Polynomial,
    Step,
    Warmup,
)


@pytest.mark.parametrize(
    ("schedule", "epoch", "expected"),
    [
        (Constant(), 7.5, 1.0),
        (Step(every=3, gamma=0.5), 2.99, 1.0),
        (Step(every=3, gamma=0.5), 3, 0.5),
        (Step(every=3, gamma=0.5), 9.5, 0.125),
        (MultiStep((2, 5), gamma=0.1), 1.99, 1.0),
        (MultiStep((2, 5), gamma=0.1), 2, 0.1),
        (MultiStep((2, 5), gamma=0.1), 6, 0.01),
        (Exponential(gamma=0.25), 0.5, 0.5),
        (Exponential(gamma=0.25), 3, 1 / 64),
        (InverseTime(decay=0.5), 0, 1.0),
        (InverseTime(decay=0.5), 3, 0.4),
        (Polynomial(power=2, final=0.2), 0, 1.0),
        (Polynomial(power=2, final=0.2), 5, 0.4),
        (Polynomial(power=2, final=0.2), 10, 0.2),
        (Polynomial(power=0.5), 7.5, 0.5),
        (Linear(final=0.2), 2.5, 0.8),
        (Linear(final=0.2), 11, 0.2),
        (Cosine(), 0, 1.0),
        (Cosine(), 5, 0.5),
        (Cosine(), 1, 0.9755282581475768),
        (Cosine(), 10, 0.0),
        (Cosine(), 12, 0.0),
        (Cosine(final=0.1), 10, 0.1),
        (Cosine(final=0.1), 5, 0.55),
        (CosineRestarts(period=2), 1, 0.5),
        (CosineRestarts(period=2), 2, 1.0),
        (CosineRestarts(period=2), 7, 0.5),
        (CosineRestarts(period=2, growth=2, final=0.5), 4, 0.75),
        (CosineRestarts(period=2, growth=2, final=0.5), 6, 1.0),
        (CosineRestarts(period=2, growth=2, final=0.5), 10, 0.75),
        (OneCycle(), 0, 0.04),
        (OneCycle(), 1.5, 0.52),
        (OneCycle(), 3, 1.0),
        (OneCycle(), 6.5, (1 + 4e-6) / 2),
        (OneCycle(), 10, 4e-6),
        (Warmup(epochs=4), 0, 0.0),
        (Warmup(epochs=4), 3, 0.75),
        (Warmup(epochs=4, start=0.5), 2, 0.75),
        (Warmup(epochs=4), 4, 1.0),
        (Warmup(epochs=0.5), 0.25, 0.5),
        (Warmup(epochs=4, then=Cosine()), 7, 0.5),
        (Warmup(epochs=4, then=Linear()), 10, 0.0),
        (Warmup(epochs=20, then=Linear()), 10, 0.5),
    ],
)
def test_schedule(schedule, epoch, expected):
    assert schedule.factor(epoch, 10, 1.0) == pytest.approx(expected, rel=1e-14, abs=1e-16)


def build_schedule(name):
    cls = SCHEDULES.members[name]
    return cls((2, 3)) if cls is MultiStep else cls()


def losses(count):
    return [1 + 0.5 * cos(pi * t / 7) for t in range(count)]


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_every_factor_is_between_0_and_1(name):
    schedule = build_schedule(name)
    for t in range(241):
        memory = schedule.remember(losses(t // 8))
        assert 0 <= memory <= 1
        assert 0 <= schedule.factor(t / 8, 25, memory) <= 1
        assert 0 <= schedule.factor(t / 8, 4, memory) <= 1


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_warmup_can_precede_every_schedule(name):
    then = build_schedule(name)
    warm = Warmup(epochs=3, start=0.1, then=then)
    for t in range(81):
        done = t / 4
        memory = warm.remember(losses(int(done)))
        if done < 3:
            assert warm.factor(done, 20, memory) == pytest.approx(0.1 + 0.3 * done, rel=1e-14)
        else:
            assert memory == then.remember(losses(int(done))[3:])
            assert warm.factor(done, 20, memory) == then.factor(done - 3, 17, memory)


# Options, losses, and the factor after each of them, worked out by hand.
PLATEAUS = [
    ({"patience": 0, "gamma": 0.5}, (3, 2, 2, 1, 1, 1), (1, 1, 0.5, 0.5, 0.25, 0.125)),
    ({"patience": 2, "gamma": 0.5}, (3, 3, 3, 3, 3, 3, 3), (1, 1, 1, 0.5, 0.5, 0.5, 0.25)),
    ({"patience": 1, "gamma": 0.5}, (3, 4, 2, 4, 4), (1, 1, 1, 1, 0.5)),
    # The two epochs after the drop do not count.
    ({"patience": 0, "gamma": 0.5, "cooldown": 2}, (3, 3, 3, 3, 3, 3, 3), (1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25)),
    ({"patience": 0, "gamma": 0.5, "floor": 0.3}, (3, 3, 3, 3), (1, 0.5, 0.3, 0.3)),
    # Below the best by a tenth of it, or it does not count.
    ({"patience": 0, "gamma": 0.5, "threshold": 0.1}, (10, 9.01, 8.99, 8.1), (1, 0.5, 0.5, 0.25)),
    ({"patience": 0, "gamma": 0.5, "threshold": 0.1}, (-10, -10.5, -11.1, -11.1), (1, 0.5, 0.5, 0.25)),
    ({"patience": 0, "gamma": 0.5}, (inf, nan, 3, 2), (0.5, 0.25, 0.25, 0.25)),
]


@pytest.mark.parametrize(("options", "losses", "factors"), PLATEAUS)
def test_plateau(options, losses, factors):
    schedule = Plateau(**options)
    memories = [schedule.remember(losses[: k + 1]) for k in range(len(losses))]
    assert memories == pytest.approx(factors, rel=1e-15)
    assert schedule.remember(()) == 1
    assert [schedule.factor(k + 1, 99, memory) for k, memory in enumerate(memories)] == memories


def test_a_plateau_after_a_warmup_ignores_the_losses_before():
    warm = Warmup(epochs=1.5, then=Plateau(patience=0, gamma=0.5))
    assert [warm.remember((1, 1, 3, 2, 2)[:k]) for k in range(6)] == [1, 1, 1, 1, 1, 0.5]

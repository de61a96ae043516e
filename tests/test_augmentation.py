"""Augmentation: it follows its formula, changes only training rows, and is reproducible by seed."""

import json
from pathlib import Path

import numpy as np
import pytest
from speeds import sampled

import bptrain
from bptrain.arrays import Streams
from bptrain.columns.augmentation import AUGMENTATIONS, FeatureDropout, GaussianNoise, ImageShift, Mixup
from bptrain.commands.train import train
from bptrain.errors import ConfigError
from bptrain.model.objective import Objective
from bptrain.nn import LOSSES, Network, resolve_layers
from bptrain.nn.activations import Tanh
from bptrain.nn.layers import Dense
from bptrain.optim import Regularization
from bptrain.registry import name_of

EXAMPLES = {"image_shift": {"height": 2, "width": 3}}


def batch_of(rows, augmentation, loss="mse", targets=None, weights=None, seed=0, dtype="float64"):
    """Return a filled batch of the rows `(n, inputs)` and its objective."""
    rows, kind = np.asarray(rows, float), LOSSES.members[loss]()
    width = 3 if kind.encoding == "codes" else rows.shape[1]
    layers = resolve_layers((Dense(4), Tanh(), Dense(width)), width)
    network = Network(layers, rows.shape[1:], batch=len(rows), dtype=dtype, rng=Streams(seed))
    objective = Objective(
        network,
        kind,
        Regularization(),
        weighted=weights is not None,
        augmentations=[augmentation] if augmentation else [],
    )
    batch = objective.batch(len(rows))
    if targets is None:
        targets = np.arange(len(rows)) % 3 if kind.encoding == "codes" else np.zeros((len(rows), width))
    batch.fill(rows.astype(dtype), targets, np.arange(len(rows)), weights)
    return batch, objective


def augmented(rows, augmentation, **options):
    batch, _ = batch_of(rows, augmentation, **options)
    batch.augment()
    return batch.input


def test_noise_has_the_given_mean_and_standard_deviation():
    rows = np.random.default_rng(1).normal(5, 2, size=(400, 100))
    noise = augmented(rows, GaussianNoise(0.3)) - rows
    # 40,000 values: the standard errors are 0.0015 and 0.0011.
    assert noise.mean() == pytest.approx(0, abs=0.008)
    assert noise.std() == pytest.approx(0.3, abs=0.005)
    assert np.mean(np.abs(noise) < 0.3) == pytest.approx(0.6827, abs=0.012)
    assert len(np.unique(noise)) > 39_000
    assert np.abs(np.corrcoef(noise[:, :5].T) - np.eye(5)).max() < 0.25


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_feature_dropout_drops_its_share_and_does_not_change_the_rest(rate):
    rows = np.random.default_rng(1).normal(5, 1, size=(400, 100))
    found = augmented(rows, FeatureDropout(rate))
    dropped = found == 0
    assert dropped.mean() == pytest.approx(rate, abs=0.01)
    assert dropped.mean(axis=0).std() < 0.04
    assert np.array_equal(found[~dropped], rows[~dropped])


def shift_image(image, down, right):
    """Return an image `(height, width, channels)` moved by `np.roll`, with 0 for pixels from the other side."""
    found = np.roll(image, (down, right), axis=(0, 1))
    if down:
        found[slice(0, down) if down > 0 else slice(down, None)] = 0
    if right:
        found[:, slice(0, right) if right > 0 else slice(right, None)] = 0
    return found


@pytest.mark.parametrize(
    ("height", "width", "pixels", "channels"),
    sampled([(4, 5, 1, 1), (5, 3, 2, 1), (3, 4, 1, 3), (1, 6, 2, 1), (6, 6, 3, 1)]),
)
def test_every_shift_of_an_image_is_equally_likely(height, width, pixels, channels):
    shape = (height, width, channels)
    rows = np.random.default_rng(2).uniform(1, 2, size=(1500, height * width * channels)).astype(np.float32)
    found = augmented(rows, ImageShift(height, width, pixels, channels), dtype="float32")
    down, right = min(pixels, height - 1), min(pixels, width - 1)
    counts = {}
    for row, moved in zip(rows, found, strict=True):
        each = {
            (a, b): shift_image(row.reshape(shape), a, b).reshape(-1)
            for a in range(-down, down + 1)
            for b in range(-right, right + 1)
        }
        (shift,) = [one for one, image in each.items() if np.array_equal(image, moved)]
        counts[shift] = counts.get(shift, 0) + 1
    most = (2 * down + 1) * (2 * right + 1)
    expected = 1500 / most
    assert len(counts) == most
    assert max(abs(count - expected) for count in counts.values()) < 5 * np.sqrt(expected)


def test_mixup_follows_its_formula_with_one_share_and_a_permutation():
    rows = np.random.default_rng(3).normal(size=(50, 4))
    batch, _ = batch_of(rows, Mixup(1.0), targets=rows.copy(), weights=np.arange(1.0, 51))
    batch.augment()
    stream = Streams(0).augmentation
    share, order = stream.beta(1.0, 1.0), np.arange(50)
    stream.shuffle(order)
    assert sorted(order) == list(range(50))
    assert 0.05 < share < 0.95
    np.testing.assert_allclose(batch.input, share * rows + (1 - share) * rows[order], rtol=1e-14)
    assert batch.mixture.share == share
    assert np.array_equal(batch.mixture.targets, rows[order])
    assert np.array_equal(batch.mixture.weights, np.arange(1.0, 51)[order])
    assert np.array_equal(batch.targets, rows)


def test_the_share_of_mixup_has_a_beta_distribution():
    shares = []
    batch, _ = batch_of(np.ones((2, 1)), Mixup(0.2))
    for _ in range(4000):
        batch.augment()
        shares.append(batch.mixture.share)
    # Var of Beta(a, a): 1 / (4 (2 a + 1)).
    assert np.mean(shares) == pytest.approx(0.5, abs=0.025)
    assert np.var(shares) == pytest.approx(1 / (4 * 1.4), abs=0.01)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", list(LOSSES))
def test_every_loss_is_mixed_by_the_formula(name, weighted):
    rng = np.random.default_rng(4)
    rows = rng.normal(size=(12, 3))
    loss = LOSSES.members[name]()
    targets = rng.integers(0, 3, 12)
    if loss.encoding == "values":
        targets = np.eye(3)[targets]
    weights = rng.uniform(0.5, 2, 12) if weighted else None
    batch, objective = batch_of(rows, Mixup(1.0), loss=name, targets=targets, weights=weights)
    batch.augment()
    mixture, mixed = batch.mixture, batch.input.copy()
    assert 0.05 < mixture.share < 0.95
    value, weight = objective.loss_and_grad(batch)
    grad = objective.network.grad.copy()

    plain, other = batch_of(mixed, None, loss=name, targets=targets, weights=weights)
    (own, own_weight), own_grad = other.loss_and_grad(plain), other.network.grad.copy()
    plain.fill(mixed, mixture.targets, np.arange(12), mixture.weights)
    (rest, _), rest_grad = other.loss_and_grad(plain), other.network.grad.copy()
    share = mixture.share
    assert own != pytest.approx(rest, rel=1e-3)
    assert value == pytest.approx(share * own + (1 - share) * rest, rel=1e-13)
    assert weight == pytest.approx(own_weight)
    np.testing.assert_allclose(grad, share * own_grad + (1 - share) * rest_grad, rtol=1e-10, atol=1e-14)


def test_mixed_cross_entropy_equals_that_of_soft_targets():
    rng = np.random.default_rng(5)
    rows, targets = rng.normal(size=(9, 3)), np.eye(3)[rng.integers(0, 3, 9)]
    batch, objective = batch_of(rows, Mixup(1.0), loss="binary_cross_entropy", targets=targets)
    batch.augment()
    share, mixture = batch.mixture.share, batch.mixture
    value, _ = objective.loss_and_grad(batch)
    soft = share * targets + (1 - share) * mixture.targets
    z = batch.frame.scores
    expected = np.mean(np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0) - soft * z)
    assert value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", list(AUGMENTATIONS))
class TestEveryAugmentation:
    """Laws that hold for every registered augmentation."""

    ROWS = np.random.default_rng(6).normal(size=(40, 6))

    def made(self, name):
        return AUGMENTATIONS.members[name](**EXAMPLES.get(name, {}))

    def test_a_seed_decides_it(self, name):
        one, again, other = (augmented(self.ROWS, self.made(name), seed=seed) for seed in (1, 1, 2))
        assert np.array_equal(one, again)
        assert not np.array_equal(one, other)
        assert not np.array_equal(one, self.ROWS)

    def test_no_two_batches_are_changed_alike(self, name):
        batch, _ = batch_of(self.ROWS, self.made(name))
        batch.augment()
        first = batch.input.copy()
        batch.fill(self.ROWS, np.zeros_like(self.ROWS), np.arange(40))
        assert np.array_equal(batch.input, self.ROWS)
        batch.augment()
        assert not np.array_equal(first, batch.input)

    def test_it_draws_from_its_own_stream_alone(self, name):
        batch, objective = batch_of(self.ROWS, self.made(name))
        before = objective.network.rng.state()
        batch.augment()
        after = objective.network.rng.state()
        assert [stream for stream in before if before[stream] != after[stream]] == ["augmentation"]

    def test_rows_that_are_scored_are_not_changed(self, name):
        batch, objective = batch_of(self.ROWS, self.made(name), targets=self.ROWS[::-1].copy())
        plain, other = batch_of(self.ROWS, None, targets=self.ROWS[::-1].copy())
        batch.augment()
        batch.fill(self.ROWS, self.ROWS[::-1].copy(), np.arange(40))
        assert objective.loss_value(batch, training=False) == other.loss_value(plain, training=False)


IRIS = "data: {source: {bundled: iris}}\nhidden: [6]\ntraining: {epochs: 3}\n"


def config(more="", text=IRIS):
    Path("my.yaml").write_text(text + more)
    return "my.yaml"


OPTIONS = {"image_shift": "{height: 2, width: 2}"}


@pytest.mark.parametrize("name", list(AUGMENTATIONS))
def test_it_changes_training_but_not_the_initial_weights_or_the_order_of_rows(name):
    started = []

    def sink(event):
        if hasattr(event, "session"):
            network = event.session.model.network
            started.append((network.theta.copy(), event.session.train.compute_digest()))

    plain = train(config(), run="plain", sinks=[sink])
    other = train(config(f"augmentation: [{name}: {OPTIONS.get(name, '')}]\n"), run="other", sinks=[sink])
    assert np.array_equal(started[0][0], started[1][0])
    assert started[0][1] == started[1][1]
    assert not np.array_equal(plain.session.model.network.theta, other.session.model.network.theta)
    shuffles = [result.session.model.streams.shuffle.bit_generator.state for result in (plain, other)]
    assert shuffles[0] == shuffles[1]
    found = bptrain.evaluate(other.checkpoint)
    assert found.loss == pytest.approx(other.test.loss, rel=1e-6)


def test_validation_rows_are_not_augmented():
    """With a learning rate near 0, noise would show in the validation loss."""
    text = IRIS + "optimizer: {sgd: {lr: 1.0e-30}}\n"
    plain = train(config(text=text), run="plain")
    noisy = train(config("augmentation: [gaussian_noise: 50, feature_dropout: 0.9]\n", text), run="noisy")
    assert noisy.best.score == plain.best.score
    assert noisy.test == plain.test


BROKEN = [
    (
        "[image_shift: {height: 8, width: 8}]",
        r"my.yaml:4:38: augmentation.0.image_shift.height: an image of 8 x 8 has 64 ",
    ),
    ("[image_shift: {height: 2, width: 2, pixels: 2}]", "pixels: would shift the whole image away"),
    ("[mixup, gaussian_noise, mixup]", "augmentation.2: mixup mixes rows that are already mixed; remove one"),
    ("[mixup: {alpha: 0}]", "expected a number > 0"),
    ("[gaussian_noise: {std: -1}]", "expected a number >= 0"),
    ("[feature_dropout: {rate: 1}]", "expected a number >= 0 and < 1"),
    ("[noise]", "did you mean 'gaussian_noise'"),
    ("[mix_up]", "did you mean 'mixup'"),
    ("mixup", r"write \[mixup\]"),
    ("[mixup]\noptimizer: lbfgs", "augmentation: cannot be used with lbfgs, which compares losses"),
]


@pytest.mark.parametrize(("value", "message"), BROKEN)
def test_mistakes_are_reported_with_their_place(value, message):
    text = IRIS.replace("epochs: 3", "epochs: 3, batch_size: full")
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")):
        train(config(f"augmentation: {value}\n", text), run="never")
    assert not Path("never").exists()


def test_gradients_are_checked_on_rows_without_augmentation():
    found = bptrain.check_gradients(config("augmentation: [gaussian_noise, mixup]\n"))
    assert found.passed
    assert found.notes == ("augmentation: not checked: the rows are used without augmentation",)


def test_show_summary_has_the_formula():
    found = bptrain.summarize(config("augmentation: [gaussian_noise: 0.25]\n"))
    assert ("augmentation", "gaussian_noise: x = x + 0.25 · e, e ~ N(0, 1) for each value") in [
        (fact.name, fact.text) for fact in found.formulas
    ]


@pytest.mark.parametrize("names", [["gaussian_noise", "mixup"], ["mixup", "gaussian_noise"]])
def test_augmentations_are_applied_in_the_order_of_the_config(names):
    rows = np.random.default_rng(7).normal(size=(20, 3))
    made = [AUGMENTATIONS.members[name]() for name in names]
    network = Network(resolve_layers((Dense(),), 3), (3,), batch=20, dtype="float64", rng=Streams(0))
    batch = Objective(network, LOSSES.members["mse"](), Regularization(), augmentations=made).batch(20)
    batch.fill(rows, rows, np.arange(20))
    batch.augment()
    stream, expected = Streams(0).augmentation, rows.copy()
    for one in made:
        if name_of(one) == "mixup":
            share, order = stream.beta(0.2, 0.2), np.arange(20)
            stream.shuffle(order)
            expected = share * expected + (1 - share) * expected[order]
        else:
            expected = expected + 0.1 * stream.standard_normal((20, 3), dtype=np.float32)
    np.testing.assert_allclose(batch.input, expected, rtol=1e-6, atol=1e-7)


def test_the_training_loss_is_that_of_augmented_rows():
    text = IRIS + "optimizer: {sgd: {lr: 1.0e-30}}\n"
    result = train(config("augmentation: [gaussian_noise: 1000]\n", text))
    record = json.loads((result.run / "history.jsonl").read_text().splitlines()[0])
    assert record["loss"] > 20 * record["validation_loss"]

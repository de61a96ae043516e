"""Layers, activations, losses and a whole training run against PyTorch, in float64."""

import numpy as np
import pytest

from bptrain.arrays import Streams
from bptrain.model.objective import Objective
from bptrain.nn import ACTIVATIONS, LAYERS, LOSSES, Network
from bptrain.nn.activations import Elu, LeakyRelu, Prelu
from bptrain.nn.initializers import GlorotUniform
from bptrain.nn.layers import BatchNorm, Dense, LayerNorm, Periodic, Residual
from bptrain.nn.losses import (
    BinaryCrossEntropy,
    Focal,
    Hinge,
    Huber,
    KlDivergence,
    Mse,
    Poisson,
    SoftmaxCrossEntropy,
)
from bptrain.optim import Adam, Regularization, Sgd

torch = pytest.importorskip("torch")
nn = torch.nn
functional = torch.nn.functional


def tensor(array, **options):
    return torch.tensor(np.array(array), **options)


def ours(layer, inputs, upstream):
    """Outputs, gradient of the inputs, and the network, for a layer alone."""
    network = Network(
        (layer,), inputs.shape[1:], batch=len(inputs), dtype="float64", rng=Streams(0), input_gradient=True
    )
    rng = np.random.default_rng(0)
    network.theta += rng.normal(0, 0.3, network.theta.size)
    frame = network.frame(len(inputs))
    frame.input[...] = inputs
    frame.forward(training=True)
    outputs = frame.scores.copy()
    frame.dscores[...] = upstream
    frame.backward()
    return outputs, frame.dinput.copy(), network


def theirs(function, inputs, upstream):
    x = tensor(inputs, requires_grad=True)
    y = function(x)
    y.backward(tensor(upstream))
    return y.detach().numpy(), x.grad.numpy()


ACTIVATION = {
    "identity": lambda x: x * 1,
    "relu": functional.relu,
    "leaky_relu": lambda x: functional.leaky_relu(x, 0.01),
    "prelu": None,
    "elu": functional.elu,
    "selu": functional.selu,
    "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "silu": functional.silu,
    "mish": functional.mish,
    "softplus": lambda x: functional.softplus(x, threshold=1e9),
    "softsign": functional.softsign,
    "hard_tanh": functional.hardtanh,
    "relu6": functional.relu6,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}


@pytest.mark.parametrize("name", list(ACTIVATIONS))
@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_activation(name, scale):
    rng = np.random.default_rng(1)
    inputs, upstream = rng.normal(0, scale, (7, 5)), rng.normal(size=(7, 5))
    inputs[0] = [0, 1, -1, 6, 20]
    outputs, gradient, network = ours(ACTIVATIONS.members[name](), inputs, upstream)
    function = ACTIVATION[name]
    if name == "prelu":
        slope = tensor(network.theta, requires_grad=True)
        function = lambda x: functional.prelu(x, slope)  # noqa: E731
    expected, slopes = theirs(function, inputs, upstream)
    np.testing.assert_allclose(outputs, expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-12, atol=1e-14)
    if name == "prelu":
        np.testing.assert_allclose(network.grad, slope.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    ("layer", "function"),
    [(LeakyRelu(0.3), lambda x: functional.leaky_relu(x, 0.3)), (Elu(0.7), lambda x: functional.elu(x, 0.7))],
)
def test_activation_with_options(layer, function):
    rng = np.random.default_rng(2)
    inputs, upstream = rng.normal(size=(7, 5)), rng.normal(size=(7, 5))
    outputs, gradient, _ = ours(layer, inputs, upstream)
    expected, slopes = theirs(function, inputs, upstream)
    np.testing.assert_allclose(outputs, expected, rtol=1e-12)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-12)


def torch_twin(network):
    """The parameters of a network as tensors that want gradients."""
    return {name: tensor(array, requires_grad=True) for name, array in network.parameters().items()}


def embed(x, p):
    """The inputs 3 and 0 embedded one after another, each by its own waves, and put behind the inputs."""
    frequency, phase, weight, bias = (p[f"0.periodic.{name}"] for name in ("frequency", "phase", "weight", "bias"))
    waves = [torch.cos(2 * np.pi * x[:, [at]] * frequency[k] + phase[k]) for k, at in enumerate((3, 0))]
    return torch.cat([x, *(functional.linear(waves[k], weight[k], bias[k][:, 0]) for k in (0, 1))], dim=1)


LAYER = {
    "dense": (Dense(4, weight_init=GlorotUniform()), lambda x, p: x @ p["0.dense.weight"] + p["0.dense.bias"]),
    "batch_norm": (
        BatchNorm(),
        lambda x, p: functional.batch_norm(
            x, None, None, p["0.batch_norm.scale"], p["0.batch_norm.shift"], training=True, eps=1e-5
        ),
    ),
    "layer_norm": (
        LayerNorm(),
        lambda x, p: functional.layer_norm(x, (5,), p["0.layer_norm.scale"], p["0.layer_norm.shift"], eps=1e-5),
    ),
    "periodic": (Periodic(4, 2, inputs=(3, 0)), embed),
    "softmax": (None, lambda x, p: torch.softmax(x, dim=1)),
    "residual": (
        Residual((Dense(3, weight_init=GlorotUniform()), Prelu(), Dense(5, weight_init=GlorotUniform()))),
        lambda x, p: (
            x
            + functional.prelu(
                x @ p["0.residual.0.dense.weight"] + p["0.residual.0.dense.bias"], p["0.residual.1.prelu.slope"]
            )
            @ p["0.residual.2.dense.weight"]
            + p["0.residual.2.dense.bias"]
        ),
    ),
}


def test_every_layer_but_the_random_ones_is_compared():
    assert set(LAYER) | {"dropout", "gaussian_noise"} == set(LAYERS) - set(ACTIVATIONS)
    assert set(ACTIVATION) == set(ACTIVATIONS)


@pytest.mark.parametrize("name", list(LAYER))
def test_layer(name):
    layer, function = LAYER[name]
    rng = np.random.default_rng(3)
    inputs = rng.normal(1, 2, (8, 5))
    upstream = rng.normal(size=(8, {"dense": 4, "periodic": 9}.get(name, 5)))
    outputs, gradient, network = ours(layer or LAYERS.members[name](), inputs, upstream)
    twin = torch_twin(network)
    expected, slopes = theirs(lambda x: function(x, twin), inputs, upstream)
    np.testing.assert_allclose(outputs, expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-11, atol=1e-13)
    for key, value in network.gradients().items():
        np.testing.assert_allclose(value, twin[key].grad.numpy(), rtol=1e-11, atol=1e-13)


def test_batch_norm_running_statistics():
    rng = np.random.default_rng(4)
    module = nn.BatchNorm1d(5, dtype=torch.float64)
    network = Network((BatchNorm(),), (5,), batch=6, dtype="float64", rng=Streams(0))
    for _ in range(3):
        inputs = rng.normal(3, 2, (6, 5))
        module(tensor(inputs))
        frame = network.frame(6)
        frame.input[...] = inputs
        frame.forward(training=True)
    np.testing.assert_allclose(network.states["0.batch_norm.mean"], module.running_mean.numpy(), rtol=1e-12)
    np.testing.assert_allclose(network.states["0.batch_norm.variance"], module.running_var.numpy(), rtol=1e-12)
    module.eval()
    frame.forward(training=False)
    np.testing.assert_allclose(frame.scores, module(tensor(inputs)).detach().numpy(), rtol=1e-12)


def sigmoid_focal_loss(z, t, alpha, gamma):
    """As in torchvision, which has no build for this PyTorch."""
    p = torch.sigmoid(z)
    loss = functional.binary_cross_entropy_with_logits(z, t, reduction="none")
    right = p * t + (1 - p) * (1 - t)
    loss = loss * (1 - right) ** gamma
    return ((alpha * t + (1 - alpha) * (1 - t)) * loss if alpha is not None else loss).mean()


def codes(t):
    return t.argmax(dim=1)


LOSS = [
    (Mse(), "numbers", functional.mse_loss),
    (LOSSES.members["mae"](), "numbers", functional.l1_loss),
    (Huber(0.7), "numbers", lambda z, t: functional.huber_loss(z, t, delta=0.7)),
    (LOSSES.members["log_cosh"](), "numbers", lambda z, t: torch.log(torch.cosh(z - t)).mean()),
    (Poisson(), "counts", lambda z, t: functional.poisson_nll_loss(z, t)),
    (SoftmaxCrossEntropy(), "classes", lambda z, t: functional.cross_entropy(z, codes(t))),
    (
        SoftmaxCrossEntropy(label_smoothing=0.1),
        "classes",
        lambda z, t: functional.cross_entropy(z, codes(t), label_smoothing=0.1),
    ),
    (
        SoftmaxCrossEntropy(class_weights=(1.0, 0.2, 3.0)),
        "classes",
        lambda z, t: functional.cross_entropy(z, codes(t), weight=torch.tensor([1.0, 0.2, 3.0], dtype=torch.float64)),
    ),
    (BinaryCrossEntropy(), "labels", functional.binary_cross_entropy_with_logits),
    (
        BinaryCrossEntropy(positive_weight=2.5),
        "labels",
        lambda z, t: functional.binary_cross_entropy_with_logits(z, t, pos_weight=torch.tensor(2.5)),
    ),
    (Focal(), "labels", lambda z, t: sigmoid_focal_loss(z, t, None, 2)),
    (Focal(alpha=0.25, gamma=1.5), "labels", lambda z, t: sigmoid_focal_loss(z, t, 0.25, 1.5)),
    (Hinge(), "one_hot", lambda z, t: functional.multi_margin_loss(z, codes(t))),
    (
        KlDivergence(),
        "shares",
        lambda z, t: functional.kl_div(functional.log_softmax(z, dim=1), t, reduction="batchmean"),
    ),
]


def test_every_loss_is_compared():
    assert {type(row[0]) for row in LOSS} == set(LOSSES.members.values())


@pytest.mark.parametrize(("loss", "kind", "function"), LOSS)
@pytest.mark.parametrize("scale", [0.1, 3.0])
def test_loss(loss, kind, function, scale):
    rng = np.random.default_rng(5)
    scores = rng.normal(0, scale, (9, 3))
    one_hot = np.eye(3)[rng.integers(0, 3, 9)]
    shares = rng.uniform(size=(9, 3))
    targets = {
        "numbers": rng.normal(size=(9, 3)),
        "counts": rng.integers(0, 5, (9, 3)) * 1.0,
        "classes": one_hot,
        "one_hot": one_hot,
        "labels": rng.integers(0, 2, (9, 3)) * 1.0,
        "shares": shares / shares.sum(axis=1, keepdims=True),
    }[kind]
    network = Network((ACTIVATIONS.members["identity"](),), (3,), batch=9, dtype="float64", rng=Streams(0))
    objective = Objective(network, loss, Regularization())
    batch = objective.batch(9)
    batch.input[...] = scores
    batch.targets[...] = targets.argmax(axis=1) if loss.encoding == "codes" else targets
    value, _ = objective.loss_value(batch, training=True)
    z = tensor(scores, requires_grad=True)
    expected = function(z, tensor(targets))
    expected.backward()
    assert value == pytest.approx(expected.item(), rel=1e-12)
    np.testing.assert_allclose(batch.frame.dscores, z.grad.numpy(), rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize(
    ("optimizer", "make"),
    [
        (Adam(lr=0.01), lambda p: torch.optim.Adam(p, lr=0.01)),
        (Sgd(lr=0.05, momentum=0.9, nesterov=True), lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True)),
    ],
)
@pytest.mark.parametrize("l2", [0.0, 0.01])
def test_two_hundred_steps_of_a_whole_network(optimizer, make, l2):
    rng = np.random.default_rng(6)
    inputs, targets = rng.normal(size=(200, 6)), rng.integers(0, 3, 200)
    layers = [Dense(8), ACTIVATIONS.members["tanh"](), Dense(5), ACTIVATIONS.members["relu"](), Dense(3)]
    network = Network(layers, (6,), batch=16, dtype="float64", rng=Streams(7))
    objective = Objective(network, SoftmaxCrossEntropy(), Regularization(l2=l2))
    p = torch_twin(network)
    weights = [value for name, value in p.items() if name.endswith("weight")]
    biases = [value for name, value in p.items() if name.endswith("bias")]
    other = make([{"params": weights, "weight_decay": l2}, {"params": biases, "weight_decay": 0.0}])
    slots = [np.zeros_like(network.theta) for _ in range(optimizer.slots)]
    for step in range(1, 201):
        rows = rng.integers(0, 200, 16)
        batch = objective.batch(16)
        batch.fill(inputs, targets, rows)
        objective.value_and_grad(batch)
        optimizer.update(network.theta, network.grad, slots, lr=optimizer.lr, step=step, decayed=network.decayed.stop)
        x = tensor(inputs[rows])
        x = torch.tanh(x @ p["0.dense.weight"] + p["0.dense.bias"])
        x = torch.relu(x @ p["2.dense.weight"] + p["2.dense.bias"])
        other.zero_grad()
        functional.cross_entropy(x @ p["4.dense.weight"] + p["4.dense.bias"], tensor(targets[rows])).backward()
        other.step()
    for name, value in network.parameters().items():
        np.testing.assert_allclose(value, p[name].detach().numpy(), rtol=1e-9, atol=1e-12)

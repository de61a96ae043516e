"""Contenders: ways to train the network of a workload. Each gets the data ready and gives a function that trains it for
so many epochs, shuffled, as a user of that library would."""

from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bptrain.bench.workloads import Workload

Run = Callable[[int], None]
"""Trains for so many epochs."""


def bptrain(workload: Workload) -> Run:
    """This package, by its own loop."""
    from bptrain.model.assemble import assemble_file
    from bptrain.nn.threads import threads_for
    from bptrain.training.loop import Budget, pass_over_rows
    from bptrain.training.session import begin

    with TemporaryDirectory(prefix="bptrain-bench-") as folder:
        inputs, labels = workload.data()
        np.savez(Path(folder) / "data.npz", x=inputs, y=labels, allow_pickle=False)
        del inputs, labels
        config = Path(folder) / "bench.yaml"
        config.write_text(workload.config("data.npz"))
        session = begin(assemble_file(config))

    def run(epochs: int) -> None:
        with np.errstate(all="ignore"), threads_for(session.model.network, session.batch_size):
            for _ in range(epochs):
                session.position = 0
                for _ in pass_over_rows(session, Budget()):
                    pass

    return run


def floor(workload: Workload) -> Run:
    """The matrix products of a step alone, of the same shapes, on as many threads as the loop would use."""
    from bptrain.nn.threads import SMALL_PRODUCT, controller, threads

    rng, batch = np.random.default_rng(0), workload.batch
    weights = [rng.standard_normal(shape, dtype=np.float32) * 0.01 for shape in pairwise(workload.sizes)]
    values = [rng.standard_normal((batch, width), dtype=np.float32) for width in workload.sizes]
    deltas = [rng.standard_normal((batch, width), dtype=np.float32) for width in workload.sizes]
    gradients = [np.empty_like(weight) for weight in weights]
    small = batch * max(weight.size for weight in weights) <= SMALL_PRODUCT

    def run(epochs: int) -> None:
        with controller().limit(limits=1 if small else threads(), user_api="blas"):
            for _ in range(epochs * workload.steps):
                for k, weight in enumerate(weights):
                    np.dot(values[k], weight, out=values[k + 1])
                for k in reversed(range(len(weights))):
                    np.dot(values[k].T, deltas[k + 1], out=gradients[k])
                    if k:
                        np.dot(deltas[k + 1], weights[k].T, out=deltas[k])

    return run


def sklearn(workload: Workload) -> Run:
    """scikit-learn's MLPClassifier."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    inputs, labels = workload.data()

    def run(epochs: int) -> None:
        model = MLPClassifier(
            workload.sizes[1:-1],
            activation="tanh" if workload.hidden == "tanh" else "relu",
            batch_size=workload.batch,
            max_iter=epochs,
            tol=0.0,
            n_iter_no_change=epochs + 1,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(inputs, labels)

    return run


def torch(workload: Workload, *, fused: bool = False) -> Run:
    """PyTorch, eager."""
    import torch

    layers: list[Any] = []
    for k, (inputs, units) in enumerate(pairwise(workload.sizes)):
        layers.append(torch.nn.Linear(inputs, units))
        if k < len(workload.sizes) - 2:
            normalized = workload.hidden == "batch_norm"
            layers += [torch.nn.BatchNorm1d(units)] if normalized else []
            layers.append(torch.nn.Tanh() if workload.hidden == "tanh" else torch.nn.ReLU())
            layers += [torch.nn.Dropout(0.2)] if normalized else []
    model = torch.nn.Sequential(*layers)
    rows, labels = map(torch.from_numpy, workload.data())
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=fused)
    loss = torch.nn.CrossEntropyLoss()

    def run(epochs: int) -> None:
        for _ in range(epochs):
            for chosen in torch.randperm(workload.rows).split(workload.batch):
                optimizer.zero_grad()
                loss(model(rows[chosen]), labels[chosen]).backward()
                optimizer.step()

    return run


def torch_fused(workload: Workload) -> Run:
    """PyTorch, eager, with Adam in one kernel."""
    return torch(workload, fused=True)


def jax(workload: Workload) -> Run:
    """JAX: a step compiled as a whole, its buffers donated."""
    import jax
    import jax.numpy as jnp

    rng = np.random.default_rng(0)
    inputs, labels = workload.data()
    shapes = list(pairwise(workload.sizes))
    zeros = [(jnp.zeros(shape), jnp.zeros(shape[1])) for shape in shapes]
    scale = [np.sqrt(2 / shape[0], dtype=np.float32) for shape in shapes]
    start = [
        (jnp.asarray(rng.standard_normal(shape, dtype=np.float32) * size), jnp.zeros(shape[1]))
        for shape, size in zip(shapes, scale, strict=True)
    ]

    def hidden(x: Any, key: Any) -> Any:
        if workload.hidden == "batch_norm":
            x = (x - x.mean(0)) * jax.lax.rsqrt(x.var(0) + 1e-5)
            kept = jax.random.bernoulli(key, 0.8, x.shape)
            return jnp.where(kept, jax.nn.relu(x) / 0.8, 0)
        return jnp.tanh(x) if workload.hidden == "tanh" else jax.nn.relu(x)

    def mean_loss(parameters: Any, x: Any, y: Any, key: Any) -> Any:
        for weight, bias in parameters[:-1]:
            key, own = jax.random.split(key) if workload.hidden == "batch_norm" else (key, key)
            x = hidden(x @ weight + bias, own)
        scores = x @ parameters[-1][0] + parameters[-1][1]
        return -jnp.mean(jax.nn.log_softmax(scores)[jnp.arange(x.shape[0]), y])

    def step(state: Any, x: Any, y: Any) -> Any:
        parameters, m, v, t, key = state
        key, own = jax.random.split(key) if workload.hidden == "batch_norm" else (key, key)
        grad = jax.grad(mean_loss)(parameters, x, y, own)
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grad)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grad)
        parameters = jax.tree.map(
            lambda p, m, v: p - 1e-3 * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8), parameters, m, v
        )
        return parameters, m, v, t, key

    compiled = jax.jit(step, donate_argnums=0)
    state = [(start, zeros, jax.tree.map(jnp.zeros_like, zeros), jnp.float32(0), jax.random.key(0))]

    def run(epochs: int) -> None:
        for _ in range(epochs):
            order = rng.permutation(workload.rows)
            for k in range(0, workload.rows, workload.batch):
                chosen = order[k : k + workload.batch]
                state[0] = compiled(state[0], inputs[chosen], labels[chosen])
        jax.block_until_ready(state[0])

    return run


CONTENDERS: dict[str, Callable[[Workload], Run]] = {
    "bptrain": bptrain,
    "matrix products alone": floor,
    "scikit-learn": sklearn,
    "PyTorch": torch,
    "PyTorch, fused Adam": torch_fused,
    "JAX": jax,
}

PACKAGES = {"scikit-learn": "sklearn", "PyTorch": "torch", "PyTorch, fused Adam": "torch", "JAX": "jax"}
"""What a contender needs to have installed."""


def missing() -> tuple[str, ...]:
    """The contenders whose package is not installed."""
    return tuple(name for name, package in PACKAGES.items() if find_spec(package) is None)


def fitting(workload: Workload) -> tuple[str, ...]:
    """The contenders that are installed and have such a network; scikit-learn has no batch norm."""
    out = {*missing(), *(["scikit-learn"] if workload.hidden == "batch_norm" else [])}
    return tuple(name for name in CONTENDERS if name not in out)

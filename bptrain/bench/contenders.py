"""Contenders: ways to train the network of a workload, each as a user of that library would write it.

A contender prepares the data and returns a function that trains for a number of epochs on shuffled rows.
`python -m bptrain.bench.contenders WORKLOAD CONTENDER` runs one of them: it reads a number of epochs from each line,
trains for them, and prints the seconds that they took and the most memory that the process has used so far.
"""

import json
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

from bptrain.bench.workloads import WORKLOADS, Workload

Run = Callable[[int], None]
"""Trains for a number of epochs."""


def prepare_bptrain(workload: Workload) -> Run:
    """Prepare bptrain, with its own training loop."""
    from bptrain.model.assemble import assemble_file
    from bptrain.nn.network import limit_threads
    from bptrain.training.loop import Budget, pass_over_rows
    from bptrain.training.session import begin

    with TemporaryDirectory(prefix="bptrain-bench-") as folder:
        inputs, labels = workload.make_data()
        np.savez(Path(folder) / "data.npz", x=inputs, y=labels, allow_pickle=False)
        del inputs, labels
        config = Path(folder) / "bench.yaml"
        config.write_text(workload.write_config("data.npz"))
        session = begin(assemble_file(config))

    def run(epochs: int) -> None:
        with np.errstate(all="ignore"), limit_threads(session.model.network, session.batch_size):
            for _ in range(epochs):
                session.position = 0
                for _ in pass_over_rows(session, Budget()):
                    pass

    return run


def prepare_products(workload: Workload) -> Run:
    """Prepare the matrix products of a step alone, in the same shapes, on as many threads as training uses."""
    from bptrain.nn.network import SMALL_PRODUCT, count_threads, get_controller

    rng, batch = np.random.default_rng(0), workload.batch
    weights = [rng.standard_normal(shape, dtype=np.float32) * 0.01 for shape in pairwise(workload.sizes)]
    values = [rng.standard_normal((batch, width), dtype=np.float32) for width in workload.sizes]
    deltas = [rng.standard_normal((batch, width), dtype=np.float32) for width in workload.sizes]
    gradients = [np.empty_like(weight) for weight in weights]
    small = batch * max(weight.size for weight in weights) <= SMALL_PRODUCT

    def run(epochs: int) -> None:
        with get_controller().limit(limits=1 if small else count_threads(), user_api="blas"):
            for _ in range(epochs * workload.steps):
                for k, weight in enumerate(weights):
                    np.dot(values[k], weight, out=values[k + 1])
                for k in reversed(range(len(weights))):
                    np.dot(values[k].T, deltas[k + 1], out=gradients[k])
                    if k:
                        np.dot(deltas[k + 1], weights[k].T, out=deltas[k])

    return run


def prepare_sklearn(workload: Workload) -> Run:
    """Prepare scikit-learn's MLPClassifier."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    inputs, labels = workload.make_data()

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


def prepare_torch(workload: Workload, *, fused: bool = False) -> Run:
    """Prepare PyTorch in eager mode."""
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
    rows, labels = map(torch.from_numpy, workload.make_data())
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=fused)
    loss = torch.nn.CrossEntropyLoss()

    def run(epochs: int) -> None:
        for _ in range(epochs):
            for chosen in torch.randperm(workload.rows).split(workload.batch):
                optimizer.zero_grad()
                loss(model(rows[chosen]), labels[chosen]).backward()
                optimizer.step()

    return run


def prepare_jax(workload: Workload) -> Run:
    """Prepare JAX: a step compiled as a whole, its buffers donated."""
    import jax
    import jax.numpy as jnp

    rng = np.random.default_rng(0)
    inputs, labels = workload.make_data()
    shapes = list(pairwise(workload.sizes))
    zeros = [(jnp.zeros(shape), jnp.zeros(shape[1])) for shape in shapes]
    scales = [np.sqrt(2 / shape[0], dtype=np.float32) for shape in shapes]
    start = [
        (jnp.asarray(rng.standard_normal(shape, dtype=np.float32) * scale), jnp.zeros(shape[1]))
        for shape, scale in zip(shapes, scales, strict=True)
    ]
    step = jax.jit(make_jax_step(workload), donate_argnums=0)
    state = [(start, zeros, jax.tree.map(jnp.zeros_like, zeros), jnp.float32(0), jax.random.key(0))]

    def run(epochs: int) -> None:
        for _ in range(epochs):
            order = rng.permutation(workload.rows)
            for k in range(0, workload.rows, workload.batch):
                chosen = order[k : k + workload.batch]
                state[0] = step(state[0], inputs[chosen], labels[chosen])
        jax.block_until_ready(state[0])

    return run


def make_jax_step(workload: Workload) -> Callable[..., Any]:
    """Return a step of Adam in JAX, from parameters, both moments, step number and random key to the next ones."""
    import jax
    import jax.numpy as jnp

    normalized = workload.hidden == "batch_norm"

    def activate(x: Any, key: Any) -> Any:
        if normalized:
            x = (x - x.mean(0)) * jax.lax.rsqrt(x.var(0) + 1e-5)
            mask = jax.random.bernoulli(key, 0.8, x.shape)
            return jnp.where(mask, jax.nn.relu(x) / 0.8, 0)
        return jnp.tanh(x) if workload.hidden == "tanh" else jax.nn.relu(x)

    def mean_loss(parameters: Any, x: Any, y: Any, key: Any) -> Any:
        for weight, bias in parameters[:-1]:
            key, own = jax.random.split(key) if normalized else (key, key)
            x = activate(x @ weight + bias, own)
        scores = x @ parameters[-1][0] + parameters[-1][1]
        return -jnp.mean(jax.nn.log_softmax(scores)[jnp.arange(x.shape[0]), y])

    def step(state: Any, x: Any, y: Any) -> Any:
        parameters, m, v, t, key = state
        key, own = jax.random.split(key) if normalized else (key, key)
        grad = jax.grad(mean_loss)(parameters, x, y, own)
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grad)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grad)
        parameters = jax.tree.map(
            lambda p, m, v: p - 1e-3 * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8), parameters, m, v
        )
        return parameters, m, v, t, key

    return step


CONTENDERS: dict[str, Callable[[Workload], Run]] = {
    "bptrain": prepare_bptrain,
    "matrix products alone": prepare_products,
    "scikit-learn": prepare_sklearn,
    "PyTorch": prepare_torch,
    "PyTorch, fused Adam": partial(prepare_torch, fused=True),
    "JAX": prepare_jax,
}

PACKAGES = {"scikit-learn": "sklearn", "PyTorch": "torch", "PyTorch, fused Adam": "torch", "JAX": "jax"}
"""The package that a contender needs, if any."""


def find_missing_contenders() -> tuple[str, ...]:
    """Return the contenders whose package is not installed."""
    return tuple(name for name, package in PACKAGES.items() if find_spec(package) is None)


def choose_contenders(workload: Workload) -> tuple[str, ...]:
    """Return the contenders that are installed and can build the network; scikit-learn has no batch norm."""
    excluded = {*find_missing_contenders(), *(["scikit-learn"] if workload.hidden == "batch_norm" else [])}
    return tuple(name for name in CONTENDERS if name not in excluded)


def get_peak_bytes() -> int:
    """Return the most memory that this process has used; zero where the system does not say."""
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    """Prepare a contender, print a first answer when it is ready, and train for each number of epochs that is read."""
    workload = next(one for one in WORKLOADS if one.name == sys.argv[1])
    run = CONTENDERS[sys.argv[2]](workload)
    # Whatever the libraries print goes to stderr, not among the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    print(json.dumps({"seconds": 0.0, "peak_bytes": get_peak_bytes()}), file=answers, flush=True)
    for line in sys.stdin:
        began = perf_counter()
        run(int(line))
        seconds = perf_counter() - began
        print(json.dumps({"seconds": seconds, "peak_bytes": get_peak_bytes()}), file=answers, flush=True)


if __name__ == "__main__":
    main()

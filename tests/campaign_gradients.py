"""Look for false alarms: check random networks, all of them right, under conditions that are hard for a checker.

    python tests/campaign_gradients.py 10000

prints every alarm with the number that repeats it, and exits with 1 if there was one.
"""

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from time import perf_counter

# Each process checks a network of its own; threads of BLAS would only fight over the cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from bptrain.gradcheck import Twin, check
from bptrain.nn import LAYERS, LOSSES, resolve_layers
from bptrain.nn.layers import Dense
from bptrain.optim import Regularization


def example(name, width):
    """Return a layer behind `width` values."""
    cls = LAYERS.members[name]
    return cls.example(width) if hasattr(cls, "example") else cls()


def draw_layers(rng, width):
    """Draw up to five layers of any kind."""
    layers, now = [], width
    for name in rng.choice(sorted(LAYERS), rng.integers(0, 6)):
        layers.append(example(name, now))
        now = layers[-1].plan((now,)).shape[0]
    return layers


def draw_loss(rng):
    """Draw a loss, with the classes of a target that it accepts, and the number of scores."""
    loss = LOSSES.members[rng.choice(sorted(LOSSES))]()
    cases = [case for case in ((3, 1), (2, 1), (None, 2)) if loss.widths(*case)]
    classes, columns = cases[rng.integers(len(cases))]
    return loss, classes, loss.widths(classes, columns)[0]


def draw_inputs(rng, rows, width):
    """Draw rows of usual and unusual sizes, some of them twice, some columns constant or zero."""
    x = rng.normal(size=(rows, width)) * rng.choice([1, 1, 1e3, 1e-4])
    if rng.random() < 0.3:
        x[:, rng.integers(width)] = rng.choice([0, 0, 1, -3])
    if rng.random() < 0.3:
        x[rng.integers(rows)] = x[0]
    if rng.random() < 0.1:
        x[...] = x[0]
    return x


def disturb(rng, twin):
    """Make weights too large or too small, biases extreme, and units dead or exactly at a kink."""
    network = twin.real.network
    network.theta[network.decayed] *= rng.choice([1, 1, 8, 1e-3])
    for name, array in network.parameters().items():
        if name.endswith("bias"):
            if rng.random() < 0.2:
                array[...] = rng.choice([50, -50, 0], size=array.shape)
            if rng.random() < 0.2:
                network.parameters()[name.replace("bias", "weight")][:, 0] = 0
                array[0] = rng.choice([0, 0, -50, 1, 6])
    twin.sync_complex()


def draw_twin(number):
    """Return network `number` of the campaign."""
    rng = np.random.default_rng(number)
    width, rows = int(rng.integers(1, 6)), int(rng.integers(2, 9))
    loss, classes, outputs = draw_loss(rng)
    layers = resolve_layers((*draw_layers(rng, width), Dense(outputs)), outputs)
    codes = rng.integers(0, classes or outputs, rows)
    targets = codes if loss.encoding == "codes" else (codes[:, None] == np.arange(outputs)) * 1.0
    penalties = Regularization(l1=rng.choice([0, 0.1]), l2=rng.choice([0, 0.1]))
    twin = Twin(layers, (width,), loss, penalties, draw_inputs(rng, rows, width), targets, number)
    disturb(rng, twin)
    return twin


def find_alarms(number):
    """Return the false alarms on network `number`; None where its loss is not finite."""
    twin = draw_twin(number)
    if not np.isfinite(sum(twin.compute_objective())):
        return number, None
    failed = [one for one in check(twin) if not one.passed]
    layers = " ".join(name.partition(".")[2] for name in twin.real.network.chain.names)
    alarms = [f"{one.name}: {one.max_error:.2e} of {one.tolerance:.2e}: {one.diagnosis}" for one in failed[:1]]
    return number, [f"{layers}, {type(twin.real.loss).__name__}: {text}" for text in alarms]


def main():
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int, nargs="?", default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first network")
    options = parser.parse_args()
    began, found, infinite = perf_counter(), 0, 0
    with ProcessPoolExecutor() as pool:
        numbers = range(options.first, options.first + options.count)
        for done, (number, alarms) in enumerate(pool.map(find_alarms, numbers, chunksize=20), 1):
            infinite += alarms is None
            for text in alarms or ():
                found += 1
                print(f"\rnetwork {number}: {text}")
            if done % 100 == 0:
                print(f"\r{done} of {options.count}", end="", file=sys.stderr, flush=True)
    seconds = perf_counter() - began
    print(f"\r{options.count} networks, {found} alarms, {infinite} whose loss overflows, {seconds:.0f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""Workloads: the networks that are timed, with synthetic data of their shape."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bptrain.arrays import Array

Hidden = Literal["relu", "tanh", "batch_norm"]


@dataclass(frozen=True)
class Workload:
    """A classifier, trained by Adam in float32 on normal noise with random labels.

    Attributes:
        sizes: the widths from inputs to classes.
        batch: rows of a batch.
        rows: of the data.
        hidden: what follows each dense layer but the last: an activation, or batch norm, relu and dropout of 0.2.
    """

    sizes: tuple[int, ...]
    batch: int
    rows: int
    hidden: Hidden = "relu"

    @property
    def name(self) -> str:
        """The name, such as `784-512-512-10 by 128`."""
        widths = "-".join(map(str, self.sizes))
        if len(self.sizes) > 6:
            widths = f"{self.sizes[0]}-{len(self.sizes) - 2}x{self.sizes[1]}-{self.sizes[-1]}"
        words = {"relu": "", "tanh": ", tanh", "batch_norm": ", batch norm and dropout"}
        return f"{widths} by {self.batch}{words[self.hidden]}"

    @property
    def steps(self) -> int:
        """Steps of an epoch, with the last batch, which may be smaller."""
        return -(-self.rows // self.batch)

    def make_data(self) -> tuple[Array, Array]:
        """Return inputs `(rows, inputs)` float32, and labels `(rows,)` int64 with every class among them."""
        rng = np.random.default_rng(0)
        labels = np.arange(self.rows) % self.sizes[-1]
        return rng.standard_normal((self.rows, self.sizes[0]), dtype=np.float32), rng.permutation(labels)

    def write_config(self, path: str) -> str:
        """Return the config of the workload for data in an npz file."""
        after = {"relu": "relu", "tanh": "tanh", "batch_norm": "batch_norm, relu, dropout: 0.2"}[self.hidden]
        layers = "".join(f"dense: {units}, {after}, " for units in self.sizes[1:-1])
        return (
            f"data: {{source: {{npz: {path}}}, target: y, task: classification, scaling: none,\n"
            f"  split: {{validation: 0, test: 0}}}}\nnetwork: [{layers}dense]\n"
            f"loss: softmax_cross_entropy\noptimizer: {{adam: {{lr: 0.001}}}}\ntraining: {{batch_size: {self.batch}}}\n"
        )


WORKLOADS = (
    Workload((4, 16, 3), 16, 6000),
    Workload((64, 64, 10), 32, 1797),
    Workload((784, 128, 10), 128, 20000),
    Workload((784, 512, 512, 10), 128, 10000),
    Workload((1024, 2048, 2048, 1000), 512, 4096),
    Workload((784, 256, 256, 10), 128, 10000, "batch_norm"),
    Workload((64, *[128] * 8, 10), 32, 1797, "tanh"),
)

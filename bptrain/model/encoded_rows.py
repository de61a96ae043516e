"""Encoded rows: the rows of a split as the network reads them, in memory or in a mapped file."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bptrain.arrays import Array
from bptrain.model.objective import Batch
from bptrain.tables.mapped import Records

CHUNK_ROWS = 1 << 16
"""Rows that are looked at together where they are in a file."""


@dataclass(frozen=True)
class Rows:
    """Rows as the network reads them: inputs `(rows, inputs)`, targets in the encoding of the loss (of an autoencoder
    the inputs themselves), their numbers in the table that they come from, if that is known, and what each weighs in
    the loss, if not all the same; `mapped` is the file in which they are, where memory is not to hold them."""

    inputs: Array
    targets: Array
    numbers: Array | None = None
    weights: Array | None = None
    mapped: Records | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def fill(self, batch: Batch, chosen: Array) -> None:
        """Gather rows into a batch."""
        if self.mapped is None:
            batch.fill(self.inputs, self.targets, chosen, self.weights)
            return
        found = self.mapped.take(chosen)
        targets = found["inputs" if self.targets is self.inputs else "targets"]
        weights = None if self.weights is None else found["weights"]
        batch.fill(found["inputs"], targets, np.arange(len(found)), weights)

    def part(self, rows: slice) -> "Rows":
        """Return some of the rows, as arrays."""
        inputs = self.inputs[rows]
        targets = inputs if self.targets is self.inputs else self.targets[rows]
        numbers, weights = (None if one is None else one[rows] for one in (self.numbers, self.weights))
        return Rows(inputs, targets, numbers, weights)

    def chunks(self) -> Iterator["Rows"]:
        """Yield all rows, as many at a time as fit into memory."""
        most = len(self) if self.mapped is None else CHUNK_ROWS
        for start in range(0, len(self), most):
            yield self.part(slice(start, start + most))
            if self.mapped is not None:
                self.mapped.release()

    def first(self, count: int) -> "Rows":
        """Return the first `count` rows."""
        return self.part(slice(count))

    def fingerprint(self) -> str:
        """Return a digest that tells whether rows are still the same, in the same order and at the same places."""
        return self.digest_content() if self.mapped is None else self.mapped.digest

    def digest_content(self) -> str:
        """Return the digest of the arrays one after the other, which is the same wherever the rows are."""
        total = hashlib.sha256()
        for name in ("inputs", "targets", "numbers", "weights"):
            if name == "targets" and self.targets is self.inputs:
                continue
            for chunk in self.chunks():
                if (array := getattr(chunk, name)) is not None:
                    total.update(np.ascontiguousarray(array).view(np.uint8).data)
        return total.hexdigest()

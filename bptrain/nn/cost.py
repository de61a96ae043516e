"""The cost of each layer of a network: parameters, memory, and floating-point operations.

Operations are counted for each row. A product with a weight matrix is `2 · inputs · outputs` forward (a multiplication
and an addition for each weight), and twice as much backward, for the gradients of the weights and of the input; the
first layer needs no gradient of its input, and counts as much backward as forward. Every other parameter counts as one
operation forward and one backward, and so does every output of a layer without a matrix, whatever its function. The
loss, the penalty and the update are not counted. Products are counted as by Kaplan et al., 2020; fvcore counts a
multiplication and an addition as one operation.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from bptrain.arrays import Shape
from bptrain.nn.chain import Chain
from bptrain.registry import name_of


@dataclass(frozen=True)
class LayerCost:
    """The cost of one layer for some number of rows.

    `name` is its full name (`2.residual.0.dense`), `shape` that of an output row. `initializers` are by the name of the
    parameter. `activation_bytes` includes gradients and scratch. `forward` and `backward` are operations.
    """

    name: str
    shape: Shape
    parameters: int
    initializers: dict[str, str]
    parameter_bytes: int
    activation_bytes: int
    forward: int
    backward: int


def compute_costs(chain: Chain, rows: int) -> Iterator[LayerCost]:
    """Yield the cost of every layer of an allocated chain for `rows` rows, each before the layers inside it. An array
    that layers share counts once."""
    itemsize = chain.arena.dtype.itemsize
    for k, (name, plan, inner) in enumerate(zip(chain.names, chain.plans, chain.inner, strict=True)):
        sizes = [prod(parameter.shape) for parameter in plan.parameters.values()]
        products = sum(prod(p.shape) for p in plan.parameters.values() if len(p.shape) > 1)
        others = sum(sizes) - products
        outputs = 0 if products else prod(plan.shape)
        runs_back, needed = k >= chain.stop, k > chain.stop or chain.slopes[0] is not None
        back = products * 2 * (1 + needed) + others + outputs * needed if runs_back else 0
        yield LayerCost(
            name,
            plan.shape,
            sum(sizes),
            {key: name_of(parameter.initializer) for key, parameter in plan.parameters.items()},
            sum(sizes) * itemsize,
            compute_activation_bytes(chain, k, rows),
            (2 * products + others + outputs) * rows,
            back * rows,
        )
        if inner:
            yield from compute_costs(inner, rows)


def compute_activation_bytes(chain: Chain, k: int, rows: int) -> int:
    """Return the bytes of the arrays that a layer fills for `rows` rows, without those that it shares with the layer
    before it."""
    plan, total = chain.plans[k], 0
    for arrays in (chain.signals, chain.slopes):
        array = arrays[k + 1]
        if array is not None and array is not arrays[k]:
            total += array[:1].nbytes * rows
    for key, array in chain.scratch[k].items():
        total += array[:1].nbytes * rows if plan.scratch[key].per_row else array.nbytes
    return total

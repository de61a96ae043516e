"""The scope of a check: the network of a config on its own data, classes of some files, or every registered part."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bptrain.code import load_code
from bptrain.errors import InputError
from bptrain.gradcheck.network_check import MethodName, check, note
from bptrain.gradcheck.parts import ROWS, Parts
from bptrain.gradcheck.twin import Twin
from bptrain.gradcheck.verdict import Check, Entries
from bptrain.model.assemble import Assembly, assemble_file
from bptrain.model.encoded_rows import Rows
from bptrain.nn import ACTIVATIONS, LAYERS, LOSSES
from bptrain.nn.observer import BackwardError, in_backward_order


def load_classes(code: Sequence[str | Path]) -> list[type]:
    """Return the layers and losses that some files register.

    Raises:
        InputError: a file cannot be used, or none of them registers any.
    """
    components = [component for file in map(load_code, code) for component in file.components]
    kinds = (LAYERS.kind, ACTIVATIONS.kind, LOSSES.kind)
    classes = [cls for kind, _, cls in components if kind in kinds]
    if code and not classes:
        files = ", ".join(str(path) for path in code)
        raise InputError(f"{files}: registers no layer, activation or loss; nothing else has a gradient to check")
    return classes


def check_scope(
    config: str | Path | None,
    overrides: Sequence[str],
    classes: Sequence[type],
    method: MethodName,
    entries: Entries,
) -> Iterator[Check]:
    """Check the network of a config and some classes; every registered part if there is neither."""
    parts, used = Parts(method, entries), set()
    if config is not None:
        assembly = assemble_file(config, overrides)
        twin = twin_of_assembly(assembly)
        used = {type(twin.real.loss), *(type(one.layer) for one in in_backward_order(twin.observed[0]))}
        yield from check(twin, method, entries)
        if assembly.model.experiment.augmentation:
            yield note("augmentation", "left out: the gradient is that of the rows as they are")
    for cls in classes:
        try:
            yield from parts.check_classes([cls])
        except (InputError, BackwardError) as error:
            # One that makes demands has been checked in the config, which meets them.
            if cls not in used:
                raise
            yield note(cls.__name__, f"not tried by itself, only in the config: {error}")
    if config is None and not classes:
        yield from parts.every()


def twin_of_assembly(assembly: Assembly) -> Twin:
    """Return the network of a model with a few rows spread over its training data, which are not augmented."""
    experiment, rows = assembly.model.experiment, sample_rows(assembly.splits["train"])
    return Twin(
        experiment.layers,
        assembly.model.network.input_shape,
        assembly.model.objective.loss,
        experiment.regularization,
        rows.inputs,
        rows.targets,
        experiment.seed,
        weights=rows.weights,
    )


def sample_rows(rows: Rows) -> Rows:
    """Return a few rows, evenly spread."""
    # A row that weighs nothing has no gradient to be checked.
    heavy = np.arange(len(rows)) if rows.weights is None else np.flatnonzero(rows.weights > 0)
    chosen = heavy[np.unique(np.linspace(0, len(heavy) - 1, ROWS).astype(int))]
    weights = None if rows.weights is None else rows.weights[chosen]
    return replace(rows, inputs=rows.inputs[chosen], targets=rows.targets[chosen], weights=weights)

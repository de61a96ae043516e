"""The sections of a page: a recorded step, layer by layer, in the order of the computation."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from bptrain.arrays import Array
from bptrain.equations import Side, describe, get_equations
from bptrain.explanation.formula_parser import parse_equations
from bptrain.explanation.page import Line, Page, Section
from bptrain.explanation.recording import Pass, Recording
from bptrain.explanation.update_sections import (
    build_gradient_sections,
    build_result_section,
    build_update_sections,
    get_parameter,
)
from bptrain.explanation.worked_equations import Letters, Working, get_options
from bptrain.nn import Activation, Entry, Layer, Network
from bptrain.nn.chain import Chain
from bptrain.registry import name_of
from bptrain.text import printable


@dataclass(frozen=True)
class Titles:
    """Textbook names by full names: of outputs (z1), of the gradients of outputs (delta1), and of parameters (W1)."""

    outputs: dict[str, str]
    deltas: dict[str, str]
    parameters: dict[str, str]


def name_quantities(chain: Chain) -> Titles:
    """Return the textbook names z1, a1, delta1, W1, b1, ... of the quantities in a network.

    The numbers count linear layers with weights; the activation after such a layer has the same number.
    """
    titles, count, activated = Titles({}, {}, {}), 0, True
    for name, layer, plan in zip(chain.names, chain.layers, chain.plans, strict=True):
        if plan.linear and plan.has_weights:
            count, activated = count + 1, False
            titles.outputs[name], titles.deltas[name] = f"z{count}", f"delta{count}"
            for key, parameter in plan.parameters.items():
                titles.parameters[f"{name}.{key}"] = f"{parameter.get_symbol(key)}{count}"
        elif isinstance(layer, Activation) and not activated:
            activated = True
            titles.outputs[name] = f"a{count}"
    return titles


def build_page(recording: Recording, config: str, digits: int) -> Page:
    """Return the page of a step, a worked example; numbers in formulas have `digits` significant digits."""
    titles, experiment = name_quantities(recording.network.chain), recording.session.model.experiment
    sections: list[Section] = []
    for k, batch in enumerate(recording.batches, 1):
        found = PassSections(recording, batch, titles, digits).build(parameters=k == 1)
        sections += [number_batch(section, k) for section in found] if len(recording.batches) > 1 else found
    sections += build_gradient_sections(recording, digits)
    sections += build_update_sections(recording, titles.parameters, digits)
    sections.append(build_result_section(recording))
    rows = tuple(int(row) + 1 for batch in recording.batches for row in batch.rows)
    notes = tuple(list_notes(recording))
    return Page(printable(experiment.name), config, recording.step, rows, tuple(sections), notes)


def list_notes(recording: Recording) -> Iterator[str]:
    """Yield notes about what the sections do not show."""
    tried = len(recording.passes) - len(recording.batches)
    if tried:
        points = f"{tried} point{'s' * (tried > 1)}"
        yield f"the line search tried {points}; the forward and backward pass shown is the one where it started"
    if any(batch.weights is not None for batch in recording.batches):
        yield "rows are weighted: each counts in the loss, and in n, by its weight"
    if any(batch.others is not None for batch in recording.batches):
        yield "rows are mixed: the loss is share · L(t) + (1 - share) · L(t₂)"
    if recording.session.model.experiment.augmentation:
        yield "the inputs are augmented at random, as in training"


def number_batch(section: Section, number: int) -> Section:
    """Return a section of one of several batches with the number of the batch in its names; only the first batch keeps
    its textbook names."""
    lines = [
        replace(line, name=f"batch{number}.{line.name}", alias=line.alias if number == 1 else "")
        for line in section.lines
    ]
    return replace(section, title=f"batch {number}, {section.title}", lines=tuple(lines))


@dataclass(frozen=True)
class PassSections:
    """The sections of one batch, forward and backward."""

    recording: Recording
    batch: Pass
    titles: Titles
    digits: int

    def build(self, *, parameters: bool) -> Iterator[Section]:
        """Yield all sections; `parameters` says whether to show the parameters before the step."""
        yield self.build_data()
        layers = get_layers(self.recording.network.chain)
        known: dict[str, Letters] = {}
        for name in self.batch.passages:
            section, known[name] = self.build_forward(name, layers[name], parameters=parameters)
            yield section
        yield self.build_loss()
        for name, passage in reversed(self.batch.passages.items()):
            if passage.dy is not None:
                yield self.build_backward(name, layers[name], {**known[name], "dy": passage.dy})

    def build_data(self) -> Section:
        """Return the section of what is given: the inputs and the targets."""
        batch = self.batch
        lines = [Line("input", "x", batch.inputs, "a0"), Line("target", "t", batch.targets, "t")]
        if batch.others is not None:
            lines.append(Line("share", "share", np.asarray(batch.share), words="of its own values that each row keeps"))
            lines.append(Line("other_target", "t₂", batch.others, words="of the rows that are mixed in"))
        if batch.weights is not None:
            lines.append(Line("row_weight", "w", batch.weights))
        count = len(batch.inputs)
        some = ", ".join(str(row + 1) for row in batch.rows[:8].tolist()) + ", ..." * (count > 8)
        return Section(f"given: row{'s' * (count > 1)} {some}", "given", tuple(lines))

    def build_forward(self, name: str, layer: Layer, *, parameters: bool) -> tuple[Section, Letters]:
        """Return the section of a layer's forward pass, and the values that are known after it."""
        passage, own = self.batch.passages[name], self.batch.letters[name, "Forward:"]
        declared = get_equations(layer).forward
        computed = {one.name for one in parse_equations(declared)}
        # Letters that no equation computes, such as a random mask, are given.
        given = {symbol: array for symbol, array in own.items() if symbol not in computed}
        letters: Letters = {**get_options(layer), "π": np.pi, "n": float(len(passage.x)), "x": passage.x, **given}
        lines = []
        for symbol, entry in get_entries(self.recording.network, name).items():
            letters[symbol] = weights = get_parameter(self.recording.theta, entry)
            if parameters:
                lines.append(Line(entry.name, symbol, weights, words="before the step"))
        lines += [Line(f"{name}.{symbol}", symbol, array) for symbol, array in given.items()]
        working = Working(declared, letters, {**own, "y": passage.y}, self.digits)
        alias = self.titles.outputs.get(name, "")
        for line in working.compute(["y"]):
            lines.append(replace(line, name=f"{name}.{line.symbol}", alias=alias * (line.symbol == "y")))
        if "y" not in working.known:
            lines.append(Line(f"{name}.y", "y", passage.y, alias, words=describe(layer, "forward")))
        return Section(f"{name} forward", "forward", tuple(lines)), working.known

    def build_backward(self, name: str, layer: Layer, known: Letters) -> Section:
        """Return the section of a layer's backward pass: the gradients of its parameters and of its input."""
        passage, titles = self.batch.passages[name], self.titles
        real, labels = {}, {}
        for letter, entry in get_entries(self.recording.network, name).items():
            title = titles.parameters.get(entry.name, "")
            real[f"d{letter}"] = passage.g[entry.name.rpartition(".")[2]]
            labels[f"d{letter}"] = f"{entry.name}.gradient", f"d{title}" if title else ""
        if passage.dx is not None:
            names = ["", *self.recording.network.chain.names]
            before = names[names.index(name) - 1] if name in names else ""
            real["dx"], labels["dx"] = passage.dx, (f"{name}.dx", titles.deltas.get(before, ""))
        letters = {**known, **self.batch.letters[name, "Backward:"]}
        lines = []
        for line in Working(get_equations(layer).backward, letters, real, self.digits).compute(real):
            key, alias = labels.pop(line.symbol, (f"{name}.{line.symbol}.backward", ""))
            lines.append(replace(line, name=key, alias=alias))
        for symbol, (key, alias) in labels.items():
            lines.append(Line(key, symbol, real[symbol], alias, words=describe(layer, "backward")))
        return Section(f"{name} backward", "backward", tuple(lines))

    def build_loss(self) -> Section:
        """Return the section of the loss, and of its gradient by the scores."""
        batch, loss, chain = self.batch, self.recording.session.model.objective.loss, self.recording.network.chain
        name, width = name_of(loss), batch.scores.shape[-1]
        letters: Letters = {**get_options(loss), "z": batch.scores, "t": batch.targets.astype(np.float64)}
        letters |= {"n": batch.weight, "width": float(width)}
        lines = [Line("scores", "z", batch.scores)]
        if loss.link:
            outputs = loss.outputs(batch.scores.copy(), np.empty_like(batch.scores))
            title = f"a{sum(plan.linear and plan.has_weights for plan in chain.plans)}"
            title = "" if title in self.titles.outputs.values() else title
            lines.append(Line("outputs", "p", outputs, title, words=f"{loss.link} of the scores"))
            letters[f"{loss.link}(z)"] = outputs
        delta = self.titles.deltas.get(chain.names[-1], "")
        results: list[tuple[Side, str, Array, str, str]] = [
            ("forward", "L", np.asarray(batch.loss), "loss", "loss"),
            ("backward", "dz", batch.dscores, "dscores", delta),
        ]
        for side, symbol, value, key, alias in results:
            real = {symbol: value.astype(self.recording.network.dtype)}
            working = Working(getattr(get_equations(loss, width), side), letters, real, self.digits)
            done, letters = working.compute([symbol]), working.known
            for line in done:
                if line.symbol == symbol:
                    lines.append(replace(line, name=key, alias=alias, value=value))
                elif line.symbol not in [one.symbol for one in lines]:
                    lines.append(replace(line, name=f"{name}.{line.symbol}"))
            if symbol not in [line.symbol for line in done]:
                lines.append(Line(key, symbol, value, alias, words=describe(loss, side, width)))
        return Section(f"loss: {name}", "loss", tuple(lines))


def get_entries(network: Network, name: str) -> dict[str, Entry]:
    """Return the parameters of a layer by their symbols in formulas."""
    return {entry.symbol: entry for entry in network.entries if entry.name.rpartition(".")[0] == name}


def get_layers(chain: Chain) -> dict[str, Layer]:
    """Return every layer by its full name, including those inside other layers, such as `2.residual.0.dense`."""
    found: dict[str, Layer] = {}
    for name, layer, inner in zip(chain.names, chain.layers, chain.inner, strict=True):
        found[name] = layer
        if inner is not None:
            found |= get_layers(inner)
    return found

"""Building: a recorded step becomes a page, section by section, in the order in which training computed it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from bptrain.arrays import Array
from bptrain.equations import Side, describe, equations_of
from bptrain.explanation.formula_parser import parse_equations
from bptrain.explanation.page import Line, Page, Section
from bptrain.explanation.recording import Pass, Recording
from bptrain.explanation.update_sections import cut, gradient_sections, result_section, update_sections
from bptrain.explanation.worked_equations import Worked, Working, options_of
from bptrain.nn import Activation, Entry, Layer, Loss, Network
from bptrain.nn.chain import Chain
from bptrain.nn.observer import Passage
from bptrain.registry import name_of
from bptrain.text import printable


@dataclass(frozen=True)
class Titles:
    """The textbook's names: of the output of each layer, of the gradient that reaches it, and of its parameters."""

    outputs: dict[str, str]
    deltas: dict[str, str]
    parameters: dict[str, str]


def titles_of(chain: Chain) -> Titles:
    """z1, a1, delta1, W1, b1, ...: linear layers with weights are counted, and what follows each is its activation."""
    titles, count, activated = Titles({}, {}, {}), 0, True
    for name, layer, plan in zip(chain.names, chain.layers, chain.plans, strict=True):
        if plan.linear and plan.has_weights:
            count, activated = count + 1, False
            titles.outputs[name], titles.deltas[name] = f"z{count}", f"delta{count}"
            for key, parameter in plan.parameters.items():
                titles.parameters[f"{name}.{key}"] = f"{parameter.symbol_as(key)}{count}"
        elif isinstance(layer, Activation) and not activated:
            activated = True
            titles.outputs[name] = f"a{count}"
    return titles


@dataclass(frozen=True)
class Builder:
    """Makes sections of a recording; numbers in formulas have so many digits."""

    recording: Recording
    digits: int

    @property
    def chain(self) -> Chain:
        """The network's layers."""
        return self.recording.network.chain

    @property
    def titles(self) -> Titles:
        """The textbook's names."""
        return titles_of(self.chain)

    def page(self, config: str) -> Page:
        """The whole page."""
        recording, experiment = self.recording, self.recording.session.model.experiment
        sections: list[Section] = []
        for k, seen in enumerate(recording.batches):
            found = self.pass_sections(seen, first=k == 0)
            sections += [of_batch(section, k + 1) for section in found] if len(recording.batches) > 1 else found
        sections += gradient_sections(recording, self.titles.parameters, self.digits)
        sections += update_sections(recording, self.titles.parameters, self.digits)
        sections.append(result_section(recording))
        rows = tuple(int(row) + 1 for seen in recording.batches for row in seen.rows)
        return Page(printable(experiment.name), config, recording.step, rows, tuple(sections), self.notes())

    def notes(self) -> tuple[str, ...]:
        """What is not shown and matters."""
        found = []
        if len(self.recording.passes) > len(self.recording.batches):
            tried = len(self.recording.passes) - 1
            points = f"{tried} point{'s' * (tried > 1)}"
            found.append(f"the line search tried {points}; the passes shown are those at its start")
        if any(seen.weights is not None for seen in self.recording.batches):
            found.append("rows are weighted: each counts in the loss, and in n, by its weight")
        if any(seen.others is not None for seen in self.recording.batches):
            found.append("rows are mixed: the loss is share · L(t) + (1 - share) · L(t₂)")
        if self.recording.session.model.experiment.augmentation:
            found.append("the inputs are those that training sees, augmented at random")
        return tuple(found)

    def pass_sections(self, seen: Pass, *, first: bool) -> Iterator[Section]:
        """A batch on its way forward and back."""
        yield self.given(seen)
        letters: dict[str, dict[str, Array | float]] = {}
        for name, passage in seen.passages.items():
            layer = self.layer(name)
            section, known = self.forward(name, layer, passage, seen, parameters=first)
            letters[name] = known
            yield section
        yield self.loss(seen, first=first)
        for name, passage in reversed(seen.passages.items()):
            if passage.dy is not None:
                yield self.backward(name, self.layer(name), passage, seen, letters[name])

    def given(self, seen: Pass) -> Section:
        """The rows that go in, and what is to come out."""
        lines = [Line("input", "x", seen.inputs, "a0"), Line("target", "t", seen.targets, "t")]
        if seen.others is not None:
            lines.append(Line("share", "share", np.asarray(seen.share), words="of its own that each row keeps"))
            lines.append(Line("other_target", "t₂", seen.others, words="of the rows that are mixed in"))
        if seen.weights is not None:
            lines.append(Line("row_weight", "w", seen.weights))
        count = len(seen.inputs)
        some = ", ".join(str(row + 1) for row in seen.rows[:8].tolist()) + ", ..." * (count > 8)
        return Section(f"given: row{'s' * (count > 1)} {some}", "given", tuple(lines))

    def layer(self, name: str) -> Layer:
        """The layer of a full name, such as `2.residual.0.dense`."""
        return layers_by_name(self.chain)[name]

    def forward(
        self, name: str, layer: Layer, passage: Passage, seen: Pass, *, parameters: bool
    ) -> tuple[Section, dict[str, Array | float]]:
        """A layer forward, and the letters that are known then."""
        own, kept = entries_of(self.recording.network, name), seen.letters[name, "Forward:"]
        before = {symbol: cut(self.recording.theta, entry) for symbol, entry in own.items()}
        declared = equations_of(layer).forward
        found = {one.name for one in parse_equations(declared)}
        # What training drew on the way is given; what a formula says how to compute is a result.
        given = {key: array for key, array in kept.items() if key not in found}
        letters: dict[str, Array | float] = {
            **options_of(layer),
            **before,
            **given,
            "π": np.pi,
            "n": float(len(passage.x)),
            "x": passage.x,
        }
        alias = self.titles.outputs.get(name, "")
        lines = [
            Line(entry.name, symbol, before[symbol], words="before the step")
            for symbol, entry in own.items()
            if parameters
        ]
        lines += [Line(f"{name}.{key}", key, array) for key, array in given.items()]
        working = Working(declared, letters, {**kept, "y": passage.y}, self.digits)
        done = working.carry_out(["y"])
        lines += [line_of(name, one, alias * (one.name == "y")) for one in done]
        if "y" not in working.known:
            lines.append(Line(f"{name}.y", "y", passage.y, alias, words=describe(layer, "forward")))
        return Section(f"{name} forward", "forward", tuple(lines)), working.known

    def backward(
        self, name: str, layer: Layer, passage: Passage, seen: Pass, known: Mapping[str, Array | float]
    ) -> Section:
        """A layer backward: the gradients of its parameters, and that which it hands on."""
        assert passage.dy is not None
        real, labels = {}, {}
        for letter, entry in entries_of(self.recording.network, name).items():
            symbol, title = f"d{letter}", self.titles.parameters.get(entry.name, "")
            real[symbol] = passage.g[entry.name.rpartition(".")[2]]
            labels[symbol] = f"{entry.name}.gradient", f"d{title}" if title else ""
        if passage.dx is not None:
            real["dx"], labels["dx"] = passage.dx, (f"{name}.dx", self.titles.deltas.get(self.before(name), ""))
        letters = {**known, **seen.letters[name, "Backward:"], "dy": passage.dy}
        done = Working(equations_of(layer).backward, letters, real, self.digits).carry_out(list(real))
        lines = []
        for one in done:
            key, alias = labels.get(one.name, (f"{name}.{one.name}.backward", ""))
            lines.append(replace(line_of(name, one, alias), name=key))
        for symbol in real.keys() - {one.name for one in done}:
            lines.append(
                Line(labels[symbol][0], symbol, real[symbol], labels[symbol][1], words=describe(layer, "backward"))
            )
        return Section(f"{name} backward", "backward", tuple(lines))

    def before(self, name: str) -> str:
        """The layer before one in the chain of the network; empty for the first and for those inside of others."""
        names = list(self.chain.names)
        return names[names.index(name) - 1] if name in names[1:] else ""

    def loss(self, seen: Pass, *, first: bool) -> Section:
        """The loss, its gradient, and the penalty."""
        loss: Loss = self.recording.session.model.objective.loss
        name, width = name_of(loss), seen.scores.shape[-1]
        letters: dict[str, Array | float] = {
            **options_of(loss), "z": seen.scores, "t": seen.targets.astype(np.float64), "n": seen.weight,
            "width": float(width),
        }  # fmt: skip
        lines = [Line("scores", "z", seen.scores)]
        last = self.chain.names[-1]
        if loss.link:
            outputs = loss.outputs(seen.scores.copy(), np.empty_like(seen.scores))
            count = sum(plan.linear and plan.has_weights for plan in self.chain.plans)
            has = f"a{count}" in self.titles.outputs.values()
            lines.append(Line("outputs", "p", outputs, "" if has else f"a{count}", words=f"{loss.link} of the scores"))
            letters[f"{loss.link}(z)"] = outputs
        precision = str(self.recording.network.dtype)
        real_loss = np.asarray(seen.loss, dtype=precision)
        passes: tuple[tuple[Side, str, Array, str, str], ...] = (
            ("forward", "L", real_loss, "loss", "loss"),
            ("backward", "dz", seen.dscores, "dscores", self.titles.deltas.get(last, "")),
        )
        for side, symbol, real, key, alias in passes:
            working = Working(getattr(equations_of(loss, width), side), letters, {symbol: real}, self.digits)
            done = working.carry_out([symbol])
            letters = {**working.known}
            for one in done:
                if one.name == symbol:
                    shown = np.asarray(seen.loss) if symbol == "L" else one.value
                    lines.append(replace(line_of(name, one, alias), name=key, value=shown))
                elif one.name not in [line.symbol for line in lines]:
                    lines.append(line_of(name, one, ""))
            if symbol not in [one.name for one in done]:
                value = np.asarray(seen.loss) if symbol == "L" else real
                lines.append(Line(key, symbol, value, alias, words=describe(loss, side, width)))
        return Section(f"loss: {name}", "loss", tuple(lines))


def of_batch(section: Section, number: int) -> Section:
    """A section of one of several batches; textbooks have names for the first alone."""
    lines = [
        replace(line, name=f"batch{number}.{line.name}", alias=line.alias if number == 1 else "")
        for line in section.lines
    ]
    return replace(section, title=f"batch {number}, {section.title}", lines=tuple(lines))


def entries_of(network: Network, name: str) -> dict[str, Entry]:
    """Return the parameters of a layer by what formulas call them."""
    return {entry.symbol: entry for entry in network.entries if entry.name.rpartition(".")[0] == name}


def layers_by_name(chain: Chain) -> dict[str, Layer]:
    """Every layer by its full name, those inside of others too."""
    found: dict[str, Layer] = {}
    for name, layer, inner in zip(chain.names, chain.layers, chain.inner, strict=True):
        found[name] = layer
        if inner is not None:
            found |= layers_by_name(inner)
    return found


def line_of(owner: str, one: Worked, alias: str) -> Line:
    """The line of an equation that was carried out."""
    return Line(f"{owner}.{one.name}", one.name, one.value, alias, one.formula, "", one.numbers, one.place)

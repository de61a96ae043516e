"""The sections of a page about the update: from the gradient to the new weights, parameter by parameter."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from bptrain.arrays import Array
from bptrain.equations import describe, describe_with_numbers, get_equations
from bptrain.explanation.page import Line, Section
from bptrain.explanation.recording import Recording
from bptrain.explanation.worked_equations import Letters, Working, get_options
from bptrain.nn import Entry
from bptrain.optim import LineSearch, Optimizer, Regularization
from bptrain.registry import name_of


def get_parameter(vector: Array, entry: Entry) -> Array:
    """Return the entries of a vector that belong to a parameter, in its shape."""
    return vector[entry.slice].reshape(entry.shape)


def build_gradient_sections(recording: Recording, digits: int) -> Iterator[Section]:
    """Yield a section each for accumulation, the penalty and clipping, if they change the gradient of the loss."""
    model, gradient, penalised = recording.session.model, recording.gradient, recording.penalised
    if gradient is None or penalised is None:
        return
    if model.experiment.training.accumulate > 1:
        lines = [
            Line(f"{name}.gathered", "g", array, words=f"of {name}, the mean over the rows of all batches")
            for name, array in recording.network.view_parameters(gradient).items()
        ]
        yield Section("gradients of all batches together", "gradient", tuple(lines))
    if model.objective.penalties:
        lines = [build_penalty_line(recording, digits), *build_penalty_lines(recording, gradient, penalised, digits)]
        yield Section("penalty", "gradient", tuple(lines))
    if recording.clipped is not None and (lines := list(build_clipping_lines(recording, penalised, digits))):
        yield Section("clipping", "gradient", tuple(lines))


def build_penalty_line(recording: Recording, digits: int) -> Line:
    """Return the penalty before the step, worked where the same formula holds for all weights."""
    penalties, real = recording.session.model.objective.penalties, np.asarray(recording.penalty)
    if len(penalties) > 1:
        return Line("penalty", "P", real, words=", ".join(Regularization.equations.forward))
    part, one = penalties[0]
    terms = [term for term, weight in (("l1 · Σ |w|", one.l1), ("l2 / 2 · Σ w²", one.l2)) if weight]
    letters: Letters = {"w": recording.theta[part], "l1": one.l1, "l2": one.l2}
    working = Working([f"P = {' + '.join(terms)}"], letters, {"P": real.astype(recording.theta.dtype)}, digits)
    (line,) = working.compute(["P"])
    return replace(line, name="penalty", value=real)


def build_penalty_lines(recording: Recording, gradient: Array, penalised: Array, digits: int) -> Iterator[Line]:
    """Yield the gradient of each parameter, with that of the penalty added."""
    for part, one in recording.session.model.objective.penalties:
        terms = [term for term, weight in (("l1 · sign(w)", one.l1), ("l2 · w", one.l2)) if weight]
        for entry in recording.network.entries:
            if not (part.start <= entry.slice.start and entry.slice.stop <= part.stop):
                continue
            letters: Letters = {"w": get_parameter(recording.theta, entry), "g": get_parameter(gradient, entry)}
            letters |= {"l1": one.l1, "l2": one.l2}
            real = {"g": get_parameter(penalised, entry)}
            for line in Working([f"g = g + {' + '.join(terms)}"], letters, real, digits).compute(["g"]):
                yield replace(line, name=f"{entry.name}.penalised", words=f"of {entry.name}")


def build_clipping_lines(recording: Recording, before: Array, digits: int) -> Iterator[Line]:
    """Yield the norm of the gradient, and the clipped gradient of each parameter."""
    clipping = recording.session.model.experiment.training.clipping
    assert clipping is not None
    assert recording.clipped is not None
    bounded = before if clipping.value is None else np.clip(before, -clipping.value, clipping.value)
    norm = float(np.linalg.norm(bounded.astype(np.float64)))
    if clipping.norm is not None:
        words = f"norm of the whole gradient; at most {clipping.norm:g}"
        yield Line("gradient_norm", "|g|", np.asarray(norm), words=words)
    bounds = zip(clipping.equations.forward, (clipping.value, clipping.norm), strict=True)
    statements = [statement for statement, bound in bounds if bound is not None]
    for entry in recording.network.entries:
        letters: Letters = {**get_options(clipping), "g": get_parameter(before, entry), "|g|": norm}
        real = {"g": get_parameter(recording.clipped, entry)}
        lines = Working(statements, letters, real, digits).compute(["g"])
        for line in lines:
            name = f"{entry.name}.clipped" if line is lines[-1] else f"{entry.name}.limited"
            yield replace(line, name=name, words=f"of {entry.name}")


def build_update_sections(recording: Recording, titles: Mapping[str, str], digits: int) -> Iterator[Section]:
    """Yield the section of the learning rate, and one for each parameter with the equations of the optimizer."""
    experiment = recording.session.model.experiment
    optimizer = experiment.optimizer
    yield Section("learning rate", "update", (build_rate_line(recording),))
    found = [one for one in (recording.clipped, recording.penalised, recording.network.grad) if one is not None]
    updated = recording.theta_after if recording.updated is None else recording.updated
    before = optimizer.letters(recording.slots, recording.step)
    after = optimizer.letters(recording.slots_after, recording.step)
    for entry in recording.network.entries:
        letters: Letters = {**get_options(optimizer), **{name: get_value(one, entry) for name, one in before.items()}}
        letters |= {"lr": recording.lr, "t": float(recording.step)}
        letters |= {"θ": get_parameter(recording.theta, entry), "g": get_parameter(found[0], entry)}
        if not entry.parameter.decay and "weight_decay" in letters:
            letters["weight_decay"] = 0.0
        if isinstance(optimizer, LineSearch):
            letters["α"] = compute_step_size(recording, after)
            letters["d"] = get_value(after.get("d", 0.0), entry)
        real = {name: get_value(one, entry) for name, one in after.items() if np.ndim(one)}
        real["θ"] = get_parameter(updated, entry)
        title, new = titles.get(entry.name, ""), get_parameter(recording.theta_after, entry)
        lines = list(build_rule_lines(optimizer, entry.name, title, letters, real, digits))
        if not np.array_equal(real["θ"], new):
            words = f"scaled down to a norm of {experiment.regularization.max_norm:g} where it is larger"
            lines = [replace(line, alias="") for line in lines]
            lines.append(Line(f"{entry.name}.constrained", "θ", new, title, words=words))
        if recording.average is not None:
            share = experiment.training.average
            words = f"w̄ = {share:g} w̄ + (1 - {share:g}) w, used to evaluate"
            lines.append(Line(f"{entry.name}.average", "w̄", get_parameter(recording.average, entry), words=words))
        yield Section(f"{entry.name}: {name_of(optimizer)}", "update", tuple(lines))


def get_value(one: Array | float, entry: Entry) -> Array:
    """Return the entries of a vector that belong to a parameter; a number is returned unchanged."""
    return get_parameter(one, entry) if isinstance(one, np.ndarray) and one.ndim else np.asarray(one)


def compute_step_size(recording: Recording, after: Mapping[str, Array | float]) -> float:
    """Return α, how far a line search went along its direction."""
    d = np.asarray(after.get("d", 0.0), dtype=np.float64)
    moved = recording.theta_after.astype(np.float64) - recording.theta
    length = float(np.sum(d * d))
    return float(np.sum(moved * d)) / length if length else 0.0


def build_rate_line(recording: Recording) -> Line:
    """Return the learning rate of the step, with the factor of the schedule."""
    experiment = recording.session.model.experiment
    schedule, optimizer = experiment.schedule, experiment.optimizer
    words = "the same in every step"
    if not schedule.constant:
        factor = describe_with_numbers(schedule, "factor", T=experiment.training.epochs)
        words = (
            f"{optimizer.lr:g} · factor of the {name_of(schedule)} schedule, t = {recording.epochs_done:g}: {factor}"
        )
    if recording.session.halvings:
        words += f"; halved {recording.session.halvings} times after divergence"
    return Line("lr", "lr", np.asarray(recording.lr), words=words)


def build_rule_lines(
    optimizer: Optimizer, name: str, title: str, letters: Letters, real: Mapping[str, Array], digits: int
) -> Iterator[Line]:
    """Yield the equations of the optimizer for one parameter, worked."""
    lines = Working(get_equations(optimizer).update, letters, real, digits).compute([*real, *letters])
    last = max((k for k, line in enumerate(lines) if line.symbol == "θ"), default=-1)
    for k, line in enumerate(lines):
        if k == last:
            yield replace(line, name=f"{name}.new", alias=title)
        else:
            yield replace(line, name=f"{name}.{line.symbol}" + ".decayed" * (line.symbol == "θ"))
    for symbol in [one for one in real if one not in [line.symbol for line in lines]]:
        if symbol == "θ":
            yield Line(f"{name}.new", symbol, real[symbol], title, words=describe(optimizer, "update"))
        else:
            yield Line(f"{name}.{symbol}", symbol, real[symbol])


def build_result_section(recording: Recording) -> Section:
    """Return the loss before and after the step."""
    old, new = np.asarray(recording.loss), np.asarray(recording.new_loss)
    lines = [
        Line("old_loss", "L", old, words="before the step"),
        Line("new_loss", "L", new, "new_loss", words="of the same rows, with the new weights"),
    ]
    if recording.session.model.objective.penalties:
        lines += [
            Line("old_objective", "L + P", old + recording.penalty, words="with the penalty"),
            Line("new_objective", "L + P", new + recording.new_penalty, words="with the new penalty"),
        ]
    return Section("after the step", "result", tuple(lines))

"""Updating: from the gradient to the new weights, parameter by parameter, as sections of a page."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from bptrain.arrays import Array
from bptrain.equations import describe, equations_of, with_numbers
from bptrain.explanation.page import Line, Section
from bptrain.explanation.recording import Recording
from bptrain.explanation.worked_equations import Letters, Working, options_of
from bptrain.nn import Entry
from bptrain.optim import LineSearch, Optimizer, Regularization
from bptrain.registry import name_of


def cut(vector: Array, entry: Entry) -> Array:
    """The part of a vector that belongs to a parameter, in its shape."""
    return vector[entry.slice].reshape(entry.shape)


def gradient_sections(recording: Recording, titles: Mapping[str, str], digits: int) -> Iterator[Section]:
    """What the penalty and clipping make of the gradient of the loss; nothing where there is neither."""
    model, training = recording.session.model, recording.session.model.experiment.training
    gathered = training.accumulate > 1
    if recording.gradient is None or recording.penalised is None:
        return
    if gathered:
        lines = [
            Line(
                f"{entry.name}.gathered", "g", cut(recording.gradient, entry), words="mean over the rows of all batches"
            )
            for entry in recording.network.entries
        ]
        yield Section("gradients of all batches together", "gradient", tuple(lines))
    if model.objective.penalties:
        yield Section("penalty", "gradient", tuple(penalty_lines(recording, digits)))
    if recording.clipped is not None:
        yield Section("clipping", "gradient", tuple(clipping_lines(recording, digits)))


def penalty_lines(recording: Recording, digits: int) -> Iterator[Line]:
    """The penalty, and what it adds to each gradient."""
    assert recording.gradient is not None
    assert recording.penalised is not None
    yield penalty_line(recording, digits)
    for part, one in recording.session.model.objective.penalties:
        for entry in recording.network.entries:
            if not (part.start <= entry.slice.start and entry.slice.stop <= part.stop):
                continue
            before, after = cut(recording.gradient, entry), cut(recording.penalised, entry)
            letters: Letters = {"w": cut(recording.theta, entry), "g": before, "l1": one.l1, "l2": one.l2}
            terms = [term for term, weight in (("l1 · sign(w)", one.l1), ("l2 · w", one.l2)) if weight]
            working = Working([f"g = g + {' + '.join(terms)}"], letters, {"g": after}, digits)
            for done in working.carry_out(["g"]):
                yield Line(
                    f"{entry.name}.penalised", "g", done.value, "", done.formula, entry.name, done.numbers, done.place
                )


def penalty_line(recording: Recording, digits: int) -> Line:
    """The penalty before the step, with numbers where it is the same on all weights."""
    penalties, real = recording.session.model.objective.penalties, np.asarray(recording.penalty)
    if len(penalties) == 1:
        part, one = penalties[0]
        terms = [term for term, weight in (("l1 · Σ |w|", one.l1), ("l2 / 2 · Σ w²", one.l2)) if weight]
        letters: Letters = {"w": recording.theta[part], "l1": one.l1, "l2": one.l2}
        working = Working([f"P = {' + '.join(terms)}"], letters, {"P": real.astype(recording.theta.dtype)}, digits)
        (done,) = working.carry_out(["P"])
        return Line("penalty", "P", real, "", done.formula, "", done.numbers)
    return Line("penalty", "P", real, words=", ".join(Regularization.equations.forward))


def clipping_lines(recording: Recording, digits: int) -> Iterator[Line]:
    """The size of the gradient, and each gradient as clipped."""
    assert recording.penalised is not None
    assert recording.clipped is not None
    clipping = recording.session.model.experiment.training.clipping
    assert clipping is not None
    before = recording.penalised
    bounded = before if clipping.value is None else np.clip(before, -clipping.value, clipping.value)
    size = float(np.linalg.norm(bounded.astype(np.float64)))
    if clipping.norm is not None:
        yield Line(
            "gradient_norm", "|g|", np.asarray(size), words=f"norm of the whole gradient; at most {clipping.norm:g}"
        )
    clips = clipping.norm is not None and size > clipping.norm
    for entry in recording.network.entries:
        letters: Letters = {"g": cut(before, entry), "|g|": size}
        steps = []
        if clipping.value is not None:
            letters["value"] = clipping.value
            steps.append("g = min(max(g, -value), value)")
        if clips and clipping.norm is not None:
            letters["norm"] = clipping.norm
            steps.append("g = g · norm / |g|")
        real = cut(recording.clipped, entry)
        done = Working(steps, letters, {"g": real}, digits).carry_out(["g"])
        for k, one in enumerate(done):
            name = f"{entry.name}.clipped" if k == len(done) - 1 else f"{entry.name}.limited"
            yield Line(name, "g", one.value, "", one.formula, entry.name, one.numbers, one.place)
        if not done:
            yield Line(f"{entry.name}.clipped", "g", real, words="as it was: its norm is no larger")


def update_sections(recording: Recording, titles: Mapping[str, str], digits: int) -> Iterator[Section]:
    """The learning rate, and the optimizer's rule on every parameter."""
    experiment = recording.session.model.experiment
    optimizer = experiment.optimizer
    yield Section("learning rate", "update", (rate_line(recording),))
    grad = recording.clipped if recording.clipped is not None else recording.penalised
    grad = recording.network.grad if grad is None else grad
    updated = recording.theta_after if recording.updated is None else recording.updated
    before = optimizer.letters(recording.slots, recording.step)
    after = optimizer.letters(recording.slots_after, recording.step)
    for entry in recording.network.entries:
        letters: Letters = {
            **options_of(optimizer),
            **{name: here(one, entry) for name, one in before.items()},
            "lr": recording.lr, "t": float(recording.step), "θ": cut(recording.theta, entry), "g": cut(grad, entry),
        }  # fmt: skip
        if not entry.parameter.decay and "weight_decay" in letters:
            letters["weight_decay"] = 0.0
        if isinstance(optimizer, LineSearch):
            letters |= line_letters(recording, after)
            letters["d"] = here(after["d"], entry) if "d" in after else 0.0
        real = {name: here(one, entry) for name, one in after.items() if np.ndim(one)}
        real["θ"] = cut(updated, entry)
        title = titles.get(entry.name, "")
        lines = list(rule_lines(optimizer, entry.name, title, letters, real, digits))
        if not np.array_equal(cut(updated, entry), cut(recording.theta_after, entry)):
            bound = f"scaled down to a norm of {experiment.regularization.max_norm:g} where it is larger"
            lines.append(Line(f"{entry.name}.constrained", "θ", cut(recording.theta_after, entry), title, words=bound))
            lines[:-1] = [replace(line, alias="") for line in lines[:-1]]
        if recording.average is not None:
            share = experiment.training.average
            average = f"w̄ = {share:g} w̄ + (1 - {share:g}) w, to evaluate with"
            lines.append(Line(f"{entry.name}.average", "w̄", cut(recording.average, entry), words=average))
        yield Section(f"{entry.name}: {name_of(optimizer)}", "update", tuple(lines))


def here(one: Array | float, entry: Entry) -> Array:
    """What a letter stands for in one parameter; a number is the same everywhere."""
    return cut(one, entry) if isinstance(one, np.ndarray) and one.ndim else np.asarray(one)


def line_letters(recording: Recording, after: Mapping[str, Array | float]) -> Letters:
    """How far along its direction a line search went."""
    d = np.asarray(after.get("d", 0.0), dtype=np.float64)
    moved = recording.theta_after.astype(np.float64) - recording.theta
    length = float(np.sum(d * d))
    return {"α": float(np.sum(moved * d)) / length if length else 0.0}


def rate_line(recording: Recording) -> Line:
    """The learning rate of the step, by the schedule."""
    experiment = recording.session.model.experiment
    schedule, optimizer = experiment.schedule, experiment.optimizer
    if schedule.constant:
        words = "the same in every step"
    else:
        text = with_numbers(describe(schedule, "factor"), schedule, T=experiment.training.epochs)
        words = f"{optimizer.lr:g} · factor by {name_of(schedule)}, t = {recording.epochs_done:g}: {text}"
    if recording.session.halvings:
        words += f"; halved {recording.session.halvings} times after divergence"
    return Line("lr", "lr", np.asarray(recording.lr), words=words)


def rule_lines(
    optimizer: Optimizer, name: str, title: str, letters: Letters, real: Mapping[str, Array], digits: int
) -> Iterator[Line]:
    """The rule on one parameter, equation by equation."""
    working = Working(equations_of(optimizer).update, letters, real, digits)
    done = working.carry_out([*real, *letters])
    count = sum(one.name == "θ" for one in done)
    for one in done:
        if one.name == "θ":
            count -= 1
        last = one.name == "θ" and not count
        key = f"{name}.new" if last else f"{name}.{one.name}" + ".decayed" * (one.name == "θ")
        yield Line(key, one.name, one.value, title * last, one.formula, "", one.numbers, one.place)
    for symbol in [one for one in real if one not in [line.name for line in done]]:
        last = symbol == "θ"
        key = f"{name}.new" if last else f"{name}.{symbol}"
        yield Line(key, symbol, real[symbol], title * last, words=describe(optimizer, "update") if last else "")


def result_section(recording: Recording) -> Section:
    """The loss before and after."""
    lines = [
        Line("old_loss", "L", np.asarray(recording.loss), words="before the step"),
        Line(
            "new_loss", "L", np.asarray(recording.new_loss), "new_loss", words="of the same rows, with the new weights"
        ),
    ]
    if recording.session.model.objective.penalties:
        lines += [
            Line("old_objective", "L + P", np.asarray(recording.loss + recording.penalty), words="with the penalty"),
            Line(
                "new_objective",
                "L + P",
                np.asarray(recording.new_loss + recording.new_penalty),
                words="with the new one",
            ),
        ]
    return Section("after the step", "result", tuple(lines))

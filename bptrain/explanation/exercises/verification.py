"""The verification: answers computed by hand are compared with training, and the first wrong one is explained."""

from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import ConfigError, InputError
from bptrain.explanation.exercises.answer_sheet import Answer, Sheet, check_shape
from bptrain.explanation.exercises.slips import Case, list_slips
from bptrain.explanation.notation import format_number
from bptrain.explanation.recording import Recording
from bptrain.explanation.replay import refill_batch
from bptrain.explanation.sections import build_page, name_quantities
from bptrain.nn import Views, Workspace
from bptrain.nn.observer import ObservedLayer, Observer, observe, observe_layers
from bptrain.text import suggest_word

UNKNOWN = "no known slip leads to this number"


@dataclass(frozen=True)
class Wrong:
    """A wrong answer: its first entry that differs, and the slip that probably led to it.

    `place` counts from 1 and is empty for a single number; `answer` is as written, `truth` the right value; `slip` is a
    short name and `words` the explanation.
    """

    name: str
    place: tuple[int, ...]
    answer: str
    truth: float
    slip: str
    words: str


@dataclass(frozen=True)
class Verification:
    """The names of the right answers, the first wrong answer, the names of the `others` that are wrong, and those left
    blank."""

    right: tuple[str, ...]
    wrong: Wrong | None
    others: tuple[str, ...]
    blank: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether no answer is wrong."""
        return self.wrong is None

    def to_json(self) -> dict[str, Any]:
        """Return what `bptrain verify --json` prints; scripts may rely on the keys."""
        wrong = None
        if self.wrong is not None:
            truth = self.wrong.truth if np.isfinite(self.wrong.truth) else None
            wrong = asdict(self.wrong) | {"place": list(self.wrong.place), "truth": truth}
        return {
            "passed": self.passed,
            "right": list(self.right),
            "wrong": wrong,
            "others": list(self.others),
            "blank": list(self.blank),
        }


def compare_answers(sheet: Sheet, recording: Recording) -> Verification:
    """Compare the answers of a sheet with the numbers of a training step.

    Raises:
        ConfigError: a name is unknown, or an answer has the wrong shape; with the places of all mistakes.
        InputError: no answer is filled in.
    """
    page = build_page(recording, str(sheet.config), 6)
    truths = page.aliases
    problems = [
        sheet.origin.make_problem(("answers", name), f"unknown name; {suggest_word(name, truths)}", at_key=True)
        for name in (*sheet.answers, *sheet.blank)
        if name not in truths
    ]
    if problems:
        raise ConfigError(problems)
    if not sheet.answers:
        raise InputError(f"{sheet.path}: no answer is filled in yet; write numbers in place of ~")
    transposed = {name: check_shape(sheet, answer, truths[name].shape) for name, answer in sheet.answers.items()}
    right: list[str] = []
    wrong: list[str] = []
    for name in truths:
        if name in transposed:
            differs = transposed[name] or find_misses(sheet.answers[name], truths[name].value).any()
            (wrong if differs else right).append(name)
    first = None
    if wrong:
        answer = sheet.answers[wrong[0]]
        judge = judge_transposition if transposed[answer.name] else judge_answer
        first = judge(answer, Case(recording, page, answer.name, truths[answer.name].value.astype(np.float64)))
    return Verification(tuple(right), first, tuple(wrong[1:]), sheet.blank)


def find_misses(answer: Answer, truth: Array) -> Array:
    """Return for each number whether it is off by more than half a unit of its last written digit."""
    flat = truth.reshape(-1).astype(np.float64)
    # A number halfway between two may be rounded up or down.
    slack = answer.half_units * (1 + 1e-9) + 1e-12 * np.abs(flat)
    return np.asarray(~(np.abs(answer.values - flat) <= slack))


def judge_transposition(answer: Answer, case: Case) -> Wrong:
    """Return what is wrong with an answer whose rows and columns are swapped."""
    rows, columns = case.truth.shape
    words = f"the matrix is transposed: it must have {rows} rows and {columns} columns"
    if find_misses(answer, case.truth.T).any():
        words = f"the matrix must have {rows} rows and {columns} columns, and its numbers differ as well"
    return Wrong(answer.name, (1, 1), answer.texts[0], float(case.truth[0, 0]), "transposed", words)


def judge_answer(answer: Answer, case: Case) -> Wrong:
    """Return what is wrong with an answer."""
    first = int(np.argmax(find_misses(answer, case.truth)))
    place = tuple(int(k) + 1 for k in np.unravel_index(first, case.truth.shape)) if case.truth.size > 1 else ()
    return Wrong(answer.name, place, answer.texts[first], float(case.truth.flat[first]), *diagnose(answer, case))


def diagnose(answer: Answer, case: Case) -> tuple[str, str]:
    """Return the name and the explanation of the slip that probably led to an answer."""
    truth = case.truth.reshape(-1)
    for slip in list_slips(case):
        fits = slip.value.size == truth.size and np.isfinite(slip.value).all()
        distinct = fits and (np.abs(slip.value.reshape(-1) - truth) > answer.half_units).any()
        if distinct and not find_misses(answer, slip.value).any():
            return slip.name, slip.words
    if has_swapped_digits(answer, truth):
        return "digits swapped", "two digits are swapped"
    if is_cut_off(answer, truth):
        return "cut off", "the digits were cut off; round the last one"
    for decimals in (*range(1, 9), *range(-8, 0)):
        carried = round_step(case.recording, decimals).get(answer.name)
        if carried is not None and not find_misses(answer, carried).any():
            kept = f"{decimals} decimals" if decimals > 0 else f"{-decimals} digits"
            return "rounding", f"rounding carried forward: earlier results were rounded to {kept}"
    if (np.abs(answer.values - truth) <= 0.02 * np.abs(truth)).all():
        return "rounding", "probably rounding carried forward: the answer is close, but its last digits are off"
    return "", UNKNOWN


def has_swapped_digits(answer: Answer, truth: Array) -> bool:
    """Tell whether each wrong number becomes right when two neighbouring digits are swapped."""
    wrong = np.flatnonzero(find_misses(answer, truth))
    for k in wrong:
        mantissa, e, exponent = answer.texts[k].partition("e")
        digits = [i for i, c in enumerate(mantissa) if c.isdigit()]
        swaps = []
        for i, j in pairwise(digits):
            swapped = list(mantissa)
            swapped[i], swapped[j] = swapped[j], swapped[i]
            swaps.append(float("".join(swapped) + e + exponent))
        if not any(abs(value - truth[k]) <= answer.half_units[k] * (1 + 1e-9) for value in swaps):
            return False
    return bool(len(wrong))


def is_cut_off(answer: Answer, truth: Array) -> bool:
    """Tell whether an answer has the digits of the true value, cut off instead of rounded."""
    unit = 2 * answer.half_units
    cut = np.trunc(truth / unit + 1e-9 * np.sign(truth)) * unit
    return bool((np.abs(answer.values - cut) <= unit * 1e-6).all())


def format_truth(value: float, text: str) -> str:
    """Return a true value with two digits more than the answer was written with."""
    digits = sum(c.isdigit() for c in text.partition("e")[0].lstrip("-+0.")) or 1
    return format_number(value, min(max(digits + 2, 3), 17))


class RoundingObserver(Observer):
    """Rounds all results in place, as when they are written down by hand, and keeps the values before rounding.

    Args:
        decimals: digits after the decimal point; if negative, significant digits.
    """

    def __init__(self, decimals: int) -> None:
        self.decimals = decimals
        self.outputs: dict[str, Array] = {}
        self.slopes: dict[str, Array] = {}

    def round(self, array: Array) -> None:
        """Round in place."""
        if self.decimals >= 0:
            np.round(array, self.decimals, out=array)
            return
        with np.errstate(all="ignore"):
            scale = 10.0 ** (-self.decimals - 1 - np.floor(np.log10(np.abs(array))))
            array[...] = np.where(array == 0, 0, np.round(array * scale) / scale)

    def forward(self, observed: ObservedLayer, p: Views, x: Array, y: Array, s: Workspace) -> None:
        """Keep y and round it."""
        super().forward(observed, p, x, y, s)
        self.outputs[observed.name] = y.copy()
        self.round(y)

    def backward(
        self, observed: ObservedLayer, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace
    ) -> None:
        """Keep dy, and round dy and dx."""
        self.slopes[observed.name] = dy.copy()
        self.round(dy)
        super().backward(observed, p, g, x, y, dy, dx, s)
        if dx is not None:
            self.round(dx)


def round_step(recording: Recording, decimals: int) -> dict[str, Array]:
    """Return z, a, delta, dW, db, W, b and the loss by their textbook names, from a step with all results rounded."""
    objective, network = recording.session.model.objective, recording.network
    titles, observer = name_quantities(network.chain), RoundingObserver(decimals)
    with refill_batch(recording, recording.passes[0]) as batch, np.errstate(all="ignore"):
        network.theta[...] = recording.theta
        frame, layers = observe_layers(network.chain, batch.frame)
        with observe(layers, observer):
            loss, _ = objective.loss_and_grad(replace(batch, frame=frame))
        gradients = {name: array.copy() for name, array in network.gradients().items()}
    found = {"loss": np.asarray(loss)}
    found |= {title: observer.outputs[name] for name, title in titles.outputs.items()}
    found |= {title: observer.slopes[name] for name, title in titles.deltas.items() if name in observer.slopes}
    start = network.view_parameters(recording.theta)
    for name, title in titles.parameters.items():
        found |= {f"d{title}": gradients[name], title: start[name] - recording.lr * gradients[name]}
    return found

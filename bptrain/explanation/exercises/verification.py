"""Verifying: a person's answers held against the truth, and the likely slip where one is wrong."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import ConfigError, InputError
from bptrain.explanation.exercises.answer_sheet import Answer, Sheet, fit_shape
from bptrain.explanation.exercises.rounded_step import round_step
from bptrain.explanation.exercises.slip_candidates import candidates
from bptrain.explanation.exercises.slips import Case
from bptrain.explanation.notation import number
from bptrain.explanation.page import Page
from bptrain.explanation.recording import Recording
from bptrain.explanation.sections import Builder
from bptrain.text import suggest_word

UNKNOWN = "no slip that is known leads to this"


@dataclass(frozen=True)
class Wrong:
    """An answer that is not right: the first entry that differs (counted from 1; empty for a single number), the answer
    as written, the truth, and what probably happened."""

    name: str
    place: tuple[int, ...]
    answer: str
    truth: float
    slip: str
    words: str


@dataclass(frozen=True)
class Verification:
    """What became of the answers: those that are right, the first that is not, others that differ as well, and those
    that are left blank. `to_json` gives what `bptrain verify --json` prints."""

    right: tuple[str, ...]
    wrong: Wrong | None
    others: tuple[str, ...]
    blank: tuple[str, ...]
    digits: dict[str, int]

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return self.wrong is None

    def to_json(self) -> dict[str, Any]:
        """The keys that scripts may rely on."""
        wrong = self.wrong
        return {
            "passed": self.passed,
            "right": list(self.right),
            "wrong": None
            if wrong is None
            else {
                "name": wrong.name,
                "place": list(wrong.place),
                "answer": wrong.answer,
                "truth": wrong.truth if np.isfinite(wrong.truth) else None,
                "slip": wrong.slip,
                "words": wrong.words,
            },
            "others": list(self.others),
            "blank": list(self.blank),
        }


def compare_answers(sheet: Sheet, recording: Recording) -> Verification:
    """Hold the answers of a sheet against the numbers of a step.

    Raises:
        ConfigError: a name is unknown, or an answer does not have the shape; with the places of all mistakes.
        InputError: no answer is filled in.
    """
    page = Builder(recording, 6).page(str(sheet.config))
    truths = page.aliases
    problems = [
        sheet.origin.problem(("answers", name), f"unknown name; {suggest_word(name, truths)}", at_key=True)
        for name in (*sheet.answers, *sheet.blank)
        if name not in truths
    ]
    if problems:
        raise ConfigError(problems)
    shaped = {name: fit_shape(sheet, answer, truths[name].shape) for name, answer in sheet.answers.items()}
    if not shaped:
        raise InputError(f"{sheet.path}: no answer is filled in yet; write numbers in place of the blanks")
    right: list[str] = []
    differing: list[str] = []
    for name in truths:
        if name in shaped:
            answer, turned = shaped[name]
            (differing if turned or misses(answer, truths[name].value).any() else right).append(name)
    wrong = judge_answer(*shaped[differing[0]], recording, page) if differing else None
    digits = {name: int(-np.log10(2 * shaped[name][0].half_units.min())) for name in right}
    return Verification(tuple(right), wrong, tuple(differing[1:]), sheet.blank, digits)


def misses(answer: Answer, truth: Array) -> Array:
    """Which numbers of an answer are farther from the truth than half a unit in the last place written."""
    flat = truth.reshape(-1).astype(np.float64)
    # A number that lies just between two may be rounded to either.
    slack = answer.half_units * (1 + 1e-9) + 1e-12 * np.abs(flat)
    return np.asarray(~(np.abs(answer.values - flat) <= slack))


def judge_answer(answer: Answer, turned: bool, recording: Recording, page: Page) -> Wrong:
    """Say what is wrong with an answer."""
    truth = page.aliases[answer.name].value.astype(np.float64)
    if turned:
        flat = Answer(answer.name, answer.values, answer.half_units, answer.texts, answer.shape)
        if not misses(flat, truth.T).any():
            rows, columns = truth.shape
            words = f"the matrix is transposed: it has {rows} rows and {columns} columns here"
            return Wrong(answer.name, (1, 1), answer.texts[0], float(truth[0, 0]), "transposed", words)
        words = f"the matrix has {truth.shape[0]} rows and {truth.shape[1]} columns here, and other numbers as well"
        return Wrong(answer.name, (1, 1), answer.texts[0], float(truth[0, 0]), "transposed", words)
    first = int(np.argmax(misses(answer, truth)))
    place = tuple(int(k) + 1 for k in np.unravel_index(first, truth.shape)) if truth.size > 1 else ()
    slip, words = diagnose_answer(answer, truth, recording, page)
    return Wrong(answer.name, place, answer.texts[first], float(truth.reshape(-1)[first]), slip, words)


def diagnose_answer(answer: Answer, truth: Array, recording: Recording, page: Page) -> tuple[str, str]:
    """Name the slip that leads to an answer, and describe it."""
    for one in candidates(Case(recording, page, answer.name, truth)):
        fits = one.value.size == truth.size and np.isfinite(one.value).all()
        if fits and not misses(answer, one.value).any() and is_distinct(answer, one.value, truth):
            return one.name, one.words
    if has_swapped_digits(answer, truth):
        return "digits swapped", "two digits are swapped"
    if cut_off(answer, truth):
        return "cut off", "the digits are cut off; the last one is to be rounded"
    for decimals in (*range(1, 9), *range(-8, 0)):
        carried = round_step(recording, decimals).get(answer.name)
        if carried is not None and not misses(answer, carried).any():
            kept = f"{decimals} decimals" if decimals > 0 else f"{-decimals} digits"
            return "rounding", f"rounding carried forward: results before it were rounded to {kept}"
    near = np.abs(answer.values - truth.reshape(-1)) <= 0.02 * np.abs(truth.reshape(-1))
    if near.all():
        return "rounding", "rounding carried forward, probably: it is close, and further off than its last digit"
    return "", UNKNOWN


def is_distinct(answer: Answer, value: Array, truth: Array) -> bool:
    """Whether the digits written tell a slip from what is right."""
    return bool((np.abs(value.reshape(-1) - truth.reshape(-1)) > answer.half_units).any())


def has_swapped_digits(answer: Answer, truth: Array) -> bool:
    """Whether the wrong numbers of an answer are right with two neighbouring digits swapped."""
    wrong = np.flatnonzero(misses(answer, truth))
    for k in wrong:
        text, found = answer.texts[k], False
        mantissa, e, exponent = text.partition("e")
        places = [i for i, c in enumerate(mantissa) if c.isdigit()]
        for i, j in pairwise(places):
            other = list(mantissa)
            other[i], other[j] = other[j], other[i]
            value = float("".join(other) + e + exponent)
            found |= abs(value - truth.reshape(-1)[k]) <= answer.half_units[k] * (1 + 1e-9)
        if not found:
            return False
    return bool(len(wrong))


def cut_off(answer: Answer, truth: Array) -> bool:
    """Whether an answer has the digits of the truth without rounding."""
    unit, flat = 2 * answer.half_units, truth.reshape(-1)
    cut = np.trunc(flat / unit + 1e-9 * np.sign(flat)) * unit
    return bool((np.abs(answer.values - cut) <= unit * 1e-6).all())


def as_written(value: float, text: str) -> str:
    """A number with about as many digits as another one was written with, and two more."""
    digits = sum(c.isdigit() for c in text.partition("e")[0].lstrip("-+0.")) or 1
    return number(value, min(max(digits + 2, 3), 17))

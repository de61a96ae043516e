"""Answers: what a person computed by hand, read from a YAML file, each number with the digits that were written."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bptrain.arrays import Array, Shape
from bptrain.config.load import read_yaml
from bptrain.config.origin import FieldPath, Origin
from bptrain.config.yaml_text import show_value
from bptrain.errors import ConfigError, Problem
from bptrain.explanation.notation import shape_in_words
from bptrain.text import suggest_word

KEYS = ("config", "overrides", "row", "rows", "step", "answers")

WRITTEN = re.compile(r"[-+]?(?P<whole>\d*)(?:\.(?P<fraction>\d*))?(?:[eE](?P<exponent>[-+]?\d+))?")


@dataclass(frozen=True)
class Answer:
    """One quantity: its name, the numbers, and the value of half a unit in the last place written of each; `shape` as
    it was written, and `text` of each number."""

    name: str
    values: Array
    half_units: Array
    texts: tuple[str, ...]
    shape: Shape


@dataclass(frozen=True)
class Sheet:
    """A file of answers: which step they are about, and the answers by name; those left blank are in `blank`."""

    path: Path
    config: Path
    overrides: tuple[str, ...]
    rows: tuple[int, ...]
    step: int | None
    answers: dict[str, Answer]
    blank: tuple[str, ...]
    origin: Origin

    def wrong(self, name: str, message: str) -> ConfigError:
        """A mistake in an answer, with its place."""
        return ConfigError([self.origin.problem(("answers", name), message)])


def read_answers(path: str | Path) -> Sheet:
    """Read a file of answers.

    Raises:
        InputError: it cannot be read; a `ConfigError` has the places of all mistakes.
    """
    path = Path(path)
    tree, origin = read_yaml(path)
    reader = _Reader(origin)
    if not isinstance(tree, dict):
        raise ConfigError([origin.problem((), f"expected a mapping of {', '.join(KEYS)} (got {show_value(tree)})")])
    for key in tree:
        if key not in KEYS:
            reader.complain((key,), f"unknown key; {suggest_word(key, KEYS)}", at_key=True)
    config = reader.text(tree, "config")
    given = tree.get("answers")
    if not isinstance(given, dict) or not given:
        reader.complain(("answers",), f"expected answers by name, such as z1: [0.5, 1.2] (got {show_value(given)})")
        given = {}
    answers = {name: reader.answer(name, value) for name, value in given.items() if value is not None}
    rows, step = reader.rows(tree), reader.number(tree, "step")
    if rows and step is not None:
        reader.complain(("step",), "step replays training, and row chooses a batch of its own; give one of them")
    overrides = tree.get("overrides") or ()
    if not isinstance(overrides, tuple) or not all(isinstance(one, str) for one in overrides):
        reader.complain(("overrides",), f"expected a list of KEY=VALUE texts (got {show_value(overrides)})")
        overrides = ()
    if reader.problems:
        raise ConfigError(reader.problems)
    found = {name: answer for name, answer in answers.items() if answer is not None}
    blank = tuple(name for name, value in given.items() if value is None)
    return Sheet(path, path.parent / config, overrides, rows, step, found, blank, origin)


class _Reader:
    """Reads single values, and notes what is wrong with them."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.problems: list[Problem] = []

    def complain(self, path: FieldPath, message: str, *, at_key: bool = False) -> None:
        """Note a mistake."""
        self.problems.append(self.origin.problem(path, message, at_key=at_key))

    def text(self, tree: Mapping[str, Any], key: str) -> str:
        """A text that must be there."""
        value = tree.get(key)
        if isinstance(value, str) and value:
            return value
        self.complain((key,), f"expected the path of the config, from this file (got {show_value(value)})")
        return ""

    def number(self, tree: Mapping[str, Any], key: str) -> int | None:
        """A whole number from 1, or nothing."""
        value = tree.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
            return value
        self.complain((key,), f"expected a whole number from 1 (got {show_value(value)})")
        return None

    def rows(self, tree: Mapping[str, Any]) -> tuple[int, ...]:
        """The rows: `row: 3` or `rows: [3, 7]`."""
        if "rows" not in tree:
            row = self.number(tree, "row")
            return () if row is None else (row,)
        rows = tree["rows"]
        if isinstance(rows, tuple) and rows and all(type(row) is int and row > 0 for row in rows):
            return rows
        self.complain(("rows",), f"expected a list of row numbers from 1 (got {show_value(rows)})")
        return ()

    def answer(self, name: str, value: Any) -> Answer | None:
        """Numbers in lists, with the digits in which they were written."""
        cells: list[tuple[FieldPath, Any]] = []
        shape = self.walk(("answers", name), value, cells)
        if shape is None:
            return None
        numbers, halves, texts = [], [], []
        for path, cell in cells:
            if isinstance(cell, bool) or not isinstance(cell, int | float) or not np.isfinite(cell):
                self.complain(path, f"expected a number (got {show_value(cell)})")
                return None
            text = self.text_at(path, cell)
            numbers.append(float(cell))
            halves.append(half_unit(text))
            texts.append(text)
        return Answer(name, np.array(numbers), np.array(halves), tuple(texts), shape)

    def walk(self, path: FieldPath, value: Any, cells: list[tuple[FieldPath, Any]]) -> Shape | None:
        """The shape of nested lists, their numbers added to `cells`; None where they are ragged."""
        if not isinstance(value, tuple):
            cells.append((path, value))
            return ()
        shapes = [self.walk((*path, k), one, cells) for k, one in enumerate(value)]
        if not shapes or None in shapes or len(set(shapes)) > 1:
            if None not in shapes:
                self.complain(
                    path, "expected lists of the same length" if shapes else "expected numbers (got an empty list)"
                )
            return None
        return (len(shapes), *(shapes[0] or ()))

    def text_at(self, path: FieldPath, value: float) -> str:
        """Return a number as it is written in the file."""
        spot = self.origin.spot(path)
        line = "" if spot is None else spot.source.line(spot.line)[spot.column - 1 :]
        match = WRITTEN.match(line)
        return match[0] if match and match[0] else f"{value:g}"


def half_unit(text: str) -> float:
    """Half a unit in the last place of a number as it is written: 0.005 for 1.50."""
    match = WRITTEN.fullmatch(text)
    assert match is not None
    return 0.5 * 10.0 ** (int(match["exponent"] or 0) - len(match["fraction"] or ""))


def fit_shape(sheet: Sheet, answer: Answer, shape: Shape) -> tuple[Answer, bool]:
    """An answer in the shape of the truth, and whether it was written transposed.

    A vector may be written as one list, whether it is a row or a column.

    Raises:
        ConfigError: it has another shape.
    """
    size = int(np.prod(shape))
    vector = max(shape, default=1) == size and answer.values.size == size and len(answer.shape) <= 1
    if answer.shape == shape or vector or (size == 1 and answer.values.size == 1):
        return answer, False
    if len(shape) == 2 and answer.shape == shape[::-1]:
        return answer, True
    expected = f"a number for each entry, of shape {shape_in_words(shape)}" if shape else "a single number"
    raise sheet.wrong(
        answer.name, f"expected {expected} (got {shape_in_words(answer.shape) if answer.shape else 'one'})"
    )

"""The answer sheet: numbers computed by hand, read from a YAML file with the digits as they are written."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from bptrain.arrays import Array, Shape
from bptrain.config.document.origin import FieldPath, Origin
from bptrain.config.document.yaml_text import show_value
from bptrain.config.load import read_yaml
from bptrain.errors import ConfigError
from bptrain.explanation.notation import format_shape
from bptrain.text import suggest_word


def is_count(value: object) -> bool:
    """Tell whether a value is a whole number above 0."""
    return type(value) is int and value > 0


FIELDS: dict[str, tuple[Callable[[Any], object], str]] = {
    "config": (lambda value: isinstance(value, str) and value, "the path of the config, relative to this file"),
    "overrides": (
        lambda value: isinstance(value, tuple) and all(isinstance(one, str) for one in value),
        "a list of KEY=VALUE texts",
    ),
    "row": (is_count, "a whole number from 1"),
    "rows": (lambda value: isinstance(value, tuple) and value and all(map(is_count, value)), "row numbers from 1"),
    "step": (is_count, "a whole number from 1"),
    "answers": (lambda value: isinstance(value, dict) and value, "answers by name, such as z1: [0.5, 1.2]"),
}
"""The keys of the file, each with a test of its value and what is expected."""

REQUIRED = ("config", "answers")

NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


@dataclass(frozen=True)
class Answer:
    """The answer for one quantity.

    `values` are the numbers as one flat array, and `texts` how they are written; `half_units` is for each number half a
    unit of its last written digit; `shape` is the shape of the nested lists.
    """

    name: str
    values: Array
    half_units: Array
    texts: tuple[str, ...]
    shape: Shape


@dataclass(frozen=True)
class Sheet:
    """A file of answers: the step they belong to, the answers by name, and the names left blank."""

    path: Path
    config: Path
    overrides: tuple[str, ...]
    rows: tuple[int, ...]
    step: int | None
    answers: dict[str, Answer]
    blank: tuple[str, ...]
    origin: Origin


def read_answers(path: str | Path) -> Sheet:
    """Read a file of answers.

    Raises:
        InputError: it cannot be read; a `ConfigError` has the places of all mistakes.
    """
    path = Path(path)
    tree, origin = read_yaml(path)
    if not isinstance(tree, dict):
        raise ConfigError(
            [origin.make_problem((), f"expected a mapping of {', '.join(FIELDS)} (got {show_value(tree)})")]
        )
    if "data" in tree and "answers" not in tree:
        what = "is a key of a config, but verify reads a file of answers; bptrain explain CONFIG --sheet -o sheet.md"
        raise ConfigError([origin.make_problem(("data",), f"{what} writes one to fill in", at_key=True)])
    problems = [
        origin.make_problem((key,), f"unknown key; {suggest_word(key, FIELDS)}", at_key=True)
        for key in tree
        if key not in FIELDS
    ]
    for key, (is_valid, expected) in FIELDS.items():
        value = tree.get(key)
        if not is_valid(value) and (value is not None or key in REQUIRED):
            what = (
                f"expected {expected} (got {show_value(value)})" if key in tree else f"is missing; expected {expected}"
            )
            problems.append(origin.make_problem((key,), what))
    row, step, given = tree.get("row"), tree.get("step"), tree.get("answers")
    rows = tree.get("rows") or (() if row is None else (row,))
    if rows and step is not None:
        what = "step explains a step of training, row a row of your choice; give only one of them"
        problems.append(origin.make_problem(("step",), what))
    answers: dict[str, Answer] = {}
    given = given if isinstance(given, dict) else {}
    for name, value in given.items():
        try:
            if value is not None:
                answers[name] = read_answer(origin, name, value)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    blank = tuple(name for name in given if name not in answers)
    overrides, config = tree.get("overrides") or (), path.parent / tree["config"]
    return Sheet(path, config, overrides, rows, step, answers, blank, origin)


def read_answer(origin: Origin, name: str, value: Any) -> Answer:
    """Return the answer for a quantity, from a number or nested lists of numbers.

    Raises:
        ConfigError: a value is not a number, or the lists have different lengths.
    """
    cells = list(list_cells(("answers", name), value))
    for path, cell in cells:
        if isinstance(cell, bool) or not isinstance(cell, int | float) or not np.isfinite(cell):
            raise ConfigError([origin.make_problem(path, f"expected a number (got {show_value(cell)})")])
    if not cells:
        raise ConfigError([origin.make_problem(("answers", name), "expected numbers (got an empty list)")])
    try:
        shape = np.shape(value)
    except ValueError:
        raise ConfigError([origin.make_problem(("answers", name), "expected lists of the same length")]) from None
    texts = tuple(find_text(origin, path, cell) for path, cell in cells)
    values = np.array([float(cell) for _, cell in cells])
    return Answer(name, values, np.array([compute_half_unit(text) for text in texts]), texts, shape)


def list_cells(path: FieldPath, value: Any) -> Iterator[tuple[FieldPath, Any]]:
    """Yield the values in nested lists, each with its path."""
    if not isinstance(value, tuple):
        yield path, value
        return
    for k, one in enumerate(value):
        yield from list_cells((*path, k), one)


def find_text(origin: Origin, path: FieldPath, value: float) -> str:
    """Return a number as it is written in the file."""
    spot = origin.find_spot(path)
    line = "" if spot is None else spot.source.get_line(spot.line)[spot.column - 1 :]
    match = NUMBER.match(line)
    return match[0] if match else f"{value:g}"


def compute_half_unit(text: str) -> float:
    """Return half a unit of the last written digit: 0.005 for 1.50."""
    return 0.5 * 10.0 ** int(Decimal(text).as_tuple().exponent)


def check_shape(sheet: Sheet, answer: Answer, shape: Shape) -> bool:
    """Check that an answer has the shape of the true value, and return whether it is written transposed.

    A vector may be written as one list, no matter whether it is a row or a column.

    Raises:
        ConfigError: it has another shape.
    """
    size = int(np.prod(shape))
    vector = max(shape, default=1) == size and answer.values.size == size and len(answer.shape) <= 1
    if answer.shape == shape or vector or (size == 1 and answer.values.size == 1):
        return False
    if len(shape) == 2 and answer.shape == shape[::-1]:
        return True
    expected = f"a number for each entry, of shape {format_shape(shape)}" if shape else "a single number"
    found = f"the shape {format_shape(answer.shape)}" if answer.shape else "a single number"
    raise ConfigError([sheet.origin.make_problem(("answers", answer.name), f"expected {expected} (got {found})")])

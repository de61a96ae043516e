"""The worksheet: a worked example with blanks in place of the numbers, and the file of answers to fill in."""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bptrain.atomic import write_new
from bptrain.errors import InputError
from bptrain.explanation.formats import render_page
from bptrain.explanation.page import Line, Page, Section
from bptrain.model.assemble import Assembly

NUMBERS = (-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0)
"""Weights that are easy to compute with by hand."""


@dataclass(frozen=True)
class Exercise:
    """A step to compute by hand: which step it is, and `key`, the page with all numbers."""

    config: Path
    overrides: tuple[str, ...]
    rows: tuple[int, ...]
    step: int | None
    key: Page

    @property
    def sheet(self) -> Page:
        """The page with blanks to fill in."""
        sections = [
            replace(section, lines=tuple(blank_line(line, section) for line in section.lines))
            for section in self.key.sections
        ]
        return replace(self.key, sections=tuple(sections))

    def answers(self, folder: Path) -> str:
        """Return the text of the file of answers to fill in, which lies in `folder`."""
        try:
            config = os.path.relpath(self.config, folder)
        except ValueError:
            # On Windows the config may be on another drive.
            config = str(self.config.resolve())
        keys = {"overrides": list(self.overrides), "rows": list(self.rows), "step": self.step}
        lines = [
            "# Replace each tilde by your numbers, with as many digits as you have: [1.5, -0.25], or for a matrix",
            "# [[1, 2], [3, 4]] with one list per row. Answers that are still a tilde are not checked.",
            f"config: {json.dumps(config)}",
            *(f"{key}: {json.dumps(value)}" for key, value in keys.items() if value not in ([], None)),
            "answers:",
        ]
        for line in self.sheet.aliases.values():
            if line.blank:
                lines.append(f"  {line.alias}: ~" + f"  # {line.shape_text}" * bool(line.shape))
        return "\n".join(lines) + "\n"


def blank_line(line: Line, section: Section) -> Line:
    """Return a line with blanks, unless its value is given.

    Given are data, parameters before the step, the learning rate and random numbers.
    """
    given = line.formula is None and not line.name.endswith(".y")
    if section.kind == "given" or (section.kind == "forward" and given) or line.name == "lr":
        return line
    return replace(line, numbers=None, blank=True)


def draw_weights(assembly: Assembly, rng: np.random.Generator) -> list[str]:
    """Draw weights that are multiples of a half, and return the overrides that set them in the dense layers.

    A network in its short form has no place for them; its weights follow from the seed.
    """
    if assembly.config.experiment.network is None:
        return []
    overrides = []
    for entry in assembly.model.network.entries:
        place, _, kind = entry.name.rpartition(".")
        number, _, layer = place.partition(".")
        if layer == "dense" and kind in ("weight", "bias"):
            values = rng.choice(NUMBERS, entry.shape).tolist()
            overrides.append(f"network.{number}.dense.{kind}_init={json.dumps({'values': {'values': values}})}")
    return overrides


def write_exercise(exercise: Exercise, path: Path, kind: str, *, digits: int, full: bool) -> Path:
    """Write the worksheet, and beside it the file of answers to fill in; return the path of that file.

    Raises:
        InputError: one of the files exists already.
        StorageError: it cannot be written.
    """
    answers = path.with_name(f"{path.stem}.answers.yaml")
    for existing in (answers, path):
        if existing.exists():
            raise InputError(f"{existing}: exists already and is not overwritten; choose another path")
    write_new(path, render_page(exercise.sheet, kind, digits=digits, full=full))
    write_new(answers, exercise.answers(path.parent))
    return answers

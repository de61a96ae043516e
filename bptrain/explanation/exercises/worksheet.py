"""Exercises: a worked example with blanks in place of the numbers, the file of answers for it, and its key."""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bptrain.atomic import write_new
from bptrain.errors import InputError
from bptrain.explanation.formats import render_page
from bptrain.explanation.notation import format_shape
from bptrain.explanation.page import Line, Page, Section
from bptrain.model.assemble import Assembly

NUMBERS = (-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0)
"""What the weights of an exercise are drawn from, so that they can be computed with by hand."""


@dataclass(frozen=True)
class Exercise:
    """A step to compute by hand: the page with all numbers, and the same one with blanks; which step it is."""

    config: Path
    overrides: tuple[str, ...]
    rows: tuple[int, ...]
    step: int | None
    key: Page

    @property
    def sheet(self) -> Page:
        """The page to fill in."""
        return replace(self.key, sections=tuple(blank_section(section) for section in self.key.sections))

    def answers(self, folder: Path) -> str:
        """The file of answers to fill in, as it lies in a folder."""
        try:
            config = os.path.relpath(self.config, folder)
        except ValueError:
            # Another drive.
            config = str(self.config.resolve())
        lines = [
            "# Write numbers in place of the tildes, with as many digits as you have: [1.5, -0.25], or for a matrix",
            "# [[1, 2], [3, 4]] with a list for each row. What is left as a tilde is not looked at.",
            f"config: {json.dumps(config)}",
        ]
        if self.overrides:
            lines.append(f"overrides: {json.dumps(list(self.overrides))}")
        if self.rows:
            lines.append(f"rows: {json.dumps(list(self.rows))}")
        if self.step is not None:
            lines.append(f"step: {self.step}")
        lines.append("answers:")
        for section in self.sheet.sections:
            lines += [
                f"  {line.alias}: ~" + f"  # {format_shape(line.shape)}" * bool(line.shape)
                for line in section.lines
                if line.blank and line.alias
            ]
        return "\n".join(lines) + "\n"


def draw_weights(assembly: Assembly, rng: np.random.Generator) -> list[str]:
    """Overrides that give the dense layers of a network weights in halves. The short form of a network has no place
    for them, and draws weights of its own from the seed."""
    if assembly.config.experiment.network is None:
        return []
    found = []
    for entry in assembly.model.network.entries:
        place, _, kind = entry.name.rpartition(".")
        number, _, layer = place.partition(".")
        if layer == "dense" and kind in ("weight", "bias"):
            values = rng.choice(NUMBERS, entry.shape).tolist()
            found.append(f"network.{number}.dense.{kind}_init={json.dumps({'values': {'values': values}})}")
    return found


def blank_section(section: Section) -> Section:
    """A section with blanks in place of what is to be computed."""
    return replace(section, lines=tuple(line if is_given(line, section) else blank(line) for line in section.lines))


def is_given(line: Line, section: Section) -> bool:
    """Whether a quantity is known before anything is computed: data, parameters, the rate, what was drawn at random."""
    drawn = line.formula is None and not line.name.endswith(".y")
    return section.kind == "given" or (section.kind == "forward" and drawn) or line.name == "lr"


def blank(line: Line) -> Line:
    """A quantity with a blank for each number."""
    return replace(line, numbers=None, blank=True)


def write_exercise(made: Exercise, path: Path, kind: str, *, digits: int, full: bool) -> Path:
    """Write the sheet, and beside it the file of answers; the path of that.

    Raises:
        InputError: one of them is there already.
        StorageError: it cannot be written.
    """
    answers = path.with_name(f"{path.stem}.answers.yaml")
    if answers.exists() or path.exists():
        there = answers if answers.exists() else path
        raise InputError(f"{there}: exists already and is not overwritten; choose another path")
    write_new(path, render_page(made.sheet, kind, digits=digits, full=full))
    write_new(answers, made.answers(path.parent))
    return answers

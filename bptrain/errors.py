"""Errors: everything that can go wrong, each kind with its exit code.

What bptrain raises on purpose is a `BptrainError`. Any other exception that reaches the command line is a bug.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from signal import Signals
from typing import Any, Literal


class ExitCode(IntEnum):
    """The exit codes of the command line; scripts may rely on them."""

    OK = 0
    BUG = 1
    BAD_INPUT = 2
    DIVERGED = 3
    GRADIENT_CHECK_FAILED = 4
    IO_FAILURE = 5
    SIGINT = 130
    SIGTERM = 143


class BptrainError(Exception):
    """The base class of all deliberate errors: a clear message and an exit code."""

    exit_code = ExitCode.BUG

    @property
    def lines(self) -> tuple[str, ...]:
        """The message, one line per mistake."""
        return (str(self),)


class InputError(BptrainError):
    """The user's files, data or options cannot be used."""

    exit_code = ExitCode.BAD_INPUT


class CodeError(InputError):
    """Mistakes in a Python file of the user, one line each: `my_layer.py:17: ValueError: ...`."""

    def __init__(self, *messages: str) -> None:
        self.messages = messages
        super().__init__("\n".join(messages))

    @property
    def lines(self) -> tuple[str, ...]:
        """One line per mistake."""
        return self.messages


class BptrainWarning(UserWarning):
    """Something that works, but perhaps not as the user thinks; the command line prints it after `warning:`."""


class BptrainNote(BptrainWarning):
    """Something worth knowing that needs no action; the command line prints it after `note:`."""


@dataclass(frozen=True)
class Mistake:
    """One mistake in an option: `field` is its dotted path, such as `data.target`, and `code` is as in `Problem`."""

    field: str
    message: str
    code: str = ""


class OptionError(InputError):
    """Mistakes in options, raised by code that does not know which file the options came from."""

    def __init__(self, *mistakes: Mistake) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(self.lines))

    @property
    def lines(self) -> tuple[str, ...]:
        """One line per mistake."""
        return tuple(f"{m.field}: {m.message}" if m.field else m.message for m in self.mistakes)

    def prefix_fields(self, prefix: str) -> "OptionError":
        """Return the same mistakes with a prefix before their fields: `path` becomes `data.source.path`."""
        return OptionError(*(replace(m, field=".".join(filter(None, (prefix, m.field)))) for m in self.mistakes))


@dataclass(frozen=True)
class Problem:
    """A mistake with its place: `file` is a path or `KEY=VALUE`; line and column count from 1, and are 0 where the
    whole file is meant.

    `code` names the page of the guide about it, such as BP201. A warning is about something that works but is risky.
    `source` is the line of the file or override, to show the place on a terminal.
    """

    file: str
    line: int
    column: int
    field: str
    message: str
    code: str = ""
    severity: Literal["error", "warning"] = "error"
    source: str = dataclasses.field(default="", compare=False, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the keys that scripts may rely on."""
        return {key: value for key, value in dataclasses.asdict(self).items() if key != "source"}

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        code = f" [{self.code}]" if self.code else ""
        return (f"{where}: {self.field}: {self.message}" if self.field else f"{where}: {self.message}") + code


class ConfigError(InputError):
    """All mistakes of a config, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.file, p.line, p.column)))
        super().__init__("\n".join(self.lines))

    @property
    def lines(self) -> tuple[str, ...]:
        """One line per mistake."""
        return tuple(map(str, self.problems))


class DivergedError(BptrainError):
    """Training produced a number that is infinite or NaN."""

    exit_code = ExitCode.DIVERGED


class StoppedError(BptrainError):
    """Work was stopped from outside: by the signal with this number, or by a program if it is 0. The text `rest` ends
    the message."""

    def __init__(self, number: int, rest: str = "") -> None:
        super().__init__(f"stopped by {Signals(number).name if number else 'the program'}{rest}")
        self.exit_code = ExitCode(128 + (number or Signals.SIGINT))


class StorageError(BptrainError):
    """A file could not be written or read: the disk is full, permission is missing, or the file is damaged."""

    exit_code = ExitCode.IO_FAILURE

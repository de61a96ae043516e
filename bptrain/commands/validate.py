"""Validating: everything that would stop a config from training or is risky in it, without training it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bptrain.code import find_code_fault, load_codes
from bptrain.config import load
from bptrain.errors import ConfigError, InputError, Problem, StorageError
from bptrain.model.assemble import assemble
from bptrain.model.read import read
from bptrain.rules import find_problems


@dataclass(frozen=True)
class Validation:
    """The mistakes of some configs, what is risky in them, and by config what is to be said of its data; `to_json`
    gives what `bptrain validate --json` prints."""

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()

    @property
    def valid(self) -> bool:
        """Whether there are no mistakes."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """The keys that scripts may rely on."""
        return {
            "valid": self.valid,
            "errors": [problem.to_json() for problem in self.problems],
            "warnings": [problem.to_json() for problem in self.warnings],
            "notes": [{"file": file, "message": message} for file, message in self.notes],
        }


def validate(configs: Sequence[str | Path], *, strict: bool = False, code: Sequence[str | Path] = ()) -> Validation:
    """Read configs and their data, build their networks, and ask whether it all makes sense.

    Args:
        configs: YAML files.
        strict: whether what is risky is a mistake.
        code: Python files that register components which the configs name.

    Raises:
        InputError: a file of code cannot be used.
    """
    load_codes(code)
    notes: list[tuple[str, str]] = []
    found = [problem for path in configs for problem in problems_of(path, notes, strict=strict)]
    wrong = tuple(problem for problem in found if problem.severity == "error")
    return Validation(wrong, tuple(problem for problem in found if problem.severity == "warning"), tuple(notes))


def problems_of(path: str | Path, notes: list[tuple[str, str]], *, strict: bool = False) -> tuple[Problem, ...]:
    """Mistakes and warnings of one config: what its data does wrong is placed at `data.source`, what the user's code
    does wrong there. What is to be said of its data is added to the notes."""
    try:
        config = load(path)
        try:
            assembly = assemble(config, read(config))
            notes.extend((str(path), note) for note in assembly.notes)
            return find_problems(assembly, strict=strict)
        except ConfigError:
            raise
        except (InputError, StorageError) as error:
            return (config.origin.problem(("data", "source"), str(error)),)
    except ConfigError as error:
        return error.problems
    except (InputError, StorageError) as error:
        return (Problem(str(path), 1, 1, "", str(error).removeprefix(f"{path}: ")),)
    except Exception as error:
        if (fault := find_code_fault(error)) is None:
            raise
        return (Problem(str(fault.code.path), fault.line, 1, "", fault.message),)

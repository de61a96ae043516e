"""`bptrain validate`"""

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
    """The result of a validation.

    Attributes:
        problems: mistakes in the configs, each with its place and code.
        warnings: values that are valid but risky.
        notes: pairs of a config and a remark about its data.
    """

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()

    @property
    def valid(self) -> bool:
        """Whether there are no mistakes."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """Return the keys of `bptrain validate --json`."""
        return {
            "valid": self.valid,
            "errors": [problem.to_json() for problem in self.problems],
            "warnings": [problem.to_json() for problem in self.warnings],
            "notes": [{"file": file, "message": message} for file, message in self.notes],
        }


def validate(
    configs: Sequence[str | Path],
    overrides: Sequence[str] = (),
    *,
    strict: bool = False,
    code: Sequence[str | Path] = (),
) -> Validation:
    """Check configs without training them: read them and their data, build their networks, and apply all rules.

    Args:
        configs: paths of YAML files.
        overrides: `KEY=VALUE` each, such as `training.epochs=5`, applied over every file.
        strict: whether warnings are errors.
        code: Python files that register components which the configs name.

    Returns:
        All mistakes and warnings in all configs.

    Raises:
        InputError: a file of code cannot be used.

    Example:
        >>> bptrain.validate(["configs/digits.yaml"]).valid
        True
    """
    load_codes(code)
    notes: list[tuple[str, str]] = []
    found = [problem for path in configs for problem in find_all_problems(path, overrides, notes, strict=strict)]
    wrong = tuple(problem for problem in found if problem.severity == "error")
    return Validation(wrong, tuple(problem for problem in found if problem.severity == "warning"), tuple(notes))


def find_all_problems(
    path: str | Path, overrides: Sequence[str], notes: list[tuple[str, str]], *, strict: bool = False
) -> tuple[Problem, ...]:
    """Return the mistakes and warnings of one config, and add the remarks about its data to the notes. A mistake in the
    data is placed at `data.source`, a mistake in the user's code in that code."""
    try:
        config = load(path, overrides)
        try:
            assembly = assemble(config, read(config))
            notes.extend((str(path), note) for note in assembly.notes)
            return find_problems(assembly, strict=strict)
        except ConfigError:
            raise
        except (InputError, StorageError) as error:
            return (config.origin.make_problem(("data", "source"), str(error)),)
    except ConfigError as error:
        return error.problems
    except (InputError, StorageError) as error:
        return (Problem(str(path), 0, 0, "", str(error).removeprefix(f"{path}: ")),)
    except Exception as error:
        if (fault := find_code_fault(error)) is None:
            raise
        return (Problem(str(fault.code.path), fault.line, 1, "", fault.message),)

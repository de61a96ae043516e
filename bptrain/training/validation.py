"""Validating: everything that would stop a config from training, without training it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bptrain.config import load
from bptrain.errors import ConfigError, InputError, Problem, StorageError
from bptrain.training.assemble import assemble
from bptrain.training.run import located


@dataclass(frozen=True)
class Validation:
    """The mistakes of some configs; `to_json` gives what `bptrain validate --json` prints."""

    problems: tuple[Problem, ...]

    @property
    def valid(self) -> bool:
        """Whether there are none."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """The keys that scripts may rely on."""
        return {"valid": self.valid, "errors": [asdict(problem) for problem in self.problems]}


def validate(configs: Sequence[str | Path]) -> Validation:
    """Read configs and their data, and build their networks.

    Args:
        configs: YAML files.
    """
    return Validation(tuple(problem for path in configs for problem in problems_of(path)))


def problems_of(path: str | Path) -> tuple[Problem, ...]:
    """The mistakes of one config: what its data does wrong is placed at `data.source`."""
    try:
        config = load(path)
        try:
            with located(config):
                assemble(config.experiment)
        except ConfigError:
            raise
        except (InputError, StorageError) as error:
            return (config.origin.problem(("data", "source"), str(error)),)
    except ConfigError as error:
        return error.problems
    except (InputError, StorageError) as error:
        return (Problem(str(path), 1, 1, "", str(error).removeprefix(f"{path}: ")),)
    return ()

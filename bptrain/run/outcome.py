"""The outcome of a run, in `outcome.json`: why it ended, how long it trained in total, and its scores.

It is written for people and for comparing runs; training reads nothing from it except the seconds so far.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any, Literal, get_args

from bptrain.errors import BptrainError, DivergedError, StoppedError
from bptrain.run.directory import RunDirectory, write_text

End = Literal["finished", "stopped", "diverged", "failed"]


@dataclass
class Outcome:
    """How a run ended.

    `why` is the rule that ended it, or the error message. `seconds` is its training time over all resumes. `best` has
    epoch, loss and metrics, `test` loss and metrics, and `ruler` the scores of baselines, where they are known.
    """

    state: End = "failed"
    why: str = ""
    seconds: float = 0.0
    best: dict[str, Any] | None = None
    test: dict[str, Any] | None = None
    ruler: dict[str, Any] | None = None


def read_outcome(run: RunDirectory) -> Outcome | None:
    """Return the outcome of a run; None if it is missing or cannot be read."""
    try:
        found = Outcome(**json.loads(run.outcome.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError):
        return None
    sound = found.state in get_args(End) and isinstance(found.why, str) and isinstance(found.seconds, int | float)
    return found if sound else None


@contextmanager
def record_outcome(run: RunDirectory, began: float) -> Iterator[Outcome]:
    """Write the outcome at the end of the block that trains; the block fills in what it knows.

    Args:
        run: its directory.
        began: when the work began, by `perf_counter`.
    """
    before = read_outcome(run)
    outcome = Outcome()
    try:
        yield outcome
    except StoppedError as error:
        outcome.state, outcome.why = "stopped", str(error).partition(";")[0]
        raise
    except DivergedError as error:
        outcome.state, outcome.why = "diverged", str(error)
        raise
    except BptrainError as error:
        outcome.why = str(error)
        raise
    finally:
        outcome.seconds = perf_counter() - began + (before.seconds if before else 0.0)
        # On a full disk, the error about the checkpoint is the one to report.
        with suppress(OSError):
            write_text(run.outcome, json.dumps(asdict(outcome), indent=2) + "\n")

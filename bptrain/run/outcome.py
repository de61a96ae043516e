"""What became of a run, in `outcome.json`: why it ended, how long it trained in all, and its scores.

It is there for people and for comparing; nothing that training does depends on it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any, Literal, get_args

from bptrain.atomic import replace_atomically
from bptrain.errors import BptrainError, DivergedError, StoppedError
from bptrain.run.directory import RunDirectory

End = Literal["finished", "stopped", "diverged", "failed"]


@dataclass
class Outcome:
    """How a run ended: `why` is the rule that ended it or the message of the error; `seconds` are those of all its
    stretches; `best` has epoch, loss and metrics, and `test` loss and metrics, where they are known."""

    state: End = "failed"
    why: str = ""
    seconds: float = 0.0
    best: dict[str, Any] | None = None
    test: dict[str, Any] | None = None


def read_outcome(run: RunDirectory) -> Outcome | None:
    """What became of a run; None where nothing readable says so."""
    try:
        stored = json.loads(run.outcome.read_text(encoding="utf-8"))
        found = Outcome(**stored)
        sound = found.state in get_args(End) and isinstance(found.why, str) and isinstance(found.seconds, int | float)
        return found if sound else None
    except (OSError, TypeError, ValueError):
        return None


@contextmanager
def note_outcome(run: RunDirectory, began: float) -> Iterator[Outcome]:
    """Write what becomes of a run in this block, which fills in what it knows.

    Args:
        run: its directory.
        began: when the work was begun, by `perf_counter`.
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
        # A disk that is full has been spoken of by whatever matters more.
        with suppress(OSError), replace_atomically(run.outcome) as file:
            file.write(json.dumps(asdict(outcome), indent=2).encode() + b"\n")

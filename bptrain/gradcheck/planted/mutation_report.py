"""The checker checks itself: it is shown every bug of the catalogue, and must catch them all."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bptrain.gradcheck.planted import Mutation
from bptrain.gradcheck.verdict import Check


@dataclass(frozen=True)
class Outcome:
    """What the checker said to a planted bug. `recognised`: whether it named the layer and the kind of mistake."""

    name: str
    description: str
    caught: bool
    recognised: bool
    kind: str | None
    layer: str | None
    said: str


@dataclass(frozen=True)
class MutationReport:
    """What became of all planted bugs; `to_json` gives what `bptrain gradcheck --mutate --json` prints."""

    outcomes: tuple[Outcome, ...]

    @property
    def passed(self) -> bool:
        """Whether every bug was caught."""
        return all(one.caught for one in self.outcomes)

    def to_json(self) -> dict[str, Any]:
        """The keys that scripts may rely on."""
        return {"passed": self.passed, "mutations": [asdict(one) for one in self.outcomes]}


def outcome(mutation: Mutation, checks: Sequence[Check]) -> Outcome:
    """Whether a bug was caught, and whether it was recognised."""
    failed = [one for one in checks if not one.passed]
    first = failed[0] if failed else None
    kind, layer = (first.kind, first.layer) if first else (None, None)
    said = (first.cause or first.diagnosis or "") if first else ""
    recognised = kind in mutation.kinds and layer == mutation.layer
    return Outcome(mutation.name, mutation.description, bool(failed), recognised, kind, layer, said)

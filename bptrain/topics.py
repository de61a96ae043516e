"""Topics: what `bptrain help` explains, each under its name."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bptrain.errors import InputError
from bptrain.registry import suggestion
from bptrain.training.sense import RULES


@dataclass(frozen=True)
class Example:
    """A config in a few lines, and what it is an example of."""

    caption: str
    config: str


@dataclass(frozen=True)
class Topic:
    """Something that help explains: its name, what sort of thing it is, a line, some sentences, and examples."""

    name: str
    kind: str
    title: str
    text: str
    examples: tuple[Example, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What `bptrain help --json` prints of it."""
        return asdict(self)


def codes() -> dict[str, Topic]:
    """The codes of mistakes and warnings, in order."""
    return {
        rule.code: Topic(
            rule.code, rule.severity, rule.title, rule.why, (Example("wrong", rule.wrong), Example("right", rule.right))
        )
        for rule in sorted(RULES.values(), key=lambda rule: rule.code)
    }


TOPICS: tuple[Callable[[], Mapping[str, Topic]], ...] = (codes,)
"""Where topics come from; each gives its own by name."""


def help_topics(name: str | None = None) -> tuple[Topic, ...]:
    """What help can explain.

    Args:
        name: of one topic, such as `BP201`, in upper or lower case; None: all.

    Raises:
        InputError: there is no such topic; the message suggests another.
    """
    topics = {key: topic for source in TOPICS for key, topic in source().items()}
    if name is None:
        return tuple(topics.values())
    by_lower = {key.lower(): topic for key, topic in topics.items()}
    if name.lower() not in by_lower:
        raise InputError(f"help knows nothing of {name!r}; {suggestion(name, topics)}")
    return (by_lower[name.lower()],)

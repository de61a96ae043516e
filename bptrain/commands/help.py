"""Topics: what `bptrain help` explains, each under its name."""

from dataclasses import asdict, dataclass
from typing import Any

from bptrain.config.bundled import bundled_configs, read_commands, read_summary
from bptrain.errors import InputError
from bptrain.rules import RULES, Rule
from bptrain.spelling import suggestion


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


TEXTBOOK = (
    "two_three_one",
    "logistic_unit",
    "line_by_gradient_descent",
    "xor",
    "vanishing",
    "exploding",
    "overfitting",
    "autoencoder",
)
"""The configs of the textbook, simple to hard."""


def help_topics(name: str | None = None) -> tuple[Topic, ...]:
    """What help can explain.

    Args:
        name: of one topic, such as `BP201`, in upper or lower case; None: all.

    Raises:
        InputError: there is no such topic; the message suggests another.
    """
    topics = {code: topic_of(rule) for code, rule in sorted(RULES.items())} | {"textbook": textbook()}
    if name is None:
        return tuple(topics.values())
    by_lower = {key.lower(): topic for key, topic in topics.items()}
    if name.lower() not in by_lower:
        raise InputError(f"help knows nothing of {name!r}; {suggestion(name, topics)}")
    return (by_lower[name.lower()],)


def topic_of(rule: Rule) -> Topic:
    """Return the page of a rule, with its wrong and its right example."""
    examples = Example("wrong", rule.wrong), Example("right", rule.right)
    return Topic(rule.code, rule.severity, rule.title, rule.why, examples)


def textbook() -> Topic:
    """Return the page on backpropagation by example: a config for each idea, with the commands that show it."""
    text = (
        "A config for each idea; the commands are those in its head. bptrain explain shows a step with all "
        "its numbers, --step K a later one, --rows 3,7 one on those rows. bptrain explain CONFIG --sheet "
        "--seed 1 -o sheet.md writes an exercise and a file of answers, which bptrain verify checks: it names "
        "the slip. bptrain race CONFIG --optimizer sgd --optimizer adam trains with both, and says whether "
        "the difference is more than noise. bptrain examples copy textbook/xor copies a config that is not "
        "here."
    )
    bundled = bundled_configs()
    paths = [bundled[f"textbook/{name}"] for name in TEXTBOOK]
    ideas = tuple(Example(read_summary(path), read_commands(path)) for path in paths)
    return Topic("textbook", "guide", "backpropagation by example", text, ideas)

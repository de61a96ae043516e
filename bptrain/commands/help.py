"""`bptrain help`"""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bptrain.commands import COMMANDS, GROUPS, Command
from bptrain.commands.examples import find_examples, read_commands, read_summary
from bptrain.errors import InputError
from bptrain.rules import get_severity
from bptrain.text import suggest_word

GUIDE = Path(__file__).resolve().parents[1] / "guide"
"""The folder of the pages, in Markdown."""

PAGES = (
    "config",
    "components",
    "columns",
    "tables",
    "tasks",
    "predictions",
    "training",
    "reports",
    "gradients",
    "textbook",
    "bundled",
    "extending",
    "python",
    "command-line",
    "speed",
    "codes",
)
"""The pages of the guide, in reading order; each code has a page of its own besides."""

CONFIG = re.compile(r"^```yaml\n(.*?)\n```$", re.M | re.S)
"""A config on a page."""


@dataclass(frozen=True)
class Example:
    """A short config, and what it is an example of."""

    caption: str
    config: str


@dataclass(frozen=True)
class Topic:
    """Something that help explains.

    Attributes:
        name: by which `bptrain help` finds it.
        kind: `guide`, `command`, or the severity of a code.
        title: a line.
        text: Markdown; for a command, plain lines.
        examples: short configs.
    """

    name: str
    kind: str
    title: str
    text: str
    examples: tuple[Example, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the keys of a topic in `bptrain help --json`."""
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
    """Return the topics that help explains: the pages of the guide, the commands, and the codes of errors and warnings.

    Args:
        name: of one topic, such as `columns`, `train` or `BP201`, in upper or lower case. None: all topics.

    Returns:
        The pages in reading order, the commands by group, then the codes; or the one topic.

    Raises:
        InputError: there is no such topic; the message suggests a similar one.

    Example:
        >>> bptrain.help_topics("BP220")[0].title
    """
    commands = [command for group in GROUPS for command in COMMANDS if command.group == group]
    readers: dict[str, Callable[[], Topic]] = {page: partial(read_page, page) for page in PAGES}
    readers |= {command.name: partial(describe_command, command) for command in commands}
    readers |= {path.stem: partial(read_code, path.stem) for path in sorted(GUIDE.glob("BP*.md"))}
    if name is None:
        return tuple(read() for read in readers.values())
    by_lower = {key.lower(): read for key, read in readers.items()}
    if name.lower() not in by_lower:
        raise InputError(f"there is no help on {name!r}; {suggest_word(name, readers)}")
    return (by_lower[name.lower()](),)


def read_page(name: str) -> Topic:
    """Read a page of the guide: its heading is the title, the rest the text."""
    heading, _, text = (GUIDE / f"{name}.md").read_text(encoding="utf-8").partition("\n")
    return Topic(name, "guide", heading.removeprefix("# "), text.strip(), read_ideas() if name == "textbook" else ())


def read_ideas() -> tuple[Example, ...]:
    """Return the idea of each config of the textbook, with the commands that show it."""
    bundled = find_examples()
    paths = [bundled[f"textbook/{name}"] for name in TEXTBOOK]
    return tuple(Example(read_summary(path), read_commands(path)) for path in paths)


def describe_command(command: Command) -> Topic:
    """Return the topic of a command: the pages about it are those that name it in their last line, `Commands: ...`."""
    about = [page for page in PAGES if f"`{command.name}`" in read_page(page).text.rpartition("\nCommands: ")[2]]
    functions = ", ".join(f"bptrain.{one.partition('.')[2]}" for one in command.functions)
    lines = [f"Options: bptrain {command.name} --help", f"From Python: {functions}"]
    if about:
        lines.append(f"More: {', '.join(f'bptrain help {page}' for page in about)}")
    return Topic(command.name, "command", command.summary, "\n".join(lines))


def read_code(code: str) -> Topic:
    """Read the page of a code: why it matters, and a config that gets it beside one that does not."""
    page = read_page(code)
    captions = ("wrong", "right")
    examples = [Example(*pair) for pair in zip(captions, CONFIG.findall(page.text), strict=True)]
    text = page.text.partition("## Wrong")[0].strip()
    return Topic(code, get_severity(code), page.title.removeprefix(f"{code}: "), text, tuple(examples))

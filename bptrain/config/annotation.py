"""An experiment as a commented config: every value on a line of its own, with where it comes from and what it means."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, is_dataclass
from textwrap import wrap
from typing import Any

from bptrain.config.dump import FIRST, to_inline_yaml, to_plain
from bptrain.config.experiment import Experiment
from bptrain.config.load import Config
from bptrain.config.origin import FieldPath
from bptrain.hints import list_options
from bptrain.registry import get_summary, is_component, name_of
from bptrain.text import printable

WIDEST = 120
"""Columns of a line at most, where it can be broken."""

CODE = 44
"""Columns after which comments are not pushed further to the right."""

NARROWEST = 24
"""With less room than this for the meaning of an option, it is left out."""

MARK = 9
"""Columns that a mark and the space after it take."""


@dataclass(frozen=True)
class Line:
    """A line of YAML, the mark of where its value comes from (empty: the file), and its meaning."""

    code: str
    mark: str = ""
    meaning: str = ""


def annotate(config: Config, settled: Experiment, *, width: int = WIDEST) -> str:
    """Return a settled experiment as YAML that can be trained as it stands, commented.

    A value is marked `default` where the file does not give it, and `auto` where it was settled by the data or by the
    rest of the config. Options come with their meaning, sections and components with the first sentence of their text,
    each once.

    Args:
        config: as it was loaded.
        settled: what the data made of it, its network written out.
        width: of a line. On narrow screens the meanings are left out.
    """
    return "\n".join(lay_out(tuple(Walk(config).experiment(settled)), width)) + "\n"


def lay_out(lines: Sequence[Line], width: int) -> Iterator[str]:
    """Yield lines with their comments in one column, wrapped."""
    column = min(max(len(line.code) for line in lines if line.mark or line.meaning), CODE) + 2
    marks = max(len(line.mark) for line in lines)
    before = MARK if marks else 0
    room = min(width, WIDEST) - column - len("# ") - before
    for line in lines:
        meaning = wrap(printable(" ".join(line.meaning.split())), room) if room >= NARROWEST else []
        below = [f"{'':<{column}}# {'':<{before}}{text}" for text in meaning]
        if len(line.code) > column:
            # A value that cannot be broken has its meaning above it.
            yield from below
            yield f"{line.code}  # {line.mark}" if line.mark else line.code
            continue
        first = f"{line.mark:<{before}}{meaning[0]}" if meaning else line.mark
        start = column if room >= NARROWEST else max(min(column, width - marks - 2), 0)
        yield f"{line.code + '  ':<{start}}# {first}" if first else line.code
        yield from below[1:]


class Walk:
    """The way through an experiment, beside what its file gave."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.short = config.experiment.network is None
        self.explained: set[type] = set()
        self.listed: set[type] = set()

    def experiment(self, settled: Experiment) -> Iterator[Line]:
        """Yield the whole document."""
        loaded = self.config.experiment
        for option in sorted(list_options(Experiment), key=lambda option: option.name not in FIRST):
            if option.name in ("hidden", "activation"):
                continue
            before = loaded.layers if option.name == "network" else getattr(loaded, option.name)
            after, doc = getattr(settled, option.name), option.doc
            if option.name == "network" and self.short:
                doc += ", written out from hidden and activation"
            yield from self.value(f"{option.name}:", doc, after, before, (option.name,), "")

    def given(self, path: FieldPath) -> bool:
        """Tell whether the file gives the value at a path; of the short form of a network, where it stands."""
        if self.short and path[0] == "network":
            if len(path) == 1:
                return True
            layer, inside = divmod(int(path[1]), 2)
            if inside == 0:
                written_out = layer < len(self.config.experiment.hidden or ())
                return len(path) == 2 or (written_out and path[2:] == ("dense", "units"))
            path = ("activation", *path[2:])
        return self.config.origin.has(path)

    def mark(self, after: Any, before: Any, path: FieldPath) -> str:
        """Say where a value comes from."""
        if after != before:
            return "auto"
        return "" if self.given(path) else "default"

    def explanation(self, cls: type) -> str:
        """Return the first sentence about a class, the first time that it is met."""
        if cls in self.explained:
            return ""
        self.explained.add(cls)
        return get_summary(cls)

    def value(self, prefix: str, doc: str, after: Any, before: Any, path: FieldPath, indent: str) -> Iterator[Line]:
        """Yield a value behind `key:` or the `-` of a list."""
        if is_dataclass(after) and not isinstance(after, type):
            structure = self.component if is_component(after) else self.section
            yield from structure(prefix, doc, after, before, path, indent)
        elif isinstance(after, dict) and any(map(is_dataclass, after.values())):
            yield Line(indent + prefix, self.mark(True, isinstance(before, dict), path), doc)
            for name, item in after.items():
                old = before.get(name) if isinstance(before, dict) else None
                yield from self.value(f"{to_inline_yaml(name)}:", "", item, old, (*path, name), indent + "  ")
        elif isinstance(after, tuple) and after and is_dataclass(after[0]):
            yield Line(indent + prefix, self.mark(True, isinstance(before, tuple), path), doc)
            for k, item in enumerate(after):
                old = before[k] if isinstance(before, tuple) else None
                yield from self.value("-", "", item, old, (*path, k), indent + "  ")
        else:
            yield from self.single(indent + prefix, doc, after, before, path)

    def component(self, prefix: str, doc: str, after: Any, before: Any, path: FieldPath, indent: str) -> Iterator[Line]:
        """Yield `name`, or `name:` with its options below it."""
        name, cls = name_of(after), type(after)
        # Its options have marks of their own.
        mark = self.mark(cls, type(before), path)
        if prefix == "-":
            colon = ":" if list_options(cls) else ""
            yield Line(f"{indent}- {name}{colon}", mark, self.explanation(cls))
        elif not list_options(cls):
            yield Line(f"{indent}{prefix} {name}", mark, doc)
        else:
            yield Line(indent + prefix, "", doc)
            yield Line(f"{indent}  {name}:", mark, self.explanation(cls))
        yield from self.list_options(after, before, (*path, name), indent + "    ")

    def section(self, prefix: str, doc: str, after: Any, before: Any, path: FieldPath, indent: str) -> Iterator[Line]:
        """Yield `key:` with its options below it."""
        yield Line(indent + prefix, "", self.explanation(type(after)) or doc)
        yield from self.list_options(after, before, path, indent + "  ")

    def list_options(self, after: Any, before: Any, path: FieldPath, indent: str) -> Iterator[Line]:
        """Yield the options of a section or a component, with their meaning the first time."""
        known = type(after) in self.listed
        self.listed.add(type(after))
        for option in list_options(type(after)):
            value = getattr(after, option.name)
            old = getattr(before, option.name) if type(before) is type(after) else value
            doc = "" if known else option.doc
            yield from self.value(f"{option.name}:", doc, value, old, (*path, option.name), indent)

    def single(self, prefix: str, doc: str, after: Any, before: Any, path: FieldPath) -> Iterator[Line]:
        """Yield a single value, or a list of such, broken where it is too long for a line."""
        mark = self.mark(after, before, path)
        if isinstance(after, tuple):
            first, *others = flow_lines(prefix, to_plain(after))
            yield Line(first.code, mark, doc)
            yield from others
        else:
            yield Line(f"{prefix} {to_inline_yaml(to_plain(after))}", mark, doc)


def flow_lines(prefix: str, items: Sequence[Any]) -> Iterator[Line]:
    """Yield `key: [a, b]` in one line, or in several where it is too long."""
    whole = f"{prefix} {to_inline_yaml(items)}"
    if len(whole) <= WIDEST or not items:
        yield Line(whole)
        return
    inside = " " * (len(prefix) - len(prefix.lstrip()) + 2)
    yield Line(prefix)
    texts = [to_inline_yaml(item) for item in items]
    line = f"{inside}[{texts[0]}"
    for text in texts[1:]:
        if len(line) + len(text) + 3 > WIDEST:
            yield Line(f"{line},")
            line = f"{inside}{text}"
        else:
            line += f", {text}"
    yield Line(f"{line}]")

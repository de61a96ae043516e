"""An experiment as a commented config: every value on a line of its own, with its origin and its meaning."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, is_dataclass
from textwrap import wrap
from typing import Any

from bptrain.config.document.dump import FIRST, to_inline_yaml, to_plain
from bptrain.config.document.origin import FieldPath
from bptrain.config.experiment import Experiment
from bptrain.config.load import Config
from bptrain.hints import list_options
from bptrain.registry import get_summary, is_component, name_of
from bptrain.text import printable

WIDEST = 120
"""The greatest width of a line, unless it cannot be broken."""

WIDEST_CODE = 44
"""The most columns of YAML before the comments."""

NARROWEST = 24
"""The least room for meanings of options; with less, they are left out."""

MARK_WIDTH = 9
"""The columns of a mark and the space after it."""


@dataclass(frozen=True)
class Line:
    """A line of YAML, the mark of the origin of its value (empty if the file gives it), and its meaning."""

    code: str
    mark: str = ""
    meaning: str = ""


@dataclass(frozen=True)
class Entry:
    """A value to write: its path, `key:` or the `-` of a list before it, its meaning, and the value as loaded."""

    path: FieldPath
    prefix: str
    value: Any
    loaded: Any
    doc: str = ""
    indent: str = ""


def annotate(config: Config, resolved: Experiment, *, width: int = WIDEST) -> str:
    """Return a resolved experiment as commented YAML that trains unchanged.

    A value is marked `default` if the file does not give it, and `auto` if it was resolved from the data or the rest of
    the config. Options come with their meaning, sections and components with their first sentence, each once.

    Args:
        config: as loaded.
        resolved: the experiment with every `auto` replaced and the network written out.
        width: the width of a line. On narrow screens the meanings are left out.
    """
    return "\n".join(lay_out(tuple(Annotator(config).annotate(resolved)), width)) + "\n"


def lay_out(lines: Sequence[Line], width: int) -> Iterator[str]:
    """Yield lines with their comments in one column, wrapped below it."""
    column = min(max(len(line.code) for line in lines if line.mark or line.meaning), WIDEST_CODE) + 2
    marks = max(len(line.mark) for line in lines)
    before = MARK_WIDTH if marks else 0
    width = min(width, WIDEST)
    room = width - column - len("# ") - before
    for line in lines:
        meaning = wrap(printable(" ".join(line.meaning.split())), room) if room >= NARROWEST else []
        if meaning and len(line.code) + len(f"  # {'':<{before}}{meaning[0]}") > width:
            # The value leaves no room for its meaning, which follows on the next line.
            meaning.insert(0, "")
        first = f"{line.mark:<{before}}{meaning[0]}".rstrip() if meaning else line.mark
        start = column if room >= NARROWEST else max(min(column, width - marks - 2), 0)
        yield f"{line.code + '  ':<{start}}# {first}" if first else line.code
        yield from (f"{'':<{column}}# {'':<{before}}{text}" for text in meaning[1:])


class Annotator:
    """Writes an experiment line by line, beside what its file gives."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.is_short = config.experiment.network is None
        # The classes whose first sentence, and those whose options, are explained already.
        self.explained: set[type] = set()
        self.listed: set[type] = set()

    def annotate(self, resolved: Experiment) -> Iterator[Line]:
        """Yield the whole document."""
        loaded = self.config.experiment
        for option in sorted(list_options(Experiment), key=lambda option: option.name not in FIRST):
            if option.name in ("hidden", "activation"):
                continue
            name, doc = option.name, option.doc
            if name == "network" and self.is_short:
                doc += ", written out from hidden and activation"
            given = loaded.layers if name == "network" else getattr(loaded, name)
            yield from self.write(Entry((name,), f"{name}:", getattr(resolved, name), given, doc))

    def is_given(self, path: FieldPath) -> bool:
        """Return whether the file gives the value at a path, be it by the short form of a network."""
        if self.is_short and path[0] == "network":
            if len(path) == 1:
                return True
            layer, is_activation = divmod(int(path[1]), 2)
            if not is_activation:
                is_hidden = layer < len(self.config.experiment.hidden or ())
                return len(path) == 2 or (is_hidden and path[2:] == ("dense", "units"))
            path = ("activation", *path[2:])
        return self.config.origin.has(path)

    def get_mark(self, value: Any, loaded: Any, path: FieldPath) -> str:
        """Return the mark of the origin of a value."""
        if value != loaded:
            return "auto"
        return "" if self.is_given(path) else "default"

    def explain(self, cls: type) -> str:
        """Return the first sentence about a class; empty if it was returned before."""
        if cls in self.explained:
            return ""
        self.explained.add(cls)
        return get_summary(cls)

    def write(self, entry: Entry) -> Iterator[Line]:
        """Yield the lines of a value."""
        value, start = entry.value, entry.indent + entry.prefix
        if is_component(value):
            yield from self.write_component(entry)
        elif is_dataclass(value):
            yield Line(start, "", self.explain(type(value)) or entry.doc)
            yield from self.write_options(value, entry.loaded, entry.path, entry.indent + "  ")
        elif any(is_dataclass(item) for _, item in list_items(value)):
            has_same_form = type(value) is type(entry.loaded)
            yield Line(start, self.get_mark(True, has_same_form, entry.path), entry.doc)
            loaded = dict(list_items(entry.loaded)) if has_same_form else {}
            for key, item in list_items(value):
                prefix = "-" if isinstance(key, int) else f"{to_inline_yaml(key)}:"
                yield from self.write(Entry((*entry.path, key), prefix, item, loaded.get(key), "", entry.indent + "  "))
        else:
            first, *others = write_value(start, to_plain(value))
            yield Line(first, self.get_mark(value, entry.loaded, entry.path), entry.doc)
            yield from map(Line, others)

    def write_component(self, entry: Entry) -> Iterator[Line]:
        """Yield `name`, or `name:` with its options below it."""
        cls: Any = type(entry.value)
        name, options = name_of(entry.value), list_options(cls)
        # The mark is about the class alone, since its options have marks of their own.
        mark = self.get_mark(cls, type(entry.loaded), entry.path)
        if entry.prefix == "-":
            yield Line(f"{entry.indent}- {name}{':' if options else ''}", mark, self.explain(cls))
        elif not options:
            yield Line(f"{entry.indent}{entry.prefix} {name}", mark, entry.doc)
        else:
            yield Line(entry.indent + entry.prefix, "", entry.doc)
            yield Line(f"{entry.indent}  {name}:", mark, self.explain(cls))
        yield from self.write_options(entry.value, entry.loaded, (*entry.path, name), entry.indent + "    ")

    def write_options(self, value: Any, loaded: Any, path: FieldPath, indent: str) -> Iterator[Line]:
        """Yield the options of a section or a component, with their meaning if the class comes for the first time."""
        cls: Any = type(value)
        is_known = cls in self.listed
        self.listed.add(cls)
        for option in list_options(cls):
            one = getattr(value, option.name)
            old = getattr(loaded, option.name) if type(loaded) is cls else one
            doc = "" if is_known else option.doc
            yield from self.write(Entry((*path, option.name), f"{option.name}:", one, old, doc, indent))


def list_items(value: Any) -> list[tuple[Any, Any]]:
    """Return the keys and values of a mapping, or the indices and items of a list; nothing for other values."""
    return list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, tuple) else ())


def write_value(prefix: str, value: Any) -> list[str]:
    """Return `key: value` on one line, or a list on several lines if it is too long."""
    line = f"{prefix} {to_inline_yaml(value)}"
    if len(line) <= WIDEST or not isinstance(value, list):
        return [line]
    inside = " " * (len(prefix) - len(prefix.lstrip()) + 2)
    texts = [to_inline_yaml(item) for item in value]
    lines = [prefix, f"{inside}[{texts[0]}"]
    for text in texts[1:]:
        if len(lines[-1]) + len(text) + 3 > WIDEST:
            lines[-1] += ","
            lines.append(f"{inside}{text}")
        else:
            lines[-1] += f", {text}"
    return [*lines[:-1], f"{lines[-1]}]"]

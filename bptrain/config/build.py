"""Plain values to dataclasses: every value checked against the type and bounds of its field, all mistakes collected.

The walk over sections, components and lists knows the way to each value and so its place in the file; what a single
value must be is said by its hint.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bptrain.config.advice import advice, component_advice, is_meant_as_number, section_advice
from bptrain.config.experiment import Experiment, network_mistake
from bptrain.config.origin import FieldPath, Origin, keep_first
from bptrain.config.scalars import show_value
from bptrain.config.suggest import Map, name_advice
from bptrain.config.tree import split_component
from bptrain.config.variables import BROKEN
from bptrain.config.yaml_text import MOST_PROBLEMS
from bptrain.errors import OptionError, Problem
from bptrain.hints import DictOf, Hint, ListOf, Member, Option, Section, list_options
from bptrain.registry import Family, describe_family
from bptrain.text import cut, join_or

INVALID: Any = object()
"""Stands for a value that could not be built; its mistake is noted already."""

MOST_NOTED = 2000
"""Mistakes beyond these are not looked for: nobody reads them, and a hostile file could have a million."""


class Builder:
    """Builds dataclasses from values and notes what is wrong.

    Args:
        origin: knows the places of the values.
        folder: what relative paths start from.
        problems: what was wrong before.
    """

    def __init__(self, origin: Origin, folder: Path, problems: Sequence[Problem] = ()) -> None:
        self.origin = origin
        self.folder = folder
        self.problems = list(problems)
        self.map = Map(None)
        # The options at the top that an unknown key may stand for.
        self.meant_at_top: set[str] = set()

    def build(self, value: Any) -> Any:
        """Return the experiment from the whole document.

        Raises:
            ConfigError: with everything that is wrong.
        """
        self.map = Map(value)
        built = self.section(Experiment, value, ())
        if self.problems:
            # Which keys stand together can be judged although single values are wrong.
            if isinstance(value, dict) and not {"network", "hidden"} & self.meant_at_top:
                given = (value.get(key) for key in ("network", "hidden", "activation"))
                mistake = network_mistake(*given)
                if mistake and mistake.field not in {problem.field for problem in self.problems}:
                    self.problems.append(self.origin.problem((mistake.field,), mistake.message))
            raise keep_first(self.problems, MOST_PROBLEMS)
        return built

    def complain(self, path: FieldPath, message: str, *, at_key: bool = False) -> Any:
        """Note a mistake."""
        self.problems.append(self.origin.problem(path, message, at_key=at_key))
        return INVALID

    def wrong(self, path: FieldPath, expected: str, value: Any, what_to_do: str = "") -> Any:
        """Note a value that is not what was expected."""
        message = f"expected {expected} ({self.got(path, value)})"
        return self.complain(path, f"{message}; {what_to_do}" if what_to_do else message)

    def got(self, path: FieldPath, value: Any) -> str:
        """Say `got -1`, or `got -1 from ${seed}`."""
        reference = self.origin.references.get(path)
        return f"got {show_value(value)}" + (f" from {cut(reference.name)}" if reference else "")

    @property
    def tired(self) -> bool:
        """Whether there are so many mistakes already that no more thought is spent on advice."""
        return len(self.problems) > MOST_PROBLEMS

    def value(self, hint: Hint, value: Any, path: FieldPath) -> Any:
        """Build whatever the type hint asks for."""
        if value is BROKEN or len(self.problems) > MOST_NOTED:
            return INVALID
        if not hint.structured:
            return self.leaf(hint, value, path)
        if hint.accepts(value):
            return value
        form = hint.structured[0]
        plain = Hint(tuple(one for one in hint if not one.structured))
        if not isinstance(value, dict) and (isinstance(form, DictOf) or plain.items):
            return self.leaf(hint, value, path)
        match form:
            case Member(family):
                numbers = [one for one in plain if Hint((one,)).kinds in ((int,), (float,))]
                if numbers and is_meant_as_number(value):
                    return self.leaf(Hint((numbers[0],)), value, path)
                return self.component(family, value, path, [one.describe() for one in plain])
            case ListOf(item):
                return self.items(hint, item, value, path)
            case DictOf(item):
                return {name: self.value(item, one, (*path, name)) for name, one in value.items()}
            case Section(cls):
                return self.section(cls, value, path, optional=type(None) in plain.kinds)

    def section(self, cls: type, value: Any, path: FieldPath, *, optional: bool = False) -> Any:
        """Return a dataclass from a mapping of its fields."""
        known = {option.name: option for option in list_options(cls)}
        if not isinstance(value, dict):
            expected = f"a mapping of {', '.join(known)}" + " or null" * optional
            return self.wrong(path, expected, value, section_advice(cls, value, optional=optional))
        before = len(self.problems)
        meant = self.unknown_keys(value, known, path)
        given = {
            name: self.value(option.hint, value[name], (*path, name)) for name, option in known.items() if name in value
        }
        for name, option in known.items():
            if option.required and name not in value and name not in meant:
                self.complain((*path, name), f"is missing; expected {describe_needed(option.hint)}", at_key=True)
        if len(self.problems) > before or any(one is INVALID for one in given.values()):
            return INVALID
        try:
            return cls(**given)
        except OptionError as error:
            placed = self.origin.place(error.under(".".join(map(str, path))))
            self.problems.extend(placed.problems)
            return INVALID

    def unknown_keys(self, value: dict[str, Any], known: dict[str, Option], path: FieldPath) -> set[str]:
        """Note keys that no option has; returns the options of this section that they may stand for."""
        meant: set[str] = set()
        for key in [key for key in value if key not in known]:
            if len(self.problems) > MOST_NOTED:
                break
            if self.tired:
                self.complain((*path, key), "unknown key", at_key=True)
                continue
            what_to_do, own = self.map.key_advice(key, path, list(known))
            meant |= own
            self.complain((*path, key), f"unknown key; {what_to_do}", at_key=True)
            # What is inside is looked at as well, so that all mistakes are told at once.
            guessed = what_to_do.startswith("did you mean") and len(own) == 1 and not own & value.keys()
            if guessed and isinstance(value[key], dict | tuple):
                self.value(known[next(iter(own))].hint, value[key], (*path, key))
        if not path:
            self.meant_at_top |= meant
        return meant

    def component(self, family: Family, value: Any, path: FieldPath, besides: list[str]) -> Any:
        """Return a component: `name`, `name: {options}`, or `name: value` with the value of its first option.

        Args:
            family: that it is of.
            value: as it is written.
            path: where it stands.
            besides: what could stand there too, in words.
        """
        name, given = split_component(value)
        if name is None or (isinstance(value, dict) and len(value) > 1):
            form = ", or ".join([f"the name of {describe_family(family)}, alone or as name: {{options}}", *besides])
            choices = f"choose from {', '.join(sorted(family.members))}"
            return self.wrong(path, form, value, component_advice(value, list(family.members)) or choices)
        members = family.members
        if name not in members:
            in_mapping = isinstance(value, dict)
            words = [word.strip("'") for word in besides if word != "null"]
            what_to_do = "" if self.tired else f"; {name_advice(name, family, words)}"
            what = f"unknown {family.kind} {show_value(name)}{what_to_do}"
            return self.complain((*path, name) if in_mapping else path, what, at_key=in_mapping)
        cls = members[name]
        option = next(iter(list_options(cls)), None)
        inside = (*path, name)
        if given is BROKEN:
            return INVALID
        if given is None:
            given = {}
        if not isinstance(given, dict):
            if option is None:
                return self.complain(inside, f"{name} has no options (got {show_value(given)}); write {name}")
            return self.shorthand(cls, option.name, given, inside)
        return self.section(cls, given, inside)

    def shorthand(self, cls: type, name: str, value: Any, path: FieldPath) -> Any:
        """Return a component from the value of its first option alone: `bundled: digits`."""
        spot = self.origin.spot(path)
        if spot is not None:
            spot.put(name, spot)
        if path in self.origin.references:
            self.origin.references[(*path, name)] = self.origin.references[path]
        return self.section(cls, {name: value}, path)

    def items(self, hint: Hint, item: Hint, value: Any, path: FieldPath) -> Any:
        """Return a list of components or sections."""
        if not isinstance(value, tuple):
            name = next(iter(value), None) if isinstance(value, dict) else value
            alone = isinstance(name, str) and any(name in family.members for family in item.families)
            form = f"- {name}{': ...' if isinstance(value, dict) else ''}"
            return self.wrong(path, hint.describe(), value, f"write it as an item of a list: {form}" if alone else "")
        return tuple(self.value(item, one, (*path, k)) for k, one in enumerate(value))

    def leaf(self, hint: Hint, value: Any, path: FieldPath) -> Any:
        """Return a single value, or a list of single values."""
        if isinstance(value, tuple | dict) and holds_broken(value):
            return INVALID
        reference = self.origin.references.get(path)
        if reference and reference.text and not hint.accepts(value) and {str, Path} & set(hint.kinds):
            value = reference.text
        if isinstance(value, str) and Path in hint.kinds:
            return self.folder / value
        if isinstance(value, tuple) and hint.items and not self.list_items(hint.items, value, path):
            return INVALID
        if hint.accepts(value):
            whole = type(value) is int and float in hint.kinds and int not in hint.kinds
            return float(value) if whole else value
        if path == ("version",) and isinstance(value, int) and value > 1:
            return self.wrong(path, hint.describe(), value, "a newer bptrain is needed to read it")
        todo = "" if self.tired else advice(hint, value)
        if reference and todo.startswith("put it in quotes"):
            todo = f"write it inside a text, such as a-{cut(reference.name)}"
        return self.wrong(path, hint.describe(), value, todo)

    def list_items(self, items: tuple[Hint, ...], value: tuple[Any, ...], path: FieldPath) -> bool:
        """Tell whether every item of a list fits one of some hints; items that do not are noted."""
        inner = tuple(hint for item in items for hint in item.items)
        right = True
        for k, one in enumerate(value):
            if any(item.accepts(one) for item in items):
                continue
            right = False
            if isinstance(one, tuple) and inner:
                self.list_items(inner, one, (*path, k))
            else:
                todo = "" if self.tired else advice(items[0], one)
                self.wrong((*path, k), join_or([item.describe() for item in items]), one, todo)
            if len(self.problems) > MOST_NOTED:
                break
        return right


def describe_needed(hint: Hint) -> str:
    """Say what a required option takes, with the names to choose from."""
    match hint.forms:
        case (Member(family),):
            return f"{describe_family(family)}: {join_or(sorted(family.members))}"
        case (Section(cls),):
            return f"a mapping of {', '.join(option.name for option in list_options(cls))}"
    return hint.describe()


def holds_broken(value: Any) -> bool:
    """Tell whether a reference that leads nowhere is among the values of a list or mapping."""
    inner = value.values() if isinstance(value, dict) else value
    return any(one is BROKEN or (isinstance(one, tuple | dict) and holds_broken(one)) for one in inner)

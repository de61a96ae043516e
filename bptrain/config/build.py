"""Plain values to dataclasses: every value checked against the type and bounds of its field, all mistakes collected.

The walk over sections, components and lists is here, because it knows the way to each value and so its place in the
file; single values are checked by pydantic, strictly.
"""

from collections.abc import Sequence
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

from bptrain.config.advice import advice, component_advice, is_meant_as_number, section_advice
from bptrain.config.experiment import Experiment, network_mistake
from bptrain.config.origin import FieldPath, Origin, first
from bptrain.config.scalars import cut, shown
from bptrain.config.suggest import Map, name_advice
from bptrain.config.types import accepts, is_structured, wants_float
from bptrain.config.variables import BROKEN
from bptrain.config.yaml_text import MOST_PROBLEMS
from bptrain.errors import OptionError, Problem
from bptrain.registry import Family, Option, alternatives, any_of, bare, describe, describe_family, family_of, options

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
        """The experiment from the whole document.

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
            raise first(self.problems, MOST_PROBLEMS)
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
        """`got -1`, or `got -1 from ${seed}`."""
        reference = self.origin.references.get(path)
        return f"got {shown(value)}" + (f" from {cut(reference.name)}" if reference else "")

    @property
    def tired(self) -> bool:
        """Whether there are so many mistakes already that no more thought is spent on advice."""
        return len(self.problems) > MOST_PROBLEMS

    def value(self, hint: Any, value: Any, path: FieldPath) -> Any:
        """Whatever the type hint asks for."""
        if value is BROKEN or len(self.problems) > MOST_NOTED:
            return INVALID
        structured = [choice for choice in alternatives(hint) if is_structured(choice)]
        plain = [choice for choice in alternatives(hint) if not is_structured(choice)]
        if not structured:
            return self.leaf(hint, value, path)
        if any(accepts(choice, value) for choice in plain):
            return value
        choice = structured[0]
        if not isinstance(value, dict) and (get_origin(bare(choice)) is dict or any(map(list_hints, plain))):
            return self.leaf(hint, value, path)
        if family := family_of(choice):
            numbers = [hint for hint in plain if bare(hint) in (int, float)]
            if numbers and is_meant_as_number(value):
                return self.leaf(numbers[0], value, path)
            return self.component(family, value, path, plain)
        if get_origin(bare(choice)) is tuple:
            return self.items(hint, choice, value, path)
        if get_origin(bare(choice)) is dict:
            return self.mapping(choice, value, path)
        return self.section(bare(choice), value, path, optional=type(None) in plain)

    def section(self, cls: type, value: Any, path: FieldPath, *, optional: bool = False) -> Any:
        """A dataclass from a mapping of its fields."""
        known = {option.name: option for option in options(cls)}
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
                self.complain((*path, name), f"is missing; expected {needed(option.hint)}", at_key=True)
        if len(self.problems) > before or any(one is INVALID for one in given.values()):
            return INVALID
        try:
            return cls(**given)
        except OptionError as error:
            located = self.origin.located(error.under(".".join(map(str, path))))
            self.problems.extend(located.problems)
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

    def component(self, family: Family, value: Any, path: FieldPath, others: Sequence[Any] = ()) -> Any:
        """A component: `name`, `name: {options}`, or `name: value` with the value of its first option."""
        name: str
        given: Any
        besides = [describe(hint) for hint in others]
        if isinstance(value, str):
            name, given = value, {}
        elif isinstance(value, dict) and len(value) == 1:
            name, given = next(iter(value.items()))
        else:
            form = ", or ".join([f"the name of {describe_family(family)}, alone or as name: {{options}}", *besides])
            choices = f"choose from {', '.join(sorted(family.members))}"
            return self.wrong(path, form, value, component_advice(value, list(family.members)) or choices)
        members = family.members
        if name not in members:
            in_mapping = isinstance(value, dict)
            words = [word.strip("'") for word in besides if word != "null"]
            what_to_do = "" if self.tired else f"; {name_advice(name, family, words)}"
            what = f"unknown {family.kind} {shown(name)}{what_to_do}"
            return self.complain((*path, name) if in_mapping else path, what, at_key=in_mapping)
        cls = members[name]
        option = next(iter(options(cls)), None)
        inside = (*path, name)
        if given is BROKEN:
            return INVALID
        if given is None:
            given = {}
        if not isinstance(given, dict):
            if option is None:
                return self.complain(inside, f"{name} has no options (got {shown(given)}); write {name}")
            return self.shorthand(cls, option.name, given, inside)
        return self.section(cls, given, inside)

    def shorthand(self, cls: type, name: str, value: Any, path: FieldPath) -> Any:
        """A component from the value of its first option alone: `bundled: digits`."""
        spot = self.origin.spot(path)
        if spot is not None:
            spot.put(name, spot)
        if path in self.origin.references:
            self.origin.references[(*path, name)] = self.origin.references[path]
        return self.section(cls, {name: value}, path)

    def items(self, hint: Any, choice: Any, value: Any, path: FieldPath) -> Any:
        """A list of components or sections."""
        if not isinstance(value, tuple):
            family = family_of(alternatives(get_args(bare(choice))[0])[0])
            name = next(iter(value), None) if isinstance(value, dict) else value
            alone = isinstance(name, str) and family is not None and name in family.members
            form = f"- {name}{': ...' if isinstance(value, dict) else ''}"
            return self.wrong(path, describe(hint), value, f"write it as an item of a list: {form}" if alone else "")
        item = get_args(bare(choice))[0]
        return tuple(self.value(item, one, (*path, k)) for k, one in enumerate(value))

    def mapping(self, choice: Any, value: dict[str, Any], path: FieldPath) -> Any:
        """Values by names that the user chooses, such as those of columns."""
        item = get_args(bare(choice))[1]
        return {name: self.value(item, one, (*path, name)) for name, one in value.items()}

    def leaf(self, hint: Any, value: Any, path: FieldPath) -> Any:
        """A single value, or a list of single values."""
        kinds = [bare(choice) for choice in alternatives(hint)]
        if isinstance(value, tuple | dict) and holds_broken(value):
            return INVALID
        reference = self.origin.references.get(path)
        if reference and reference.text and not accepts(hint, value) and {str, Path} & set(kinds):
            value = reference.text
        if isinstance(value, str) and Path in kinds:
            return self.folder / value
        if isinstance(value, tuple) and (lists := list_hints(hint)) and not self.list_items(lists, value, path):
            return INVALID
        if accepts(hint, value):
            return float(value) if isinstance(value, int) and wants_float(hint) else value
        if path == ("version",) and isinstance(value, int) and value > 1:
            return self.wrong(path, describe(hint), value, "a newer bptrain is needed to read it")
        todo = "" if self.tired else advice(hint, value)
        if reference and todo.startswith("put it in quotes"):
            todo = f"write it inside a text, such as a-{cut(reference.name)}"
        return self.wrong(path, describe(hint), value, todo)

    def list_items(self, hints: list[Any], value: tuple[Any, ...], path: FieldPath) -> bool:
        """Whether every item of a list fits one of some types of lists; items that do not are noted."""
        items = [get_args(bare(hint))[0] for hint in hints]
        inner = [hint for item in items for hint in list_hints(item)]
        right = True
        for k, one in enumerate(value):
            if any(accepts(item, one) for item in items):
                continue
            right = False
            if isinstance(one, tuple) and inner:
                self.list_items(inner, one, (*path, k))
            else:
                todo = "" if self.tired else advice(items[0], one)
                self.wrong((*path, k), any_of([describe(item) for item in items]), one, todo)
            if len(self.problems) > MOST_NOTED:
                break
        return right


def list_hints(hint: Any) -> list[Any]:
    """The types of lists among the alternatives of a hint."""
    return [choice for choice in alternatives(hint) if get_origin(bare(choice)) is tuple]


def needed(hint: Any) -> str:
    """What a required option takes, with the names to choose from."""
    if family := family_of(hint):
        return f"{describe_family(family)}: {any_of(sorted(family.members))}"
    if is_dataclass(bare(hint)):
        return f"a mapping of {', '.join(option.name for option in options(bare(hint)))}"
    return describe(hint)


def holds_broken(value: Any) -> bool:
    """Whether a reference that leads nowhere is among the values of a list or mapping."""
    inner = value.values() if isinstance(value, dict) else value
    return any(one is BROKEN or (isinstance(one, tuple | dict) and holds_broken(one)) for one in inner)

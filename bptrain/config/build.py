"""Plain values to dataclasses: every value checked against the type and bounds of its field, all mistakes collected."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bptrain.config.advice import advise, advise_component, advise_section, is_meant_as_number
from bptrain.config.document.origin import FieldPath, Origin, join_path, keep_first
from bptrain.config.document.variables import BROKEN, iter_values
from bptrain.config.document.yaml_text import MOST_PROBLEMS, show_value
from bptrain.config.experiment import Experiment, find_network_mistake
from bptrain.config.suggest import OptionMap, suggest_name
from bptrain.config.tree import split_component
from bptrain.errors import OptionError, Problem
from bptrain.hints import DictOf, Form, Hint, ListOf, Member, Option, Section, list_options
from bptrain.registry import Family, describe_family
from bptrain.text import cut, join_and, join_or

INVALID: Any = object()
"""Stands for a value that could not be built, and whose mistake is recorded."""

MOST_RECORDED = 2000
"""The number of mistakes at which the search ends: nobody reads more, and a hostile file could have a million."""


class Builder:
    """Builds dataclasses from plain values, with paths relative to `folder`, and records what is wrong."""

    def __init__(self, origin: Origin, folder: Path, problems: Sequence[Problem] = ()) -> None:
        self.origin = origin
        self.folder = folder
        self.problems = list(problems)
        self.options = OptionMap(None)
        # The options at the top level that the user may have meant by unknown keys.
        self.meant_at_top: set[str] = set()

    def build(self, value: Any) -> Any:
        """Return the experiment from the whole document.

        Raises:
            ConfigError: with everything that is wrong.
        """
        self.options = OptionMap(value)
        built = self.build_section(Experiment, value, ())
        if self.problems:
            # Whether the keys fit together can be checked even if single values are wrong.
            if isinstance(value, dict) and not {"network", "hidden"} & self.meant_at_top:
                mistake = find_network_mistake(*map(value.get, ("network", "hidden", "activation")))
                if mistake and mistake.field not in {problem.field for problem in self.problems}:
                    self.add_problem((mistake.field,), mistake.message)
            raise keep_first(self.problems, MOST_PROBLEMS)
        return built

    def add_problem(self, path: FieldPath, message: str, *, at_key: bool = False) -> Any:
        """Record a mistake and return `INVALID`."""
        self.problems.append(self.origin.make_problem(path, message, at_key=at_key))
        return INVALID

    def add_wrong_value(self, path: FieldPath, expected: str, value: Any, advice: str = "") -> Any:
        """Record a value that is not what was expected, and return `INVALID`."""
        reference = self.origin.references.get(path)
        got = f"got {show_value(value)}" + (f" from {cut(reference.name)}" if reference else "")
        return self.add_problem(path, f"expected {expected} ({got})" + (f"; {advice}" if advice else ""))

    @property
    def is_full(self) -> bool:
        """Whether there are so many mistakes that further ones are recorded without advice."""
        return len(self.problems) > MOST_PROBLEMS

    def build_value(self, hint: Hint, value: Any, path: FieldPath) -> Any:
        """Return the value of an option with this hint."""
        if value is BROKEN or len(self.problems) > MOST_RECORDED:
            return INVALID
        if not hint.structured_forms:
            return self.build_leaf(hint, value, path)
        if hint.accepts(value):
            return value
        form = choose_form(hint.structured_forms, value)
        single = Hint(tuple(one for one in hint if not one.is_structured))
        if not isinstance(value, dict) and (isinstance(form, DictOf) or single.items):
            return self.build_leaf(hint, value, path)
        match form:
            case Member(family):
                numbers = [one for one in single if Hint((one,)).kinds in ((int,), (float,))]
                if numbers and is_meant_as_number(value):
                    return self.build_leaf(Hint((numbers[0],)), value, path)
                sections = [describe_section(one.cls) for one in hint.structured_forms if isinstance(one, Section)]
                return self.build_component(family, value, path, [one.describe() for one in single] + sections)
            case ListOf(item):
                return self.build_list(hint, item, value, path)
            case DictOf(item):
                return {name: self.build_value(item, one, (*path, name)) for name, one in value.items()}
            case Section(cls):
                return self.build_section(cls, value, path, optional=type(None) in single.kinds)

    def build_section(self, cls: type, value: Any, path: FieldPath, *, optional: bool = False) -> Any:
        """Return a dataclass from a mapping of its fields."""
        known = {option.name: option for option in list_options(cls)}
        if not isinstance(value, dict):
            expected = "null or " * optional + describe_section(cls)
            return self.add_wrong_value(path, expected, value, advise_section(cls, value, optional=optional))
        before = len(self.problems)
        meant = self.check_keys(value, known, path)
        given = {
            name: self.build_value(option.hint, value[name], (*path, name))
            for name, option in known.items()
            if name in value
        }
        for name, option in known.items():
            if option.is_required and name not in value and name not in meant:
                self.add_problem((*path, name), f"is missing; expected {describe_needed(option.hint)}", at_key=True)
        if len(self.problems) > before or any(one is INVALID for one in given.values()):
            return INVALID
        try:
            return cls(**given)
        except OptionError as error:
            self.problems.extend(self.origin.place(error.prefix_fields(".".join(map(str, path)))).problems)
            return INVALID

    def check_keys(self, value: dict[str, Any], known: dict[str, Option], path: FieldPath) -> set[str]:
        """Record unknown keys, and return the options of this section that the user may have meant by them."""
        meant: set[str] = set()
        for key in [key for key in value if key not in known]:
            if len(self.problems) > MOST_RECORDED:
                break
            if self.is_full:
                self.add_problem((*path, key), "unknown key", at_key=True)
                continue
            advice, own = self.options.suggest_key(key, path, list(known))
            meant |= own
            self.add_problem((*path, key), f"unknown key; {advice}", at_key=True)
            # What is inside is checked too, so that all mistakes are reported at once.
            is_guessed = advice.startswith("did you mean") and len(own) == 1 and not own & value.keys()
            if is_guessed and isinstance(value[key], dict | tuple):
                self.build_value(known[next(iter(own))].hint, value[key], (*path, key))
        if not path:
            self.meant_at_top |= meant
        return meant

    def build_component(self, family: Family, value: Any, path: FieldPath, others: list[str]) -> Any:
        """Return a component from `name`, `name: {options}`, or `name: value` with the value of its first option.

        `others` are words for what else is allowed there.
        """
        members = family.members
        name, given = split_component(value)
        if name is None or (isinstance(value, dict) and len(value) > 1):
            form = ", or ".join([f"the name of {describe_family(family)}, alone or as name: {{options}}", *others])
            choices = f"choose from {', '.join(sorted(members))}"
            return self.add_wrong_value(path, form, value, advise_component(value, list(members)) or choices)
        if name not in members:
            in_mapping = isinstance(value, dict)
            words = [word.strip("'") for word in others if word != "null"]
            advice = "" if self.is_full else f"; {suggest_name(name, given, family, words)}"
            what = f"unknown {family.kind} {show_value(name)}{advice}"
            return self.add_problem((*path, name) if in_mapping else path, what, at_key=in_mapping)
        inside = (*path, name)
        if given is BROKEN:
            return INVALID
        if given is None:
            given = {}
        elif not isinstance(given, dict):
            option = next(iter(list_options(members[name])), None)
            if option is None:
                return self.add_problem(inside, f"{name} has no options (got {show_value(given)}); write {name}")
            self.expand_shorthand(option.name, inside)
            given = {option.name: given}
        return self.build_section(members[name], given, inside)

    def expand_shorthand(self, option: str, path: FieldPath) -> None:
        """Give the first option, which `name: value` sets, the place of that value in the file."""
        spot = self.origin.find_spot(path)
        if spot is not None:
            spot.put(option, spot)
        if path in self.origin.references:
            self.origin.references[(*path, option)] = self.origin.references[path]

    def build_list(self, hint: Hint, item: Hint, value: Any, path: FieldPath) -> Any:
        """Return a list of components or sections."""
        if not isinstance(value, tuple):
            name = next(iter(value), None) if isinstance(value, dict) else value
            is_item = isinstance(name, str) and any(name in family.members for family in item.families)
            advice = f"write [{name}{': ...' if isinstance(value, dict) else ''}]" if is_item else ""
            if isinstance(value, dict) and value and all(map(str.isdecimal, value)):
                items = f"item{'s' * (len(value) > 1)} {join_and(list(value)[:5])}"
                return self.add_problem(path, f"expected {hint.describe()} (got only {items}); write the whole list")
            return self.add_wrong_value(path, hint.describe(), value, advice)
        return tuple(self.build_value(item, one, (*path, k)) for k, one in enumerate(value))

    def build_leaf(self, hint: Hint, value: Any, path: FieldPath) -> Any:
        """Return a single value, or a list of single values."""
        if any(one is BROKEN for one in iter_values(value)):
            return INVALID
        reference = self.origin.references.get(path)
        if reference and reference.text and not hint.accepts(value) and {str, Path} & set(hint.kinds):
            value = reference.text
        if isinstance(value, str) and Path in hint.kinds:
            return self.folder / value
        if isinstance(value, tuple) and hint.items and not self.check_items(hint.items, value, path):
            return INVALID
        if hint.accepts(value):
            is_float = type(value) is int and float in hint.kinds and int not in hint.kinds
            return float(value) if is_float else value
        if path == ("version",) and isinstance(value, int) and value > 1:
            return self.add_wrong_value(path, hint.describe(), value, "a newer bptrain is needed to read this config")
        advice = "" if self.is_full else advise(hint, value)
        if reference and advice.startswith("put it in quotes"):
            advice = f"put it inside longer text, such as a-{cut(reference.name)}"
        elif advice.startswith("put it in quotes: ") and (spot := self.origin.find_spot(path)):
            key, quoted = join_path(path), advice.removeprefix("put it in quotes: ")
            if spot.source.text.startswith(f"{key}="):
                advice = f'the shell removes quotes, so write "{key}={quoted}"'
        return self.add_wrong_value(path, hint.describe(), value, advice)

    def check_items(self, items: tuple[Hint, ...], value: tuple[Any, ...], path: FieldPath) -> bool:
        """Return whether every item of a list fits one of the hints; record the items that do not."""
        inner = tuple(hint for item in items for hint in item.items)
        fits = True
        for k, one in enumerate(value):
            if any(item.accepts(one) for item in items):
                continue
            fits = False
            if isinstance(one, tuple) and inner:
                self.check_items(inner, one, (*path, k))
            else:
                advice = "" if self.is_full else advise(items[0], one)
                self.add_wrong_value((*path, k), join_or([item.describe() for item in items]), one, advice)
            if len(self.problems) > MOST_RECORDED:
                break
        return fits


def choose_form(forms: Sequence[Form], value: Any) -> Form:
    """Return the form that a value is meant to have: the first section that has one of its keys, or else the first."""
    keys = value.keys() if isinstance(value, dict) else ()
    sections = [form for form in forms[1:] if isinstance(form, Section)]
    meant = (form for form in sections if any(option.name in keys for option in list_options(form.cls)))
    return next(meant, forms[0])


def describe_section(cls: type) -> str:
    """Return words for a section, such as `a mapping with keys patience, min_delta`."""
    names = [option.name for option in list_options(cls)]
    return f"a mapping with key{'s' * (len(names) > 1)} {', '.join(names)}"


def describe_needed(hint: Hint) -> str:
    """Return what a required option takes, with the names to choose from."""
    match hint.forms:
        case (Member(family),):
            return f"{describe_family(family)}: {join_or(sorted(family.members))}"
        case (Section(cls),):
            return describe_section(cls)
    return hint.describe()

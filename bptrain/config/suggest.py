"""Suggestions for unknown words: a key of another section, a word of another tool, or a misspelling."""

from functools import cached_property
from pathlib import Path
from typing import Any

from bptrain.config.aliases import AMBIGUOUS, KEYS, REMARKS, VALUES
from bptrain.config.document.origin import FieldPath, join_path
from bptrain.config.experiment import Experiment
from bptrain.config.tree import FAMILIES, walk
from bptrain.hints import list_options
from bptrain.registry import Family, describe_family
from bptrain.tables.sources import BUNDLED_TARGETS
from bptrain.text import LONGEST_WORD, cut, find_closest, find_meant, join_and, join_or, normalize

# The families whose options are meant most often come first.
BY_LIKELIHOOD = [FAMILIES[name] for name in ("optimizers", "schedules", "losses", "layers")]
BY_LIKELIHOOD += [family for family in FAMILIES.values() if family not in BY_LIKELIHOOD]


def suggest_value(value: str, choices: list[str]) -> str:
    """Return the advice for a word that is none of the choices of an option; empty if none is similar."""
    found = find_meant(value, choices, VALUES)
    return f"did you mean {join_or(list(map(repr, found)))}?" if found else ""


def list_aliases(family: Family) -> dict[str, tuple[str, ...]]:
    """Return what other tools call the components of a family, with the names that each word may mean."""
    return family.aliases | AMBIGUOUS.get(family.kind, {})


def suggest_name(word: str, given: Any, family: Family, others: list[str]) -> str:
    """Return the advice for `word` or `word: given` that names no component; `others` are allowed too."""
    names = [*family.members, *others]
    aliases = {word: found for one in (*family.includes, family) for word, found in list_aliases(one).items()}
    homes = [one for one in FAMILIES.values() if normalize(word) in one.members and normalize(word) != "none"]
    if family.kind == "source":
        if form := suggest_source(word, family):
            return f"write {form}"
        if isinstance(given, str) and (reader := find_reader(given, family)):
            return f"did you mean {reader!r}?"
    choices = f"choose from {', '.join(sorted(names))}"
    if homes and normalize(word) not in names and normalize(word) not in aliases:
        kinds = join_and([describe_family(one) for one in homes if one.kind != "layer" or len(homes) == 1])
        return f"this is the name of {kinds}; {choices}"
    name, _, value = word.partition(" ")
    if value and name in names:
        return f"write {{{name}: {cut(value)}}}"
    if found := find_meant(word, names, aliases):
        return f"did you mean {join_or(list(map(repr, found)))}?"
    for option in (normalize(word), *KEYS.get(normalize(word), ())) if given is not None else ():
        owners = [one for one, cls in family.members.items() if option in [part.name for part in list_options(cls)]]
        if owners:
            return f"{option} is an option; write NAME: {{{option}: ...}}, where NAME is {join_or(sorted(owners))}"
    return choices


def suggest_source(word: str, family: Family) -> str:
    """Return how to write a source given only by its name or path; empty if it is neither."""
    if word in BUNDLED_TARGETS:
        return f"{{bundled: {word}}}"
    reader = find_reader(word, family)
    return f"{{{reader}: {cut(word)}}}" if reader else ""


def find_reader(path: str, family: Family) -> str | None:
    """Return the name of the source that reads files with the suffix of a path."""
    suffix = Path(path.removesuffix(".gz")).suffix
    return next((name for name, cls in family.members.items() if suffix in getattr(cls, "suffixes", ())), None)


class OptionMap:
    """All options that a config can have, given the components that it names; where it names none, the default ones."""

    def __init__(self, tree: Any) -> None:
        self.tree = tree

    @cached_property
    def homes(self) -> dict[str, list[FieldPath]]:
        """The paths of the sections and components that have an option, by its name."""
        found: dict[str, list[FieldPath]] = {}
        for path, cls in walk(Experiment, self.tree):
            for option in list_options(cls):
                found.setdefault(option.name, []).append(path)
        return found

    @cached_property
    def family_paths(self) -> dict[str, tuple[FieldPath, bool]]:
        """The path of the first option that takes components of a kind, and whether it takes a list of them."""
        found: dict[str, tuple[FieldPath, bool]] = {}
        for path, cls in walk(Experiment, self.tree):
            for option in list_options(cls):
                for hint in (option.hint, *option.hint.items):
                    for family in hint.families:
                        found.setdefault(family.kind, ((*path, option.name), hint is not option.hint))
        return found

    def find_paths(self, name: str) -> list[str]:
        """Return the dotted paths of all options with this name."""
        return [join_path((*home, name)) for home in self.homes.get(name, ())]

    def is_in_place_of_hidden(self, name: str | int) -> bool:
        """Return whether an option must replace `hidden`, the short form of a network, which the config gives."""
        return name == "network" and isinstance(self.tree, dict) and "hidden" in self.tree

    def suggest_key(self, key: str, path: FieldPath, known: list[str]) -> tuple[str, set[str]]:
        """Return the advice for an unknown key of a section, and which of the `known` options there it may mean."""
        word = normalize(key)
        if word in known:
            return f"did you mean {word!r}?", {word}
        if word in REMARKS:
            return REMARKS[word], set()
        if not known:
            return f"{path[-1]} has no options; remove it", set()
        if word.isdecimal():
            return "if the comma before it is a decimal comma, write a point", set()
        if "activation" in (word, *KEYS.get(word, ())) and path[:1] == ("network",):
            return "write the activation as a layer after this one, such as - relu", set()
        family, owners = find_owners(word, path)
        for alias in KEYS.get(word, ()):
            advice, own = self.suggest_alias(alias, path, known)
            if advice and owners and not own:
                return f"{advice[:-1]}, or the {family.kind} {' or '.join(owners)}?", own
            if advice:
                return advice, own
        if word in self.homes:
            return f"{word} belongs {describe_homes(self.homes[word])}", set()
        if found := self.suggest_component(word, path, exact=True):
            return found
        if owners:
            kind = family.kind if len(owners) == 1 else family.plural
            return f"{word} is an option of the {kind} {join_and(owners)}", set()
        return self.suggest_component(word, path, exact=False) or self.suggest_spelling(word, known)

    def suggest_spelling(self, word: str, known: list[str]) -> tuple[str, set[str]]:
        """Return the advice for a key that is at best misspelled, and the option of its section that it may mean."""
        if len(word) <= LONGEST_WORD:
            if near := find_closest(word, known):
                return f"did you mean {near!r}?", {near}
            far = find_closest(word, [name for name in self.homes if len(name) > 3])
            if far and len(word) > 3:
                return f"did you mean {far}, {describe_homes(self.homes[far])}?", set()
        return f"choose from {', '.join(sorted(known))}", set()

    def suggest_alias(self, target: str, path: FieldPath, known: list[str]) -> tuple[str, set[str]]:
        """Return the advice for another tool's word for an option; empty if this config has no such option."""
        *section, name = target.split(".")
        if name in known and (not section or tuple(section) == path):
            return f"did you mean {name!r}{', in place of hidden' * self.is_in_place_of_hidden(name)}?", {name}
        homes: list[FieldPath] | None = [tuple(section)] if section else self.homes.get(name)
        return (f"did you mean {name}, {describe_homes(homes)}?", set()) if homes else ("", set())

    def suggest_component(self, word: str, path: FieldPath, *, exact: bool) -> tuple[str, set[str]] | None:
        """Return the advice for a key that is the name of a component, or (not `exact`) another tool's word for it."""
        for family in FAMILIES.values():
            name = word if exact else list_aliases(family).get(word, ("",))[0]
            if name not in family.members or family.kind not in self.family_paths:
                continue
            home, is_list = self.family_paths[family.kind]
            what = f"{name} is {describe_family(family)}"
            if is_list:
                replaces = ", in place of hidden" * self.is_in_place_of_hidden(home[-1])
                return f"{what}; list it under {join_path(home)}{replaces}", set()
            option = str(home[-1])
            form = f"{option}: {{{name}: ...}}" if list_options(family.members[name]) else f"{option}: {name}"
            if home[:-1] == path:
                return f"{what}; write {form}", {option}
            return f"{what}; write {form} {describe_homes([home[:-1]])}", set()
        return None


def describe_homes(homes: list[FieldPath]) -> str:
    """Return `under optimizer.adam` or `at the top level`; of many places only the first three."""
    if () in homes:
        return "at the top level"
    return "under " + " or ".join(join_path(home) for home in homes[:3])


def find_owners(word: str, path: FieldPath) -> tuple[Family, list[str]]:
    """Return the components that have an option of this name: their family and names, which may be none."""
    mine = str(path[-1]) if path else ""
    families = [family for family in BY_LIKELIHOOD if mine in family.members] or BY_LIKELIHOOD
    for family in families:
        owners = [name for name, cls in family.members.items() if word in [option.name for option in list_options(cls)]]
        if owners:
            return family, owners
    return families[0], []

"""What an unknown word may mean: a key that sits elsewhere, what other tools call it, or a slip of the finger."""

from functools import cached_property
from pathlib import Path
from typing import Any

from bptrain.config.aliases import KEYS, REMARKS, SEVERAL, VALUES
from bptrain.config.experiment import Experiment
from bptrain.config.families import FAMILIES
from bptrain.config.origin import FieldPath, join_path
from bptrain.config.tree import walk
from bptrain.hints import list_options
from bptrain.registry import Family, describe_family
from bptrain.tables.sources import BUNDLED_TARGETS
from bptrain.text import LONGEST_WORD, cut, find_closest, find_meant, join_and, join_or, normalize

# The families whose options people most likely have in mind come first.
SOUGHT = [FAMILIES[name] for name in ("optimizers", "schedules", "losses", "layers")]
SOUGHT += [family for family in FAMILIES.values() if family not in SOUGHT]


def value_advice(value: str, choices: list[str]) -> str:
    """Say what to do about a word that is none of the values of an enumeration; empty if nothing is near."""
    found = find_meant(value, choices, VALUES)
    return f"did you mean {join_or(list(map(repr, found)))}?" if found else ""


def component_aliases(family: Family) -> dict[str, tuple[str, ...]]:
    """Return what other tools call the components of a family, with the names that each word may mean."""
    return family.aliases | SEVERAL.get(family.kind, {})


def name_advice(word: str, family: Family, others: list[str]) -> str:
    """Say what to do about an unknown name of a component.

    Args:
        word: as it is written.
        family: where it was looked for.
        others: what could stand there besides, such as `auto`.
    """
    names = [*family.members, *others]
    aliases = {word: found for one in (*family.includes, family) for word, found in component_aliases(one).items()}
    homes = [one for one in FAMILIES.values() if normalize(word) in one.members]
    if family.kind == "source" and (form := source_form(word, family)):
        return f"write {form}"
    if homes and normalize(word) not in names and normalize(word) not in aliases:
        kinds = join_and([describe_family(one) for one in homes if one.kind != "layer" or len(homes) == 1])
        return f"this is the name of {kinds}; choose from {', '.join(sorted(names))}"
    if found := find_meant(word, names, aliases):
        return f"did you mean {join_or(list(map(repr, found)))}?"
    return f"choose from {', '.join(sorted(names))}"


def source_form(word: str, family: Family) -> str:
    """Say how a source is written of which only the name or the path is given; empty if it is neither."""
    if word in BUNDLED_TARGETS:
        return f"{{bundled: {word}}}"
    suffix = Path(word.removesuffix(".gz")).suffix
    reader = next((name for name, cls in family.members.items() if suffix in getattr(cls, "suffixes", ())), None)
    return f"{{{reader}: {cut(word)}}}" if reader else ""


class Map:
    """All the options that a config has room for: which sections and components have an option of a name.

    Args:
        tree: the config, which says the components that count; where it says nothing, the defaults do.
    """

    def __init__(self, tree: Any) -> None:
        self.tree = tree

    @cached_property
    def homes(self) -> dict[str, list[FieldPath]]:
        """The sections that have an option, by its name."""
        found: dict[str, list[FieldPath]] = {}
        for path, cls in walk(Experiment, self.tree):
            for option in list_options(cls):
                found.setdefault(option.name, []).append(path)
        return found

    @cached_property
    def shelves(self) -> dict[str, tuple[FieldPath, bool]]:
        """Where a component of a family goes, by the kind of the family, and whether it goes into a list there."""
        found: dict[str, tuple[FieldPath, bool]] = {}
        for path, cls in walk(Experiment, self.tree):
            for option in list_options(cls):
                for hint in (option.hint, *option.hint.items):
                    for family in hint.families:
                        found.setdefault(family.kind, ((*path, option.name), hint is not option.hint))
        return found

    def find_paths(self, name: str) -> list[str]:
        """Return the dotted paths of all options of a name."""
        return [join_path((*home, name)) for home in self.homes.get(name, ())]

    def key_advice(self, key: str, path: FieldPath, known: list[str]) -> tuple[str, set[str]]:
        """Return what to do about an unknown key, and the options of its own section that it may mean.

        Args:
            key: as it is written.
            path: of the section or component that it stands in.
            known: the options there.
        """
        word = normalize(key)
        if word in known:
            return f"did you mean {word!r}?", {word}
        if word in REMARKS:
            return REMARKS[word], set()
        if word.isdecimal() and known:
            return "is the comma before it a decimal comma? write a point", set()
        family, owners = find_owners(word, path)
        for alias in KEYS.get(word, ()):
            advice, own = self.alias(alias, path, known)
            if advice and owners and not own:
                return f"{advice[:-1]}, or the {family.kind} {' or '.join(owners)}?", own
            if advice:
                return advice, own
        if word in self.homes:
            return f"{word} belongs {self.under(self.homes[word])}", set()
        if found := self.as_component(word, path, exact=True):
            return found
        if owners:
            kind = family.kind if len(owners) == 1 else family.plural
            return f"{word} is an option of the {kind} {join_and(owners)}", set()
        if found := self.as_component(word, path, exact=False):
            return found
        if len(word) <= LONGEST_WORD:
            if near := find_closest(word, known):
                return f"did you mean {near!r}?", {near}
            far = find_closest(word, [name for name in self.homes if len(name) > 3])
            if far and len(word) > 3:
                return f"did you mean {far}, {self.under(self.homes[far])}?", set()
        return (f"choose from {', '.join(sorted(known))}" if known else "there are none to choose from"), set()

    def alias(self, target: str, path: FieldPath, known: list[str]) -> tuple[str, set[str]]:
        """Return the advice that leads to what another tool's key means; empty where this config has no such option."""
        *section, name = target.split(".")
        if name in known and (not section or tuple(section) == path):
            return f"did you mean {name!r}?", {name}
        if section:
            return f"did you mean {name}, {self.under([tuple(section)])}?", set()
        homes = self.homes.get(name)
        return (f"did you mean {name}, {self.under(homes)}?", set()) if homes else ("", set())

    def under(self, homes: list[FieldPath]) -> str:
        """Say `under optimizer.adam`, `at the top level`; of many places the first few."""
        if () in homes:
            return "at the top level"
        return "under " + " or ".join(join_path(home) for home in homes[:3])

    def as_component(self, word: str, path: FieldPath, *, exact: bool) -> tuple[str, set[str]] | None:
        """Return the advice for a key that is the name of a component, or what other tools call one."""
        for family in FAMILIES.values():
            name = word if exact else component_aliases(family).get(word, ("",))[0]
            if name not in family.members or family.kind not in self.shelves:
                continue
            shelf, is_list = self.shelves[family.kind]
            what = f"{name} is {describe_family(family)}"
            if is_list:
                return f"{what}; list it under {join_path(shelf)}", set()
            form = f"{shelf[-1]}: {{{name}: ...}}" if list_options(family.members[name]) else f"{shelf[-1]}: {name}"
            where = "" if shelf[:-1] == path else f" {self.under([shelf[:-1]])}"
            return f"{what}; write {form}{where}", {str(shelf[-1])} if shelf[:-1] == path else set()
        return None


def find_owners(word: str, path: FieldPath) -> tuple[Family, list[str]]:
    """Return which components have an option of this name: their family, and their names; none if there are none."""
    mine = str(path[-1]) if path else ""
    families = [family for family in SOUGHT if mine in family.members] or SOUGHT
    for family in families:
        owners = [name for name, cls in family.members.items() if word in [option.name for option in list_options(cls)]]
        if owners:
            return family, owners
    return families[0], []

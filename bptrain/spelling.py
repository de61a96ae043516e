"""Spelling: the word that was probably meant by one that is not among the choices."""

import difflib
import re
from collections.abc import Iterable, Mapping

LONGEST_WORD = 60
"""Longer words are not compared with anything."""


def snake_case(name: str) -> str:
    """Return the config name of a class: `SoftmaxCrossEntropy` gives `softmax_cross_entropy`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def normalize(word: object) -> str:
    """Return a word in lower case with underscores, as names are here: `batchSize` gives `batch_size`."""
    return snake_case(re.sub(r"[\s.-]+", "_", str(word)[: LONGEST_WORD + 1].strip()))


def closest(word: object, choices: Iterable[str]) -> str | None:
    """Return the choice that was probably meant, if one is near enough."""
    by_lower = {choice.lower(): choice for choice in choices}
    found = difflib.get_close_matches(str(word).lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def suggestion(word: object, choices: Iterable[str]) -> str:
    """Say what to do about an unknown word: write the near choice, or choose from all of them."""
    choices = sorted(choices)
    if not choices:
        return "there are none to choose from"
    near = closest(word, choices)
    return f"did you mean {near!r}?" if near else f"choose from {', '.join(choices)}"


def find_meant(word: str, choices: list[str], aliases: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the choices that a word probably means; none if nothing is near.

    Args:
        word: as it is written.
        choices: that there are.
        aliases: what other tools call them, in the form of `normalize`, with the choices that each may mean.
    """
    plain = normalize(word)
    by_normal = {normalize(choice): choice for choice in choices}
    for form in (plain, re.sub(r"_(loss|layer|optimizer|schedule|scheduler|lr|score)$", "", plain)):
        if form in by_normal:
            return (by_normal[form],)
        if found := tuple(choice for choice in aliases.get(form, ()) if choice in choices):
            return found
    squeezed: dict[str, tuple[str, ...]] = {normalize(choice).replace("_", ""): (choice,) for choice in choices}
    squeezed |= {alias.replace("_", ""): found for alias, found in aliases.items() if set(found) <= set(choices)}
    if plain.replace("_", "") in squeezed:
        return squeezed[plain.replace("_", "")]
    near = closest(plain, choices) if len(plain) <= LONGEST_WORD else None
    return (near,) if near else ()

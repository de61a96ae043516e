"""Text: words compared and joined, numbers read and written as people do, and text made safe to print."""

import difflib
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

LONGEST_WORD = 60
"""Longer words are not compared with anything, and are cut in messages."""


def printable(text: str) -> str:
    """Return the text on one line: line breaks, control, direction and other invisible characters as escapes."""
    return "".join(
        c if c == " " or unicodedata.category(c)[0] not in "CZ" else c.encode("unicode_escape").decode() for c in text
    )


def cut(text: str, most: int = LONGEST_WORD) -> str:
    """Return the text, or its beginning and dots if it has more than `most` characters."""
    return text if len(text) <= most else text[: most - 3] + "..."


def join_or(words: Sequence[str]) -> str:
    """Join words: `a`, `a or b`, `a, b or c`."""
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def join_and(words: Sequence[str]) -> str:
    """Join words: `a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def snake_case(name: str) -> str:
    """Return the config name of a class: `SoftmaxCrossEntropy` gives `softmax_cross_entropy`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def normalize(word: object) -> str:
    """Return a word in lower case with underscores: `batchSize` and `batch-size` give `batch_size`."""
    return snake_case(re.sub(r"[\s.-]+", "_", str(word)[: LONGEST_WORD + 1].strip()))


def find_closest(word: object, choices: Iterable[str]) -> str | None:
    """Return the choice that is spelled most like a word; None if none is similar enough."""
    by_lower = {choice.lower(): choice for choice in choices}
    found = difflib.get_close_matches(str(word).lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def find_meant(word: str, choices: list[str], aliases: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the choices that a word probably means; none if nothing is similar.

    Args:
        word: as written.
        choices: the words to choose from.
        aliases: what other tools call the choices, normalized, with the choices that each may mean.
    """
    normal = normalize(word)
    by_normal = {normalize(choice): choice for choice in choices}
    for form in (normal, re.sub(r"_(loss|layer|optimizer|schedule|scheduler|lr|score)$", "", normal)):
        if form in by_normal:
            return (by_normal[form],)
        if found := tuple(choice for choice in aliases.get(form, ()) if choice in choices):
            return found
    squeezed: dict[str, tuple[str, ...]] = {normalize(choice).replace("_", ""): (choice,) for choice in choices}
    squeezed |= {alias.replace("_", ""): found for alias, found in aliases.items() if set(found) <= set(choices)}
    if normal.replace("_", "") in squeezed:
        return squeezed[normal.replace("_", "")]
    closest = find_closest(normal, choices) if len(normal) <= LONGEST_WORD else None
    return (closest,) if closest else ()


def suggest_word(word: object, choices: Iterable[str]) -> str:
    """Return the advice for an unknown word: the choice that was probably meant, or all of them."""
    choices = sorted(choices)
    if not choices:
        return "there are none to choose from"
    closest = find_closest(word, choices)
    return f"did you mean {closest!r}?" if closest else f"choose from {', '.join(choices)}"


def read_number(text: str) -> int | float | None:
    """Return the number that a text means to people, or None: `20%`, `1/3`, `1,000`, `0,5`, `0x1F`, `1:30` (90)."""
    if len(text) > 300:
        # Such a number is beyond the range of a float.
        return math.inf if re.fullmatch(r"[-+]?[0-9]+(\.[0-9]*)?", text) else None
    if re.fullmatch(r"[-+]?(inf|infinity|nan)", text, re.IGNORECASE):
        return math.nan
    for pattern, base in ((r"0x[0-9a-f]+", 16), (r"0o[0-7]+", 8), (r"0b[01]+", 2)):
        if re.fullmatch(pattern, text, re.IGNORECASE):
            return int(text, base)
    if re.fullmatch(r"[0-9]{1,4}(:[0-5]?[0-9]){1,2}", text):
        clock = [int(digits) for digits in text.split(":")]
        return clock[-1] + 60 * clock[-2] + (3600 * clock[0] if len(clock) == 3 else 0)
    if match := re.fullmatch(r"([0-9.]+) ?%", text):
        number = read_number(match[1])
        return None if number is None else round(number / 100, 12)
    if match := re.fullmatch(r"([0-9]+)/([1-9][0-9]*)", text):
        return float(f"{int(match[1]) / int(match[2]):.6g}")
    digits = text.replace("_", "").replace("'", "")
    # A comma after a leading zero never groups thousands: 0,001 is a thousandth.
    if re.fullmatch(r"[-+]?[1-9][0-9]{0,2}(,[0-9]{3})+", digits):
        digits = digits.replace(",", "")
    elif re.fullmatch(r"[-+]?[0-9]+,[0-9]+", digits):
        digits = digits.replace(",", ".")
    if re.fullmatch(r"[-+]?[0-9]+", digits):
        return int(digits)
    try:
        return float(digits) if re.fullmatch(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?", digits) else None
    except ValueError:
        return None


def shorten(text: object, longest: int) -> str:
    """Return text from the data or a config as one line without control characters, cut if it is long."""
    # A cell can be a megabyte long.
    return cut(printable(str(text)[: 4 * longest]), longest)

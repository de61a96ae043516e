"""What varies in a race: every combination of optimizers and `KEY=a,b,c`, each a contender."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from bptrain.errors import InputError

MOST_CONTENDERS = 20


@dataclass(frozen=True)
class Contender:
    """A name, and the overrides that make the config its own."""

    name: str
    overrides: tuple[str, ...]


def contenders(optimizers: Sequence[str], vary: Sequence[str]) -> list[Contender]:
    """Every combination of the options.

    Raises:
        InputError: there are fewer than two of them, or far too many, or one comes twice.
    """
    choices = [[("optimizer", text) for text in optimizers]] if optimizers else []
    for text in vary:
        key, equals, values = text.partition("=")
        if not equals or not key.strip():
            raise InputError(f"--vary: expected KEY=a,b,c, such as optimizer.adam.lr=0.1,0.01 (got {text!r})")
        if key.strip() == "seed":
            raise InputError("--vary: the race itself sets the seed, the same for all; say how many with --seeds")
        choices.append([(key.strip(), value) for value in split_values(values)])
    found = []
    for chosen in product(*choices):
        name = ", ".join(value if key == "optimizer" else f"{key}={value}" for key, value in chosen)
        found.append(Contender(name, tuple(f"{key}={value}" for key, value in chosen)))
    if len(found) < 2:
        raise InputError("a race needs at least two contenders; give --optimizer twice, or --vary KEY=a,b")
    if len(found) > MOST_CONTENDERS:
        raise InputError(f"at most {MOST_CONTENDERS} contenders can race (got {len(found)}); vary less")
    names = [one.name for one in found]
    if twice := next((name for k, name in enumerate(names) if name in names[:k]), None):
        raise InputError(f"{twice!r} races against itself; name it once")
    return found


def split_values(values: str) -> list[str]:
    """Values with commas between, those inside brackets and quotes left alone."""
    parts, depth, quote = [""], 0, ""
    for c in values:
        if quote:
            quote = "" if c == quote else quote
        elif c in "\"'":
            quote = c
        elif c in "[{(":
            depth += 1
        elif c in "]})":
            depth -= 1
        if c == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += c
    return [part.strip() for part in parts]

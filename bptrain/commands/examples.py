"""Examples: the configs that come with bptrain, listed and copied."""

from dataclasses import asdict, dataclass
from pathlib import Path

from bptrain.atomic import write_new
from bptrain.config.schema import MODELINE, with_schema
from bptrain.errors import InputError
from bptrain.spelling import suggestion
from bptrain.tables.sources import resources


@dataclass(frozen=True)
class Example:
    """A bundled config: its name, and the first sentence of the comment at its head."""

    name: str
    summary: str

    def to_json(self) -> dict[str, str]:
        """What `bptrain examples --json` prints of it."""
        return asdict(self)


def examples() -> tuple[Example, ...]:
    """The bundled configs, by name."""
    return tuple(Example(name, opening(path.read_text(encoding="utf-8"))) for name, path in files().items())


def copy_example(name: str, path: str | Path | None = None) -> Path:
    """Copy a bundled config, comments and all; it trains from anywhere.

    Args:
        name: of the example, such as `iris` or `textbook/xor`.
        path: of the copy; in a directory it is called `NAME.yaml`, without the folder of the name. Default: the present
            directory.

    Returns:
        The path of the copy.

    Raises:
        InputError: there is no such example, or something is at the path already.
        StorageError: the copy cannot be written.
    """
    bundled = files()
    if name not in bundled:
        raise InputError(f"no example is named {name!r}; {suggestion(name, bundled)}")
    target = Path(path) if path is not None else Path()
    if target.is_dir():
        target = target / bundled[name].name
    write_new(target, with_schema(bundled[name].read_text(encoding="utf-8"), target))
    return target


def files() -> dict[str, Path]:
    """The paths of the bundled configs by name, those of the textbook last: `textbook/xor`."""
    folder = resources("configs")
    paths = (*sorted(folder.glob("*.yaml")), *sorted(folder.glob("*/*.yaml")))
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in paths}


def read_example(name: str) -> str:
    """The text of a bundled config, such as `textbook/xor`."""
    return files()[name].read_text(encoding="utf-8")


def commands(text: str) -> str:
    """The commands in the comment at the head of a config, a line each."""
    head = text.split("\n\n", 1)[0]
    lines = (line.removeprefix("#").strip() for line in head.splitlines())
    return "\n".join(line for line in lines if line.startswith("bptrain "))


def opening(text: str) -> str:
    """The first sentences of the comment at the head of a config, as far as its first line goes."""
    lines = (line.removeprefix("#").strip() for line in text.splitlines() if not line.startswith(MODELINE))
    return next(lines)

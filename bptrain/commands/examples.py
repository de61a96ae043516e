"""`bptrain examples`"""

from dataclasses import asdict, dataclass
from pathlib import Path

from bptrain.atomic import write_new
from bptrain.config.schema import MODELINE, add_modeline
from bptrain.errors import InputError
from bptrain.tables.sources import find_resources
from bptrain.text import suggest_word


@dataclass(frozen=True)
class Example:
    """A bundled config: its name, and the first line of the comment at its head."""

    name: str
    summary: str

    def to_json(self) -> dict[str, str]:
        """Return the keys of an example in `bptrain examples --json`."""
        return asdict(self)


def examples() -> tuple[Example, ...]:
    """List the bundled configs.

    Returns:
        Each with its name and a summary, sorted by name.
    """
    return tuple(Example(name, read_summary(path)) for name, path in find_examples().items())


def copy_example(name: str, path: str | Path | None = None) -> Path:
    """Copy a bundled config with its comments. The copy can be trained from any folder.

    Args:
        name: of the example, such as `iris` or `textbook/xor`.
        path: of the copy, or a directory for it: there it is called `NAME.yaml`, without the folder of the name. None:
            the current directory.

    Returns:
        The path of the copy.

    Raises:
        InputError: there is no such example, or a file is at the path already.
        StorageError: the copy cannot be written.

    Example:
        >>> bptrain.copy_example("iris", "my.yaml")
        PosixPath('my.yaml')
    """
    bundled = find_examples()
    if name not in bundled:
        raise InputError(f"no example is named {name!r}; {suggest_word(name, bundled)}")
    target = Path(path) if path is not None else Path()
    if target.is_dir():
        target = target / bundled[name].name
    write_new(target, add_modeline(bundled[name].read_text(encoding="utf-8"), target))
    return target


def find_examples() -> dict[str, Path]:
    """Return the paths of the bundled configs by name, with those of the textbook last: `textbook/xor`."""
    folder = find_resources("configs")
    paths = (*sorted(folder.glob("*.yaml")), *sorted(folder.glob("*/*.yaml")))
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in paths}


def read_summary(path: Path) -> str:
    """Return the first line of the comment at the head of a config."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(line.removeprefix("#").strip() for line in lines if not line.startswith(MODELINE))


def read_commands(path: Path) -> str:
    """Return the commands in the comment at the head of a config, a line each."""
    head = path.read_text(encoding="utf-8").split("\n\n", 1)[0]
    lines = (line.removeprefix("#").strip() for line in head.splitlines())
    return "\n".join(line for line in lines if line.startswith("bptrain "))

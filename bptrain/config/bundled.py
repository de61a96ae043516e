"""Bundled configs: those that come with bptrain, with what the comments at their heads say."""

from pathlib import Path

from bptrain.config.schema import MODELINE
from bptrain.tables.sources import find_resources


def bundled_configs() -> dict[str, Path]:
    """Return the paths of the bundled configs by name, those of the textbook last: `textbook/xor`."""
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

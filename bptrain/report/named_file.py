"""The file to write, as it was named."""

from pathlib import Path

from bptrain.errors import InputError


def checked(output: str | Path, suffixes: tuple[str, ...], option: str = "-o") -> Path:
    """The file to write, for which an option stands.

    Raises:
        InputError: it is called like a file of another kind, or is a directory.
    """
    path = Path(output)
    if path.suffix.lower() not in suffixes or path.is_dir():
        raise InputError(f"{path}: expected a file that ends in {' or '.join(suffixes)}; choose another {option}")
    return path

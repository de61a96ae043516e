"""Writing config files without losing any."""

from pathlib import Path

from bptrain.errors import InputError, StorageError


def write_new(path: Path, text: str, *, force: bool = False, advice: str = "choose another path") -> None:
    """Write a file that was not there, or any with `force`; `advice` says what to do where one is.

    Raises:
        InputError: something is at the path already, or its folder is missing.
        StorageError: it cannot be written.
    """
    try:
        with open(path, "w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(f"{path}: exists already and is not overwritten; {advice}") from None
    except FileNotFoundError:
        raise InputError(f"{path}: there is no folder {str(path.parent)!r}; make it first") from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror or error})") from None

"""`bptrain schema`"""

from collections.abc import Sequence
from pathlib import Path

from bptrain.atomic import write_new
from bptrain.code import load_codes
from bptrain.config.schema import TITLE, Schema, build_schema, to_text


def schema(*, code: Sequence[str | Path] = ()) -> Schema:
    """Return the JSON Schema of configs.

    Args:
        code: Python files that register further components.

    Returns:
        The schema, which `json.dumps` can write.

    Raises:
        InputError: a file of code cannot be used.
    """
    load_codes(code)
    return build_schema()


def write_schema(path: str | Path, *, code: Sequence[str | Path] = ()) -> None:
    """Write the JSON Schema of configs; a schema that is there already is replaced.

    Args:
        path: of the file.
        code: Python files that register further components.

    Raises:
        InputError: a file of code cannot be used, another file is at the path, or its folder is missing.
        StorageError: the file cannot be written.
    """
    path, document = Path(path), schema(code=code)
    try:
        earlier = path.is_file() and f'"title": "{TITLE}"' in path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        earlier = False
    write_new(path, to_text(document), force=earlier)

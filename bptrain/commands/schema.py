"""`bptrain schema`"""

from collections.abc import Sequence
from pathlib import Path

from bptrain.atomic import require_suffix, write_new
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
        InputError: a file of code cannot be used, the name does not end in .json, another file is at the path, or its
            folder is missing.
        StorageError: the file cannot be written.
    """
    written, document = require_suffix(path, (".json",)), schema(code=code)
    try:
        earlier = written.is_file() and f'"title": "{TITLE}"' in written.read_text(encoding="utf-8", errors="replace")
    except OSError:
        earlier = False
    write_new(written, to_text(document), force=earlier)

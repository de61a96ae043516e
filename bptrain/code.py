"""Code of the user's own: Python files that register components. This is the one place that runs code from a file.

Neither a config nor a checkpoint can have a file run: only a person names one, by `--code FILE.py`.
"""

import ast
import hashlib
import sys
from collections.abc import Collection, Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from traceback import walk_tb
from types import ModuleType

from bptrain.contract import objections
from bptrain.errors import BptrainError, CodeError, InputError, StorageError
from bptrain.registry import list_families

MOST_BYTES = 1 << 20


Component = tuple[str, str, type]
"""The kind of its family, its name, and its class."""


@dataclass(frozen=True)
class Code:
    """A file that was run: its path as given, the SHA-256 of its bytes, and what it registered."""

    path: Path
    digest: str
    components: tuple[Component, ...]


_loaded: dict[str, Code] = {}
"""By the name of the module."""


def load_code(path: str | Path) -> Code:
    """Run a Python file that registers components, once in the life of the process.

    Asked again it gives the same answer; if the file has changed, what it registered is taken out and it is run anew.
    What it prints goes to stderr.

    Args:
        path: a Python file that needs no other file beside it.

    Raises:
        InputError: the file cannot be run, or registers nothing or what cannot be used; nothing of it is left then.
        StorageError: the file is there and cannot be read.
    """
    path = Path(path)
    source = read_source(path)
    digest = hashlib.sha256(source).hexdigest()
    name = module_name(path)
    if known := _loaded.get(name):
        if known.digest == digest:
            return known
        unload_code(known)
    before = list_components()
    try:
        run(source, path, name)
        components = tuple(new for new in list_components() if new not in before and not is_ours(new[2]))
        require_usable(components, source, path)
    except BaseException:
        sys.modules.pop(name, None)
        withdraw(new for new in list_components() if new not in before and not is_ours(new[2]))
        raise
    _loaded[name] = Code(path, digest, components)
    return _loaded[name]


def load_codes(paths: Sequence[str | Path]) -> tuple[Code, ...]:
    """Run several files, as `load_code` does."""
    return tuple(map(load_code, [paths] if isinstance(paths, str | Path) else paths))


def unload_code(code: Code) -> None:
    """Take what a file registered out again."""
    for name in [name for name, one in _loaded.items() if one is code]:
        del _loaded[name]
        sys.modules.pop(name, None)
        withdraw(code.components)


def list_loaded_code() -> tuple[Code, ...]:
    """Return the files that were run in this process, in the order in which they were."""
    return tuple(_loaded.values())


def read_source(path: Path) -> bytes:
    """Return the bytes of a Python file.

    Raises:
        InputError: there is none.
        StorageError: it cannot be read.
    """
    try:
        if not path.is_file():
            what = "a directory" if path.is_dir() else "not a file" if path.exists() else "no such file"
            raise InputError(f"{path}: {what}; --code takes a Python file, such as my_layer.py")
        if path.suffix != ".py":
            raise InputError(f"{path}: not a Python file; --code takes a file whose name ends in .py")
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path}: a file of code has at most 1 MiB (got {path.stat().st_size:,} bytes)")
        source = path.read_bytes()
        source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: the file is not UTF-8 text (byte {error.start + 1}); save it as UTF-8") from None
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    return source


def module_name(path: Path) -> str:
    """Return a name for the module of a file that nothing else has."""
    return f"bptrain_code_{hashlib.sha256(str(path.resolve()).encode(errors='surrogateescape')).hexdigest()[:16]}"


def run(source: bytes, path: Path, name: str) -> ModuleType:
    """Run the source of a file as a module.

    Raises:
        InputError: it is no Python, or ends in an exception.
    """
    spec = ModuleSpec(name, None, origin=str(path))
    module = module_from_spec(spec)
    module.__file__ = str(path)
    try:
        program = compile(source, str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        raise InputError(
            f"{path}:{error.lineno or 1}:{error.offset or 1}: {describe_exception(error, error.msg)}"
        ) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"{path}: {describe_exception(error)}") from None
    sys.modules[name] = module
    try:
        # Results alone go to stdout.
        with redirect_stdout(sys.stderr):
            exec(program, module.__dict__)
    except (Exception, SystemExit, GeneratorExit) as error:
        line = last_line(error, {name})
        if isinstance(error, BptrainError) and not isinstance(error, InputError):
            raise
        what = "; ".join(error.lines) if isinstance(error, InputError) else describe_exception(error)
        raise InputError(f"{path}:{line[1] if line else 1}: {what}") from None
    return module


def describe_exception(error: BaseException, message: str | None = None) -> str:
    """Return an exception in a line: `ValueError: operands could not be broadcast together`."""
    try:
        text = str(error) if message is None else message
    except Exception:
        text = ""
    return f"{type(error).__name__}: {text.strip()}" if text.strip() else type(error).__name__


def last_line(error: BaseException, modules: Collection[str]) -> tuple[str, int] | None:
    """Return the module and the line, among some modules, in which an exception was under way last."""
    lines = ((frame.f_globals.get("__name__"), line) for frame, line in walk_tb(error.__traceback__))
    return next(((str(name), line) for name, line in reversed(list(lines)) if name in modules), None)


@dataclass(frozen=True)
class Fault:
    """An exception that the user's code is to blame for: where it was last under way there, and in words."""

    code: Code
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.code.path}:{self.line}: {self.message}"


def find_code_fault(error: BaseException) -> Fault | None:
    """Return where an exception rose from a file of the user's, if it did.

    That is so where it passed through code of that file, though NumPy may have raised it. What bptrain raises on
    purpose is nobody's fault.
    """
    if isinstance(error, BptrainError) or (place := last_line(error, _loaded)) is None:
        return None
    return Fault(_loaded[place[0]], place[1], describe_exception(error))


def list_components() -> list[Component]:
    """Return everything that is registered."""
    return [(family.kind, name, cls) for family in list_families() for name, cls in family.own().items()]


def is_ours(cls: type) -> bool:
    """Tell whether a class comes with bptrain, though a file of the user's may have been the first to import it."""
    return cls.__module__.partition(".")[0] == "bptrain"


def withdraw(components: Iterable[Component]) -> None:
    """Take components out of their families."""
    for kind, name, cls in components:
        for family in list_families():
            if family.kind == kind and family.own().get(name) is cls:
                family.withdraw(name)


def require_usable(components: Sequence[Component], source: bytes, path: Path) -> None:
    """Require that components keep the contract of their family.

    Raises:
        InputError: with everything that is wrong.
    """
    if not components:
        what = "registers nothing; put a decorator above its classes, such as @ACTIVATIONS.register from bptrain.nn"
        raise InputError(f"{path}: {what}")
    lines = {node.name: node.lineno for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)}
    by_kind = {family.kind: family for family in list_families()}
    wrong = [
        f"{path}:{lines.get(cls.__name__, 1)}: the {kind} {name!r} {objection}"
        for kind, name, cls in components
        for objection in objections(by_kind[kind], cls)
    ]
    if wrong:
        raise CodeError(*wrong)

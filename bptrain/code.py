"""The user's own code: Python files that register components. Only this module runs code from a file.

Neither a config nor a checkpoint can cause a file to be run: only the user can, with `--code FILE.py`.
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

from bptrain.contract import find_contract_problems
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
"""The files that were run, by the names of their modules."""


def load_code(path: str | Path) -> Code:
    """Run a Python file that registers components, once per process.

    Called again for the same file, it returns the same result; if the file has changed, its components are removed and
    it is run again. What the file prints goes to stderr.

    Args:
        path: a Python file that does not import other files from its folder.

    Raises:
        InputError: the file cannot be run, or registers nothing or something unusable; none of it stays registered.
        StorageError: the file exists but cannot be read.
    """
    path = Path(path)
    source = read_source(path)
    digest = hashlib.sha256(source).hexdigest()
    name = make_module_name(path)
    if known := _loaded.get(name):
        if known.digest == digest:
            return known
        unload_code(known)
    before = list_components()
    try:
        run_source(source, path, name)
        components = list_new_components(before)
        check_components(components, source, path)
    except BaseException:
        sys.modules.pop(name, None)
        withdraw(list_new_components(before))
        raise
    _loaded[name] = Code(path, digest, components)
    return _loaded[name]


def load_codes(paths: Sequence[str | Path]) -> tuple[Code, ...]:
    """Run several files, as `load_code` does."""
    return tuple(map(load_code, [paths] if isinstance(paths, str | Path) else paths))


def unload_code(code: Code) -> None:
    """Remove the components that a file registered."""
    for name in [name for name, one in _loaded.items() if one is code]:
        del _loaded[name]
        sys.modules.pop(name, None)
        withdraw(code.components)


def list_loaded_code() -> tuple[Code, ...]:
    """Return the files that were run in this process, in order."""
    return tuple(_loaded.values())


def read_source(path: Path) -> bytes:
    """Return the bytes of a Python file.

    Raises:
        InputError: there is no such file, or it is not a Python file.
        StorageError: it cannot be read.
    """
    try:
        if not path.is_file():
            what = "a directory" if path.is_dir() else "not a file" if path.exists() else "no such file"
            raise InputError(f"{path}: {what}; --code takes a Python file, such as my_layer.py")
        if path.suffix != ".py":
            raise InputError(f"{path}: not a Python file; --code takes a file whose name ends in .py")
        if path.stat().st_size > MOST_BYTES:
            raise InputError(
                f"{path}: larger than the limit of 1 MiB for a file of code (got {path.stat().st_size:,} bytes)"
            )
        source = path.read_bytes()
        source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: the file is not UTF-8 text (byte {error.start + 1}); save it as UTF-8") from None
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    return source


def make_module_name(path: Path) -> str:
    """Return a unique name for the module of a file."""
    return f"bptrain_code_{hashlib.sha256(str(path.resolve()).encode(errors='surrogateescape')).hexdigest()[:16]}"


def run_source(source: bytes, path: Path, name: str) -> None:
    """Run the source of a file as a module called `name`.

    Raises:
        InputError: it is not Python, or raises an exception.
    """
    module = module_from_spec(ModuleSpec(name, None, origin=str(path)))
    module.__file__ = str(path)
    try:
        program = compile(source, str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        where = f"{path}:{error.lineno or 1}:{error.offset or 1}"
        raise InputError(f"{where}: {describe_exception(error, error.msg)}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"{path}: {describe_exception(error)}") from None
    sys.modules[name] = module
    try:
        # Only results go to stdout.
        with redirect_stdout(sys.stderr):
            exec(program, module.__dict__)
    except (Exception, SystemExit, GeneratorExit) as error:
        place = find_last_line(error, {name})
        if isinstance(error, BptrainError) and not isinstance(error, InputError):
            raise
        what = "; ".join(error.lines) if isinstance(error, InputError) else describe_exception(error)
        raise InputError(f"{path}:{place[1] if place else 1}: {what}") from None


def describe_exception(error: BaseException, message: str | None = None) -> str:
    """Return an exception as one line: `ValueError: operands could not be broadcast together`."""
    try:
        text = str(error) if message is None else message
    except Exception:
        text = ""
    return f"{type(error).__name__}: {text.strip()}" if text.strip() else type(error).__name__


def find_last_line(error: BaseException, modules: Collection[str]) -> tuple[str, int] | None:
    """Return the last line in the given modules that an exception passed through, as the module and the line number."""
    lines = ((frame.f_globals.get("__name__"), line) for frame, line in walk_tb(error.__traceback__))
    return next(((str(name), line) for name, line in reversed(list(lines)) if name in modules), None)


@dataclass(frozen=True)
class Fault:
    """An exception caused by the user's code: the file, the last of its lines that it passed through, and a message."""

    code: Code
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.code.path}:{self.line}: {self.message}"


def find_code_fault(error: BaseException) -> Fault | None:
    """Return the place in the user's code that caused an exception, or None.

    The user's code is the cause if the exception passed through it, even if it was NumPy that raised the exception. An
    error that bptrain raises on purpose does not count.
    """
    if isinstance(error, BptrainError) or (place := find_last_line(error, _loaded)) is None:
        return None
    return Fault(_loaded[place[0]], place[1], describe_exception(error))


def list_components() -> list[Component]:
    """Return all registered components."""
    return [(family.kind, name, cls) for family in list_families() for name, cls in family.get_own_members().items()]


def list_new_components(before: list[Component]) -> tuple[Component, ...]:
    """Return the components of the user that were registered since `before`.

    Components of bptrain are excluded, though a file of the user may have been the first to import them.
    """
    new = (one for one in list_components() if one not in before)
    return tuple(one for one in new if one[2].__module__.partition(".")[0] != "bptrain")


def withdraw(components: Iterable[Component]) -> None:
    """Remove components from their families."""
    for kind, name, cls in components:
        for family in list_families():
            if family.kind == kind and family.get_own_members().get(name) is cls:
                family.withdraw(name)


def check_components(components: Sequence[Component], source: bytes, path: Path) -> None:
    """Check that a file registers components, and that they keep the contract of their family.

    Raises:
        CodeError, InputError: a component breaks its contract, or there is none; the message lists all mistakes.
    """
    if not components:
        what = "registers nothing; put a decorator above its classes, such as @ACTIVATIONS.register from bptrain.nn"
        raise InputError(f"{path}: {what}")
    lines = {node.name: node.lineno for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)}
    by_kind = {family.kind: family for family in list_families()}
    wrong = [
        f"{path}:{lines.get(cls.__name__, 1)}: the {kind} {name!r} {problem}"
        for kind, name, cls in components
        for problem in find_contract_problems(by_kind[kind], cls)
    ]
    if wrong:
        raise CodeError(*wrong)

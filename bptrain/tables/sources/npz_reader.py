"""Reading archives of arrays as tables: NumPy's `.npz`, of which no more is unpacked than is read."""

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bptrain.errors import InputError, Mistake, OptionError
from bptrain.tables.files import check_expansion, check_file, report_read_errors
from bptrain.tables.source import Chunks
from bptrain.tables.sources.array_reader import OpenArray, combine_arrays, read_array_header
from bptrain.tables.table import quote
from bptrain.text import suggest_word

INPUTS = ("x", "X", "data", "inputs", "features")
TARGETS = ("y", "Y", "target", "targets", "label", "labels")

ZIP = b"PK\x03\x04"

MOST_MEMBERS = 10_000


def open_npz(path: Path, inputs: str | None, target: str | None) -> Chunks:
    """Open the arrays of an archive as a table.

    The array of inputs gives the columns x0, x1, ..., and that of the targets y (or y0, y1, ...). Without inputs, each
    array is a column of its name, or several if it has rows of numbers.

    Args:
        path: written by `np.savez` or `np.savez_compressed`.
        inputs: name of an array; None: x, X, data, inputs or features, if there is one.
        target: name of an array; None: y, Y, target, targets, label or labels, if there is one.

    Raises:
        InputError: it is no such file or damaged, holds anything but numbers, or arrays of several lengths; an
            `OptionError` where there is no array of a name.
        StorageError: it cannot be read.
    """
    check_file(path)
    with ExitStack() as stack:
        with report_damage(path):
            file = stack.enter_context(open(path, "rb"))
            if file.read(4) != ZIP:
                raise InputError(f"{path}: not an npz file; write one with np.savez")
            archive = stack.enter_context(zipfile.ZipFile(file))
            members = list_members(archive, path)
            x = choose_array("inputs", inputs, INPUTS, members)
            y = choose_array("target", target, TARGETS, members)
            wanted = [name for name in (x, y) if name] if x else list(members)
            arrays = {name: open_member(archive, members[name], path, stack) for name in wanted}
        check_lengths(arrays, path)
        named: dict[str, OpenArray] = {}
        for name, array in arrays.items():
            column = {x: "x", y: "y"}.get(name, name)
            if column in named:
                raise InputError(f"{path}: {name}: two columns are named {quote(column)}; set inputs and target")
            named[column] = array
        return combine_arrays(path, named, "x" if x else None, ("y",) if y in arrays else (), stack)


@contextmanager
def report_damage(path: Path) -> Iterator[None]:
    """Turn Python's errors about a damaged archive into a message."""
    try:
        with report_read_errors(path):
            yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise InputError(f"{path}: cut short or damaged ({error}); write or fetch it again") from None


def list_members(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """Return the arrays of an archive by name."""
    infos = [info for info in archive.infolist() if info.filename.endswith(".npy")]
    if not infos or len(infos) > MOST_MEMBERS:
        raise InputError(f"{path}: it has {len(infos):,} arrays; write it with np.savez")
    if sum(info.compress_size for info in infos) > path.stat().st_size:
        raise InputError(f"{path}: it declares arrays larger than the file; fetch or write it again")
    members = {info.filename.removesuffix(".npy"): info for info in infos}
    if len(members) < len(infos):
        raise InputError(f"{path}: two arrays have the same name; write it again")
    return members


def choose_array(
    option: str, name: str | None, usual: tuple[str, ...], members: dict[str, zipfile.ZipInfo]
) -> str | None:
    """Return the name of an array: the one that is wanted, or else the first usual one that is there."""
    if name is None:
        return next((one for one in usual if one in members), None)
    if name not in members:
        raise OptionError(Mistake(option, f"no array of that name (got {name!r}); {suggest_word(name, members)}"))
    return name


def open_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, stack: ExitStack) -> OpenArray:
    """Open an array of an archive, which is unpacked no further than it declares."""
    where = f"{path}: {info.filename.removesuffix('.npy')}"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InputError(f"{where}: packed in a way that np.savez does not use; write it with np.savez")
    if info.compress_type == zipfile.ZIP_STORED and info.file_size != info.compress_size:
        raise InputError(f"{where}: it does not have the size that it declares; fetch or write the file again")
    check_expansion(where, info.file_size, info.compress_size)
    file = stack.enter_context(archive.open(info))
    header = read_array_header(file, where)  # type: ignore[arg-type]

    def read(count: int) -> bytes:
        with report_damage(path):
            return file.read(count)

    array = OpenArray(where, header, read)
    if header.nbytes != info.file_size - file.tell():
        raise array.describe_size(info.file_size - file.tell())
    return array


def check_lengths(arrays: Mapping[str, OpenArray], path: Path) -> None:
    """Check that all arrays have the same length."""
    (first, one), *others = ((name, array.header.shape[:1]) for name, array in arrays.items())
    for name, shape in others:
        if shape != one:
            what = f"{shape[0] if shape else 'no'} rows, and {first} has {one[0] if one else 'none'}"
            raise InputError(f"{path}: {name}: it has {what}; set inputs and target to arrays of one length")

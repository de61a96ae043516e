"""Sources: where a table comes from."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from bptrain.errors import InputError, Mistake, OptionError
from bptrain.spelling import suggestion
from bptrain.tables.array_reader import open_idx, open_npy
from bptrain.tables.chunks import Chunks, chunks_of_table, join_tables
from bptrain.tables.csv_format import MISSING, CsvFormat
from bptrain.tables.csv_reader import open_csv
from bptrain.tables.decoding import known_encoding
from bptrain.tables.files import matching, zipped
from bptrain.tables.jsonl_reader import open_jsonl
from bptrain.tables.npz_reader import open_npz
from bptrain.tables.parquet_reader import open_parquet
from bptrain.tables.source import SOURCES as SOURCES
from bptrain.tables.source import FileSource
from bptrain.tables.source import Source as Source
from bptrain.tables.table import Table

BUNDLED_TARGETS = {
    "breast_cancer": "diagnosis",
    "diabetes": "progression",
    "digits": "digit",
    "iris": "species",
    "wine": "cultivar",
}


@cache
def resources(kind: Literal["datasets", "configs"]) -> Path:
    """The folder of bundled data or configs: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    return next(folder for folder in (package / kind, package.parent / kind) if folder.is_dir())


@SOURCES.register
@dataclass(frozen=True)
class Bundled(FileSource):
    """A data set that comes with bptrain: breast_cancer, diabetes, digits, iris or wine. It knows its target."""

    aliases: ClassVar[tuple[str, ...]] = ("builtin", "sklearn")
    name: Annotated[str, "name of the data set"]

    def __post_init__(self) -> None:
        if self.name not in BUNDLED_TARGETS:
            what = f"no bundled data set of that name (got {self.name!r}); {suggestion(self.name, BUNDLED_TARGETS)}"
            raise OptionError(Mistake("name", what))

    def files(self) -> tuple[Path, ...]:
        return tuple(resources("datasets").glob(f"{self.name}.csv*"))

    def chunks(self) -> Chunks:
        found = open_csv(self.files()[0], CsvFormat())
        return replace(found, origin=self.name, place=None, target=(BUNDLED_TARGETS[self.name],))


@SOURCES.register
@dataclass(frozen=True)
class Csv(FileSource):
    """A text file with a row a line, or several of one header by a pattern such as `part-*.csv`; gzipped if its name
    ends in `.gz`.

    A line that does not have as many values as the first one is refused; no row is ever dropped or padded. A file with
    a byte order mark (UTF-8, UTF-16) needs no `encoding`. German Excel writes `{decimal: ","}`, with semicolons, which
    are found out.
    """

    aliases: ClassVar[tuple[str, ...]] = ("file",)
    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".txt")

    path: Annotated[Path, "the file or a pattern, from the config file"]
    delimiter: Annotated[str, "between values: one character, or auto: , ; tab or |, by the first lines"] = "auto"
    header: Annotated[bool, "whether the first line names the columns; else they are column_1, column_2, ..."] = True
    quote: Annotated[str, "around values that contain the delimiter; doubled inside; '': none"] = '"'
    encoding: Annotated[str, "utf-8, utf-16, latin-1 or cp1252; auto: by the byte order mark, or else utf-8"] = "auto"
    decimal: Annotated[Literal[".", ","], "before the fraction of a number"] = "."
    missing: Annotated[tuple[str, ...], "texts that mean a missing value, beside an empty one"] = MISSING
    text: Annotated[tuple[str, ...], "columns that are text, also where it looks like numbers, as 01 does"] = ()

    def __post_init__(self) -> None:
        mistakes = []
        if self.delimiter != "auto" and not is_mark(self.delimiter):
            what = f"expected one character between values, such as ';', or auto (got {self.delimiter!r})"
            mistakes.append(Mistake("delimiter", f'{what}; a tab is written "\\t"'))
        if self.quote and not is_mark(self.quote):
            mistakes.append(Mistake("quote", f"expected one character, or '' for none (got {self.quote!r})"))
        if self.quote == self.delimiter:
            mistakes.append(Mistake("quote", f"is the delimiter too (got {self.quote!r}); choose another"))
        if self.encoding != "auto" and known_encoding(self.encoding) is None:
            what = f"expected utf-8, utf-16, latin-1, cp1252 or auto (got {self.encoding!r})"
            mistakes.append(Mistake("encoding", f"{what}; save the file as UTF-8"))
        if self.decimal == self.delimiter:
            what = f"is the delimiter too (got {self.decimal!r}); write delimiter: ';' or what the file has"
            mistakes.append(Mistake("decimal", what))
        if mistakes:
            raise OptionError(*mistakes)

    def files(self) -> tuple[Path, ...]:
        return tuple(matching(self.path))

    def chunks(self) -> Chunks:
        return open_csv(self.path, self.format)

    def as_text(self, names: Iterable[str]) -> "Csv":
        return replace(self, text=tuple(dict.fromkeys((*self.text, *names))))

    def at(self, path: Path, cls: Any) -> Source | None:
        if cls not in (Csv, Tsv) or cls is type(self):
            return super().at(path, cls)
        options = ("header", "quote", "encoding", "decimal", "missing", "text")
        return cls(path, **{name: getattr(self, name) for name in options})  # type: ignore[no-any-return]

    @property
    def format(self) -> CsvFormat:
        """How the file is written."""
        encoding = known_encoding(self.encoding) or "auto"
        return CsvFormat(self.delimiter, self.header, self.quote, encoding, self.decimal, self.missing, self.text)


def is_mark(text: str) -> bool:
    """Whether a text can stand between values or around them."""
    return len(text) == 1 and text.isascii() and not text.isalnum() and text not in "\r\n\0.-+_"


@SOURCES.register
@dataclass(frozen=True)
class Tsv(Csv):
    """A text file with tabs between the values; otherwise as `csv`."""

    suffixes: ClassVar[tuple[str, ...]] = (".tsv", ".tab")

    delimiter: Annotated[str, "between values: one character, or auto"] = "\t"


@SOURCES.register
@dataclass(frozen=True)
class Parquet(FileSource):
    """A Parquet file.

    Integers, floats, decimals and booleans (1 and 0) are numbers, texts and dates are text, nulls are missing; a column
    of lists, structures or bytes is refused.
    """

    packing: ClassVar[int] = 4
    suffixes: ClassVar[tuple[str, ...]] = (".parquet", ".pq")

    path: Annotated[Path, "the file, relative to the config file"]

    def files(self) -> tuple[Path, ...]:
        return (existing(self.path),)

    def chunks(self) -> Chunks:
        return open_parquet(existing(self.path))


@SOURCES.register
@dataclass(frozen=True)
class Jsonl(FileSource):
    """JSON lines: an object of plain values a line; gzipped if its name ends in `.gz`.

    The columns are the keys of all lines. Null, NaN and keys that a line does not have are missing; booleans are 1 and
    0. A list or an object inside is refused, as is a key that comes twice.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".jsonl", ".ndjson", ".json")

    path: Annotated[Path, "the file, relative to the config file"]

    def files(self) -> tuple[Path, ...]:
        return (existing(self.path),)

    def chunks(self) -> Chunks:
        return open_jsonl(existing(self.path))


@SOURCES.register
@dataclass(frozen=True)
class Npy(FileSource):
    """An array in NumPy's format, a row a sample, with the columns x0, x1, ...; gzipped if its name ends in `.gz`.

    Further dimensions are flattened in C order. Pickled objects are refused.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".npy",)

    path: Annotated[Path, "the file, relative to the config file"]

    def files(self) -> tuple[Path, ...]:
        return (existing(self.path),)

    def chunks(self) -> Chunks:
        return open_npy(existing(self.path))

    def is_parsed(self) -> bool:
        return zipped(self.path)


@SOURCES.register
@dataclass(frozen=True)
class Npz(FileSource):
    """Arrays of one length in NumPy's format, as `np.savez` writes them: inputs, and what is to be predicted.

    The inputs give the columns x0, x1, ...; further dimensions are flattened in C order. The target gives y, or y0, y1,
    ... . Other arrays are left out. Where no array has a usual name for inputs, each is a column of its own name, or
    several. Pickled objects are refused.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".npz",)

    path: Annotated[Path, "the file, relative to the config file"]
    inputs: Annotated[str | None, "name of the array; null: x, X, data, inputs or features"] = None
    target: Annotated[str | None, "name of the array; null: y, Y, target, targets, label or labels"] = None

    def files(self) -> tuple[Path, ...]:
        return (existing(self.path),)

    def chunks(self) -> Chunks:
        return open_npz(existing(self.path), self.inputs, self.target)


@SOURCES.register
@dataclass(frozen=True)
class Idx(FileSource):
    """Images and their labels in the format of MNIST; gzipped if a name ends in `.gz`.

    An image is a row with the columns p0, p1, ..., line by line; the target is `label`.
    """

    images: Annotated[Path, "the file of images, relative to the config file"]
    labels: Annotated[Path | None, "the file of labels; null: none"] = None

    def files(self) -> tuple[Path, ...]:
        labels = () if self.labels is None else (existing(self.labels, "labels"),)
        return (existing(self.images, "images"), *labels)

    def chunks(self) -> Chunks:
        return open_idx(*self.files())

    def at(self, path: Path, cls: Any) -> Source | None:
        return Idx(path) if cls is None else None


def existing(path: Path, option: str = "path") -> Path:
    """A path at which there is something.

    Raises:
        OptionError: there is nothing.
    """
    if not path.exists():
        raise OptionError(Mistake(option, f"no such file (got {path})"))
    return path


ADVICE = {
    ".xlsx": "save the sheet as CSV",
    ".xls": "save the sheet as CSV",
    ".ods": "save the sheet as CSV",
    ".pkl": "pickles can run code; save the table as CSV or Parquet",
    ".pickle": "pickles can run code; save the table as CSV or Parquet",
    ".feather": "save the table as Parquet",
    ".arrow": "save the table as Parquet",
    ".h5": "save the table as CSV, Parquet or npz",
    ".hdf5": "save the table as CSV, Parquet or npz",
    ".mat": "save the table as CSV, Parquet or npz",
    ".zip": "unpack it",
    ".yaml": "name the data, not the config",
    ".yml": "name the data, not the config",
}
"""What to do about files that are no tables for us, by their suffix."""


def source_for(path: str | Path, like: Source | None = None) -> Any:
    """The source that reads a file, chosen by the suffix of its name; CSV where that says nothing.

    Args:
        path: of the file, `.gz` after the suffix for a gzipped one; or a pattern for several CSV files.
        like: a source whose options are taken over, such as the delimiter, where the file is of the same kind; it also
            decides where the suffix says nothing.

    Returns:
        An instance of one of the sources that have a `path`; `Idx` without labels where `like` is one.

    Raises:
        InputError: the suffix is that of a format which is not read.
    """
    path = Path(path)
    suffix = (path.with_suffix("") if zipped(path) else path).suffix.lower()
    if suffix in ADVICE:
        raise InputError(f"{path}: {suffix} files are not read; {ADVICE[suffix]}")
    cls: Any = next((cls for cls in SOURCES.members.values() if suffix in cls.suffixes), None)  # type: ignore[attr-defined]
    return (like and like.at(path, cls)) or (cls or Csv)(path)


def read_table(path: str | Path, like: Source | None = None, text: Iterable[str] = ()) -> Table:
    """A file as a table, read by the source that `source_for` chooses; columns named in `text` are text in any case.

    Raises:
        InputError: there is no such file, or it cannot be read whole.
        StorageError: it is there and may not be read.
    """
    try:
        table: Table = source_for(path, like).as_text(text).load()
    except OptionError as error:
        raise naming(path, error) from None
    return table


def open_chunks(path: str | Path, like: Source | None = None, text: Iterable[str] = ()) -> Chunks:
    """Open a file to be read in chunks as `read_table` reads it: with the same types, and refused for the same reasons.

    Raises:
        InputError: there is no such file, or it cannot be read whole.
        StorageError: it is there and may not be read.
    """
    try:
        found = source_for(path, like).as_text(text).chunks()
        return found if isinstance(found, Chunks) else chunks_of_table(join_tables(list(found)))
    except OptionError as error:
        raise naming(path, error) from None


def naming(path: str | Path, error: OptionError) -> InputError:
    """Return what is wrong with a file that was named outside of a config."""
    what = "; ".join(mistake.message for mistake in error.mistakes)
    return InputError(f"{path}: {what.removesuffix(f' (got {path})')}")

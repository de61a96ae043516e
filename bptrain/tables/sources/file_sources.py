"""Sources that read files: CSV, Parquet, JSON lines, NumPy's arrays, and the images of MNIST."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge

from bptrain.errors import Mistake, OptionError
from bptrain.tables.files import is_packed, match_files
from bptrain.tables.formats import EXCEL_SUFFIXES
from bptrain.tables.source import SOURCES, Chunks, FileSource, Source
from bptrain.tables.sources.array_reader import open_idx, open_npy
from bptrain.tables.sources.csv_text.csv_format import MISSING, CsvFormat
from bptrain.tables.sources.csv_text.csv_reader import open_csv
from bptrain.tables.sources.decoding import find_encoding
from bptrain.tables.sources.jsonl.jsonl_reader import open_jsonl
from bptrain.tables.sources.npz_reader import open_npz
from bptrain.tables.sources.parquet_reader import open_parquet
from bptrain.text import suggest_word

CSV_OPTIONS = (
    "delimiter",
    "header",
    "quote",
    "encoding",
    "decimal",
    "missing",
    "text",
    "skip",
    "comment",
    "thousands",
    "strip",
)
"""The options that a file of separated values shares with its format."""

BUNDLED_TARGETS = {
    "breast_cancer": "diagnosis",
    "diabetes": "progression",
    "digits": "digit",
    "iris": "species",
    "wine": "cultivar",
}


@cache
def find_resources(kind: Literal["datasets", "configs"]) -> Path:
    """Return the folder of bundled data sets or configs: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[2]
    return next(folder for folder in (package / kind, package.parent / kind) if folder.is_dir())


def require_path(path: Path, option: str = "path") -> Path:
    """Require a file at a path, and return the path."""
    if not path.exists():
        raise OptionError(Mistake(option, f"no such file (got {path})"))
    return path


@SOURCES.register
@dataclass(frozen=True)
class Bundled(FileSource):
    """A data set that comes with bptrain: breast_cancer, diabetes, digits, iris or wine. It knows its target."""

    aliases: ClassVar[tuple[str, ...]] = ("builtin", "sklearn")
    name: Annotated[str, "name of the data set"]

    def __post_init__(self) -> None:
        if self.name not in BUNDLED_TARGETS:
            what = f"no bundled data set of that name (got {self.name!r}); {suggest_word(self.name, BUNDLED_TARGETS)}"
            raise OptionError(Mistake("name", what))

    def files(self) -> tuple[Path, ...]:
        return tuple(find_resources("datasets").glob(f"{self.name}.csv*"))

    def chunks(self) -> Chunks:
        found = open_csv(self.files()[0], CsvFormat())
        return replace(found, origin=self.name, place=None, target=(BUNDLED_TARGETS[self.name],))


@SOURCES.register
@dataclass(frozen=True)
class Csv(FileSource):
    """A text file with one row on each line, or a pattern such as `part-*.csv` for several with the same header;
    perhaps gzipped, or alone in a zip archive.

    A line that does not have as many values as the first one is an error; no row is ever dropped or padded. A file with
    a byte order mark (UTF-8, UTF-16) needs no `encoding`. A file from a German Excel needs `{decimal: ","}`; its
    semicolons are detected.
    """

    aliases: ClassVar[tuple[str, ...]] = ("file",)
    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".txt")

    path: Annotated[Path, "the file or a pattern, relative to the config file"]
    delimiter: Annotated[str, "character between values; auto: comma, semicolon, tab or |, as the first lines show"] = (
        "auto"
    )
    header: Annotated[bool, "whether the first line names the columns; else they are column_1, column_2, ..."] = True
    quote: Annotated[str, "character around values that contain the delimiter, and doubled inside them; '': none"] = '"'
    encoding: Annotated[str, "utf-8, utf-16, latin-1 or cp1252; auto: by the byte order mark, or else utf-8"] = "auto"
    decimal: Annotated[Literal[".", ","], "decimal sign of numbers"] = "."
    missing: Annotated[tuple[str, ...], "texts that mean a missing value, besides an empty text or spaces"] = MISSING
    text: Annotated[tuple[str, ...], "columns to read as text even if they look like numbers, such as 01"] = ()
    skip: Annotated[int, Ge(0), "lines before the header, or before the first row, that are not read"] = 0
    comment: Annotated[
        str, "how lines begin that are not read; auto: # or %, if the file begins with such lines; '': none"
    ] = "auto"
    thousands: Annotated[Literal["", ",", ".", "'", " ", "_"], "sign between thousands, as in 1,234,567; '': none"] = ""
    strip: Annotated[tuple[str, ...], "texts before or after numbers that are not read, such as $, % or EUR"] = ()

    def __post_init__(self) -> None:
        mistakes = []
        if self.delimiter != "auto" and not is_mark(self.delimiter):
            what = f"expected one character between values, such as ';', or auto (got {self.delimiter!r})"
            mistakes.append(Mistake("delimiter", f'{what}; a tab is written "\\t"'))
        if self.quote and not is_mark(self.quote):
            mistakes.append(Mistake("quote", f"expected one character, or '' for none (got {self.quote!r})"))
        if self.quote == self.delimiter:
            mistakes.append(Mistake("quote", f"is the delimiter too (got {self.quote!r}); choose another"))
        if self.encoding != "auto" and find_encoding(self.encoding) is None:
            what = f"expected utf-8, utf-16, latin-1, cp1252 or auto (got {self.encoding!r})"
            mistakes.append(Mistake("encoding", f"{what}; save the file as UTF-8"))
        if self.decimal == self.delimiter:
            what = f"is the delimiter too (got {self.decimal!r}); write delimiter: ';' or whatever the file has"
            mistakes.append(Mistake("decimal", what))
        if mistakes:
            raise OptionError(*mistakes)

    def files(self) -> tuple[Path, ...]:
        return tuple(match_files(self.path))

    def chunks(self) -> Chunks:
        return open_csv(self.path, self.make_format())

    def make_format(self) -> CsvFormat:
        """Return its options as the format of its files."""
        shared = {name: getattr(self, name) for name in CSV_OPTIONS}
        return CsvFormat(**{**shared, "encoding": find_encoding(self.encoding) or "auto"})

    def as_text(self, names: Iterable[str]) -> "Csv":
        return replace(self, text=tuple(dict.fromkeys((*self.text, *names))))

    def at(self, path: Path, cls: Any) -> Source | None:
        return super().at(path, cls) or share_options(self, path, cls)


def share_options(source: Any, path: Path, cls: Any) -> Source | None:
    """Return a source of text or of a sheet with the options of another one, for a file of its own; None if it is
    another kind of source. The delimiter stays behind, and a sheet has its own rows above the header."""
    if not hasattr(cls, "make_format"):
        return None
    common = {one.name for one in fields(source)} & {one.name for one in fields(cls)} - {"path", "delimiter", "sheet"}
    if cls.suffixes == EXCEL_SUFFIXES or source.suffixes == EXCEL_SUFFIXES:
        common.discard("skip")
    return cls(path, **{name: getattr(source, name) for name in common})  # type: ignore[no-any-return]


def is_mark(text: str) -> bool:
    """Tell whether a text can be a delimiter or a quote character."""
    return len(text) == 1 and text.isascii() and not text.isalnum() and text not in "\r\n\0.-+_"


@SOURCES.register
@dataclass(frozen=True)
class Tsv(Csv):
    """A text file with tabs between the values; otherwise like `csv`."""

    suffixes: ClassVar[tuple[str, ...]] = (".tsv", ".tab")

    delimiter: Annotated[str, "character between values, or auto"] = "\t"


@dataclass(frozen=True)
class PathSource(FileSource):
    """A source that reads one file."""

    path: Annotated[Path, "the file, relative to the config file"]

    def files(self) -> tuple[Path, ...]:
        return (require_path(self.path),)


@SOURCES.register
@dataclass(frozen=True)
class Parquet(PathSource):
    """A Parquet file.

    Integers, floats, decimals and booleans (1 and 0) are numbers, texts and dates are text, nulls are missing; a column
    of lists, structures or bytes is an error.
    """

    packing: ClassVar[int] = 4
    suffixes: ClassVar[tuple[str, ...]] = (".parquet", ".pq")

    def chunks(self) -> Chunks:
        return open_parquet(*self.files())


@SOURCES.register
@dataclass(frozen=True)
class Jsonl(PathSource):
    """JSON: an object of plain values on each line, or a list of such objects; perhaps gzipped or in a zip archive.

    The columns are the keys of all objects. Null, NaN and keys that an object does not have are missing; booleans are 1
    and 0. A list or an object inside an object is an error, as is a key that is there twice.
    """

    aliases: ClassVar[tuple[str, ...]] = ("json", "ndjson")

    suffixes: ClassVar[tuple[str, ...]] = (".jsonl", ".ndjson", ".json")

    def chunks(self) -> Chunks:
        return open_jsonl(*self.files())


@SOURCES.register
@dataclass(frozen=True)
class Npy(PathSource):
    """An array in NumPy's format, one sample a row, with the columns x0, x1, ...; gzipped if its name ends in `.gz`.

    Further dimensions are flattened in C order. Pickled objects are an error.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".npy",)

    def chunks(self) -> Chunks:
        return open_npy(*self.files())

    def is_parsed(self) -> bool:
        return is_packed(self.path)


@SOURCES.register
@dataclass(frozen=True)
class Npz(PathSource):
    """Arrays of one length in NumPy's format, as `np.savez` writes them: the inputs and the target.

    The inputs give the columns x0, x1, ...; further dimensions are flattened in C order. The target gives y, or y0, y1,
    ... . Other arrays are left out. If no array has a usual name for inputs, each becomes a column, or several, with
    its own name. Pickled objects are an error.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".npz",)

    inputs: Annotated[str | None, "name of the array with the inputs; null: x, X, data, inputs or features"] = None
    target: Annotated[str | None, "name of the array with the target; null: y, Y, target, targets, label or labels"] = (
        None
    )

    def chunks(self) -> Chunks:
        return open_npz(require_path(self.path), self.inputs, self.target)


@SOURCES.register
@dataclass(frozen=True)
class Idx(FileSource):
    """Images and their labels in the format of MNIST; gzipped if a name ends in `.gz`.

    An image is a row with the columns p0, p1, ..., line by line; the target is `label`.
    """

    images: Annotated[Path, "the file of images, relative to the config file"]
    labels: Annotated[Path | None, "the file of labels; null: none"] = None

    def files(self) -> tuple[Path, ...]:
        labels = () if self.labels is None else (require_path(self.labels, "labels"),)
        return (require_path(self.images, "images"), *labels)

    def chunks(self) -> Chunks:
        return open_idx(*self.files())

    def at(self, path: Path, cls: Any) -> Source | None:
        return Idx(path) if cls is None else None

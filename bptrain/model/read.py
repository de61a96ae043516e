"""Reading: the tables of an experiment, each from its source, so that assembling never opens a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bptrain.columns.options import ColumnOptions, FeatureChoice
from bptrain.columns.targets import convert_to_numbers
from bptrain.config import Config, Data
from bptrain.config.load import place_errors
from bptrain.errors import OptionError
from bptrain.registry import name_of
from bptrain.tables import cache
from bptrain.tables.names import rename_columns
from bptrain.tables.sources import Source
from bptrain.tables.table import Table


@dataclass(frozen=True)
class Reading:
    """What to read and how: two readings that are equal give the same table.

    A target that may be classes is read as text, so that 01 and 1 stay two classes. `numbers` are the targets that
    become numbers again if no number is padded with zeros. `names` are those that the config gives: columns with other
    spellings of them, such as spaces around them, get these.
    """

    source: Source
    splits: Mapping[str, Source]
    numbers: tuple[str, ...]
    cached: bool
    memory: int
    names: tuple[str, ...] = ()

    def load(self) -> Table:
        """Read the table, with the tables of the splits that have a source of their own.

        Raises:
            InputError: one cannot be read; an `OptionError` if the options of a source are wrong.
            StorageError: a file exists but may not be read.
        """
        return self.add_splits(self.load_main())

    def load_main(self) -> Table:
        """Read the table without those of the splits.

        Raises:
            InputError, StorageError: as `load`.
        """
        table = self.load_source(self.source, "data.source")
        for name in self.numbers:
            if name in table.columns:
                table = convert_to_numbers(table, name)
        return table

    def add_splits(self, table: Table) -> Table:
        """Read the tables of the splits, and return the table with them.

        Raises:
            InputError, StorageError: as `load`.
        """
        splits = {name: self.load_source(source, f"data.split.{name}") for name, source in self.splits.items()}
        return replace(table, splits=splits) if splits else table

    def load_source(self, source: Source, field: str) -> Table:
        """Read the source in a field.

        Raises:
            InputError, StorageError: as `load`.
        """
        try:
            table = cache.load_table(source, cached=self.cached, memory=self.memory)
        except OptionError as error:
            raise error.prefix_fields(f"{field}.{name_of(source)}") from None
        for one in table.notes:
            cache.note(one)
        return rename_columns(table, self.names)


def get_reading(data: Data) -> Reading:
    """Return what to read for the data of an experiment."""
    text = find_text_columns(data)
    return Reading(
        data.source.as_text(text),
        {name: source.as_text(text) for name, source in data.split.sources.items()},
        tuple(name for name in find_text_targets(data) if data.get_target_treatment(name).kind == "auto"),
        data.cache,
        data.memory_bytes,
        find_named_columns(data),
    )


def read(config: Config) -> Table:
    """Read the table of a config, with the tables of the splits that have a source of their own.

    Raises:
        InputError: one cannot be read; a `ConfigError` with the place if the options of a source are wrong.
        StorageError: a file exists but may not be read.
    """
    with place_errors(config):
        return get_reading(config.experiment.data).load()


@dataclass(frozen=True)
class Tables:
    """The tables that were read so far, for commands that assemble several configs: each is read once."""

    known: list[tuple[Reading, Table]] = field(default_factory=list)

    def read(self, config: Config) -> Table:
        """Return the table of a config, read now if it was not before.

        Raises:
            InputError, StorageError: as the function `read`.
        """
        wanted = get_reading(config.experiment.data)
        for reading, table in self.known:
            if reading == wanted:
                return table
        self.known.append((wanted, read(config)))
        return self.known[-1][1]


def find_named_columns(data: Data) -> tuple[str, ...]:
    """Return the columns that a config names."""
    targets = tuple(data.target) if isinstance(data.target, dict) else data.targets
    excluded = data.features.exclude if isinstance(data.features, FeatureChoice) else None
    single = (data.sample_weight, data.id, data.split.column)
    each = (*targets, *data.feature_fields, *(excluded or ()), *(data.columns or {}), *filter(None, single))
    return tuple(dict.fromkeys(each))


def find_text_targets(data: Data) -> tuple[str, ...]:
    """Return the targets that are read as text at first."""
    if isinstance(data.target, dict):
        return tuple(name for name, one in data.target.items() if one.task != "regression")
    single = data.task in ("auto", "classification") and isinstance(data.target, str)
    return data.targets if single or data.task == "multi_task" else ()


def find_text_columns(data: Data) -> tuple[str, ...]:
    """Return the columns that a source reads as text, even if they look like numbers."""
    declared = (name for name, one in (data.columns or {}).items() if one.kind in ("boolean", "categorical", "date"))
    named = dict.fromkeys((*declared, *find_text_targets(data)))
    return tuple(
        name for name in named if name and (data.get_column_options(name) or ColumnOptions()).kind != "numeric"
    )

"""Data: sources of tables, the columns of a table as numbers, and which rows train."""

from bptrain.data.columns import (
    MOST_INTEGER_CLASSES,
    Classes,
    Columns,
    Task,
    find_classes,
    fit,
    likely_task,
    refuse_constant,
)
from bptrain.data.scalers import SCALERS, Scaler, Standard, Unscaled
from bptrain.data.sources import (
    BUNDLED_TARGETS,
    SOURCES,
    Bundled,
    Csv,
    Idx,
    Jsonl,
    Npy,
    Npz,
    Parquet,
    Source,
    Tsv,
    read_table,
    resources,
    source_for,
)
from bptrain.data.splits import Split
from bptrain.data.synthetic import Synthetic
from bptrain.data.table import Table

__all__ = [
    "BUNDLED_TARGETS",
    "MOST_INTEGER_CLASSES",
    "SCALERS",
    "SOURCES",
    "Bundled",
    "Classes",
    "Columns",
    "Csv",
    "Idx",
    "Jsonl",
    "Npy",
    "Npz",
    "Parquet",
    "Scaler",
    "Source",
    "Split",
    "Standard",
    "Synthetic",
    "Table",
    "Task",
    "Tsv",
    "Unscaled",
    "find_classes",
    "fit",
    "likely_task",
    "read_table",
    "refuse_constant",
    "resources",
    "source_for",
]

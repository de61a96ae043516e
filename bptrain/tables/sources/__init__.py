"""Where tables come from: a family of components, each registered by its import here."""

from bptrain.tables.source import SOURCES, Source
from bptrain.tables.sources.excel.excel_source import Excel
from bptrain.tables.sources.file_sources import (
    BUNDLED_TARGETS,
    Bundled,
    Csv,
    Idx,
    Jsonl,
    Npy,
    Npz,
    Parquet,
    Tsv,
    find_resources,
)
from bptrain.tables.sources.fileless_sources import Inline, Synthetic

__all__ = [
    "BUNDLED_TARGETS",
    "SOURCES",
    "Bundled",
    "Csv",
    "Excel",
    "Idx",
    "Inline",
    "Jsonl",
    "Npy",
    "Npz",
    "Parquet",
    "Source",
    "Synthetic",
    "Tsv",
    "find_resources",
]

"""Data: sources of tables, the columns of a table as numbers, and which rows train."""

from bptrain.data.augmentation import AUGMENTATIONS, Augmentation
from bptrain.data.columns import Columns, Weighting, complete_rows, fit
from bptrain.data.features import Boolean, Categorical, Feature, Numeric
from bptrain.data.imputers import IMPUTERS, Drop, Imputer, Refuse
from bptrain.data.inline import Inline
from bptrain.data.options import ColumnOptions, FeatureChoice, Kind, Treatment, Unseen, treatment
from bptrain.data.scalers import SCALERS, Scaler, Standard, Unscaled
from bptrain.data.selection import Selection
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
    as_text,
    read_table,
    resources,
    source_for,
)
from bptrain.data.splits import Split
from bptrain.data.synthetic import Synthetic
from bptrain.data.table import Table
from bptrain.data.target_columns import Inputs, Several, Target, Value, unscaled
from bptrain.data.targets import (
    MOST_INTEGER_CLASSES,
    Classes,
    Task,
    balanced,
    find_classes,
    likely_task,
    refuse_constant,
)

__all__ = [
    "AUGMENTATIONS",
    "BUNDLED_TARGETS",
    "IMPUTERS",
    "MOST_INTEGER_CLASSES",
    "SCALERS",
    "SOURCES",
    "Augmentation",
    "Boolean",
    "Bundled",
    "Categorical",
    "Classes",
    "ColumnOptions",
    "Columns",
    "Csv",
    "Drop",
    "Feature",
    "FeatureChoice",
    "Idx",
    "Imputer",
    "Inline",
    "Inputs",
    "Jsonl",
    "Kind",
    "Npy",
    "Npz",
    "Numeric",
    "Parquet",
    "Refuse",
    "Scaler",
    "Selection",
    "Several",
    "Source",
    "Split",
    "Standard",
    "Synthetic",
    "Table",
    "Target",
    "Task",
    "Treatment",
    "Tsv",
    "Unscaled",
    "Unseen",
    "Value",
    "Weighting",
    "as_text",
    "balanced",
    "complete_rows",
    "find_classes",
    "fit",
    "likely_task",
    "read_table",
    "refuse_constant",
    "resources",
    "source_for",
    "treatment",
    "unscaled",
]

"""Everything that you need to write a source, a scaler, an encoding, an imputer or an augmentation of your own.

Each can also be imported from a module named after its kind: `from bptrain.data.scalers import Standard`.
"""

import sys

from bptrain.columns import augmentation, encodings, imputers, scalers
from bptrain.columns.augmentation import AUGMENTATIONS, Augmentation
from bptrain.columns.encodings import ENCODINGS, Encoding, PiecewiseLinear, Plain
from bptrain.columns.imputers import IMPUTERS, Drop, Imputer, Refuse
from bptrain.columns.scalers import SCALERS, Scaler, Standard, Unscaled
from bptrain.tables import sources, table
from bptrain.tables.sources import (
    SOURCES,
    Bundled,
    Csv,
    Idx,
    Inline,
    Jsonl,
    Npy,
    Npz,
    Parquet,
    Source,
    Synthetic,
    Tsv,
)
from bptrain.tables.table import Selection, Table

__all__ = [
    "AUGMENTATIONS",
    "ENCODINGS",
    "IMPUTERS",
    "SCALERS",
    "SOURCES",
    "Augmentation",
    "Bundled",
    "Csv",
    "Drop",
    "Encoding",
    "Idx",
    "Imputer",
    "Inline",
    "Jsonl",
    "Npy",
    "Npz",
    "Parquet",
    "PiecewiseLinear",
    "Plain",
    "Refuse",
    "Scaler",
    "Selection",
    "Source",
    "Standard",
    "Synthetic",
    "Table",
    "Tsv",
    "Unscaled",
]

# The modules are elsewhere in the package; these are their public names.
for module in (augmentation, encodings, imputers, scalers, sources, table):
    sys.modules[f"{__name__}.{module.__name__.rpartition('.')[2]}"] = module
# The former module of `Selection`, for code that still imports it.
sys.modules[f"{__name__}.selection"] = table

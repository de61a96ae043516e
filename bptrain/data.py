"""What a source, a scaler, an imputer or an augmentation of your own needs is all here."""

from bptrain.columns.augmentation import AUGMENTATIONS, Augmentation
from bptrain.columns.imputers import IMPUTERS, Imputer
from bptrain.columns.scalers import SCALERS, Scaler
from bptrain.tables.sources import SOURCES, Source
from bptrain.tables.table import Table

__all__ = [
    "AUGMENTATIONS",
    "IMPUTERS",
    "SCALERS",
    "SOURCES",
    "Augmentation",
    "Imputer",
    "Scaler",
    "Source",
    "Table",
]

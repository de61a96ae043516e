"""Tables: sources of rows and columns, each registered by its import here, and the cache of what was read."""

from bptrain.tables.inline import Inline
from bptrain.tables.sources import SOURCES, Source
from bptrain.tables.synthetic import Synthetic
from bptrain.tables.table import Table

__all__ = ["SOURCES", "Inline", "Source", "Synthetic", "Table"]

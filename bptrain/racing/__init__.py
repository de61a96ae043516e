"""Racing: contenders that differ in an option train side by side, from the same weights on the same batches."""

from bptrain.racing.comparing import Comparison
from bptrain.racing.racing import Contender, Race, Standing, race

__all__ = ["Comparison", "Contender", "Race", "Standing", "race"]

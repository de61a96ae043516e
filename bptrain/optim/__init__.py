"""How parameters are changed: optimizers, learning-rate schedules, and penalties on the weights."""

from bptrain.optim import optimizers, schedules
from bptrain.optim.clipping import Clipping
from bptrain.optim.optimizers import *  # noqa: F403, what is named there is named here
from bptrain.optim.regularization import Regularization
from bptrain.optim.schedules import *  # noqa: F403

__all__ = ["Clipping", "Regularization"]
__all__ += optimizers.__all__
__all__ += schedules.__all__

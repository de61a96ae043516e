"""Everything that a config can name: its sections, and the families of components."""

from bptrain.columns.augmentation import AUGMENTATIONS
from bptrain.columns.imputers import IMPUTERS
from bptrain.columns.options import ColumnOptions, FeatureChoice
from bptrain.columns.scalers import SCALERS
from bptrain.columns.split import Split
from bptrain.config.experiment import (
    Checkpointing,
    Convergence,
    Data,
    EarlyStopping,
    Experiment,
    Logging,
    TargetOptions,
    Training,
)
from bptrain.metrics import METRICS
from bptrain.nn import ACTIVATIONS, INITIALIZERS, LAYERS, LOSSES
from bptrain.optim import OPTIMIZERS, SCHEDULES, Clipping, Regularization
from bptrain.registry import Family
from bptrain.tables.sources import SOURCES

SECTIONS: dict[str, type] = {
    "experiment": Experiment,
    "data": Data,
    "target": TargetOptions,
    "features": FeatureChoice,
    "columns": ColumnOptions,
    "split": Split,
    "regularization": Regularization,
    "training": Training,
    "clipping": Clipping,
    "early_stopping": EarlyStopping,
    "convergence": Convergence,
    "checkpoint": Checkpointing,
    "log": Logging,
}

FAMILIES: dict[str, Family] = {
    "sources": SOURCES,
    "imputers": IMPUTERS,
    "scalers": SCALERS,
    "layers": LAYERS,
    "activations": ACTIVATIONS,
    "initializers": INITIALIZERS,
    "losses": LOSSES,
    "optimizers": OPTIMIZERS,
    "schedules": SCHEDULES,
    "augmentations": AUGMENTATIONS,
    "metrics": METRICS,
}

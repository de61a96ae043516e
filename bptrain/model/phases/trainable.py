"""Whether a model can be trained on the rows of each phase."""

from collections.abc import Mapping, Sequence

from bptrain.errors import Mistake, OptionError
from bptrain.model.model import Model, count_batch_rows
from bptrain.optim import LineSearch
from bptrain.registry import name_of


def check_trainable(model: Model, rows: Mapping[str, int], counts: Sequence[int]) -> None:
    """Check that a model can be trained on the number of rows of each split, and in each phase on its number of rows.

    Raises:
        OptionError: with every mistake: batches too small for a layer, or too small for an optimizer that needs all
            rows; early stopping without validation rows; options that do not work with a line search.
    """
    experiment, chain, training = model.experiment, model.network.chain, model.experiment.training
    optimizer, needed, mistakes = experiment.optimizer, chain.least_rows, []
    name, sizes = name_of(optimizer), [count_batch_rows(experiment, count) for count in counts]
    smallest = min(sizes)
    if smallest < needed:
        what = f"{chain.neediest_layer} needs at least {needed} rows in a batch (got {smallest}); choose a larger one"
        mistakes.append(Mistake("training.batch_size", what, "BP140"))
    size, count = sizes[-1], counts[-1]
    if optimizer.full_batch and size < count:
        what = f"{name} needs all {count} rows in every step (got {size}); write batch_size: full"
        mistakes.append(Mistake("training.batch_size", what, "BP141"))
    if isinstance(optimizer, LineSearch):
        conflicts = {
            "augmentation": (experiment.augmentation, "which compares losses from step to step; remove it"),
            "training.clipping": (training.clipping, "which chooses the length of its steps itself; remove it"),
            "regularization.max_norm": (experiment.regularization.max_norm, "whose descent it would undo; use l2"),
            "training.average": (training.average, "whose few steps leave nothing to average; remove it"),
        }
        if chain.is_random:
            what = f"{name} compares losses, which dropout and noise make random; remove those layers"
            mistakes.append(Mistake("optimizer", what, "BP142"))
        for option, (used, why) in conflicts.items():
            if used:
                mistakes.append(Mistake(option, f"cannot be used with {name}, {why}", "BP142"))
    if training.early_stopping and not rows.get("validation") and not training.folds:
        what = "there are no validation rows to watch; set data.split.validation, or remove early_stopping"
        mistakes.append(Mistake("training.early_stopping", what, "BP143"))
    if mistakes:
        raise OptionError(*mistakes)

"""Rules of the optimizer, the schedule, penalties and the length of training."""

from collections.abc import Iterator
from math import ceil

from bptrain.errors import Mistake
from bptrain.model.model import count_batches
from bptrain.registry import name_of
from bptrain.rules.rule import Case, rule

FACTOR = 10.0
"""A learning rate is reported if it is more than this many times above or below the usual range."""

MAX_START = 0.1
"""The largest share of the random start that an average of the weights may still have at the end."""


@rule("BP240")
def find_unusual_learning_rate(case: Case) -> Iterator[Mistake]:
    """Find a learning rate more than ten times above or below the usual range of its optimizer."""
    optimizer = case.experiment.optimizer
    name, (least, most) = name_of(optimizer), optimizer.usual_lr
    if least / FACTOR <= optimizer.lr <= most * FACTOR:
        return
    above = optimizer.lr > most
    what = f"{optimizer.lr:g} is far {'above' if above else 'below'} the usual learning rates of {name}"
    why = f"{least:g} to {most:g}; training {'overshoots' if above else 'crawls'}"
    yield Mistake(f"optimizer.{name}.lr", f"{what} ({why}); try {most if above else least:g}")


@rule("BP241")
def find_oversized_batches(case: Case) -> Iterator[Mistake]:
    """Find a batch size in the config above the number of training rows, or more batches in a step than in an epoch."""
    training, rows = case.experiment.training, len(case.assembly.splits["train"])
    size = rows if training.batch_size == "full" else training.batch_size
    if size > rows and case.is_written("training.batch_size"):
        what = f"{size} rows per batch, but only {rows} training rows (every step takes all of them)"
        yield Mistake("training.batch_size", f"{what}; use a smaller batch, or write full")
    elif training.accumulate > 1 and (training.accumulate - 1) * size >= rows:
        batches = -(-rows // size)
        what = f"{training.accumulate} batches per step, but only {batches} in an epoch (every step takes all rows)"
        yield Mistake("training.accumulate", f"{what}; use a smaller number")


def is_comparable(case: Case, field: str) -> bool:
    """Return whether the epochs in a field may be compared with `training.epochs`: not if only the latter is an
    override, as in a quick trial."""
    return case.is_override(field) or not case.is_override("training.epochs")


@rule("BP242")
def find_idle_patience(case: Case) -> Iterator[Mistake]:
    """Find a patience that is not shorter than training."""
    training = case.experiment.training
    for name, stop in (("early_stopping", training.early_stopping), ("convergence", training.convergence)):
        field = f"training.{name}.patience"
        if stop and stop.patience >= training.epochs and is_comparable(case, field):
            what = f"a patience of {stop.patience} in {training.epochs} epochs ({name} can never stop training)"
            yield Mistake(field, f"{what}; use less patience, or more epochs")


@rule("BP243")
def find_idle_schedule(case: Case) -> Iterator[Mistake]:
    """Find a schedule whose first change comes after the end of training."""
    training = case.experiment.training
    field, schedule = f"schedule.{name_of(case.experiment.schedule)}", case.experiment.schedule
    while schedule.following:
        epochs, then = schedule.following
        if epochs >= training.epochs and is_comparable(case, f"{field}.epochs"):
            what = f"a warm-up of {epochs:g} epochs in {training.epochs} (the full rate is never reached)"
            yield Mistake(f"{field}.epochs", f"{what}; use a shorter warm-up, or more epochs")
        field, schedule = f"{field}.then.{name_of(then)}", then
    option, due = schedule.first_change()
    if due >= training.epochs and is_comparable(case, f"{field}.{option}"):
        what = (
            f"the rate first drops after epoch {due}, but training ends after epoch {training.epochs} (it never drops)"
        )
        yield Mistake(f"{field}.{option}", f"{what}; use a smaller number, or more epochs")
    stopping = training.early_stopping
    if schedule.follows_losses and stopping and due >= stopping.patience:
        what = f"{due} is not less than the patience of early_stopping, {stopping.patience} (it stops before a drop)"
        yield Mistake(f"{field}.{option}", f"{what}; use a smaller number")


@rule("BP244")
def find_double_weight_decay(case: Case) -> Iterator[Mistake]:
    """Find an l2 penalty with an optimizer that has a weight decay of its own."""
    optimizer, l2 = case.experiment.optimizer, case.experiment.regularization.l2
    decay = getattr(optimizer, "weight_decay", 0.0)
    if decay and l2:
        what = f"l2 in addition to weight_decay {decay:g} of {name_of(optimizer)} (the weights shrink twice)"
        yield Mistake("regularization.l2", f"{what}; use only one of them")


@rule("BP245")
def find_unfinished_average(case: Case) -> Iterator[Mistake]:
    """Find an average of the weights that still has much of the random start at the end."""
    training, rows = case.experiment.training, len(case.assembly.splits["train"])
    if not training.average:
        return
    batches = count_batches(case.experiment, rows, case.assembly.model.network.chain.least_rows)
    steps = ceil(batches / training.accumulate) * training.epochs
    left = training.average**steps
    if left > MAX_START:
        what = f"{left:.0%} of the average is still the random start after all {steps:,} steps"
        yield Mistake("training.average", f"{what}; use a smaller number, or more epochs")


@rule("BP246")
def find_heavy_penalties(case: Case) -> Iterator[Mistake]:
    """Find an l1 or l2 of 1 or more."""
    for name in ("l1", "l2"):
        weight = getattr(case.experiment.regularization, name)
        if weight >= 1:
            what = f"{weight:g} outweighs the loss (the weights go to 0; usual values are 0.00001 to 0.01)"
            yield Mistake(f"regularization.{name}", f"{what}; use a smaller number")

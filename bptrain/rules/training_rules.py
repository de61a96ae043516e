"""Rules of optimizer, schedule, penalties and the loop. All of them are risky."""

from collections.abc import Iterator
from math import ceil

from bptrain.errors import Mistake
from bptrain.model.model import batch_rows
from bptrain.registry import name_of
from bptrain.rules.rule import Case, rule

TIMES = 10.0
"""How many times beyond the usual range a learning rate must be to be called far outside."""

MOST_START = 0.1
"""The share of the random start in averaged weights that is still let pass."""


@rule("BP240")
def strange_rate(case: Case) -> Iterator[Mistake]:
    """A learning rate ten times above or below the usual range of its optimizer."""
    optimizer = case.experiment.optimizer
    name, (least, most) = name_of(optimizer), optimizer.usual_lr
    if least / TIMES <= optimizer.lr <= most * TIMES:
        return
    above = optimizer.lr > most
    what = f"{optimizer.lr:g} is far {'above' if above else 'below'} what {name} usually takes"
    why = f"{least:g} to {most:g}; training {'overshoots' if above else 'crawls'}"
    yield Mistake(f"optimizer.{name}.lr", f"{what} ({why}); try {most if above else least:g}")


@rule("BP241")
def large_batch(case: Case) -> Iterator[Mistake]:
    """A batch size that was written and exceeds the training rows, or batches that never make a whole step."""
    training, rows = case.experiment.training, len(case.assembly.parts["train"])
    size = rows if training.batch_size == "full" else training.batch_size
    if size > rows and case.is_written("training.batch_size"):
        what = f"{size} rows a batch, and {rows} rows to train on (every step takes all of them)"
        yield Mistake("training.batch_size", f"{what}; use a smaller batch, or write full")
    elif training.accumulate > 1 and (training.accumulate - 1) * size >= rows:
        batches = -(-rows // size)
        what = f"{training.accumulate} batches a step, and {batches} in an epoch (every step takes all rows)"
        yield Mistake("training.accumulate", f"{what}; use a smaller number")


def too_late(case: Case, field: str) -> bool:
    """Whether a number of epochs in a field may be held against the epochs of training: not where only those were cut
    down by an override, for a quick trial."""
    return case.is_override(field) or not case.is_override("training.epochs")


@rule("BP242")
def long_patience(case: Case) -> Iterator[Mistake]:
    """A patience that outlasts training."""
    training = case.experiment.training
    for name, rule_of_stop in (("early_stopping", training.early_stopping), ("convergence", training.convergence)):
        field = f"training.{name}.patience"
        if rule_of_stop and rule_of_stop.patience >= training.epochs and too_late(case, field):
            what = f"{rule_of_stop.patience} epochs of patience in {training.epochs} epochs ({name} can never stop it)"
            yield Mistake(field, f"{what}; use less patience, or more epochs")


@rule("BP243")
def late_schedule(case: Case) -> Iterator[Mistake]:
    """A schedule whose first change lies behind the end."""
    training = case.experiment.training
    field, schedule = f"schedule.{name_of(case.experiment.schedule)}", case.experiment.schedule
    while schedule.following:
        epochs, then = schedule.following
        if epochs >= training.epochs and too_late(case, f"{field}.epochs"):
            what = f"a warm-up of {epochs:g} epochs in {training.epochs} (the rate is never reached)"
            yield Mistake(f"{field}.epochs", f"{what}; use a shorter one, or more epochs")
        field, schedule = f"{field}.then.{name_of(then)}", then
    option, due = schedule.first_change()
    if due >= training.epochs and too_late(case, f"{field}.{option}"):
        what = f"the first drop is due after epoch {due} of {training.epochs} (it never comes)"
        yield Mistake(f"{field}.{option}", f"{what}; let it come earlier, or train for more epochs")
    stopping = training.early_stopping
    if schedule.follows_losses and stopping and due >= stopping.patience:
        what = f"no less than the {stopping.patience} epochs of early_stopping (which stops before the rate drops)"
        yield Mistake(f"{field}.{option}", f"{due} is {what}; use less")


@rule("BP244")
def double_decay(case: Case) -> Iterator[Mistake]:
    """An l2 penalty beside decoupled weight decay."""
    optimizer, l2 = case.experiment.optimizer, case.experiment.regularization.l2
    decay = getattr(optimizer, "weight_decay", 0.0)
    if decay and l2:
        what = f"l2 beside weight_decay {decay:g} of {name_of(optimizer)} (the weights shrink twice)"
        yield Mistake("regularization.l2", f"{what}; keep one of them")


@rule("BP245")
def long_average(case: Case) -> Iterator[Mistake]:
    """An average in which much of the random start is left at the end."""
    training, rows = case.experiment.training, len(case.assembly.parts["train"])
    if not training.average:
        return
    batches = ceil(rows / batch_rows(case.experiment, rows))
    steps = ceil(batches / training.accumulate) * training.epochs
    left = training.average**steps
    if left > MOST_START:
        what = f"{left:.0%} of the average is still the random start after all {steps:,} steps"
        why = f"it decays by {training.average:g}"
        yield Mistake("training.average", f"{what} ({why}); use a smaller number, or more epochs")


@rule("BP246")
def heavy_penalty(case: Case) -> Iterator[Mistake]:
    """An l1 or l2 of 1 or more."""
    for name in ("l1", "l2"):
        weight = getattr(case.experiment.regularization, name)
        if weight >= 1:
            what = f"{weight:g} outweighs the loss (the weights go to 0; usual values are 0.00001 to 0.01)"
            yield Mistake(f"regularization.{name}", f"{what}; use a smaller one")

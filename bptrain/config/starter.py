"""The starter: a first config for a data file, as text, with the reason for each choice in a comment."""

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap

from bptrain.columns.profile.proposals import Goal, Proposal
from bptrain.config.annotation import WIDEST, Line, lay_out, write_value
from bptrain.config.document.dump import to_inline_yaml
from bptrain.config.recipe import Recipe, choose_recipe
from bptrain.tables.table import quote
from bptrain.text import printable

MOST_LISTED = 50
"""The most columns that are listed in a comment, one on each line."""

MOST_NAMED = 5
"""The most columns named in a sentence."""


@dataclass(frozen=True)
class Plan:
    """The choices of a first config: the source as YAML, the target, the features, and the columns left out.

    `dated` is a column of dates without holes (empty: there is none), by which the latest rows are held out if they are
    `in_order`. `quick` asks for the plain network, which stops early.
    """

    source: str
    goal: Goal
    used: tuple[Proposal, ...]
    left_out: tuple[Proposal, ...]
    dated: str = ""
    in_order: bool = False
    quick: bool = False


def render_starter(plan: Plan, file: str, config: str) -> str:
    """Return the text of a config; `file` is the name of the data file, `config` the name of the config."""
    goal = plan.goal
    columns = f"{len(plan.used):,} column{'s' * (len(plan.used) > 1)}"
    what = f"Predicts {goal.name} from {columns} of {file}: {goal.rows:,} rows. A first config: change what you like."
    for note in describe_left_out(goal):
        what += f" {note[0].upper()}{note[1:]}."
    text = wrap(printable(what), WIDEST - 2)
    head = "".join(f"# {line}".rstrip() + "\n" for line in (*text, "", f"  bptrain train {printable(config)}"))
    return f"{head}\n" + "\n".join(lay_out(tuple(write_lines(plan)), WIDEST)) + "\n"


def write_lines(plan: Plan) -> Iterator[Line]:
    """Yield the config line by line."""
    goal, rows, columns = plan.goal, plan.goal.rows, len(plan.used)
    recipe = choose_recipe(rows, columns, in_order=plan.in_order, quick=plan.quick)
    yield Line("seed: 0", meaning="seed of all random numbers: the same seed gives the same run")
    yield Line("data:")
    yield Line(f"  source: {plan.source}", meaning="path relative to this file")
    yield Line(f"  target: {to_inline_yaml(goal.name)}", meaning=goal.words)
    labels = [label for label in goal.counts if label.isdecimal()]
    if len(labels) == len(goal.counts) > 2:
        yield Line(f"  task: {goal.task}", meaning="regression, if the target is an amount and not a class")
    else:
        yield Line(f"  task: {goal.task}")
    yield from write_features(plan)
    why = "how missing values are filled in, also in rows to be predicted later"
    yield Line("  missing: {numbers: median, others: most_frequent}", meaning=why)
    yield from write_columns(plan)
    yield from write_split(plan, recipe)
    size = f"{rows:,} rows and {columns:,} column{'s' * (columns > 1)}"
    meaning = f"units of each hidden layer, given {size}"
    yield Line(f"hidden: {list(recipe.hidden)}", meaning=meaning)
    yield Line(f"activation: {recipe.activation}", meaning="after each hidden layer")
    yield Line(f"optimizer: {{adam: {{lr: {recipe.lr:g}}}}}", meaning="lr: the learning rate")
    if recipe.schedule:
        yield Line(f"schedule: {recipe.schedule}", meaning="the learning rate falls to 0 until the last step")
    if recipe.l2:
        why = "a penalty on large weights, against memorizing the rows"
        yield Line(f"regularization: {{l2: {recipe.l2:g}}}", meaning=why)
    yield from write_training(recipe)
    yield write_metrics(goal)


def write_features(plan: Plan) -> Iterator[Line]:
    """Yield the features if some columns are left out, with the reasons and how to use them anyway."""
    if plan.left_out:
        yield Line("  # columns left out:")
        for one in plan.left_out[:MOST_LISTED]:
            yield from write_comment(f"{one.name}: {one.reason}", "  #   ")
        if len(plan.left_out) > MOST_LISTED:
            yield Line(f"  #   and {len(plan.left_out) - MOST_LISTED:,} more")
        if usable := [one for one in plan.left_out if one.usable][:MOST_NAMED]:
            names = " or ".join(to_inline_yaml(one.name) for one in usable)
            options = ", ".join(f"{to_inline_yaml(one.name)}: {one.options}" for one in usable if one.options)
            written = f", with columns: {{{options}}}" if options else ""
            yield from write_comment(f"to use {names} anyway, add the name to features{written}")
    if plan.left_out or plan.dated:
        # The column of a split by time is a feature only if it is listed as one.
        yield from map(Line, write_value("  features:", [one.name for one in plan.used]))
    for one in [one for one in plan.used if one.doubt][:MOST_LISTED]:
        yield from write_comment(f"look at {one.name}: {one.doubt}")


def write_split(plan: Plan, recipe: Recipe) -> Iterator[Line]:
    """Yield which rows are held out; for rows with dates, also how to hold out others."""
    shares = f"validation: {recipe.validation:g}, test: {recipe.test:g}"
    if not recipe.test:
        yield Line(f"  split: {{{shares}}}", meaning=f"{plan.goal.rows} rows are too few to hold any out")
        return
    if plan.in_order:
        why = "rows have dates: the latest are held out"
        yield Line(f"  split: {{method: time, column: {to_inline_yaml(plan.dated)}, {shares}}}", meaning=why)
        return
    why = "shares of the rows held out"
    if not recipe.validation:
        why = "share of the rows held out; all others train for a fixed number of steps (bptrain help tables)"
    yield Line(f"  split: {{{shares}}}", meaning=why)
    if plan.dated:
        options = f"method: time, column: {to_inline_yaml(plan.dated)}, {shares}"
        yield from write_comment(f"to hold out the latest rows instead: split: {{{options}}}")


def write_comment(text: str, start: str = "  # ") -> Iterator[Line]:
    """Yield a comment on the columns, wrapped."""
    lines = wrap(printable(text), WIDEST - len(start) - 2)
    return (Line(f"{start}{'  ' * (k > 0)}{line}") for k, line in enumerate(lines))


def write_columns(plan: Plan) -> Iterator[Line]:
    """Yield the options of single columns."""
    goal, special = plan.goal, [one for one in plan.used if one.options]
    notes = describe_left_out(goal)
    if special or notes:
        yield Line("  columns:")
    if notes:
        drop = f"{{drop: {to_inline_yaml(list(goal.single))}}}" if goal.single else "drop"
        yield Line(f"    {to_inline_yaml(goal.name)}: {{missing: {drop}}}", meaning="; ".join(notes))
    for one in special:
        yield Line(f"    {to_inline_yaml(one.name)}: {one.options}", meaning=one.words)


def describe_left_out(goal: Goal) -> tuple[str, ...]:
    """Return how many rows are left out because of their target, and why."""
    notes, total = [], goal.rows + goal.missing + len(goal.single)
    if goal.missing:
        notes.append(f"{goal.missing:,} of {total:,} rows have no {goal.name} and are left out")
    if goal.single:
        names = ", ".join(map(quote, goal.single[:MOST_NAMED])) + ", ..." * (len(goal.single) > MOST_NAMED)
        is_one = len(goal.single) == 1
        notes.append(
            f"the class{'' if is_one else 'es'} {names} with a single row {'is' if is_one else 'are'} left out"
        )
    return tuple(notes)


def write_training(recipe: Recipe) -> Iterator[Line]:
    """Yield how long to train, and in what batches."""
    yield Line("training:")
    why = "passes over the training rows" + ", at most" * bool(recipe.patience)
    yield Line(f"  epochs: {recipe.epochs}", meaning=why)
    yield Line(f"  batch_size: {recipe.batch}", meaning="rows per step")
    if recipe.patience:
        why = f"stop after {recipe.patience} epochs without a lower validation loss; the best weights are kept"
        yield Line(f"  early_stopping: {{patience: {recipe.patience}}}", meaning=why)


def write_metrics(goal: Goal) -> Line:
    """Return the line of the metrics."""
    if not goal.counts:
        return Line("metrics: [r2, rmse, mae]", meaning="rmse and mae are in the units of the target")
    f1 = "f1, roc_auc" if len(goal.counts) == 2 else "{f1: {average: macro}}"
    label, least = min(goal.counts.items(), key=lambda pair: pair[1])
    is_rare = least < goal.rows / len(goal.counts) / 2
    why = f"the rarest class, {label}, has {least:,} of {goal.rows:,} rows: accuracy alone would mislead"
    return Line(f"metrics: [accuracy, {'balanced_accuracy, ' * is_rare}{f1}]", meaning=why if is_rare else "")

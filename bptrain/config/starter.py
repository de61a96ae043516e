"""The starter: a first config for a data file as text, with the reason of each choice in a comment."""

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap

from bptrain.columns.profile.proposals import Goal, Proposal
from bptrain.config.annotation import WIDEST, Line, flow_lines, lay_out
from bptrain.config.dump import to_inline_yaml
from bptrain.text import printable

FEW = 30
"""With fewer rows than this, none are held out."""

MOST_LISTED = 50
"""So many columns that are left out get a line each."""

MOST_NAMED = 5
"""So many columns are named in a sentence."""


@dataclass(frozen=True)
class Plan:
    """What a first config is made of: the source as YAML, what is predicted, the columns to predict it from, and those
    that are left out."""

    source: str
    goal: Goal
    used: tuple[Proposal, ...]
    left_out: tuple[Proposal, ...]


def render_starter(plan: Plan, file: str, config: str) -> str:
    """Return the text of a config; `file` is the name of the data file, `config` that of the config."""
    goal = plan.goal
    columns = f"{len(plan.used)} column{'s' * (len(plan.used) > 1)}"
    what = f"{goal.name} from {columns} of {file}: {goal.rows:,} rows. A start: change what you like."
    if goal.missing:
        what += f" {describe_missing_targets(goal)}."
    text = wrap(printable(what), WIDEST - 2)
    head = "".join(f"# {line}\n" for line in (*text, "", f"  bptrain train {printable(config)}")).replace("# \n", "#\n")
    return f"{head}\n" + "\n".join(lay_out(tuple(starter_lines(plan)), WIDEST)) + "\n"


def starter_lines(plan: Plan) -> Iterator[Line]:
    """Yield the config line by line."""
    goal, rows, columns = plan.goal, plan.goal.rows, len(plan.used)
    size = f"{rows:,} rows and {columns:,} column{'s' * (columns > 1)}"
    yield Line("seed: 0", meaning="of all random numbers: the same seed gives the same run")
    yield Line("data:")
    yield Line(f"  source: {plan.source}", meaning="relative to this file")
    yield Line(f"  target: {to_inline_yaml(goal.name)}", meaning=goal.words)
    yield Line(f"  task: {goal.task}")
    yield from feature_lines(plan)
    yield from column_lines(plan)
    held_out = choose_held_out_share(rows)
    split = f"  split: {{validation: {held_out:g}, test: {held_out:g}}}"
    yield Line(split, meaning="shares that are held out" if held_out else f"{rows} rows are too few to hold some out")
    yield Line(f"hidden: {choose_hidden_units(rows, columns)}", meaning=f"units of the hidden layers, for {size}")
    yield Line("activation: relu", meaning="after each hidden layer")
    yield Line(f"optimizer: {{adam: {{lr: {0.003 if rows < 2000 else 0.001:g}}}}}", meaning="lr: the learning rate")
    if rows < 20_000:
        why = "a penalty on large weights: few rows are soon learned by heart"
        yield Line(f"regularization: {{l2: {0.001 if rows < 2000 else 0.0001:g}}}", meaning=why)
    yield from training_lines(rows, held_out)
    yield metrics_line(goal)


def feature_lines(plan: Plan) -> Iterator[Line]:
    """Yield the features where some columns are left out, with the reasons and how to bring one back."""
    if plan.left_out:
        yield Line("  # left out:")
        for one in plan.left_out[:MOST_LISTED]:
            reason = wrap(printable(f"{one.name}: {one.objection}"), WIDEST - 8)
            yield from (Line(f"  #   {'  ' * (k > 0)}{text}") for k, text in enumerate(reason))
        if len(plan.left_out) > MOST_LISTED:
            yield Line(f"  #   and {len(plan.left_out) - MOST_LISTED:,} more")
        if doubtful := [one for one in plan.left_out if one.usable][:MOST_NAMED]:
            named = " or ".join(to_inline_yaml(one.name) for one in doubtful)
            options = ", ".join(f"{to_inline_yaml(one.name)}: {one.options}" for one in doubtful if one.options)
            written = f", with columns: {{{options}}}" if options else ""
            yield from comment(f"to learn from {named} all the same, add the name to features{written}")
        yield from flow_lines("  features:", [one.name for one in plan.used])
    for one in [one for one in plan.used if one.doubt][:MOST_LISTED]:
        yield from comment(f"look at {one.name}: {one.doubt}")


def comment(text: str) -> Iterator[Line]:
    """Yield a comment on the columns, wrapped."""
    return (Line(f"  # {'  ' * (k > 0)}{line}") for k, line in enumerate(wrap(printable(text), WIDEST - 6)))


def column_lines(plan: Plan) -> Iterator[Line]:
    """Yield what is made of single columns."""
    goal, special = plan.goal, [one for one in plan.used if one.options]
    if special or goal.missing:
        yield Line("  columns:")
    if goal.missing:
        yield Line(
            f"    {to_inline_yaml(goal.name)}: {{missing: drop}}", meaning=printable(describe_missing_targets(goal))
        )
    for one in special:
        yield Line(f"    {to_inline_yaml(one.name)}: {one.options}", meaning=printable(one.words))


def describe_missing_targets(goal: Goal) -> str:
    """Return how many rows are left out for a missing target."""
    return f"{goal.missing:,} of {goal.rows + goal.missing:,} rows have no {goal.name} and are left out"


def choose_held_out_share(rows: int) -> float:
    """Return the share of rows for validation, and for the test."""
    return 0 if rows < FEW else 0.2 if rows < 1000 else 0.15 if rows < 10_000 else 0.1


def choose_hidden_units(rows: int, columns: int) -> list[int]:
    """Return the units of the hidden layers: more for more rows, and for more than thirty columns."""
    units = next((u for most, u in ((200, 16), (2000, 32), (20_000, 64)) if rows < most), 128) * (1 + (columns > 30))
    return [units] if rows < 2000 else [units, units // 2]


def training_lines(rows: int, held_out: float) -> Iterator[Line]:
    """Yield how long is trained, and in what batches."""
    batch = next((b for most, b in ((FEW, "full"), (500, 16), (10_000, 32), (100_000, 128)) if rows < most), 512)
    epochs, patience = next((e for most, e in ((2000, (200, 25)), (20_000, (100, 15))) if rows < most), (30, 5))
    yield Line("training:")
    yield Line(f"  epochs: {epochs}", meaning="passes over the training rows" + ", at most" * bool(held_out))
    yield Line(f"  batch_size: {batch}", meaning="rows a step")
    if held_out:
        why = "stop once the validation loss has not fallen for so many epochs; the best weights are kept"
        yield Line(f"  early_stopping: {{patience: {patience}}}", meaning=why)


def metrics_line(goal: Goal) -> Line:
    """Return what is reported."""
    if not goal.counts:
        return Line("metrics: [r2, rmse, mae]", meaning="in the units of the data")
    f1 = "f1, roc_auc" if len(goal.counts) == 2 else "{f1: {average: macro}}"
    label, least = min(goal.counts.items(), key=lambda pair: pair[1])
    rare = least < goal.rows / len(goal.counts) / 2
    why = f"the rarest class, {printable(label)}, has {least:,} of {goal.rows:,} rows: accuracy alone flatters"
    return Line(f"metrics: [accuracy, {'balanced_accuracy, ' * rare}{f1}]", meaning=why if rare else "")

"""Training in lines of text: progress, one line per epoch, plain or as JSON, and results."""

import json
import sys
from collections.abc import Iterable, Iterator
from time import perf_counter
from typing import Any

from bptrain.commands.dry_run import DryRun
from bptrain.commands.verify_resume import ResumeCheck
from bptrain.console.problems import print_problems
from bptrain.console.terminal import get_console, wrap_message
from bptrain.needs import format_code_options
from bptrain.quantities import format_bytes, format_duration, format_number
from bptrain.run.train_run import Result, Started
from bptrain.text import join_and, printable
from bptrain.training.events import EpochEnd, Notice, Progress
from bptrain.training.session import Session

FEW_PARAMETERS = 12
"""If a network has no more parameters than this, they are printed after training."""

Event = Started | Notice | Progress | EpochEnd


def format_notice(notice: Notice) -> str:
    """Return `warning: ...` or `note: ...`."""
    return f"{'warning' if notice.warning else 'note'}: {printable(notice.message)}"


def print_warnings(event: Event) -> None:
    """Print the warnings about the config before the first step; a sink."""
    if isinstance(event, Started):
        print_problems(event.warnings)


LINES = 20
"""A log of lines has about this many lines for the epochs of a run, ..."""

LONGEST_PAUSE = 10.0
"""... and more where this many seconds would pass without one."""


class PlainLines:
    """The sink that prints lines to stderr: all notices, and every twentieth of the epochs of a run."""

    def __init__(self) -> None:
        self.began = perf_counter()
        self.session: Session | None = None
        self.warnings: list[str] = []
        self.lines = 0
        self.printed = 0.0

    def is_due(self, epoch: int, most: int) -> bool:
        """Return whether the line of an epoch is printed: of the first, of the last, and at every twentieth."""
        is_twentieth = epoch * LINES // max(most, 1) > (epoch - 1) * LINES // max(most, 1)
        return epoch == 1 or is_twentieth or perf_counter() - self.printed > LONGEST_PAUSE

    def repeat_warnings(self) -> None:
        """Print the warnings again, for a reader who sees only the end of a log."""
        for text in self.warnings if self.lines >= LINES // 2 else ():
            print(wrap_message(text, sys.stderr), file=sys.stderr, flush=True)

    def __call__(self, event: Event) -> None:
        """Print an event."""
        if isinstance(event, Started):
            self.session = event.session
            self.began = self.printed = perf_counter()
            self.warnings += [f"warning: {printable(f'{one.file}: {one.message}')}" for one in event.warnings]
        elif isinstance(event, Notice):
            self.warnings += [format_notice(event)] if event.warning else []
            print(wrap_message(format_notice(event), sys.stderr), file=sys.stderr, flush=True)
        elif isinstance(event, EpochEnd):
            phase, most = (self.session.phase_label, self.session.most_epochs) if self.session else ("", 0)
            if not self.is_due(int(event.record["epoch"] or 0), most):
                return
            self.lines, self.printed = self.lines + 1, perf_counter()
            left_out = ("phase", "epoch", "step", "lr")
            figures = {name: value for name, value in event.summary.items() if name not in left_out}
            numbers = "  ".join(f"{printable(name)} {format_number(value)}" for name, value in figures.items())
            time = format_duration(perf_counter() - self.began)
            line = f"{phase}epoch {event.record['epoch']}/{most}  {numbers}  {time}"
            print(wrap_message(line, sys.stderr, indent="  "), file=sys.stderr, flush=True)


class JsonLines:
    """The sink that prints one JSON object per epoch to stderr: its record in the history, the seconds so far, and
    whether it is the best so far. Warnings and notes are objects with the key `warning` or `note`."""

    def __init__(self) -> None:
        self.began = perf_counter()

    def __call__(self, event: Event) -> None:
        """Print an event."""
        if isinstance(event, Started):
            self.began = perf_counter()
            for problem in event.warnings:
                print_json_line({"warning": problem.message, **problem.to_json()})
        elif isinstance(event, Notice):
            print_json_line({"warning" if event.warning else "note": event.message})
        elif isinstance(event, EpochEnd):
            print_json_line(event.record | {"seconds": round(perf_counter() - self.began, 3), "best": event.best})


def print_json_line(document: dict[str, Any]) -> None:
    """Print a JSON object to stderr on one line."""
    print(json.dumps(document, allow_nan=False), file=sys.stderr, flush=True)


def print_pairs(title: str, pairs: Iterable[tuple[str, str]]) -> None:
    """Print names and values side by side; commands are not wrapped, so that they can be copied."""
    from rich.text import Text

    pairs = [(printable(name), value) for name, value in pairs]
    width = max(len(name) for name, _ in pairs)
    console = get_console()
    console.print(Text(printable(title), style="bold"), soft_wrap=True)
    for name, value in pairs:
        line = f"{name:<{width}}  {printable(value)}"
        if not value.startswith("bptrain "):
            line = wrap_message(line, sys.stdout, indent=" " * (width + 2))
        text = Text(line)
        text.stylize("dim", 0, width)
        console.print(text, soft_wrap=True)


def print_result(result: Result) -> None:
    """Print how training ended, its scores, and the commands that come next."""
    experiment, network = result.session.model.experiment, result.session.model.network
    training = experiment.training
    patience = training.early_stopping.patience if training.early_stopping else 0
    reasons = {
        "epochs": "all epochs done",
        "max_steps": f"all {training.max_steps} steps done",
        "max_seconds": f"time limit of {training.max_seconds or 0:g} s reached",
        "early_stopping": f"no better validation loss for {patience} epochs",
        "convergence": "the training loss stopped changing",
    }
    session = result.session
    held_out = "validation" if "validation" in session.splits or session.is_refit else "training"
    found = f", {describe_found(session)}" if session.is_refit else ""
    label = "" if session.is_last_phase else session.phase_label
    many = f"{label}{result.epochs} of {session.most_epochs}{found}, {result.steps:,} steps"
    pairs = [
        ("epochs", f"{many} in {format_duration(result.seconds)}"),
        ("stopped", reasons[result.stopped]),
        ("best epoch", f"{result.best.epoch}"),
    ]
    if session.members:
        pairs.append(("members", f"{len(session.members) + 1} networks, whose predictions are averaged"))
    for name, score in ((held_out, result.best.score), ("test", result.test)):
        if score:
            figures = {"loss": score.loss, **score.numbers}
            pairs.append((name, " · ".join(f"{figure} {format_number(value)}" for figure, value in figures.items())))
    pairs.extend(list_ruler(result))
    if network.theta.size <= FEW_PARAMETERS:
        pairs.extend((name, str(array.tolist())) for name, array in network.parameters().items())
    code = format_code_options(experiment)
    pairs.append(("checkpoint", str(result.checkpoint)))
    pairs.append(("evaluate it", f"bptrain evaluate {result.run}{code}"))
    if result.stopped == "max_seconds":
        pairs.append(("resume it", f"bptrain resume {result.run}{code}"))
    print_pairs(experiment.name, pairs)


def list_ruler(result: Result) -> Iterator[tuple[str, str]]:
    """Yield the scores of the baselines, and the most important sentence about the score."""
    ruler = result.ruler
    for one in ruler.baselines if ruler else ():
        singles = ((name, value) for name, value in one.metrics.items() if not isinstance(value, list))
        each = " · ".join(f"{name} {format_number(value)}" for name, value in singles)
        yield ("guessing" if one.name == "guess" else one.method), each + f" ({one.method})" * (one.name == "guess")
    leaks = [problem for problem in result.warnings if problem.code == "BP224"]
    if leaks:
        what = "a feature reveals the target, so these scores say nothing about new rows (bptrain help BP224)"
        name = leaks[0].message.partition(": ")[0]
        yield "caution", what.replace("a feature", name) if name.startswith("'") else what
    elif ruler and ruler.remark:
        yield "remark", ruler.remark


def describe_found(session: Session) -> str:
    """Describe where the number of epochs of the last phase is from: `the median of 12, 15 and 9`."""
    epochs = [f"{one['epoch']}" for one in session.found[: session.searches]]
    return f"the median of {join_and(epochs)}" if len(epochs) > 1 else "as found with the validation rows held out"


def print_dry_run(found: DryRun) -> None:
    """Print the time and memory of an epoch."""
    step = f"{found.step_seconds * 1000:.3g} ms with {found.batch_rows} rows, {found.steps_per_epoch:,} an epoch"
    total = f"at most {format_duration(found.total_seconds)} for all {found.epochs:,}"
    memory = f"{format_bytes(found.epoch_bytes)} in use, {format_bytes(found.peak_bytes)} at most"
    saved = f"{format_bytes(found.checkpoint_bytes)}, written in {format_duration(found.save_seconds)}"
    pairs = [
        ("step", step),
        ("validation", format_duration(found.validation_seconds)),
        ("epoch", f"{format_duration(found.epoch_seconds)}, {total}"),
        ("memory", memory),
        ("checkpoint", saved),
        ("restored", f"bit-identical in {format_duration(found.restore_seconds)}"),
    ]
    print_pairs(f"dry run of {found.name}", pairs)


def print_resume_check(check: ResumeCheck) -> None:
    """Print whether the interrupted run ended like the uninterrupted one."""
    steps = ", ".join(f"{step:,}" for step in check.interruptions)
    end = "is bit-identical" if check.identical else f"differs in {', '.join(check.different)}"
    text = f"interrupted after the steps {steps} and resumed, the run {end}"
    print_pairs("resume", [("verified" if check.identical else "WRONG", text)])

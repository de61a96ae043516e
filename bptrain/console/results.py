"""Results as tables on stdout."""

from collections.abc import Iterable

from rich.text import Text

from bptrain.commands.dry_run import DryRun
from bptrain.commands.verify_resume import ResumeCheck
from bptrain.console.terminal import duration, figures, number, output, printable
from bptrain.needs import format_code_options
from bptrain.run.train_run import Result

FEW_PARAMETERS = 12
"""A network with no more parameters than this has them printed after training."""


def rows(title: str, pairs: Iterable[tuple[str, str]]) -> None:
    """Print names and values side by side."""
    pairs = [(printable(name), value) for name, value in pairs]
    width = max(len(name) for name, _ in pairs)
    console = output()
    console.print(Text(printable(title), style="bold"), soft_wrap=True)
    for name, value in pairs:
        console.print(Text(f"{name:<{width}}  ", style="dim").append(printable(value), style="not dim"), soft_wrap=True)


def training_result(result: Result) -> None:
    """How a training run ended, and where its fruit is."""
    training = result.session.model.experiment.training
    patience = training.early_stopping.patience if training.early_stopping else 0
    reasons = {
        "epochs": "all epochs done",
        "max_steps": f"all {training.max_steps} steps done",
        "max_seconds": f"{training.max_seconds or 0:g} s are over",
        "early_stopping": f"no better validation loss for {patience} epochs",
        "convergence": "the training loss stands still",
    }
    held_out = "validation" if "validation" in result.session.splits else "training"
    pairs = [
        ("epochs", f"{result.epochs} of {training.epochs}, {result.steps:,} steps in {duration(result.seconds)}"),
        ("stopped", reasons[result.stopped]),
        ("best epoch", f"{result.best.epoch}"),
        (f"{held_out}", f"loss {number(result.best.score.loss)} · {figures(result.best.score.numbers)}"),
    ]
    if result.test:
        pairs.append(("test", f"loss {number(result.test.loss)} · {figures(result.test.numbers)}"))
    if any(problem.code == "BP224" for problem in result.warnings):
        pairs.append(
            ("caution", "a feature tells the target: such scores say nothing of new rows (bptrain help BP224)")
        )
    network = result.session.model.network
    if network.theta.size <= FEW_PARAMETERS:
        pairs.extend((name, str(array.tolist())) for name, array in network.parameters().items())
    pairs.append(("checkpoint", str(result.checkpoint)))
    needed = format_code_options(result.session.model.experiment)
    pairs.append(("evaluate it", f"bptrain evaluate {result.run}{needed}"))
    if result.stopped == "max_seconds":
        pairs.append(("go on", f"bptrain resume {result.run}{needed}"))
    rows(result.session.model.experiment.name, pairs)


def dry_run_result(found: DryRun) -> None:
    """What an epoch will take."""
    mebibytes = 2**20
    pairs = [
        (
            "step",
            f"{found.step_seconds * 1000:.3g} ms with {found.batch_rows} rows, {found.steps_per_epoch:,} an epoch",
        ),
        ("validation", duration(found.validation_seconds)),
        ("epoch", f"{duration(found.epoch_seconds)}; all {found.epochs:,}: {duration(found.total_seconds)} at most"),
        ("memory", f"{found.epoch_bytes / mebibytes:,.0f} MiB in use, {found.peak_bytes / mebibytes:,.0f} MiB at most"),
        ("checkpoint", f"{found.checkpoint_bytes / mebibytes:.3g} MiB, written in {duration(found.save_seconds)}"),
        ("restored", f"bit-identical in {duration(found.restore_seconds)}"),
    ]
    rows(f"dry run of {found.name}", pairs)


def resume_check(check: ResumeCheck) -> None:
    """Whether the interrupted run ended as the straight one."""
    steps = ", ".join(f"{step:,}" for step in check.interruptions)
    end = "bit-identical" if check.identical else f"with another {', '.join(check.different)}"
    what = f"interrupted after the steps {steps} and resumed, the run ends {end}"
    rows("resume", [("verified" if check.identical else "WRONG", what)])

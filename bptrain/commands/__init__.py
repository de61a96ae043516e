"""The public API: what each command does, as a function in the file of that name."""

from dataclasses import dataclass
from typing import Literal

Group = Literal["start", "look", "learn", "manage"]

GROUPS: tuple[Group, ...] = ("start", "look", "learn", "manage")
"""What commands are for, in the order in which a user needs them."""


@dataclass(frozen=True)
class Command:
    """A command of the command line.

    Attributes:
        name: as it is typed.
        group: what the command is for.
        summary: a line for `bptrain --help`.
        functions: the public functions behind it, each as `MODULE.FUNCTION` of this folder.
    """

    name: str
    group: Group
    summary: str
    functions: tuple[str, ...]


COMMANDS = (
    Command("init", "start", "Write a commented config for a data file.", ("init.init",)),
    Command(
        "train",
        "start",
        "Train the network of a config, and test it.",
        ("train.train", "dry_run.dry_run", "verify_resume.verify_resume"),
    ),
    Command("predict", "start", "Predict each row of a file: classes or numbers.", ("predict.predict",)),
    Command("evaluate", "start", "Score a trained network; its checkpoint is enough.", ("evaluate.evaluate",)),
    Command("resume", "start", "Resume an interrupted run; the result is bit-identical.", ("resume.resume",)),
    Command(
        "examples",
        "start",
        "List the bundled configs; `examples copy NAME` copies one.",
        ("examples.examples", "examples.copy_example"),
    ),
    Command(
        "data",
        "look",
        "Describe a file of data, or the data of a config.",
        ("data.describe_data", "data_file.describe_file"),
    ),
    Command("validate", "look", "Check configs against their data, without training.", ("validate.validate",)),
    Command("show", "look", "Print a config with every default, or its network.", ("show.show", "show.summarize")),
    Command("report", "look", "Write a page about a run: scores, curves, mistakes.", ("report.write_report",)),
    Command("plot", "look", "Draw the learning curves of a run.", ("plot.plot",)),
    Command("compare", "look", "Put runs side by side: configs, curves, scores.", ("compare.compare",)),
    Command("race", "look", "Compare optimizers or settings from the same weights.", ("race.race",)),
    Command("explain", "learn", "Show a training step with all its numbers.", ("explain.explain", "exercise.exercise")),
    Command("verify", "learn", "Check numbers computed by hand, and name the mistake.", ("verify.verify",)),
    Command(
        "gradcheck",
        "learn",
        "Check the hand-written gradients by the complex step.",
        ("gradcheck.check_gradients", "gradcheck.sweep_gradients", "gradcheck.mutate_gradients"),
    ),
    Command("list", "learn", "List the layers, losses and other components, or explain one.", ("list.reference",)),
    Command("help", "learn", "Show a page of the guide: a topic, command or code.", ("help.help_topics",)),
    Command("runs", "manage", "List the runs, newest first.", ("runs.runs",)),
    Command("schema", "manage", "Print the JSON Schema of configs, for editors.", ("schema.schema",)),
    Command("bench", "manage", "Compare the speed of training with other libraries.", ("bench.benchmark",)),
    Command(
        "cache",
        "manage",
        "Show or clear the cache of parsed tables.",
        ("cache.cache_contents", "cache.clear_cache"),
    ),
)
"""Every command once, in the order of `bptrain --help`. The command line, `bptrain.__init__`, the README's table, the
topics of help and the tests follow from it."""

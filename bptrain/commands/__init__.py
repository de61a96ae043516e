"""The public API: what each command does, as a function in the file of that name."""

from dataclasses import dataclass
from typing import Literal

Group = Literal["start", "look", "learn", "manage"]


@dataclass(frozen=True)
class Command:
    """A command of the command line, and the public functions behind it, each as `MODULE.FUNCTION` of this folder."""

    name: str
    group: Group
    functions: tuple[str, ...]


COMMANDS = (
    Command("train", "start", ("train.train", "dry_run.dry_run", "verify_resume.verify_resume")),
    Command("resume", "start", ("resume.resume",)),
    Command("evaluate", "start", ("evaluate.evaluate",)),
    Command("predict", "start", ("predict.predict",)),
    Command("runs", "manage", ("runs.runs",)),
    Command("compare", "look", ("compare.compare",)),
    Command("report", "look", ("report.write_report",)),
    Command("plot", "look", ("plot.plot",)),
    Command("race", "look", ("race.race",)),
    Command(
        "gradcheck", "learn", ("gradcheck.check_gradients", "gradcheck.sweep_gradients", "gradcheck.mutate_gradients")
    ),
    Command("explain", "learn", ("explain.explain", "exercise.exercise")),
    Command("verify", "learn", ("verify.verify",)),
    Command("validate", "look", ("validate.validate",)),
    Command("data", "look", ("data.describe_data",)),
    Command("show", "look", ("show.show", "show.summarize")),
    Command("init", "start", ("init.init",)),
    Command("list", "learn", ("list.reference",)),
    Command("schema", "manage", ("schema.schema",)),
    Command("bench", "manage", ("bench.benchmark",)),
    Command("help", "learn", ("help.help_topics",)),
    Command("examples", "start", ("examples.examples", "examples.copy_example")),
    Command("cache", "manage", ("cache.cache_contents", "cache.clear_cache")),
)
"""Every command once, in the order of `bptrain --help`. The command line, `bptrain.__init__`, the README's table and
the tests follow from it."""

"""bptrain: train, verify and explain neural networks whose backward pass is written by hand in NumPy.

The commands as functions:

    import bptrain

    result = bptrain.train("configs/digits.yaml", ["training.epochs=5"])
    bptrain.evaluate(result.checkpoint).metrics
    bptrain.predict(result.run, "new.csv", output="out.csv")
    bptrain.resume(result.run, ["training.epochs=10"])
    bptrain.write_report(result.run, "digits.html")
    bptrain.plot(result.run, "curves.png")
    [one.state for one in bptrain.runs()]
    bptrain.compare(["runs/digits-001", "runs/digits-002"]).differences
    bptrain.check_gradients("configs/digits.yaml").passed
    bptrain.dry_run("configs/digits.yaml").epoch_seconds
    bptrain.verify_resume("configs/digits.yaml", ["training.epochs=5"]).identical
    bptrain.sweep_gradients("configs/digits.yaml").passed
    bptrain.validate(["configs/digits.yaml"]).valid
    bptrain.explain("configs/textbook/two_three_one.yaml").aliases["delta2"].value
    bptrain.exercise("configs/textbook/two_three_one.yaml", seed=7).sheet
    bptrain.verify("answers.yaml").passed
    bptrain.race("configs/digits.yaml", optimizers=["sgd", "adam"]).comparisons
    print(bptrain.show("configs/digits.yaml"))
    bptrain.describe_data("configs/iris.yaml").columns[0].spread
    bptrain.describe_file("houses.csv").rows
    bptrain.summarize("configs/digits.yaml").totals.parameters
    print(bptrain.init("houses.csv", "price"))
    bptrain.cache_contents().bytes
    bptrain.clear_cache()
    bptrain.copy_example("iris", "my.yaml")
    bptrain.reference("losses", "huber")
    bptrain.help_topics("BP220")
    bptrain.benchmark(["64-64-10"]).to_json()
    bptrain.train("my.yaml", code=["my_layer.py"])

Each is imported when first used, so that `import bptrain` is fast. Call `bptrain.blas.set_thread_timeout()` before
NumPy is imported to make idle threads of BLAS free their cores after 0.4 ms, as on the command line.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bptrain.commands import COMMANDS

if TYPE_CHECKING:
    from bptrain.commands.bench import benchmark as benchmark
    from bptrain.commands.cache import cache_contents as cache_contents
    from bptrain.commands.cache import clear_cache as clear_cache
    from bptrain.commands.compare import compare as compare
    from bptrain.commands.data import describe_data as describe_data
    from bptrain.commands.data_file import describe_file as describe_file
    from bptrain.commands.dry_run import dry_run as dry_run
    from bptrain.commands.evaluate import evaluate as evaluate
    from bptrain.commands.examples import copy_example as copy_example
    from bptrain.commands.examples import examples as examples
    from bptrain.commands.exercise import exercise as exercise
    from bptrain.commands.explain import explain as explain
    from bptrain.commands.gradcheck import check_gradients as check_gradients
    from bptrain.commands.gradcheck import mutate_gradients as mutate_gradients
    from bptrain.commands.gradcheck import sweep_gradients as sweep_gradients
    from bptrain.commands.help import help_topics as help_topics
    from bptrain.commands.init import init as init
    from bptrain.commands.list import reference as reference
    from bptrain.commands.plot import plot as plot
    from bptrain.commands.predict import predict as predict
    from bptrain.commands.race import race as race
    from bptrain.commands.report import write_report as write_report
    from bptrain.commands.resume import resume as resume
    from bptrain.commands.runs import runs as runs
    from bptrain.commands.schema import schema as schema
    from bptrain.commands.show import show as show
    from bptrain.commands.show import summarize as summarize
    from bptrain.commands.train import train as train
    from bptrain.commands.validate import validate as validate
    from bptrain.commands.verify import verify as verify
    from bptrain.commands.verify_resume import verify_resume as verify_resume

__version__ = "0.1.0"

_HOMES = {
    function: f"bptrain.commands.{module}"
    for command in COMMANDS
    for module, function in (name.split(".") for name in command.functions)
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

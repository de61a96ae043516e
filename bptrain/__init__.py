"""bptrain: train, verify and explain neural networks whose backward pass is written by hand in NumPy.

What the commands do, as functions:

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
    bptrain.summarize("configs/digits.yaml").totals.parameters
    print(bptrain.init("houses.csv", "price"))
    bptrain.cache_contents().bytes
    bptrain.clear_cache()
    bptrain.copy_example("iris", "my.yaml")
    bptrain.reference("losses", "huber")
    bptrain.help_topics("BP220")
    bptrain.benchmark(["64-64-10"]).to_json()
    bptrain.train("my.yaml", code=["my_layer.py"])

They are imported when first used, so that `import bptrain` costs nothing. `bptrain.blas.settle()`, called before NumPy
is imported, has BLAS wait as the command line does: its idle threads leave the other cores alone after 0.4 ms.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bptrain.bench import benchmark as benchmark
    from bptrain.config import copy_example as copy_example
    from bptrain.config import examples as examples
    from bptrain.config import init as init
    from bptrain.config import reference as reference
    from bptrain.config import schema as schema
    from bptrain.data.cache import cache_contents as cache_contents
    from bptrain.data.cache import clear_cache as clear_cache
    from bptrain.description import describe_data as describe_data
    from bptrain.evaluation import evaluate as evaluate
    from bptrain.explanation import exercise as exercise
    from bptrain.explanation import explain as explain
    from bptrain.explanation import verify as verify
    from bptrain.gradcheck import check_gradients as check_gradients
    from bptrain.gradcheck import mutate_gradients as mutate_gradients
    from bptrain.gradcheck import sweep_gradients as sweep_gradients
    from bptrain.prediction import predict as predict
    from bptrain.racing import race as race
    from bptrain.report import plot as plot
    from bptrain.report import write_report as write_report
    from bptrain.report.comparison import compare as compare
    from bptrain.topics import help_topics as help_topics
    from bptrain.training import dry_run as dry_run
    from bptrain.training import resume as resume
    from bptrain.training import runs as runs
    from bptrain.training import show as show
    from bptrain.training import summarize as summarize
    from bptrain.training import train as train
    from bptrain.training import validate as validate
    from bptrain.training import verify_resume as verify_resume

__version__ = "0.1.0"

_HOMES = {
    "benchmark": "bptrain.bench",
    "cache_contents": "bptrain.data.cache",
    "check_gradients": "bptrain.gradcheck",
    "clear_cache": "bptrain.data.cache",
    "compare": "bptrain.report.comparison",
    "copy_example": "bptrain.config",
    "describe_data": "bptrain.description",
    "dry_run": "bptrain.training",
    "evaluate": "bptrain.evaluation",
    "examples": "bptrain.config",
    "exercise": "bptrain.explanation",
    "explain": "bptrain.explanation",
    "help_topics": "bptrain.topics",
    "init": "bptrain.config",
    "predict": "bptrain.prediction",
    "race": "bptrain.racing",
    "reference": "bptrain.config",
    "plot": "bptrain.report",
    "write_report": "bptrain.report",
    "resume": "bptrain.training",
    "runs": "bptrain.training",
    "mutate_gradients": "bptrain.gradcheck",
    "schema": "bptrain.config",
    "show": "bptrain.training",
    "summarize": "bptrain.training",
    "sweep_gradients": "bptrain.gradcheck",
    "train": "bptrain.training",
    "validate": "bptrain.training",
    "verify": "bptrain.explanation",
    "verify_resume": "bptrain.training",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

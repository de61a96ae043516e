"""`bptrain bench`"""

from typing import Annotated

import typer

from bptrain.cli.arguments import Json, argument, print_json, redirect_prints


def command(
    workloads: Annotated[
        list[str] | None,
        argument(
            "WORKLOAD", "A network such as 64-64-10, or `commands` for whole commands; without any, all are timed."
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Run three short rounds instead of five.")] = False,
    rounds: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="How many times each workload is measured.", show_default="5, or 3 with --quick"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare the speed of training with other libraries.

    The others are scikit-learn, PyTorch and JAX, if they are installed. Whole commands are timed too.
    """
    from bptrain.commands.bench import benchmark
    from bptrain.console.benchmark_tables import print_benchmark, show_progress

    with redirect_prints(), show_progress() as watch:
        result = benchmark(
            workloads or (),
            rounds=(3 if quick else 5) if rounds is None else rounds,
            seconds=0.2 if quick else 1.0,
            watch=watch,
        )
    if as_json:
        print_json(result.to_json())
    else:
        print_benchmark(result)

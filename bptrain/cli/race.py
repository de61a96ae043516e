"""`bptrain race`"""

from typing import Annotated

import typer

from bptrain.cli.arguments import Code, Config, Json, Overrides, print_json, prints_aside
from bptrain.cli.progress import Quiet


def command(
    config: Config,
    overrides: Overrides = None,
    optimizer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OPTIMIZER", help="One that races, as in a config: adam, {sgd: {lr: 0.1}}.", show_default=False
        ),
    ] = None,
    vary: Annotated[
        list[str] | None, typer.Option(metavar="KEY=a,b,c", help="An option with its values.", show_default=False)
    ] = None,
    seeds: Annotated[int, typer.Option(metavar="N", help="How many seeds.")] = 5,
    plot: Annotated[bool, typer.Option("--plot", help="Draw the curves.")] = False,
    code: Code = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train with several options from the same weights.

    All see the same batches, over several seeds; the result says which ends with the lower loss.
    """
    from bptrain.commands.race import race
    from bptrain.console.race_view import progress, race_result

    with prints_aside(), progress(quiet) as watch:
        found = race(
            config,
            overrides or (),
            optimizers=optimizer or (),
            vary=vary or (),
            seeds=seeds,
            code=code or (),
            watch=watch,
        )
    if as_json:
        print_json(found.to_json())
    else:
        race_result(found, plot=plot)

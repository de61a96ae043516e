"""`bptrain race`"""

from typing import Annotated

import typer

from bptrain.cli.arguments import Code, Config, Json, Overrides, Quiet, print_json, redirect_prints


def command(
    config: Config,
    overrides: Overrides = None,
    optimizer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OPTIMIZER",
            help="An optimizer to compare, written as in a config: adam, {sgd: {lr: 0.1}}; may be given several times.",
            show_default=False,
        ),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=a,b,c",
            help="A key of the config and the values to compare; may be given several times.",
            show_default=False,
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(metavar="N", help="The number of seeds.")] = 5,
    plot: Annotated[bool, typer.Option("--plot", help="Draw the mean loss curves in the terminal.")] = False,
    code: Code = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Compare optimizers or settings from the same weights.

    Each is trained on the same batches, with several seeds. The result says which ends with the lowest loss, and
    whether the difference is more than noise.
    """
    from bptrain.commands.race import race
    from bptrain.console.race_view import print_race, show_progress

    with redirect_prints(), show_progress(quiet) as watch:
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
        print_race(found, plot=plot)

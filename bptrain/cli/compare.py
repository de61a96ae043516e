"""`bptrain compare`"""

from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Json, argument, print_json, print_written


def command(
    runs: Annotated[list[Path], argument("RUN", "Run directories.")],
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write a page with the curves of all runs; needs matplotlib.", readable=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Put runs side by side: configs, curves, scores.

    The keys in which configs differ are listed, and the best validation scores are marked.
    """
    from bptrain.commands.compare import compare

    comparison = compare(runs, html=html)
    if as_json:
        print_json(comparison.to_json() | ({"html": str(html)} if html else {}))
        return
    from bptrain.console.scores.run_tables import print_comparison

    print_comparison(comparison)
    if html:
        print_written(html)

"""`bptrain gradcheck`"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from bptrain.cli.arguments import Code, Json, Overrides, print_json, redirect_prints
from bptrain.errors import ExitCode, InputError


class Method(StrEnum):
    """The methods to compute a derivative."""

    complex = "complex"
    central = "central"
    both = "both"


def command(
    config: Annotated[
        Path | None,
        typer.Argument(
            metavar="CONFIG",
            help="The YAML config; without one, every registered component.",
            readable=False,
            show_default=False,
        ),
    ] = None,
    overrides: Overrides = None,
    method: Annotated[
        Method, typer.Option(help="Use the complex step (exact), central differences, or both.")
    ] = Method.complex,
    entries: Annotated[
        str,
        typer.Option(
            metavar="auto|all|N", help="How many entries of each array to check one by one.", show_default=True
        ),
    ] = "auto",
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Show the error over the step size, and the slope of the Taylor remainder.")
    ] = False,
    mutate: Annotated[
        bool, typer.Option("--mutate", help="Test the checker: plant classic bugs, and show which are caught.")
    ] = False,
    code: Code = None,
    as_json: Json = False,
) -> None:
    """Check the hand-written gradients by the complex step.

    The check is exact to rounding; a wrong gradient is exit code 4, with the layer and the kind of mistake.
    """
    check_options(
        mutate,
        sweep,
        {
            "CONFIG": config is not None,
            "--sweep": sweep and mutate,
            "--code": bool(code) and mutate,
            "--method": method is not Method.complex,
            "--entries": entries != "auto",
        },
    )
    if mutate:
        show_mutations(as_json)
    elif sweep:
        show_sweep(config, overrides or [], code or [], as_json)
    else:
        show_checks(config, overrides or [], code or [], method, entries, as_json)


def check_options(mutate: bool, sweep: bool, given: dict[str, bool]) -> None:
    """Check that no option is given that --mutate or --sweep would ignore."""
    if mutate and (idle := [name for name, one in given.items() if one]):
        raise InputError(f"--mutate plants bugs in networks of its own; it does not go with {', '.join(idle)}")
    if sweep and (idle := [name for name in ("--method", "--entries") if given[name]]):
        raise InputError(f"--sweep tries every step size; it does not go with {', '.join(idle)}")


def show_checks(
    config: Path | None, overrides: list[str], code: list[Path], method: Method, entries: str, as_json: bool
) -> None:
    """Check gradients, and print the verdicts."""
    from bptrain.commands.gradcheck import check_gradients
    from bptrain.console.gradients import print_report, show_progress

    with show_progress() as watch, redirect_prints():
        report = check_gradients(
            config, overrides, code=code, method=method.value, entries=parse_entries(entries), watch=watch
        )
    if as_json:
        print_json(report.to_json())
    else:
        print_report(report)
    if not report.passed:
        raise typer.Exit(ExitCode.GRADIENT_CHECK_FAILED)


def parse_entries(entries: str) -> Literal["auto", "all"] | int:
    """Return --entries as a number, auto or all."""
    if entries in ("auto", "all"):
        return "all" if entries == "all" else "auto"
    if not entries.isascii() or not entries.isdigit() or not 0 < int(entries) < 1 << 31:
        raise InputError(f"--entries: expected auto, all or a whole number >= 1 (got {entries!r})")
    return int(entries)


def show_sweep(config: Path | None, overrides: list[str], code: list[Path], as_json: bool) -> None:
    """Sweep over step sizes, and print the curves."""
    from bptrain.commands.gradcheck import sweep_gradients
    from bptrain.console.sweep_chart import print_sweep

    with redirect_prints():
        found = sweep_gradients(config, overrides, code=code)
    if as_json:
        print_json(found.to_json())
    else:
        print_sweep(found)
    if not found.passed:
        raise typer.Exit(ExitCode.GRADIENT_CHECK_FAILED)


def show_mutations(as_json: bool) -> None:
    """Plant bugs, and print which are caught."""
    from bptrain.commands.gradcheck import mutate_gradients
    from bptrain.console.gradients import print_mutations, show_progress

    with show_progress() as watch:
        report = mutate_gradients(watch=watch)
    if as_json:
        print_json(report.to_json())
    else:
        print_mutations(report.outcomes)
    if not report.passed:
        raise typer.Exit(ExitCode.GRADIENT_CHECK_FAILED)

"""`bptrain gradcheck`"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from bptrain.cli.arguments import Code, Json, Overrides, print_json, prints_aside
from bptrain.errors import ExitCode, InputError


class Way(StrEnum):
    """The ways to find a derivative."""

    complex = "complex"
    central = "central"
    both = "both"


def command(
    config: Annotated[
        Path | None,
        typer.Argument(
            metavar="CONFIG",
            help="The YAML config; without one, every registered part.",
            readable=False,
            show_default=False,
        ),
    ] = None,
    overrides: Overrides = None,
    method: Annotated[Way, typer.Option(help="The complex step (exact), central differences, or both.")] = Way.complex,
    entries: Annotated[
        str,
        typer.Option(metavar="auto|all|N", help="Try so many entries of each array, one by one.", show_default=True),
    ] = "auto",
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Show error against step size, and the slope of the Taylor remainder.")
    ] = False,
    mutate: Annotated[
        bool, typer.Option("--mutate", help="Check the checker: plant classic bugs, and show which are caught.")
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
            "--method": method is not Way.complex,
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
    """Refuse options that would say nothing beside --mutate or --sweep."""
    if mutate and (idle := [name for name, one in given.items() if one]):
        raise InputError(f"--mutate plants bugs in networks of its own; it does not go with {', '.join(idle)}")
    if sweep and (idle := [name for name in ("--method", "--entries") if given[name]]):
        raise InputError(f"--sweep tries every step size; it does not go with {', '.join(idle)}")


def show_checks(
    config: Path | None, overrides: list[str], code: list[Path], method: Way, entries: str, as_json: bool
) -> None:
    """Check, and print the verdicts."""
    from bptrain.commands.gradcheck import check_gradients
    from bptrain.console.gradients import gradient_report, progress

    with progress() as watch, prints_aside():
        report = check_gradients(
            config, overrides, code=code, method=method.value, entries=parse_entries(entries), watch=watch
        )
    if as_json:
        print_json(report.to_json())
    else:
        gradient_report(report)
    if not report.passed:
        raise typer.Exit(ExitCode.GRADIENT_CHECK_FAILED)


def parse_entries(entries: str) -> Literal["auto", "all"] | int:
    """Return the value of --entries."""
    if entries in ("auto", "all"):
        return "all" if entries == "all" else "auto"
    if not entries.isascii() or not entries.isdigit() or not 0 < int(entries) < 1 << 31:
        raise InputError(f"--entries: expected auto, all or a whole number >= 1 (got {entries!r})")
    return int(entries)


def show_sweep(config: Path | None, overrides: list[str], code: list[Path], as_json: bool) -> None:
    """Sweep over step sizes, and print the curves."""
    from bptrain.commands.gradcheck import sweep_gradients
    from bptrain.console.sweep_chart import sweep_result

    with prints_aside():
        swept = sweep_gradients(config, overrides, code=code)
    if as_json:
        print_json(swept.to_json())
    else:
        sweep_result(swept)
    if not swept.passed:
        raise typer.Exit(ExitCode.GRADIENT_CHECK_FAILED)


def show_mutations(as_json: bool) -> None:
    """Plant the bugs of the catalogue, and print which are caught."""
    from bptrain.commands.gradcheck import mutate_gradients
    from bptrain.console.gradients import mutation_report, progress

    with progress() as watch:
        report = mutate_gradients(watch=watch)
    if as_json:
        print_json(report.to_json())
    else:
        mutation_report(report.outcomes)
    if not report.passed:
        raise typer.Exit(ExitCode.GRADIENT_CHECK_FAILED)

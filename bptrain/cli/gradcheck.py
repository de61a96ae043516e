"""`bptrain gradcheck`"""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from bptrain.cli.arguments import Code, Json, Overrides, argument, print_json, redirect_prints
from bptrain.errors import ExitCode, InputError


class Method(StrEnum):
    """The methods to compute a derivative."""

    complex = "complex"
    central = "central"
    both = "both"


OptionalConfig = Annotated[Path | None, argument("CONFIG", "The YAML config; without one, every component is checked.")]
Entries = Annotated[
    str,
    typer.Option(metavar="auto|all|N", help="How many entries of each array to check one by one.", show_default=True),
]
SweepFlag = Annotated[
    bool, typer.Option("--sweep", help="Show the error at each step size, and the slope of the Taylor remainder.")
]
MutateFlag = Annotated[
    bool, typer.Option("--mutate", help="Test the checker: plant classic bugs, and show which are caught.")
]
MethodOption = Annotated[Method, typer.Option(help="Use the complex step (exact), central differences, or both.")]


def command(
    config: OptionalConfig = None,
    overrides: Overrides = None,
    method: MethodOption = Method.complex,
    entries: Entries = "auto",
    sweep: SweepFlag = False,
    mutate: MutateFlag = False,
    code: Code = None,
    as_json: Json = False,
) -> None:
    """Check the hand-written gradients by the complex step.

    The check is exact up to rounding. For a wrong gradient it names the layer and the kind of mistake; the exit code
    is 4.
    """
    from bptrain.commands.gradcheck import check_gradients, mutate_gradients, sweep_gradients
    from bptrain.console.gradients import print_checks, print_mutations, print_sweep, show_progress

    given, files = overrides or [], code or []
    options = {"CONFIG": config, "--sweep": sweep and mutate, "--code": code, "--method": method is not Method.complex}
    check_options(mutate, sweep, options | {"--entries": entries != "auto"})
    with show_progress() as watch, redirect_prints():
        if mutate:
            found: Any = mutate_gradients(watch=watch)
        elif sweep:
            found = sweep_gradients(config, given, code=files)
        else:
            count = parse_entries(entries)
            found = check_gradients(config, given, code=files, method=method.value, entries=count, watch=watch)
    if as_json:
        print_json(found.to_json())
    else:
        (print_mutations if mutate else print_sweep if sweep else print_checks)(found)
    if not found.passed:
        raise typer.Exit(ExitCode.GRADIENT_CHECK_FAILED)


def check_options(mutate: bool, sweep: bool, given: Mapping[str, object]) -> None:
    """Check that no option is given that --mutate or --sweep would ignore."""
    if mutate and (idle := [name for name, one in given.items() if one]):
        raise InputError(f"--mutate plants bugs in networks of its own; remove {' and '.join(idle)}")
    if sweep and (idle := [name for name in ("--method", "--entries") if given[name]]):
        raise InputError(f"--sweep tries every step size; remove {' and '.join(idle)}")


def parse_entries(entries: str) -> Literal["auto", "all"] | int:
    """Return --entries as a number, auto or all."""
    if entries in ("auto", "all"):
        return "all" if entries == "all" else "auto"
    if not entries.isascii() or not entries.isdigit() or not 0 < int(entries) < 1 << 31:
        raise InputError(f"--entries: expected auto, all or a whole number >= 1 (got {entries!r})")
    return int(entries)

"""Rules: checks of whether a config makes sense together with its data, though each value is valid by itself.

A rule is a check with a code, which a page of the guide explains: BP1xx is an error and stops training, BP2xx is a
warning. Some codes have no check here; they are found while a model is assembled.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal

from bptrain.errors import ConfigError, Mistake, Problem
from bptrain.model.assemble import Assembly
from bptrain.rules.case import Case

Check = Callable[[Case], Iterator[Mistake]]

RULES: dict[str, Check] = {}
"""The check of each code, except for the codes that are found while a model is assembled."""


def rule(code: str) -> Callable[[Check], Check]:
    """Function decorator: registers the check of a code; `guide/CODE.md` explains it."""

    def register(check: Check) -> Check:
        if code in RULES:
            raise ValueError(f"the code {code} has a check already")
        RULES[code] = check
        return check

    return register


def get_severity(code: str) -> Literal["error", "warning"]:
    """Return whether a code stops training."""
    return "error" if code.startswith("BP1") else "warning"


def find_problems(assembly: Assembly, *, strict: bool = False) -> tuple[Problem, ...]:
    """Return the errors and warnings of all rules, in the order of their places in the file.

    Args:
        assembly: what was assembled from the config.
        strict: whether warnings are errors.
    """
    case, origin = Case(assembly.config, assembly), assembly.config.origin
    found = [
        replace(
            origin.problem(origin.path(one.field), one.message),
            code=code,
            severity="error" if strict else get_severity(code),
        )
        for code, check in RULES.items()
        for one in check(case)
    ]
    return tuple(sorted(found, key=lambda problem: (problem.file, problem.line, problem.column, problem.code)))


def check_rules(assembly: Assembly, *, strict: bool = False) -> tuple[Problem, ...]:
    """Check an assembled config by all rules, and return the warnings.

    Args:
        assembly: what was assembled from the config.
        strict: whether warnings are errors.

    Raises:
        ConfigError: there are errors; it has all of them.
    """
    problems = find_problems(assembly, strict=strict)
    if errors := [problem for problem in problems if problem.severity == "error"]:
        raise ConfigError(errors)
    return problems

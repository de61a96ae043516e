"""Judging: all rules of sense put to a config and its data."""

from dataclasses import replace

from bptrain.errors import ConfigError, Problem
from bptrain.model.assemble import Assembly
from bptrain.rules.rule import RULES, Case, get_severity


def judge(assembly: Assembly, *, strict: bool = False) -> tuple[Problem, ...]:
    """Return what is wrong or risky in a config, in the order in which it stands in the file.

    Args:
        assembly: what was assembled from the config.
        strict: whether what is risky is an error too.
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


def require_sense(assembly: Assembly, *, strict: bool = False) -> tuple[Problem, ...]:
    """Refuse a config that makes no sense; return what is risky in it.

    Args:
        assembly: what was assembled from the config.
        strict: whether what is risky is an error too.

    Raises:
        ConfigError: something is wrong, with all places.
    """
    problems = judge(assembly, strict=strict)
    if wrong := [problem for problem in problems if problem.severity == "error"]:
        raise ConfigError(wrong)
    return problems

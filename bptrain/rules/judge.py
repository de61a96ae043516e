"""Judging: all rules of sense put to a config and its data."""

from dataclasses import replace

from bptrain.config import Config
from bptrain.errors import Problem
from bptrain.model.assemble import Assembly
from bptrain.rules.rule import RULES, Case


def judge(config: Config, assembly: Assembly, *, strict: bool = False) -> tuple[Problem, ...]:
    """What is wrong or risky in a config, in the order in which it stands in the file.

    Args:
        config: with the places of its values.
        assembly: what was assembled from it.
        strict: whether what is risky is an error too.
    """
    case, origin = Case(config, assembly), config.origin
    found = [
        replace(
            origin.problem(origin.path(one.field), one.message),
            code=rule.code,
            severity="error" if strict else rule.severity,
        )
        for rule in RULES.values()
        if rule.check
        for one in rule.check(case)
    ]
    return tuple(sorted(found, key=lambda problem: (problem.file, problem.line, problem.column, problem.code)))

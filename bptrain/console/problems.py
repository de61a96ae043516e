"""Mistakes and warnings on stderr, a line each."""

import sys
from collections.abc import Iterable

from bptrain.console.text import printable
from bptrain.errors import Problem


def print_problems(problems: Iterable[Problem]) -> None:
    """Print problems: `error: FILE:LINE:COL: FIELD: what is wrong (got ...); what to do`."""
    for problem in problems:
        print(f"{problem.severity}: {printable(str(problem))}", file=sys.stderr)

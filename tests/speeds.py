"""The two speeds of the suite: plain `pytest` runs a sample of what is slow, and CI the whole of it."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import settings


def sampled(cases: Iterable[Any], every: int = 1_000_000) -> list[Any]:
    """Return cases for `parametrize`, of which plain `pytest` runs the first and each `every`-th after it.

    A case that is a tuple has a value for each argument.
    """
    values = [case if isinstance(case, tuple) else (case,) for case in cases]
    assert len(values) > 1, "nothing would be slow"
    return [pytest.param(*case, marks=[pytest.mark.slow] if k % every else []) for k, case in enumerate(values)]


def examples(most: int) -> settings:
    """Return the settings of a law that is tried on `most` examples, and on a tenth of them in plain `pytest`."""
    return settings(max_examples=most * settings.default.max_examples // 100)

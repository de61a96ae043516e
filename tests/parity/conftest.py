"""Comparisons with PyTorch and scikit-learn, which are for CI: their imports alone take seconds."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Do not import the tests of this folder where all of them would be left out."""
    return True if config.option.markexpr == "not slow" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them all."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slow)

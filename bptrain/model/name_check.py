"""The names of columns and classes in a config: those that the table lacks are told all at once."""

from collections.abc import Callable
from contextlib import suppress

from bptrain.columns.targets import find_classes, select_present
from bptrain.config import Data
from bptrain.errors import InputError, Mistake, OptionError
from bptrain.model.preprocessing import compute_class_weights
from bptrain.model.roles import check_columns, find_targets, list_named_columns
from bptrain.tables.table import Selection, Table


def check_names(data: Data, table: Table) -> None:
    """Check that a table has all columns and classes that a config names.

    Raises:
        OptionError: with a mistake for each one that it lacks.
    """
    mistakes = [
        *collect_mistakes(lambda: find_targets(data, table)),
        *collect_mistakes(lambda: check_columns(table, list_named_columns(data))),
    ]
    if mistakes:
        raise OptionError(*mistakes, *collect_mistakes(lambda: check_class_weights(data, table)))


def check_class_weights(data: Data, table: Table) -> None:
    """Check that a target has the classes that have weights, if it is there and can be classes.

    Raises:
        OptionError: it lacks one.
    """
    if not isinstance(data.class_weight, dict) or data.task not in ("auto", "classification"):
        return
    if isinstance(data.target, str) and data.target in table.columns:
        rows = select_present(Selection(table), data.target)
        compute_class_weights(data, rows, find_classes(rows, data.target))


def collect_mistakes(check: Callable[[], object]) -> tuple[Mistake, ...]:
    """Return the mistakes in options that a function raises; those in the data itself are left to others."""
    with suppress(InputError):
        try:
            check()
        except OptionError as error:
            return error.mistakes
    return ()

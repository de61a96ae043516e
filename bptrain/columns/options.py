"""Column options: what a config says about single columns, and which columns are features."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from annotated_types import Ge

from bptrain.columns.dates.forms import Form
from bptrain.columns.encodings import ENCODINGS, Encoding, Plain
from bptrain.columns.imputers import IMPUTERS, Drop, Imputer, Median, MostFrequent, Refuse
from bptrain.columns.scalers import SCALERS, Scaler, Standard
from bptrain.errors import Mistake, OptionError
from bptrain.registry import name_of

Kind = Literal["numeric", "boolean", "categorical", "date"]
Unseen = Literal["error", "ignore"]


@dataclass(frozen=True)
class ColumnOptions:
    """How one column is encoded; an option that is null has the value given for all columns.

    Numbers are numeric and scaled. Text is boolean if its values are true and false, yes and no, or the like, and
    becomes 0 and 1; it is categorical if the training rows have at most 100 distinct values, and on average at least
    two rows for each, and becomes a column of 0 and 1 for each value. Any other text is an error, unless its kind is
    given here. A date becomes numbers (year, days since the first training day) and cycles (month, day, weekday, hour).
    """

    kind: Annotated[Literal["auto"] | Kind, "auto: chosen by the values in the training rows"] = "auto"
    missing: Annotated[Annotated[Imputer, IMPUTERS] | None, "what happens to missing values"] = None
    indicator: Annotated[bool | None, "add an input that is 1 where a value was missing"] = None
    scaling: Annotated[Annotated[Scaler, SCALERS] | None, "scaling of a numeric column"] = None
    encoding: Annotated[
        Annotated[Encoding, ENCODINGS] | None, "how a scaled number becomes inputs: as it is, or as several"
    ] = None
    unseen: Annotated[
        Unseen | None, "a category that is not in the training rows: an error, or ignored (0 for every known category)"
    ] = None
    rare: Annotated[
        Annotated[int, Ge(2)] | None, "categories with fewer training rows, and unseen ones, become one: other"
    ] = None
    categories: Annotated[
        Annotated[int, Ge(1)] | None,
        "the number of categories to keep, the most frequent; all others become one: other",
    ] = None
    format: Annotated[
        str | None, "how the dates of a column are written, such as DD.MM.YYYY; null: found from its values"
    ] = None

    def __post_init__(self) -> None:
        if self.format is not None:
            Form(self.format)


@dataclass(frozen=True)
class MissingByKind:
    """What happens to the missing values of all columns, by their kinds."""

    numbers: Annotated[Annotated[Imputer, IMPUTERS], "columns of numbers and of dates"] = Median()
    others: Annotated[Annotated[Imputer, IMPUTERS], "boolean and categorical columns"] = MostFrequent()

    def __post_init__(self) -> None:
        mistakes = [
            Mistake(name, "drop is for all columns or for a single one; write missing: drop there")
            for name, one in vars(self).items()
            if isinstance(one, Drop)
        ]
        if self.others.of_numbers:
            what = f"{name_of(self.others)} is for numbers; write most_frequent or constant"
            mistakes.append(Mistake("others", what))
        if mistakes:
            raise OptionError(*mistakes)

    def choose(self, kind: Kind) -> Imputer:
        """Return the imputer for a column of that kind."""
        return self.numbers if kind in ("numeric", "date") else self.others


@dataclass(frozen=True)
class FeatureChoice:
    """The features, as the columns to include or those to exclude."""

    include: Annotated[tuple[str, ...] | None, "use these columns only"] = None
    exclude: Annotated[tuple[str, ...] | None, "use all columns except these"] = None

    def __post_init__(self) -> None:
        if (self.include is None) == (self.exclude is None):
            got = "neither" if self.include is None else "both"
            raise OptionError(Mistake("", f"expected either include or exclude (got {got}); write one of them"))


@dataclass(frozen=True)
class Treatment:
    """How one column is encoded: its own options, completed by those given for all columns."""

    kind: Literal["auto"] | Kind = "auto"
    missing: Imputer = Refuse()
    indicator: bool = False
    scaling: Scaler = Standard()
    unseen: Unseen = "error"
    rare: int | None = None
    categories: int | None = None
    encoding: Encoding = Plain()
    format: str | None = None


def merge_options(own: ColumnOptions | None, general: Treatment) -> Treatment:
    """Return how a column is encoded, by its own options where they are given and the general ones elsewhere."""
    given = {} if own is None else {name: value for name, value in vars(own).items() if value is not None}
    return replace(general, **given)

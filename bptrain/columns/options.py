"""What a config says of single columns, and which of them are features."""

from dataclasses import dataclass
from typing import Annotated, Literal

from bptrain.columns.imputers import IMPUTERS, Imputer, Refuse
from bptrain.columns.scalers import SCALERS, Scaler, Standard
from bptrain.errors import Mistake, OptionError

Kind = Literal["numeric", "boolean", "categorical"]
Unseen = Literal["error", "ignore"]


@dataclass(frozen=True)
class ColumnOptions:
    """What is made of one column; what is null follows what is said of all columns.

    Numbers are numeric and scaled. Text is boolean if its values are true and false, yes and no, or the like, and
    becomes 0 and 1; it is categorical if it has at most 100 different values in the training rows, and on average two
    rows or more for each, and becomes a column of 0 and 1 for each. Any other text is refused, unless its kind is given
    here.
    """

    kind: Annotated[Literal["auto"] | Kind, "auto: by the values of the training rows"] = "auto"
    missing: Annotated[Annotated[Imputer, IMPUTERS] | None, "what becomes of missing values"] = None
    indicator: Annotated[bool | None, "whether a further column says where values were missing"] = None
    scaling: Annotated[Annotated[Scaler, SCALERS] | None, "of a numeric column"] = None
    unseen: Annotated[
        Unseen | None, "a category that training did not know: an error, or ignored (0 for all known ones)"
    ] = None


@dataclass(frozen=True)
class FeatureChoice:
    """The features by what is taken or by what is left out."""

    include: Annotated[tuple[str, ...] | None, "these alone"] = None
    exclude: Annotated[tuple[str, ...] | None, "all but these"] = None

    def __post_init__(self) -> None:
        if (self.include is None) == (self.exclude is None):
            raise OptionError(Mistake("", "names neither or both of include and exclude; write one of them"))


@dataclass(frozen=True)
class Treatment:
    """What is made of one column, all of it decided but for a kind that is `auto`."""

    kind: Literal["auto"] | Kind = "auto"
    missing: Imputer = Refuse()
    indicator: bool = False
    scaling: Scaler = Standard()
    unseen: Unseen = "error"


def treatment(options: ColumnOptions | None, general: Treatment) -> Treatment:
    """Return what is made of a column by its own options, and for the rest by what is said of all."""
    if options is None:
        return general
    return Treatment(
        options.kind,
        options.missing if options.missing is not None else general.missing,
        options.indicator if options.indicator is not None else general.indicator,
        options.scaling if options.scaling is not None else general.scaling,
        options.unseen if options.unseen is not None else general.unseen,
    )

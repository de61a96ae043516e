"""The options with which a command is told how to read a file of data; they become options of its source."""

from dataclasses import dataclass, fields, replace
from typing import Any

from bptrain.errors import Mistake, OptionError
from bptrain.hints import list_options
from bptrain.registry import name_of

SIGNS = {"\\t": "\t", "tab": "\t", "space": " "}
"""What stands for a delimiter that is hard to type in a shell."""

FLAGS = {
    "header": "--header or --no-header",
    "delimiter": "--delimiter",
    "encoding": "--encoding",
    "missing": "--missing",
    "decimal": "--decimal",
    "thousands": "--thousands",
    "sheet": "--sheet",
}
"""How each option is typed."""


@dataclass(frozen=True)
class ReadingOptions:
    """Options of a source by their names there; None, or an empty list, leaves the source as it is. The texts of
    `missing` are added to those that mean a missing value already."""

    header: bool | None = None
    delimiter: str | None = None
    encoding: str | None = None
    missing: tuple[str, ...] = ()
    decimal: str | None = None
    thousands: str | None = None
    sheet: str | None = None

    def list_given(self) -> dict[str, Any]:
        """Return the options that are given."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in found.items() if value not in (None, ())}

    def apply(self, source: Any) -> Any:
        """Return a source with these options.

        Raises:
            OptionError: the source lacks one, or it takes other values.
        """
        given = self.list_given()
        known = {one.name for one in fields(source)} if given else set()
        if absent := [name for name in given if name not in known]:
            flags = ", ".join(FLAGS[name] for name in absent)
            taken = ", ".join(FLAGS[name] for name in FLAGS if name in known) or "none of these options"
            what = f"{flags} cannot be used with a file that is read as {name_of(source)}; it takes {taken}"
            raise OptionError(Mistake("", what))
        if "missing" in given:
            given["missing"] = tuple(dict.fromkeys((*source.missing, *given["missing"])))
        if "delimiter" in given:
            given["delimiter"] = SIGNS.get(given["delimiter"], given["delimiter"])
        cls: Any = type(source)
        for option in list_options(cls) if given else ():
            if option.name in given and not option.hint.accepts(given[option.name]):
                what = f"{FLAGS[option.name]}: expected {option.hint.describe()} (got {given[option.name]!r})"
                raise OptionError(Mistake("", what))
        return replace(source, **given) if given else source

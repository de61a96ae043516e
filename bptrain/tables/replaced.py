"""Replaced columns: a table some columns of which were converted."""

from collections.abc import Iterator, Mapping

from bptrain.arrays import Array


class Replaced(Mapping[str, Array]):
    """The columns of a table, some of them replaced by others of as many rows.

    What a table in a file says of itself (that it is not in memory, its chunks, its digest) holds for this one too.

    Args:
        columns: of the table.
        own: by name, in the place of columns of that name.
    """

    def __init__(self, columns: Mapping[str, Array], own: Mapping[str, Array]) -> None:
        self._columns, self._own = columns, own
        self.rows = len(next(iter(own.values())))
        self.in_memory: bool = getattr(columns, "in_memory", True)
        self.digest: str | None = getattr(columns, "digest", None)

    def __getitem__(self, name: str) -> Array:
        return self._own[name] if name in self._own else self._columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def chunks(self) -> Iterator["Replaced"]:
        """Yield the columns of a table in a file a chunk of rows at a time."""
        start = 0
        for chunk in self._columns.chunks():  # type: ignore[attr-defined]
            yield Replaced(chunk, {name: values[start : start + chunk.rows] for name, values in self._own.items()})
            start += chunk.rows

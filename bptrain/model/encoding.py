"""Encoding: the rows of each split become what the network reads, in memory, or in a file where they are larger.

Where they go is decided here alone, by the size of the encoded rows. A table that is not in memory is read a chunk at a
time, whichever it is.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.profile.split_profile import count_duplicates, count_repeated, hash_rows
from bptrain.columns.targets import Classes, Inputs
from bptrain.errors import Mistake, OptionError
from bptrain.model.encoded_rows import Rows
from bptrain.model.heads import Head
from bptrain.model.model import Model
from bptrain.registry import name_of
from bptrain.tables import cache
from bptrain.tables.mapped import UNREADABLE, ArrayWriter, MappedArrays, Records
from bptrain.tables.table import Selection, Table, quote

CHUNK_VALUES = 1 << 19
"""Numbers that are encoded at a time on their way into a file."""

IDENTITY = 2
"""Goes up when the same columns and options give other rows, or the file is written in another way."""


@dataclass(frozen=True)
class Encoded:
    """The rows of each split, what a person should know of them, and how many also stand in a split before theirs."""

    rows: dict[str, Rows]
    notes: tuple[str, ...]
    duplicates: dict[str, int]


def encode_splits(model: Model, splits: Mapping[str, Selection], *, in_file: bool = False) -> Encoded:
    """Encode the rows of each split, into memory if they fit into `data.memory` and need not be `in_file`.

    Raises:
        InputError: a value cannot be used; an `OptionError` where the loss cannot take the targets, or all rows of a
            split weigh nothing.
        StorageError: there is no room for the file.
    """
    size = sum(map(len, splits.values())) * record_type(model).itemsize
    if size <= model.experiment.data.memory_bytes and not in_file:
        return encode_in_memory(model, splits)
    return encode_in_file(model, splits)


def encode_in_memory(model: Model, splits: Mapping[str, Selection]) -> Encoded:
    """Encode the rows of each split into arrays.

    Raises:
        InputError: as `encode_splits`.
    """
    rows: dict[str, Rows] = {}
    notes: list[str] = []
    for name, selection in splits.items():
        rows[name] = join_chunks(encode_chunks(model, name, selection, notes), len(selection))
    inputs, targets = ({name: getattr(one, field) for name, one in rows.items()} for field in ("inputs", "targets"))
    return Encoded(rows, tuple(notes), count_duplicates(inputs, targets))


def join_chunks(chunks: Iterator[Rows], count: int) -> Rows:
    """Return the rows of all chunks, `count` together."""
    whole: Rows | None = None
    start = 0
    for chunk in chunks:
        if whole is None:
            whole = chunk if len(chunk) == count else empty_like(chunk, count)
        if whole is not chunk:
            for name in ("inputs", "targets", "numbers", "weights"):
                if getattr(chunk, name) is not None:
                    getattr(whole, name)[start : start + len(chunk)] = getattr(chunk, name)
        start += len(chunk)
    assert whole is not None
    return whole


def empty_like(rows: Rows, count: int) -> Rows:
    """Return room for `count` rows such as those."""
    room = [
        None if one is None else np.empty((count, *one.shape[1:]), one.dtype)
        for one in (rows.inputs, rows.targets, rows.numbers, rows.weights)
    ]
    inputs, targets, numbers, weights = room
    assert inputs is not None
    assert targets is not None
    return Rows(inputs, inputs if rows.targets is rows.inputs else targets, numbers, weights)


def encode_chunks(
    model: Model, split: str, selection: Selection, notes: list[str], most: int | None = None
) -> Iterator[Rows]:
    """Yield the rows of a split from first to last, at most `most` at a time; at the end add to the notes what was
    ignored.

    Raises:
        InputError: a value cannot be used; an `OptionError` where the loss cannot take the targets, or all rows weigh
            nothing.
    """
    unseen: Counter[str] = Counter()
    weighs = not model.columns.weighting
    for start, chunk in selection.chunks(most):
        rows = model.rows(chunk.table, chunk.numbers, unseen)
        if objection := model.objection(rows, strict=split == "train"):
            raise OptionError(locate_objection(model, *objection))
        weighs = weighs or bool(rows.weights is not None and rows.weights.any())
        yield replace(rows, numbers=chunk.numbers.astype(np.int64) + start)
    if not weighs:
        field = "class_weight" if model.columns.weighting.column is None else "sample_weight"
        raise OptionError(Mistake(f"data.{field}", f"all rows of {split} weigh nothing; give some a positive weight"))
    if unseen:
        notes.append(f"{split}: {describe_unseen(unseen)}")


def encode_in_file(model: Model, splits: Mapping[str, Selection]) -> Encoded:
    """Encode the rows of each split into a file that is mapped into memory; take it from the cache if it is there.

    Raises:
        InputError: as `encode_splits`.
        StorageError: there is no room for it.
    """
    cached = model.experiment.data.cache
    path = cache.get_folder() / f"{identity(model, splits)}{cache.ROWS}"
    cache.in_use.add(path)
    arrays = None
    if cached:
        try:
            arrays = MappedArrays(path)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except UNREADABLE as error:
            cache.note(f"{path}: cannot be used ({error}); it is written again")
    if arrays is None:
        with cache.write_cached(path, lambda file: write_rows(model, splits, file), cached=cached) as path:
            arrays = MappedArrays(path)
    rows = {}
    for name in splits:
        mapped = Records(arrays, f"{name}.rows", record_type(model))
        found = mapped.records
        inputs = found["inputs"]
        targets = inputs if isinstance(model.columns.target, Inputs) else found["targets"]
        weights = found["weights"] if model.columns.weighting else None
        rows[name] = Rows(inputs, targets, arrays.arrays[f"{name}.numbers"], weights, mapped)
    return Encoded(rows, tuple(arrays.facts["notes"]), dict(arrays.facts["duplicates"]))


def record_type(model: Model) -> "np.dtype[Any]":
    """Return what stands in the file of each row; the inputs of an autoencoder are its targets."""
    kind, loss = np.dtype(model.network.dtype), model.objective.loss
    fields: list[Any] = []
    if not isinstance(model.columns.target, Inputs):
        shape = loss.target_shape(model.network.output_shape)
        fields.append(("targets", np.int64 if loss.encoding == "codes" else kind, shape))
    if model.columns.weighting:
        fields.append(("weights", kind))
    return np.dtype([*fields, ("inputs", kind, (len(model.columns.outputs),))])


def identity(model: Model, splits: Mapping[str, Selection]) -> str:
    """Return the name of what a model makes of its rows, in hexadecimal: the data, how it is split, and every
    statistic."""
    tables = {id(one.table): one.table for one in splits.values()}
    content = {
        "format": [cache.FORMAT, IDENTITY],
        "tables": [getattr(one.columns, "digest", None) or table_digest(one) for one in tables.values()],
        "rows": {name: sha256(np.ascontiguousarray(one.numbers).data).hexdigest() for name, one in splits.items()},
        "record": record_type(model).descr,
        "loss": model.objective.loss.encoding,
        "columns": model.columns.to_json(),
    }
    return sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:32]


def table_digest(table: Table) -> str:
    """Return what tells one table from another that is in memory."""
    total = sha256()
    for name, values in table.columns.items():
        total.update(name.encode())
        total.update(json.dumps(values.tolist()).encode() if values.dtype == object else values.tobytes())
    return total.hexdigest()


def write_rows(model: Model, splits: Mapping[str, Selection], file: Any) -> None:
    """Write the rows of each split as the network reads them.

    Raises:
        InputError: as `encode_splits`.
    """
    kind = record_type(model)
    shapes: dict[str, Any] = {}
    for name, selection in splits.items():
        shapes[f"{name}.rows"] = "u1", (len(selection), kind.itemsize)
        shapes[f"{name}.numbers"] = "<i8", (len(selection),)
    writer, notes = ArrayWriter(file, shapes), list[str]()
    keys: dict[str, Array] = {}
    most = max(CHUNK_VALUES // max(len(model.columns.outputs), 1), 1)
    for name, selection in splits.items():
        keys[name], start = np.empty(len(selection), np.uint64), 0
        for rows in encode_chunks(model, name, selection, notes, most):
            assert rows.numbers is not None
            found = np.empty(len(rows), kind)
            for field in found.dtype.names or ():
                found[field] = getattr(rows, field)
            raw = found.view(np.uint8).reshape(len(rows), kind.itemsize)
            writer.add({f"{name}.rows": raw, f"{name}.numbers": rows.numbers})
            keys[name][start : start + len(rows)] = hash_rows(rows.inputs, rows.targets)
            start += len(rows)
    facts = {
        "notes": notes,
        "duplicates": count_repeated(keys),
        "source": "rows of a network",
        "files": list(dict.fromkeys(selection.table.origin for selection in splits.values())),
        "rows": sum(map(len, splits.values())),
        "columns": len(model.columns.outputs),
    }
    writer.finish(facts)


def describe_unseen(unseen: Mapping[str, int]) -> str:
    """Describe categories that training did not know."""
    where = ", ".join(f"{quote(name)} in {count:,} row{'s' * (count > 1)}" for name, count in unseen.items())
    return f"values unseen in training are ignored ({where})"


def describe_ignored(names: Sequence[str]) -> str:
    """Describe columns that the model does not know."""
    some = ", ".join(map(quote, names[:10])) + (f" and {len(names) - 10:,} more" if len(names) > 10 else "")
    return f"ignored the column{'s' * (len(names) > 1)} {some}"


def describe_duplicates(duplicates: Mapping[str, int], rows: Mapping[str, Rows]) -> str:
    """Describe rows that stand in several splits."""
    each = ", ".join(f"{count:,} of {len(rows[name]):,} {name} rows" for name, count in duplicates.items())
    return f"{each} also stand in a part that comes before, alike in features and target"


def digest_rows(rows: Mapping[str, Rows]) -> str:
    """Return a digest that tells whether all rows are still the same, and in the same splits."""
    return join_digests({name: one.fingerprint() for name, one in rows.items()})


def have_digest(rows: Mapping[str, Rows], digest: str) -> bool:
    """Return whether rows are those of a digest: of `digest_rows`, or of the same rows while they were in memory."""
    if digest_rows(rows) == digest:
        return True
    mapped = any(one.mapped is not None for one in rows.values())
    return mapped and join_digests({name: one.digest_content() for name, one in rows.items()}) == digest


def join_digests(digests: Mapping[str, str]) -> str:
    """Return the digest of those of several splits."""
    return sha256("".join(f"{name} {one}\n" for name, one in digests.items()).encode()).hexdigest()


def locate_objection(model: Model, head: Head, objection: str) -> Mistake:
    """Return the objection of a loss against targets as a mistake in the field that is to blame, with advice."""
    data, loss, place = model.experiment.data, head.loss, "loss"
    if isinstance(data.target, dict):
        place = f"data.target.{head.name}.loss"
    if getattr(loss, "class_weights", None) is not None and isinstance(head.target, Classes):
        said = objection.removeprefix(f"{name_of(loss)}: class_weights ")
        some = ", ".join(map(str, head.target.labels[:20])) + (", ..." if len(head.target.labels) > 20 else "")
        return Mistake(f"{place}.{name_of(loss)}.class_weights", f"{said}; write one for each of {some}", "BP124")
    if data.task == "multi_label":
        return Mistake("data.target", objection, "BP122")
    if data.task == "autoencoder":
        what = f"{objection}, and the inputs are the target; write data.scaling: minmax, or use mse"
        return Mistake(place, what, "BP122")
    return Mistake(place, f"{objection}; choose another target, or a loss for such numbers, as mse", "BP122")

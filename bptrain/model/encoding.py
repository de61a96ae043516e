"""Encoding: turn the rows of each split into the arrays that the network reads.

These are in memory, or in a file if they are larger than `data.memory`. A table in a file is read a chunk at a time.
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
from bptrain.model.heads import Head
from bptrain.model.model import Model, Rows
from bptrain.registry import name_of
from bptrain.tables import cache
from bptrain.tables.mapped import UNREADABLE, ArrayWriter, MappedArrays, Records
from bptrain.tables.table import Selection, Table, quote

CHUNK_VALUES = 1 << 19
"""How many numbers are encoded at a time when they are written to a file."""

ENCODING_VERSION = 2
"""Increase it when the same columns and options give other rows, or when the format of the file changes: files that an
earlier version left in the cache are then not used."""


@dataclass(frozen=True)
class EncodedSplits:
    """The encoded rows of each split, notes about them, and how many rows of each split are also in an earlier one."""

    rows: dict[str, Rows]
    notes: tuple[str, ...]
    duplicates: dict[str, int]


def encode_splits(model: Model, splits: Mapping[str, Selection], *, in_file: bool = False) -> EncodedSplits:
    """Encode the rows of each split: into memory, or into a file if they exceed `data.memory` or if `in_file`.

    Raises:
        InputError: a value cannot be used; an `OptionError` if the loss cannot take the targets, or all rows of a split
            have weight 0.
        StorageError: there is no space for the file.
    """
    size = sum(map(len, splits.values())) * get_record_type(model).itemsize
    if in_file or size > model.experiment.data.memory_bytes:
        return encode_in_file(model, splits)
    rows: dict[str, Rows] = {}
    notes: list[str] = []
    for name, selection in splits.items():
        rows[name] = join_chunks(encode_chunks(model, name, selection, notes), len(selection))
    inputs, targets = ({name: getattr(one, field) for name, one in rows.items()} for field in ("inputs", "targets"))
    return EncodedSplits(rows, tuple(notes), count_duplicates(inputs, targets))


def join_chunks(chunks: Iterator[Rows], count: int) -> Rows:
    """Join the chunks of some rows, `count` rows in total."""
    arrays: dict[str, Array] = {}
    start = 0
    for chunk in chunks:
        if len(chunk) == count:
            arrays = chunk.arrays
        elif not arrays:
            arrays = {name: np.empty((count, *one.shape[1:]), one.dtype) for name, one in chunk.arrays.items()}
        if len(chunk) < count:
            for name, one in chunk.arrays.items():
                arrays[name][start : start + len(chunk)] = one
        start += len(chunk)
    return Rows.from_arrays(arrays)


def encode_chunks(
    model: Model, split: str, selection: Selection, notes: list[str], most: int | None = None
) -> Iterator[Rows]:
    """Encode the rows of a split in order, at most `most` at a time; at the end add a note about ignored categories.

    Raises:
        InputError: as `encode_splits`.
    """
    unseen: Counter[str] = Counter()
    has_weight = not model.columns.weighting
    for start, chunk in selection.chunks(most):
        rows = model.encode(chunk.table, chunk.numbers, unseen)
        if problem := model.find_problem(rows, strict=split == "train"):
            raise OptionError(locate_problem(model, *problem))
        has_weight = has_weight or bool(rows.weights is not None and rows.weights.any())
        yield replace(rows, numbers=chunk.numbers.astype(np.int64) + start)
    if not has_weight:
        field = "class_weight" if model.columns.weighting.column is None else "sample_weight"
        raise OptionError(Mistake(f"data.{field}", f"all {split} rows have weight 0; give some a positive weight"))
    if unseen:
        notes.append(f"{split}: {describe_unseen(unseen)}")


def encode_in_file(model: Model, splits: Mapping[str, Selection]) -> EncodedSplits:
    """Encode the rows of each split into a file that is mapped into memory; take it from the cache if it is there.

    Raises:
        InputError: as `encode_splits`.
        StorageError: there is no space for it.
    """
    cached = model.experiment.data.cache
    path = cache.get_folder() / f"{identify_rows(model, splits)}{cache.ROWS_SUFFIX}"
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
        mapped = Records(arrays, f"{name}.rows", get_record_type(model))
        found = {field: mapped.records[field] for field in mapped.dtype.names or ()}
        found["numbers"] = arrays.arrays[f"{name}.numbers"]
        rows[name] = replace(Rows.from_arrays(found), mapped=mapped)
    return EncodedSplits(rows, tuple(arrays.facts["notes"]), dict(arrays.facts["duplicates"]))


def get_record_type(model: Model) -> "np.dtype[Any]":
    """Return the NumPy type of an encoded row in a file; an autoencoder has no targets besides its inputs."""
    kind, loss = np.dtype(model.network.dtype), model.objective.loss
    fields: list[Any] = []
    if not isinstance(model.columns.target, Inputs):
        shape = loss.target_shape(model.network.output_shape)
        fields.append(("targets", np.int64 if loss.encoding == "codes" else kind, shape))
    if model.columns.weighting:
        fields.append(("weights", kind))
    return np.dtype([*fields, ("inputs", kind, (len(model.columns.input_names),))])


def identify_rows(model: Model, splits: Mapping[str, Selection]) -> str:
    """Return a hexadecimal digest of everything that the encoded rows depend on: the data, its splits, and the
    statistics of the columns."""
    tables = {id(one.table): one.table for one in splits.values()}
    content = {
        "format": [cache.CACHE_VERSION, ENCODING_VERSION],
        "tables": [getattr(one.columns, "digest", None) or digest_table(one) for one in tables.values()],
        "rows": {name: sha256(np.ascontiguousarray(one.numbers).data).hexdigest() for name, one in splits.items()},
        "record": get_record_type(model).descr,
        "loss": model.objective.loss.encoding,
        "columns": model.columns.to_json(),
    }
    return sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:32]


def digest_table(table: Table) -> str:
    """Return a digest of a table that is in memory."""
    total = sha256()
    for name, values in table.columns.items():
        total.update(name.encode())
        total.update(json.dumps(values.tolist()).encode() if values.dtype == object else values.tobytes())
    return total.hexdigest()


def write_rows(model: Model, splits: Mapping[str, Selection], file: Any) -> None:
    """Write the encoded rows of each split into a file.

    Raises:
        InputError: as `encode_splits`.
    """
    kind = get_record_type(model)
    shapes: dict[str, Any] = {}
    for name, selection in splits.items():
        shapes[f"{name}.rows"] = "u1", (len(selection), kind.itemsize)
        shapes[f"{name}.numbers"] = "<i8", (len(selection),)
    writer, notes = ArrayWriter(file, shapes), list[str]()
    keys: dict[str, Array] = {}
    most = max(CHUNK_VALUES // max(len(model.columns.input_names), 1), 1)
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
        "source": "encoded rows",
        "files": list(dict.fromkeys(selection.table.origin for selection in splits.values())),
        "rows": sum(map(len, splits.values())),
        "columns": len(model.columns.input_names),
    }
    writer.finish(facts)


def describe_unseen(unseen: Mapping[str, int]) -> str:
    """Describe categories that are not in the training rows."""
    where = ", ".join(f"{quote(name)} in {count:,} row{'s' * (count > 1)}" for name, count in unseen.items())
    return f"values unseen in training are ignored ({where})"


def describe_ignored(names: Sequence[str]) -> str:
    """Describe columns that the model does not use."""
    some = ", ".join(map(quote, names[:10])) + (f" and {len(names) - 10:,} more" if len(names) > 10 else "")
    return f"ignored the column{'s' * (len(names) > 1)} {some}"


def describe_duplicates(duplicates: Mapping[str, int], counts: Mapping[str, int]) -> str:
    """Describe rows that are also in an earlier split, beside how many rows each split has."""
    each = []
    for name, count in duplicates.items():
        earlier = "training or validation" if name == "test" and "validation" in counts else "training"
        verb = "duplicates" if count == 1 else "duplicate"
        each.append(f"{count:,} of {counts[name]:,} {name} rows {verb} {earlier} rows")
    return ", ".join(each)


def digest_rows(rows: Mapping[str, Rows]) -> str:
    """Return a digest that changes if any row, or its split, changes."""
    return join_digests({name: one.compute_digest() for name, one in rows.items()})


def has_digest(rows: Mapping[str, Rows], digest: str) -> bool:
    """Return whether `digest_rows` gives this digest for these rows, or would give it if they were in memory."""
    if digest_rows(rows) == digest:
        return True
    mapped = any(one.mapped is not None for one in rows.values())
    return mapped and join_digests({name: one.digest_content() for name, one in rows.items()}) == digest


def join_digests(digests: Mapping[str, str]) -> str:
    """Return one digest for the digests of several splits."""
    return sha256("".join(f"{name} {one}\n" for name, one in digests.items()).encode()).hexdigest()


def locate_problem(model: Model, head: Head, problem: str) -> Mistake:
    """Return a problem with the targets of a head as a mistake in the field that causes it, with advice."""
    data, loss, field = model.experiment.data, head.loss, "loss"
    if isinstance(data.target, dict):
        field = f"data.target.{head.name}.loss"
    if getattr(loss, "class_weights", None) is not None and isinstance(head.target, Classes):
        what = problem.removeprefix(f"{name_of(loss)}: class_weights ")
        labels = ", ".join(map(str, head.target.labels[:20])) + (", ..." if len(head.target.labels) > 20 else "")
        return Mistake(f"{field}.{name_of(loss)}.class_weights", f"{what}; write one for each of {labels}", "BP124")
    if data.task == "multi_label":
        return Mistake("data.target", problem, "BP122")
    if data.task == "autoencoder":
        what = f"{problem}, and the inputs are the target; write data.scaling: minmax, or use mse"
        return Mistake(field, what, "BP122")
    return Mistake(field, f"{problem}; choose another target, or a loss that takes any numbers, such as mse", "BP122")

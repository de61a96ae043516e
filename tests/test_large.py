"""Tables larger than memory: the same statistics, rows and places as in memory, whatever the size of the chunks."""

import gzip
import json
import os
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from speeds import sampled

import bptrain
from bptrain.code import list_loaded_code
from bptrain.errors import BptrainNote, ConfigError, InputError, StorageError
from bptrain.model import encoding
from bptrain.model.assemble import assemble_file
from bptrain.model.encoding import digest_rows, has_digest
from bptrain.tables import cache, mapped, store
from bptrain.tables.sources import Csv, Idx, Jsonl, Npy, Npz, Parquet, Synthetic, decoding
from bptrain.tables.table import Table
from bptrain.training.session import begin


@pytest.fixture(autouse=True)
def _small_chunks(tmp_path, monkeypatch):
    """Make chunks so small that a few hundred rows are many of them, and ignore notes about conversion."""
    monkeypatch.setenv("BPTRAIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "LEAST_AGE_NS", -(10**15))
    monkeypatch.setattr(store, "CHUNK_ROWS", 61)
    monkeypatch.setattr(decoding, "CHUNK_BYTES", 700)
    monkeypatch.setattr("bptrain.tables.source.CHUNK_ROWS", 50)
    monkeypatch.setattr(encoding, "CHUNK_VALUES", 200)
    monkeypatch.setattr("bptrain.model.model.CHUNK_ROWS", 70)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "larger than data.memory|.*converted to a file", BptrainNote)
        yield


def whole(table: Table) -> dict[str, list]:
    """Return the columns of a table, read chunk by chunk."""
    found: dict[str, list] = {}
    for start, block in table.chunks():
        assert len(block) <= 61
        for name, values in block.columns.items():
            column = found.setdefault(name, [])
            assert len(column) == start
            column.extend(values.tolist())
    return found


ROWS = 400

CITIES = ["Ulm", "Bonn", "Ko,ln", "New\nYork"]


def mixed(rows=ROWS, seed=0):
    """Return rows with numbers, text, missing values, quoted line breaks, and a column that names their split."""
    rng = np.random.default_rng(seed)
    found = []
    for k in range(rows):
        a, b, c = rng.standard_normal(3)
        found.append(
            {
                "a": "" if k % 9 == 4 else f"{a * 3 + 1:.4f}",
                "b": f"{abs(b):.3f}",
                "city": "" if k % 13 == 5 else str(rng.choice(CITIES, p=[0.5, 0.3, 0.1, 0.1])),
                "ok": "" if k % 31 == 30 else ("yes" if c > 0 else "no"),
                "w": f"{rng.integers(1, 4)}",
                "part": ["train", "train", "train", "validation", "test"][k % 5],
                "when": f"2024-{1 + k % 12:02d}-{1 + k % 28:02d}",
                "family": f"f{k % 37}",
                "y": ["low", "mid", "high"][int(np.clip(a + b + 1, 0, 2))],
                "price": f"{a * 10 + b:.3f}",
            }
        )  # fmt: skip
    return found


def as_csv(rows, path="t.csv"):
    quoted = lambda value: f'"{value}"' if set(value) & set(',\n"') else value  # noqa: E731
    lines = [",".join(rows[0]), *(",".join(map(quoted, row.values())) for row in rows)]
    Path(path).write_text("\n".join(lines) + "\n")


CONFIG = """
data:
  source: {csv: t.csv}
  target: y
  features: [a, b, city, ok]
  columns: {a: {missing: median}, ok: {missing: most_frequent}, city: {missing: most_frequent}}
  indicator: true
  split: {method: column, column: part}
hidden: [6]
training: {epochs: 3, batch_size: 16}
"""

MAPPED = ["data.memory=1kB"]


def config(content=CONFIG):
    Path("c.yaml").write_text(content)
    return "c.yaml"


@pytest.mark.slow
def test_a_stored_source_is_the_table_that_memory_would_hold(tmp_path):
    import duckdb

    rows = mixed()
    as_csv(rows)
    Path("t.csv.gz").write_bytes(gzip.compress(Path("t.csv").read_bytes()))
    Path("u.csv").write_bytes(Path("t.csv").read_text().encode("utf-16"))
    for k in range(2):
        as_csv(rows[k * 200 : k * 200 + 200], f"part-{k}.csv")
    Path("g.csv").write_text("a;b\n" + "".join(f"{k},5;'x\n{k}'\n" for k in range(300)))
    Path("t.jsonl").write_text("\n\n".join(json.dumps({k: v or None for k, v in row.items()}) for row in rows))
    query = "SELECT range AS a, nullif('t' || range % 7, 't3') AS b, range % 2 = 0 AS c FROM range(200000)"
    duckdb.sql(query).write_parquet(str(tmp_path / "t.parquet"))
    array = np.arange(3000, dtype=np.float32).reshape(500, 3, 2)
    np.save("t.npy", array)
    Path("t.npy.gz").write_bytes(gzip.compress(Path("t.npy").read_bytes()))
    np.save("f.npy", np.asfortranarray(array))
    np.savez("t.npz", x=array, y=np.array(list("ab") * 250))
    np.savez_compressed("u.npz", a=array.astype("u1")[:, 0], b=np.arange(500))
    Path("x.idx").write_bytes(bytes([0, 0, 8, 2, 0, 0, 1, 44, 0, 0, 0, 7]) + bytes(k % 256 for k in range(2100)))
    Path("y.idx.gz").write_bytes(gzip.compress(bytes([0, 0, 8, 1, 0, 0, 1, 44]) + bytes(k % 3 for k in range(300))))
    sources = [
        Csv(Path("t.csv")), Csv(Path("t.csv.gz")), Csv(Path("u.csv")), Csv(Path("part-*.csv")),
        Csv(Path("g.csv"), decimal=",", quote="'"), Csv(Path("t.csv"), header=False, text=("column_1",)),
        Jsonl(Path("t.jsonl")), Parquet(Path("t.parquet")), Npy(Path("t.npy")),
        Npy(Path("t.npy.gz")), Npy(Path("f.npy")), Npz(Path("t.npz")), Npz(Path("u.npz")),
        Idx(Path("x.idx"), Path("y.idx.gz")),
    ]  # fmt: skip
    for source in sources:
        read, found = source.load(), cache.load_table(source, memory=100)
        assert found.is_mapped
        assert len(found) == len(read)
        columns = whole(found)
        assert list(columns) == list(read.columns)
        for name, values in read.columns.items():
            assert np.array_equal(columns[name], values) or all(
                x == y or (x != x and y != y) for x, y in zip(columns[name], values.tolist(), strict=True)
            ), (source, name)
        assert found.where(len(read) - 1) == read.where(len(read) - 1)
        assert cache.load_table(source, memory=100).is_mapped
    assert len(list(cache.get_folder().glob("*.table"))) == len(sources)


@pytest.mark.parametrize(
    ("source", "memory", "expected"),
    [
        (Csv(Path("t.csv")), 999, True),
        (Csv(Path("t.csv")), 1000, False),
        (Csv(Path("t.csv.gz")), 3999, True),
        (Csv(Path("t.csv.gz")), 4000, False),
        (Parquet(Path("t.csv")), 3999, True),
        (Npy(Path("t.csv")), 999, True),
        (Npz(Path("t.csv")), 999, True),
        (Synthetic("xor"), 1, False),
    ],
)
def test_what_is_large(source, memory, expected):
    for name in ("t.csv", "t.csv.gz"):
        Path(name).write_bytes(b"x" * 1000)
    assert cache.is_larger(source, cache.get_states(source.files()), memory) == expected


@pytest.mark.parametrize("scaling", ["standard", "minmax", "robust", "log1p", "none"])
@pytest.mark.parametrize("missing", sampled(["median", "mean", "most_frequent", "{constant: 2}"]))
def test_statistics_are_the_same_as_in_memory(scaling, missing):
    as_csv(mixed())
    changes = [f"data.columns.b={{scaling: {scaling}}}", f"data.columns.a={{missing: {missing}, scaling: robust}}"]
    there, here = assemble_file(config(), changes), assemble_file(config(), [*changes, *MAPPED])
    assert there.model.columns.to_json() == here.model.columns.to_json()


def test_rows_are_the_same_as_in_memory():
    as_csv(mixed())
    changes = ["data.class_weight=balanced", "data.sample_weight=w"]
    there, here = assemble_file(config(), changes), assemble_file(config(), [*changes, *MAPPED])
    assert {name: len(rows) for name, rows in here.splits.items()} == {"train": 240, "validation": 80, "test": 80}
    for name, rows in there.splits.items():
        other = here.splits[name]
        assert other.mapped is not None
        assert rows.mapped is None
        for array in ("inputs", "targets", "weights", "numbers"):
            assert np.array_equal(getattr(rows, array), getattr(other, array))
    assert there.notes == here.notes
    assert there.model.experiment.loss == here.model.experiment.loss


@pytest.mark.parametrize("where", [[], MAPPED], ids=["memory", "file"])
def test_other_spellings_of_labels_change_no_input(where):
    changes = ["data.features=[a, city, ok, w]", "data.columns.w={kind: categorical}", *where]
    changes += ["data.columns.city={rare: 30, missing: most_frequent}"]
    rows = mixed()
    as_csv(rows)
    tidy = assemble_file(config(), changes)
    assert "city=other" in tidy.model.columns.input_names
    for k, row in enumerate(rows):
        row["w"] += [".0", "", ".00"][k % 3]
        row["ok"] = [row["ok"], row["ok"].upper(), row["ok"].title()][k % 3]
        row["city"] += " " * (k % 2)
        row["y"] = " " * (k % 3) + row["y"]
    as_csv(rows)
    other = assemble_file(config(), changes)
    for name, expected in tidy.splits.items():
        assert np.array_equal(expected.inputs, other.splits[name].inputs)
        assert np.array_equal(expected.targets, other.splits[name].targets)


def test_numeric_targets(tmp_path):
    as_csv(mixed())
    for target in ("price", "[price, b]"):
        changes = [f"data.target={target}", "data.features=[a, city]"]
        there, here = assemble_file(config(), changes), assemble_file(config(), [*changes, *MAPPED])
        for name, rows in there.splits.items():
            assert np.array_equal(rows.targets, here.splits[name].targets)
    assert here.model.experiment.data.task == "regression"


def test_batches_are_gathered_from_the_file():
    as_csv(mixed())
    assembly = assemble_file(config(), ["data.sample_weight=w", *MAPPED])
    rows, objective = assembly.splits["train"], assembly.model.objective
    for chosen in (np.array([5, 3, 200, 3]), np.arange(7, 20), np.array([239])):
        batch = objective.batch(len(chosen))
        rows.fill(batch, chosen)
        assert np.array_equal(batch.input, rows.inputs[chosen])
        assert np.array_equal(batch.targets, rows.targets[chosen])
        assert np.array_equal(batch.weights, rows.weights[chosen])
    assert sum(len(part) for part in rows.chunks()) == len(rows)


def test_a_file_that_is_cut_short_while_in_use_is_an_error():
    as_csv(mixed())
    assembly = assemble_file(config(), MAPPED)
    (path,) = cache.get_folder().glob("*.rows")
    os.truncate(path, path.stat().st_size // 2)
    for chosen in (np.array([5, 3, 200]), np.arange(200, 216)):
        with pytest.raises(StorageError, match="was cut short while it was in use"):
            assembly.splits["train"].fill(assembly.model.objective.batch(len(chosen)), chosen)


@pytest.mark.parametrize("split", [
    "{method: random}", "{method: stratified}", "{method: time, column: when}", "{method: group, column: family}",
    "{validation: 0.2, test: {csv: other.csv}}", "{method: random, validation: 0, test: 0.3}",
])  # fmt: skip
def test_splits(split):
    as_csv(mixed())
    as_csv(mixed(90, seed=1), "other.csv")
    changes = [f"data.split={split}", "data.columns.a.missing=drop"]
    there, here = assemble_file(config(), changes), assemble_file(config(), [*changes, *MAPPED])
    assert {name: len(rows) for name, rows in there.splits.items()} == {n: len(rows) for n, rows in here.splits.items()}
    assert [note for note in here.notes if "dropped" in note] == [note for note in there.notes if "dropped" in note]
    for name, rows in there.splits.items():
        assert np.array_equal(rows.numbers, here.splits[name].numbers)
        assert np.array_equal(rows.inputs, here.splits[name].inputs)
    own = [rows.numbers for name, rows in here.splits.items() if name != "test" or "other" not in split]
    numbers = np.concatenate(own)
    assert len(set(numbers.tolist())) == len(numbers)
    assert set(numbers.tolist()) == {k for k in range(ROWS) if k % 9 != 4}


def test_a_resumed_run_ends_bit_identical():
    as_csv(mixed())
    changes = [*MAPPED, "data.split={validation: 0.2}"]
    assert bptrain.verify_resume(config(), changes).identical


def test_an_epoch_sees_every_row_once_in_another_order():
    as_csv(mixed())
    session = begin(assemble_file(config(), MAPPED))
    orders = []
    for _ in range(2):
        session.shuffle()
        orders.append(session.order.copy())
        assert np.array_equal(np.sort(orders[-1]), np.arange(240))
    assert not np.array_equal(*orders)


def test_it_trains_and_is_evaluated_and_nothing_is_converted_twice(monkeypatch):
    as_csv(mixed())
    changes = [*MAPPED, "data.split={validation: 0.2, test: 0.2}", "training.epochs=5"]
    result = bptrain.train(config(), changes)
    files = {path.suffix: path.stat().st_mtime_ns for path in cache.get_folder().iterdir()}
    assert sorted(files) == [".rows", ".table"]

    def never(*_):
        raise AssertionError("it is converted again")

    monkeypatch.setattr(encoding, "write_rows", never)
    monkeypatch.setattr(cache, "write_table", never)
    found = bptrain.evaluate(result.checkpoint)
    assert found.rows == 80
    assert found.loss == result.test.loss
    again = bptrain.train(config(), changes)
    assert np.array_equal(again.session.model.network.theta, result.session.model.network.theta)
    contents = bptrain.cache_contents()
    assert {Path(table.path).suffix for table in contents.tables} == {".rows", ".table"}
    assert not [table for table in contents.tables if table.source == "damaged"]


def test_evaluation_refuses_a_file_that_has_changed():
    as_csv(mixed())
    result = bptrain.train(config(), MAPPED)
    as_csv(mixed(seed=5))
    with pytest.raises(InputError, match="has changed since the model was trained"):
        bptrain.evaluate(result.checkpoint)
    as_csv(mixed(300))
    with pytest.raises(InputError, match="has 300 rows, and had 400"):
        bptrain.evaluate(result.checkpoint)


def test_a_flipped_bit_in_the_rows_never_trains():
    as_csv(mixed(60))
    fresh = {name: rows.inputs.copy() for name, rows in assemble_file(config(), MAPPED).splits.items()}
    (path,) = cache.get_folder().glob("*.rows")
    content = path.read_bytes()
    for place in [*range(0, len(content), 29), len(content) - 1]:
        broken = bytearray(content)
        broken[place] ^= 1 << place % 8
        path.write_bytes(broken)
        try:
            mapped.MappedArrays(path)
        except (mapped.Damaged, ValueError, LookupError, TypeError):
            continue
        raise AssertionError(f"nobody noticed byte {place}")
    path.write_bytes(content[:-40])
    with pytest.warns(BptrainNote, match="it is written again"):
        found = assemble_file(config(), MAPPED)
    assert all(np.array_equal(rows.inputs, fresh[name]) for name, rows in found.splits.items())
    assert path.read_bytes() == content


@pytest.mark.parametrize("changes", [["data.cache=false"], []])
def test_without_a_cache_it_is_converted_each_time(monkeypatch, changes):
    as_csv(mixed())
    if not changes:
        monkeypatch.setenv("BPTRAIN_CACHE", "/dev/null/here")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        result = bptrain.train(config(), [*MAPPED, *changes])
    assert result.epochs == 3
    assert any("a temporary file is used instead" in str(one.message) for one in said) == (not changes)
    assert not list(cache.get_folder().glob("*.*")) if changes else True


@pytest.mark.parametrize(
    ("column", "row", "value", "message"),
    [
        ("a", 333, "", r"t\.csv:\d+: a: a missing value"),
        ("b", 333, "x", r"t\.csv:\d+: b: text among the numbers \(got 'x'\)"),
        ("city", 333, "Rome", r"t\.csv:\d+: city: a value unseen in training"),
        ("w", 333, "-1", r"t\.csv:\d+: w: a weight must not be negative"),
        ("y", 333, "", r"t\.csv:\d+: y: the target is missing"),
        ("part", 333, "maybe", r"t\.csv:\d+: part: expected train, validation or test \(got 'maybe'\)"),
    ],
)
def test_a_mistake_far_down_is_reported_with_its_place(column, row, value, message):
    rows = mixed()
    for one in rows:
        one["a"] = one["a"] or "1"
        one["city"] = one["city"] or "Ulm"
    rows[row] = {**rows[row], column: value, "part": "test"} | ({"part": value} if column == "part" else {})
    as_csv(rows)
    changes = ["data.columns.a.missing=error", "data.columns.city.missing=error", "data.sample_weight=w", *MAPPED]
    for some in (changes, changes[:-1]):
        with pytest.raises(InputError, match=message) as caught:
            assemble_file(config(), some)
    line = Path("t.csv").read_text().split("\n").index(",".join(
        f'"{v}"' if set(v) & set(',\n"') else v for v in rows[row].values()
    ).split("\n")[0])  # fmt: skip
    assert f"t.csv:{line + 1}:" in str(caught.value)


def test_duplicate_rows_are_counted():
    rows = mixed()
    for k in range(0, 400, 5):
        rows[k + 4] = {**rows[k], "part": "test"}
    as_csv(rows)
    there, here = assemble_file(config()), assemble_file(config(), MAPPED)
    assert there.duplicates == here.duplicates
    assert here.duplicates["test"] == 80


def test_values_unseen_in_training_are_counted():
    rows = mixed()
    for k in (3, 333):
        rows[k] = {**rows[k], "city": "Rome", "part": "test"}
    as_csv(rows)
    there, here = (assemble_file(config(), ["data.unseen=ignore", *more]) for more in ([], MAPPED))
    assert there.notes == here.notes
    assert "test: values unseen in training are ignored ('city' in 2 rows)" in here.notes


def test_a_broken_file_is_reported_with_its_line():
    as_csv(mixed())
    text_of = Path("t.csv").read_text()
    Path("t.csv").write_text(text_of + "1,2\n")
    with pytest.raises(InputError, match=r"t\.csv:\d+: city: the line has 2 values, and the header has 10"):
        assemble_file(config(), MAPPED)
    assert not list(cache.get_folder().glob("*"))


@pytest.mark.parametrize(("said", "count"), [("2GiB", 2 << 30), ("500MB", 5 * 10**8), ("1.5 KiB", 1536), ("7", 7)])
def test_a_memory_budget_has_units(said, count):
    as_csv(mixed())
    assert assemble_file(config(), [f"data.memory='{said}'"]).model.experiment.data.memory_bytes == count


@pytest.mark.parametrize("said", ["much", "-1", "2 XB", "1e9", "GiB"])
def test_an_invalid_memory_budget_is_an_error(said):
    as_csv(mixed())
    with pytest.raises(ConfigError, match=r"data\.memory: expected .* such as 500MB or 2GiB"):
        assemble_file(config(), [f"data.memory='{said}'"])


def test_validate_checks_large_data_too():
    as_csv(mixed())
    Path("c.yaml").write_text(CONFIG.replace("  indicator", "  memory: 1kB\n  indicator"))
    found = bptrain.validate(["c.yaml"])
    assert found.valid, found.problems
    assert bptrain.dry_run("c.yaml").epoch_seconds > 0
    assert "rows: 240 train" in bptrain.show("c.yaml")


TASKS = {
    "classification": ["data.sample_weight=w"],
    "regression": ["data.target=price", "data.features=[a, city]"],
    "multi_label": ["data.target=[ok, flag]", "data.features=[a, b, city]", "data.task=multi_label",
                    "data.columns={a: {missing: median}, city: {missing: most_frequent}}"],
    "autoencoder": ["data.target=inputs", "data.scaling=minmax"],
    "multi_task": ["data.target={y: {}, price: {weight: 2}}"],
    "a list of several": ["data.target=[y, price]"],
}  # fmt: skip


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("split", sampled(["group", "auto", "random"]))
def test_every_task_trains_to_the_same_bits_as_in_memory(task, split):
    as_csv(
        [row | {"ok": "yes" if k % 3 else "no", "flag": "yes" if k % 7 > 2 else "no"} for k, row in enumerate(mixed())]
    )
    method = "{method: group, column: family}" if split == "group" else f"{{method: {split}}}"
    changes = [*TASKS[task], f"data.split={method}"]
    there, here = (
        bptrain.train(config(), changes, run="there"),
        bptrain.train(config(), [*changes, *MAPPED], run="here"),
    )
    assert there.session.train.mapped is None
    assert here.session.train.mapped is not None
    assert {name: len(rows) for name, rows in there.session.splits.items()} == {"train": len(there.session.train)} | {
        name: len(here.session.splits[name]) for name in ("validation", "test")
    }
    assert (Path("there") / "history.jsonl").read_text() == (Path("here") / "history.jsonl").read_text()
    with np.load(Path("there/checkpoints/last.npz")) as one, np.load(Path("here/checkpoints/last.npz")) as other:
        assert set(one.files) == set(other.files)
        assert all(np.array_equal(one[name], other[name]) for name in one.files if name != "document")
    assert bptrain.evaluate("there").loss == bptrain.evaluate("here").loss


@pytest.mark.parametrize(
    ("source", "mapped"),
    [
        ("{npz: {path: t.npz, inputs: x, target: y}}", True),
        ("{idx: {images: x.idx, labels: y.idx}}", True),
        ("{synthetic: {kind: blobs, rows: 300}}", False),
    ],
)
def test_arrays_are_mapped_even_if_their_encoded_rows_are_in_memory(source, mapped):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 200, (300, 4, 5), np.uint8), rng.integers(0, 3, 300, np.uint8)
    np.savez("t.npz", x=x.reshape(300, 20), y=y)
    for name, array in (("x", x), ("y", y)):
        header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
        Path(f"{name}.idx").write_bytes(header + array.tobytes())
    changes = [f"data.source={source}", "data.target=null", "data.features=null", "data.columns=null", "data.split={}"]
    there, here = assemble_file(config(), changes), assemble_file(config(), [*changes, *MAPPED])
    assert here.table.is_mapped == mapped
    for name, rows in there.splits.items():
        assert here.splits[name].mapped is not None
        assert np.array_equal(rows.inputs, here.splits[name].inputs)
        assert np.array_equal(rows.numbers, here.splits[name].numbers)


NEWCOMERS = """
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bptrain.data import SOURCES, Table

read = []


@SOURCES.register
@dataclass(frozen=True)
class Pairs:
    path: Path

    def files(self) -> tuple[Path, ...]:
        return (self.path,)

    def chunks(self) -> Iterator[Table]:
        lines = self.path.read_text().split()
        for start in range(0, len(lines), 70):
            read.append(start)
            cells = [line.split(":") for line in lines[start : start + 70]]
            columns = {
                "a": np.array([float(cell[0]) for cell in cells]),
                "b": np.array([cell[1] for cell in cells], object),
                "y": np.array([float(cell[2]) for cell in cells]),
            }
            yield Table(columns, str(self.path), target=("y",))


@SOURCES.register
@dataclass(frozen=True)
class Whole:
    path: Path

    def load(self) -> Table:
        cells = [line.split(":") for line in self.path.read_text().split()]
        columns = {
            "a": np.array([float(cell[0]) for cell in cells]),
            "b": np.array([cell[1] for cell in cells], object),
            "y": np.array([float(cell[2]) for cell in cells]),
        }
        return Table(columns, str(self.path), target=("y",))
"""


@pytest.mark.usefixtures("code_is_taken_out")
def test_a_source_from_a_code_file_trains_in_memory_and_above():
    """One source has chunks, which are cached and mapped; the other can only be read whole."""
    Path("newcomers.py").write_text(NEWCOMERS)
    Path("t.pairs").write_text("".join(f"{k % 17}:{'uvw'[k % 3]}:{k % 5}.5\n" for k in range(400)))
    Path("n.yaml").write_text("data: {source: {pairs: {path: t.pairs}}}\nhidden: [3]\ntraining: {epochs: 2}\n")
    runs = {
        name: bptrain.train("n.yaml", changes, run=name, code=["newcomers.py"])
        for name, changes in {
            "memory": ["data.cache=false"],
            "mapped": ["data.cache=false", *MAPPED],
            "again": [],
            "kept": [],
            "whole": ["data.source={whole: {path: t.pairs}}"],
        }.items()
    }
    histories = {(Path(name) / "history.jsonl").read_text() for name in runs}
    (code,) = list_loaded_code()
    assert len(histories) == 1
    assert len(list(cache.get_folder().glob("*.table"))) == 1
    assert sys.modules[code.components[0][2].__module__].read == [0, 70, 140, 210, 280, 350] * 3


def test_rows_of_a_large_table_that_fit_are_in_memory():
    as_csv(mixed(4000))
    changes = ["data.features=[a]", "data.target=price", "data.memory=200kB"]
    there, here = assemble_file(config(), changes[:2]), assemble_file(config(), changes)
    assert here.table.is_mapped
    for name, rows in there.splits.items():
        assert here.splits[name].mapped is None
        assert np.array_equal(rows.inputs, here.splits[name].inputs)


def test_pages_are_released_while_rows_are_gathered(tmp_path, monkeypatch):
    path, values = tmp_path / "a.rows", np.arange(8000, dtype=np.uint8).reshape(1000, 8)
    with open(path, "wb") as file:
        writer = mapped.ArrayWriter(file, {"a": ("u1", values.shape)})
        writer.add({"a": values})
        writer.finish({})
    arrays, released = mapped.MappedArrays(path), []
    monkeypatch.setattr(mapped.MappedArrays, "release", lambda self: released.append(self._gathered))
    rows = np.array([900, 3, 500])
    np.testing.assert_array_equal(arrays.take("a", rows), values[rows])
    assert not released
    monkeypatch.setattr(mapped, "RESIDENT_BYTES", 2 * mapped.FAULT_BYTES)
    np.testing.assert_array_equal(arrays.take("a", rows), values[rows])
    assert not released, "the whole file is smaller"
    monkeypatch.setattr(mapped, "RESIDENT_BYTES", 100)
    np.testing.assert_array_equal(arrays.take("a", rows), values[rows])
    assert released


def test_rows_have_the_same_digest_in_memory_and_in_a_file():
    """A run that began with its rows in memory can resume with them in a file."""
    as_csv(mixed())
    inside = assemble_file(config()).splits
    outside = assemble_file(config(), MAPPED).splits
    assert outside["train"].mapped is not None
    assert has_digest(outside, digest_rows(inside))
    rows = mixed()
    rows[7]["b"] = "9.5"
    as_csv(rows)
    assert not has_digest(assemble_file(config(), MAPPED).splits, digest_rows(inside))

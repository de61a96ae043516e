"""Tables larger than memory: the same statistics, rows and places as in memory, whatever the size of the portions."""

import gzip
import json
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

import bptrain
from bptrain.columns import sampling, statistics
from bptrain.columns.scattering import ROUNDS, Scattered
from bptrain.errors import BptrainNote, ConfigError, InputError
from bptrain.model import large as training_large
from bptrain.model import large_division
from bptrain.model.assemble import prepare
from bptrain.tables import cache, decoding, large, mapped, store
from bptrain.tables import chunks as in_portions
from bptrain.tables.sources import Csv, Jsonl, Npy, Npz, Parquet
from bptrain.tables.synthetic import Synthetic
from bptrain.tables.table import Table
from bptrain.training.session import begin


@pytest.fixture(autouse=True)
def _small_portions(tmp_path, monkeypatch):
    """Portions so small that a few hundred rows are many of them; the notes on converting are not what is tested."""
    monkeypatch.setenv("BPTRAIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "SETTLED", -(10**15))
    monkeypatch.setattr(store, "BLOCK", 61)
    monkeypatch.setattr(large, "BLOCK", 61)
    monkeypatch.setattr(decoding, "CHUNK", 700)
    monkeypatch.setattr(in_portions, "MOST_ROWS", 50)
    monkeypatch.setattr(sampling, "SPREAD", 20)
    monkeypatch.setattr(training_large, "PORTION", 200)
    monkeypatch.setattr(large_division, "COUNTED", 50)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "larger than data.memory|.*converted to a file", BptrainNote)
        yield


def whole(table: Table) -> dict[str, list]:
    """The columns of a table, block after block."""
    found: dict[str, list] = {}
    for start, block in large.blocks(table):
        assert len(block) <= 61
        for name, values in block.columns.items():
            column = found.setdefault(name, [])
            assert len(column) == start
            column.extend(values.tolist())
    return found


ROWS = 400

CITIES = ["Ulm", "Bonn", "Ko,ln", "New\nYork"]


def mixed(rows=ROWS, seed=0):
    """Rows of a table with numbers, text, holes, quoted line breaks, and a column that says which part a row is in."""
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
    np.save("t.npy", np.arange(3000, dtype=np.float32).reshape(500, 3, 2))
    sources = [
        Csv(Path("t.csv")), Csv(Path("t.csv.gz")), Csv(Path("u.csv")), Csv(Path("part-*.csv")),
        Csv(Path("g.csv"), decimal=",", quote="'"), Csv(Path("t.csv"), header=False, text=("column_1",)),
        Jsonl(Path("t.jsonl")), Parquet(Path("t.parquet")), Npy(Path("t.npy")),
    ]  # fmt: skip
    for source in sources:
        read, found = source.load(), large.load(source, memory=100)
        assert large.is_mapped(found)
        assert len(found) == len(read)
        columns = whole(found)
        assert list(columns) == list(read.columns)
        for name, values in read.columns.items():
            assert np.array_equal(columns[name], values) or all(
                x == y or (x != x and y != y) for x, y in zip(columns[name], values.tolist(), strict=True)
            ), (source, name)
        assert found.where(len(read) - 1) == read.where(len(read) - 1)
        assert large.is_mapped(large.load(source, memory=100))
    assert len(list(cache.folder().glob("*.table"))) == len(sources)


@pytest.mark.parametrize(
    ("source", "memory", "expected"),
    [
        (Csv(Path("t.csv")), 999, True),
        (Csv(Path("t.csv")), 1000, False),
        (Csv(Path("t.csv.gz")), 3999, True),
        (Csv(Path("t.csv.gz")), 4000, False),
        (Parquet(Path("t.csv")), 3999, True),
        (Npy(Path("t.csv")), 999, True),
        (Npz(Path("t.csv")), 1, False),
        (Synthetic("xor"), 1, False),
    ],
)
def test_what_is_large(source, memory, expected):
    for name in ("t.csv", "t.csv.gz"):
        Path(name).write_bytes(b"x" * 1000)
    assert large.is_large(source, memory) == expected


@pytest.mark.parametrize("scaling", ["standard", "minmax", "robust", "log1p", "none"])
@pytest.mark.parametrize("missing", ["mean", "median", "most_frequent", "{constant: 2}"])
def test_statistics_are_those_of_memory(scaling, missing):
    as_csv(mixed())
    changes = [f"data.columns.b={{scaling: {scaling}}}", f"data.columns.a={{missing: {missing}, scaling: robust}}"]
    there, here = prepare(config(), changes), prepare(config(), [*changes, *MAPPED])
    one, other = there.model.columns.to_json(), here.model.columns.to_json()
    for x, y in zip(one["features"], other["features"], strict=True):
        for key in ("statistics", "value"):
            if isinstance(x.get(key), float | tuple):
                assert np.allclose(x.pop(key), y.pop(key), rtol=1e-12, atol=1e-14)
        assert x == y
    assert (one["target"], one["weighting"]) == (other["target"], other["weighting"])


def test_rows_are_those_of_memory():
    as_csv(mixed())
    changes = ["data.class_weight=balanced", "data.sample_weight=w"]
    there, here = prepare(config(), changes), prepare(config(), [*changes, *MAPPED])
    assert {name: len(rows) for name, rows in here.parts.items()} == {"train": 240, "validation": 80, "test": 80}
    for name, rows in there.parts.items():
        other = here.parts[name]
        assert other.mapped is not None
        assert np.array_equal(rows.numbers, other.numbers)
        assert np.array_equal(rows.targets, other.targets)
        assert np.allclose(rows.inputs, other.inputs, rtol=1e-6)
        assert np.allclose(rows.weights, other.weights, rtol=1e-6)
    assert there.notes == here.notes
    assert there.model.experiment.loss == here.model.experiment.loss


def test_numbers_to_predict(tmp_path):
    as_csv(mixed())
    for target in ("price", "[price, b]"):
        changes = [f"data.target={target}", "data.features=[a, city]"]
        there, here = prepare(config(), changes), prepare(config(), [*changes, *MAPPED])
        for name, rows in there.parts.items():
            assert np.allclose(rows.targets, here.parts[name].targets, rtol=1e-5, atol=1e-6)
    assert here.model.experiment.data.task == "regression"


def test_batches_are_gathered_from_the_file():
    as_csv(mixed())
    assembly = prepare(config(), ["data.sample_weight=w", *MAPPED])
    rows, objective = assembly.parts["train"], assembly.model.objective
    for chosen in (np.array([5, 3, 200, 3]), np.arange(7, 20), np.array([239])):
        batch = objective.batch(len(chosen))
        rows.fill(batch, chosen)
        assert np.array_equal(batch.input, rows.inputs[chosen])
        assert np.array_equal(batch.targets, rows.targets[chosen])
        assert np.array_equal(batch.weights, rows.weights[chosen])
    assert sum(len(part) for part in rows.portions()) == len(rows)


@pytest.mark.parametrize("split", [
    "{method: random}", "{method: stratified}", "{method: time, column: when}", "{method: group, column: family}",
    "{validation: 0.2, test: {csv: other.csv}}", "{method: random, validation: 0, test: 0.3}",
])  # fmt: skip
def test_splits(split):
    as_csv(mixed())
    as_csv(mixed(90, seed=1), "other.csv")
    changes = [f"data.split={split}", "data.columns.a.missing=drop"]
    there, here = prepare(config(), changes), prepare(config(), [*changes, *MAPPED])
    assert {name: len(rows) for name, rows in there.parts.items()} == {n: len(rows) for n, rows in here.parts.items()}
    assert [note for note in here.notes if "dropped" in note] == [note for note in there.notes if "dropped" in note]
    own = [rows.numbers for name, rows in here.parts.items() if name != "test" or "other" not in split]
    numbers = np.concatenate(own)
    assert len(set(numbers.tolist())) == len(numbers)
    assert set(numbers.tolist()) == {k for k in range(ROWS) if k % 9 != 4}
    assert all((np.diff(rows.numbers) > 0).all() for rows in here.parts.values())
    if "stratified" in split:
        for name, rows in there.parts.items():
            assert Counter(rows.targets.tolist()) == Counter(here.parts[name].targets.tolist())
    if "time" in split or "group" in split:
        assert all(np.array_equal(rows.numbers, here.parts[name].numbers) for name, rows in there.parts.items())


def test_every_set_of_rows_is_as_likely_to_be_held_out():
    as_csv([{"a": str(k), "y": str(k % 7)} for k in range(6)])
    changes = ["data.target=y", "data.features=[a]", "data.columns=null", "data.indicator=false", "data.memory=1B",
               "data.split={validation: 0.34, test: 0}", "data.task=regression", "data.cache=false"]  # fmt: skip
    table = large.load(Csv(Path("t.csv")), memory=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "BLOCK", 2)
        table = large.load(Csv(Path("t.csv")), cached=False, memory=1)
    experiment = prepare(config(), changes).model.experiment
    data = large_division.LargeData(table)
    seen: Counter[tuple[int, ...]] = Counter()
    rng = np.random.default_rng(0)
    for _ in range(3000):
        codes = np.zeros(6, np.uint8)
        large_division.draw(experiment, data, codes, np.array([6]), None, rng)
        seen[tuple(np.flatnonzero(codes).tolist())] += 1
    assert len(seen) == 15
    # Of 200 expected each the standard deviation is 14.
    assert max(seen.values()) < 200 + 5 * 14
    assert min(seen.values()) > 200 - 5 * 14


@given(st.integers(1, 3000), st.integers(0, 2**63), st.integers(1, 400))
def test_scattered_is_a_permutation(count, seed, step):
    keys = np.random.default_rng(seed).integers(0, 1 << 64, ROUNDS, dtype=np.uint64)
    order = Scattered(count, keys)
    found = np.concatenate([order[start : start + step] for start in range(0, count, step)])
    assert np.array_equal(np.sort(found), np.arange(count))
    assert np.array_equal(order[count // 2 : count], found[count // 2 :])


def test_scattered_permutations_are_all_about_as_likely():
    rng = np.random.default_rng(0)
    seen = Counter(
        tuple(Scattered(4, rng.integers(0, 1 << 64, ROUNDS, dtype=np.uint64))[0:4].tolist()) for _ in range(4800)
    )
    assert len(seen) == 24
    assert max(seen.values()) < 200 + 6 * 14
    assert min(seen.values()) > 200 - 6 * 14
    large_one = Scattered(10**12, rng.integers(0, 1 << 64, ROUNDS, dtype=np.uint64))[0:20_000]
    assert len(np.unique(large_one)) == 20_000
    assert abs(large_one.mean() / 10**12 - 0.5) < 0.02
    assert abs(np.corrcoef(large_one[:-1], large_one[1:])[0, 1]) < 0.05


FINITE = st.floats(-1e300, 1e300, allow_nan=False)


@given(st.lists(stn.arrays(np.float64, st.integers(0, 9), elements=FINITE), min_size=1, max_size=5).filter(
    lambda parts: sum(map(len, parts))
))  # fmt: skip
@settings(max_examples=60)
def test_quantiles_and_moments_are_those_of_numpy(parts):
    values = np.concatenate(parts)
    ranks = range(len(values))
    found = statistics.order_statistics(lambda: iter(parts), list(ranks))
    assert [found[k] for k in ranks] == np.sort(values).tolist()
    shares = (0.25, 0.5, 0.75)
    assert np.allclose(statistics.quantiles(lambda: iter(parts), shares), np.quantile(values, shares), rtol=1e-12)
    if np.abs(values).max() < 1e100:
        scale = max(float(np.abs(values).max()), 1e-300)
        mean, spread = statistics.moments(lambda: iter(parts))
        assert abs(mean - values.mean()) <= 1e-12 * scale
        assert abs(spread - values.std()) <= 1e-7 * scale


def test_a_run_that_is_resumed_ends_bit_identical():
    as_csv(mixed())
    changes = [*MAPPED, "data.split={validation: 0.2}"]
    assert bptrain.verify_resume(config(), changes).identical


def test_an_epoch_sees_every_row_once_in_another_order():
    as_csv(mixed())
    session = begin(prepare(config(), MAPPED))
    orders = []
    for _ in range(2):
        session.shuffle()
        orders.append(np.concatenate([session.order[k : k + 16] for k in range(0, 240, 16)]))
        assert np.array_equal(np.sort(orders[-1]), np.arange(240))
    assert not np.array_equal(*orders)
    assert session.arrays()["order"].nbytes == 8 * ROUNDS


def test_it_learns_and_is_evaluated_and_nothing_is_converted_twice(monkeypatch):
    as_csv(mixed())
    changes = [*MAPPED, "data.split={validation: 0.2, test: 0.2}", "training.epochs=5"]
    result = bptrain.train(config(), changes)
    files = {path.suffix: path.stat().st_mtime_ns for path in cache.folder().iterdir()}
    assert sorted(files) == [".rows", ".table"]

    def never(*_):
        raise AssertionError("it is converted again")

    monkeypatch.setattr(training_large, "encode", never)
    monkeypatch.setattr(large, "of_text", never)
    found = bptrain.evaluate(result.checkpoint)
    assert found.rows == 80
    assert found.loss == result.test.loss
    again = bptrain.train(config(), changes)
    assert np.array_equal(again.session.model.network.theta, result.session.model.network.theta)
    contents = bptrain.cache_contents()
    assert {Path(table.path).suffix for table in contents.tables} == {".rows", ".table"}
    assert not [table for table in contents.tables if table.source == "damaged"]


def test_a_file_that_has_changed_is_noticed_by_evaluation():
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
    fresh = {name: rows.inputs.copy() for name, rows in prepare(config(), MAPPED).parts.items()}
    (path,) = cache.folder().glob("*.rows")
    content = path.read_bytes()
    for place in [*range(0, len(content), 29), len(content) - 1]:
        broken = bytearray(content)
        broken[place] ^= 1 << place % 8
        path.write_bytes(broken)
        try:
            mapped.MappedArrays(path)
        except (store.Damaged, ValueError, LookupError, TypeError):
            continue
        raise AssertionError(f"nobody noticed byte {place}")
    path.write_bytes(content[:-40])
    with pytest.warns(BptrainNote, match="it is written again"):
        found = prepare(config(), MAPPED)
    assert all(np.array_equal(rows.inputs, fresh[name]) for name, rows in found.parts.items())
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
    assert any("a temporary file has to do" in str(one.message) for one in said) == (not changes)
    assert not list(cache.folder().glob("*.*")) if changes else True


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
def test_what_is_wrong_far_down_is_told_with_its_place(column, row, value, message):
    rows = mixed()
    for one in rows:
        one["a"] = one["a"] or "1"
        one["city"] = one["city"] or "Ulm"
    rows[row] = {**rows[row], column: value, "part": "test"} | ({"part": value} if column == "part" else {})
    as_csv(rows)
    changes = ["data.columns.a.missing=error", "data.columns.city.missing=error", "data.sample_weight=w", *MAPPED]
    for some in (changes, changes[:-1]):
        with pytest.raises(InputError, match=message) as caught:
            prepare(config(), some)
    line = Path("t.csv").read_text().split("\n").index(",".join(
        f'"{v}"' if set(v) & set(',\n"') else v for v in rows[row].values()
    ).split("\n")[0])  # fmt: skip
    assert f"t.csv:{line + 1}:" in str(caught.value)


def test_rows_that_come_twice_are_counted(monkeypatch):
    rows = mixed()
    for k in range(0, 400, 5):
        rows[k + 4] = {**rows[k], "part": "test"}
    as_csv(rows)
    there, here = prepare(config()), prepare(config(), MAPPED)
    assert there.duplicates == here.duplicates
    assert here.duplicates["test"] == 80
    monkeypatch.setattr(training_large, "MOST_DIGESTS", 100)
    about = prepare(config(), [*MAPPED, "data.cache=false"])
    # A quarter of the rows or fewer are compared.
    assert 10 < about.duplicates["test"] < 240
    assert any(note.startswith("about ") for note in about.notes)


def test_values_unseen_in_training_are_counted():
    rows = mixed()
    for k in (3, 333):
        rows[k] = {**rows[k], "city": "Rome", "part": "test"}
    as_csv(rows)
    there, here = (prepare(config(), ["data.unseen=ignore", *more]) for more in ([], MAPPED))
    assert there.notes == here.notes
    assert "test: values unseen in training are ignored ('city' in 2 rows)" in here.notes


def test_a_broken_file_is_told_with_its_line():
    as_csv(mixed())
    text_of = Path("t.csv").read_text()
    Path("t.csv").write_text(text_of + "1,2\n")
    with pytest.raises(InputError, match=r"t\.csv:\d+: city: the line has 2 values and the header 10"):
        prepare(config(), MAPPED)
    assert not list(cache.folder().glob("*"))


@pytest.mark.parametrize(("said", "count"), [("2GiB", 2 << 30), ("500MB", 5 * 10**8), ("1.5 KiB", 1536), ("7", 7)])
def test_a_budget_has_units(said, count):
    as_csv(mixed())
    assert prepare(config(), [f"data.memory='{said}'"]).model.experiment.data.memory_bytes == count


@pytest.mark.parametrize("said", ["much", "-1", "2 XB", "1e9", "GiB"])
def test_a_budget_without_sense_is_refused(said):
    as_csv(mixed())
    with pytest.raises(ConfigError, match=r"data\.memory: expected .* such as 500MB or 2GiB"):
        prepare(config(), [f"data.memory='{said}'"])


def test_validation_looks_at_large_data_too():
    as_csv(mixed())
    Path("c.yaml").write_text(CONFIG.replace("  indicator", "  memory: 1kB\n  indicator"))
    found = bptrain.validate(["c.yaml"])
    assert found.valid, found.problems
    assert bptrain.dry_run("c.yaml").epoch_seconds > 0
    assert "rows: 240 train" in bptrain.show("c.yaml")


@pytest.mark.parametrize(
    ("target", "task"),
    [
        ("inputs", "autoencoder"),
        ("{y: {}, price: {}}", "multi_task"),
        ("[y, price]", "multi_task"),
        ("[y, family]", "multi_task"),
    ],
)
def test_a_task_that_needs_all_in_memory_is_refused(target, task):
    as_csv(mixed())
    with pytest.raises(ConfigError, match=rf"data\.memory: a table larger than this .* the task {task}; raise it"):
        prepare(config(), [f"data.target={target}", *MAPPED])

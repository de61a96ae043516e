"""The cache of parsed tables: it returns what was read, whatever happens to its files, and without DuckDB."""

import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from speeds import sampled

import bptrain
from bptrain.commands.cache import cache_contents, clear_cache
from bptrain.errors import BptrainNote, InputError, StorageError
from bptrain.tables import cache, mapped, store
from bptrain.tables.cache import get_folder, load_table
from bptrain.tables.sources import BUNDLED_TARGETS, Bundled, Csv, Idx, Jsonl, Npy, Npz, Parquet, Synthetic, Tsv

TEXT = 'city,size,note\nUlm,1.5,\nBonn,,x\n,3,"a\nb"\nKöln,-0.0,y\n'


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BPTRAIN_CACHE", str(tmp_path / "cache"))
    # A test has just written its files.
    monkeypatch.setattr(cache, "LEAST_AGE_NS", -(10**15))


def write_csv(path, text=TEXT):
    path.write_text(text)
    return Csv(path.absolute())


def check_same(one, other):
    assert list(one.columns) == list(other.columns)
    for name, values in one.columns.items():
        found = other.columns[name]
        assert found.dtype == values.dtype
        if values.dtype == object:
            assert found.tolist() == values.tolist()
        else:
            assert found.tobytes() == values.tobytes()
    assert (one.origin, one.target, one.decimal, len(one)) == (other.origin, other.target, other.decimal, len(other))


NUMBERS = st.one_of(
    st.floats(width=64),
    st.floats(width=32),
    st.integers(-(2**53), 2**53).map(float),
    st.integers(-3, 300).map(float),
    st.sampled_from([0.0, -0.0, float("nan"), float("inf"), 5e-324, 32767.0, 32768.0, 255.0, 256.0]),
)
TEXTS = st.one_of(st.none(), st.text(max_size=4), st.sampled_from(["", "a", "ä", "\ud800", "\0", "😀"]))


@given(
    st.lists(st.tuples(NUMBERS, st.integers(0, 255), TEXTS), min_size=1, max_size=40),
    st.integers(1, 7),
    st.integers(1, 40),
)
def test_a_store_gives_back_every_bit(rows, most, step):
    numbers, small, texts = (list(column) for column in zip(*rows, strict=True))
    columns = {
        "numbers": np.array(numbers, np.float64),
        "small": np.array(small, np.float64),
        "texts": np.array([*texts, None], object)[:-1],
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "CHUNK_ROWS", most)
        path = Path("a.table")
        with open(path, "wb") as file:
            writer = store.Writer(file)
            for start in range(0, len(rows), step):
                writer.add({name: values[start : start + step] for name, values in columns.items()})
            writer.finish({"any": [1, None]})
        found = store.Stored(path)
    assert (found.rows, found.facts, list(found)) == (len(rows), {"any": [1, None]}, list(columns))
    assert found["numbers"].tobytes() == columns["numbers"].tobytes()
    assert found["small"].tobytes() == columns["small"].tobytes()
    assert found["texts"].tolist() == columns["texts"].tolist()


def test_numbers_are_stored_in_narrow_types(tmp_path):
    columns = {"pixel": np.arange(256.0), "real": np.linspace(0, 1, 256), "half": np.arange(256) / 2}
    with open(tmp_path / "a", "wb") as file:
        writer = store.Writer(file)
        writer.add(columns)
        writer.finish({})
    (chunk,) = mapped.read_end(tmp_path / "a", mapped.TABLE)["blocks"]
    assert [kind for ((kind, _, _),) in chunk["in"]] == ["u1", "f8", "f4"]


def test_more_labels_than_fit_into_small_codes(tmp_path):
    values = np.array([f"label {k}" for k in range(70_000)] + [None], object)
    with open(tmp_path / "a", "wb") as file:
        writer = store.Writer(file)
        writer.add({"id": values, "other": np.array([f"{k % 300}" for k in range(70_001)], object)})
        writer.finish({})
    found = store.Stored(tmp_path / "a")
    assert found["id"].tolist() == values.tolist()
    assert found["other"][299] == "299"


def idx_file(path, array):
    path.write_bytes(bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes())


def sources(folder):
    """Return one of each source that is cached."""
    import duckdb

    (folder / "t.csv").write_text(TEXT)
    (folder / "t.tsv").write_text(TEXT.replace(",", "\t"))
    (folder / "t.csv.gz").write_bytes(gzip.compress(TEXT.encode()))
    for k in range(2):
        (folder / f"part-{k}.csv").write_text(TEXT)
    (folder / "t.jsonl").write_text('{"a": 1, "b": "x"}\n\n{"a": 2.5}\n')
    duckdb.sql("SELECT range AS a, 't' || range AS b FROM range(5)").write_parquet(str(folder / "t.parquet"))
    np.savez(folder / "t.npz", x=np.arange(6.0).reshape(3, 2), y=np.array(["a", "b", "a"]))
    idx_file(folder / "images", np.arange(8, dtype=np.uint8).reshape(2, 2, 2))
    idx_file(folder / "labels", np.arange(2, dtype=np.uint8))
    return [
        Csv(folder / "t.csv"),
        Csv(folder / "t.csv", header=False),
        Csv(folder / "t.csv", text=("size",)),
        Tsv(folder / "t.tsv"),
        Csv(folder / "t.csv.gz"),
        Csv(folder / "part-*.csv"),
        Jsonl(folder / "t.jsonl"),
        Parquet(folder / "t.parquet"),
        Npz(folder / "t.npz"),
        Idx(folder / "images", folder / "labels"),
        *(Bundled(name) for name in BUNDLED_TARGETS),
    ]


def test_every_source_comes_back_from_the_cache_as_it_was_read(tmp_path):
    found = sources(tmp_path)
    assert {type(source) for source in found} == {Csv, Tsv, Jsonl, Parquet, Npz, Idx, Bundled}
    for k, source in enumerate(found, start=1):
        read, fresh = source.load(), load_table(source)
        kept = load_table(source)
        assert isinstance(kept.columns, store.Stored)
        assert not isinstance(fresh.columns, store.Stored)
        check_same(read, fresh)
        check_same(read, kept)
        assert kept.where(0) == read.where(0)
        assert kept.where(len(read) - 1) == read.where(len(read) - 1)
        assert len(cache_contents().tables) == k
    assert not list(get_folder().glob(".*"))


def test_tables_without_parsing_are_not_cached(tmp_path):
    np.save(tmp_path / "a.npy", np.eye(3))
    assert not Npy(tmp_path / "a.npy").is_parsed()
    assert Synthetic("xor").files() == ()
    load_table(write_csv(tmp_path / "t.csv"), cached=False)
    assert not get_folder().exists()


def test_a_file_that_has_changed_is_read_again(tmp_path):
    source = write_csv(tmp_path / "t.csv")
    before = os.stat(source.path)
    assert load_table(source).columns["size"][0] == 1.5
    source.path.write_text(TEXT.replace("1.5", "2.5"))
    os.utime(source.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert os.stat(source.path).st_size == before.st_size
    assert load_table(source).columns["size"][0] == 2.5
    (tmp_path / "other.csv").write_text(TEXT.replace("1.5", "3.5"))
    os.replace(tmp_path / "other.csv", source.path)
    assert load_table(source).columns["size"][0] == 3.5


def test_a_file_that_changes_while_it_is_read_or_just_did_is_not_cached(tmp_path, monkeypatch):
    source = write_csv(tmp_path / "t.csv")
    original = Csv.load

    def slow(self):
        table = original(self)
        source.path.write_text(TEXT.replace("Ulm", "Kiel"))
        return table

    monkeypatch.setattr(Csv, "load", slow)
    load_table(source)
    assert not get_folder().exists()
    monkeypatch.setattr(Csv, "load", original)
    monkeypatch.setattr(cache, "LEAST_AGE_NS", 10**15)
    load_table(source)
    assert not get_folder().exists()


def test_a_new_file_that_matches_a_pattern_is_noticed(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text("x\n1\n")
        assert len(load_table(Csv(tmp_path / "*.csv"))) == ord(name) - ord("a") + 1


def get_cached_file():
    (path,) = get_folder().glob("*.table")
    return path


@pytest.mark.parametrize("step", sampled([13, 1]))
def test_a_flipped_bit_anywhere_never_gives_wrong_data(tmp_path, monkeypatch, step):
    source = write_csv(tmp_path / "t.csv")
    fresh = load_table(source)
    monkeypatch.setattr(Csv, "load", lambda self: fresh)
    path = get_cached_file()
    content = path.read_bytes()
    for place in range(0, len(content), step):
        broken = bytearray(content)
        broken[place] ^= 1 << place % 8
        path.write_bytes(broken)
        with pytest.warns(BptrainNote, match="the table is read from its source again"):
            assert load_table(source) is fresh
        assert path.read_bytes() == content


def test_a_file_cut_short_or_lengthened_is_read_again(tmp_path):
    source = write_csv(tmp_path / "t.csv")
    fresh = load_table(source)
    path = get_cached_file()
    content = path.read_bytes()
    for broken in [content[:k] for k in (0, 1, 7, 20, len(content) // 2, len(content) - 1)] + [content + b"x"]:
        path.write_bytes(broken)
        with pytest.warns(BptrainNote, match="read from its source again"):
            check_same(fresh, load_table(source))
    check_same(fresh, load_table(source))


@pytest.mark.parametrize("what", ["a file", "full", "no folder"])
def test_a_cache_that_cannot_be_written_causes_a_note(tmp_path, monkeypatch, what):
    source = write_csv(tmp_path / "t.csv")
    if what == "a file":
        get_folder().write_text("")
    elif what == "no folder":
        monkeypatch.setenv("BPTRAIN_CACHE", "/dev/null/here")
    else:

        def full(handle):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(BptrainNote, match=r"cannot be cached for the next run .*cache: false"):
        check_same(source.load(), load_table(source))
    assert what != "full" or not list(get_folder().iterdir())


def test_the_least_recently_used_table_is_removed(tmp_path, monkeypatch):
    made = [write_csv(tmp_path / f"{name}.csv") for name in "abc"]
    load_table(made[0])
    size = get_cached_file().stat().st_size
    monkeypatch.setattr(cache, "MOST_BYTES", int(size * 2.5))
    load_table(made[1])
    for k, one in enumerate(sorted(get_folder().iterdir(), key=lambda path: path.stat().st_mtime)):
        os.utime(one, (1000 + k, 1000 + k))
    load_table(made[0])
    load_table(made[2])
    there = {Path(table.files[0]).name for table in cache_contents().tables}
    assert there == {"a.csv", "c.csv"}
    monkeypatch.setattr(cache, "MOST_BYTES", 1)
    load_table(made[1])
    assert [Path(table.files[0]).name for table in cache_contents().tables] == ["b.csv"]


def test_files_of_dead_processes_are_removed_after_a_day(tmp_path):
    get_folder().mkdir()
    old, new, strange = (get_folder() / name for name in (".a.table.1.tmp", ".b.table.2.tmp", "mine.txt"))
    for path in (old, new, strange):
        path.write_text("")
    os.utime(old, (0, 0))
    os.utime(strange, (0, 0))
    load_table(write_csv(tmp_path / "t.csv"))
    assert sorted(path.name for path in get_folder().iterdir() if path.suffix != ".table") == [new.name, strange.name]


def test_an_error_in_a_cached_table_names_its_line(tmp_path):
    (tmp_path / "t.csv").write_text('a,b,y\n1,"x\ny",p\n2,z,q\n,z,p\n' + "3,z,q\n" * 8)
    (tmp_path / "c.yaml").write_text("data: {source: {csv: t.csv}, target: y}\nhidden: [2]\n")
    said = []
    for _ in range(2):
        (problem,) = bptrain.validate(["c.yaml"]).problems
        said.append(problem.message)
        assert len(cache_contents().tables) == 1
    assert said[0] == said[1]
    assert f"{tmp_path / 't.csv'}:5: a: a missing value" in said[0]


READS = """
import sys
from pathlib import Path
from bptrain.tables.cache import load_table
from bptrain.tables.sources import Csv
table = load_table(Csv(Path(sys.argv[1])))
print(sum(table.columns["size"][[0, 2]]), "".join(map(str, table.columns["city"])), "duckdb" in sys.modules)
"""


@pytest.mark.slow
def test_duckdb_is_not_imported_the_second_time(tmp_path):
    path = write_csv(tmp_path / "t.csv").path
    os.utime(path, (1, 1))
    import time

    time.sleep(0.2)
    said = [
        subprocess.run([sys.executable, "-c", READS, path], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert said == ["4.5 UlmBonnNoneKöln True\n", "4.5 UlmBonnNoneKöln False\n"]


@pytest.mark.slow
def test_simultaneous_processes_read_the_same_and_leave_one_table(tmp_path):
    path = write_csv(tmp_path / "t.csv", TEXT + "Ulm,7,z\n" * 20_000).path
    import time

    time.sleep(0.2)
    for _ in range(3):
        running = [
            subprocess.Popen([sys.executable, "-c", READS, path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            for _ in range(4)
        ]
        said = {process.communicate(timeout=100)[0].partition(b" ")[0] for process in running}
        assert said == {b"4.5"}
        (kept,) = get_folder().iterdir()
        content = bytearray(kept.read_bytes())
        content[len(content) // 2] ^= 1
        kept.write_bytes(content)


def test_show_and_clear(bptrain_in, tmp_path):
    empty = bptrain_in("cache", "show", "--json")
    assert json.loads(empty.stdout) == {
        "folder": str(tmp_path / "cache"), "tables": [], "limit": 5 << 30, "bytes": 0
    }  # fmt: skip
    load_table(write_csv(tmp_path / "t.csv"))
    (get_folder() / "broken.table").write_bytes(b"x" * 100)
    shown = json.loads(bptrain_in("cache", "show", "--json").stdout)
    by_source = {table["source"]: table for table in shown["tables"]}
    assert by_source["csv"]["files"] == [str(tmp_path / "t.csv")]
    assert (by_source["csv"]["rows"], by_source["csv"]["columns"]) == (4, 3)
    assert shown["bytes"] == sum(path.stat().st_size for path in get_folder().iterdir())
    words = bptrain_in("cache").stdout
    assert "t.csv" in words
    assert "is damaged" in words
    assert "2 tables" in words
    removed = json.loads(bptrain_in("cache", "clear", "--json").stdout)
    assert removed == {"folder": str(tmp_path / "cache"), "tables": 2, "bytes": shown["bytes"]}
    assert list(get_folder().iterdir()) == []
    assert "removed 0 tables" in bptrain_in("cache", "clear").stdout
    assert (tmp_path / "t.csv").exists()


def test_a_cache_folder_that_cannot_be_read_is_an_error(tmp_path, monkeypatch):
    def denied(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(StorageError, match="Permission denied"):
        cache_contents()
    with pytest.raises(StorageError, match="Permission denied"):
        clear_cache()


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        ({"BPTRAIN_CACHE": "/x/y"}, "linux", "/x/y"),
        ({"XDG_CACHE_HOME": "/x"}, "linux", "/x/bptrain"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, "linux", "/h/.cache/bptrain"),
        ({"HOME": "/h"}, "darwin", "/h/Library/Caches/bptrain"),
        ({"HOME": "/h", "LOCALAPPDATA": "/l"}, "win32", "/l/bptrain/cache"),
    ],
)
def test_the_folder_of_the_cache(monkeypatch, environment, platform, expected):
    for name in ("BPTRAIN_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert get_folder() == Path(expected)


def test_the_config_of_a_run_says_whether_the_cache_is_used(tmp_path):
    (tmp_path / "t.csv").write_text("a,y\n" + "1,p\n2,q\n" * 20)
    (tmp_path / "c.yaml").write_text("data: {source: {csv: t.csv}, target: y}\nhidden: [2]\ntraining: {epochs: 1}\n")
    result = bptrain.train("c.yaml", ["data.cache=false"])
    assert not get_folder().exists()
    assert bptrain.train("c.yaml").best.score == result.best.score
    again = bptrain.train("c.yaml")
    assert len(cache_contents().tables) == 1
    assert again.best.score == result.best.score
    assert again.session.data == result.session.data
    assert bptrain.resume(again.run, ["training.epochs=2", "data.cache=false"]).epochs == 2


def test_an_error_in_a_file_is_reported_each_time(tmp_path):
    source = write_csv(tmp_path / "t.csv", "a,b\n1\n")
    for _ in range(2):
        with pytest.raises(InputError, match=r"t\.csv:2: b: the line has 1 value"):
            load_table(source)
    assert not get_folder().exists()


def test_a_store_without_columns(tmp_path):
    buffer = io.BytesIO()
    store.Writer(buffer).finish({})
    (tmp_path / "a").write_bytes(buffer.getvalue())
    found = store.Stored(tmp_path / "a")
    assert (found.rows, list(found)) == (0, [])

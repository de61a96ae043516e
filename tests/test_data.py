"""Data: no row of a file is lost, splits are exact, and statistics come from the training rows only."""

import csv
import gzip
import hashlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bptrain.columns.columns import fit
from bptrain.columns.options import Treatment
from bptrain.columns.scalers import SCALERS, Standard
from bptrain.columns.splits.split import Split
from bptrain.columns.targets import find_classes
from bptrain.errors import InputError, OptionError
from bptrain.model.assemble import assemble_file
from bptrain.tables.sources import BUNDLED_TARGETS, Bundled, Csv, Synthetic
from bptrain.tables.table import Selection

NUMBERS = ("numeric", Treatment())

DATASETS = Path(__file__).parents[1] / "datasets"

# Rows, features, and the mean of the first feature, as published with the data sets.
FACTS = {
    "iris": (150, 4, 5.843333333333334, 3),
    "wine": (178, 13, 13.00061797752809, 3),
    "breast_cancer": (569, 30, 14.127291739894552, 2),
    "digits": (1797, 64, 0.0, 10),
    "diabetes": (442, 10, 48.51809954751131, None),
}


def test_all_bundled_data_sets_are_known():
    assert set(FACTS) == set(BUNDLED_TARGETS)


@pytest.mark.parametrize("name", FACTS)
def test_bundled_data_set(name):
    rows, features, mean, classes = FACTS[name]
    table = Bundled(name).load()
    target = BUNDLED_TARGETS[name]
    assert (len(table), len(table.columns) - 1, table.target) == (rows, features, (target,))
    assert list(table.columns)[-1] == target
    first = table.get_finite_numbers(next(iter(table.columns)))
    assert first.mean() == pytest.approx(mean, rel=1e-12)
    if classes:
        assert len(find_classes(Selection(table), target).labels) == classes


def test_checksums_in_the_readme():
    text = (DATASETS / "README.md").read_text()
    listed = dict(re.findall(r"^\| `([\w.]+)` \| `([0-9a-f]{64})` \|$", text, re.M))
    files = {path.name for path in DATASETS.glob("*.csv*")}
    assert set(listed) == files
    assert len(files) == 5
    for name, digest in listed.items():
        assert hashlib.sha256((DATASETS / name).read_bytes()).hexdigest() == digest, name


def write(path, content):
    """Write text or bytes to a file, gzipped if its name ends in `.gz`, and return its path."""
    data = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def read_csv(path):
    return Csv(path).load()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.csv", "a,b,c\n1,2.5,x\n-3,1e-3,y\n"),
        ("no_last_newline.csv", "a,b,c\n1,2.5,x\n-3,1e-3,y"),
        ("windows.csv", "a,b,c\r\n1,2.5,x\r\n-3,1e-3,y\r\n"),
        ("bom.csv", b"\xef\xbb\xbfa,b,c\n1,2.5,x\n-3,1e-3,y\n"),
        ("quoted.csv", '"a","b","c"\n"1","2.5","x"\n-3,1e-3,"y"\n'),
        ("zipped.csv.gz", "a,b,c\n1,2.5,x\n-3,1e-3,y\n"),
        ("with blank lines.csv", "a,b,c\n\n1,2.5,x\n\n-3,1e-3,y\n\n"),
        ("wild[card]*?.csv", "a,b,c\n1,2.5,x\n-3,1e-3,y\n"),
    ],
)
def test_csv_is_read_completely(tmp_path, name, content):
    table = read_csv(write(tmp_path / name, content))
    assert table.columns["a"].tolist() == [1, -3]
    assert table.columns["b"].tolist() == [2.5, 0.001]
    assert table.columns["c"].tolist() == ["x", "y"]


def test_odd_names_and_values_are_kept(tmp_path):
    path = write(tmp_path / "odd.csv", 'a"b\',"x, y",[red],ünïcode\n1,"line\nbreak","say ""hi""",é\n')
    table = read_csv(path)
    assert list(table.columns) == ["a\"b'", "x, y", "[red]", "ünïcode"]
    assert [column[0] for column in table.columns.values()] == [1, "line\nbreak", 'say "hi"', "é"]


def test_the_name_of_a_folder_is_not_a_value(tmp_path):
    (tmp_path / "a=5").mkdir()
    table = read_csv(write(tmp_path / "a=5" / "d.csv", "a,b\n1,2\n3,4\n"))
    assert table.columns["a"].tolist() == [1, 3]


def test_a_damaged_gzip_file_is_an_error(tmp_path):
    whole = gzip.compress(b"a,b\n" + b"1,2\n" * 100)
    for damaged in (whole[:-6] + bytes([whole[-6] ^ 1]) + whole[-5:], whole[:-12]):
        with pytest.raises(InputError, match=r"d\.csv\.gz: "):
            read_csv(write_bytes(tmp_path / "d.csv.gz", damaged))


def write_bytes(path, data):
    path.write_bytes(data)
    return path


@given(
    st.lists(st.lists(st.sampled_from(["1", "x", '"a,b"', '"l\nm"', "", '""', '"say ""hi"""']), min_size=1, max_size=4))
)
def test_no_row_is_lost_or_padded(lines):
    """Python's csv module reads the same, or a line with too few or too many values is an error."""
    text = "a,b\n" + "".join(",".join(line) + "\n" for line in lines)
    path = Path("f.csv")
    path.write_text(text)
    expected = [record for record in csv.reader(io.StringIO(text, newline="")) if record][1:]
    ragged = any(len(record) != 2 for record in expected)
    if ragged or not expected:
        with pytest.raises(InputError):
            read_csv(path)
    else:
        assert len(read_csv(path)) == len(expected)


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        ("a,b\n1,2\n,3\n", 3, "a missing value or NaN"),
        ("a,b\n1,2\nnan,3\n", 3, "a missing value or NaN"),
        ("a,b\n1,2\n1,2\ninf,3\n", 4, "an infinite value"),
        ('b,a\n"x\ny",2\nz,\n', 4, "a missing value or NaN"),
        ("a\n1\n\n2\n", 3, "a missing value or NaN"),
        ("a,b\n\n\n1,2\n,3\n", 5, "a missing value or NaN"),
        ("a,b\n1,2\n1,2\nten,3\n", 4, "text among the numbers (got 'ten')"),
        ("a,b\n1,2\n1,2\n１２,3\n", 4, "text among the numbers (got '１２')"),
        ("a,b\n,2\n,2\n", 2, "the whole column is empty"),
        ("a,b\n1,2\n1_000,2\n", 3, "text among the numbers (got '1_000')"),
    ],
)
def test_the_first_value_that_is_not_a_number_is_reported_with_its_line(tmp_path, content, line, what):
    table = read_csv(write(tmp_path / "my.csv", content))
    with pytest.raises(InputError, match=re.escape(f"my.csv:{line}: a: {what}")):
        table.get_finite_numbers("a")


SPLIT = st.tuples(st.floats(0, 0.4), st.floats(0, 0.4))


@given(st.integers(30, 300), SPLIT, st.integers(2, 5), st.integers(0, 2**32), st.sampled_from(["random", "stratified"]))
def test_a_split_has_every_row_once(count, shares, classes, seed, method):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, classes, count)
    try:
        parts = Split(*shares, method=method).draw_rows(count, codes, rng)
    except OptionError:
        # shares of less than half a row
        assert min(share for share in shares if share) * count < 1
    else:
        together = np.concatenate(list(parts.values()))
        assert sorted(together.tolist()) == list(range(count))
        for name, share in zip(("validation", "test"), shares, strict=True):
            assert abs(len(parts[name]) - share * count) <= 1
            if method == "stratified":
                assert set(codes[parts["train"]]) == set(codes)
                for code in np.unique(codes):
                    mine = np.count_nonzero(codes[parts[name]] == code)
                    assert mine <= share * np.count_nonzero(codes == code) + 1


def test_stratified_shares_are_exact_where_possible():
    codes = np.repeat([0, 1, 2], [100, 40, 20])
    parts = Split(0.1, 0.2, "stratified").draw_rows(160, codes, np.random.default_rng(0))
    assert np.bincount(codes[parts["validation"]]).tolist() == [10, 4, 2]
    assert np.bincount(codes[parts["test"]]).tolist() == [20, 8, 4]


def test_a_split_depends_on_the_seed_only():
    codes = np.arange(90) % 3
    one, same, other = (Split().draw_rows(90, codes, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert (one["test"] == same["test"]).all()
    assert (one["test"] != other["test"]).any()


def test_statistics_come_from_the_training_rows_only():
    table = Synthetic("line", rows=50).load()
    table.columns["x"][10:] = 1e6
    columns = fit(table, np.arange(10), {"x": NUMBERS}, {"y": Treatment()})
    mean, std = columns.features[0].statistics
    x = table.columns["x"][:10]
    assert (mean, std) == pytest.approx((x.mean(), x.std()), rel=1e-12)
    scaled = columns.encode_inputs(table)[:10, 0]
    assert scaled.mean() == pytest.approx(0, abs=1e-12)
    assert scaled.std() == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e8, -3.3])
def test_a_constant_column_is_scaled_to_zero(value):
    column = np.full(7, value)
    scaled = Standard().apply(column, Standard().fit(column))
    assert np.abs(scaled).max() <= 1e-7


@pytest.mark.parametrize("name", list(SCALERS))
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
@example([0.0, 0.0, 0.0, 2e-313, 1.0])
def test_scaling_can_be_undone(name, values):
    column, scaler = np.array(values), SCALERS.members[name]()
    # The logarithm preserves the relative error of 1 + x.
    column = np.abs(column) if name == "log1p" else column
    statistics = scaler.fit(column)
    back = scaler.invert(scaler.apply(column, statistics), statistics)
    np.testing.assert_allclose(back, column, rtol=1e-9, atol=1e-9)


def test_columns_are_found_by_name(tmp_path):
    table = read_csv(write(tmp_path / "a.csv", "a,b,y\n1,10,2\n3,30,4\n5,50,7\n"))
    other = read_csv(write(tmp_path / "b.csv", "extra,y,b,a\nz,2,10,1\nz,4,30,3\nz,7,50,5\n"))
    columns = fit(table, np.arange(3), {"a": NUMBERS, "b": NUMBERS}, {"y": Treatment()})
    np.testing.assert_array_equal(columns.encode_inputs(other), columns.encode_inputs(table))
    np.testing.assert_array_equal(columns.encode_targets(other), columns.encode_targets(table))


def test_synthetic_sources_follow_their_formulas():
    xor = Synthetic("xor", rows=4).load().columns
    assert list(zip(xor["a"], xor["b"], xor["xor"], strict=True)) == [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)]
    line = Synthetic("line", rows=1000, slope=3, intercept=2, noise=0).load().columns
    np.testing.assert_allclose(line["y"], 3 * line["x"] + 2, rtol=1e-14)
    plane = Synthetic("plane", rows=1000, slope=3, intercept=2, noise=0).load().columns
    np.testing.assert_allclose(plane["y"], 3 * plane["x1"] - 1.5 * plane["x2"] + 2, rtol=1e-13, atol=1e-13)
    noisy = Synthetic("line", rows=100_000, noise=0.1).load().columns
    assert np.std(noisy["y"] - 3 * noisy["x"] - 2) == pytest.approx(0.1, rel=0.02)


@pytest.mark.parametrize("value", ["5", "1e300", "-0.5"])
def test_a_constant_target_is_an_error(tmp_path, value):
    (tmp_path / "flat.csv").write_text("a,y\n" + "".join(f"{k},{value}\n" for k in range(20)))
    (tmp_path / "flat.yaml").write_text("data: {source: {csv: flat.csv}, target: y, task: regression}\nhidden: [4]\n")
    with pytest.raises(InputError, match=r"y: the target is .* in all \d+ training rows; there is nothing to learn"):
        assemble_file("flat.yaml")

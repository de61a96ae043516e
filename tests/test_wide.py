"""Wide tables: the work of each command grows with the columns, not with their square."""

import sys
from pathlib import Path

import pytest
from samples import WIDE_COMMANDS, write_wide

from bptrain.columns.options import FeatureChoice
from bptrain.config import Data
from bptrain.errors import OptionError
from bptrain.model.roles import check_unique, get_feature_field
from bptrain.tables.sources import Csv
from bptrain.tables.sources.csv_text import csv_reader

NARROW, WIDE = 250, 1000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Tables of 60 rows, with a config and a run each."""
    folder = tmp_path_factory.mktemp("wide")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for columns in (NARROW, WIDE):
            write_wide(columns)
    return folder


def count_calls(work):
    """Count the functions that some work calls, in Python and in C."""
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.slow
@pytest.mark.parametrize("command", WIDE_COMMANDS)
def test_four_times_the_columns_take_far_less_than_sixteen_times_the_calls(command, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)
    run = WIDE_COMMANDS[command]
    run(str(NARROW), tmp_path / "first")
    narrow, wide = (count_calls(lambda n=n: run(str(n), tmp_path / str(n))) for n in (NARROW, WIDE))
    assert wide < 5 * narrow


class CountedName(str):
    """A name that counts how often names are compared."""

    __slots__ = ()
    comparisons = 0
    __hash__ = str.__hash__

    def __eq__(self, other):
        type(self).comparisons += 1
        return str(self) == str(other)


def test_the_field_of_a_feature_is_found_without_a_search():
    names = [f"wide_{k}" for k in range(200)]
    for features in (tuple(map(CountedName, names)), FeatureChoice(include=tuple(map(CountedName, names)))):
        data = Data(Csv(Path("t.csv")), features=features)
        CountedName.comparisons = 0
        field = "data.features" if isinstance(features, tuple) else "data.features.include"
        assert [get_feature_field(data, name) for name in names] == [f"{field}.{k}" for k in range(200)]
        assert CountedName.comparisons < 1000
    assert get_feature_field(Data(Csv(Path("t.csv"))), "a") == "data.features"


def test_a_name_given_twice_is_found_without_comparing_all_pairs():
    names = tuple(CountedName(f"wide_{k}") for k in range(200))
    CountedName.comparisons = 0
    check_unique(names, "data.features")
    assert CountedName.comparisons < 1000
    with pytest.raises(OptionError, match="names the column 'wide_7' twice"):
        check_unique((*names, CountedName("wide_7")), "data.features")


def test_no_column_is_searched_for_underscores_where_rows_have_none(monkeypatch, tmp_path):
    """DuckDB's time for such searches grows with the square of the columns, and no call of Python's shows it."""
    asked, execute = [], csv_reader.execute

    def record(database, file, what, types):
        asked.append(what)
        return execute(database, file, what, types)

    monkeypatch.setattr(csv_reader, "execute", record)
    for cell, searched in (("1000", False), ("1_000", True), ("+-5", True), ("nan(1)", True)):
        asked.clear()
        Path("t.csv").write_text(f"wide_0,wide_1,y\n1,{cell},a\n2,3,b\n", encoding="utf-8")
        table = Csv(Path("t.csv")).load()
        assert (table.columns["wide_1"].dtype == object) == searched
        assert asked
        assert any("'_'" in what for what in asked) == searched

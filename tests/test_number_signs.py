"""How numbers are written: what is guessed for a first config, what is asked for, and that the config agrees."""

import csv
import re
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bptrain
from bptrain.config import load
from bptrain.errors import BptrainNote, InputError
from bptrain.model.assemble import assemble_file
from bptrain.model.read import read
from bptrain.tables.guess import read_with_source
from bptrain.tables.number_signs import compile_number
from bptrain.tables.reading_options import ReadingOptions

ROWS = 40


def write_column(cells, name="x"):
    """Write a table with a column of these cells, repeated, and one of numbers."""
    rows = [(cells[k % len(cells)], k) for k in range(max(ROWS, len(cells)))]
    with open("t.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([(name, "z", "w"), *((*row, row[1] % 7) for row in rows)])


def guess(name="x"):
    """Return the options that are guessed beside the usual ones, the values of the column, and the notes."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        source, table = read_with_source("t.csv")
    usual = type(source)(source.path)
    options = {key: value for key, value in vars(source).items() if value != getattr(usual, key)}
    if "missing" in options:
        options["missing"] = tuple(mark for mark in options["missing"] if mark not in usual.missing)
    return options, table.columns[name].tolist(), [str(one.message) for one in caught]


GROUPED = ["1,000", "12,345", "7", "1,234,567", "999", "2,048", "3,072"]

COLUMNS = [
    (GROUPED, {"thousands": ","}, [1000, 12345, 7, 1234567, 999, 2048, 3072]),
    (["1,234.5", "7.25", "-1,000"], {"thousands": ","}, [1234.5, 7.25, -1000]),
    (["0,844", "1,5", "-2,25"], {"decimal": ","}, [0.844, 1.5, -2.25]),
    (["1.234,5", "7,25", "-1.000"], {"decimal": ",", "thousands": "."}, [1234.5, 7.25, -1000]),
    (["1 234,5", "7,25"], {"decimal": ",", "thousands": " "}, [1234.5, 7.25]),
    (["1'234.5", "7.25"], {"thousands": "'"}, [1234.5, 7.25]),
    (["$10.50", "$3", "-$7", "$-2"], {"strip": ("$",)}, [10.5, 3, -7, -2]),
    (["12%", "7.5 %", "-1%"], {"strip": ("%",)}, [12, 7.5, -1]),
    (["$1,234.00", "$7.10"], {"thousands": ",", "strip": ("$",)}, [1234, 7.1]),
    (["1,234.5 EUR", "7.0 EUR"], {"thousands": ",", "strip": ("EUR",)}, [1234.5, 7]),
    ([f"{k}.5 kmpl" for k in range(9)], {"strip": ("kmpl",)}, [k + 0.5 for k in range(9)]),
    (["5kg", "6kg", "7.5kg"], {"strip": ("kg",)}, [5, 6, 7.5]),
    (["1", "2.5", "?"], {"missing": ("?",)}, [1, 2.5, None]),
    (["1", "2.5", "#N/A", "n/a"], {"missing": ("#N/A", "n/a")}, [1, 2.5, None, None]),
    (["1", "2", "3", "none", "-"], {"missing": ("-", "none")}, [1, 2, 3, None, None]),
    ([*map(str, range(30)), "closed"], {"missing": ("closed",)}, [*range(30), None]),
    (["red", "blue", "?"], {"missing": ("?",)}, ["red", "blue", None]),
    (["02116", "07307", "94110"], {"text": ("x",)}, ["02116", "07307", "94110"]),
    (["101E010031", "888E010010"], {"text": ("x",)}, ["101E010031", "888E010010"]),
    (["9007199254740993", "9007199254740995"], {"text": ("x",)}, ["9007199254740993", "9007199254740995"]),
    (["NA", "ZA", "BW"], {"missing": ()}, ["NA", "ZA", "BW"]),
    # None of these is taken for a number with a sign.
    (["A11", "A12", "A13"], {}, ["A11", "A12", "A13"]),
    (["40-49", "50-59"], {}, ["40-49", "50-59"]),
    (["2 Door", "4 Door"], {}, ["2 Door", "4 Door"]),
    (["1.2.3", "1.3.0"], {}, ["1.2.3", "1.3.0"]),
    (["$1", "€2", "7"], {}, ["$1", "€2", "7"]),
    (["<0.5", "0.7", "0.9"], {}, ["<0.5", "0.7", "0.9"]),
    (["1", "2", "A", "B"], {}, ["1", "2", "A", "B"]),
    (["none", "some", "many"], {}, ["none", "some", "many"]),
    (["1.100", "2.250"], {}, [1.1, 2.25]),
    (["0", "0.5", "10"], {}, [0, 0.5, 10]),
]


@pytest.mark.parametrize(("cells", "options", "values"), COLUMNS, ids=[one[0][0] for one in COLUMNS])
def test_a_column_is_read_as_all_its_numbers_agree(cells, options, values):
    write_column(cells)
    found, column, notes = guess()
    assert found == options
    assert [None if value != value else value for value in column[: len(values)]] == values
    assert len(notes) == len(options)
    # The config that is written says so, and gives the same without guessing.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Path("c.yaml").write_text(bptrain.init("t.csv", "z"), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error", BptrainNote)
        table = read(load("c.yaml"))
    assert [None if value != value else value for value in table.columns["x"].tolist()[: len(values)]] == values


def test_columns_decide_for_one_another():
    Path("t.csv").write_text("x;y\n" + "1.100;0,10\n2.250;0,35\n" * 20)
    options, column, _ = guess()
    assert options == {"delimiter": ";", "decimal": ",", "thousands": "."}
    assert column[:2] == [1100, 2250]


def test_what_two_readings_fit_is_asked_for_and_both_answers_work():
    write_column(["1,234", "5,678"])
    with pytest.raises(InputError, match=r"x: '1,234' may be 1234 \(thousands: ','\) or 1\.234 \(decimal: ','\)"):
        guess()
    assert read_with_source("t.csv", reading=ReadingOptions(thousands=","))[1].columns["x"][0] == 1234
    assert read_with_source("t.csv", reading=ReadingOptions(decimal=","))[1].columns["x"][0] == 1.234


def test_a_few_texts_among_a_target_of_numbers_never_make_classes():
    write_column([*map(str, range(20, 60)), "n/a"], "age")
    with pytest.warns(BptrainNote, match=r"'n/a' \(1 value\) means a missing value"):
        text = bptrain.init("t.csv", "age")
    assert "task: regression" in text
    assert "age: {missing: drop}" in text


@given(
    st.floats(-1e9, 1e9).map(lambda value: round(value, 2)),
    st.sampled_from([(".", ","), (",", "."), (".", "'"), (",", " ")]),
)
def test_a_grouped_number_fits_its_own_signs(value, signs):
    decimal, thousands = signs
    text = f"{value:,.2f}".translate(str.maketrans(",.", thousands + decimal))
    assert compile_number(decimal, thousands).fullmatch(text)
    assert not compile_number(thousands, decimal).fullmatch(text) or thousands not in text or "," not in text + decimal


ADVICE = [
    (GROUPED, "thousands: ','"),
    ([f"${k}.50" for k in range(40)], "strip: ['$']"),
    ([f"1.2{k},5 EUR" for k in range(10, 50)], "decimal: ',', thousands: '.', strip: ['EUR']"),
    (["1,234", "5,678"], "thousands: ',' if '1,234' is 1234, or decimal: ',' if it is 1.234,"),
]


@pytest.mark.parametrize(("cells", "options"), ADVICE, ids=[one[0][0] for one in ADVICE])
def test_a_config_is_told_which_options_read_its_numbers(cells, options):
    write_column(cells)
    config = "data: {{source: {{csv: {{path: t.csv{}}}}}, target: z, task: regression, features: [x]}}\nhidden: [4]\n"
    Path("c.yaml").write_text(config.format(""))
    with pytest.raises(InputError, match="if these are numbers, write " + re.escape(options)):
        assemble_file("c.yaml")
    # The advice is followed, the first of two.
    Path("c.yaml").write_text(config.format(f", {options.partition(' if ')[0]}"))
    assert assemble_file("c.yaml").model.columns.input_names == ("x",)

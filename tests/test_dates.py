"""Dates: forms against Python's datetime, encodings against closed forms, and what a user meets on the way."""

import math
import random
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bptrain
from bptrain.columns.dates.calendar import describe_calendar, is_series
from bptrain.columns.dates.forms import FORMS, Form, find_forms, parse_dates
from bptrain.errors import OptionError

MONTH = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def objects(values):
    return np.array(values, object)


def write_day(day: datetime, form: str) -> str:
    """Write a day by replacing what a form is made of; the independent truth of the parser."""
    text = form.replace("YYYY", f"{day.year:04d}").replace("YY", f"{day.year % 100:02d}")
    text = text.replace("Mon", "\0").replace("MM", f"{day.month:02d}").replace("DD", f"{day.day:02d}")
    return text.replace("\0", MONTH[day.month - 1])


def read(text: str, form: str):
    """Return the datetime that a text is read as; None: it is not of that form."""
    found = parse_dates(objects([text]), Form(form))
    assert found.wrong.tolist() == np.isnat(found.times).tolist()
    return None if found.wrong[0] else found.times[0].astype(datetime)


TIMES = ["", " %H:%M", "T%H:%M:%S", " %H:%M:%S.%f", "T%H:%M:%SZ", " %I:%M:%S %p", "T%H:%M:%S+02:00", " %H:%M-0530"]


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2068, 12, 31)),
    st.sampled_from([form.text for form in FORMS] + ["YYYYMMDD", "DD.MM.YY", "YYYY", "yyyy-mm-dd"]),
    st.sampled_from(TIMES),
)
def test_what_is_written_in_a_form_is_read_back(moment, form, time):
    has_day = "DD" in form.upper()
    text = write_day(moment, form.upper().replace("MON", "Mon")) + moment.strftime(time) * has_day
    expected = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if has_day and time:
        exact = {"second": "%S" in time, "microsecond": "%f" in time}
        expected = moment.replace(**{field: 0 for field, kept in exact.items() if not kept})
        offset = timedelta(hours=2) if "+02" in time else -timedelta(hours=5, minutes=30) if "-0530" in time else None
        if offset is not None:
            expected = expected.replace(tzinfo=timezone(offset)).astimezone(UTC).replace(tzinfo=None)
    if not has_day:
        expected = expected.replace(day=1, month=expected.month if "M" in form.upper() else 1)
    assert read(text, form) == expected


PIECES = st.sampled_from(
    ["2024", "-", "01", "31", "T", " ", ":", "12", "+02:00", "Z", ".5", "/", "Jan", "0", "\0", "x"]
)


@given(st.lists(st.one_of(st.lists(PIECES, max_size=9).map("".join), st.text(max_size=12)), max_size=6))
def test_a_text_is_read_alike_alone_and_among_others(texts):
    for form in (Form("YYYY-MM-DD"), Form("DD/MM/YYYY"), Form("Mon YYYY")):
        found = parse_dates(objects([*texts, None]), form)
        alone = [parse_dates(objects([text]), form).times[0] for text in texts]
        np.testing.assert_array_equal(found.times[:-1], np.array(alone, "datetime64[us]"))
        assert found.wrong.tolist() == [*np.isnat(np.array(alone, "datetime64[us]")).tolist(), False]
    assert len(find_forms(objects(texts))) <= len(FORMS)


READ = [
    ("2024-12-31T23:59:59.123456Z", "YYYY-MM-DD", datetime(2024, 12, 31, 23, 59, 59, 123456)),
    ("2024-12-31 23:59:59,5", "YYYY-MM-DD", datetime(2024, 12, 31, 23, 59, 59, 500000)),
    ("2024-01-01T00:30+02:00", "YYYY-MM-DD", datetime(2023, 12, 31, 22, 30)),
    ("  1.2.2024 ", "DD.MM.YYYY", datetime(2024, 2, 1)),
    ("1/2/2024 12:05 AM", "MM/DD/YYYY", datetime(2024, 1, 2, 0, 5)),
    ("1/2/2024 12:05 pm", "MM/DD/YYYY", datetime(2024, 1, 2, 12, 5)),
    ("3 March 2024", "DD Mon YYYY", datetime(2024, 3, 3)),
    ("Sept 3, 2024", "Mon DD, YYYY", datetime(2024, 9, 3)),
    ("31.12.69", "DD.MM.YY", datetime(1969, 12, 31)),
    ("31.12.68", "DD.MM.YY", datetime(2068, 12, 31)),
    ("29.02.2024", "DD.MM.YYYY", datetime(2024, 2, 29)),
    ("0001-01-01", "YYYY-MM-DD", datetime(1, 1, 1)),
    *((text, "YYYY-MM-DD", None) for text in ("2023-02-29", "2024-04-31", "2024-00-10", "2024-13-01", "0000-01-01")),
    *((text, "YYYY-MM-DD", None) for text in ("2024-01-01 24:00", "2024-01-01 23:60", "2024-01-01x", "", "NaT", "now")),
    *((text, "YYYY-MM-DD", None) for text in ("24-01-01", "2024-01", "2024-01-01 0:00:61", "٢٠٢٤-01-01", "2" * 9999)),
    ("2024-01-01 13:00 PM", "YYYY-MM-DD", None),
    ("3 Marc 2024", "DD Mon YYYY", datetime(2024, 3, 3)),
    ("3 Foo 2024", "DD Mon YYYY", None),
    ("2024-01 12:00", "YYYY-MM", None),
    ("1242024", "YYYYMMDD", None),
]


@pytest.mark.parametrize(("text", "form", "expected"), READ)
def test_a_date_is_read_or_is_none(text, form, expected):
    assert read(text, form) == expected


def test_a_column_of_many_shapes_is_read_value_by_value():
    rng = random.Random(0)
    moments = [datetime(1970, 1, 1) + timedelta(seconds=rng.randrange(3 * 10**9)) for _ in range(3000)]
    texts = [f"{one.day}.{one.month}.{one.year}{rng.choice(['', f' {one:%H:%M}'])}" for one in moments]
    expected = [
        one.replace(second=0) if ":" in text else one.replace(hour=0, minute=0, second=0)
        for one, text in zip(moments, texts, strict=True)
    ]
    found = parse_dates(objects([*texts, None, "x"]), Form("DD.MM.YYYY"))
    assert found.times[:-2].astype(datetime).tolist() == expected
    assert np.isnat(found.times[-2:]).all()
    assert np.flatnonzero(found.wrong).tolist() == [3001]


FOUND = [
    (["2024-01-31", "2024-02-01 10:00"], "YYYY-MM-DD"),
    (["31/01/2024", "01/02/2024"], "DD/MM/YYYY"),
    (["01/31/2024", "01/02/2024"], "MM/DD/YYYY"),
    (["01/02/2024", "03/04/2024"], "DD/MM/YYYY MM/DD/YYYY"),
    (["01.02.2024", "03.04.2024"], "DD.MM.YYYY"),
    (["2024-01", "2024-02"], "YYYY-MM"),
    (["Jan 2024", "Feb 2024"], "Mon YYYY"),
    (["31 Dec 2024", None], "DD Mon YYYY"),
    (["20240131", "20240201"], ""),
    (["01.02.24", "31.12.24"], ""),
    (["2024", "2025"], ""),
    (["a b", "c"], ""),
    (["1-2", "2-3"], ""),
    (["2011-12", "2012-13", "2013-14"], ""),
    ([None, None], ""),
]


@pytest.mark.parametrize(("texts", "forms"), FOUND)
def test_the_form_of_a_column_is_found(texts, forms):
    assert " ".join(form.text for form in find_forms(objects(texts))) == forms


WRONG_FORMS = [
    ("%d.%m.%Y", "did you mean DD.MM.YYYY"),
    ("YYYY-MM-DD HH:MM", "did you mean YYYY-MM-DD"),
    ("d/m/YYYY", "did you mean DD/MM/YYYY"),
    ("DD.MM", "expected how a day is written"),
    ("iso", "expected how a day is written"),
    ("YYYY-MM-MM", "expected how a day is written"),
]


@pytest.mark.parametrize(("text", "message"), WRONG_FORMS)
def test_a_form_that_is_none_is_refused(text, message):
    with pytest.raises(OptionError, match=message):
        Form(text)


def write_days(name: str, texts, *, target=None):
    """Write a table of dates, a number that follows the day of the year, and a class."""
    rows = [f"{text},{k % 7},{k * 0.5 if target is None else target[k]}" for k, text in enumerate(texts)]
    Path(name).write_text("day,x,y\n" + "\n".join(rows) + "\n")


def write_config(name: str, options: str, **more):
    keys = "".join(f", {key}: {value}" for key, value in more.items())
    data = f"data: {{source: {{csv: d.csv}}, target: y, columns: {{{options}}}{keys}}}"
    Path(name).write_text(f"{data}\nhidden: [3]\ntraining: {{epochs: 2}}\n")


def list_days(count: int, form: str = "YYYY-MM-DD", start=datetime(2023, 1, 1), step=timedelta(days=1)) -> list[str]:
    return [write_day(start + k * step, form) for k in range(count)]


def encode(table: dict, config="c.yaml"):
    """Return the inputs of a run's columns by name, for a table given by columns."""
    from bptrain.config import load
    from bptrain.model.assemble import assemble
    from bptrain.model.read import read as read_table
    from bptrain.tables.table import Table

    loaded = load(config)
    columns = assemble(loaded, read_table(loaded)).model.columns
    inputs = columns.encode_inputs(Table(table, "t"))
    return dict(zip(columns.input_names, inputs.T.tolist(), strict=True))


def test_inputs_are_the_closed_forms():
    moments = [datetime(2023, 1, 1) + timedelta(hours=7 * k) for k in range(400)]
    write_days("d.csv", [f"{one:%Y-%m-%d %H:%M}" for one in moments])
    write_config("c.yaml", "day: {kind: date}", split="{validation: 0, test: 0}", features="[day]")
    later = datetime(2024, 2, 29, 18, 30)
    found = encode({"day": objects([f"{later:%Y-%m-%d %H:%M}"])})
    days = [(one - datetime(2023, 1, 1)).total_seconds() / 86400 for one in moments]
    places = {
        "month": (1, 12),
        "day of month": (28, 29),
        "day of year": (59, 366),
        "weekday": (3, 7),
        "hour": (18.5, 24),
    }
    expected = {"day days": (59 + 365 + 18.5 / 24 - np.mean(days)) / np.std(days)}
    for part, (place, length) in places.items():
        expected[f"day {part} sin"] = math.sin(2 * math.pi * place / length)
        expected[f"day {part} cos"] = math.cos(2 * math.pi * place / length)
    # All training rows are of 2023 and at full hours.
    assert list(found) == list(expected)
    assert [value for (value,) in found.values()] == pytest.approx(list(expected.values()))


VARIED = [
    (list_days(800), "year days month day_of_month day_of_year weekday"),
    (list_days(20), "days day_of_month weekday"),
    ([f"{2000 + k // 12}-{k % 12 + 1:02d}" for k in range(40)], "year days month"),
    ([f"{2000 + k // 12}-{k % 12 + 1:02d}-01" for k in range(40)], "year days month"),
    ([f"2024-01-01 10:{k:02d}" for k in range(40)], "days minute"),
    (["2024-01-01"] * 39 + ["2024-01-01 00:00"], ""),
]


@pytest.mark.parametrize(("texts", "parts"), VARIED)
def test_only_what_varies_in_the_training_rows_becomes_inputs(texts, parts):
    write_days("d.csv", texts)
    write_config("c.yaml", "day: {kind: date}", split="{validation: 0, test: 0}", features="[day, x]")
    found = encode({"day": objects(["2031-07-05 11:11" if len(texts[0]) > 7 else "2031-07"]), "x": np.zeros(1)})
    cycles = {"month", "day of month", "day of year", "weekday", "hour", "minute"}
    parts = [part.replace("_", " ") for part in parts.split()]
    names = [f"day {part}{end}" for part in parts for end in ((" sin", " cos") if part in cycles else ("",))]
    assert list(found) == [*(names or ["day"]), "x"]
    if not names:
        assert found["day"] == [0]


SLOW = pytest.mark.slow

ADVISED = ["DD/MM/YYYY", *(pytest.param(form, marks=SLOW) for form in ("YYYY-MM-DD", "DD.MM.YYYY", "DD Mon YYYY"))]


@pytest.mark.parametrize("form", ADVISED)
def test_the_message_about_dates_says_what_to_write_and_that_works(form, bptrain_in):
    write_days("d.csv", list_days(60, form))
    write_config("c.yaml", "")
    found = bptrain_in("train", "c.yaml")
    assert found.returncode == 2
    assert f"day: dates (such as '{write_day(datetime(2023, 1, 1), form)}')" in found.stderr
    assert "write under data: columns: {day: {kind: date}}" in found.stderr
    write_config("c.yaml", "day: {kind: date}")
    assert bptrain_in("train", "c.yaml").returncode == 0
    write_config("c.yaml", "", split="{method: time, column: day}")
    assert bptrain_in("train", "c.yaml").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Order Date", "order: day", "geändert #1", "2nd", "a'b", 'q"x'])
def test_the_advice_is_yaml_whatever_the_column_is_called(name, bptrain_in):
    days = [f"{1 + k % 12:02d}/{1 + k % 11:02d}/{2000 + k}" for k in range(40)]
    write_days("d.csv", days)
    quoted = '"' + name.replace('"', '""') + '"'
    Path("d.csv").write_text(Path("d.csv").read_text().replace("day", quoted, 1))
    config = "data: {source: {csv: d.csv}, target: y%s}\nhidden: [2]\ntraining: {epochs: 1}\n"
    Path("c.yaml").write_text(config % "")
    refused = bptrain_in("train", "c.yaml").stderr
    advice = re.search(r"write under data: (columns: .*? format: DD/MM/YYYY}})", refused)[1]
    Path("c.yaml").write_text(config % f", {advice}")
    assert bptrain_in("train", "c.yaml").returncode == 0


def test_what_two_forms_fit_is_asked_for_with_both(bptrain_in):
    days = [f"{1 + k % 12:02d}/{1 + k % 11:02d}/{2000 + k}" for k in range(40)]
    write_days("d.csv", days)
    both = ["{day: {kind: date, format: DD/MM/YYYY}}", "{day: {kind: date, format: MM/DD/YYYY}}"]
    for options, more in (("", {}), ("day: {kind: date}", {}), ("", {"split": "{method: time, column: day}"})):
        write_config("c.yaml", options, **more)
        found = bptrain_in("train", "c.yaml")
        assert found.returncode == 2
        assert all(one in found.stderr for one in both)
    for one in both:
        write_config("c.yaml", one[1:-1], split="{method: time, column: day}", features="[day, x]")
        assert bptrain_in("train", "c.yaml").returncode == 0
    text = bptrain_in("init", "d.csv", "--target", "y").stdout.replace("\n  #     ", " ")
    assert all(f"columns: {one}" in text for one in both)


MISTAKES = [
    (
        "{day: {kind: date}}",
        7,
        "31.02.2023",
        r"d\.csv:9: day: expected a date written as YYYY-MM-DD \(got '31\.02\.2023'\)",
    ),
    ("{day: {kind: date}}", 7, "", r"d\.csv:9: day: a missing value .* columns: \{day: \{missing: median\}\}"),
    (
        "{day: {kind: date, format: DD.MM.YYYY}}",
        None,
        "",
        r"as most are YYYY-MM-DD, write under data: .*format: YYYY-MM-DD",
    ),
    ("{day: {kind: date, format: '%Y'}}", None, "", r"c\.yaml:1:.*format: expected how a day is written"),
    ("{day: {kind: date}, x: {format: YYYY}}", None, "", r"x\.format: is for dates, but 'x' is numeric"),
    ("{day: {kind: date, scaling: minmax}}", None, "", r"day\.scaling: is for numeric columns, but 'day' is date"),
    ("{day: {kind: date}, x: {kind: date}}", None, "", r"x: no usual form of dates fits \(got '0'\)"),
    ("{day: {kind: date}, y: {kind: date}}", None, "", r"y\.kind: a date is a feature"),
    ("{day: {kind: date, missing: {constant: never}}}", 7, "", r"missing values become 'never', which is not a date"),
]


@pytest.mark.parametrize(("options", "row", "text", "message"), MISTAKES)
def test_mistakes_are_named_with_their_place(options, row, text, message, bptrain_in):
    days = list_days(60)
    if row is not None:
        days[row] = text
    write_days("d.csv", days)
    write_config("c.yaml", options[1:-1], split="{validation: 0, test: 0}")
    found = bptrain_in("train", "c.yaml")
    assert found.returncode == 2
    assert re.search(message, found.stderr), found.stderr


FILLED = [
    ("median", "2023-01-03"),
    ("mean", "2023-01-04"),
    ("most_frequent", "2023-01-01"),
    ("{constant: 2020-02-29}", "2020-02-29"),
]


@pytest.mark.parametrize(("imputer", "value"), FILLED)
def test_missing_dates_are_filled_with_an_indicator(imputer, value):
    write_days("d.csv", ["2023-01-01", "2023-01-01", "2023-01-03", "2023-01-05", "2023-01-10", ""])
    write_config(
        "c.yaml", f"day: {{kind: date, missing: {imputer}, indicator: true}}", split="{validation: 0, test: 0}"
    )
    found = encode({"day": objects([None, value]), "x": np.zeros(2)})
    assert found.pop("day missing") == [1, 0]
    assert all(one[0] == one[1] for one in found.values())


def test_rows_without_a_date_can_be_dropped(bptrain_in):
    write_days("d.csv", [*list_days(40), ""])
    write_config("c.yaml", "day: {kind: date, missing: drop}")
    assert "1 of 41 rows dropped" in bptrain_in("train", "c.yaml").stderr


PROPOSED = [
    pytest.param(list_days(60), None, "born, ", marks=SLOW),
    (list_days(60)[::-1], None, "born, "),
    pytest.param(list_days(60, "DD.MM.YYYY"), None, "born, ", marks=SLOW),
    ([day for day in list_days(30) for _ in range(3)], None, "born, "),
    (sorted(list_days(60), key=lambda day: day[::-1]), None, ""),
    pytest.param([*list_days(59), ""], None, "", marks=SLOW),
    # The last class has no row among the earliest.
    (list_days(60), [*"ab" * 25, *"cd" * 5], ""),
    pytest.param(list_days(60), [*"ab" * 30], "born, ", marks=SLOW),
]


@pytest.mark.parametrize(("days", "target", "time"), PROPOSED)
def test_init_proposes_a_split_by_time_for_rows_in_order(days, target, time, bptrain_in):
    write_days("d.csv", days, target=target)
    # A name such as day would say that the rows have dates of their own, in whatever order.
    Path("d.csv").write_text(Path("d.csv").read_text().replace("day,", "born,", 1))
    assert bptrain_in("init", "d.csv", "--target", "y", "-o", "c.yaml").returncode == 0
    text = Path("c.yaml").read_text()
    assert "born: {kind: date, format: " in text
    share = "validation: 0.2, test: 0.2"
    assert ("split: {method: time, column: born, " + share in text.replace("instead: split", "")) == bool(time), text
    assert "columns left out" not in text
    if target is None or time:
        assert bptrain_in("train", "c.yaml", "training.epochs=2").returncode == 0
    if not time and "" not in days:
        # The advice of the comment.
        Path("c.yaml").write_text(
            re.sub(r"(?m)^  split: .*$", "", text).replace("  # to hold out the latest rows instead: ", "  ")
        )
        found = bptrain_in("data", "c.yaml")
        assert "12 rows (20.0%)" in found.stdout


@pytest.mark.slow
def test_a_run_with_dates_is_used_again(bptrain_in):
    """Evaluated, resumed, explained, reported, and predicted from another file, with later dates in the same form."""
    write_days("d.csv", list_days(80, "DD.MM.YYYY"))
    assert bptrain_in("init", "d.csv", "--target", "y", "-o", "c.yaml").returncode == 0
    assert bptrain_in("train", "c.yaml", "training.epochs=3").returncode == 0
    write_days("later.csv", list_days(5, "DD.MM.YYYY", datetime(2031, 1, 28)))
    for command in (
        ("evaluate", "runs/c-001"),
        ("predict", "runs/c-001", "later.csv"),
        ("report", "runs/c-001"),
        ("explain", "c.yaml", "hidden=[2]"),
        ("show", "c.yaml"),
        ("resume", "runs/c-001", "training.epochs=5"),
    ):
        found = bptrain_in(*command)
        assert found.returncode == 0, found.stderr
    assert "day: date, DD.MM.YYYY, days count from 2023-01-01: days, " in bptrain_in("show", "c.yaml").stdout
    write_days("later.csv", list_days(5))
    found = bptrain_in("predict", "runs/c-001", "later.csv")
    assert found.returncode == 2
    assert "later.csv:2: day: expected a date written as DD.MM.YYYY (got '2023-01-01')" in found.stderr


STATED = ["YYYYMMDD", *(pytest.param(form, marks=SLOW) for form in ("DD.MM.YY", "MM/DD/YY", "YY-MM-DD"))]


@pytest.mark.parametrize("form", STATED)
def test_forms_that_must_be_stated_are_suggested_where_they_fit(form, bptrain_in):
    write_days("d.csv", list_days(60, form))
    written = f"{{day: {{kind: date, format: {form}}}}}"
    write_config("c.yaml", "day: {kind: date}")
    assert f"write the form under data: columns: {written}" in bptrain_in("train", "c.yaml").stderr
    if form != "YYYYMMDD":
        write_config("c.yaml", "")
        assert f"leave it out with features: {{exclude: [day]}}, or write under data: columns: {written}" in (
            bptrain_in("train", "c.yaml").stderr
        )
    assert written in " ".join(bptrain_in("init", "d.csv", "--target", "x").stdout.replace("  #  ", "").split())
    write_config("c.yaml", written[1:-1])
    assert bptrain_in("train", "c.yaml").returncode == 0


CALENDARS = [
    (["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-05", "2024-01-06", "2024-01-07"],
     "2024-01-01 to 2024-01-07, every day, 1 gap (the longest is 2 days after 2024-01-03)"),
    (["2024-01-01", "2024-01-08", "2024-01-15", None], "2024-01-01 to 2024-01-15, every week, no gaps"),
    (["2024-01", "2024-02", "2024-03", "2024-05", "2024-06", "2024-07"],
     "2024-01 to 2024-07, every month, 1 gap (the longest is 2 months after 2024-03)"),
    (["2024-01-31", "2023-01-31", "2022-01-31"], "2022-01-31 to 2024-01-31, every year, no gaps"),
    (["2024-01-01 10:00", "2024-01-01 10:15", "2024-01-01 10:30"],
     "2024-01-01 10:00 to 2024-01-01 10:30, every 15 minutes, no gaps"),
    (["2024-01-01", "2024-01-05", "2024-03-07", "2024-03-08"], "2024-01-01 to 2024-03-08"),
    (["2024-01-01", "2024-01-01"], "2024-01-01 to 2024-01-01"),
]  # fmt: skip


@pytest.mark.parametrize(("texts", "words"), CALENDARS)
def test_a_calendar_says_the_first_date_the_last_and_gaps(texts, words):
    (form,) = find_forms(objects(texts))
    assert describe_calendar(objects(texts), form).words == words


def test_data_shows_dates_as_dates_and_not_as_ids(bptrain_in):
    days = [day for k, day in enumerate(list_days(60)) if k != 40]
    write_days("d.csv", days)
    for options, split in (("day: {kind: date}", "{}"), ("", "{method: time, column: day}"), ("", "{}")):
        write_config("c.yaml", options, split=split)
        found = bptrain_in("data", "c.yaml")
        assert "dates       day: 2023-01-01 to 2023-03-01, every day, 1 gap" in found.stdout
        assert " ID" not in found.stdout
        assert re.search(r"day +(feature|split) +date", found.stdout)
    assert "day: 2023-01-01 to 2023-03-01, every day, 1 gap" in bptrain_in("data", "d.csv").stdout
    columns = bptrain.describe_data("c.yaml").to_json()["columns"]
    assert columns[0]["calendar"]["last"] == "2023-03-01"
    assert columns[1]["calendar"] is None
    write_days("d.csv", list_days(60, "YYYYMMDD"))
    write_config("c.yaml", "day: {kind: date, format: YYYYMMDD}", split="{method: time, column: day}")
    assert "day: 2023-01-01 to 2023-03-01, every day, no gaps" in bptrain_in("data", "c.yaml").stdout


@pytest.mark.slow
def test_dates_of_other_files_are_read_alike(bptrain_in):
    """JSON lines and Parquet have the same dates as text."""
    import duckdb

    write_days("d.csv", list_days(60))
    query = "COPY (SELECT * FROM read_csv('d.csv')) TO '{}'"
    for name in ("d.parquet", "d.jsonl"):
        duckdb.sql(query.format(name))
        assert bptrain_in("init", name, "--target", "y", "-o", f"{name}.yaml").returncode == 0
        text = Path(f"{name}.yaml").read_text()
        assert "day: {kind: date, format: YYYY-MM-DD}" in text
        assert "method: time, column: day" in text
        assert bptrain_in("train", f"{name}.yaml", "training.epochs=1").returncode == 0


@pytest.mark.slow
def test_an_autoencoder_gives_dates_back(bptrain_in):
    write_days("d.csv", [f"{day} 06:30" if k % 2 else day for k, day in enumerate(list_days(60))])
    text = (
        "data: {source: {csv: d.csv}, target: inputs, columns: {day: {kind: date}}}\nhidden: [3]\ntraining: {epochs: 1}"
    )
    Path("c.yaml").write_text(text)
    assert bptrain_in("train", "c.yaml").returncode == 0
    predicted = bptrain_in("predict", "runs/c-001", "d.csv").stdout
    assert re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d", predicted)


def test_a_date_is_decoded_from_its_inputs():
    from bptrain.columns.fit import fit_feature
    from bptrain.columns.options import Treatment
    from bptrain.tables.table import Selection, Table

    texts = objects([f"{day} 06:30" for day in list_days(900)])
    rows = Selection(Table({"day": texts}, "t"))
    feature = fit_feature(rows, "day", "date", Treatment("date"))
    inputs = np.empty((900, len(feature.input_names)), np.float32)
    feature.encode(rows, inputs, None)
    assert feature.decode(inputs).tolist() == list_days(900)


ODD = [
    (["0000-00-00"], "missing: [NA, N/A, NaN, nan, 'null', 'NULL', '0000-00-00']"),
    pytest.param(["unknown", "-", "0"], "", marks=SLOW),
    pytest.param(["soon"], "missing: [NA, N/A, NaN, nan, 'null', 'NULL', soon]", marks=SLOW),
    (["2023-02-30"], None),
    pytest.param(["soon", "later"], None, marks=SLOW),
]


@pytest.mark.parametrize(("odd", "options"), ODD)
def test_what_marks_a_missing_date_is_read_as_missing(odd, options, bptrain_in):
    days = list_days(60)
    for k, text in enumerate(odd):
        days[7 * k + 3] = text
    write_days("d.csv", days)
    write_config("c.yaml", "day: {kind: date}", split="{validation: 0, test: 0}")
    refused, found = bptrain_in("train", "c.yaml").stderr, bptrain_in("init", "d.csv", "--target", "y", "-o", "i.yaml")
    assert re.search(rf"d\.csv:5: day: .* \(got '{odd[0]}'\)", refused)
    text = Path("i.yaml").read_text()
    if options is None:
        assert f"left out day: dates, and {len(odd)} values that are none, such as '{odd[0]}'" in found.stdout
        assert "missing:" not in refused
        return
    assert f"'{odd[0]}' (1 value)" in found.stderr
    assert "method: time" not in text
    assert "format: YYYY-MM-DD, indicator: true" in text
    assert "missing: {numbers: median" in text
    assert bptrain_in("train", "i.yaml", "training.epochs=1").returncode == 0
    if options:
        assert options in text
        assert f"write {options} in the options of the source, and under data: columns: {{day: " in refused


def test_dates_are_not_predicted_and_not_suggested_as_a_target(bptrain_in):
    rows = [f"{k % 7},{k / 2},{day}" for k, day in enumerate(list_days(60))]
    Path("d.csv").write_text("x,y,day\n" + "\n".join(rows) + "\n")
    assert "--target y; the columns are x" in bptrain_in("init", "d.csv").stderr
    assert "day: dates cannot be predicted" in bptrain_in("init", "d.csv", "--target", "day").stderr


def test_a_date_whose_rows_all_have_the_same_class_is_no_leak(bptrain_in):
    days = [day for day in list_days(60) for _ in range(4)]
    write_days("d.csv", days, target=["no" if day.endswith("5") else "yes" for day in days])
    assert bptrain_in("init", "d.csv", "--target", "y", "-o", "c.yaml").returncode == 0
    assert "features: [day, x]" in Path("c.yaml").read_text()
    assert "leak" not in bptrain_in("validate", "c.yaml").stderr


NAMED = [("day", True), ("Date", True), ("time stamp", True), ("birthday", False), ("updated", False)]


@pytest.mark.parametrize(("name", "expected"), NAMED)
def test_rows_out_of_order_have_dates_of_their_own_only_by_name(name, expected):
    days = objects(sorted(list_days(60), key=lambda day: day[::-1]))
    assert is_series(name, days, Form("YYYY-MM-DD")) == expected
    assert is_series(name, objects(list_days(60)), Form("YYYY-MM-DD"))
    assert not is_series(name, objects(list_days(5)), Form("YYYY-MM-DD"))


def test_dates_taken_for_categories_are_advised_to_be_dates(bptrain_in):
    write_days("d.csv", [day for day in list_days(40) for _ in range(4)])
    write_config("c.yaml", "", split="{method: time, column: day}", features="[day, x]")
    assert "write under data: columns: {day: {kind: date}}" in bptrain_in("train", "c.yaml").stderr
    write_config("c.yaml", "day: {kind: date}", split="{method: time, column: day}", features="[day, x]")
    assert bptrain_in("train", "c.yaml").returncode == 0

"""Wide tables: what each command does must grow with the columns, and not with their square."""

import sys

import pytest
from samples import WIDE_COMMANDS, write_wide

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

"""Errors on a terminal: the line of the file, and carets under the place of the error."""

import io
import re

import pytest

from bptrain.config import load
from bptrain.console.problems import make_excerpt, print_problems
from bptrain.errors import ConfigError, Problem


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True


def make_problem(marked, line=3, file="my.yaml"):
    """Return a problem at the place of » in a line."""
    return Problem(file, line, marked.index("»") + 1, "f", "is wrong", source=marked.replace("»", ""))


# A line with its mark, the width of the terminal, and the two lines that are printed.
DRAWN = [
    ("seed: »-1", 80, "    3 | seed: -1", "          ^^"),
    ("»sed: 1  # comment", 80, "    3 | sed: 1  # comment", "    ^^^"),
    ("hidden: [4, »-1, 5]", 80, "    3 | hidden: [4, -1, 5]", "                ^^"),
    ("training: »{epochs: 3", 80, "    3 | training: {epochs: 3", "              ^"),
    ("name: »a b c # d", 80, "    3 | name: a b c # d", "          ^^^^^"),
    ("name: »'a: b, c' # d", 80, "    3 | name: 'a: b, c' # d", "          ^^^^^^^^^"),
    ("seed: x-»${sed} y", 80, "    3 | seed: x-${sed} y", "            ^^^^^^"),
    ("seed:»", 80, "    3 | seed:", "         ^"),
    ("\t»x: 1", 80, "    3 |     x: 1", "        ^"),
    ("数据: »错误: 1", 80, "    3 | 数据: 错误: 1", "          ^^^^"),
    ("a: \x1b[31m »red", 80, "    3 | a: \\x1b[31m red", "                ^^^"),
    ("a\u202eb: »c", 80, "    3 | a\\u202eb: c", "              ^"),
    ("e\u0301: »c", 80, "    3 | e\u0301: c", "       ^"),
    # 32 columns leave 23 for the line.
    ("abcdefghij: klmnopqrst »uvw", 32, "    3 | ...ghij: klmnopqrst uvw", "                        ^^^"),
    ("»abc: klmnopqrst uvwxyz 0123456789", 32, "    3 | abc: klmnopqrst uvwx...", "    ^^^"),
    ("0123456789" * 5 + " »abc, " + "0123456789" * 5, 32, "    3 | ...456789 abc, 01234...", " " * 14 + "^^^"),
    ("数据" * 20 + " »错误, " + "数据" * 20, 32, "    3 | ...据数据 错误, 数据...", " " * 14 + "^^^^"),
    ("»" + "a" * 100, 32, "    3 | aaaaaaaaaaaaaaaaaaaa...", "    ^^^^^^^^^^^^^^^^^^^^"),
]


@pytest.mark.parametrize(("marked", "width", "line", "carets"), DRAWN, ids=range(len(DRAWN)))
def test_a_line_with_carets(marked, width, line, carets):
    gutter, text, under = make_excerpt(make_problem(marked), width, Terminal())
    assert gutter + text == line
    # The gutter is eight columns wide; four of them are left out in the table.
    assert under == carets[4:]


@pytest.mark.parametrize("width", [1, 20, 40, 80, 160, 1000])
@pytest.mark.parametrize("place", [0, 1, 500, 999_990, 999_999, 1_000_000])
def test_a_line_of_a_megabyte_is_cut_around_the_place(width, place):
    source = "0123456789" * 100_000
    gutter, text, under = make_excerpt(Problem("f", 12, place + 1, "", "", source=source), width, Terminal())
    assert len(gutter + text) <= max(width, 20)
    assert len(under) <= len(text) + 1
    shown = text[under.index("^") :]
    assert source[place:].startswith(shown.removesuffix("..."))


def test_an_override_is_shown_without_a_line_number():
    gutter, text, under = make_excerpt(Problem("seed=-1", 1, 6, "seed", "", source="seed=-1"), 80)
    assert (gutter + text, under) == ("  | seed=-1", "     ^^")


def test_a_terminal_without_unicode_gets_escapes_in_line_with_the_carets():
    latin = Terminal()
    latin.encoding = "ascii"
    _, text, under = make_excerpt(make_problem("é: »x"), 80, latin)
    assert (text, under) == ("\\xe9: x", "      ^")


def print_mistakes(monkeypatch, stream, **environment):
    """Return the printed problems of a config."""
    for name in ("NO_COLOR", "TERM", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with open("my.yaml", "w") as file:
        file.write("data: {source: {bundled: iris}}\nhidden: [8]\nname: \x7f\n"[:-8] + 'loss: bce\nx: "\\e[31m"\n')
    with pytest.raises(ConfigError) as caught:
        load("my.yaml", ["seed=-1"])
    monkeypatch.setattr("sys.stderr", stream)
    warning = Problem("my.yaml", 1, 1, "data", "is odd", "BP999", "warning", source="data: 1")
    print_problems([*caught.value.problems, warning])
    return stream.getvalue()


PLAIN = """\
error: my.yaml:3:7: loss: unknown loss 'bce'; did you mean 'binary_cross_entropy'?
error: my.yaml:4:1: x: unknown key; choose from activation, augmentation, data, dtype, hidden, loss, metrics, name, \
network, optimizer, regularization, schedule, seed, training, version
error: seed=-1:1:6: seed: expected a whole number >= 0 (got -1)
warning: my.yaml:1:1: data: is odd [BP999]
"""


def test_a_pipe_gets_single_lines(monkeypatch):
    assert print_mistakes(monkeypatch, io.StringIO()) == PLAIN


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_without_colours_gets_the_places_without_escape_codes(monkeypatch, environment):
    text = print_mistakes(monkeypatch, Terminal(), COLUMNS="200", **environment)
    assert "\x1b" not in text
    assert text.splitlines()[:3] == [PLAIN.splitlines()[0], "    3 | loss: bce", "      |       ^^^"]


def test_a_terminal_gets_lines_that_are_wrapped_between_words(monkeypatch):
    lines = print_mistakes(monkeypatch, Terminal(), COLUMNS="60", NO_COLOR="1").splitlines()
    assert max(map(len, lines)) <= 60
    messages = [line for line in lines if not re.match(r" *\d* \|", line)]
    assert " ".join(messages) == " ".join(PLAIN.splitlines())


def test_a_terminal_gets_the_places(monkeypatch):
    text = print_mistakes(monkeypatch, Terminal(), TERM="xterm", COLUMNS="200")
    for code in ("\x1b[1;31m", "\x1b[1;33m", "\x1b[1m", "\x1b[2m", "\x1b[0m"):
        assert code in text
        text = text.replace(code, "")
    assert "\x1b" not in text
    lines = text.splitlines()
    assert lines[:3] == [PLAIN.splitlines()[0], "    3 | loss: bce", "      |       ^^^"]
    assert lines[6:9] == [PLAIN.splitlines()[2], "  | seed=-1", "  |      ^^"]
    assert lines[9:] == [PLAIN.splitlines()[3], "    1 | data: 1", "      | ^^^^"]

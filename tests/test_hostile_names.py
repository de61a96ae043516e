"""Hostile names of columns, classes, runs, configs and files go through every command, and nothing comes of them.

The commands are those that the app has: one that is new is tried like the others, with a config, a run and a name.
"""

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from command_line import run_here
from speeds import sampled

from bptrain.cli.app import app
from bptrain.text import printable

NAMES = [
    "[red]", "[/]", "[/red]", "[bold red on white]x[/]", "[link=https://evil.example]x[/link]", "[@click=app.quit]x",
    "\\[red]", ":boom:", "[not markup", "]]", "\x1b[38;5;123mcoloured", "\x1b]0;title\x07", "\x1b[99;99H", "\x1b[2J",
    "\x1bc", "\x1b]8;;https://evil.example\x1b\\x", "\x1b[?1049h", "\x9b38;5;123mx", "\x90q\x9c", "\x85next line",
    "\x07bell", "\x08\x08back", "carriage\rreturn", "line\nbreak", "tab\tstop", "\u202ereversed", "\u2066in\u2069",
    "\u200bzero width", "\u200dx", "\ufeffmark", "\u2028separator", "\u00adsoft", "\xa0space", "e\u0301combining",
    "Z" + "\u0351" * 60, "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "全角文字", "العربية",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</td></table>", '"><b>', "a&lt;b&amp;",
    "javascript:alert(1)", "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "'; DROP TABLE x; --", "$(touch evil)",
    "`touch evil`", "${HOME}", "${env:HOME}", "%s%n", "{0}", "{{x}}", "../../evil", "/etc/evil", "CON", "a" * 300,
    "long " * 2000, " leading", "trailing ", "~", "null", "no", "1e3", "- item", "key: value", "# comment", "&anchor",
    "*alias", "!!python/object:os.system", '"quoted"', "'single'", "a,b;c\td",
]  # fmt: skip
"""All different, and none with NUL, which neither a file of text nor an argument can have."""

TARGET = "target [red]\x1b[2J<b>"

ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
OURS = re.compile(r"\x1b\[(?!38;5;123)[\d;]*m|\x1b\[\?(25|2026)[hl]|\x1b\[(1A|2K|K|J)|\r(?!eturn)")
"""What rich and the live view write of their own: colours, the cursor up or to the left, and what erases a line."""


def commands():
    """The commands of the app, those of groups as two words; and which have --json."""
    import typer

    group = typer.main.get_command(app)
    found = {}
    for name, command in group.commands.items():
        inner = getattr(command, "commands", {})
        found[(name,)] = command
        found |= {(name, other): one for other, one in inner.items()}
    return {words: {option for one in command.params for option in one.opts} for words, command in found.items()}


COMMANDS = commands()


def harmless(*arguments, terminal=False):
    """Run a command, and hold what it prints against the rules; what it printed on stdout."""
    done = run_here(list(map(str, arguments)), Path(), {}, terminal=terminal)
    assert done.returncode != 1, (arguments, done.stderr[-2000:])
    assert "Traceback" not in done.stderr
    for text in (done.stdout, done.stderr):
        rest = OURS.sub("", text) if terminal else text
        found = ACTING.search(rest)
        assert not found, (arguments, rest[max(found.start() - 80, 0) : found.end() + 40])
        # No name takes a line of its own.
        assert "\nbreak" not in rest
    return done.stdout


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with a table whose columns and classes have the names, its config, and a run."""
    return tmp_path_factory.mktemp("world")


def table(path, columns, classes):
    """A table with those columns and a target with those classes; but for CR, since line ends are of one kind, and for
    what stands for a missing value."""
    columns = [name for name in columns if "\r" not in name]
    classes = [name for name in classes if "\r" not in name and name != "null"] + ["other"]
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*columns, TARGET])
        for k in range(6 * len(classes)):
            writer.writerow([*((k * (j + 3)) % 17 / 4 for j in range(len(columns))), classes[k % len(classes)]])


def document(name="[red]\x1b[38;5;123m<script>", **training):
    return {
        "name": name,
        "data": {"source": {"csv": {"path": "table.csv"}}, "target": TARGET},
        "hidden": [3],
        "training": {"epochs": 3, **training},
    }


@pytest.fixture
def files(world, monkeypatch):
    """The table, the config and the run of the world, in the present folder."""
    monkeypatch.chdir(world)
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("COLUMNS", "LINES", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    if not Path("runs").exists():
        table("table.csv", NAMES, NAMES)
        Path("c.yaml").write_text(yaml.safe_dump(document(), allow_unicode=False), encoding="utf-8")
        table("small.csv", NAMES[10:13], NAMES[:3])
        small = document()
        small["data"]["source"]["csv"]["path"] = "small.csv"
        Path("small.yaml").write_text(yaml.safe_dump(small), encoding="utf-8")
        for name in ("c.yaml", "small.yaml"):
            done = run_here(["train", name, "--log", "plain"], Path(), {})
            assert done.returncode == 0, done.stderr
    return sorted(Path("runs").iterdir())[0]


def test_there_are_names_and_commands():
    assert len(NAMES) == len(set(NAMES)) > 0
    assert {("train",), ("resume",), ("evaluate",), ("show",), ("validate",), ("runs",), ("compare",)} <= set(COMMANDS)


def trials(words, options, found):
    """The command lines to try a command with: as it is meant, and with whatever it may be given."""
    meant = {
        ("train",): [["c.yaml", "training.epochs=1"]],
        ("resume",): [[found, "training.epochs=4"]],
        ("compare",): [[*found.parent.iterdir()][:4], [found]],
        ("evaluate",): [[found], [found, "--data", "table.csv"]],
        ("init",): [["table.csv", "--target", TARGET]],
        ("show",): [["c.yaml"], ["c.yaml", "--summary"]],
        ("gradcheck",): [["c.yaml", "data.features=[x]"], ["small.yaml"]],
        ("runs",): [[]],
        # It takes minutes, and knows no names but those of its own workloads.
        ("bench",): [["c.yaml"], [found]],
    }.get(words, [["c.yaml"], [found], [found, "table.csv"], []])
    for arguments in meant:
        yield arguments
        if "--json" in options:
            yield [*arguments, "--json"]
        if "--html" in options:
            yield [*arguments, "--html", "page.html"]
        if "--log" in options:
            yield [*arguments, "--log", "json"]


@pytest.mark.parametrize("terminal", sampled([False, True]), ids=["piped", "terminal"])
@pytest.mark.parametrize("words", sampled([(words,) for words in COMMANDS], every=16), ids=" ".join)
def test_every_command_with_hostile_columns_classes_and_runs(files, words, terminal):
    ran = 0
    for arguments in trials(words, COMMANDS[words], files):
        out = harmless(*words, *arguments, terminal=terminal)
        ran += 1
        if "--json" in arguments and out:
            assert isinstance(json.loads(out), dict)
    assert ran
    for page in Path().rglob("*.html"):
        Page(page.read_text(encoding="utf-8"))
    for path in Path().rglob("*"):
        assert re.fullmatch(r"[\w.-]+", path.name, re.ASCII), path
    assert not Path("evil").exists()


class Page(HTMLParser):
    """Refuses a page in which a name has become an element, an attribute or a character that acts."""

    def __init__(self, text):
        super().__init__()
        assert not ACTING.search(text)
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        assert tag not in ("script", "b", "iframe", "object", "embed", "form", "base"), tag
        for name, value in attrs:
            assert not name.startswith("on"), name
            assert not (value or "").strip().lower().startswith("javascript:")
            if name in ("src", "href"):
                assert (value or "").startswith(("#", "data:image/")), value


def test_names_that_are_shown_are_shown_whole(files):
    """Every column stands in the config that init writes, and markup stands there as it is."""
    out = harmless("init", "table.csv", "--target", TARGET)
    summary = harmless("show", "c.yaml", "--summary", terminal=True)
    assert "[red]" in out + summary
    document = json.loads(harmless("show", "c.yaml", "--json"))
    assert document["target"].startswith(printable(TARGET))


@pytest.mark.parametrize("name", sampled(NAMES, every=32), ids=lambda name: printable(name)[:24])
def test_a_run_may_have_any_name(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    table("table.csv", ["x", name], [name, "one"])
    # A variable is meant as one, unless it is written as a text.
    text = yaml.safe_dump(document(name.replace("${", "$${"))).replace("name: 1e3", "name: '1e3'")
    Path("c.yaml").write_text(text, encoding="utf-8")
    for terminal in (True, False):
        harmless("train", "c.yaml", terminal=terminal)
    found = sorted(Path("runs").iterdir())
    assert len(found) == 2
    assert all(re.fullmatch(r"[\w.-]{1,90}", path.name, re.ASCII) for path in found)
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "c.yaml", "table.csv"}
    for command in (["runs"], ["compare", *found], ["evaluate", found[0]]):
        harmless(*command, terminal=True)
    listed = json.loads(harmless("runs", "--json"))
    assert {run["name"] for run in listed["runs"]} == {name}
    assert printable(name)[:20] in harmless("show", "c.yaml") or "\\" in printable(name) or "${" in name or '"' in name


@pytest.mark.parametrize("words", sampled([(words,) for words in reversed(COMMANDS)], every=40), ids=" ".join)
def test_every_command_with_hostile_arguments(files, words):
    for name in NAMES:
        harmless(*words, name)
    for name in NAMES[9:33:4]:
        harmless(*words, "c.yaml", f"{name}=1", "--nonsense")
        harmless(*words, files, files, name)
    for option in sorted(COMMANDS[words]):
        if option.startswith("--") and option not in ("--help", "--mutate"):
            for name in NAMES[12:30:6]:
                harmless(*words, option, name, "no such file")


FILES = [name for name in NAMES if "/" not in name and len(name) < 200 and "\r" not in name]


@pytest.mark.parametrize("name", sampled(FILES, every=12), ids=lambda name: printable(name)[:24])
def test_a_file_may_have_any_name(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table(name + ".csv", ["x", "y"], ["a", "b"])
    one = document()
    one["data"]["source"]["csv"]["path"] = name.replace("${", "$${") + ".csv"
    Path(name + ".yaml").write_text(yaml.safe_dump(one), encoding="utf-8")
    harmless("init", "--target", "y", "--", name + ".csv")
    harmless("validate", "--", name + ".yaml", terminal=True)
    harmless("show", "--summary", "--", name + ".yaml", terminal=True)

"""The README and the guide: links that lead somewhere, commands that run, and pages that are shown whole."""

import json
import re
import shlex
from pathlib import Path

import pytest
from command_line import run_here
from samples import write_houses, write_passengers
from speeds import sampled

import bptrain
from bptrain.commands import COMMANDS, GROUPS
from bptrain.commands.help import PAGES

REPOSITORY = Path(__file__).parents[1]
GUIDE = REPOSITORY / "bptrain" / "guide"
README = REPOSITORY / "README.md"
CODES = [path.stem for path in sorted(GUIDE.glob("BP*.md"))]
TEXTS = {path.stem: path for path in (README, *sorted(GUIDE.glob("*.md")))}
"""The README and the pages of the guide, those of codes too."""

NAMES = [command.name for command in COMMANDS]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
SLOW = {"README", "gradients", "reports", "textbook", "training"}
"""The texts whose commands take more than a moment."""


@pytest.mark.parametrize("name", TEXTS)
def test_every_link_leads_somewhere(name):
    text = TEXTS[name].read_text()
    links = re.findall(r"\]\(([^)]+)\)", text) + re.findall(r'(?:src|srcset)="([^"]+)"', text)
    assert links or name != "README"
    paths = [link for link in links if "://" not in link]
    assert [path for path in paths if not (TEXTS[name].parent / path.partition("#")[0]).is_file()] == []


def test_the_files_that_are_named_are_there():
    text = "".join(path.read_text() for path in TEXTS.values())
    named = set(re.findall(r"\b(?:configs|tests)/[\w/]+\.(?:yaml|py)", text))
    assert {"configs/digits.yaml", "tests/campaign_view.py"} <= named
    assert [path for path in named if not (REPOSITORY / path).is_file()] == []


def test_the_readme_is_short_and_leads_to_every_page():
    text = README.read_text()
    assert len(text.splitlines()) <= 200
    assert [page for page in PAGES if f"(bptrain/guide/{page}.md)" not in text] == []


def test_the_readme_has_the_line_of_every_command_group_by_group():
    listed = re.findall(r"^\| (?:`bptrain (\w+)`|\*{0,2}(\w+)\*{0,2}) \| (.*?) ?\|$", README.read_text(), re.M)
    expected = []
    for group in GROUPS:
        expected.append(("", group, ""))
        expected += [(one.name, "", one.summary) for one in COMMANDS if one.group == group]
    assert [row for row in listed if row in expected] == expected


def test_every_command_has_its_line_and_its_functions(bptrain_in):
    rows = re.findall(r"^\| `bptrain (\w+)` \| (.+) \|$", TEXTS["python"].read_text(), re.M)
    functions = {name: re.findall(r"`bptrain\.(\w+)`", cell) for name, cell in rows}
    assert functions == {one.name: [name.partition(".")[2] for name in one.functions] for one in COMMANDS}
    described = re.findall(r"^\| `bptrain (\w+)", TEXTS["command-line"].read_text(), re.M)
    assert list(dict.fromkeys(described)) == NAMES
    for one in COMMANDS:
        assert f"\n\n  {one.summary}" in bptrain_in(one.name, "--help").stdout


def test_help_groups_the_commands_and_cuts_no_line(bptrain_in):
    text = bptrain_in("--help", COLUMNS="80").stdout
    sections = re.findall(r"^(\w+):\n((?:  .*\n)+)", text.partition("Options:")[2], re.M)
    assert [heading.lower() for heading, _ in sections] == list(GROUPS)
    listed = [tuple(line.split(maxsplit=1)) for _, lines in sections for line in lines.splitlines()]
    assert listed == [(one.name, one.summary) for group in GROUPS for one in COMMANDS if one.group == group]
    assert all(summary.endswith(".") for _, summary in listed)
    assert "..." not in text.partition("Start:")[2]


def test_help_lists_every_page_command_and_code_once():
    topics = bptrain.help_topics()
    names = [topic.name for topic in topics]
    assert CODES
    assert {*PAGES, *CODES} == {path.stem for path in GUIDE.glob("*.md")}
    assert names[: len(PAGES)] == list(PAGES)
    assert set(NAMES) < set(names)
    assert len(set(names)) == len(names)
    assert all(topic.title and topic.text for topic in topics)
    assert {topic.kind for topic in topics} == {"guide", "command", "error", "warning"}


def test_a_page_says_which_commands_it_is_about():
    for page in PAGES:
        named = TEXTS[page].read_text().rpartition("\nCommands: ")[2] if page != "python" else "`train`"
        commands = re.findall(r"`([^`]+)`", named)
        assert commands, page
        assert set(commands) <= set(NAMES), page
    (topic,) = bptrain.help_topics("predict")
    assert "bptrain help predictions" in topic.text


def test_help_of_a_command_is_its_help_and_the_pages_about_it(bptrain_in):
    usage = bptrain_in("train", "--help").stdout
    shown = bptrain_in("help", "train").stdout
    assert usage in shown
    assert "bptrain help training" in shown
    (topic,) = json.loads(bptrain_in("help", "TRAIN", "--json").stdout)["topics"]
    assert (topic["kind"], set(topic)) == ("command", {"name", "kind", "title", "text", "examples"})
    assert usage in topic["text"]


def words(text):
    """The words of a text without the marks of Markdown, of tables and of styles, in any order."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    text = re.sub(
        r"<picture>.*</picture>|\((?:[\w./-]+\.md|\.\./[^)]*)\)|\(bptrain help [\w-]+\)", "", text, flags=re.S
    )
    return sorted(re.findall(r"[\w.=/{}:$,;'-]+", re.sub(r"^\|[-|]+\|$|[`*]|\\(?=\|)|^- ", "", text, flags=re.M)))


@pytest.mark.parametrize("page", [*PAGES, "BP101", "BP240"])
def test_a_page_is_shown_whole(bptrain_in, page):
    heading, _, text = TEXTS[page].read_text().partition("\n")
    shown = bptrain_in("help", page).stdout
    first, _, shown = shown.partition("\n")
    kind = "error" if page.startswith("BP1") else "warning" if page.startswith("BP2") else "guide"
    assert first == f"{page}  {kind}: {heading.removeprefix('# ').removeprefix(f'{page}: ')}"
    expected = re.sub(r"^## (Wrong|Right)$", r"\1:", re.sub(r"^```\w*$", "", text, flags=re.M), flags=re.M)
    missing = set(words(expected)) - set(words(re.sub(r"\s+", " ", shown)))
    assert missing == set()
    assert "\x1b" not in shown
    assert "…" not in shown


@pytest.mark.parametrize("columns", sampled([80, 40, 120]))
@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits_the_terminal(tmp_path, page, columns):
    first = re.findall(r"^\| `?(\w{2,4})[ `,-]", TEXTS[page].read_text(), re.M)
    cells = re.findall(r"\| ([\w.]{1,4})(?= \|)", re.sub(r"^\| network.*$", "", TEXTS[page].read_text(), flags=re.M))
    code = {line.strip() for _, block in FENCE.findall(TEXTS[page].read_text()) for line in block.splitlines()}
    environment = {"COLUMNS": str(columns), "NO_COLOR": "1"}
    text = run_here(["help", page], tmp_path, environment, terminal=True).stdout.replace("\r", "")
    wide = [line for line in text.splitlines() if len(line) > columns and line.strip() not in code]
    # Commands can be copied.
    assert [line for line in wide if not line.startswith("  bptrain ")] == []
    if columns < 80:
        return
    assert [cell for cell in (*first, *cells) if not re.search(rf"(?<!\S){re.escape(cell)}(?!\w)", text)] == []
    assert "\x1b" not in text


def blocks(text):
    """The files in a text: its code whose first line is the name of a file in a comment."""
    found = (re.match(r"# ([\w.]+\.(?:yaml|py))\n", code) for _, code in FENCE.findall(text))
    return {one[1]: one.string for one in found if one}


def commands(text):
    """The command lines of a text with the lines that are printed below each: those of its code, and those within a
    sentence that name no placeholder."""
    found = []
    for _, code in FENCE.findall(text):
        for part in re.split(r"^\$ ", code, flags=re.M)[1:]:
            line, _, printed = part.partition("\n")
            found.append((line, printed))
    inline = re.findall(r"`(bptrain [^`]+)`", FENCE.sub("", text))
    lines = (" ".join(line.split()) for line in inline)
    found += [(line, "") for line in lines if not re.search(r"\b[A-Z]{3,}\b|\.\.\.|\\\|", re.sub(r"\w+=\S+", "", line))]
    return found


PREPARED = {
    "my.csv": lambda name: write_houses(Path("my.csv")),
    "passengers.csv": lambda name: write_passengers(Path("passengers.csv"), 0),
    "passengers.yaml": lambda name: Path("passengers.yaml").write_text(
        blocks(TEXTS["columns"].read_text())["passengers.yaml"]
    ),
    "student.py": lambda name: Path("student.py").write_text(blocks(TEXTS["gradients"].read_text())["student.py"]),
    "my_layer.py": lambda name: Path("my_layer.py").write_text(blocks(TEXTS["extending"].read_text())["my_layer.py"]),
}
"""What makes a file that a command of a text reads."""


def prepare(name, text):
    """Make a file or a run that a command wants."""
    if name in PREPARED:
        PREPARED[name](text)
    elif name == "new.csv" and text == "predictions":
        prepare_if_missing("passengers.csv", text)
        lines = Path("passengers.csv").read_text().splitlines()
        rows = [f"ticket,{lines[0]}", *(f"{k},{line}" for k, line in enumerate(lines[1:]))]
        Path("new.csv").write_text("\n".join(rows) + "\n")
    elif name == "new.csv":
        Path("new.csv").write_text("\n".join(Path("my.csv").read_text().splitlines()[:4]) + "\n")
    elif name in ("my.yaml", "wrong.yaml"):
        prepare_if_missing("my.csv", text)
        config = next(code for language, code in FENCE.findall(README.read_text()) if language == "yaml")
        if name == "wrong.yaml":
            config = config.replace("units: 64", "unit: 64").replace("lr: 0.001", "lr: -0.001")
        if text == "extending":
            config = config.replace("- relu", "- swish: {beta: 2}")
        Path(name).write_text(config)
    elif name.startswith("runs/"):
        config = name.removeprefix("runs/")[:-4]
        path = f"configs/{config}.yaml" if Path(f"configs/{config}.yaml").is_file() else f"{config}.yaml"
        prepare_if_missing(path, text)
        for file in {"passengers.yaml": ["passengers.csv"]}.get(path, []):
            prepare_if_missing(file, text)
        bptrain.train(path, ["training.epochs=3"], run=name)
    elif name == "sheet.answers.yaml":
        filled = Path(name).read_text()
        for key, value in re.findall(
            r"^  (\w+): (.+)$", TEXTS["textbook"].read_text().partition("answers:\n")[2], re.M
        ):
            filled = re.sub(rf"^  {key}: ~", f"  {key}: {value}", filled, flags=re.M)
        Path(name).write_text(filled)


def prepare_if_missing(name, text):
    """Make what a command wants, where it is not there."""
    if not Path(name).exists():
        prepare(name, text)


@pytest.mark.usefixtures("code_is_taken_out")
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n in SLOW else []) for n in ("README", *PAGES)]
)
def test_every_command_line_runs(bptrain_in, name):
    pytest.importorskip("matplotlib")
    Path("configs").symlink_to(REPOSITORY / "configs")
    found = commands(TEXTS[name].read_text())
    assert found or name == "tasks"
    for line, printed in found:
        program, *arguments = shlex.split(line)
        assert program == "bptrain"
        if len(arguments) == 1 and arguments[0] in NAMES:
            # The name of a command in a sentence.
            arguments.append("--help")
        fresh = arguments[0] == "init"
        for argument in arguments[1:]:
            if not fresh or argument.endswith(".csv"):
                prepare_if_missing(argument, name)
        if "sheet.answers.yaml" in arguments:
            prepare("sheet.answers.yaml", name)
        for config in ("passengers.yaml", "my.yaml"):
            if config in arguments and not fresh:
                prepare_if_missing(config.replace(".yaml", ".csv"), name)
        done = bptrain_in(*arguments)
        wrong = 2 if re.search("^error:", printed, re.M) else 4 if "WRONG" in printed else 0
        assert done.returncode == wrong, (line, done.stderr)
        for said in re.findall(r"^(?:error|warning|note): .*$", printed, re.M):
            assert said in done.stderr.replace(str(Path.cwd()), "/home/me"), line
        if "sheet.answers.yaml" in arguments:
            assert printed == done.stdout


@pytest.mark.parametrize("name", ["README", "python"])
def test_the_python_of_a_text_runs(name, capsys):
    Path("configs").symlink_to(REPOSITORY / "configs")
    (code,) = (code for language, code in FENCE.findall(TEXTS[name].read_text()) if language == "python")
    exec(compile(code, f"{name}.md", "exec"), {})
    assert capsys.readouterr().out


def test_the_first_screen_is_what_is_printed(bptrain_in):
    write_houses(Path("my.csv"))
    Path("new.csv").write_text("\n".join(Path("my.csv").read_text().splitlines()[:4]) + "\n")
    screen = next(code for _, code in FENCE.findall(README.read_text()) if code.startswith("$ bptrain init"))
    for part in re.split(r"^\$ ", screen, flags=re.M)[1:]:
        line, _, printed = part.partition("\n")
        done = bptrain_in(*shlex.split(line)[1:])
        assert done.returncode == 0, done.stderr
        shown = [text.split("  ")[0] for text in printed.splitlines() if text and text != "..."]
        assert shown == [text.split("  ")[0] for text in done.stdout.splitlines()][-len(shown) :]

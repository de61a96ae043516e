"""The live view, progress in lines, and charts: their content, their size, and no flicker."""

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console
from speeds import sampled

from bptrain.commands.resume import resume
from bptrain.commands.train import train
from bptrain.console.chart import BLOCKS, Curve, Line, draw_chart, render_sparkline
from bptrain.console.live import REFRESHES, Canvas, LiveView
from bptrain.console.training_lines import print_pairs
from bptrain.console.view import RunView
from bptrain.console.watch import Watch
from bptrain.errors import DivergedError
from bptrain.model.assemble import assemble_file
from bptrain.run.train_run import Started
from bptrain.training.events import EpochEnd, Notice, Progress
from bptrain.training.health import mark_layers
from bptrain.training.session import begin

IRIS = """
data: {source: {bundled: iris}}
network: [dense: 4, relu, dense: 5, tanh, dense]
training: {epochs: 8}
"""


def config(text=IRIS, name="flowers.yaml"):
    Path(name).write_text(text)
    return name


def watch_run(*overrides, clock=None):
    """Return a watch that has seen a whole run."""
    seen = []

    def sink(event):
        if isinstance(event, Started):
            seen.append(Watch(event.session, **({"clock": clock} if clock else {})))
        elif isinstance(event, Progress):
            seen[0].add_progress(event)
        elif isinstance(event, EpochEnd):
            seen[0].add_epoch(event)

    train(config(), overrides, sinks=[sink])
    return seen[0]


def draw_text(watch, width=100, height=40, **options):
    return [line.plain for line in draw_lines(watch, width, height, **options)]


def draw_lines(watch, width, height, encoding="utf-8"):
    """Return the lines as a console of a size shows them."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=stream, width=width, height=height, color_system=None)
    return list(RunView(watch).__rich_console__(console, console.options))


def test_the_view_shows_the_run_and_its_progress():
    lines = draw_text(watch_run("optimizer.adam.lr=0.02", "schedule=cosine"))
    assert re.match(
        r"data +flowers  106 train \+ 22 validation \+ 22 test rows, 4 features → species \(3 classes\)", lines[0]
    )
    assert re.match(r"network +4 → dense 4 → relu → dense 5 → tanh → dense 3, 63 parameters", lines[1])
    assert re.match(r"optimizer +adam lr 0.02 · cosine · softmax_cross_entropy · batches of 32", lines[2])
    assert lines[3].startswith("epoch 8/8 ")
    assert lines[4].startswith("run 100% ")
    text = " ".join(lines)
    for name in ("loss", "validation loss", "accuracy", "lr", "samples/s"):
        assert re.search(rf"\b{name} [\d.e,-]+", text), name
    (record,) = [json.loads(line) for line in Path("runs/flowers-001/history.jsonl").read_text().splitlines()[-1:]]
    assert f"validation loss {record['validation_loss']:.4g}" in text
    layers = [line.split()[0] for line in lines[lines.index(next(line for line in lines if "gradient" in line)) + 1 :]]
    assert layers == ["0.dense", "1.relu", "2.dense", "3.tanh", "4.dense"]


@pytest.mark.parametrize("width", [5, 20, 30, 40, 60, 80, 160, 300])
@pytest.mark.parametrize("height", sampled([2, 6, 12, 24, 60], every=3))
def test_the_view_fits_every_terminal(width, height):
    watch = watch_run("name='a name that is " + "very " * 30 + "long'", "training.epochs=4")
    lines = draw_text(watch, width, height)
    assert 0 < len(lines) < height
    assert max(map(len, lines)) < width
    if width >= 40 and height >= 24:
        assert any("gradient" in line for line in lines)
        assert any("● loss" in line for line in lines)


def test_a_heading_that_is_too_long_for_a_line_takes_two():
    layers = ", ".join(["dense: 8"] * 30)
    watch = watch_run("training.epochs=4", f"network=[{layers}, dense]")
    lines = draw_text(watch, 80)
    assert lines[0] == "data       flowers  4 features → species (3 classes)"
    assert lines[1] == "rows       106 train + 22 validation + 22 test"
    assert re.fullmatch(r"network    4 → dense 8 → .* → … → .* → dense 3, 2,155 parameters", lines[2])


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
def test_the_view_is_written_in_any_encoding(encoding):
    lines = draw_text(watch_run("training.epochs=4"), encoding=encoding)
    assert any("epoch" in line for line in lines)
    assert "\n".join(lines).encode(encoding)


def test_before_training_the_view_says_so():
    assert draw_text(None) == ["getting ready …"]


class Clock:
    """A clock that a test sets."""

    now = 100.0

    def __call__(self):
        return self.now


def test_time_left_and_speed_follow_from_the_rows_done():
    clock = Clock()
    session = begin(assemble_file(config(), ["training.epochs=10"]))
    watch = Watch(session, clock=clock)
    assert watch.seconds_left is None
    clock.now += 2
    watch.add_progress(Progress(1, 53, 1.0))
    # 53 of 106 rows in 2 s; 10 epochs are 1060 rows, 1007 to go.
    assert watch.speed == pytest.approx(26.5)
    assert watch.seconds_left == pytest.approx(1007 / 26.5)
    assert watch.epoch_seconds == pytest.approx(4.0)
    clock.now += 2
    watch.add_epoch(EpochEnd({"epoch": 1, "step": 4, "lr": 0.1, "loss": 0.5}, True))
    assert watch.rows_done == 106
    assert watch.seconds_left == pytest.approx(36)
    lines = draw_text(watch)
    assert lines[3].startswith("epoch 2/10")
    assert lines[3].endswith(" 4.00 s left")
    assert lines[4].startswith("run 10%")
    assert lines[4].endswith(" 36 s left")


@pytest.mark.parametrize(
    ("override", "left"), [("training.max_steps=8", 2.0), ("training.max_seconds=5", 3.0), ("training.epochs=2", 2.0)]
)
def test_time_left_respects_limits_of_training(override, left):
    clock = Clock()
    watch = Watch(begin(assemble_file(config(), [override])), clock=clock)
    clock.now += 2
    watch.add_epoch(EpochEnd({"epoch": 1, "step": 4, "lr": 0.1, "loss": 0.5}, True))
    assert watch.seconds_left == pytest.approx(left)


def test_speed_is_not_negative_after_divergence():
    clock = Clock()
    watch = Watch(begin(assemble_file(config())), clock=clock)
    for rows in (32, 64, 32):
        clock.now += 1
        watch.add_progress(Progress(1, rows, 1.0))
    assert watch.speed >= 0


def test_a_resumed_run_continues_its_curves():
    done = train(config(), ["training.epochs=5"])
    views = []

    def sink(event):
        if isinstance(event, Started):
            view = LiveView(io.StringIO(), Console(file=io.StringIO(), width=80))
            view(event)
            views.append((list(view.watch.training.places), view.watch.epoch))

    resume(done.run, ["training.epochs=7"], sinks=[sink])
    assert views == [([1, 2, 3, 4, 5], 5)]


MARKS = [
    ({"gradient_norm.0.dense": 1e-9, "gradient_norm.4.dense": 1.0}, {"0.dense": "vanishing"}),
    ({"gradient_norm.0.dense": 1e9, "gradient_norm.4.dense": 1.0}, {"0.dense": "exploding"}),
    ({"gradient_norm.0.dense": 1.0, "gradient_norm.4.dense": 1.0, "dead.1.relu": 0.95}, {"1.relu": "dead"}),
    ({"saturated.3.tanh": 0.9, "dead.3.tanh": 0.1}, {"3.tanh": "saturated"}),
    ({"update_ratio.2.dense": 2.0, "update_ratio.0.dense": 0.1}, {"2.dense": "long steps"}),
    ({"gradient_norm.0.dense": 1.0, "gradient_norm.4.dense": 1.0, "dead.1.relu": 0.5}, {}),
    ({}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("figures", "expected"), MARKS)
def test_layers_in_trouble_are_marked(figures, expected):
    session = begin(assemble_file(config()))
    assert mark_layers(session, figures) == expected
    watch = Watch(session)
    watch.add_epoch(EpochEnd({"epoch": 1, "step": 4, "lr": 0.1, "loss": 0.5} | figures, True))
    for layer, word in expected.items():
        (line,) = [line for line in draw_text(watch) if line.startswith(layer)]
        assert line.endswith(f"  {word}")
    if figures:
        # Where there is no room for all layers, those in trouble stay.
        few = [line for line in draw_text(watch, height=14) if "more layers" in line or re.match(r"\d\.", line)]
        assert all(any(line.startswith(layer) for line in few) for layer in expected)


class Terminal:
    """A minimal terminal: the text on its screen after characters and the codes that a live view uses."""

    def __init__(self, width, height):
        self.width, self.height = width, height
        self.rows, self.x, self.y = [[" "] * width for _ in range(height)], 0, 0
        self.watch = None

    def feed(self, text):
        for code, number, letter, character in re.findall(r"(\x1b\[\??([\d;]*)([A-Za-z]))|(.|\n)", text):
            if code:
                self.control(number, letter)
            elif character == "\n":
                self.x, self.y = 0, self.y + 1
                if self.y == self.height:
                    self.rows, self.y = [*self.rows[1:], [" "] * self.width], self.height - 1
            elif character == "\r":
                self.x = 0
            else:
                if self.x == self.width:
                    assert self.watch is None, "a line of a picture wraps"
                    self.feed("\n")
                self.put(self.y, self.x, character)
                self.x += 1

    def control(self, number, letter):
        if letter == "A":
            self.y = max(self.y - int(number or 1), 0)
        elif letter == "H":
            self.x = self.y = 0
        elif letter in "KJ":
            for x in range(0 if number == "2" else self.x, self.width):
                self.put(self.y, x, " ")
            for y in range(0 if number == "2" else self.y + 1, self.height if letter == "J" else 0):
                for x in range(self.width):
                    self.put(y, x, " ")
        else:
            assert letter in "mhl", letter

    def put(self, y, x, character):
        if self.watch is not None and self.rows[y][x] != character:
            self.watch[y, x] = self.watch.get((y, x), 0) + 1
        self.rows[y][x] = character

    def text(self):
        return [row for row in ("".join(cells).rstrip() for cells in self.rows) if row]


class Screen(io.StringIO):
    """A stream that passes every write to a terminal, and counts how often a frame changes a cell."""

    def __init__(self, terminal):
        super().__init__()
        self.terminal, self.flickers, self.pictures = terminal, 0, 0

    def write(self, text):
        is_picture = text.startswith("\x1b[?2026h")
        self.terminal.watch = {} if is_picture else None
        self.terminal.feed(text)
        if is_picture:
            self.pictures += 1
            self.flickers += sum(times > 1 for times in self.terminal.watch.values())
        return len(text)


def open_view(width=80, height=24):
    """Return a live view that draws when a test says so, and its screen."""
    # The screen is higher than the frame, so that nothing scrolls away.
    screen = Screen(Terminal(width, height + 10))
    canvas = Canvas(screen)
    console = Console(
        file=canvas, force_terminal=True, width=width, height=height, color_system="truecolor", _environ={}
    )
    view = LiveView(screen, console)
    view.drawing.canvas = canvas
    view.drawing.auto_refresh = False
    return view, screen


def test_nothing_flickers_and_only_the_latest_frame_is_left():
    view, screen = open_view()
    session = begin(assemble_file(config()))
    with view:

        def draw(*events):
            for event in events:
                view(event)
            view.drawing.draw()
            wanted = [line.rstrip() for line in draw_text(view.watch, 80, 24) if line.strip()]
            assert screen.terminal.text() == [*said, *wanted]

        said = ["warning: look here"]
        draw(Notice("look here"))
        draw(Started(session, Path("nowhere")))
        for epoch in range(1, 9):
            for rows in (20, 60, 106):
                draw(Progress(epoch, rows, 1.0 / rows))
            record = {"epoch": epoch, "step": 4, "lr": 0.1, "loss": 1 / epoch, "gradient_norm.0.dense": 1e-3**epoch}
            draw(EpochEnd(record, True))
        said.append("note: and here " + "z" * 65)
        draw(Notice("and here " + "z" * 65, warning=False))
        view.watch = None
        draw()
        assert screen.pictures >= 20
        assert screen.flickers == 0
    assert screen.terminal.text() == said


def test_after_a_change_of_size_nothing_of_the_old_frame_is_left():
    view, screen = open_view(120, 30)
    with view:
        train(config(), sinks=[view])
        view.drawing.draw()
        assert screen.terminal.text()[-1].startswith("4.dense")
        screen.terminal.width = 50
        for row in screen.terminal.rows:
            del row[50:]
        view.console.size = (50, 30)
        view.drawing.draw()
        assert screen.terminal.text() == [line.rstrip() for line in draw_text(view.watch, 50, 30) if line.strip()]


def test_events_alone_draw_nothing():
    assert REFRESHES <= 10
    view, screen = open_view()
    session = begin(assemble_file(config()))
    with view:
        view(Started(session, Path("nowhere")))
        before = screen.pictures
        for rows in range(1000):
            view(Progress(1, rows % 106, 1.0))
        assert screen.pictures == before


def test_a_terminal_that_is_gone_does_not_end_training():
    view, screen = open_view()
    tried = []

    def gone(text):
        tried.append(text)
        raise OSError(5, "Input/output error")

    with view:
        train(config(), ["training.epochs=2"], sinks=[view])
        whole = screen.write
        screen.write = gone
        view.drawing.draw()
        screen.write = whole
    assert tried


def find_dots(lines, width):
    """Return the places of the dots of a chart, from the left and the bottom, by the table of Unicode."""
    table = {1: (0, 3), 2: (0, 2), 4: (0, 1), 8: (1, 3), 16: (1, 2), 32: (1, 1), 64: (0, 0), 128: (1, 0)}
    found = set()
    for up, line in enumerate(reversed(lines)):
        for column, character in enumerate(line.plain[len(line.plain) - width :] if len(line.plain) >= width else ""):
            bits = ord(character) - 0x2800 if character != " " else 0
            found |= {(2 * column + x, 4 * up + y) for bit, (x, y) in table.items() if bits & bit}
    return found


def curve(values):
    one = Curve()
    for place, value in enumerate(values):
        one.append(place, value)
    return one


def test_a_chart_is_a_line_from_corner_to_corner():
    (first, *_, last) = lines = draw_chart([Line("x", curve([0.0, 1.0]), "red", "*")], 9 + 1 + 10, 5)
    assert len(lines) == 5
    places = find_dots(lines, 10)
    assert {(0, 0), (19, 19)} <= places
    assert all(abs(x - y) <= 1 for x, y in places)
    assert {x for x, _ in places} == set(range(20))
    assert first.plain.split()[0] == "1"
    assert last.plain.split()[0] == "0"


def test_a_chart_of_powers_is_straight_too():
    lines = draw_chart([Line("x", curve([10.0**k for k in range(11)]), "red", "*")], 9 + 1 + 10, 5)
    assert all(abs(x - y) <= 1 for x, y in find_dots(lines, 10))


@pytest.mark.parametrize("values", [[], [1.0]])
def test_a_chart_needs_two_points(values):
    assert draw_chart([Line("x", curve(values), "red", "*")], 80, 8) == []


def test_a_long_curve_stays_short_and_keeps_its_shape():
    one = curve(range(100_000))
    assert len(one) < Curve.LONGEST
    assert one.values == sorted(one.values)
    assert (one.values[0] < 1000, one.values[-1] > 99_000) == (True, True)
    assert all(abs(place - value) < 1000 for place, value in zip(one.places, one.values, strict=True))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], BLOCKS),
        ([7, 0], "█▁"),
        ([1, 10, 100, 1000, 10**4, 10**5, 10**6, 10**7], BLOCKS),
        ([3, 3, None, 3], "▅▅▅"),
        ([], ""),
        ([None, float("nan")], ""),
    ],
)
def test_sparklines(values, expected):
    assert render_sparkline(values) == expected
    assert len(render_sparkline(values * 50)) <= 16


def test_json_lines_are_the_history(bptrain_in):
    done = bptrain_in("train", config(), "--log", "json", "--json", "optimizer.adam.lr=0.5")
    assert done.returncode == 0, done.stderr
    json.loads(done.stdout)
    said = [json.loads(line) for line in done.stderr.splitlines()]
    epochs = [one for one in said if "epoch" in one]
    history = [
        json.loads(line) for line in (bptrain_in.folder / "runs/flowers-001/history.jsonl").read_text().splitlines()
    ]
    assert len(history) == 8
    assert [{key: one[key] for key in record} for one, record in zip(epochs, history, strict=True)] == history
    assert sum(one["best"] for one in epochs) >= 1
    (warning,) = [one for one in said if "warning" in one]
    assert (warning["code"], warning["field"]) == ("BP240", "optimizer.adam.lr")


def test_results_are_wrapped_on_a_terminal_but_for_commands(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "30")
    pairs = [("validation", "loss 0.25 · accuracy 0.95 · f1 0.9"), ("next", "bptrain evaluate runs/a-long-name-001")]
    print_pairs("title", pairs)
    whole = capsys.readouterr().out.splitlines()
    assert whole == ["title", f"validation  {pairs[0][1]}", f"next        {pairs[1][1]}"]
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    print_pairs("title", pairs)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:3] == ["validation  loss 0.25 ·", "            accuracy 0.95 · f1"]
    assert lines[-1] == whole[-1]


@pytest.mark.parametrize("log", ["auto", "plain", "json"])
def test_quiet_prints_nothing_with_any_log(bptrain_in, log):
    done = bptrain_in("train", config(), "--quiet", "--log", log, "optimizer.adam.lr=0.5")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_run_that_diverges_restores_the_terminal():
    view, screen = open_view()
    line = "data: {source: {synthetic: {kind: line}}}\nhidden: [4]\noptimizer: {sgd: {lr: 1.0e+30}}\n"
    with pytest.raises(DivergedError), view:
        train(config(line), sinks=[view])
    assert screen.terminal.text() == []

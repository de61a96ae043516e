"""Listing and comparing runs: states, differences, scores, and the comparison page."""

import io
import json
import os
import signal
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console
from speeds import sampled

import bptrain
from bptrain.console.scores import run_tables
from bptrain.console.scores.run_tables import print_comparison, print_runs
from bptrain.errors import DivergedError, InputError, StoppedError
from bptrain.interruption import Interruption
from bptrain.report.comparison import abbreviate, find_differences, find_perfect, mark_best
from bptrain.run.directory import RunDirectory
from bptrain.run.lock import Lock
from bptrain.run.outcome import read_outcome
from bptrain.run.run_list import read_run
from bptrain.run.train_run import Started

IRIS = "data: {source: {bundled: iris}}\nhidden: [4]\ntraining: {epochs: 3}\n"


@pytest.fixture
def flowers():
    Path("flowers.yaml").write_text(IRIS)
    return "flowers.yaml"


def list_states(root="runs"):
    return {run.path.name: run.state for run in bptrain.runs(root)}


def test_a_finished_run_has_the_scores_of_its_result(flowers):
    result = bptrain.train(flowers)
    (run,) = bptrain.runs()
    assert (run.path, run.name, run.state, run.why) == (result.run, "flowers", "finished", "epochs")
    assert (run.epochs, run.of, run.steps) == (3, 3, result.steps)
    said = result.to_json()
    assert (run.best, run.test) == (said["best"], said["test"])
    assert run.seconds >= result.seconds
    assert read_run(result.run) == run


def test_the_seconds_of_a_resumed_run_add_up(flowers):
    interruption = Interruption()

    def stop(event):
        if getattr(event, "record", {}).get("epoch") == 2:
            interruption.ask(signal.SIGINT)

    with pytest.raises(StoppedError):
        bptrain.train(flowers, sinks=[stop], interruption=interruption)
    (run,) = bptrain.runs()
    assert (run.state, run.epochs, run.of) == ("stopped", 2, 3)
    assert "SIGINT" in run.why
    bptrain.resume(run.path)
    (whole,) = bptrain.runs()
    assert (whole.state, whole.epochs) == ("finished", 3)
    assert whole.seconds > run.seconds > 0
    # A finished run is not touched again.
    bptrain.resume(run.path)
    assert bptrain.runs()[0].seconds == whole.seconds


def test_the_lock_tells_running_from_crashed(flowers):
    seen = []

    def look(event):
        if isinstance(event, Started):
            seen.append(read_run(event.run))

    result = bptrain.train(flowers, sinks=[look])
    assert [run.state for run in seen] == ["running"]
    assert f"process {os.getpid()}" in seen[0].why
    lock = result.run / "lock.json"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    # A lock that nobody holds was left by a process that died, even if another has its number now.
    for pid in (gone.pid, os.getpid(), 1):
        lock.write_text(json.dumps({"pid": pid, "host": os.uname().nodename}))
        assert read_run(result.run).state == "crashed"
    with Lock(result.run):
        assert read_run(result.run).state == "running"
    assert read_run(result.run).state == "finished"


def test_a_killed_run_is_listed_as_crashed(flowers, tmp_path):
    command = [sys.executable, "-m", "bptrain", "train", flowers, "training.epochs=1000000", "--log", "json"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if '"epoch": 5' in line:
            break
    assert list_states() == {"flowers-001": "running"}
    process.kill()
    process.wait()
    process.stderr.close()
    assert list_states() == {"flowers-001": "crashed"}
    assert bptrain.runs()[0].epochs >= 5


def test_a_diverged_run_is_listed_as_diverged():
    line = "data: {source: {synthetic: {kind: line}}}\nhidden: [4]\noptimizer: {sgd: {lr: 1.0e+30}}\n"
    Path("line.yaml").write_text(line)
    with pytest.raises(DivergedError):
        bptrain.train("line.yaml")
    (run,) = bptrain.runs()
    assert run.state == "diverged"
    assert run.why.startswith("training diverged: ")


def test_without_an_outcome_the_state_comes_from_the_checkpoint(flowers):
    one, other = bptrain.train(flowers), bptrain.train(flowers, ["training.max_seconds=0.000001"])
    assert list_states() == {"flowers-001": "finished", "flowers-002": "stopped"}
    for run in (one.run, other.run):
        (run / "outcome.json").unlink()
    assert list_states() == {"flowers-001": "finished", "flowers-002": "stopped"}
    assert read_run(one.run).best["epoch"] == one.best.epoch
    assert read_run(one.run).best["loss"] == one.best.score.loss
    (one.run / "checkpoints" / "last.npz").write_bytes(b"PK\x03\x04 nonsense")
    assert read_run(one.run).state == "crashed"


BROKEN = {
    "outcome.json": ["", "[]", "{}x", '{"state": "great"}', '{"state": 3, "why": [], "seconds": "x"}', '{"a": 1}'],
    "environment.json": ["", "[]", "7", '{"started": 7}', '{"started": "yesterday"}'],
    "config.yaml": ["", "[", "- 1", "name: [a]", "training: 3", "training: {epochs: many}"],
    "history.jsonl": ["", "nonsense\n", "7\n", '{"epoch": 1}\n', '{"epoch": 1, "loss": 0.5', '{"epoch": null}\n'],
    "lock.json": ["", "[]", "nonsense", '{"pid": "x"}'],
}


@pytest.mark.parametrize(
    ("name", "content"), sampled([(name, text) for name, texts in BROKEN.items() for text in texts], every=4)
)
def test_a_broken_file_in_one_run_does_not_hide_other_runs(flowers, name, content, capsys):
    first, second = bptrain.train(flowers), bptrain.train(flowers)
    (first.run / name).write_text(content)
    found = {run.path.name: run for run in bptrain.runs()}
    assert found.keys() == {"flowers-001", "flowers-002"}
    assert found["flowers-002"].state == "finished"
    json.dumps([run.to_json() for run in found.values()], allow_nan=False)
    comparison = bptrain.compare([first.run, second.run])
    json.dumps(comparison.to_json(), allow_nan=False)
    print_runs(tuple(found.values()))
    print_comparison(comparison)
    assert "runs/flowers-001" in capsys.readouterr().out


def test_a_broken_line_of_the_history_is_named_and_can_be_deleted(flowers):
    run = bptrain.train(flowers).run
    history = run / "history.jsonl"
    records = history.read_text()
    history.write_text(f"{records}7\n")
    assert read_run(run).problem == f"{history}:4: not the record of an epoch (it has no epoch number); delete the line"
    history.write_text(records)
    assert not read_run(run).problem


def test_the_newest_run_is_listed_first(flowers, bptrain_in):
    for name, started in {"a": "2026-01-02", "b": "2026-01-03", "c": "2026-01-01"}.items():
        run = bptrain.train(flowers, run=f"runs/{name}").run
        document = json.loads((run / "environment.json").read_text())
        (run / "environment.json").write_text(json.dumps(document | {"started": f"{started}T00:00:00+0000"}))
    Path("runs/notes").mkdir()
    Path("runs/file").write_text("")
    listed = bptrain_in("runs")
    assert [line.split()[0] for line in listed.stdout.splitlines()[2:]] == ["runs/b", "runs/a", "runs/c"]
    assert all("finished" in line and "3 of 3" in line for line in listed.stdout.splitlines()[2:])
    document = json.loads(bptrain_in("runs", "--json").stdout)
    assert [run["run"] for run in document["runs"]] == ["runs/b", "runs/a", "runs/c"]
    assert document["runs"][0]["best"]["epoch"] in (1, 2, 3)


@pytest.mark.parametrize(("width", "missing"), [(120, ""), (80, "time, started"), (40, "")])
def test_a_narrow_list_says_what_it_leaves_out(flowers, monkeypatch, width, missing):
    bptrain.train(flowers, run="runs/a-rather-long-name-001")
    stream = io.StringIO()
    console = Console(file=stream, width=width, color_system=None)
    monkeypatch.setattr(run_tables, "get_console", lambda: console)
    print_runs(bptrain.runs())
    text = " ".join(stream.getvalue().split())
    assert ("not shown at this width: " in text) == bool(missing)
    assert f"not shown at this width: {missing}" in text or not missing
    assert "3 of 3" in text
    assert ("started" in text and "time" in text) or missing
    assert max(len(line.rstrip()) for line in stream.getvalue().splitlines()) <= width


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["runs"], "error: runs: no such directory; `bptrain train CONFIG` creates runs/"),
        (["runs", "nowhere"], "error: nowhere: no such directory"),
        (["compare", "nowhere"], "error: nowhere: no such run directory"),
        (["compare", "."], "error: .: not a run directory (looked for config.yaml)"),
    ],
)
def test_a_path_that_is_not_a_run_is_an_error_of_one_line(bptrain_in, arguments, message):
    done = bptrain_in(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(message)
    assert len(done.stderr.splitlines()) == 1


DIFFERENT = [
    ([{"a": 1}, {"a": 1}], []),
    ([{"a": 1, "b": 2}, {"a": 1, "b": 3}], [("b", (2, 3))]),
    ([{"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 2}}}, {"a": {"b": {"c": 1}}}], [("a.b.c", (1, 2, 1))]),
    ([{"o": {"adam": {"lr": 1, "x": 2}}}, {"o": {"sgd": {"lr": 3}}}], [("o", ("adam", "sgd")), ("o.lr", (1, 3))]),
    ([{"s": "cosine"}, {"s": {"step": {"every": 3}}}], [("s", ("cosine", "step"))]),
    ([{"n": ["relu", {"a": {"u": 3}}]}, {"n": ["relu", {"a": {"u": 4}}]}], [("n.1.a.u", (3, 4))]),
    ([{"n": ["relu", {"dense": {"units": 3, "l1": 0}}]}, {"n": ["tanh"]}], [("n", ("relu, dense 3", "tanh"))]),
    ([{"e": None}, {"e": {"patience": 3, "delta": 0}}], [("e", (None, "{patience: 3, delta: 0}"))]),
    ([{"a": 1}, {"b": 1}], [("a", (1, None)), ("b", (None, 1))]),
]  # fmt: skip


@pytest.mark.parametrize(("values", "expected"), DIFFERENT)
def test_differences_of_configs(values, expected):
    assert [(one.key, one.values) for one in find_differences(values)] == expected


def test_the_best_score_is_the_highest_or_the_lowest():
    assert mark_best("loss", [0.5, 0.2, None, 0.2], 0.0, mark=True).best == (1, 3)
    assert mark_best("accuracy", [0.5, 0.2, None], 1.0, mark=True).best == (0,)
    assert mark_best("accuracy", [0.5, 0.2], 1.0, mark=False).best == ()
    assert mark_best("unheard_of", [0.5, 0.2], None, mark=True).best == ()
    assert mark_best("loss", [0.5, None], 0.0, mark=True).best == ()
    assert find_perfect("y.rmse") == find_perfect("rmse") == 0
    assert find_perfect("a.b.accuracy") == 1
    assert find_perfect("y.unheard_of") is None
    assert (
        abbreviate([{"dense": {"units": 64, "bias": True}}, "relu", {"dropout": {"rate": 0.2}}])
        == "dense 64, relu, dropout 0.2"
    )


def test_compare_shows_runs_side_by_side(flowers, bptrain_in):
    one = bptrain.train(flowers)
    other = bptrain.train(flowers, ["optimizer.adam.lr=0.1", "training.epochs=5"])
    found = bptrain.compare([one.run, other.run])
    assert [(each.key, each.values) for each in found.differences] == [
        ("optimizer.adam.lr", (0.001, 0.1)),
        ("training.epochs", (3, 5)),
    ]
    losses = next(each for each in found.scores if each.name == "loss")
    assert losses.values == (one.best.score.loss, other.best.score.loss)
    assert losses.best == (1,)
    tests = next(each for each in found.scores if each.name == "test loss")
    assert tests.values == (one.test.loss, other.test.loss)
    assert tests.best == (), "no run is chosen by its test rows"
    done = bptrain_in("compare", one.run, other.run)
    assert (done.returncode, done.stderr) == (0, "")
    rows = {line.split("  ")[0]: line for line in done.stdout.splitlines()}
    assert rows["optimizer.adam.lr"].split()[1:] == ["0.001", "0.1"]
    assert rows["validation loss"].split()[2:] == [f"{one.best.score.loss:.6g}", f"{other.best.score.loss:.6g}", "★"]
    assert rows["epochs"].split()[1:] == ["3", "of", "3", "5", "of", "5"]
    assert len(rows["loss curve"].split()[-1]) == 5
    document = json.loads(bptrain_in("compare", one.run, other.run, "--json").stdout)
    assert document == json.loads(json.dumps(found.to_json()))
    narrow = bptrain_in("compare", *[one.run, other.run] * 1, COLUMNS="40")
    assert narrow.returncode == 0


def test_runs_are_sorted_by_a_score_and_filtered(flowers, bptrain_in):
    made = [bptrain.train(flowers, [f"seed={k}", f"training.epochs={k + 1}"]) for k in range(3)]
    by_loss = sorted(made, key=lambda one: one.best.score.loss)
    assert [run.path for run in bptrain.runs(sort="loss")] == [one.run for one in by_loss]
    by_accuracy = [one.test.metrics["accuracy"] for one in made]
    found = bptrain.runs(sort="test accuracy")
    assert [run.test["metrics"]["accuracy"] for run in found] == sorted(by_accuracy, reverse=True)
    assert [run.path for run in bptrain.runs(where=["seed=2"])] == [made[2].run]
    assert [run.path for run in bptrain.runs(where=["training.epochs=2", "finished"])] == [made[1].run]
    assert bptrain.runs(where=["diverged"]) == ()
    done = bptrain_in("runs", "--sort", "speed")
    assert done.returncode == 2
    assert "--sort speed: no run has this score; choose from loss, " in done.stderr


def test_no_best_is_marked_where_data_or_losses_differ(flowers):
    one = bptrain.train(flowers)
    other = bptrain.train(flowers, ["loss=mse"])
    third = bptrain.train(flowers, ["data.split.test=0.3"])
    found = bptrain.compare([one.run, other.run])
    assert found.remark == "the losses differ, so no score is marked as the best"
    assert not any(each.best for each in found.scores)
    assert bptrain.compare([one.run, third.run]).remark.startswith("the data differ")
    with pytest.raises(InputError, match="is given twice; name different runs"):
        bptrain.compare([one.run, one.run])


class Page(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.attributes, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.words.append(data)


@pytest.mark.slow
def test_the_page_has_the_curves_of_all_runs_and_loads_nothing(flowers, bptrain_in):
    pytest.importorskip("matplotlib")
    one, other = bptrain.train(flowers), bptrain.train(flowers, ["optimizer.adam.lr=0.1"])
    done = bptrain_in("compare", one.run, other.run, "--html", "c.html")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("c.html: written\n")
    page = Page(Path("c.html").read_text())
    assert page.elements.count("svg") == 3
    assert "script" not in page.elements
    links = [value for name, value in page.attributes if name in ("src", "href") and value]
    assert all(value.startswith(("#", "data:")) for value in links)
    drawn = [value.partition(" over")[0] for name, value in page.attributes if name == "aria-label" and "over" in value]
    assert drawn == ["validation loss", "training loss", "validation accuracy"], "the learning rates are constant"
    text = " ".join(page.words)
    assert all(word in text for word in ("flowers-001", "flowers-002", "optimizer.adam.lr", "validation loss", "★"))


def test_the_page_is_only_written_to_an_html_file(flowers, bptrain_in):
    run = bptrain.train(flowers).run
    Path("data.csv").write_text("years of work")
    done = bptrain_in("compare", run, "--html", "data.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: data.csv: expected a file that ends in .html")
    assert Path("data.csv").read_text() == "years of work"


def test_a_run_without_an_outcome_can_be_resumed(flowers):
    result = bptrain.train(flowers, ["training.epochs=2"])
    outcome = read_outcome(RunDirectory(result.run))
    assert (outcome.state, outcome.why) == ("finished", "epochs")
    (result.run / "outcome.json").unlink()
    assert bptrain.resume(result.run, ["training.epochs=3"]).epochs == 3
    assert (result.run / "outcome.json").is_file()

"""The command line: help, exit codes, streams, JSON keys, and no control characters from data."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from speeds import sampled

CONFIGS = Path(__file__).parents[1] / "configs"
COMMANDS = (
    "train", "resume", "evaluate", "predict", "runs", "compare", "report", "plot", "race", "gradcheck", "explain",
    "verify", "validate", "data", "show", "init", "list", "schema", "bench", "help", "examples", "cache",
)  # fmt: skip
"""The commands, written out, since the list of the package is what is tested."""
TINY = "data: {source: {bundled: iris}}\nhidden: [4]\ntraining: {epochs: 2}\n"


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return path


def test_help_of_every_command(bptrain_in):
    text = bptrain_in("--help").stdout
    listed = re.findall(r"^  (\w+)  +\S", text.partition("Start:")[2], re.M)
    assert sorted(listed) == sorted(COMMANDS)
    for command in COMMANDS:
        one = bptrain_in(command, "--help")
        assert one.returncode == 0
        assert re.search(rf"Usage: .*{command}", one.stdout)
        assert re.search(r"^  \S", one.stdout.partition("Usage:")[2], re.M), "it says nothing of itself"
        assert not one.stderr
        typer = re.search(r"<path>|<list|\{[A-Z]|default: \(", one.stdout)
        assert not typer, f"{command}: arguments and defaults are shown as they are typed"


def test_version(bptrain_in):
    assert re.fullmatch(r"bptrain \d+\.\d+\.\d+\n", bptrain_in("--version").stdout)


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_first_screens_import_nothing_heavy(option):
    code = f"""
import sys
sys.argv = ["bptrain", {option!r}]
from bptrain.__main__ import main
try:
    main()
except SystemExit:
    pass
print(sorted({{"numpy", "duckdb", "matplotlib", "yaml", "bptrain.config"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"


def test_train_and_evaluate_json(bptrain_in, tiny):
    done = bptrain_in("train", tiny, "--json")
    assert done.returncode == 0
    result = json.loads(done.stdout)
    assert set(result) == {"run", "checkpoint", "epochs", "steps", "seconds", "stopped", "best", "test", "ruler"}
    assert set(result["best"]) == {"epoch", "loss", "metrics"}
    assert set(result["test"]) == {"loss", "metrics"}
    assert (result["run"], result["epochs"], result["stopped"]) == ("runs/tiny-001", 2, "epochs")
    again = json.loads(bptrain_in("evaluate", result["checkpoint"], "--json").stdout)
    assert set(again) == {"split", "rows", "loss", "metrics", "targets", "baselines"}
    assert (again["split"], again["loss"]) == ("test", result["test"]["loss"])
    assert again["metrics"].items() > result["test"]["metrics"].items()
    assert again == json.loads(bptrain_in("evaluate", result["run"], "--json").stdout)
    train = json.loads(bptrain_in("evaluate", result["run"], "--split", "train", "--json").stdout)
    assert (train["split"], train["rows"]) == ("train", 106)


def test_progress_on_stderr_results_on_stdout(bptrain_in, tiny):
    done = bptrain_in("train", tiny)
    lines = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
    assert [line.split()[1] for line in lines] == ["1/2", "2/2"]
    assert all("validation_accuracy" in line for line in lines)
    assert "bptrain evaluate runs/tiny-001" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    quiet = bptrain_in("train", tiny, "--quiet")
    assert (quiet.stdout, quiet.stderr, quiet.returncode) == ("", "", 0)


def test_the_printed_metrics_are_those_of_the_json(bptrain_in, tiny):
    text = bptrain_in("train", tiny).stdout
    again = bptrain_in("evaluate", "runs/tiny-001").stdout
    loss, accuracy = re.search(r"^test +loss (\S+) · accuracy (\S+)$", text, re.M).groups()
    assert re.search(rf"^loss +{re.escape(loss)}$", again, re.M)
    assert re.search(rf"^accuracy +{re.escape(accuracy)} ", again, re.M)


def test_evaluate_on_new_data(bptrain_in, tmp_path):
    rows = [(0.1, 5, "no"), (0.9, 5, "yes"), (0.2, 6, "no"), (0.8, 6, "yes")] * 10
    text = "x,z,label\n" + "".join(f"{x},{z},{label}\n" for x, z, label in rows)
    (tmp_path / "my data.csv").write_text(text)
    (tmp_path / "c.yaml").write_text(
        "data: {source: {csv: {path: my data.csv}}, target: label}\nhidden: [4]\n"
        "optimizer: {adam: {lr: 0.05}}\ntraining: {epochs: 60, batch_size: 8}\n"
    )
    assert bptrain_in("train", "c.yaml", "-q").returncode == 0
    (tmp_path / "new.csv").write_text("other,label,z,x\n1,yes,5,0.95\n1,no,6,0.05\n1,yes,6,0.1\n")
    new = json.loads(bptrain_in("evaluate", "runs/c-001", "--data", "new.csv", "--json").stdout)
    assert (new["split"], new["rows"]) == ("data", 3)
    assert new["metrics"]["accuracy"] == pytest.approx(2 / 3)
    (tmp_path / "my data.csv").write_text(text + "0.5,5,no\n")
    changed = bptrain_in("evaluate", "runs/c-001")
    assert changed.returncode == 2
    assert "has 41 rows, and had 40 when the model was trained" in changed.stderr


@pytest.mark.parametrize("config", sampled(["iris", None]))
def test_gradcheck(bptrain_in, config):
    arguments = [CONFIGS / f"{config}.yaml"] if config else []
    done = bptrain_in("gradcheck", *arguments, "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert report["passed"] is True
    for check in report["checks"]:
        assert {"name", "passed", "max_error", "tolerance", "entries", "diagnosis"} <= set(check)
    assert report["checks"]
    table = bptrain_in("gradcheck", *arguments)
    assert f"all {len(report['checks'])} checks are exact" in table.stdout


BREAKS = [
    ("np.multiply(dy, s.mask, out=dx)", "np.copyto(dx, dy)"),
    ("x.T.dot(dy, out=g.weight)", "x.T.dot(dy, out=g.weight); g.weight /= len(x)"),
    ("dy.dot(p.weight.T, out=dx)", "dy.dot(p.weight.T, out=dx); dx *= -1"),
    ("np.subtract(1, s.slope, out=s.slope)", "pass"),
    ("dscores *= 2", "pass"),
    ("np.negative(s.rest, out=s.shift)", "np.subtract(1, s.rest, out=s.shift)"),
    ("scratch *= self.l1", "pass"),
]
"""Lines, each of one file of layers, losses or penalties, and what breaks them."""


@pytest.mark.parametrize(("right", "wrong"), BREAKS, ids=[row[0] for row in BREAKS])
@pytest.mark.slow
def test_gradcheck_fails_when_a_line_of_a_backward_pass_is_broken(tmp_path, right, wrong):
    """In a copy of the package, with one line changed."""
    import shutil

    import bptrain

    package = tmp_path / "bptrain"
    shutil.copytree(Path(bptrain.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    files = [*package.glob("nn/**/*.py"), *package.glob("optim/*.py")]
    (path,) = [path for path in files if re.search(rf"^ +{re.escape(right)}$", path.read_text(), re.M)]
    text = path.read_text()
    assert text.count(right) == 1
    path.write_text(text.replace(right, wrong))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "bptrain", "gradcheck", "--json"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 4, done.stderr
    report = json.loads(done.stdout)
    assert report["passed"] is False
    failed = [check for check in report["checks"] if not check["passed"]]
    assert failed
    assert all(check["diagnosis"] for check in failed)


def test_show_prints_a_config_that_runs(bptrain_in, tiny, tmp_path):
    shown = bptrain_in("show", tiny, "training.epochs=1").stdout
    (tmp_path / "shown.yaml").write_text(shown)
    assert "# network: 35 parameters" in shown
    assert bptrain_in("train", "shown.yaml", "-q").returncode == 0


@pytest.mark.parametrize("page", ["README.md", "bptrain/guide/config.md"])
def test_a_config_behaves_as_show_prints_it(bptrain_in, tmp_path, page):
    text = (CONFIGS.parent / page).read_text()
    config = re.search(r"```yaml\n(.*?)```", text, re.S)[1]
    shown = re.findall(r"^error: wrong.yaml:.*$", text, re.M)
    assert len(shown) == 2
    (tmp_path / "my.csv").write_text("size,price\n" + "".join(f"{k},{k * 3.5}\n" for k in range(100)))
    (tmp_path / "good.yaml").write_text(config)
    assert bptrain_in("train", "good.yaml", "training.epochs=1", "-q").returncode == 0
    (tmp_path / "wrong.yaml").write_text(config.replace("units: 64", "unit: 64").replace("lr: 0.001", "lr: -0.001"))
    assert bptrain_in("train", "wrong.yaml").stderr.splitlines() == shown
    warned = re.findall(r"^warning: .*$", text, re.M)
    assert len(warned) == (page != "README.md")
    (tmp_path / "my.yaml").write_text(config)
    assert bptrain_in("train", "my.yaml", "optimizer.adam.lr=1").stderr.splitlines()[: len(warned)] == warned


def test_validate(bptrain_in, tiny, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("data: {source: {bundled: iris}, target: x}\nhidden: [4]\n")
    both = bptrain_in("validate", tiny, bad)
    assert both.returncode == 2
    assert both.stdout == f"{tiny}: valid\n"
    assert both.stderr.startswith(f"error: {bad}:1:41: data.target: iris has no column 'x'")
    report = json.loads(bptrain_in("validate", tiny, bad, "--json").stdout)
    assert (report["valid"], report["warnings"]) == (False, [])
    (error,) = report["errors"]
    assert set(error) == {"file", "line", "column", "field", "message", "code", "severity"}
    assert (error["line"], error["column"], error["field"]) == (1, 41, "data.target")
    bundled = bptrain_in("validate", "--strict", "--json", *sorted(CONFIGS.rglob("*.yaml")))
    # The one that shows how gradients vanish is warned of that.
    (wrong,) = json.loads(bundled.stdout)["errors"]
    assert (Path(wrong["file"]).name, wrong["code"]) == ("vanishing.yaml", "BP207")


@pytest.fixture
def risky(tmp_path):
    path = tmp_path / "risky.yaml"
    path.write_text(TINY + "optimizer: {adam: 1}\n")
    return path


def test_a_risk_is_reported_and_with_strict_an_error(bptrain_in, risky, tmp_path):
    line = f"{risky}:4:19: optimizer.adam.lr: 1 is far above the usual learning rates of adam"
    for command in (["validate", risky], ["train", risky]):
        done = bptrain_in(*command)
        assert done.returncode == 0
        assert done.stderr.startswith(f"warning: {line}")
        assert done.stderr.count("BP240") == 1
        assert "warning" not in done.stdout
        strict = bptrain_in(*command, "--strict")
        assert strict.returncode == 2
        assert strict.stderr.startswith(f"error: {line}")
        assert strict.stdout == ""
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["risky-001"]
    assert bptrain_in("train", risky, "--quiet").stderr == ""
    assert bptrain_in("train", risky, "--quiet", "--strict").stderr.startswith(f"error: {line}")


def test_validate_json_has_warnings(bptrain_in, risky):
    done = bptrain_in("validate", risky, "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, done.stderr, report["valid"], report["errors"]) == (0, "", True, [])
    (warning,) = report["warnings"]
    assert set(warning) == {"file", "line", "column", "field", "message", "code", "severity"}
    assert (warning["line"], warning["column"], warning["code"], warning["severity"]) == (4, 19, "BP240", "warning")
    strict = bptrain_in("validate", risky, "--json", "--strict")
    report = json.loads(strict.stdout)
    assert (strict.returncode, report["valid"], report["warnings"]) == (2, False, [])
    assert [(error["code"], error["severity"]) for error in report["errors"]] == [("BP240", "error")]


@pytest.mark.slow
def test_a_warning_stays_on_the_terminal(bptrain_in, risky):
    text = bptrain_in.on_a_terminal("train", risky, "training.epochs=300", columns=400)
    assert text.count("[BP240]") == 1
    assert re.search(r"warning: .*:4:19: .*; try 0\.01 \[BP240\]", re.sub(r"\x1b\[[0-9;]*m", "", text))


def test_help_of_codes(bptrain_in):
    listed = re.findall(r"^  ([\w-]+) {2,}(\S.+)$", bptrain_in("help").stdout, re.M)
    assert {"BP102", "BP240", "textbook", "train"} <= {name for name, _ in listed}
    pages = json.loads(bptrain_in("help", "--json").stdout)["topics"]
    assert [(page["name"], page["title"]) for page in pages] == listed
    page = bptrain_in("help", "bp102").stdout
    assert page.startswith("BP102  error: sigmoid before a loss")
    assert page.count("\n    - dense: 16\n") == 2
    assert page.index("Wrong:") < page.index("    - sigmoid") < page.index("Right:")
    assert not re.search(r" $", page, re.M)
    (alone,) = json.loads(bptrain_in("help", "BP102", "--json").stdout)["topics"]
    assert set(alone) == {"name", "kind", "title", "text", "examples"}
    assert [set(example) for example in alone["examples"]] == [{"caption", "config"}] * 2
    unknown = bptrain_in("help", "BP1022")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert re.fullmatch(r"error: there is no help on 'BP1022'; did you mean 'BP1\d\d'\?\n", unknown.stderr)


@pytest.mark.parametrize("columns", sampled([40, 80, 160]))
@pytest.mark.parametrize("topic", sampled(["BP220", "BP102", ""]))
def test_help_fits_the_terminal(bptrain_in, topic, columns):
    text = bptrain_in.on_a_terminal("help", *topic.split(), columns=columns, NO_COLOR="1")
    assert max(len(line) for line in text.splitlines()) <= columns
    assert "…" not in text


def test_list_names_every_component_and_explains_each(bptrain_in):
    everything = json.loads(bptrain_in("list", "--json").stdout)["components"]
    assert {"dense", "relu", "adam", "huber", "csv"} <= {component["name"] for component in everything}
    text = bptrain_in("list").stdout
    for component in everything:
        assert set(component) == {"family", "name", "summary", "text", "options"}
        assert re.search(rf"\b{component['name']}\b", text)
        assert component["summary"] in " ".join(component["text"].split())
        for option in component["options"]:
            assert set(option) == {"name", "takes", "default", "doc"}
            assert option["takes"]
            assert option["doc"]


def test_a_page_of_the_manual(bptrain_in):
    page = bptrain_in("list", "optimizer", "adam").stdout
    for word in ("m̂ / (√v̂ + ε)", "Kingma and Ba", "beta2", "a number >= 0 and < 1", "0.999"):
        assert word in page
    assert "Hinton and Williams, 1986" in bptrain_in("list", "layers", "dense").stdout, "prose is wrapped anew"
    by_family = bptrain_in("list", "losses").stdout
    assert re.search(r"^huber +Quadratic for small errors", by_family, re.M)


MISTAKES = [
    (["train"], "Missing argument"),
    (["train", "gone.yaml"], "error: gone.yaml: no such file"),
    (["train", "."], "error: .: not a file"),
    (["train", "tiny.yaml", "epochs=3"], "error: epochs=3:1:1: epochs: unknown key"),
    (["train", "tiny.yaml", "nonsense"], "error: nonsense:1:1: an override is KEY=VALUE"),
    (
        ["train", "tiny.yaml", "training.epochs=many"],
        "error: training.epochs=many:1:17: training.epochs: expected a whole",
    ),
    (["train", "tiny.yaml", "loss=binary_cross_entropy"], "error: loss=binary_cross_entropy:1:6: loss: binary_cross"),
    (["train", "tiny.yaml", "data.target=specis"], "error: data.target=specis:1:13: data.target: iris has no column"),
    (["train", "nan.yaml"], "nan.csv:3: a: a missing value or NaN; fill it in, remove the row, or write under data"),
    (["train", "tiny.yaml", "--run", "full"], "error: full: exists already"),
    (["train", "tiny.yaml", "--epochs", "3"], "No such option: --epochs"),
    (["evaluate", "gone"], "error: gone: no such checkpoint or run directory"),
    (["evaluate", "tiny.yaml"], "error: tiny.yaml: not a checkpoint"),
    (["evaluate", "full"], "error: full: no checkpoint in this directory"),
    (["gradcheck", "gone.yaml"], "error: gone.yaml: no such file"),
    (["show", "gone.yaml"], "error: gone.yaml: no such file"),
    (["validate", "gone.yaml"], "error: gone.yaml: no such file"),
    (["nonsense"], "No such command"),
    (["list", "losse"], "error: no family is named 'losse'; did you mean 'losses'?"),
    (["list", "losses", "hubr"], "error: no member of losses is named 'hubr'; did you mean 'huber'?"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES, ids=[" ".join(row[0]) for row in MISTAKES])
def test_bad_input_is_one_clear_line_and_exit_code_2(bptrain_in, tiny, tmp_path, arguments, message):
    (tmp_path / "nan.csv").write_text("a,y\n1,2\n,3\n" + "4,5.5\n" * 20)
    (tmp_path / "nan.yaml").write_text("data: {source: {csv: nan.csv}, target: y}\nhidden: [4]\n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("years of work")
    done = bptrain_in(*arguments)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert re.fullmatch(r"error: .+\n", done.stderr)
    assert done.stdout == ""
    assert not (tmp_path / "runs").exists()


def test_divergence_has_exit_code_3(bptrain_in, tiny):
    done = bptrain_in("train", tiny, "optimizer={sgd: {lr: 1e30}}", "loss=mse", "data.task=classification")
    assert done.returncode == 3
    assert re.search(r"^error: training diverged: .* at step \d+", done.stderr, re.M)
    assert "Warning" not in done.stderr


def test_damage_has_exit_code_5(bptrain_in, tiny, tmp_path):
    assert bptrain_in("train", tiny, "-q").returncode == 0
    checkpoint = tmp_path / "runs/tiny-001/checkpoints/best.npz"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    done = bptrain_in("evaluate", "runs/tiny-001")
    assert done.returncode == 5
    assert "damaged" in done.stderr


@pytest.mark.parametrize(("number", "code"), sampled([(signal.SIGINT, 130), (signal.SIGTERM, 143)]))
def test_signals(tmp_path, number, code):
    (tmp_path / "long.yaml").write_text("data: {source: {bundled: digits}}\nhidden: [64]\ntraining: {epochs: 100000}\n")
    with subprocess.Popen(
        [sys.executable, "-m", "bptrain", "train", "long.yaml"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr.readline().startswith("epoch 1/")
        process.send_signal(number)
        # A training of 100,000 epochs would not be over by then.
        _, rest = process.communicate(timeout=30)
    assert process.returncode == code
    assert f"error: stopped by {number.name}" in rest


@pytest.mark.parametrize(
    "environment", [{"FORCE_COLOR": "1"}, {"TTY_COMPATIBLE": "1"}, {"FORCE_COLOR": "1", "NO_COLOR": "1"}]
)
def test_a_pipe_gets_no_escapes_whatever_the_environment(bptrain_in, tiny, environment):
    done = bptrain_in("train", tiny, **environment)
    assert "\x1b" not in done.stdout + done.stderr
    assert "\x1b" not in bptrain_in("gradcheck", tiny, **environment).stdout


def test_a_terminal_gets_colours(bptrain_in, tiny):
    assert "\x1b[" in bptrain_in.on_a_terminal("train", tiny, "training.epochs=200")


@pytest.mark.parametrize("command", ["train tiny.yaml", "gradcheck tiny.yaml", "evaluate runs/tiny-001"])
@pytest.mark.slow
def test_no_color_is_respected_on_a_terminal(bptrain_in, tiny, command):
    assert bptrain_in("train", tiny, "-q").returncode == 0
    assert "\x1b" not in bptrain_in.on_a_terminal(*command.split(), NO_COLOR="1")


@pytest.mark.parametrize("columns", [40, 80, 160])
@pytest.mark.slow
def test_a_gradient_table_fits_the_terminal(bptrain_in, tiny, columns):
    text = bptrain_in.on_a_terminal("gradcheck", tiny, columns=columns, NO_COLOR="1")
    assert max(len(line) for line in text.splitlines()) <= columns
    assert re.search(r"\de-\d\d", text)
    assert "…" not in text


@pytest.mark.parametrize("closed", sampled(["stderr", "stdout"]))
def test_a_closed_stream_is_no_bug(tmp_path, tiny, closed):
    redirect = {"stdout": ">&-", "stderr": "2>&-"}[closed]
    command = f'"{sys.executable}" -m bptrain train {tiny} {redirect}'
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "command", sampled(["train tiny.yaml 2>&1 | true", "train tiny.yaml | true", "list | head -1"])
)
def test_a_reader_that_goes_away_ends_no_run_and_is_no_error(tmp_path, tiny, command):
    line = f'"{sys.executable}" -m bptrain {command}; echo ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines()[-1] == "0", done.stderr
    assert "Traceback" not in done.stderr
    if "train" in command:
        assert json.loads((tmp_path / "runs/tiny-001/outcome.json").read_text())["state"] == "finished"


@pytest.mark.parametrize(
    ("command", "ending"),
    [
        ("init my.csv --target y -o x.pdf", ".yaml"),
        ("train my.csv --target y -o x.pdf", ".yaml"),
        ("schema -o x.pdf", ".json"),
        ("predict runs/tiny-001 my.csv -o x.pdf", ".csv"),
        ("explain tiny.yaml -o x.pdf", ".txt"),
        ("plot runs/tiny-001 -o x.html", ".png"),
        ("report runs/tiny-001 -o x.pdf", ".html"),
        ("compare runs/tiny-001 --html x.pdf", ".html"),
    ],
)
def test_a_file_of_another_kind_is_not_written(bptrain_in, tiny, command, ending):
    Path("my.csv").write_text("a,y\n" + "".join(f"{k},{k % 2}\n" for k in range(40)))
    bptrain_in("train", tiny, "-q")
    done = bptrain_in(*command.split())
    assert done.returncode == 2
    assert ending in done.stderr
    assert not Path("x.pdf").exists()
    assert not Path("x.html").exists()


def test_a_plain_log_has_a_line_for_every_twentieth_of_the_epochs(bptrain_in, tiny):
    done = bptrain_in("train", tiny, "training.epochs=400", "training.batch_size=full", "optimizer.sgd.lr=0.0001")
    epochs = [int(text) for text in re.findall(r"^epoch (\d+)/400", done.stderr, re.M)]
    assert epochs == [1, *range(20, 401, 20)]


@pytest.mark.slow
def test_a_terminal_without_unicode_is_no_bug(bptrain_process, tiny):
    done = bptrain_process("train", tiny, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_full_disk_has_exit_code_5(tmp_path, tiny):
    command = f'ulimit -f 8; "{sys.executable}" -m bptrain train {tiny} hidden=[500] -q'
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 5, done.stderr
    message = r"a checkpoint of this run needs [\d,]+ bytes, and the system limits a file to (4,096|8,192)"
    assert re.search(message, done.stderr)
    assert not list(tmp_path.rglob("*.tmp"))


HOSTILE = ["a\nseed: 99", "[red]x[/red]", "[/]", "\x1b[31mred", "‮evil", "a\tb", "<script>"]


@pytest.mark.parametrize("name", sampled(HOSTILE, every=3))
def test_names_from_data_do_not_control_the_terminal(bptrain_in, tmp_path, name):
    text = f'"{name}",y\n' + f'1,"{name}"\n2,other\n' * 10
    (tmp_path / "h.csv").write_text(text, encoding="utf-8")
    (tmp_path / "h.yaml").write_text(
        "data: {source: {csv: h.csv}, target: y}\nhidden: [2]\ntraining: {epochs: 1}\n", encoding="utf-8"
    )
    runs = [
        bptrain_in("train", "h.yaml", PYTHONIOENCODING="utf-8"),
        bptrain_in("show", "h.yaml", PYTHONIOENCODING="utf-8"),
        bptrain_in("train", "h.yaml", "data.target=z", PYTHONIOENCODING="utf-8"),
        bptrain_in("evaluate", "runs/h-001", "--data", "h.csv", "--json"),
    ]
    assert [run.returncode for run in runs] == [0, 0, 2, 0]
    for run in runs:
        assert not set("\x1b‮\t") & set(run.stdout + run.stderr)


def test_a_checkout_needs_no_installation(tmp_path):
    """Bundled data is found beside the package, as in a checkout, and inside it, as in a wheel."""
    checkout = Path(__file__).parents[1]
    code = "import bptrain, bptrain.tables.sources as s; print(bptrain.__file__); print(len(s.Bundled('iris').load()))"
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    where, rows = done.stdout.split()
    assert Path(where).parents[1] == checkout
    assert rows == "150"

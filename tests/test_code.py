"""Components of the user: training with them, their records in checkpoints, and their faults."""

import hashlib
import json
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import bptrain
from bptrain.code import list_loaded_code, load_code, load_codes
from bptrain.errors import BptrainWarning, InputError, StorageError
from bptrain.registry import name_of
from bptrain.run import checkpoint, npz

pytestmark = pytest.mark.usefixtures("code_is_taken_out")

PAGE = (Path(__file__).parents[1] / "bptrain" / "guide" / "extending.md").read_text()
SWISH = re.search(r"```python\n# my_layer.py\n(.*?)```", PAGE, re.S)[1]

HEAD = """from dataclasses import dataclass
import numpy as np
from bptrain.nn import LAYERS, LOSSES, Loss, Ones, Parameter, Plan, mean

"""
GAIN = (
    HEAD
    + '''
@LAYERS.register
@dataclass(frozen=True)
class Gain:
    """Each value times a factor that is learned."""

    def plan(self, shape):
        return Plan(shape, {"gain": Parameter(shape, Ones(), decay=False)})

    def forward(self, p, x, y, s):
        y[...] = x * p.gain

    def backward(self, p, g, x, y, dy, dx, s):
        g.gain[...] = (dy * x).sum(axis=0)
        if dx is not None:
            dx[...] = dy * p.gain
'''
)
QUARTIC = (
    HEAD
    + '''
@LOSSES.register
@dataclass(frozen=True)
class Quartic(Loss):
    """The mean fourth power of the errors."""

    def value_and_grad(self, scores, targets, weights, dscores, s):
        error = scores - targets
        dscores[...] = 4 * error**3
        return mean(error**4, dscores, weights)
'''
)

CONFIG = "data: {source: {bundled: iris}}\nhidden: [4]\nactivation: swish\ntraining: {epochs: 2}\n"
WHOLE = """data: {source: {synthetic: {kind: plane, rows: 60}}}
network: [gain, dense: {units: 4}, swish: {beta: 2}, gain, dense]
loss: quartic
optimizer: {sgd: {lr: 0.01}}
training: {epochs: 3, batch_size: 16}
"""


@pytest.fixture
def files(tmp_path):
    """Write the files of the examples."""
    texts = {"my_layer.py": SWISH, "gain.py": GAIN, "quartic.py": QUARTIC, "my.yaml": CONFIG, "whole.yaml": WHOLE}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_file_is_run_once(files, capfd):
    (files / "my_layer.py").write_text(SWISH + "\nprint('here')\n")
    code = load_code("my_layer.py")
    assert load_code(files / "." / "my_layer.py") is code
    assert capfd.readouterr() == ("", "here\n")
    ((kind, name, cls),) = code.components
    assert (kind, name, cls.__name__, name_of(cls())) == ("activation", "swish", "Swish", "swish")
    assert code.digest == hashlib.sha256((files / "my_layer.py").read_bytes()).hexdigest()
    assert code.path == Path("my_layer.py")
    assert not list(files.rglob("*.pyc"))


def test_a_changed_file_replaces_its_components(files):
    first = load_code("my_layer.py")
    (files / "my_layer.py").write_text(SWISH.replace("= 1.0", "= 3.0"))
    second = load_code("my_layer.py")
    assert second.digest != first.digest
    assert list_loaded_code() == (second,)
    assert bptrain.reference("activations", "swish")[0].options[0].default == "3.0"


def test_components_of_bptrain_are_not_taken_for_the_users(bptrain_in, files):
    """In a process where the file is the first to import the components of bptrain."""
    program = "from bptrain.code import load_code; print([c[:2] for c in load_code('my_layer.py').components])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[('activation', 'swish')]\n"


def test_postponed_annotations_are_read(files):
    (files / "my_layer.py").write_text("from __future__ import annotations\n" + SWISH)
    load_code("my_layer.py")
    assert bptrain.reference("activations", "swish")[0].options[0].takes == "a number"


def test_the_activation_of_the_guide_has_the_right_derivative(files):
    """Compare it with the closed form and with a difference of two values."""
    ((_, _, cls),) = load_code("my_layer.py").components
    x = np.linspace(-3, 3, 13)[:, None]
    y, up, down, dx = (np.empty_like(x) for _ in range(4))
    swish = cls(beta=2.0)
    swish.forward(None, x, y, None)
    np.testing.assert_allclose(y[[0, 6, 12], 0], [-3 / (1 + np.exp(6)), 0, 3 / (1 + np.exp(-6))])
    swish.backward(None, None, x, y, np.ones_like(x), dx, None)
    swish.forward(None, x + 1e-5, up, None)
    swish.forward(None, x - 1e-5, down, None)
    np.testing.assert_allclose(dx, (up - down) / 2e-5, rtol=1e-8)


def test_components_of_the_user_train_to_the_right_numbers(files):
    """One step of gradient descent from known weights, computed here."""
    (files / "one.yaml").write_text(
        "data: {source: {synthetic: {kind: line, rows: 8}}, scaling: none, target_scaling: none,"
        " split: {validation: 0, test: 0}}\n"
        "dtype: float64\nnetwork: [gain]\nloss: quartic\noptimizer: {sgd: {lr: 0.01}}\n"
        "training: {epochs: 1, batch_size: full}\n"
    )
    result = bptrain.train("one.yaml", code=["gain.py", "quartic.py"])
    rows = result.session.train
    x, t = rows.inputs, rows.targets
    expected = 1 - 0.01 * np.mean(4 * (x - t) ** 3 * x)
    np.testing.assert_allclose(result.session.model.network.theta, [expected], rtol=1e-12)
    np.testing.assert_allclose(result.best.score.loss, np.mean((expected * x - t) ** 4), rtol=1e-12)


def test_the_guide_shows_the_message_without_the_file(bptrain_in, files):
    assert bptrain_in("train", "my.yaml", "--code", "my_layer.py", "-q").returncode == 0
    done = bptrain_in("evaluate", "runs/my-001")
    assert done.returncode == 2
    assert f"\n$ bptrain evaluate runs/my-001\n{done.stderr}" in PAGE


def test_train_evaluate_validate_show_and_list_work_with_code(bptrain_in, files):
    options = ["--code", "my_layer.py", "--code", "gain.py", "--code", "quartic.py"]
    done = bptrain_in("train", "whole.yaml", *options)
    assert done.returncode == 0, done.stderr
    hint = re.search(r"^evaluate it +bptrain (.*)$", done.stdout, re.M)[1]
    assert hint == "evaluate runs/whole-001 --code my_layer.py --code gain.py --code quartic.py"
    again = bptrain_in(*hint.split(), "--json")
    assert (again.returncode, again.stderr) == (0, "")
    shown = re.search(r"^test +loss (\S+)", done.stdout, re.M)[1]
    assert f"{json.loads(again.stdout)['loss']:.6g}" == shown
    assert "swish: {beta: 2.0}" in (files / "runs/whole-001/config.yaml").read_text()
    assert bptrain_in("validate", "whole.yaml", *options).stdout == "whole.yaml: valid\n"
    shown = bptrain_in("show", "whole.yaml", *options).stdout
    assert "- swish:" in shown
    assert re.search(r"- swish: .*# +The input times its own sigmoid", shown)
    (files / "shown.yaml").write_text(shown)
    assert bptrain_in("validate", "shown.yaml", *options).returncode == 0
    summary = json.loads(bptrain_in("show", "whole.yaml", *options, "--json").stdout)
    assert [layer["name"] for layer in summary["layers"]][2] == "2.swish"
    formulas = {fact["name"]: fact["text"] for fact in summary["formulas"]}
    assert formulas["loss"].startswith("quartic: The mean fourth power of the errors; the mean over")
    assert "swish" in bptrain_in("schema", *options).stdout
    page = bptrain_in("list", "activations", "swish", "--code", "my_layer.py").stdout
    assert "The input times its own sigmoid" in page
    assert "steepness" in page
    assert "gain" in bptrain_in("list", *options).stdout


def test_a_checkpoint_and_a_run_record_the_code(files):
    result = bptrain.train("my.yaml", code=["my_layer.py", "gain.py"])
    digest = load_code("my_layer.py").digest
    _, stored = npz.read(result.checkpoint)
    assert stored["code"] == [
        {"file": "my_layer.py", "digest": digest, "components": [{"kind": "activation", "name": "swish"}]}
    ]
    environment = json.loads((result.run / "environment.json").read_text())
    assert environment["code"][0] == {"path": str(files / "my_layer.py"), "digest": digest}
    assert len(environment["code"]) == 2
    plain = bptrain.train("my.yaml", ["activation=tanh"])
    assert npz.read(plain.checkpoint)[1]["code"] == []


def test_components_inside_others_are_recorded(files):
    config = CONFIG.replace("hidden: [4]\nactivation: swish", "network: [dense: 4, residual: [swish, gain], dense]")
    (files / "my.yaml").write_text(config)
    result = bptrain.train("my.yaml", code=["my_layer.py", "gain.py"])
    assert [need["file"] for need in npz.read(result.checkpoint)[1]["code"]] == ["my_layer.py", "gain.py"]


def test_a_checkpoint_names_all_the_code_that_it_needs(bptrain_in, files):
    options = ["--code", "my_layer.py", "--code", "gain.py", "--code", "quartic.py"]
    assert bptrain_in("train", "whole.yaml", "-q", *options).returncode == 0
    start = "error: runs/whole-001/checkpoints/best.npz: needs"
    none = bptrain_in("evaluate", "runs/whole-001")
    assert (none.returncode, none.stdout) == (2, "")
    assert none.stderr == (
        f"{start} the activation 'swish' from my_layer.py, the layer 'gain' from gain.py, the loss 'quartic' from "
        "quartic.py; give --code my_layer.py --code gain.py --code quartic.py\n"
    )
    one = bptrain_in("evaluate", "runs/whole-001", *options[2:])
    assert one.stderr == f"{start} the activation 'swish' from my_layer.py; give --code my_layer.py\n"


def test_a_run_with_code_is_resumed_with_it(bptrain_in, files):
    options = ["--code", "my_layer.py", "--code", "gain.py", "--code", "quartic.py"]
    assert bptrain_in("train", "whole.yaml", "-q", *options).returncode == 0
    without = bptrain_in("resume", "runs/whole-001", "training.epochs=4")
    last = "runs/whole-001/checkpoints/last.npz"
    assert without.returncode == 2
    assert without.stderr.startswith(f"error: {last}: needs the activation 'swish' from my_layer.py, the layer 'gain'")
    assert bptrain_in("resume", "runs/whole-001", "training.epochs=4", "-q", *options).returncode == 0
    assert bptrain_in("train", "whole.yaml", "training.epochs=4", "-q", *options).returncode == 0
    resumed, straight = (npz.read(files / f"runs/whole-00{k}/checkpoints/best.npz") for k in (1, 2))
    assert all(np.array_equal(resumed[0][name], array) for name, array in straight[0].items())
    check = bptrain_in("train", "whole.yaml", "--verify-resume", "--json", *options)
    assert json.loads(check.stdout)["resume"]["identical"]


def test_an_interrupted_run_says_how_to_resume(files):
    from bptrain.errors import StoppedError
    from bptrain.interruption import Interruption

    interruption = Interruption()
    interruption.ask(2)
    with pytest.raises(StoppedError, match=r"resume it with: bptrain resume runs/my-001 --code my_layer\.py$"):
        bptrain.train("my.yaml", code=["my_layer.py"], interruption=interruption)


def test_changed_code_gives_a_warning(bptrain_in, files):
    assert bptrain_in("train", "my.yaml", "-q", "--code", "my_layer.py").returncode == 0
    (files / "other.py").write_text(SWISH)
    assert bptrain_in("evaluate", "runs/my-001", "--code", "other.py").stderr == ""
    (files / "other.py").write_text(SWISH + "# other\n")
    done = bptrain_in("evaluate", "runs/my-001", "--code", "other.py", "--json")
    what = "is not the my_layer.py that this checkpoint was written with"
    assert done.stderr == f"warning: other.py {what}\n"
    assert done.returncode == 0
    json.loads(done.stdout)
    (files / "my_layer.py").write_text(SWISH + "# other\n")
    done = bptrain_in("evaluate", "runs/my-001", "--code", "my_layer.py")
    assert done.stderr == "warning: my_layer.py has changed since this checkpoint was written\n"
    with pytest.warns(BptrainWarning, match="has changed"):
        bptrain.evaluate("runs/my-001", code=["my_layer.py"])


def test_an_unreadable_record_of_code_is_an_error(files):
    result = bptrain.train("my.yaml", code="my_layer.py")
    arrays, stored = npz.read(result.checkpoint)
    good = stored["code"][0]
    bad = [
        3,
        {"file": 1},
        [1],
        [{}],
        [good | {"file": 1}],
        [good | {"components": []}],
        [good | {"components": [3]}],
        [None],
    ]
    for code in bad:
        npz.write(files / "bad.npz", arrays, stored | {"code": code})
        with pytest.raises(StorageError, match="not a checkpoint of this version"):
            checkpoint.load_checkpoint("bad.npz")
    npz.write(
        files / "hostile.npz", arrays, stored | {"code": [good | {"components": [{"kind": "\x1b", "name": "x"}]}]}
    )
    with pytest.raises(InputError, match="needs the"):
        checkpoint.load_checkpoint("hostile.npz")
    del stored["code"]
    npz.write(files / "older.npz", arrays, stored)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checkpoint.load_checkpoint("older.npz")


def test_two_files_may_not_share_a_name(bptrain_in, files):
    (files / "twin.py").write_text(SWISH)
    done = bptrain_in("train", "my.yaml", "--code", "my_layer.py", "--code", "twin.py")
    assert done.returncode == 2
    assert done.stderr == "error: twin.py:9: the activation 'swish' is registered already; choose another name\n"
    assert not (files / "runs").exists()
    with pytest.raises(InputError, match="twin"):
        load_codes(["my_layer.py", "twin.py"])
    assert [code.path.name for code in list_loaded_code()] == ["my_layer.py"]


def test_without_the_file_the_name_is_unknown(bptrain_in, files):
    done = bptrain_in("train", "my.yaml")
    assert done.stderr == "error: my.yaml:3:13: activation: unknown activation 'swish'; did you mean 'silu'?\n"
    (files / "code.yaml").write_text(CONFIG + "code: my_layer.py\n")
    assert "code.yaml:5:1: code: unknown key" in bptrain_in("train", "code.yaml").stderr


IMPORTS = "from bptrain.nn import Parameter, Plan, Scratch, Zeros"


def with_method(head, *lines):
    """Return the example with one more method, whose body begins on line 17 with an import."""
    body = "".join(f"        {line}\n" for line in (IMPORTS, *lines))
    return SWISH.replace("    def forward", f"    def {head}:\n{body}\n    def forward")


def with_change(old, new):
    """Return the example with one text replaced."""
    assert SWISH.count(old) == 1
    return SWISH.replace(old, new)


IN_CONFIG = "my.yaml:1:1: network.1.swish: "
LATER = {
    "numpy": (
        with_change("y[...] = x /", "y[...] = np.ones(3) @ x /"),
        "my_layer.py:17: ValueError: matmul: Input operand",
    ),
    "assignment": (
        with_change("y[...] = x", "y[...] = np.zeros(7) + x"),
        "my_layer.py:17: ValueError: operands could not be broadcast",
    ),
    "raised": (with_change("y[...] =", r"raise KeyError('\x1b[31m')  #"), r"my_layer.py:17: KeyError: '\x1b[31m'"),
    "raised raw": (
        with_change("y[...] =", r"raise ValueError('\x1b[31m')  #"),
        r"my_layer.py:17: ValueError: \x1b[31m",
    ),
    "file": (
        with_change("y[...] =", "open('gone.txt')  #"),
        "my_layer.py:17: FileNotFoundError: [Errno 2] No such file",
    ),
    "memory": (with_change("y[...] =", "np.empty(10**15)  #"), "my_layer.py:17: "),
    "exit": (with_change("y[...] =", "raise SystemExit(0)  #"), "my_layer.py:17: SystemExit: 0"),
    "backward": (
        with_change("dx[...] =", "dx[...] = gone *"),
        "my_layer.py:21: NameError: name 'gone' is not defined",
    ),
    "plan": (with_method("plan(self, shape)", "return 1 / 0"), "my_layer.py:18: ZeroDivisionError: division by zero"),
    "options": (with_method("__post_init__(self)", "raise ValueError('no')"), "my_layer.py:18: ValueError: no"),
    "shape": (
        with_method("plan(self, shape)", "return Plan([3])"),
        "my_layer.py:18: TypeError: a shape is a tuple of whole numbers above 0, such as (64,) (got [3])",
    ),
    "initializer": (
        with_method("plan(self, shape)", "return Plan(shape, {'a': Parameter((3,), Zeros)})"),
        "my_layer.py:18: TypeError: a parameter needs an initializer, such as Zeros() (got <class",
    ),
    "parameters": (
        with_method("plan(self, shape)", "return Plan(shape, {'a': (3,)})"),
        "my_layer.py:18: TypeError: parameters is a mapping of names to Parameter(...) (got 'a': (3,))",
    ),
    "reads": (
        with_method("plan(self, shape)", "return Plan(shape, reads='dy')"),
        "my_layer.py:18: ValueError: reads is '', 'x', 'y' or 'xy' (got 'dy')",
    ),
    "name in use": (
        with_method("plan(self, shape)", "return Plan(shape, {}, {'ones': Scratch(shape)})"),
        "my_layer.py:18: ValueError: 'ones' is already the name of something else in the workspace; "
        "choose another name",
    ),
    "no plan": (with_method("plan(self, shape)"), IN_CONFIG + "its plan(shape) must return a Plan (got None)"),
    "elementwise": (
        with_method("plan(self, shape)", "return Plan((9,), elementwise=True)"),
        IN_CONFIG + "its plan is elementwise and turns (4,) into (9,); keep the shape, or leave out elementwise",
    ),
}


@pytest.mark.parametrize("case", LATER)
def test_an_exception_in_the_users_code_is_an_input_error(bptrain_in, files, case):
    text, message = LATER[case]
    (files / "my_layer.py").write_text(text)
    done = bptrain_in("train", "my.yaml", "--code", "my_layer.py")
    assert done.returncode == 2, done.stderr
    (line,) = (line for line in done.stderr.splitlines() if not line.startswith(("epoch ", "note: ")))
    assert line.startswith(f"error: {message}")
    assert done.stdout == ""


MEAN = "return mean(error**4, dscores, weights)"
PLAN = "    def plan(self, shape):\n        return [shape]\n\n    def"
LOSSES = {
    "a float": (MEAN, "return 3.0", "loss: quartic: value_and_grad must return the mean loss"),
    "a list": (MEAN, "return [error, 2]", "loss: quartic: value_and_grad must return the mean loss"),
    "a plan": ("    def", PLAN, "loss: quartic: plan(shape) is a mapping of names to Scratch(...)"),
}


@pytest.mark.parametrize("case", LOSSES)
def test_a_loss_that_returns_the_wrong_type_is_an_error(bptrain_in, files, case):
    old, new, message = LOSSES[case]
    assert QUARTIC.count(old) == 1
    (files / "quartic.py").write_text(QUARTIC.replace(old, new))
    done = bptrain_in("train", "whole.yaml", "network=[dense]", "--code", "quartic.py")
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_loss_in_single_precision_is_recorded(files):
    (files / "quartic.py").write_text(QUARTIC.replace(MEAN, "return np.mean(error**4), len(scores)"))
    assert bptrain.train("whole.yaml", ["network=[dense]"], code=["quartic.py"]).epochs == 3


def test_validate_reports_a_fault_of_the_code_with_the_mistakes(bptrain_in, files):
    text = with_method("plan(self, shape)", "return 1 / 0")
    (files / "my_layer.py").write_text(text)
    done = bptrain_in("validate", "my.yaml", "--code", "my_layer.py", "--json")
    (error,) = json.loads(done.stdout)["errors"]
    assert (error["file"], error["line"], error["message"]) == (
        "my_layer.py",
        18,
        "ZeroDivisionError: division by zero",
    )
    assert done.returncode == 2


def test_a_fault_of_the_code_while_reading_is_not_called_damage(bptrain_in, files):
    assert bptrain_in("train", "my.yaml", "-q", "--code", "my_layer.py").returncode == 0
    text = with_method("plan(self, shape)", "raise ValueError('no')")
    (files / "my_layer.py").write_text(text)
    done = bptrain_in("evaluate", "runs/my-001", "--code", "my_layer.py")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "error: my_layer.py:18: ValueError: no"


def test_what_the_code_prints_goes_to_stderr(bptrain_in, files):
    text = SWISH.replace("        y[...]", "        print('forward')\n        y[...]")
    (files / "my_layer.py").write_text(text + "print('loaded')\n")
    done = bptrain_in("train", "my.yaml", "--code", "my_layer.py", "--json")
    json.loads(done.stdout)
    assert {"loaded", "forward"} < set(done.stderr.splitlines())


def test_a_warning_of_the_code_is_one_line(bptrain_in, files):
    (files / "my_layer.py").write_text(SWISH + "\nif '\\d' is 3: pass\n")
    done = bptrain_in("show", "my.yaml", "--code", "my_layer.py")
    assert done.returncode == 0
    assert all(re.match(r"warning: my_layer.py:\d+: \w+Warning: ", line) for line in done.stderr.splitlines())


def test_escape_codes_in_names_do_not_reach_the_terminal(bptrain_in, files):
    (files / "my_layer.py").write_text(
        SWISH.replace("The input", "\x1b[31mThe \u202einput").replace("steepness", "\x1b[1m")
    )
    for family in ("activations", "activation"):
        done = bptrain_in("list", family, "swish", "--code", "my_layer.py", PYTHONIOENCODING="utf-8")
        assert done.returncode == 0
        assert not set("\x1b\u202e") & set(done.stdout)
    done = bptrain_in("list", "activations", "--code", "my_layer.py", PYTHONIOENCODING="utf-8")
    assert not set("\x1b\u202e") & set(done.stdout)
    name = "a\x1b[31m.py"
    (files / name).write_text("1 / 0")
    done = bptrain_in("show", "my.yaml", "--code", name)
    assert done.stderr == "error: a\\x1b[31m.py:1: ZeroDivisionError: division by zero\n"


def test_a_bug_of_bptrain_is_not_blamed_on_the_code(bptrain_process, files):
    """An exception that does not pass through the user's code has a traceback, and the file is named."""
    broken = "import bptrain.training.loop as loop\nloop.score = None\n"
    (files / "my_layer.py").write_text(SWISH + broken)
    done = bptrain_process("train", "my.yaml", "--code", "my_layer.py")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "this is a bug in bptrain, or in my_layer.py" in done.stderr


def test_the_modules_of_data_can_be_imported(tmp_path):
    """In a new process, where nothing is imported yet."""
    lines = [
        "from bptrain.data.scalers import SCALERS, Standard",
        "from bptrain.data.imputers import IMPUTERS, Drop",
        "from bptrain.data.augmentation import AUGMENTATIONS, Augmentation",
        "from bptrain.data.sources import SOURCES, Csv",
        "from bptrain.data.table import Table",
        "from bptrain.data.selection import Selection",
        "from bptrain.data import SCALERS, Standard",
        "from bptrain.nn import completed",
    ]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stderr) == (0, b"")

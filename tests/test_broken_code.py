"""Files of code that cannot be used: the message about each, and that nothing of it stays registered."""

import pytest

from bptrain.code import list_loaded_code, load_code
from bptrain.errors import InputError
from bptrain.registry import list_families
from bptrain.text import printable

pytestmark = pytest.mark.usefixtures("code_is_taken_out")

HEAD = """from dataclasses import dataclass
import numpy as np
from bptrain.nn import ACTIVATIONS, LAYERS, LOSSES, Activation, Loss, Ones, Parameter, Plan, Scratch, mean
from bptrain.optim import OPTIMIZERS, Optimizer

"""
BODY = """
    def forward(self, p, x, y, s):
        y[...] = x

    def backward(self, p, g, x, y, dy, dx, s):
        dx[...] = dy
"""


def activation(body=BODY, head="@ACTIVATIONS.register\n@dataclass(frozen=True)\nclass Mine(Activation):\n"):
    """Return a file with one activation, whose class is on line 8."""
    return HEAD + head + body


def loss(body):
    """Return a file with one loss, whose class is on line 8."""
    return HEAD + "@LOSSES.register\n@dataclass(frozen=True)\nclass Mine(Loss):\n" + body


MINE = "my.py:8: the activation 'mine' "
NOTHING = "my.py: registers nothing; put a decorator above its classes, such as @ACTIVATIONS.register from bptrain.nn"
FROZEN = "is not a frozen dataclass; put @dataclass(frozen=True) under the line that registers it"
TYPES = "use int, float, str, bool, Path, Literal, tuple[..., ...] of them, or a ClassVar for constants"
FORWARD, BACKWARD = BODY[: BODY.index("    def back")], BODY[BODY.index("    def back") :]
OPTIMIZER = (
    HEAD
    + """@OPTIMIZERS.register
@dataclass(frozen=True)
class Mine(Optimizer):
    lr: float = 0.1

    def update(self, theta, grad, slots, *, lr, step, decayed):
        theta -= lr * grad
"""
)


def typed(hint):
    """Return an activation with an option of a type, and the message about it."""
    said = f"has the option a, whose type {hint.removeprefix('np.')} cannot be written in a config; {TYPES}"
    return activation(f"    a: {hint} = None\n" + BODY), MINE + said


BROKEN = {
    "syntax": ("a = 1\nb = (2,\n", "my.py:2:5: SyntaxError: '(' was never closed"),
    "indentation": (
        "if True:\nx = 1\n",
        "my.py:2:1: IndentationError: expected an indented block after 'if' statement on line 1",
    ),
    "exception": ("\n\n1 / 0\n", "my.py:3: ZeroDivisionError: division by zero"),
    "in a function": ("def f():\n    return [][1]\n\nf()\n", "my.py:2: IndexError: list index out of range"),
    "in numpy": (
        "import numpy as np\n\nnp.dot(np.ones(2), np.ones(3))\n",
        "my.py:3: ValueError: shapes (2,) and (3,) not aligned: 2 (dim 0) != 3 (dim 0)",
    ),
    "import": ("import gone_with_it\n", "my.py:1: ModuleNotFoundError: No module named 'gone_with_it'"),
    "evaluated": ("\neval('1 +')\n", "my.py:2: SyntaxError: invalid syntax (<string>, line 1)"),
    "exit": ("raise SystemExit(0)\n", "my.py:1: SystemExit: 0"),
    "exit alone": ("import sys\nsys.exit()\n", "my.py:2: SystemExit"),
    "generator exit": ("raise GeneratorExit\n", "my.py:1: GeneratorExit"),
    "silent": ("class E(Exception):\n    def __str__(self):\n        return 1 / 0\nraise E\n", "my.py:4: E"),
    "lines": ("raise ValueError('a\\nb \\x1b[31m')\n", r"my.py:1: ValueError: a\nb \x1b[31m"),
    "nothing": ("x = 1\n", NOTHING),
    "empty": ("", NOTHING),
    "taken": (
        activation().replace("Mine", "Relu"),
        "my.py:6: the activation 'relu' is registered already; choose another name",
    ),
    "taken by a layer": (
        activation().replace("Mine", "Dense"),
        "my.py:6: the layer 'dense' is registered already; choose another name",
    ),
    "taken by an activation": (
        activation().replace("Mine", "Tanh").replace("ACTIVATIONS.r", "LAYERS.r"),
        "my.py:6: the layer 'tanh' is registered already; choose another name",
    ),
    "taken by itself": (
        activation() + "\n\nACTIVATIONS.named('other')(Mine)\n",
        "my.py:17: the class Mine is registered already, as 'mine'; write another",
    ),
    "no word": (
        activation().replace("ACTIVATIONS.register", "ACTIVATIONS.named('a b')"),
        "my.py:6: 'a b' cannot be the name of an activation; use another word",
    ),
    "reserved": (
        loss("    pass\n").replace("Mine", "Auto"),
        "my.py:6: 'auto' cannot be the name of a loss; use another word",
    ),
    "no class": (
        HEAD + "ACTIVATIONS.register(3)\n",
        "my.py:6: only a class can be registered as an activation (got 3)",
    ),
    "option of ours": (
        HEAD + "from bptrain.nn.layers import Residual\nResidual(())\n",
        "my.py:7: layers: has no layers; write at least - dense: {units: ...}",
    ),
    "not frozen": (activation().replace("(frozen=True)", ""), MINE + FROZEN),
    "no dataclass": (activation().replace("@dataclass(frozen=True)\n", "\n"), MINE + FROZEN),
    "no base": (
        activation().replace("(Activation)", ""),
        MINE + "does not inherit from Activation; write class Mine(Activation):",
    ),
    "no backward": (activation(FORWARD), MINE + "lacks the method backward(self, p, g, x, y, dy, dx, s)"),
    "no plan": (
        activation().replace("(Activation)", "").replace("ACTIVATIONS.r", "LAYERS.r"),
        "my.py:8: the layer 'mine' lacks the method plan(self, shape)",
    ),
    "no value": (
        loss("    pass\n"),
        "my.py:8: the loss 'mine' lacks the method value_and_grad(self, scores, targets, weights, dscores, s)",
    ),
    "arguments": (
        activation(BODY.replace("self, p, x, y, s", "self, x")),
        MINE + "has forward(self, x), which should be forward(self, p, x, y, s)",
    ),
    "no method": (
        activation("    forward = 3\n" + BACKWARD),
        MINE + "has forward, which must be a method forward(self, p, x, y, s)",
    ),
    "unknown hint": (
        activation("    a: 'Gone' = 1\n" + BODY),
        MINE + "has options that cannot be read (NameError: name 'Gone' is not defined)",
    ),
    "array": typed("np.ndarray"),
    "list": typed("list[float] | None"),
    "pair": typed("tuple[float, float]"),
    "derived": (
        "from dataclasses import field\n" + activation("    a: int = field(init=False, default=1)\n" + BODY),
        MINE.replace("8", "9") + "has the field a with init=False, which a config cannot set; use a property",
    ),
    "mutable": (
        activation("    a: list = []\n" + BODY),
        "my.py:7: ValueError: mutable default <class 'list'> for field a is not allowed: use default_factory",
    ),
    "no rate": (
        OPTIMIZER.replace("    lr: float = 0.1\n", ""),
        "my.py:8: the optimizer 'mine' lacks the option lr; add a line such as lr: ... = ...",
    ),
    "slots": (
        OPTIMIZER + "\n    def slots(self):\n        return 1\n",
        "my.py:8: the optimizer 'mine' has slots as a method; put @property above it",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_reported_by_line_and_leaves_nothing_registered(tmp_path, case):
    text, message = BROKEN[case]
    (tmp_path / "my.py").write_text(text)
    before = [family.get_own_members() for family in list_families()]
    with pytest.raises(InputError) as caught:
        load_code("my.py")
    said = [printable(line) for line in caught.value.lines]
    assert said == [message]
    assert [family.get_own_members() for family in list_families()] == before
    assert not list_loaded_code()


def test_all_problems_of_a_class_are_reported_at_once(tmp_path):
    (tmp_path / "my.py").write_text(
        activation("    pass\n") + "\n\n" + loss("    pass\n")[len(HEAD) :].replace("Mine", "Your")
    )
    with pytest.raises(InputError) as caught:
        load_code("my.py")
    assert [line.split(" lacks ")[0] for line in caught.value.lines] == [
        "my.py:8: the activation 'mine'",
        "my.py:8: the activation 'mine'",
        "my.py:14: the loss 'your'",
    ]


def test_classes_registered_before_a_mistake_are_removed(tmp_path):
    (tmp_path / "my.py").write_text(activation() + "\n1 / 0\n")
    with pytest.raises(InputError, match="ZeroDivisionError"):
        load_code("my.py")
    (tmp_path / "my.py").write_text(activation())
    assert load_code("my.py").components[0][:2] == ("activation", "mine")


PATHS = [
    ("gone.py", "gone.py: no such file; --code takes a Python file, such as my_layer.py"),
    ("folder.py", "folder.py: a directory; --code takes a Python file, such as my_layer.py"),
    ("notes.txt", "notes.txt: not a Python file; --code takes a file whose name ends in .py"),
    ("latin.py", "latin.py: the file is not UTF-8 text (byte 3); save it as UTF-8"),
    ("large.py", "large.py: larger than the limit of 1 MiB for a file of code (got 1,048,577 bytes)"),
]


@pytest.mark.parametrize(("name", "message"), PATHS, ids=[name for name, _ in PATHS])
def test_a_path_that_is_not_a_python_file_is_an_error(bptrain_in, tmp_path, name, message):
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "notes.txt").write_text(activation())
    (tmp_path / "latin.py").write_bytes(b"# \xe9\n")
    (tmp_path / "large.py").write_bytes(b"#" * (2**20 + 1))
    done = bptrain_in("list", "--code", name)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"error: {message}\n")


def test_a_null_byte_is_an_input_error(tmp_path):
    (tmp_path / "my.py").write_text("a = '\0'\n")
    with pytest.raises(InputError, match=r"^my\.py:.*Error: source code .*null bytes$"):
        load_code("my.py")

"""How tests run the command line: in their own process as in another one, without traces."""

import os
import signal
import sys
import warnings

import pytest
from speeds import sampled

from bptrain.cli import signals
from bptrain.code import list_loaded_code

CONFIG = "data: {source: {bundled: iris}}\nhidden: [4]\noptimizer: {adam: 1}\ntraining: {epochs: 2}\n"
CODE = """import warnings
from dataclasses import dataclass

from bptrain.nn import ACTIVATIONS, Activation

warnings.warn("from code")
warnings.warn("no longer", DeprecationWarning)
print("here")


@ACTIVATIONS.register
@dataclass(frozen=True)
class Own(Activation):
    "The input."

    def forward(self, p, x, y, s):
        y[...] = x

    def backward(self, p, g, x, y, dy, dx, s):
        dx[...] = dy
"""


@pytest.fixture(autouse=True)
def _files(tmp_path):
    (tmp_path / "c.yaml").write_text(CONFIG)
    (tmp_path / "own.py").write_text(CODE)


COMMANDS = [
    "list activations own --code own.py",
    "",
    "--version",
    "train --help",
    "train",
    "train --nonsense",
    "train gone.yaml",
    "train c.yaml --strict",
    "validate c.yaml --json",
    "gradcheck c.yaml",
    "list activations",
    "show c.yaml",
    "data c.yaml --json",
]


@pytest.mark.parametrize("command", sampled(COMMANDS))
def test_both_ways_print_the_same(bptrain_in, bptrain_process, command):
    here, there = bptrain_in(*command.split()), bptrain_process(*command.split())
    assert (here.returncode, here.stdout, here.stderr) == (there.returncode, there.stdout, there.stderr)


def test_a_command_leaves_no_traces(bptrain_in):
    def state():
        yield [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)], list(signals.received)
        yield list(warnings.filters), warnings.showwarning
        yield dict(os.environ), os.getcwd()
        yield list(sys.argv), sys.stdout, sys.stderr, sys.modules["__main__"]
        yield list_loaded_code()

    before = list(state())
    done = bptrain_in("train", "c.yaml", "-q", "--code", "own.py", NO_COLOR="1")
    assert done.returncode == 0, done.stderr
    assert list(state()) == before
    # What was said once may be said again.
    again = bptrain_in("train", "c.yaml", "-q", "--code", "own.py", NO_COLOR="1")
    assert again.stderr == done.stderr != ""

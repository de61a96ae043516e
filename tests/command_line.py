"""`bptrain` as tests run it: in the test's own process, which costs no start, or in one of its own, as people do."""

import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO, TextIOWrapper
from pathlib import Path
from types import ModuleType

import pytest


class CommandLine:
    """Runs `bptrain` in a folder: `bptrain_in("train", "my.yaml", NO_COLOR="1").stderr`.

    `own_process` starts a process for each command. Without it the command runs here, and what it changes (signals,
    warnings, environment, the user's code) is put back; that is for tests of what is printed, of exit codes and files.
    Signals, kills, closed streams, encodings, imports at the start and code that changes bptrain want a process.
    """

    def __init__(self, folder: Path, *, own_process: bool) -> None:
        self.folder = folder
        self.own_process = own_process

    def __call__(self, *arguments: object, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[str]:
        given = list(map(str, arguments))
        if self.own_process:
            return subprocess.run(
                [sys.executable, "-m", "bptrain", *given],
                cwd=self.folder,
                env={**os.environ, **environment},
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        done = run_here(given, self.folder, environment, stdin=stdin)
        # Lines end as in text that is read from a pipe.
        out, err = (text.replace("\r\n", "\n").replace("\r", "\n") for text in (done.stdout, done.stderr))
        return subprocess.CompletedProcess(given, done.returncode, out, err)

    def on_a_terminal(self, *arguments: object, columns: int = 80, **environment: str) -> str:
        """What a command, in a process of its own, writes to a terminal of so many columns."""
        import fcntl
        import pty
        import struct
        import termios

        parent, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen(
            [sys.executable, "-m", "bptrain", *map(str, arguments)],
            cwd=self.folder,
            env={**{k: v for k, v in os.environ.items() if k != "COLUMNS"}, "TERM": "xterm-256color", **environment},
            stdin=child,
            stdout=child,
            stderr=child,
        )
        os.close(child)
        written = b""
        # Reading fails once nobody can write any more.
        with suppress(OSError):
            while more := os.read(parent, 65_536):
                written += more
        os.close(parent)
        assert process.wait(timeout=60) == 0
        return written.decode()


class Stream(TextIOWrapper):
    """What a command prints, perhaps as if on a terminal."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__(BytesIO(), encoding="utf-8", newline="", write_through=True)
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def run_here(
    arguments: list[str], folder: Path, environment: dict[str, str], *, terminal: bool = False, stdin: bytes = b""
) -> subprocess.CompletedProcess[str]:
    """Run a command in this process, as `subprocess.run` would in another."""
    import bptrain.__main__
    from bptrain.cli.app import main

    out, err = Stream(terminal=terminal), Stream(terminal=terminal)
    # The parser says `python -m bptrain` where it finds that this is what runs.
    program = ModuleType("__main__")
    program.__package__ = "bptrain"
    with like_a_new_process(), pytest.MonkeyPatch.context() as patch:
        os.environ.update(environment)
        patch.setitem(sys.modules, "__main__", program)
        patch.setattr(sys, "argv", [bptrain.__main__.__file__, *arguments])
        patch.setattr(sys, "stdin", TextIOWrapper(BytesIO(stdin)))
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        patch.chdir(folder)
        code: object = 0
        try:
            main()
        except SystemExit as leaving:
            code = leaving.code or 0
    assert isinstance(code, int)
    stdout, stderr = (stream.buffer.getvalue().decode() for stream in (out, err))
    return subprocess.CompletedProcess(arguments, code, stdout, stderr)


@contextmanager
def like_a_new_process() -> Iterator[None]:
    """Have the state of the process as it is at the start of one, and afterwards as it was."""
    from bptrain.cli import signals
    from bptrain.code import list_loaded_code, unload_code
    from bptrain.tables import cache

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    environment = dict(os.environ)
    threads, in_use, code = threading.enumerate(), set(cache.in_use), list_loaded_code()
    try:
        with warnings.catch_warnings():
            warnings.resetwarnings()
            for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
                warnings.simplefilter("ignore", category)
            yield
    finally:
        os.environ.clear()
        os.environ.update(environment)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signals.received.clear()
        signals.interruption.signal, signals.interruption.watched = None, False
        cache.in_use.intersection_update(in_use)
        for one in list_loaded_code():
            if one not in code:
                unload_code(one)
    for thread in threading.enumerate():
        if thread not in threads:
            thread.join(timeout=10)
            assert not thread.is_alive(), f"the command left a thread behind: {thread}"

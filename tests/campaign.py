"""Shared by the campaigns: commands in processes of their own, and the comparison of the runs they leave."""

import os
import subprocess
import sys
import traceback
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

FILES = ("checkpoints/last.npz", "checkpoints/best.npz", "history.jsonl", "config.yaml")

ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]),
    "OPENBLAS_NUM_THREADS": "1",
}


def build_command(*arguments):
    """Return the arguments that start a command in a new process."""
    return [sys.executable, "-m", "bptrain", *map(str, arguments)]


def run(folder, *arguments, timeout=120):
    """Run a command and wait for it."""
    options = {"capture_output": True, "text": True, "timeout": timeout, "check": False}
    return subprocess.run(build_command(*arguments), cwd=folder, env=ENVIRONMENT, **options)


def start(folder, *arguments):
    """Start a command in a new process."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(build_command(*arguments), cwd=folder, env=ENVIRONMENT, **options)


def warm(folder, name):
    """Import everything and fill every cache, so that forks of this process start quickly."""
    import bptrain
    import bptrain.cli.app
    import bptrain.console.live
    import bptrain.console.training_lines

    before = os.getcwd()
    os.chdir(folder)
    bptrain.cli.app.typer.main.get_command(bptrain.cli.app.app)
    bptrain.resume(bptrain.train(name).run)
    os.chdir(before)


def fork(folder, *arguments, prepare=None):
    """Start a command in a fork of this process, and return its process ID; its output goes to the file `output`.

    `prepare` is called before the command, and what it returns, if anything, after it.
    """
    if pid := os.fork():
        return pid
    code = 1
    try:
        os.chdir(folder)
        for stream in (1, 2):
            os.dup2(os.open("output", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o644), stream)
        sys.argv = ["bptrain", *map(str, arguments)]
        finish = prepare() if prepare is not None else None
        from bptrain.__main__ import main

        try:
            main()
            code = 0
        except SystemExit as exit_:
            code = exit_.code or 0
        if finish is not None:
            finish()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def wait_for(pid, folder):
    """Wait for a forked command; return its exit code, negative for a signal, and its output."""
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), (Path(folder) / "output").read_text()


def read_files(run):
    """Return the files of a run that must be the same however often it was interrupted."""
    return {name: (Path(run) / name).read_bytes() for name in FILES}


def list_leftovers(run):
    """Return the files that a finished run must not leave."""
    return [path.name for path in Path(run).rglob("*") if path.name.endswith(".tmp") or path.name == "lock.json"]


def require(condition, what):
    """Fail the campaign unless a condition holds."""
    if not condition:
        sys.exit(f"FAILED: {what}")

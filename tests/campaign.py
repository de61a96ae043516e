"""What the campaigns share: runs in processes of their own, and what must be the same at their end."""

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


def bptrain(*arguments):
    """The command line of a command."""
    return [sys.executable, "-m", "bptrain", *map(str, arguments)]


def run(folder, *arguments, timeout=120):
    """Run a command to its end."""
    return subprocess.run(
        bptrain(*arguments), cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=timeout, check=False
    )


def started(folder, *arguments):
    """Start a command."""
    return subprocess.Popen(
        bptrain(*arguments), cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def warm(folder, name):
    """Import everything and fill every cache, so that copies of this process start at once."""
    import bptrain
    import bptrain.cli.app
    import bptrain.console.live
    import bptrain.console.training_lines

    before = os.getcwd()
    os.chdir(folder)
    bptrain.cli.app.typer.main.get_command(bptrain.cli.app.app)
    bptrain.resume(bptrain.train(name).run)
    os.chdir(before)


def forked(folder, *arguments, prepare=None):
    """Start a command in a copy of this process, see `warm`; its number. What it prints goes to the file `said`."""
    if pid := os.fork():
        return pid
    code = 1
    try:
        os.chdir(folder)
        for stream in (1, 2):
            os.dup2(os.open("said", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o644), stream)
        sys.argv = ["bptrain", *map(str, arguments)]
        if prepare is not None:
            prepare()
        from bptrain.__main__ import main

        try:
            main()
            code = 0
        except SystemExit as left:
            code = left.code or 0
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def ended(pid, folder):
    """Wait for a forked command: its exit code, negative for a signal, and what it printed."""
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), (Path(folder) / "said").read_text()


def content(run):
    """The bytes that must be the same however a run came to its end."""
    return {name: (Path(run) / name).read_bytes() for name in FILES}


def leftovers(run):
    """Files that a finished run must not leave."""
    return [path.name for path in Path(run).rglob("*") if path.name.endswith(".tmp") or path.name == "lock.json"]


def must(condition, what):
    """Fail the campaign."""
    if not condition:
        sys.exit(f"FAILED: {what}")

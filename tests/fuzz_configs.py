"""Mutate the bundled configs and load them: each gives an experiment, or clear mistakes with places.

    python tests/fuzz_configs.py 20000 0

loads 20,000 configs made from the seed 0, and exits with 1 if any of them ended otherwise. Each case has its own seed,
printed with a failure; `python tests/fuzz_configs.py 1 SEED` repeats it.
"""

import random
import re
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

from bptrain.config import load, to_yaml
from bptrain.console.problems import make_excerpt
from bptrain.errors import BptrainError, ConfigError

CONFIGS = sorted((Path(__file__).resolve().parents[1] / "configs").glob("*.yaml"))
SECONDS = 10
TOKEN = re.compile(r"[\w.]+|\s+|[^\w\s]")

# Separated by spaces; those that begin with a backslash are escapes.
VALUES = r"""
0 -1 1.5 1e-3 1e999 -0 010 0o17 0x1F 1_000 1:30 2020-01-01 99999999999999999999999999 .nan .inf -.inf null ~
true no on yes off True auto full none '' "" '0' "a\u0000b" [] {} [1,2] {a:1} [[[]]] *a &a
!!python/name:os.system !x <<: ? - --- ... @ ` % | > # ${seed} "${seed}" "${name}" "${env:HOME}"
"${env:NO_SUCH:-7}" "${" "$${x}" "${training}" "${zz}" "${a.${b}}" epochs: lr: units: adam sgd dense relu
cosine mse iris digits data: network: hidden: optimizer: training: seed: name: x: learning_rate: layers:
momentum: dropout crossentropy swish \t \x00 \ufeff \u2028 \x85 é 日本 \U0001F469 \u202e
"""
PIECES = [piece.encode().decode("unicode_escape") if piece[0] == "\\" else piece for piece in VALUES.split()]
OVERRIDES = [
    "training.epochs",
    "seed",
    "network.0",
    "hidden.0",
    "optimizer.adam.lr",
    "data",
    "a.b",
    "name",
    "",
    "loss.0.x",
]


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Return a config with bytes, tokens, values or lines deleted, doubled, exchanged or invented."""
    kind = rng.randrange(10)
    if kind == 0 and data:
        k = rng.randrange(len(data))
        return data[:k] + bytes([rng.randrange(256)]) + data[k + rng.randrange(2) :]
    if kind == 1 and data:
        k = rng.randrange(len(data))
        return data[:k] + data[k + rng.randrange(1, 20) :]
    text = data.decode("utf-8", errors="surrogateescape")
    if kind == 2:
        k = rng.randrange(len(text) + 1)
        text = text[:k] + rng.choice(PIECES) * rng.choice([1, 1, 1, 2, 60]) + text[k:]
    elif kind < 7:
        tokens = TOKEN.findall(text) or [""]
        j, k = rng.randrange(len(tokens)), rng.randrange(len(tokens))
        if kind == 3:
            tokens[j] = rng.choice(PIECES)
        elif kind == 4:
            tokens[j], tokens[k] = tokens[k], tokens[j]
        elif kind == 5:
            tokens[j] = "" if rng.random() < 0.5 else tokens[j] * 2
        else:
            values = [n for n, token in enumerate(tokens) if re.fullmatch(r"[\w.]+", token)] or [0]
            tokens[rng.choice(values)] = rng.choice(PIECES)
        text = "".join(tokens)
    else:
        lines = text.split("\n")
        j, k = rng.randrange(len(lines)), rng.randrange(len(lines))
        if kind == 7:
            lines[j : j + rng.randrange(1, 4)] = [] if rng.random() < 0.5 else [lines[j]] * 2
        elif kind == 8:
            lines[j], lines[k] = lines[k], lines[j]
        else:
            lines[j] = " " * rng.randrange(6) + lines[j].lstrip()
        text = "\n".join(lines)
    return text.encode("utf-8", errors="surrogateescape")


def make_case(seed: int) -> tuple[bytes, list[str]]:
    """Return the config and the overrides of a seed."""
    rng = random.Random(seed)
    data = rng.choice(CONFIGS).read_bytes()
    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        data = mutated(data, rng)
    overrides = [f"{rng.choice(OVERRIDES)}={rng.choice(PIECES)}"] if rng.random() < 0.2 else []
    return data, overrides


def check(seed: int, folder: Path) -> str:
    """Return `valid` or `mistakes` for a seed.

    Raises:
        Exception: anything else that was raised.
    """
    data, overrides = make_case(seed)
    path = folder / "case.yaml"
    path.write_bytes(data)
    try:
        experiment = load(path, overrides).experiment
    except ConfigError as error:
        for problem in error.problems:
            assert problem.line >= 1
            assert problem.column >= 1
            assert problem.column <= len(problem.source) + 1 or not problem.source, problem
            make_excerpt(problem, random.Random(seed).randrange(1, 200))
        return "mistakes"
    except BptrainError:
        return "mistakes"
    path.write_text(to_yaml(experiment), encoding="utf-8")
    assert load(path).experiment == experiment, "written and read again it is another one"
    return "valid"


def expire(*_: object) -> None:
    """Handle the alarm."""
    raise TimeoutError(f"not done after {SECONDS} seconds")


def campaign(count: int, seed: int) -> tuple[dict[str, int], list[tuple[int, str]]]:
    """Load so many configs; return the number of each outcome, and the seeds that failed with their tracebacks."""
    assert CONFIGS
    signal.signal(signal.SIGALRM, expire)
    seen = {"valid": 0, "mistakes": 0}
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        for one in range(seed, seed + count):
            signal.alarm(SECONDS)
            try:
                seen[check(one, Path(folder))] += 1
            except Exception:
                failures.append((one, traceback.format_exc()))
            finally:
                signal.alarm(0)
    return seen, failures


def main() -> None:
    """Run the campaign from the command line."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    began = time.perf_counter()
    seen, failures = campaign(count, seed)
    seconds = time.perf_counter() - began
    for one, text in failures[:5]:
        print(f"seed {one}\n{text}")
    summary = ", ".join(f"{number:,} {name}" for name, number in {**seen, "failures": len(failures)}.items())
    print(f"{count:,} configs in {seconds:.1f} s ({count / seconds:.0f} a second): {summary}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()

"""A worker: a process of its own for one contender on one workload, which trains when it is told to.

`python -m bptrain.bench.worker WORKLOAD CONTENDER` reads a number of epochs a line, and answers each with the seconds
that they took and the most memory that the process ever had.
"""

import json
import sys
from time import perf_counter

from bptrain.bench.contenders import CONTENDERS
from bptrain.bench.workloads import WORKLOADS


def peak_bytes() -> int:
    """The most memory that this process had; zero where the system does not say."""
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    """Get ready, say so, and train whatever is asked for."""
    workload = next(one for one in WORKLOADS if one.name == sys.argv[1])
    run = CONTENDERS[sys.argv[2]](workload)
    # What the libraries print of themselves is no answer.
    answers, sys.stdout = sys.stdout, sys.stderr
    print(json.dumps({"seconds": 0.0, "peak_bytes": peak_bytes()}), file=answers, flush=True)
    for line in sys.stdin:
        began = perf_counter()
        run(int(line))
        print(json.dumps({"seconds": perf_counter() - began, "peak_bytes": peak_bytes()}), file=answers, flush=True)


if __name__ == "__main__":
    main()

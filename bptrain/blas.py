"""BLAS: how long its idle threads wait for work. To be set before NumPy is imported."""

import os

VARIABLE = "OPENBLAS_THREAD_TIMEOUT"

TIMEOUT = "20"
"""OpenBLAS's idle threads wait for work for 2 to this power processor cycles, about 0.4 ms, and then sleep. By default
they wait 64 times as long and keep cores from other programs; waking them for each product makes the steps of middling
networks a tenth slower."""


def set_thread_timeout() -> None:
    """Set how long idle threads wait, unless the user has set it."""
    os.environ.setdefault(VARIABLE, TIMEOUT)


settle = set_thread_timeout


def get_own_environment() -> dict[str, str]:
    """Return the environment for programs of bptrain."""
    return {VARIABLE: TIMEOUT, **os.environ}


def get_others_environment() -> dict[str, str]:
    """Return the environment for other programs, without the timeout if it has the value that bptrain sets."""
    return {name: value for name, value in os.environ.items() if (name, value) != (VARIABLE, TIMEOUT)}

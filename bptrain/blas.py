"""BLAS: how long its idle threads wait for work. To be set before NumPy is imported."""

import os

VARIABLE = "OPENBLAS_THREAD_TIMEOUT"

TIMEOUT = "20"
"""An exponent: idle threads of OpenBLAS wait for work for 2^20 processor cycles, about 0.4 ms, and then sleep. By
default they wait 64 times as long and keep cores from other programs. The price of the shorter wait is that
threads are woken for each product, which makes the steps of medium-sized networks a tenth slower."""


def set_thread_timeout() -> None:
    """Set how long idle threads wait, unless the user has set it."""
    os.environ.setdefault(VARIABLE, TIMEOUT)


settle = set_thread_timeout
"""The former name of the function, for programs that still call it."""


def get_own_environment() -> dict[str, str]:
    """Return the environment for child processes that run bptrain."""
    return {VARIABLE: TIMEOUT, **os.environ}


def get_others_environment() -> dict[str, str]:
    """Return the environment for child processes that run other programs, without the timeout that bptrain sets."""
    return {name: value for name, value in os.environ.items() if (name, value) != (VARIABLE, TIMEOUT)}

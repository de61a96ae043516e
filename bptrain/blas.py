"""BLAS: how its idle threads wait for the next product. To be settled before NumPy is imported."""

import os

VARIABLE = "OPENBLAS_THREAD_TIMEOUT"

TIMEOUT = "20"
"""OpenBLAS's idle threads look for work for 2 to this power cycles of the processor, some 0.4 ms, and then sleep. Of
themselves they would look for 64 times as long, on a core that others may want; to wake them for each product again
makes the steps of middling networks a tenth slower."""


def settle() -> None:
    """Say how long they look for work, unless the user has said so."""
    os.environ.setdefault(VARIABLE, TIMEOUT)


def own_environment() -> dict[str, str]:
    """Return the environment for programs of ours."""
    return {VARIABLE: TIMEOUT, **os.environ}


def others_environment() -> dict[str, str]:
    """Return the environment for programs of others, without what `settle` has said (which looks the same where the
    user says so)."""
    return {name: value for name, value in os.environ.items() if (name, value) != (VARIABLE, TIMEOUT)}

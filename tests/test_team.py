"""A team of threads: every task runs once, in parallel, and no thread is left behind."""

from queue import Empty
from threading import Barrier, active_count

import numpy as np
import pytest

from bptrain.team import Team

SIZES = pytest.mark.parametrize("size", [1, 2, 3])


@SIZES
@pytest.mark.parametrize("count", [1, 2, 50])
def test_every_task_runs_once_before_run_returns(size, count):
    team = Team()
    with team.resize(size):
        for _ in range(20):
            done = []
            team.run([lambda k=k, done=done: done.append(k) for k in range(count)])
            assert sorted(done) == list(range(count))


@pytest.mark.parametrize("size", [2, 3])
def test_tasks_run_in_parallel(size):
    """Each task waits for all others at a barrier, which numbers them."""
    team, barrier, came = Team(), Barrier(size), []
    with team.resize(size):
        team.run([lambda: came.append(barrier.wait(timeout=60))] * size)
    assert sorted(came) == list(range(size))


@SIZES
@pytest.mark.parametrize("bad", [0, 1, 7])
def test_the_exception_of_a_task_is_raised_after_the_others_are_done(size, bad):
    team, done = Team(), []

    def task(k):
        if k == bad:
            raise ValueError(f"task {k}")
        done.append(k)

    with team.resize(size):
        with pytest.raises(ValueError, match=f"task {bad}"):
            team.run([lambda k=k: task(k) for k in range(8)])
        before = len(done)
        assert before == 7
        team.run([lambda: None] * 8)
        assert len(done) == before


def test_helpers_start_when_needed_and_end_with_the_block():
    team, before = Team(), active_count()
    with team.resize(3):
        assert active_count() == before
        team.run([lambda: None] * 3)
        assert active_count() == before + 2
        with team.resize(1):
            team.run([lambda: None] * 3)
        assert team.size == 3
        team.run([lambda: None] * 3)
    assert (team.size, active_count()) == (1, before)


@pytest.mark.parametrize("size", [1, 2])
def test_no_tasks_and_tasks_that_raise_the_exception_of_a_queue(size):
    team = Team()

    def task():
        raise Empty

    with team.resize(size):
        team.run([])
        with pytest.raises(Empty):
            team.run([task, task])


def test_helpers_do_not_warn_of_infinity_and_nan():
    team, barrier, handling = Team(), Barrier(2), []

    def task():
        barrier.wait(timeout=60)
        handling.append(set(np.geterr().values()))

    with team.resize(2), np.errstate(all="ignore"):
        team.run([task, task])
    assert handling == [{"ignore"}, {"ignore"}]

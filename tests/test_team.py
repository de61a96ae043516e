"""A team of threads: every piece once, side by side, and nothing left behind."""

from queue import Empty
from threading import Barrier, active_count

import numpy as np
import pytest

from bptrain.team import Team

SIZES = pytest.mark.parametrize("size", [1, 2, 3])


@SIZES
@pytest.mark.parametrize("count", [1, 2, 50])
def test_every_piece_is_done_once_before_run_returns(size, count):
    team = Team()
    with team.resize(size):
        for _ in range(20):
            done = []
            team.run([lambda k=k, done=done: done.append(k) for k in range(count)])
            assert sorted(done) == list(range(count))


@pytest.mark.parametrize("size", [2, 3])
def test_pieces_are_done_side_by_side(size):
    """Each waits for all others, and is told as the how manieth it came."""
    team, barrier, came = Team(), Barrier(size), []
    with team.resize(size):
        team.run([lambda: came.append(barrier.wait(timeout=60))] * size)
    assert sorted(came) == list(range(size))


@SIZES
@pytest.mark.parametrize("bad", [0, 1, 7])
def test_what_a_piece_raises_is_raised_after_the_others_are_done(size, bad):
    team, done = Team(), []

    def piece(k):
        if k == bad:
            raise ValueError(f"piece {k}")
        done.append(k)

    with team.resize(size):
        with pytest.raises(ValueError, match=f"piece {bad}"):
            team.run([lambda k=k: piece(k) for k in range(8)])
        before = len(done)
        assert before == 7
        team.run([lambda: None] * 8)
        assert len(done) == before


def test_helpers_come_when_they_are_needed_and_stay_no_longer_than_they_are_wanted():
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
def test_no_pieces_and_pieces_that_raise_what_a_queue_does(size):
    team = Team()

    def piece():
        raise Empty

    with team.resize(size):
        team.run([])
        with pytest.raises(Empty):
            team.run([piece, piece])


def test_helpers_do_not_warn_of_numbers_that_are_not_finite():
    team, barrier, handling = Team(), Barrier(2), []

    def piece():
        barrier.wait(timeout=60)
        handling.append(set(np.geterr().values()))

    with team.resize(2), np.errstate(all="ignore"):
        team.run([piece, piece])
    assert handling == [{"ignore"}, {"ignore"}]

"""A team of threads: work cut into pieces, of which whoever is free takes the next.

NumPy lets other threads run while it works on large arrays, so that pieces go side by side. They should be long: to
wake a thread takes as long as to multiply some hundred thousand numbers.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from threading import Thread

import numpy as np

Piece = Callable[[], object]
"""A piece of work, which depends on no other piece that is done with it."""


class Team:
    """The calling thread and its helpers, if it has any, which start when they are first needed.

    `size` is how many they are. What a piece computes must not depend on who does it or when, so that results are the
    same to the last bit for a team of any size.
    """

    def __init__(self) -> None:
        self.size = 1
        self._helpers: list[Thread] = []
        self._todo: SimpleQueue[Piece | None] = SimpleQueue()
        self._done: SimpleQueue[BaseException | None] = SimpleQueue()

    @contextmanager
    def sized(self, size: int) -> Iterator[None]:
        """Have so many threads for a while, the calling one among them."""
        before = self.size, self._helpers, self._todo, self._done
        self.size, self._helpers, self._todo, self._done = size, [], SimpleQueue(), SimpleQueue()
        try:
            yield
        finally:
            for _ in self._helpers:
                self._todo.put(None)
            for helper in self._helpers:
                helper.join()
            self.size, self._helpers, self._todo, self._done = before

    def run(self, pieces: Sequence[Piece]) -> None:
        """Do all pieces, and return when they are done.

        Helpers work without NumPy's warnings about numbers that are not finite.

        Raises:
            BaseException: what a piece raised, the first to do so, after all others were done.
        """
        while len(self._helpers) < self.size - 1:
            helper = Thread(target=help_out, args=(self._todo, self._done), daemon=True)
            helper.start()
            self._helpers.append(helper)
        for each in pieces:
            self._todo.put(each)
        with suppress(Empty):
            while piece := self._todo.get_nowait():
                self._done.put(outcome(piece))
        failed = [error for error in [self._done.get() for _ in pieces] if error]
        if failed:
            raise failed[0]


def outcome(piece: Piece) -> BaseException | None:
    """Do a piece, and say what it raised, if anything."""
    try:
        piece()
    except BaseException as error:
        return error
    return None


def help_out(todo: "SimpleQueue[Piece | None]", done: "SimpleQueue[BaseException | None]") -> None:
    """Do pieces until there is None."""
    with np.errstate(all="ignore"):
        while piece := todo.get():
            done.put(outcome(piece))

"""A team of threads: work cut into pieces, of which whoever is free takes the next.

NumPy lets other threads run while it works on large arrays, so that pieces go side by side. They should be long: to
wake a thread takes as long as to multiply some hundred thousand numbers.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Thread

import numpy as np

Piece = Callable[[], object]
"""A piece of work, which depends on no other piece that is done with it."""


class Team:
    """The calling thread and its helpers, if it has any.

    `size` is how many they are. What a piece computes must not depend on who does it or when, so that results are the
    same to the last bit for a team of any size.
    """

    def __init__(self) -> None:
        self.size = 1
        self._todo: SimpleQueue[Piece | None] = SimpleQueue()
        self._done: SimpleQueue[BaseException | None] = SimpleQueue()

    @contextmanager
    def sized(self, size: int) -> Iterator[None]:
        """Have so many threads for a while, the calling one among them."""
        before = vars(self).copy()
        self.size, self._todo, self._done = size, SimpleQueue(), SimpleQueue()
        helpers = [Thread(target=help_out, args=(self._todo, self._done), daemon=True) for _ in range(size - 1)]
        for helper in helpers:
            helper.start()
        try:
            yield
        finally:
            for _ in helpers:
                self._todo.put(None)
            for helper in helpers:
                helper.join()
            vars(self).update(before)

    def run(self, pieces: Sequence[Piece]) -> None:
        """Do all pieces, and return when they are done. The first are begun first, so the longest should be.

        Helpers work without NumPy's warnings about numbers that are not finite.

        Raises:
            Exception: what a piece raised, after all others were done.
        """
        if self.size == 1:
            for piece in pieces:
                piece()
            return
        todo, done, own = self._todo, self._done, 1
        for piece in pieces[1:]:
            todo.put(piece)
        failed: BaseException | None = None
        try:
            pieces[0]()
            while another := todo.get_nowait():
                own += 1
                another()
        except Empty:
            pass
        finally:
            for _ in range(len(pieces) - own):
                failed = done.get() or failed
        if failed is not None:
            raise failed


def help_out(todo: "SimpleQueue[Piece | None]", done: "SimpleQueue[BaseException | None]") -> None:
    """Do pieces until there is None, and say of each what it raised, if anything."""
    with np.errstate(all="ignore"):
        while piece := todo.get():
            try:
                piece()
            except BaseException as error:
                done.put(error)
            else:
                done.put(None)

"""A team of threads: work cut into tasks, of which whoever is free takes the next.

NumPy lets other threads run while it works on large arrays, so that tasks go side by side. They should be long: to
wake a thread takes as long as to multiply some hundred thousand numbers.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from threading import Thread

import numpy as np

Task = Callable[[], object]
"""A part of some work, which depends on no other that is done with it."""


class Team:
    """The calling thread and its helpers, if it has any, which start when they are first needed.

    `size` is how many they are. What a task computes must not depend on who does it or when, so that results are the
    same to the last bit for a team of any size.
    """

    def __init__(self) -> None:
        self.size = 1
        self._helpers: list[Thread] = []
        self._todo: SimpleQueue[Task | None] = SimpleQueue()
        self._done: SimpleQueue[BaseException | None] = SimpleQueue()

    @contextmanager
    def resize(self, size: int) -> Iterator[None]:
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

    def run(self, tasks: Sequence[Task]) -> None:
        """Do all tasks, and return when they are done.

        Helpers work without NumPy's warnings about numbers that are not finite.

        Raises:
            BaseException: what a task raised, the first to do so, after all others were done.
        """
        while len(self._helpers) < self.size - 1:
            helper = Thread(target=help_out, args=(self._todo, self._done), daemon=True)
            helper.start()
            self._helpers.append(helper)
        for each in tasks:
            self._todo.put(each)
        with suppress(Empty):
            while task := self._todo.get_nowait():
                self._done.put(outcome(task))
        failed = [error for error in [self._done.get() for _ in tasks] if error]
        if failed:
            raise failed[0]


def outcome(task: Task) -> BaseException | None:
    """Do a task, and say what it raised, if anything."""
    try:
        task()
    except BaseException as error:
        return error
    return None


def help_out(todo: "SimpleQueue[Task | None]", done: "SimpleQueue[BaseException | None]") -> None:
    """Do tasks until there is None."""
    with np.errstate(all="ignore"):
        while task := todo.get():
            done.put(outcome(task))

"""A team of threads: work split into tasks, each done by the next free thread.

NumPy lets other threads run while it works on large arrays, so tasks run in parallel. They should be long: waking a
thread takes as long as multiplying some hundred thousand numbers.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from threading import Thread

import numpy as np

Task = Callable[[], object]
"""Some work that does not depend on the tasks run with it."""


class Team:
    """The calling thread and its helpers, which start when first needed.

    `size` is the number of threads. The result of a task must not depend on which thread runs it or when, so that
    results are bit-identical for a team of any size.
    """

    def __init__(self) -> None:
        self.size = 1
        self._helpers: list[Thread] = []
        self._todo: SimpleQueue[Task | None] = SimpleQueue()
        self._done: SimpleQueue[BaseException | None] = SimpleQueue()

    @contextmanager
    def resize(self, size: int) -> Iterator[None]:
        """Use this many threads inside the block, including the calling one."""
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
        """Run all tasks, and return when they are done.

        Helpers run without NumPy's warnings about infinity and NaN.

        Raises:
            BaseException: the first exception that a task raised, once all other tasks are done.
        """
        while len(self._helpers) < self.size - 1:
            helper = Thread(target=run_tasks, args=(self._todo, self._done), daemon=True)
            helper.start()
            self._helpers.append(helper)
        for task in tasks:
            self._todo.put(task)
        with suppress(Empty):
            while next_task := self._todo.get_nowait():
                self._done.put(run_task(next_task))
        failed = [error for error in [self._done.get() for _ in tasks] if error]
        if failed:
            raise failed[0]


def run_task(task: Task) -> BaseException | None:
    """Run a task, and return the exception that it raised, if any."""
    try:
        task()
    except BaseException as error:
        return error
    return None


def run_tasks(todo: "SimpleQueue[Task | None]", done: "SimpleQueue[BaseException | None]") -> None:
    """Run tasks until None comes."""
    with np.errstate(all="ignore"):
        while task := todo.get():
            done.put(run_task(task))

"""Trackers: copies of a run's figures for other programs that plot them; so far only TensorBoard.

In the event file the steps are epochs. On resume it is rewritten from the history, with the original times, so that no
epoch is in it twice.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from time import time
from typing import Any

from bptrain.config import Config
from bptrain.errors import Mistake, OptionError, StorageError
from bptrain.needs import describe_missing_package
from bptrain.run.directory import RunDirectory
from bptrain.run.history import read_history
from bptrain.training.events import EpochEnd, Record, get_metrics, is_of_layer

PATTERN = "events.out.tfevents.*"


def require_trackers(config: Config) -> None:
    """Require the packages of the trackers that a config asks for.

    Raises:
        ConfigError: a package is missing; the message says how to install it.
    """
    if config.experiment.training.log.tensorboard and (what := describe_missing_package("tensorboardX", "tensorboard")):
        raise config.origin.place(OptionError(Mistake("training.log.tensorboard", what)))


class TensorBoard:
    """A sink that writes scalars for TensorBoard into `RUN/tensorboard`.

    Args:
        run: the run directory, whose history ends where training begins.

    Raises:
        StorageError: the files cannot be written.
    """

    def __init__(self, run: RunDirectory) -> None:
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import SessionLog

        folder = run.path / "tensorboard"
        try:
            folder.mkdir(exist_ok=True)
            before = sorted(folder.glob(PATTERN))
            times = {step: moment for path in before for step, moment in read_times(path)}
            self._writer = EventsWriter(str(folder / "events"))
            # Makes a running TensorBoard discard what it has read of this run.
            self._write(0, time(), session_log=SessionLog(status=SessionLog.START))
            for record in read_history(run.history):
                self._add(record, times.get(int(record["epoch"] or 0), time()))
            self._writer.flush()
            own = Path(self._writer._file_name)
            for path in before:
                if path != own:
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"{folder}: cannot be written ({error.strerror or error})") from None

    def __call__(self, event: object) -> None:
        """Write the record of an epoch."""
        if isinstance(event, EpochEnd):
            try:
                self._add(event.record, time())
                self._writer.flush()
            except OSError as error:
                raise StorageError(f"tensorboard: cannot be written ({error.strerror or error})") from None

    def close(self) -> None:
        """Close the file."""
        self._writer.close()

    def _add(self, record: Record, moment: float) -> None:
        from tensorboardX.proto.summary_pb2 import Summary

        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in build_scalars(record).items()]
        self._write(int(record["epoch"] or 0), moment, summary=Summary(value=values))

    def _write(self, step: int, moment: float, **content: Any) -> None:
        from tensorboardX.proto.event_pb2 import Event as Entry

        self._writer.write_event(Entry(wall_time=moment, step=step, **content))


def build_scalars(record: Record) -> Record:
    """Return the figures of a record under names that group them: `loss/validation`, `gradient_norm/0.dense`."""
    rows = "validation" if "validation_loss" in record else "training"
    scalars = {"loss/training": record.get("loss"), "loss/validation": record.get("validation_loss")}
    scalars |= {name: record.get(name) for name in ("lr", "penalty", "clipped")}
    scalars |= {f"{name}/{rows}": value for name, value in get_metrics(record).items()}
    scalars |= {name.replace(".", "/", 1): value for name, value in record.items() if is_of_layer(name)}
    phase = f"phase {record['phase']}/" if "phase" in record else ""
    return {phase + name: value for name, value in scalars.items() if value is not None}


def read_times(path: Path) -> Iterator[tuple[int, float]]:
    """Yield the step and the time of each event in a file, up to the first one that is incomplete.

    An event is stored as the length of its content, a checksum, the content, and a checksum.
    """
    from google.protobuf.message import DecodeError
    from tensorboardX.proto.event_pb2 import Event as Entry

    content = path.read_bytes()
    start = 0
    while start + 12 <= len(content):
        (length,) = struct.unpack_from("<Q", content, start)
        if start + 12 + length > len(content):
            return
        try:
            entry = Entry.FromString(content[start + 12 : start + 12 + length])
        except DecodeError:
            return
        if entry.HasField("summary"):
            yield entry.step, entry.wall_time
        start += 16 + length

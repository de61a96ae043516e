"""Training: a model assembled from an experiment and its data, the loop, and what a run leaves behind."""

from bptrain.training.assemble import Assembly, assemble
from bptrain.training.description import show
from bptrain.training.loop import EpochEnd, Notice, Progress
from bptrain.training.model import Model, Rows
from bptrain.training.objective import Batch, Objective
from bptrain.training.overview import Run, look_at, runs
from bptrain.training.rehearsal import DryRun, dry_run
from bptrain.training.resumption import resume
from bptrain.training.run import Result, Sink, Started, prepare, train
from bptrain.training.scoring import Score, score
from bptrain.training.session import Best, Session
from bptrain.training.summary import Summary, summarize
from bptrain.training.validation import Validation, validate
from bptrain.training.verification import ResumeCheck, verify_resume

__all__ = [
    "Assembly",
    "Batch",
    "Best",
    "DryRun",
    "EpochEnd",
    "Model",
    "Notice",
    "Objective",
    "Progress",
    "Result",
    "ResumeCheck",
    "Rows",
    "Run",
    "Score",
    "Session",
    "Sink",
    "Started",
    "Summary",
    "Validation",
    "assemble",
    "dry_run",
    "look_at",
    "prepare",
    "resume",
    "runs",
    "score",
    "show",
    "summarize",
    "train",
    "validate",
    "verify_resume",
]

"""The ruler of a run: the scores of baselines on its test rows, or else on its validation rows, and a remark."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bptrain.evaluation.baselines import MOST_ROWS, Baseline, baselines_to_json, read_rows, score_baselines
from bptrain.evaluation.remarks import find_remark
from bptrain.model.scoring import Score, score
from bptrain.training.session import Best, Session


@dataclass(frozen=True)
class Ruler:
    """The baselines on the rows of a split, and the most important sentence about the score; None if there is none."""

    split: str
    baselines: tuple[Baseline, ...]
    remark: str | None

    def to_json(self) -> dict[str, Any]:
        """Return the ruler as it is stored, and as `--json` prints it."""
        return {"split": self.split, "baselines": baselines_to_json(self.baselines), "remark": self.remark}


def measure_ruler(session: Session, best: Best, test: Score | None, stopped: str) -> Ruler | None:
    """Score the baselines beside the test score, or else beside the validation score; None if there is neither.

    The network has its best weights.
    """
    name = "test" if test else "validation"
    if name not in session.splits:
        return None
    found, model = test or best.score, session.model
    measures = [(one.name, one.metric, one.head.name) for one in model.measures]
    baselines = score_baselines(model, measures, session.splits, name)
    train = session.train
    count = min(len(train), MOST_ROWS)
    seen = score(model, read_rows(train, np.arange(count) * len(train) // max(count, 1)))
    remark = find_remark(measures, found.metrics, baselines, seen.metrics, name, len(session.splits[name]))
    if stopped == "epochs" and best.epoch == session.epoch > 1 and "validation" in session.splits:
        longer = "the validation loss was still falling at the last epoch; raise training.epochs"
        remark = f"{remark}; {longer}" if remark else longer
    return Ruler(name, baselines, remark)

"""Mistakes: the rows on which the network is most sure and wrong, or furthest off."""

from collections.abc import Sequence

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.columns import Columns
from bptrain.evaluation.predictions import Predictions
from bptrain.model.encoded_rows import Rows
from bptrain.report.charts import pixels
from bptrain.report.html import Content, Html, join, safe_name, tag
from bptrain.report.html_page import note, table
from bptrain.report.rows import grid, picture, values

MOST = 24
MOST_IN_A_TABLE = 12
MOST_COLUMNS = 8
MOST_NUMBERS = 4


def mistakes(columns: Columns, rows: Rows, found: Predictions) -> Html:
    """The most confident mistakes as pictures, where rows are pictures, or in a table."""
    if not found.names:
        return note("No column is a number, so there is no error to be measured.")
    places = grid(columns)
    most = MOST if places is not None else MOST_IN_A_TABLE
    if found.kind == "classes":
        chosen, wrong = confident(found, most)
        said = [class_words(found, k) for k in chosen]
    else:
        chosen, wrong = furthest(found, most)
        said = [number_words(found, k) for k in chosen]
    if not len(chosen):
        return note(f"None: all {len(found):,} rows are right.")
    shown = f"the {len(chosen)} most confident of them are shown" if wrong > len(chosen) else "all are shown"
    what = f"{wrong:,} of {len(found):,} rows are predicted wrong; {shown}."
    if found.kind != "classes":
        what = f"The {len(chosen)} of {len(found):,} rows with the largest error."
    if places is not None:
        return join((note(what), gallery(columns, places, rows, chosen, said)))
    measure = "probability" if found.kind == "classes" else "truth − prediction"
    return join((note(what), listing(columns, rows, chosen, said, measure)))


def confident(found: Predictions, most: int) -> tuple[Array, int]:
    """The rows whose class is predicted wrong, the most confident first, and how many such there are."""
    wrong = np.flatnonzero(found.codes != found.targets)
    confidence = found.probabilities[wrong].max(axis=1)
    return wrong[np.argsort(-confidence, kind="stable")][:most], len(wrong)


def furthest(found: Predictions, most: int) -> tuple[Array, int]:
    """The rows with the largest error, in standard deviations of each target, the largest first."""
    spread = found.targets.std(axis=0)
    errors = np.abs(found.outputs.astype(np.float64) - found.targets) / np.where(spread > 0, spread, 1)
    worst = np.nan_to_num(errors.max(axis=1), nan=np.inf)
    return np.argsort(-worst, kind="stable")[:most], len(found)


def class_words(found: Predictions, row: int) -> tuple[str, str, str]:
    """What a row is, what it was taken for, and how surely."""
    code, true = int(found.codes[row]), int(found.targets[row])
    confidence = found.probabilities[row].max()
    sure = f"{confidence:.1%}" if found.are_probabilities else f"{confidence:.3g}"
    return safe_name(found.labels[true], 40), safe_name(found.labels[code], 40), sure


def number_words(found: Predictions, row: int) -> tuple[str, str, str]:
    """What is true of a row, what was predicted, and the difference."""
    true, said = found.targets[row].astype(np.float64), found.outputs[row].astype(np.float64)
    parts = (true, said, true - said)
    more = ", …" if len(true) > MOST_NUMBERS else ""
    first, second, third = (", ".join(f"{value:.4g}" for value in part[:MOST_NUMBERS]) + more for part in parts)
    return first, second, third


def row_number(rows: Rows, k: int) -> int:
    """The number of a row in its table, from 1."""
    return int(k if rows.numbers is None else rows.numbers[k]) + 1


def gallery(columns: Columns, places: Array, rows: Rows, chosen: Array, said: Sequence[tuple[str, str, str]]) -> Html:
    """Rows as pictures with a caption each."""
    figures = []
    for k, (true, guess, sure) in zip(chosen.tolist(), said, strict=True):
        number = row_number(rows, k)
        image = pixels(
            picture(columns, places, rows.inputs[k]), f"Picture of row {number}: {true}, predicted {guess} ({sure})"
        )
        caption = join((tag("strong", true), " taken for ", tag("strong", guess), tag("br"), f"{sure}, row {number:,}"))
        figures.append(tag("figure", image, tag("figcaption", caption)))
    return tag("div", *figures, class_="gallery")


def listing(columns: Columns, rows: Rows, chosen: Array, said: Sequence[tuple[str, str, str]], measure: str) -> Html:
    """Rows with what is said of each, the last of which is the `measure`, and the values of their first columns."""
    head = ("row", "truth", "prediction", measure)
    names = [safe_name(one.name, 24) for one in columns.features[:MOST_COLUMNS]]
    body: list[tuple[Content, ...]] = [
        (f"{row_number(rows, k):,}", *words, *values(columns, rows.inputs[k], MOST_COLUMNS))
        for k, words in zip(chosen.tolist(), said, strict=True)
    ]
    more = len(columns.features) - len(names)
    rest = note(f"And {more} more columns, which are not shown.") if more > 0 else None
    return join((table((*head, *names), body), rest))

"""Makes the pictures that the README shows: `python tests/pictures.py`, in the checkout.

The report needs matplotlib and Chromium.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import bptrain

sys.path.insert(0, str(Path(__file__).parent))
from browser import browser

REPOSITORY = Path(__file__).resolve().parents[1]
PICTURES = REPOSITORY / "docs"

SHOWN = ("summary", "roc-and-precision-recall", "most-confident-mistakes", "learning-curves")
"""The sections of the report that the README shows; the others would make it longer than a reader wants."""


def report() -> None:
    """Parts of the report of `configs/digits.yaml`, in light and dark."""
    with TemporaryDirectory() as folder, browser() as page:
        run = bptrain.train(REPOSITORY / "configs" / "digits.yaml", run=Path(folder) / "digits-001").run
        path = bptrain.write_report(run)
        for dark in (False, True):
            page.open(path, width=1000, dark=dark)
            kept = ", ".join(f"#{name}" for name in SHOWN)
            page.value(f"document.querySelectorAll('section:not({kept}), footer, nav').forEach(one => one.remove())")
            page.value("document.querySelector('#learning-curves .figures').lastElementChild.remove()")
            # Where the run was is nothing to show.
            page.value("document.querySelector('#summary .facts').lastElementChild.remove()")
            page.screenshot(PICTURES / f"report{'-dark' * dark}.png")


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    report()

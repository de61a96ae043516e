"""Formats: pages as text, Markdown, LaTeX and JSON."""

import json

from bptrain.explanation.formats.latex import to_latex
from bptrain.explanation.formats.plain_text import to_markdown, to_text
from bptrain.explanation.page import Page


def render_page(page: Page, kind: str, *, digits: int = 6, full: bool = False) -> str:
    """Return a page in a format: `text`, `markdown`, `latex` or `json`."""
    if kind == "json":
        return json.dumps(page.to_json(), indent=2, allow_nan=False) + "\n"
    render = {"latex": to_latex, "markdown": to_markdown}.get(kind, to_text)
    return render(page, digits=digits, full=full)

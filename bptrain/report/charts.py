"""Pictures: figures of matplotlib as inline SVG that takes its colours from the page, and pixels as PNG.

A figure is drawn in stand-in colours, which the SVG then has as variables of the page, so the same picture suits light,
dark and paper.
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import InputError
from bptrain.needs import describe_missing_package
from bptrain.report.html import Content, Html, element, safe_name, tag

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, SOFT, LINE, PAPER = "#010101", "#010102", "#010103", "#010104"
SERIES = tuple(f"#0102{k:02x}" for k in range(8))
"""Stand-in colours: of text, of less important text, of lines, of the ground, and of up to eight curves."""

STYLES = ("-", "--", "-.", ":")
"""How lines are drawn: another way when all colours have been used."""

VARIABLES = {INK: "var(--ink)", SOFT: "var(--soft)", LINE: "var(--line)", PAPER: "var(--paper)"} | {
    colour: f"var(--series-{k})" for k, colour in enumerate(SERIES)
}
"""The stand-ins as the page's style knows them."""

PRINTED = {INK: "#1c1e21", SOFT: "#5a616b", LINE: "#d5d9df", PAPER: "#ffffff"} | dict(
    zip(SERIES, ("#0b62b0", "#c4500a", "#14804a", "#a3257e", "#806000", "#6a46c2", "#00767f", "#8c4b3a"), strict=True)
)
"""The stand-ins in a picture that stands by itself, on white."""


def require_matplotlib(wanted: str) -> None:
    """Make sure that matplotlib is there.

    Raises:
        InputError: it is not.
    """
    if what := describe_missing_package("matplotlib", "plot"):
        raise InputError(f"{wanted} cannot be drawn: {what}")


@contextmanager
def style(*, page: bool = True) -> Iterator[tuple[str, ...]]:
    """Draw in this block in stand-in colours, for the page, or for a picture by itself. The colours of the curves."""
    import matplotlib
    from cycler import cycler

    colours = {colour: colour for colour in VARIABLES} if page else PRINTED
    ink, soft, line, paper = (colours[one] for one in (INK, SOFT, LINE, PAPER))
    series = tuple(colours[one] for one in SERIES)
    background = "none" if page else paper
    settings: dict[str, Any] = {
        "axes.axisbelow": True,
        "axes.edgecolor": soft,
        "axes.facecolor": background,
        "axes.grid": True,
        "axes.labelcolor": soft,
        "axes.labelsize": 10,
        "axes.prop_cycle": cycler(color=series),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlecolor": ink,
        "axes.titlelocation": "left",
        "axes.titlesize": 11,
        "figure.constrained_layout.use": True,
        "figure.facecolor": background,
        "font.family": ["DejaVu Sans"],
        "grid.color": line,
        "grid.linewidth": 0.7,
        "legend.fontsize": 9.5,
        "legend.edgecolor": "none",
        "legend.facecolor": paper,
        "legend.framealpha": 0.8,
        "legend.labelcolor": ink,
        "lines.linewidth": 1.8,
        "savefig.facecolor": background,
        "svg.fonttype": "none" if page else "path",
        "svg.hashsalt": "bptrain",
        "text.color": ink,
        # A name from the data may have a $ in it.
        "text.parse_math": False,
        "xtick.color": soft,
        "ytick.color": soft,
    }
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(settings)
        yield series


@contextmanager
def axes(panels: int = 1, *, width: float = 6.4, height: float = 3.2) -> "Iterator[tuple[Figure, list[Axes]]]":
    """A figure for the page with panels one below the other, to draw on in this block; sizes in inches, of a panel."""
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(width, height * panels))
        yield figure, list(np.atleast_1d(figure.subplots(panels, 1)))


def logarithmic(one: "Axes") -> None:
    """Give the axis upward a logarithmic scale, with numbers as people write them."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    one.set_yscale("log")
    one.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    one.yaxis.set_minor_formatter(NullFormatter())


def label(text: object) -> str:
    """Somebody's name as it may stand in a picture."""
    name = safe_name(text, 10**9)
    return name if len(name) <= 24 else f"{name[:23]}…"


class Pictures:
    """Makes the pictures of one page; what they refer to within themselves has a name of its own in each."""

    def __init__(self) -> None:
        self.count = 0

    def inline(self, figure: "Figure", alternative: str) -> Html:
        """A figure as SVG, with a text for whom does not see it; call it where the style is in force."""
        target = BytesIO()
        figure.savefig(target, format="svg", metadata={"Date": None})
        root = ElementTree.fromstring(target.getvalue().decode())
        self.count += 1
        content = [vector(child, f"p{self.count}-") for child in root if strip_namespace(child.tag) != "metadata"]
        attributes = {"class": "plot", "viewBox": root.get("viewBox"), "role": "img", "aria-label": alternative}
        return element("svg", attributes, content)


def vector(one: ElementTree.Element, prefix: str) -> Html:
    """An element of SVG as HTML: without namespaces, colours as variables, its marks with a prefix."""
    name = strip_namespace(one.tag)
    if name == "style":
        # It would be in force for the whole page, which has the same of its own.
        return Html("")
    attributes: dict[str, Content] = {}
    for key, value in one.attrib.items():
        # The marks of groups are named by nobody.
        if strip_namespace(key) != "id" or name != "g":
            attributes[strip_namespace(key)] = adapt_attribute(strip_namespace(key), value, prefix)
    text = one.text if one.text and one.text.strip() else None
    return element(name, attributes, [text, *(vector(child, prefix) for child in one)])


def strip_namespace(name: str) -> str:
    """Return a name of XML without its namespace."""
    return name.rpartition("}")[2]


def adapt_attribute(name: str, value: str, prefix: str) -> Html:
    """Return the value of an attribute for the page."""
    if name == "id":
        value = prefix + value
    elif name == "href" and value.startswith("#"):
        value = f"#{prefix}{value[1:]}"
    else:
        value = value.replace("url(#", f"url(#{prefix}")
        value = re.sub(r"#01010[1-4]|#01020[0-7]", lambda found: VARIABLES[found[0]], value)
    return Html(escape(value))


def pixels(values: Array, alternative: str, *, signed: bool = False, ends: tuple[float, float] | None = None) -> Html:
    """Numbers as a picture with a pixel each, which the page enlarges.

    Args:
        values: `(height, width)`, or `(height, width, 3)` with red, green and blue; the least is black and the largest
            white.
        alternative: for whom does not see it.
        ends: what is black and what is white, where several pictures have the same.
        signed: the numbers are from -1, which is blue, to 1, which is red; 0 is white.
    """
    from PIL import Image

    if signed:
        fade = 1 - np.abs(values)
        red, blue = np.where(values >= 0, 1.0, fade), np.where(values <= 0, 1.0, fade)
        shown = np.stack([red, fade, blue], axis=-1)
    else:
        low, high = ends or (values.min(), values.max())
        shown = (values - low) / ((high - low) or 1.0)
    target = BytesIO()
    Image.fromarray((shown * 255).round().astype(np.uint8)).save(target, format="PNG")
    data = Html("data:image/png;base64," + b64encode(target.getvalue()).decode())
    return tag("img", src=data, alt=alternative)

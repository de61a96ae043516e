"""Charts: figures of matplotlib as inline SVG that takes its colours from the page, and pixels as PNG.

A figure is drawn in placeholder colours, which become CSS variables in the SVG, so that one chart suits light, dark and
paper.
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from zlib import crc32

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import InputError
from bptrain.needs import describe_missing_package
from bptrain.report.html_page import Content, Html, element, safe_name, tag

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, SOFT, LINE, PAPER = "#010101", "#010102", "#010103", "#010104"
SERIES = tuple(f"#0102{k:02x}" for k in range(8))
"""Placeholder colours: text, less important text, lines, background, and up to eight curves."""

STYLES = ("-", "--", "-.", ":")
"""Line styles; once all colours are used, the next style begins with the first colour again."""

VARIABLES = {INK: "var(--ink)", SOFT: "var(--soft)", LINE: "var(--line)", PAPER: "var(--paper)"} | {
    colour: f"var(--series-{k})" for k, colour in enumerate(SERIES)
}
"""The placeholders as variables of the page's style."""

PRINTED = {INK: "#1c1e21", SOFT: "#5a616b", LINE: "#d5d9df", PAPER: "#ffffff"} | dict(
    zip(SERIES, ("#0b62b0", "#c4500a", "#14804a", "#a3257e", "#806000", "#6a46c2", "#00767f", "#8c4b3a"), strict=True)
)
"""The colours of a chart in a file, on white."""


def require_matplotlib(wanted: str) -> None:
    """Require that matplotlib is installed.

    Raises:
        InputError: it is not.
    """
    if what := describe_missing_package("matplotlib", "plot"):
        raise InputError(f"{wanted} cannot be drawn: {what}")


@contextmanager
def use_style(*, page: bool = True) -> Iterator[tuple[str, ...]]:
    """Set the style of matplotlib within this block, in placeholder colours for a page or in those of `PRINTED`; yield
    the colours of the curves."""
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
def new_axes(*, width: float, height: float) -> "Iterator[tuple[Figure, Axes]]":
    """Yield a figure for the page and its axes, to draw on in this block; width and height are in inches."""
    from matplotlib.figure import Figure

    with use_style():
        figure = Figure(figsize=(width, height))
        yield figure, figure.subplots()


def set_log_scale(axes: "Axes") -> None:
    """Make the vertical axis logarithmic, with plain numbers as its labels."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def shorten_name(text: object) -> str:
    """Return a name from the data or the config, cut to fit in a chart."""
    name = safe_name(text, 10**9)
    return name if len(name) <= 24 else f"{name[:23]}…"


def render_svg(figure: "Figure", alternative: str) -> Html:
    """Return a figure as inline SVG with its alternative text; call it within `use_style`."""
    target = BytesIO()
    figure.savefig(target, format="svg", metadata={"Date": None})
    svg = target.getvalue()
    root = ElementTree.fromstring(svg.decode())
    # Ids must differ between the charts of a page.
    prefix = f"p{crc32(alternative.encode() + svg)}-"
    content = [convert_svg(child, prefix) for child in root if strip_namespace(child.tag) != "metadata"]
    attributes = {"class": "plot", "viewBox": root.get("viewBox"), "role": "img", "aria-label": alternative}
    return element("svg", attributes, content)


def convert_svg(one: ElementTree.Element, prefix: str) -> Html:
    """Return an SVG element as HTML: no namespaces, colours as variables, ids with a prefix."""
    name = strip_namespace(one.tag)
    if name == "style":
        # It would apply to the whole page, and the page's own style has the same rules.
        return Html("")
    attributes: dict[str, Content] = {}
    for key, value in one.attrib.items():
        # Nothing refers to the ids of groups.
        if strip_namespace(key) != "id" or name != "g":
            attributes[strip_namespace(key)] = adapt_attribute(strip_namespace(key), value, prefix)
    text = one.text if one.text and one.text.strip() else None
    return element(name, attributes, [text, *(convert_svg(child, prefix) for child in one)])


def strip_namespace(name: str) -> str:
    """Return an XML name without its namespace."""
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


def draw_pixels(
    values: Array, alternative: str, *, signed: bool = False, ends: tuple[float, float] | None = None
) -> Html:
    """Return numbers as an image with one pixel for each, which the page enlarges.

    Args:
        values: `(height, width)`, or `(height, width, 3)` for red, green and blue; the smallest is black, the largest
            white.
        alternative: the alternative text.
        signed: whether the numbers go from -1 (blue) over 0 (white) to 1 (red).
        ends: the values that become black and white, for several images on one scale.
    """
    from PIL import Image

    if signed:
        fade = 1 - np.abs(values)
        red, blue = np.where(values >= 0, 1.0, fade), np.where(values <= 0, 1.0, fade)
        shares = np.stack([red, fade, blue], axis=-1)
    else:
        low, high = ends or (values.min(), values.max())
        shares = (values - low) / ((high - low) or 1.0)
    target = BytesIO()
    Image.fromarray((shares * 255).round().astype(np.uint8)).save(target, format="PNG")
    data = Html("data:image/png;base64," + b64encode(target.getvalue()).decode())
    return tag("img", src=data, alt=alternative)

"""Pages: no name becomes an element, and nothing outside the page is requested."""

from html.parser import HTMLParser

import pytest

from bptrain.errors import StorageError
from bptrain.report.html_page import (
    build_page,
    details,
    escape_lines,
    escape_text,
    facts,
    listing,
    make_anchors,
    safe_name,
    section,
    table,
    tag,
)
from bptrain.run.history import read_history

NAMES = [
    "<script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "\"' onload='alert(1)",
    "<!-- ",
    "]]>",
    "&lt;b&gt;",
    "</title></section></table>",
    "\u202eevil\u2066",
    "\x1b[31mred\x07",
    "one\ntwo\r\x00",
    "[red]x[/]",
]


class Elements(HTMLParser):
    """The names of all elements, all attributes, and the text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.extend((tag, *pair) for pair in attrs)

    def handle_data(self, data):
        self.text += data


def fill_page(name):
    """Build a page with a name in every place that takes one."""
    parts = [
        section(name, tag("p", name, title=name), anchor="here"),
        table([name, "n"], [[name, name]], caption=name),
        facts([(name, name)]),
        listing(f"a: {name}\nb", name),
        details(name, name),
    ]
    return build_page(name, name, [(name, tag("div", *parts))])


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_create_no_element_and_no_attribute(name):
    harmless, hostile = Elements(fill_page("name")), Elements(fill_page(name))
    assert {"section", "table", "td", "dl", "details"} <= set(harmless.tags)
    assert hostile.tags == harmless.tags
    # A long heading is marked as one.
    kinds = [[pair[:2] for pair in one.attributes if pair[:2] != ("th", "class")] for one in (hostile, harmless)]
    assert kinds[0] == kinds[1]
    assert not {"\u202e", "\u2066", "\x1b", "\x07", "\x00", "\r"} & set(fill_page(name))
    assert hostile.text.count("name") < harmless.text.count("name")


def test_names_are_escaped_as_little_as_possible():
    assert Elements(escape_text("<b>&amp;</b>")).text == "<b>&amp;</b>"
    assert escape_text("a\tb") == "a\\tb"
    assert escape_lines("a: 1\n\n  b: <2>") == "a: 1\n\n  b: &lt;2&gt;"
    assert safe_name("x" * 10_000, 20) == "x" * 20 + "… (10,000 characters)"


def test_every_section_has_an_anchor_of_its_own():
    titles = ["Label 价格", "Label 数量", "Learning curves", "概要", "label", "Label 2"]
    places = make_anchors(titles)
    assert places == ["label", "label-2", "learning-curves", "section", "label-3", "label-2-2"]
    found = Elements(build_page("t", "l", [(title, tag("p", title)) for title in titles]))
    assert [value for tag, key, value in found.attributes if (tag, key) == ("section", "id")] == places
    assert [value for tag, key, value in found.attributes if (tag, key) == ("a", "href")] == [f"#{p}" for p in places]


def test_the_page_requests_nothing():
    found = Elements(fill_page("name"))
    assert not {"script", "link", "iframe", "object", "base"} & set(found.tags)
    assert ("meta", "http-equiv", "Content-Security-Policy") in found.attributes
    assert {value for _, key, value in found.attributes if key in ("href", "src")} == {"#name"}
    style = fill_page("name").partition("<style>")[2].partition("</style>")[0]
    assert "body" in style
    assert "url(" not in style
    assert "@import" not in style


def test_columns_of_numbers_are_aligned_right():
    found = Elements(table(["a", "b", "c"], [["1", "2.5 MiB", "x"], ["2", "undefined", "3"]]))
    assert [value for tag_, key, value in found.attributes if (tag_, key) == ("td", "class")] == ["number"] * 2


def test_a_history_is_read_without_an_incomplete_last_line(tmp_path):
    path = tmp_path / "history.jsonl"
    assert read_history(path) == []
    path.write_text('{"epoch": 1, "loss": 0.5}\n{"epoch": 2, "lo')
    assert read_history(path) == [{"epoch": 1, "loss": 0.5}]
    path.write_text('{"epoch": 1}\n[]\n')
    with pytest.raises(StorageError, match=r"history.jsonl:2: not the record of an epoch"):
        read_history(path)

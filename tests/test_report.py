"""Reports: their content, their look in a browser, and that they are harmless and need no other file."""

import csv
import json
import re
import shutil
import sys
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from browser import CHROMIUM
from browser import browser as opened_browser
from speeds import sampled

import bptrain
from bptrain.columns.columns import Columns
from bptrain.errors import BptrainWarning, InputError, StorageError
from bptrain.evaluation.predictions import Predictions
from bptrain.model.model import Rows
from bptrain.report.charts import draw_pixels
from bptrain.report.images import find_grid, get_row_number, read_image, show_reconstructions
from bptrain.report.learning_curves import choose_metrics_to_draw, get_curve, list_panels
from bptrain.report.material import read_material
from bptrain.report.mistakes import describe_numbers, find_confident_mistakes, find_largest_errors, read_values
from bptrain.report.run_page import make_title
from bptrain.run.checkpoint import load_checkpoint

pytest.importorskip("matplotlib")
Image = pytest.importorskip("PIL.Image")

HOSTILE = [
    "<script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "\"' onload='alert(1)",
    "</title></section></table>",
    "<!--",
    "]]></svg>",
    "$x^2$ {0} %s",
    "a" * 10_000,
    "[red]x[/]",
    "\u202eevil\u2066",
    "\x1b[31mred",
    "one\ntwo",
]


def write_hostile(folder):
    """Write a table and a config with hostile names of columns, classes and the run."""
    rng = np.random.default_rng(0)
    features = [name for name in HOSTILE if "\n" not in name]
    with open(folder / "h.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*features, "</h1>"])
        for k in range(240):
            code = k % len(HOSTILE)
            writer.writerow([*rng.normal(code, 2, len(features)).round(3), HOSTILE[code]])
    (folder / "hostile.yaml").write_text(
        'name: "<b onclick=alert(1)>[red]\\u202e"\ndata: {source: {csv: {path: h.csv}}, target: "</h1>"}\n'
        "hidden: [8]\ntraining: {epochs: 3}\n"
    )


class Runs:
    """Runs by name, each trained when a test first needs it, and their reports."""

    def __init__(self, folder):
        self.folder = folder
        write_hostile(folder)
        for name, more in (("digits", "hidden: [70]"), ("breast_cancer", "hidden: [4]"), ("diabetes", "hidden: [4]")):
            text = f"data: {{source: {{bundled: {name}}}}}\n{more}\ntraining: {{epochs: 4}}\n"
            (folder / f"{name}.yaml").write_text(text)
        (folder / "autoencoder.yaml").write_text(
            "data: {source: {bundled: digits}, target: inputs, features: {exclude: [digit]}}\n"
            "hidden: [8]\ntraining: {epochs: 4}\n"
        )

    def __truediv__(self, name):
        if not (self.folder / name).exists():
            bptrain.train(self.folder / f"{name}.yaml", run=self.folder / name)
        return self.folder / name

    def report(self, name):
        path = self / name / "report.html"
        if not path.exists():
            assert bptrain.write_report(self / name) == path
        return path


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return Runs(tmp_path_factory.mktemp("runs"))


NAMES = ("digits", "breast_cancer", "diabetes", "hostile", "autoencoder")


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: the report is not opened in a browser")
    with opened_browser() as one:
        yield one


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280], ids=["phone", "desktop"])
@pytest.mark.parametrize("name", NAMES)
def test_in_a_browser(runs, browser, name, width, dark):
    page = runs.report(name)
    browser.open(page, width=width, dark=dark)
    assert browser.complaints() == []
    assert browser.requests() == [page.as_uri()]
    assert browser.value("innerWidth") == width
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.value("document.querySelectorAll('svg, img').length") > 0
    without = "svg:not([role=img][aria-label]), img:not([alt]), [alt=''], [aria-label='']"
    assert browser.value(f'document.querySelectorAll("{without}").length') == 0
    assert browser.value("[...document.images].every(one => one.naturalWidth > 0)")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert browser.value(f"{ground}.match(/\\d+/g).every(part => part < 60)") is dark
    # What is drawn follows: no text of a picture is as dark as the page, or as light.
    inks = browser.value("[...new Set([...document.querySelectorAll('svg text')].map(t => getComputedStyle(t).fill))]")
    assert inks
    for ink in inks:
        assert (min(map(int, re.findall(r"\d+", ink)[:3])) > 120) is dark
    browser.ask("Emulation.setEmulatedMedia", media="print")
    assert browser.value(ground) == "rgb(255, 255, 255)"


# fmt: off
ELEMENTS = {
    "html", "head", "meta", "title", "style", "body", "header", "nav", "main", "section", "footer", "h1", "h2",
    "h3", "p", "ul", "li", "a", "dl", "div", "dt", "dd", "small", "table", "caption", "thead", "tbody", "tr", "th",
    "td", "wbr", "pre", "code", "figure", "figcaption", "details", "summary", "strong", "br", "img", "svg", "g",
    "path", "defs", "use", "text", "clipPath", "rect",
}
# fmt: on


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_names_create_no_element(runs, browser, name):
    browser.open(runs.report(name), width=1000)
    found = browser.value("[...new Set([...document.querySelectorAll('*')].map(one => one.localName))]")
    assert set(found) <= ELEMENTS
    assert {"section", "table", "svg", "path"} <= set(found)
    attributes = browser.value(
        "[...new Set([...document.querySelectorAll('*')].flatMap(one => one.getAttributeNames()))]"
    )
    assert not [one for one in attributes if one.startswith("on") or one in ("srcdoc", "action", "formaction")]
    if name == "hostile":
        assert browser.value("document.title") == "</h1> from h.csv (11 features)"
        text = browser.value("document.body.textContent")
        assert "<script>alert(1)</script>" in text
        assert "one\\ntwo" in text
        assert "<b onclick=alert(1)>[red]\\u202e: classification" in text
        assert "(10,000 characters)" in text
        assert not {"\u202e", "\u2066", "\x1b"} & set(runs.report(name).read_text())


@pytest.mark.slow
def test_pictures_refer_only_to_themselves(runs):
    """The ids of one picture must not be those of another."""
    text = runs.report("digits").read_text()
    marks = re.findall(r' id="(p\d+-[^"]+)"', text)
    named = set(re.findall(r'url\(#([^)]+)\)|href="#(p\d+-[^"]+)"', text))
    assert len(marks) == len(set(marks)) > 0
    assert {one or other for one, other in named} <= set(marks)
    assert not re.search(r"#0101|#0102", text)


@pytest.mark.slow
def test_a_report_is_the_same_when_written_again(runs):
    assert bptrain.write_report(runs / "digits", "again.html") == Path("again.html")
    assert Path("again.html").read_bytes() == runs.report("digits").read_bytes()


@pytest.mark.slow
def test_every_section_is_there(runs):
    def titles(name):
        return re.findall(r"<h2>([^<]+)</h2>", runs.report(name).read_text())

    shared = ["Learning curves", "Gradients", "Network", "Data", "Config", "Environment", "Commands"]
    classes = ["Summary", "Evaluation", "Classes", "ROC and precision-recall", "Calibration", "Most confident mistakes"]
    with_weights = [*shared[:2], "First layer", *shared[2:]]
    assert titles("digits") == [*classes, *with_weights]
    assert titles("breast_cancer") == [*classes, *shared]
    assert titles("autoencoder") == ["Summary", "Evaluation", "Reconstructions", "Residuals", *with_weights]
    assert titles("diabetes") == ["Summary", "Evaluation", "Residuals", "Largest errors", *shared]


def test_the_numbers_are_those_of_the_evaluation(runs):
    text = runs.report("breast_cancer").read_text()
    found = bptrain.evaluate(runs / "breast_cancer")
    (target,) = found.targets
    cells = re.findall(r'<td class="(right|wrong)"[^>]*>([\d,·]+)</td>', text)
    flat = [count for row in target.confusion_matrix for count in row]
    assert [kind for kind, _ in cells] == ["right", "wrong", "wrong", "right"]
    assert [int(count.replace("·", "0")) for _, count in cells] == flat
    assert f"{target.threshold.f1:.4f}" in text
    assert f"malignant {found.metrics['roc_auc']:.3f}" in text


@pytest.mark.slow
def test_mistakes_are_drawn_as_images(runs):
    text = runs.report("digits").read_text()
    wrong = round(270 * (1 - bptrain.evaluate(runs / "digits").metrics["accuracy"]))
    assert len(re.findall(r'<img src="data:image/png[^>]+alt="Image of row', text)) == min(wrong, 24) > 0
    assert len(re.findall(r'alt="Weights into unit \d+', text)) == 64
    assert "The first 64 of 70 units" in text


def test_pixels_are_those_of_the_data(runs, repository):
    import gzip

    model, _ = load_checkpoint(runs / "digits")
    places = find_grid(model.columns)
    assert places.shape == (8, 8)
    with gzip.open(repository / "datasets" / "digits.csv.gz", "rt") as file:
        first = next(csv.DictReader(file))
    from bptrain.model.read import get_reading
    from bptrain.tables.table import Selection

    table = get_reading(model.experiment.data).load()
    inputs = model.columns.encode_inputs(table, Selection(table).numbers[:1])
    expected = [[float(first[f"pixel_{i}_{j}"]) for j in range(8)] for i in range(8)]
    assert read_image(model.columns, places, inputs[0]) == pytest.approx(np.array(expected), abs=1e-4)
    zero = next(k for k in range(64) if float(first[f"pixel_{k // 8}_{k % 8}"]) == 0 and k < 8)
    assert list(read_values(model.columns, inputs[0], 8))[zero] == "0"
    shown = list(read_values(model.columns, inputs[0], 8))
    assert [float(text) for text in shown] == pytest.approx(expected[0], abs=1e-3)


@pytest.mark.parametrize(
    ("names", "shape"),
    [
        ([f"p_{i}_{j}" for i in range(4) for j in range(5)], (4, 5)),
        ([f"p{i}_{j}" for i in range(1, 7) for j in range(1, 5)], (6, 4)),
        ([f"p_{i}_{j}" for i in range(4) for j in range(4)][:-1], None),
        ([f"p_{i}_{j}" for i in range(3) for j in range(9)], None),
        ([f"{'pq'[i % 2]}_{i}_{j}" for i in range(4) for j in range(4)], None),
        ([f"column {k}" for k in range(16)], None),
    ],
)
def test_which_columns_are_the_pixels_of_an_image(names, shape):
    from bptrain.columns.features import Numeric
    from bptrain.columns.imputers import Refuse

    columns = Columns(tuple(Numeric(name, Refuse(), False, 0) for name in names), ())
    found = find_grid(columns)
    assert (found if found is None else found.shape) == shape
    if shape:
        assert found.ravel().tolist() == list(range(len(names)))


def test_the_most_confident_mistakes_come_first():
    outputs = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.05, 0.95], [0.7, 0.3]])
    found = Predictions("classes", ("y",), ("a", "b"), outputs, np.array([0, 0, 0, 1, 1]))
    assert [part if isinstance(part, int) else part.tolist() for part in find_confident_mistakes(found, 2)] == [
        [1, 4],
        3,
    ]
    numbers = Predictions("numbers", ("y",), (), np.array([[1.0], [2], [9]]), np.array([[1.0], [0], [2]]))
    assert find_largest_errors(numbers, 2).tolist() == [2, 1]


def test_curves_leave_out_missing_values():
    records = [
        {"epoch": 1, "lr": 0.1, "loss": 2.0, "validation_loss": 2.0, "validation_f1": None},
        {"epoch": 2, "lr": 0.1, "loss": 1.0, "validation_loss": 2.0, "validation_f1": 0.5, "dead.0.relu": 3.0},
    ]
    assert get_curve(records, "validation_f1") == ([2], [0.5])
    drawn = dict(list_panels(records))
    assert list(drawn) == ["loss", "f1"]
    assert drawn["f1"] == [("validation", ([2], [0.5]))]


def test_of_metrics_that_tell_one_story_the_first_is_drawn():
    record = {"epoch": 1, "lr": 0.1, "loss": 2.0}
    record |= dict.fromkeys(["a.r2", "a.rmse", "b.mae", "b.rmse", "c.accuracy", "c.f1", "own"], 0.5)
    names = [name for name, _ in list_panels([record, record | {"epoch": 2, "lr": 0.01}])]
    assert names == ["loss", "a.r2", "b.mae", "c.accuracy", "c.f1", "own", "learning rate"]
    assert choose_metrics_to_draw(["validation_rmse", "validation_r2", "r2"]) == ["validation_rmse", "r2"]


@pytest.mark.parametrize(
    ("data", "title"),
    sampled(
        [
            ("source: {bundled: iris}", "species from iris (4 features)"),
            ("source: {csv: t.csv}, target: price, features: [x]", "price from t.csv (1 feature)"),
            ("source: {csv: t.csv}, target: inputs", "autoencoder from t.csv (3 features)"),
            ("source: {synthetic: {kind: line}}", "y from synthetic (1 feature)"),
            ("source: {csv: t.csv}, target: {price: {}, kind: {}}", "kind, price from t.csv (1 feature)"),
        ],
        every=4,
    ),
)
def test_the_title_says_what_was_learned_from_what(data, title):
    Path("t.csv").write_text("x,kind,price\n" + "".join(f"{k},{'ab'[k % 2]},{k / 3}\n" for k in range(60)))
    Path("my.yaml").write_text(f"data: {{{data}}}\nhidden: [2]\ntraining: {{epochs: 1}}\n")
    assert make_title(read_material(bptrain.train("my.yaml").run)) == title


def test_a_target_may_have_the_name_of_a_split():
    """Nothing is held out, so a name such as validation_y is a target's own."""
    record = {"epoch": 1, "loss": 2.0, "cross_validation_x.rmse": 0.5, "validation_y.rmse": 0.25, "lr": 0.1}
    drawn = dict(list_panels([record]))
    assert drawn["cross_validation_x.rmse"] == [("training", ([1], [0.5]))]
    assert drawn["validation_y.rmse"] == [("training", ([1], [0.25]))]


@pytest.mark.slow
def test_a_metric_that_is_undefined_in_every_epoch_is_not_drawn(runs, tmp_path):
    """ROC AUC, for example, is undefined where all rows are of one class."""
    shutil.copytree(runs / "diabetes", tmp_path / "run")
    history = tmp_path / "run" / "history.jsonl"
    lines = [json.loads(line) | {"validation_r2": None} for line in history.read_text().splitlines()]
    assert "validation_rmse" in lines[0]
    history.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    text = bptrain.write_report(tmp_path / "run").read_text()
    assert "rmse over the epochs" in text
    assert "r2 over the epochs" not in text
    assert bptrain.plot(tmp_path / "run", tmp_path / "curves.png").is_file()
    bptrain.compare([tmp_path / "run"], html=tmp_path / "c.html")
    text = (tmp_path / "c.html").read_text()
    assert "validation rmse over the epochs" in text
    assert "validation r2 over the epochs" not in text


def read_colours(image):
    """Return the pixels of an image of the page, red, green and blue."""
    data = re.search(r'src="data:image/png;base64,([^"]+)"', image)[1]
    return np.asarray(Image.open(BytesIO(b64decode(data)))).tolist()


def test_weights_have_one_scale():
    """The weights of a unit with small ones are pale."""
    image = draw_pixels(np.array([[0.2, -0.2, 0.0, 0.5]]), "some", signed=True)
    assert read_colours(image) == [[[255, 204, 204], [204, 204, 255], [255, 255, 255], [255, 128, 128]]]


def test_images_may_share_a_scale():
    assert read_colours(draw_pixels(np.array([[0.0, 4.0]]), "some", ends=(0, 8))) == [[0, 128]]


@pytest.mark.slow
def test_reconstructions_come_in_pairs_the_best_first(runs):
    text = runs.report("autoencoder").read_text()
    assert "<h2>Largest errors</h2>" not in text
    part = text.partition("<h2>Reconstructions</h2>")[2].partition("<h2>")[0]
    pairs = re.findall(
        r'alt="Image of row (\d+)"><img[^>]+alt="Reconstruction of row (\d+), with an error of ([\d.]+)"', part
    )
    assert len(pairs) == 24
    assert all(given == back for given, back, _ in pairs)
    errors = [float(error) for *_, error in pairs]
    assert errors[:12] == sorted(errors[:12])
    assert errors[12:] == sorted(errors[12:], reverse=True)
    assert errors[11] < errors[-1]


def test_a_reconstruction_is_drawn_on_the_scale_of_its_input():
    places = np.arange(4).reshape(2, 2)
    true, said = np.array([[0.0, 8, 8, 0]] * 3), np.array([[0.0, 4, 4, 0], [0.0, 8, 8, 0], [np.nan] * 4])
    found = Predictions("numbers", tuple("abcd"), (), said, true)
    text = show_reconstructions(places, Rows(true, true), found)
    images = re.findall(r"<img[^>]+>", text)
    assert len(images) == 4
    assert [read_colours(image) for image in images] == [*[[[0, 255], [255, 0]]] * 3, [[0, 128], [128, 0]]]
    assert re.findall(r"<figcaption>([^<]+)<", text) == ["0, row 2", f"{8**0.5:.3g}, row 1"]
    assert "No reconstruction is finite" in show_reconstructions(
        places, Rows(true[2:], true[2:]), found.select_rows([2])
    )


@pytest.mark.slow
def test_an_autoencoder_of_categories_has_no_errors_to_show(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{'xyz'[k % 3]},{'uv'[k % 2]}\n" for k in range(60)))
    (tmp_path / "c.yaml").write_text(
        "data: {source: {csv: {path: t.csv}}, target: inputs}\nhidden: [2]\ntraining: {epochs: 1}\n"
    )
    run = bptrain.train(tmp_path / "c.yaml").run
    assert "No column is numeric" in bptrain.write_report(run).read_text()


@pytest.mark.slow
def test_the_classes_of_one_target_among_others_are_listed_with_their_probability(tmp_path):
    lines = "".join(f"{k},{k % 7},{'ab'[k % 2]},{k / 3}\n" for k in range(60))
    (tmp_path / "t.csv").write_text("x,z,kind,price\n" + lines)
    (tmp_path / "c.yaml").write_text(
        "data: {source: {csv: {path: t.csv}}, target: {kind: {loss: softmax_cross_entropy}, price: {loss: mse}}}\n"
        "hidden: [2]\ntraining: {epochs: 1}\n"
    )
    text = bptrain.write_report(bptrain.train(tmp_path / "c.yaml").run).read_text()
    head = text.partition("<h2>Most confident mistakes of kind")[2].partition("</thead>")[0]
    assert ">probability<" in head
    assert "<dt>kind.accuracy</dt>" in text
    assert "<dt>price.rmse</dt>" in text


@pytest.mark.slow
def test_the_report_says_how_training_ended(runs, tmp_path):
    """It reads the outcome, which has signals and time limits, or else the last checkpoint."""
    shutil.copytree(runs / "diabetes", tmp_path / "run")
    assert "<dt>state</dt><dd>finished: all epochs done</dd>" in bptrain.write_report(tmp_path / "run").read_text()
    outcome = tmp_path / "run" / "outcome.json"
    outcome.write_text(json.dumps(json.loads(outcome.read_text()) | {"state": "stopped", "why": "max_seconds"}))
    assert "<dd>stopped: time limit reached</dd>" in bptrain.write_report(tmp_path / "run").read_text()
    outcome.unlink()
    assert "<dd>finished: all epochs done</dd>" in bptrain.write_report(tmp_path / "run").read_text()


def test_many_numbers_of_a_row_are_cut_with_a_sign():
    five = np.arange(5.0)[None]
    found = Predictions("numbers", tuple("abcde"), (), five, five + 1)
    assert describe_numbers(found, 0) == ("1, 2, 3, 4, …", "0, 1, 2, 3, …", "1, 1, 1, 1, …")
    four = Predictions("numbers", tuple("abcd"), (), five[:, :4], five[:, :4] + 1)
    assert describe_numbers(four, 0)[0] == "1, 2, 3, 4"


@pytest.mark.slow
def test_without_its_data_the_page_has_the_rest(runs, tmp_path):
    shutil.copytree(runs / "hostile", tmp_path / "run")
    moved = runs.folder / "h.csv"
    text = moved.read_text()
    try:
        moved.unlink()
        with pytest.warns(BptrainWarning, match="the report has no evaluation"):
            page = bptrain.write_report(tmp_path / "run").read_text()
    finally:
        moved.write_text(text)
    assert "There is none:" in page
    assert "Learning curves" in page
    assert "Confusion matrix" not in page


@pytest.mark.slow
def test_a_report_of_a_checkpoint_outside_a_run(runs, tmp_path):
    shutil.copy(runs / "diabetes" / "checkpoints" / "best.npz", tmp_path / "alone.npz")
    path = bptrain.write_report(tmp_path / "alone.npz", split="train")
    assert path == tmp_path / "alone.html"
    assert "There is no history" in path.read_text()


@pytest.mark.slow
def test_a_report_of_a_killed_run(runs, tmp_path):
    shutil.copytree(runs / "diabetes", tmp_path / "run")
    (tmp_path / "run" / "checkpoints" / "last.npz").write_bytes(b"half")
    (tmp_path / "run" / "environment.json").unlink()
    with open(tmp_path / "run" / "history.jsonl", "a") as file:
        file.write('{"epoch": 5, "lo')
    assert "Learning curves" in bptrain.write_report(tmp_path / "run").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "gone"], "error: gone: no such checkpoint or run directory"),
        (["report", "RUN", "-o", "page.txt"], "error: page.txt: expected a file that ends in .html or .htm"),
        (["report", "RUN", "--split", "test", "--data", "x.csv"], "error: --split chooses rows of the run's own data"),
        (["plot", "RUN", "-o", "curves.gif"], "error: curves.gif: expected a file that ends in .png, .svg or .pdf"),
        (["plot", "gone"], "error: gone: no such checkpoint or run directory"),
        (
            ["plot", "RUN/checkpoints/../../alone.npz"],
            "error: RUN/checkpoints/../../alone.npz: no epochs to draw; give the directory of a run",
        ),
    ],
    ids=lambda item: " ".join(item) if isinstance(item, list) else "",
)
def test_wrong_arguments_are_errors(bptrain_in, tmp_path, runs, arguments, message):
    shutil.copytree(runs / "diabetes", tmp_path / "RUN")
    shutil.copy(runs / "diabetes" / "checkpoints" / "best.npz", tmp_path / "alone.npz")
    done = bptrain_in(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.slow
def test_a_page_that_cannot_be_written(runs):
    with pytest.raises(StorageError, match=r"gone/page.html: cannot be written \(there is no folder 'gone'"):
        bptrain.write_report(runs / "diabetes", "gone/page.html")


@pytest.mark.parametrize("call", [lambda run: bptrain.write_report(run), lambda run: bptrain.plot(run, "curves.png")])
def test_without_matplotlib(runs, monkeypatch, call):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match=r"matplotlib is not installed; pip install 'bptrain\[plot\]'$"):
        call(runs / "diabetes")


@pytest.mark.parametrize(("suffix", "start"), sampled([("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")]))
def test_plot(bptrain_in, tmp_path, runs, suffix, start):
    done = bptrain_in("plot", runs / "diabetes", "-o", f"curves.{suffix}")
    assert (done.returncode, done.stdout) == (0, f"curves.{suffix}\n"), done.stderr
    assert (tmp_path / f"curves.{suffix}").read_bytes().startswith(start)


@pytest.mark.slow
def test_a_plot_has_lines_and_is_a_png_by_default(bptrain_in, tmp_path, runs):
    assert bptrain_in("plot", runs / "diabetes", "-o", "curves.svg").returncode == 0
    root = ElementTree.parse(tmp_path / "curves.svg").getroot()
    assert root.findall(".//{*}path")
    assert bptrain_in("plot", runs / "diabetes").stdout == "curves.png\n"


@pytest.mark.slow
def test_report_prints_its_path(bptrain_in, runs):
    done = bptrain_in("report", runs / "diabetes", "-o", "page.html")
    assert (done.returncode, done.stdout, done.stderr) == (0, "page.html\n", "")


def test_rows_without_numbers_are_counted():
    """Rows of new data have no numbers in the table of the run."""
    assert get_row_number(Rows(np.zeros((2, 1)), np.zeros(2)), 1) == 2
    assert get_row_number(Rows(np.zeros((2, 1)), np.zeros(2), np.array([4, 9])), 1) == 10

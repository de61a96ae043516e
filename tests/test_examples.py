"""The bundled configs: they are listed, and copied without overwriting anything."""

import json
from pathlib import Path

import pytest

import bptrain

FOLDER = Path(__file__).parents[1] / "configs"
CONFIGS = [*sorted(FOLDER.glob("*.yaml")), *sorted((FOLDER / "textbook").glob("*.yaml"))]
NAMES = [path.relative_to(FOLDER).with_suffix("").as_posix() for path in CONFIGS]


def test_every_bundled_config_is_listed_with_its_first_comment(bptrain_in):
    assert {"iris", "textbook/vanishing"} <= set(NAMES)
    done = bptrain_in("examples")
    assert done.returncode == 0
    listed = json.loads(bptrain_in("examples", "--json").stdout)["examples"]
    assert [example["name"] for example in listed] == NAMES
    for path, example in zip(CONFIGS, listed, strict=True):
        assert f"# {example['summary']}" == path.read_text(encoding="utf-8").splitlines()[1]
        (line,) = [line for line in done.stdout.splitlines() if line.split()[:1] == [example["name"]]]
        assert line.split(maxsplit=1)[1].rstrip() == example["summary"]


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_trains_from_anywhere(name, tmp_path):
    written = bptrain.copy_example(name, tmp_path / "deep.yaml")
    text = written.read_text(encoding="utf-8")
    editor = f"# yaml-language-server: $schema={'../' * name.count('/')}bptrain.schema.json\n"
    assert editor + text == (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    result = bptrain.train(
        written, ["training.epochs=1", "optimizer.sgd.lr=1e-6"] if "exploding" in name else ["training.epochs=1"]
    )
    assert result.run.name == "deep-001"


def test_copy_prints_the_next_command(bptrain_in, tmp_path):
    done = bptrain_in("examples", "copy", "iris")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "iris.yaml: written; train it with  bptrain train iris.yaml\n"
    (tmp_path / "my folder").mkdir()
    done = bptrain_in("examples", "copy", "wine", "my folder")
    assert done.stdout.endswith("bptrain train 'my folder/wine.yaml'\n")
    assert (tmp_path / "my folder" / "wine.yaml").is_file()
    assert json.loads(bptrain_in("examples", "copy", "xor", "--json").stdout) == {"config": "xor.yaml"}


def test_a_copy_beside_the_schema_refers_to_it(bptrain_in, tmp_path):
    assert bptrain_in("schema", "-o", "bptrain.schema.json").returncode == 0
    written = bptrain.copy_example("iris", tmp_path)
    assert written == tmp_path / "iris.yaml"
    assert written.read_bytes() == (FOLDER / "iris.yaml").read_bytes()
    written = bptrain.copy_example("textbook/xor", tmp_path)
    assert written == tmp_path / "xor.yaml"
    assert written.read_text(encoding="utf-8").splitlines()[0].endswith("$schema=bptrain.schema.json")


REFUSED = [
    (["iri"], "error: no example is named 'iri'; did you mean 'iris'?"),
    (["\x1b[31m"], "error: no example is named '\\x1b[31m'; choose from breast_cancer, diabetes, digits"),
    (["iris", "mine.yaml"], "error: mine.yaml: exists already and is not overwritten; choose another path"),
    (["iris", "gone/x.yaml"], "error: gone/x.yaml: there is no folder 'gone'; create it first"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_a_copy_that_is_impossible_is_an_error(bptrain_in, tmp_path, arguments, message):
    (tmp_path / "mine.yaml").write_text("years of work")
    done = bptrain_in("examples", "copy", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(message)
    assert len(done.stderr.splitlines()) == 1
    assert (tmp_path / "mine.yaml").read_text() == "years of work"

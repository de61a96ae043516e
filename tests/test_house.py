"""The house: imports point down, components explain themselves, and nothing reads code from files."""

import ast
import re
from pathlib import Path

import pytest

import bptrain
from bptrain.columns.augmentation import AUGMENTATIONS
from bptrain.columns.scalers import SCALERS
from bptrain.metrics import METRICS
from bptrain.nn import INITIALIZERS, LAYERS, LOSSES
from bptrain.optim import OPTIMIZERS, SCHEDULES, Regularization
from bptrain.registry import describe, options
from bptrain.tables.sources import SOURCES

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "bptrain"
FILES = sorted(PACKAGE.rglob("*.py"))

FLOORS = [
    {"errors", "interruption", "registry", "contract", "code", "needs", "arrays", "npy", "text", "formulas", "atomic"}
    | {"spelling", "team", "blas"},
    {"nn", "optim", "tables", "columns", "metrics", "data"},
    {"config"},
    {"model", "rules"},
    {"training", "run", "evaluation"},
    {"gradcheck", "explanation", "report", "search", "bench"},
    {"commands"},
    {"cli", "console"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
CAPABILITIES = FLOORS[5]


def imports(path):
    """The rooms of the package that a file imports, with the line of each import."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            names = [f"bptrain.{a.name}" for a in node.names] if node.module == "bptrain" else [node.module or ""]
        for name in names:
            if name.startswith("bptrain."):
                there = name.split(".")[1]
                if there in FLOOR:
                    yield there, node.lineno


def room(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_there_are_files_and_every_room_has_a_floor():
    assert len(FILES) > 40
    assert {room(path) for path in FILES} - set(FLOOR) == {"__init__", "__main__"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_down(path):
    here = room(path)
    if here not in FLOOR:
        return
    upward = [(there, line) for there, line in imports(path) if FLOOR[there] > FLOOR[here]]
    assert upward == []
    sideways = [there for there, _ in imports(path) if here in CAPABILITIES and there in CAPABILITIES - {here}]
    assert sideways == []


RUNS_CODE = PACKAGE / "code.py"
"""The one file that may run code from a file, which only the command line names."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_code_from_files(path):
    called = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Name | ast.Attribute):
            called.append(node.id if isinstance(node, ast.Name) else f".{node.attr}")
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", "") or ""}
            assert not names & {"pickle", "marshal", "shelve", "dill", "joblib", "runpy", "code", "codeop", "imp"}
            # Whether a package is there may be asked; to load it from a file is another matter.
            asked = names == {"importlib.util", "find_spec"}
            assert path == RUNS_CODE or asked or not {name for name in names if name.startswith("importlib.")}
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert isinstance(node.value, ast.Constant)
            assert node.value.value is False
        if isinstance(node, ast.Attribute | ast.Name):
            name = node.attr if isinstance(node, ast.Attribute) else node.id
            assert name not in (
                "UnsafeLoader",
                "FullLoader",
                "unsafe_load",
                "full_load",
                "Unpickler",
            )
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            function, given = ast.unparse(node.func), {keyword.arg for keyword in node.keywords}
            assert function not in ("yaml.load", "yaml.load_all"), "YAML is read event by event"
            assert function not in ("os.system", "os.popen")
            if function in ("np.load", "np.savez", "numpy.load"):
                assert "allow_pickle" in given
            assert "shell" not in given
    runs = sorted({"eval", "exec", "compile", "__import__", ".exec_module", ".load_module"} & set(called))
    assert runs == (["compile", "exec"] if path == RUNS_CODE else [])
    if path == RUNS_CODE:
        assert [called.count(name) for name in runs] == [1, 1]


UNSAFE = [
    "import pickle",
    "from joblib import load",
    "eval('1')",
    "yaml.load(text)",
    "yaml.unsafe_load(text)",
    "Loader = yaml.FullLoader",
    "np.load(path)",
    "np.load(path, allow_pickle=True)",
    "os.system(command)",
    "subprocess.run(command, shell=True)",
]


@pytest.mark.parametrize("code", UNSAFE)
def test_the_walk_finds_code_from_files(tmp_path, code):
    (tmp_path / "one.py").write_text(code + "\n")
    with pytest.raises(AssertionError):
        test_no_code_from_files(tmp_path / "one.py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_everything_public_has_a_docstring(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name


# What the docstring of a component of each family must say, beside its first sentence.
MOULD = {
    LAYERS: ("Forward:", "Backward:", "Shapes:", "Reference:"),
    LOSSES: ("Forward:", "Backward:", "Shapes:", "Reference:"),
    INITIALIZERS: ("Value:", "Shapes:"),
    OPTIMIZERS: ("Update:", "Shapes:", "Reference:"),
    SCHEDULES: ("Factor:",),
    METRICS: ("Value:", "Shapes:", "Undefined"),
    SCALERS: ("Forward:", "Backward:", "Shapes:"),
    AUGMENTATIONS: ("Forward:", "Shapes:", "Reference:"),
    SOURCES: (),
}
COMPONENTS = [(family, cls) for family in MOULD for cls in family.members.values()]


@pytest.mark.parametrize(
    ("family", "cls"), COMPONENTS, ids=lambda item: getattr(item, "__name__", item.__class__.__name__)
)
def test_components_follow_the_mould(family, cls):
    text = cls.__doc__ or ""
    assert re.match(r"[A-Z][^\n]+[.:]", text), text
    for word in MOULD[family]:
        assert word in text, word
    for option in options(cls):
        assert option.doc, option.name
        assert describe(option.hint)


def test_regularization_follows_the_mould():
    assert all(word in Regularization.__doc__ for word in MOULD[LOSSES])


@pytest.mark.parametrize("name", bptrain.__all__)
def test_the_public_names_are_there(name):
    assert getattr(bptrain, name)


def test_no_room_has_the_name_of_a_public_function():
    """Importing it would put the room in the place of the function."""
    assert not {room(path) for path in FILES} & set(bptrain.__all__)


def test_the_readme_runs_what_is_there():
    text = (REPOSITORY / "README.md").read_text()
    configs = set(re.findall(r"configs/\w+\.yaml", text))
    assert "configs/digits.yaml" in configs
    assert all((REPOSITORY / path).is_file() for path in configs)
    assert "shared" not in text

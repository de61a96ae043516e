"""The house: imports point down, components explain themselves, and nothing reads code from files. Each law is one test
that looks at every file and names all that break it."""

import ast
import doctest
import inspect
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

import bptrain
from bptrain.columns.augmentation import AUGMENTATIONS
from bptrain.columns.scalers import SCALERS
from bptrain.commands import COMMANDS
from bptrain.hints import list_options
from bptrain.metrics import METRICS
from bptrain.nn import INITIALIZERS, LAYERS, LOSSES
from bptrain.optim import OPTIMIZERS, SCHEDULES, Regularization
from bptrain.tables.sources import SOURCES

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "bptrain"
FILES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}

FLOORS = [
    {
        "errors",
        "interruption",
        "registry",
        "contract",
        "code",
        "needs",
        "arrays",
        "quantities",
        "text",
        "equations",
        "atomic",
    }
    | {"hints", "team", "threads", "blas"},
    {"nn", "optim", "metrics", "tables", "columns", "kernels", "data"},
    {"config"},
    {"model", "rules"},
    {"training", "run", "parallel", "evaluation"},
    {"gradcheck", "explanation", "report", "search", "export", "bench", "course"},
    {"commands", "sklearn"},
    {"cli", "console"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
CAPABILITIES = FLOORS[5]

MOST_LINES = {"file": 330, "folder": 2_500}

# What breaks a law today. These lists may only get shorter, and do when it is mended.
LONG_FILES = set()
LONG_FOLDERS = set()
TWICE = {"cache", "data", "schema"}
CIRCLES = set()


def check_known(broken, known):
    """Check that a law is broken where that is known, and nowhere else."""
    assert {one: why for one, why in broken.items() if one not in known} == {}
    assert known - set(broken) == set(), "mended: take it off the list"


@pytest.fixture(autouse=True)
def _there_are_files():
    """No law holds for want of files."""
    assert {"__init__.py", "errors.py", "nn/network.py", "cli/app.py"} <= set(FILES)


@cache
def tree(name):
    """The parsed file of that name."""
    return ast.parse(FILES[name].read_text())


def room(name):
    """The room of a file: its folder in the package, or itself."""
    return name.partition("/")[0].removesuffix(".py")


def module(name):
    """The name by which a file is imported."""
    return ".".join(("bptrain", *name.removesuffix(".py").split("/"))).removesuffix(".__init__")


@cache
def imports(name):
    """What a file imports, also inside of functions but not for types alone, each with its line."""
    nodes, found = [tree(name)], []
    for node in nodes:
        typed = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        nodes.extend(node.orelse if typed else ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            found += [(one.name, node.lineno) for one in node.names]
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}:{node.lineno}: an import that is not absolute"
            found += [(f"{node.module}.{one.name}", node.lineno) for one in node.names]
    return found


def test_every_room_has_a_floor():
    assert {room(name) for name in FILES} - set(FLOOR) == {"__init__", "__main__"}


def test_imports_point_down():
    upward = []
    for name in FILES:
        here = room(name)
        for imported, line in imports(name) if here in FLOOR else ():
            package, _, rest = imported.partition(".")
            there = rest.partition(".")[0]
            if package != "bptrain" or there not in FLOOR:
                continue
            sideways = here in CAPABILITIES and there in CAPABILITIES - {here}
            if FLOOR[there] > FLOOR[here] or sideways:
                upward.append(f"{name}:{line}: {imported}")
    assert upward == []


def test_no_imports_go_in_a_circle():
    """Not even inside of functions."""
    modules = {module(name): name for name in FILES}
    assert "bptrain.nn.network" in modules
    needs = {}
    for one, name in modules.items():
        found = {what if what in modules else what.rpartition(".")[0] for what, _ in imports(name)}
        needs[one] = found & set(modules) - {one}
    reached = {}
    for one in modules:
        reached[one], nodes = set(), list(needs[one])
        while nodes:
            node = nodes.pop()
            if node not in reached[one]:
                reached[one].add(node)
                nodes.extend(needs[node])
    circles = {tuple(sorted(two for two in reached[one] if one in reached[two])) for one in modules} - {()}
    check_known(dict.fromkeys(circles, "a circle"), CIRCLES)


def test_a_room_is_the_size_of_a_sitting():
    files = {name: len(path.read_text().splitlines()) for name, path in FILES.items()}
    folders = defaultdict(int)
    for name, lines in files.items():
        folders[name.rpartition("/")[0]] += lines
    long = {name: f"{lines} lines hold a second noun" for name, lines in files.items() if lines > MOST_LINES["file"]}
    check_known(long, LONG_FILES)
    rooms = {name: f"{lines} lines are two rooms" for name, lines in folders.items() if lines > MOST_LINES["folder"]}
    check_known(rooms, LONG_FOLDERS)


def test_a_name_of_a_file_means_one_thing():
    """But for a command, whose name a file has in commands/ and in cli/."""
    rooms = defaultdict(set)
    for name in FILES:
        folder, _, file = name.rpartition("/")
        rooms[file.removesuffix(".py")].add(folder)
    rooms.pop("__init__")
    commands = {command.name for command in COMMANDS}
    assert "train" in commands
    for name in commands:
        rooms[name] -= {"cli"} if "commands" in rooms[name] else set()
    check_known({name: found for name, found in rooms.items() if len(found) > 1}, TWICE)


PARTICIPLES = {
    "passed": "whether all checks are right, as in reports of tests",
    "diverged": "whether a run did, in the public result of race",
    "held_out": "the rows that are: a term of the field",
    "monitored": "the losses that are, in the public result of runs",
    "structured_forms": "an adjective before its noun",
    "named": "the decorator that files of code register a component with, by a name of its own",
}
"""The functions whose names begin with a participle, and why."""

IRREGULAR = {
    "given",
    "held",
    "kept",
    "known",
    "left",
    "made",
    "met",
    "said",
    "seen",
    "sent",
    "shown",
    "taken",
    "told",
    "written",
}
VERBS = {"embed", "exceed", "feed", "need", "seed", "speed", "shed"}


def test_functions_are_verbs():
    """A participle does not say what comes back."""
    found = set()
    for name in FILES:
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.FunctionDef):
                first = node.name.strip("_").partition("_")[0]
                if first in IRREGULAR or (first.endswith("ed") and first not in VERBS):
                    found.add(node.name)
    assert found == set(PARTICIPLES)


RUNS_CODE = "code.py"
"""The one file that may run code from a file, which only the command line names."""

HEAVY = {"pickle", "marshal", "shelve", "dill", "joblib", "runpy", "code", "codeop", "imp"}
LOADERS = {"UnsafeLoader", "FullLoader", "unsafe_load", "full_load", "Unpickler"}
CALLS = {"yaml.load", "yaml.load_all", "os.system", "os.popen"}


def unsafe(root, name):
    """The places of a parsed file that could run code from another."""
    called = []
    for node in ast.walk(root):
        place = f"{name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Name | ast.Attribute):
            word = node.id if isinstance(node, ast.Name) else node.attr
            called.append(word if isinstance(node, ast.Name) else f".{word}")
            if word in LOADERS:
                yield f"{place}: {word}"
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", "") or ""}
            # Whether a package is there may be asked; to load it from a file is another matter.
            asked = names == {"importlib.util", "find_spec"}
            loads = name != RUNS_CODE and not asked and any(one.startswith("importlib.") for one in names)
            if names & HEAVY or loads:
                yield f"{place}: imports {', '.join(sorted(names))}"
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
            yield f"{place}: allow_pickle"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            function, given = ast.unparse(node.func), {keyword.arg for keyword in node.keywords}
            pickles = function in ("np.load", "np.savez", "numpy.load") and "allow_pickle" not in given
            if function in CALLS or pickles or "shell" in given:
                yield f"{place}: {function}"
    runs = {"eval", "exec", "compile", "__import__", ".exec_module", ".load_module"} & set(called)
    expected = {"compile", "exec"} if name == RUNS_CODE else set()
    if runs != expected or any(called.count(one) != 1 for one in expected):
        yield f"{name}: {', '.join(sorted(runs))}"


def test_no_code_from_files():
    assert RUNS_CODE in FILES
    assert [place for name in FILES for place in unsafe(tree(name), name)] == []


UNSAFE = [
    "import pickle",
    "from joblib import load",
    "from importlib.util import spec_from_file_location",
    "eval('1')",
    "yaml.load(text)",
    "yaml.unsafe_load(text)",
    "Loader = yaml.FullLoader",
    "np.load(path)",
    "np.load(path, allow_pickle=True)",
    "os.system(command)",
    "subprocess.run(command, shell=True)",
]


def test_the_walk_finds_code_from_files():
    assert [code for code in UNSAFE if not list(unsafe(ast.parse(code), "one.py"))] == []
    assert not list(unsafe(ast.parse("np.load(path, allow_pickle=False)"), "one.py"))


def test_everything_public_has_a_docstring():
    bare = []
    for name in FILES:
        public = (
            node
            for node in tree(name).body
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        )
        bare += [f"{name}: {getattr(node, 'name', 'the file')}" for node in (tree(name), *public)
                 if not ast.get_docstring(node)]  # fmt: skip
    assert bare == []


# What the docstring of a component of each family must say, beside its first sentence and its declared equations.
MOULD = {
    LAYERS: ("Shapes:", "Reference:"),
    LOSSES: ("Shapes:", "Reference:"),
    INITIALIZERS: ("Shapes:",),
    OPTIMIZERS: ("Shapes:", "Reference:"),
    SCHEDULES: (),
    METRICS: ("Value:", "Shapes:", "Undefined"),
    SCALERS: ("Forward:", "Inverse:", "Shapes:"),
    AUGMENTATIONS: ("Shapes:", "Reference:"),
    SOURCES: (),
}


def test_components_follow_the_mould():
    assert all(family.members for family in MOULD)
    wrong = [f"regularization: {word}" for word in MOULD[LOSSES] if word not in Regularization.__doc__]
    for family, words in MOULD.items():
        for name, cls in family.members.items():
            text = cls.__doc__ or ""
            if not re.match(r"[A-Z][^\n]+[.:]", text):
                wrong.append(f"{name}: the first line is no sentence")
            wrong += [f"{name}: {word}" for word in words if word not in text]
            wrong += [f"{name}.{one.name}" for one in list_options(cls) if not (one.doc and one.hint.describe())]
    assert wrong == []


def test_the_public_names_are_there():
    assert "train" in bptrain.__all__
    assert [name for name in bptrain.__all__ if not getattr(bptrain, name, None)] == []


def test_public_functions_document_every_argument_and_what_they_return():
    wrong = []
    for name in bptrain.__all__[1:]:
        function = getattr(bptrain, name)
        text = inspect.getdoc(function)
        parameters = inspect.signature(function).parameters
        wrong += [f"{name}: {one}" for one in parameters if not re.search(rf"^    {one}: \S", text, re.M)]
        if "\nReturns:\n" not in text:
            wrong.append(f"{name}: Returns")
        for example in doctest.DocTestParser().get_examples(text):
            compile(example.source, name, "single", ast.PyCF_ONLY_AST)
    assert wrong == []


def test_type_checkers_see_the_public_names():
    """The names that are imported late, written out for them, are those of the list of commands."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    assert ast.unparse(block.test) == "TYPE_CHECKING"
    written = {(one.module, name.name, name.asname) for one in block.body for name in one.names}
    listed = {tuple(one.split(".")) for command in COMMANDS for one in command.functions}
    assert written == {(f"bptrain.commands.{file}", function, function) for file, function in listed}


def test_a_command_is_a_file_of_functions_a_file_of_options_and_a_line():
    files = {room: {Path(name).stem for name in FILES if name.startswith(f"{room}/")} for room in ("commands", "cli")}
    listed = {one.partition(".")[0] for command in COMMANDS for one in command.functions}
    assert files["commands"] == {"__init__", *listed}
    shared = {"__init__", "app", "arguments", "pipes", "signals", "stdin"}
    assert files["cli"] == {*shared, *(command.name for command in COMMANDS)}


def test_no_room_has_the_name_of_a_public_function():
    """Importing it would put the room in the place of the function."""
    assert not {room(path) for path in FILES} & set(bptrain.__all__)


def test_the_readme_describes_every_command():
    text = (REPOSITORY / "README.md").read_text()
    described = re.findall(r"^\| `bptrain (\w+)", text, re.M)
    assert [command.name for command in COMMANDS if command.name not in described] == []
    assert "shared" not in text

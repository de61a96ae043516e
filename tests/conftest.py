"""What several tests share: where the repository lies, and the command line."""

import itertools
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from hypothesis import settings

# The workers share the cores; threads of BLAS would only fight over them.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# How long an example takes depends on who else uses the machine.
settings.register_profile("whole", deadline=None)
settings.register_profile("sample", deadline=None, max_examples=10)

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    """To see that nothing depends on where a command runs."""
    parser.addoption("--own-process", action="store_true", help="run every bptrain command in a process of its own")


def pytest_configure(config: pytest.Config) -> None:
    """Try a sample of the examples of a law in plain `pytest`, and all where what is slow is run too."""
    settings.load_profile("sample" if config.option.markexpr == "not slow" else "whole")


@pytest.fixture
def bptrain_in(tmp_path: Path, request: pytest.FixtureRequest) -> CommandLine:
    """The command line in the test's own folder, and in this process."""
    return CommandLine(tmp_path, own_process=request.config.getoption("--own-process"))


@pytest.fixture
def bptrain_process(tmp_path: Path) -> CommandLine:
    """The command line in the test's own folder, and in a process of its own."""
    return CommandLine(tmp_path, own_process=True)


@pytest.fixture
def repository() -> Path:
    """The checkout."""
    return REPOSITORY


@pytest.fixture
def code_is_taken_out() -> Iterator[None]:
    """What a test loads does not stay for the next."""
    # Which registers all parts of bptrain.
    import bptrain.commands.list  # noqa: F401
    from bptrain.code import list_loaded_code, unload_code
    from bptrain.registry import list_families

    before = [family.get_own_members() for family in list_families()]
    yield
    for code in list_loaded_code():
        unload_code(code)
    assert [family.get_own_members() for family in list_families()] == before


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Parsed tables are kept where pytest cleans up, and never in the user's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BPTRAIN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


FOLDERS = itertools.count()


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the test's own. That of pytest is named after the test and looks through all other folders for a free
    number, which takes longer than most tests here."""
    return tmp_path_factory.mktemp(f"test_{next(FOLDERS)}", numbered=False)


@pytest.fixture(autouse=True)
def _in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test writes goes where pytest cleans up."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def complaint_about(tmp_path: Path) -> Callable[..., None]:
    """Checks that `bptrain validate` says one line of a file of data, made of `content`, that begins with its name and
    goes on as the pattern says."""
    import bptrain

    def check(
        source: str, name: str, content: bytes | None, message: str, options: dict[str, Any] | None = None
    ) -> None:
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        option = "images" if source == "idx" else "path"
        described = json.dumps({source: {option: name, **(options or {})}})
        target = "" if source in ("npy", "npz", "idx") else "target: y, "
        config = tmp_path / "my.yaml"
        config.write_text(f"data: {{source: {described}, {target}split: {{validation: 0, test: 0}}}}\nhidden: [2]\n")
        found = bptrain.validate([config])
        assert [problem.file for problem in found.problems] == [str(config)], found
        (problem,) = found.problems
        said = f"{problem.field}: {problem.message}".removeprefix("data.source: ").removeprefix(str(path))
        assert re.match(r"(data\.source\.\w+\.)?" + message, said) or re.match(message, said), said
        assert "\n" not in said

    return check

"""Mistakes in configs: each has its exact place, says what is wrong and what to do, and nothing else is raised."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from speeds import sampled

from bptrain.commands.list import FAMILIES, SECTIONS
from bptrain.config import load
from bptrain.config.aliases import AMBIGUOUS, KEYS, REMARKS, VALUES
from bptrain.config.suggest import list_aliases
from bptrain.errors import ConfigError, InputError
from bptrain.hints import Member, Section, list_options
from bptrain.registry import describe_family
from bptrain.text import normalize

MINIMAL = "data: {source: {bundled: iris}}\nhidden: [8]\n"


def rows():
    """Yield the table of broken configs: texts without marks, and the (line, column, message) of each mistake."""
    for block in (Path(__file__).parent / "broken_configs.txt").read_text(encoding="utf-8").split("===\n")[1:]:
        lines = block.rstrip("\n").split("\n")
        said = [line.removeprefix("=> ") for line in lines if line.startswith("=> ")]
        text = "\n".join(line for line in lines if not line.startswith("=> "))
        text = (MINIMAL + text[2:] if text.startswith("+\n") else text) + "\n"
        places = []
        for number, line in enumerate(text.split("\n"), 1):
            pieces = line.split("»")
            places += [(number, 1 + len("".join(pieces[:k]))) for k in range(1, len(pieces))]
        yield text.replace("»", ""), [(*place, one) for place, one in zip(places, said, strict=True)]


ROWS = list(rows())


def mistakes(text, *overrides):
    """Return the mistakes of a config as (line, column, `FIELD: MESSAGE`)."""
    with open("my.yaml", "w", encoding="utf-8", newline="") as file:
        file.write(text)
    with pytest.raises(ConfigError) as caught:
        load("my.yaml", overrides)
    return [(p.line, p.column, f"{p.field}: {p.message}" if p.field else p.message) for p in caught.value.problems]


def test_no_config_is_in_the_table_twice():
    assert len({text for text, _ in ROWS}) == len(ROWS)


@pytest.mark.parametrize(("text", "expected"), ROWS, ids=range(len(ROWS)))
def test_a_message_says_where_what_and_what_to_do(text, expected, monkeypatch):
    monkeypatch.delenv("BPTRAIN_NO_SUCH", raising=False)
    found = mistakes(text)
    assert [one[:2] for one in found] == [one[:2] for one in expected], found
    for (_, _, message), (_, _, wanted) in zip(found, expected, strict=True):
        assert re.fullmatch(".*".join(map(re.escape, wanted.split("..."))), message), message


FLOW = re.compile(r"""'[^']*'|"[^"]*"|\[[^\]]*\]|[^\s\[\]{},'"]*""")
"""The value at the beginning of a text inside brackets."""


def follow(text, line, column, message):
    """Yield configs in which the advice of a message is followed; none where it names nothing that can be written."""
    advice, lines = message.rpartition("; ")[2], text.split("\n")
    before, rest = lines[line - 1][: column - 1], lines[line - 1][column - 1 :]
    found, written = FLOW.match(rest)[0] if {"{", "["} & set(before) else rest, []
    if advice == "remove the quotes":
        written = [found[1:-1]]
    elif advice.startswith("put it in quotes: "):
        written = [advice.partition(": ")[2]]
    elif advice.startswith("did you mean '"):
        found, written = re.match(r"[^:,\s\]}]+", rest)[0], re.findall(r"'([^']+)'", advice)
    elif advice.startswith("write ") and found and "..." not in advice and "has no options" not in message:
        choices = re.sub(r" for (its defaults|\d+%)$", "", advice.removeprefix("write ")).split(" or ")
        written = [one for one in choices if re.fullmatch(r"\[.*\]|\{.*\}|\S+", one)]
    if advice.endswith("in place of hidden?"):
        lines = [one for one in lines if not one.startswith("hidden:")]
        line -= 1
    for one in written:
        yield "\n".join((*lines[: line - 1], f"{before}{one}{rest.removeprefix(found)}", *lines[line:]))


def problems(text, *overrides):
    """Return the mistakes of a config, which may have none."""
    Path("my.yaml").write_text(text)
    try:
        load("my.yaml", overrides)
    except ConfigError as error:
        return error.problems
    return ()


ADVICE = [
    (text, *place, message, written)
    for text, expected in ROWS
    for *place, message in expected
    for written in follow(text, *place, message)
]


@pytest.mark.parametrize(("text", "line", "column", "message", "written"), ADVICE, ids=range(len(ADVICE)))
def test_advice_works_when_followed(text, line, column, message, written, monkeypatch):
    monkeypatch.delenv("BPTRAIN_NO_SUCH", raising=False)
    found = problems(written)
    assert len(found) < len(problems(text)), (written, found)
    assert message.partition(": ")[0] not in [problem.field for problem in found], (written, found)


MOVED = [
    (text, match[1], match[2], match[3])
    for text, expected in ROWS
    for *_, message in expected
    if (match := re.match(r"(\S+): unknown key; (?:did you mean )?(\w+),? (?:belongs )?under ([\w.]+)", message))
    if re.search(rf"^{re.escape(match[1])}:", text, re.M)
]


@pytest.mark.parametrize(("text", "key", "name", "section"), MOVED, ids=[key for _, key, _, _ in MOVED])
def test_a_key_is_known_where_a_message_says_that_it_belongs(text, key, name, section):
    (value,) = re.findall(rf"^{re.escape(key)}: (.*)$", text, re.M)
    found = problems(re.sub(rf"^{re.escape(key)}: .*\n", "", text, flags=re.M), f"{section}.{name}={value}")
    assert "unknown key" not in str(found)


OVERRIDES = [
    (["epochs=3"], [("epochs=3", 1, "epochs: unknown key; epochs belongs under training")]),
    (["training.epoch=5"], [("training.epoch=5", 10, "training.epoch: unknown key; did you mean 'epochs'?")]),
    (["training.epochs=0"], [("training.epochs=0", 17, "training.epochs: expected a whole number >= 1 (got 0)")]),
    ([" seed = x"], [(" seed = x", 9, "seed: expected a whole number >= 0 (got 'x')")]),
    (
        ["optimizer={adam: {lr: -1}}"],
        [("optimizer={adam: {lr: -1}}", 23, "optimizer.adam.lr: expected a number > 0 (got -1)")],
    ),
    (["seed=[1"], [("seed=[1", 6, "seed: not valid YAML: this bracket is never closed; add ]")]),
    (["seed=&a 1"], [("seed=&a 1", 6, "seed: anchors are not supported (got &a); remove it")]),
    (["loss=bce"], [("loss=bce", 6, "loss: unknown loss 'bce'; did you mean 'binary_cross_entropy'?")]),
    (["hidden.1=4"], [("hidden.1=4", 8, "hidden.1: the list has 1 item, counted from 0 (got 1)")]),
    (
        ["metrics.0.top_k.k=5"],
        [
            (
                "metrics.0.top_k.k=5",
                1,
                "metrics: expected a list of metrics or 'auto' (got only item 0); write the whole list",
            )
        ],
    ),
    (["hidden.0.x=4"], [("hidden.0.x=4", 10, "hidden.0.x: hidden.0 is 8, not a mapping; write hidden.0=VALUE")]),
    (
        ["name=5"],
        [("name=5", 6, """name: expected text (got 5); the shell removes quotes, so write "name='5'\"""")],
    ),
    (["hidden. .x=4"], [("hidden. .x=4", 9, "hidden. : the list has 1 item, counted from 0 (got  )")]),
    (
        ["data.target"],
        [("data.target", 1, "an override is KEY=VALUE, such as training.epochs=5; put one with spaces in quotes")],
    ),
    (["name=${sed}"], [("name=${sed}", 6, "name: no key 'sed' in this config; did you mean ${seed}?")]),
    (
        ["seed=x", "loss=bce", "=", "training.lr=1"],
        [
            ("=", 1, "an override is KEY=VALUE, such as training.epochs=5; put one with spaces in quotes"),
            ("loss=bce", 6, "loss: unknown loss 'bce'; did you mean 'binary_cross_entropy'?"),
            ("seed=x", 6, "seed: expected a whole number >= 0 (got 'x')"),
            ("training.lr=1", 10, "training.lr: unknown key; lr belongs under optimizer.adam"),
        ],
    ),
]


@pytest.mark.parametrize(("overrides", "expected"), OVERRIDES, ids=range(len(OVERRIDES)))
def test_a_message_about_an_override_has_the_same_form(overrides, expected):
    Path("my.yaml").write_text(MINIMAL)
    with pytest.raises(ConfigError) as caught:
        load("my.yaml", overrides)
    found = caught.value.problems
    assert [(p.file, p.line, p.column) for p in found] == [(file, 1, column) for file, column, _ in expected]
    assert [f"{p.field}: {p.message}" if p.field else p.message for p in found] == [text for _, _, text in expected]
    assert all(p.source == p.file for p in found)


def test_mistakes_in_the_file_and_in_overrides_are_reported_together():
    found = mistakes(MINIMAL + "seed: -1\nname: ${zz}\n", "loss=bce")
    assert [message.split(":")[0] for _, _, message in found] == ["loss", "seed", "name"]


FIRST_SECTIONS = {
    "experiment": "",
    "data": "data.",
    "target": "data.target.price.",
    "features": "data.features.",
    "columns": "data.columns.age.",
    "split": "data.split.",
    "missing": "data.missing.",
    "regularization": "regularization.",
}
LATER_SECTIONS = {
    "training": "training.",
    "clipping": "training.clipping.",
    "early_stopping": "training.early_stopping.",
    "convergence": "training.convergence.",
    "checkpoint": "training.checkpoint.",
    "log": "training.log.",
}
HOMES = {
    "sources": "data.source",
    "scalers": "data.scaling",
    "imputers": "data.missing",
    "encodings": "data.encoding",
    "layers": "network.0",
    "activations": "activation",
    "initializers": "network.0.dense.weight_init",
    "losses": "loss",
    "optimizers": "optimizer",
    "schedules": "schedule",
    "augmentations": "augmentation.0",
    "metrics": "metrics.0",
}


def every_field():
    """Yield each option of each section and component, with the override that sets it."""
    prefixes = FIRST_SECTIONS | LATER_SECTIONS
    assert prefixes.keys() == SECTIONS.keys()
    for name, cls in SECTIONS.items():
        for option in list_options(cls):
            yield f"{prefixes[name]}{option.name}={{}}", option
    assert HOMES.keys() == FAMILIES.keys()
    for family, shelf in HOMES.items():
        for name, cls in FAMILIES[family].members.items():
            for option in list_options(cls):
                yield f"{shelf}={{{name}: {{{option.name}: {{}}}}}}", option


FIELDS = list(every_field())


def names_the_range(message, hint):
    """Return whether a message says what an option takes: bounds, choices, names of components, keys of a section."""
    for form in hint:
        if isinstance(form, Member):
            named = all(word in message for word in (describe_family(form.family), *form.family.members))
        elif isinstance(form, Section):
            named = f" {', '.join(option.name for option in list_options(form.cls))}" in message
        else:
            named = all(word in message for word in form.describe().split(" or "))
        if not named:
            return False
    return True


@pytest.mark.parametrize(("override", "option"), FIELDS, ids=[row[0].replace("={}", "") for row in FIELDS])
def test_a_message_names_what_the_option_takes(override, option):
    """Each option is set to a value that no option takes."""
    network = "network: [dense]\nmetrics: [accuracy]\naugmentation: [mixup]\n"
    text = (
        MINIMAL.replace("hidden: [8]\n", network)
        if re.match(r"network|(metrics|augmentation)\.0", override)
        else MINIMAL
    )
    found = [one for _, _, one in mistakes(text, override.replace("{}", "[[{}]]")) if "is missing" not in one]
    (message,) = [one for one in found if re.match(rf"(\S+\.)?{option.name}(\.\d+)*: ", one)]
    items = [option.hint]
    for _ in re.findall(r"\.\d+", re.match(rf"(?:\S+\.)?{option.name}((?:\.\d+)*): ", message)[1]):
        items = [inner for item in items for inner in item.items]
    assert items
    assert any(names_the_range(message, item) for item in items), message
    assert "(got a list of 1 item)" in message or "(got a mapping" in message or "(got an empty mapping)" in message


def test_a_message_names_the_bound_and_the_value_beyond_it():
    for override, option in FIELDS:
        bounds = re.findall(r"(>=|>|<=|<) ([\d.e+-]+)", option.hint.describe())
        for sign, bound in bounds:
            beyond = float(bound) + {">=": -1, ">": 0, "<=": 1, "<": 0}[sign]
            beyond = int(beyond) if beyond.is_integer() else beyond
            network = "network: [dense]\nmetrics: [accuracy]\naugmentation: [mixup]\n"
            short = not re.match(r"network|(metrics|augmentation)\.0", override)
            text = MINIMAL if short else MINIMAL.replace("hidden: [8]\n", network)
            item = f"[{beyond}]" if "list of" in option.hint.describe() else f"{beyond}"
            message = " ".join(one for _, _, one in mistakes(text, override.replace("{}", item)))
            assert f"{sign} {bound}" in message, (override, message)
            assert f"(got {beyond})" in message, (override, message)


def test_aliases_name_options_and_components_that_exist():
    names = {option.name for cls in SECTIONS.values() for option in list_options(cls)}
    names |= {option.name for one in FAMILIES.values() for cls in one.members.values() for option in list_options(cls)}
    assert KEYS
    for alias, targets in KEYS.items():
        assert normalize(alias) == alias
        assert {target.split(".")[-1] for target in targets} <= names, alias
    assert all(normalize(word) == word and word not in names for word in REMARKS)
    families = {family.kind: family for family in FAMILIES.values()}
    assert AMBIGUOUS.keys() <= families.keys()
    for family in families.values():
        aliases = list_aliases(family)
        assert aliases, family.kind
        for alias, targets in aliases.items():
            assert normalize(alias) == alias
            assert alias not in family.members
            assert set(targets) <= set(family.members), alias
            assert len(targets) == 1 or alias in AMBIGUOUS[family.kind], alias
    literals = "".join(option.hint.describe() for _, option in FIELDS)
    assert all(f"'{target}'" in literals for targets in VALUES.values() for target in targets)


# Files that are not configs: the shell command that makes one, the message, and the exit code.
ODD_FILES = [
    ("true", "odd: no such file", 2),
    ("mkdir odd", "odd: not a file (got a folder); name a YAML file", 2),
    ("mkfifo odd", "odd: not a file (got a pipe); name a YAML file", 2),
    ("ln -s /dev/zero odd", "odd: not a file (got a device); name a YAML file", 2),
    ("ln -s odd odd", "odd: cannot be read (Too many levels of symbolic links)", 5),
    ("ln -s nowhere odd", "odd: no such file", 2),
    ("printf '' > odd", "odd:1:1: the file is empty; a config needs at least data and hidden", 2),
    ("echo '# hi' > odd", "odd:1:1: the file is empty; a config needs at least data and hidden", 2),
    (r"printf 'seed: 1\n\0' > odd", "odd:2:1: YAML does not allow the character U+0000; remove it, or save", 2),
    (r"printf '\357\273\277\357\273\277' > odd", "odd:1:1: YAML does not allow the character U+FEFF; remove it", 2),
    (r"printf '\377\376s\0' > odd", "odd:1:1: the file is UTF-16 or UTF-32 text; save it as UTF-8", 2),
    (r"printf 'a: 1\nb: caf\351' > odd", "odd:2:7: the file is not UTF-8 text (got the byte 0xE9); save it as UTF", 2),
    ("head -c 1048577 /dev/zero > odd", "odd: larger than the limit of 1 MiB (1,048,576 bytes); move data", 2),
    (r"printf '%%YAML 2.0\n---\na: 1' > odd", "odd:1:1: not valid YAML: only YAML 1.1 and 1.2 can be read", 2),
    (r"printf 'a: 1\n...\n---\nb: 1' > odd", "odd:3:1: a second YAML document starts here; keep only one", 2),
]


@pytest.mark.parametrize(("made", "message", "code"), ODD_FILES, ids=range(len(ODD_FILES)))
def test_the_message_about_a_file_that_is_not_a_config(made, message, code):
    subprocess.run(["sh", "-c", made], check=True, timeout=20)
    with pytest.raises(InputError if code == 2 else Exception) as caught:
        load("odd")
    assert str(caught.value).startswith(message)
    assert caught.value.exit_code == code


MINIMAL_HEAD = f"{MINIMAL}x: "


def bomb(whole, between, reference, last):
    """Return forty keys, each of which repeats the next one ten times."""
    lines = (f"a{k}: {whole.format(between.join([reference.format(k + 1)] * 10))}\n" for k in range(40))
    return "".join(lines) + f"a40: {last}\n"


HOSTILE = {
    "a list of a million": lambda: MINIMAL_HEAD + "[" + "1," * 520_000 + "]",
    "deep items": lambda: MINIMAL_HEAD + "[" * 47 + "1," * 520_000 + "]" * 47,
    "half a million mistakes": lambda: MINIMAL.replace("8", "x," * 500_000),
    "empty layers": lambda: MINIMAL.replace("hidden: [8]", "network: [" + "[]," * 340_000 + "]"),
    "unknown keys": lambda: MINIMAL + "".join(f"k{k}: 1\n" for k in range(95_000)),
    "brackets": lambda: "[" * (1 << 20),
    "keys without end": lambda: "? " * (1 << 19),
    "aliases": lambda: MINIMAL_HEAD + "[" + "*a," * 340_000 + "]",
    "a bomb of anchors": lambda: "a: &a [x]\n" + "".join(f"b{k}: &b{k} [*a,*a,*a]\n" for k in range(20)),
    "a bomb of lists": lambda: MINIMAL + bomb("[{}]", ", ", '"${{a{}}}"', "[1, 2]"),
    "a bomb of text": lambda: MINIMAL + bomb("'{}'", "", "${{a{}}}", "x" * 1000),
    "references to nothing": lambda: MINIMAL_HEAD + "'" + "${zz}" * 200_000 + "'",
    "a chain": lambda: MINIMAL + "".join(f"a{k}: ${{a{k + 1}}}\n" for k in range(50_000)),
    "references": lambda: MINIMAL_HEAD + "[" + '"${x}",' * 140_000 + "]",
    "5,000 digits": lambda: MINIMAL + "seed: " + "9" * 5000,
    "a million digits": lambda: MINIMAL + "seed: 0." + "9" * 1_000_000,
    "a long word": lambda: MINIMAL + "a" * 1_000_000,
    "a long text": lambda: MINIMAL + f'seed: "{"a" * 1_000_000}"',
    "tags": lambda: MINIMAL_HEAD + "[" + "!a b," * 200_000 + "]",
}
LIMITED = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
from bptrain.config import load
from bptrain.errors import ConfigError
try:
    load("hostile.yaml")
except ConfigError as error:
    print(json.dumps([len(error.problems), max(map(len, error.lines)), str(error.problems[-1].message)]))
# The peak memory of this program alone; getrusage would include its parent.
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["VmHWM"].split()[0]) // 1024)
"""


@pytest.mark.parametrize("name", sampled(sorted(HOSTILE)))
def test_a_hostile_config_takes_little_time_and_memory(name):
    text = HOSTILE[name]()
    assert len(text) <= 1 << 20
    Path("hostile.yaml").write_text(text)
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found, megabytes = done.stdout.splitlines()
    count, longest, last = json.loads(found)
    assert 1 <= count <= 101
    assert longest < 1000
    assert last == "more than 100 mistakes; fix these first" or count <= 100
    assert int(megabytes) < 300


def test_a_mutated_config_gives_an_experiment_or_clear_mistakes(repository):
    """A sample of what `python tests/fuzz_configs.py 20000` tries."""
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    done = subprocess.run(
        [sys.executable, repository / "tests" / "fuzz_configs.py", "400", "7"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    valid, wrong = re.search(r"(\d+) valid, (\d+) mistakes, 0 failures", done.stdout).groups()
    assert int(valid) > 0
    assert int(wrong) > 0

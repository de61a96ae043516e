"""Answers by hand: right ones pass to the digits written, and every classic slip is named.

The truth and the slips are computed here, by NumPy alone, on a network of two inputs, two units and one output.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import bptrain
from bptrain.errors import ConfigError, InputError

X = np.array([[1.0, 2.0], [0.5, -1.0], [-0.3, 0.8]])
T = np.array([[1.0], [0.2], [-0.5]])
W1, B1 = np.array([[0.3, -0.5], [0.8, 0.2]]), np.array([0.1, -0.2])
W2, B2 = np.array([[0.7], [-0.4]]), np.array([0.05])
LR, N = 0.2, 3


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


Z1 = X @ W1 + B1
A1 = sigmoid(Z1)
Z2 = A1 @ W2 + B2
LOSS = ((Z2 - T) ** 2).sum() / (2 * N)
DELTA2 = (Z2 - T) / N
DW2, DB2 = A1.T @ DELTA2, DELTA2.sum(axis=0)
BACK = DELTA2 @ W2.T
DELTA1 = BACK * A1 * (1 - A1)
DW1, DB1 = X.T @ DELTA1, DELTA1.sum(axis=0)
NEW = {"W1": W1 - LR * DW1, "b1": B1 - LR * DB1, "W2": W2 - LR * DW2, "b2": B2 - LR * DB2}
TRUTH = {
    "z1": Z1, "a1": A1, "z2": Z2, "loss": LOSS, "delta2": DELTA2, "dW2": DW2, "db2": DB2, "delta1": DELTA1,
    "dW1": DW1, "db1": DB1, **NEW,
}  # fmt: skip

CONFIG = {
    "dtype": "float64",
    "data": {
        "source": {"inline": {"columns": ["x1", "x2", "y"], "rows": np.hstack([X, T]).tolist()}},
        "split": {"validation": 0, "test": 0},
        "scaling": "none",
        "target_scaling": "none",
    },
    "network": [
        {"dense": {"units": 2, "weight_init": {"values": W1.tolist()}, "bias_init": {"values": B1.tolist()}}},
        "sigmoid",
        {"dense": {"units": 1, "weight_init": {"values": W2.tolist()}, "bias_init": {"values": B2.tolist()}}},
    ],
    "loss": {"mse": {"half": True}},
    "optimizer": {"sgd": {"lr": LR}},
    "training": {"batch_size": "full"},
}


def write_numbers(value, digits=5):
    """Nested lists of numbers with so many significant digits, zeros at the end included."""
    if np.ndim(value):
        return [write_numbers(one, digits) for one in value]
    return f"@{float(value):.{digits - 1}e}@"


def write_answers(answers, **keys):
    Path("c.yaml").write_text(json.dumps({**CONFIG, **keys.pop("config_keys", {})}))
    path = Path("answers.yaml")
    text = json.dumps({"config": "c.yaml", **keys, "answers": answers})
    path.write_text(text.replace('"@', "").replace('@"', ""))
    return path


def test_right_answers_pass_to_the_digits_written():
    for digits in (2, 3, 5, 8, 15):
        found = bptrain.verify(write_answers({name: write_numbers(value, digits) for name, value in TRUTH.items()}))
        assert found.passed, (digits, found.wrong)
        assert set(found.right) == set(TRUTH)


@pytest.mark.parametrize("name", TRUTH)
def test_half_a_unit_in_the_last_place_is_the_limit(name):
    """The third decimal of the first number one too high, and one too low; the others as they are."""
    exact = np.atleast_1d(TRUTH[name])
    for shift, passes in ((0, True), (0.001, False), (-0.001, False)):
        answer = np.round(exact, 3)
        answer.reshape(-1)[0] += shift
        texts = [f"@{one:.3f}@" for one in answer.reshape(-1)]
        shaped = np.array(texts, dtype=object).reshape(np.shape(TRUTH[name])).tolist()
        assert bptrain.verify(write_answers({name: shaped})).passed is passes, shift


def compute_slope(value):
    return value * (1 - value)


SLIPS = {
    # name: (the quantity, its wrong value, the slip, a word of the explanation)
    "bias forgotten": ("z1", X @ W1, "bias", "missing"),
    "bias subtracted": ("z1", X @ W1 - B1, "bias sign", "subtracted"),
    "weights transposed": ("z1", X @ W1.T + B1, "transposed", "transposed"),
    "activation of the layer before forgotten": ("z2", Z1 @ W2 + B2, "activation", "z was used instead of"),
    "activation forgotten": ("a1", Z1, "activation", "missing"),
    "derivative for value": ("a1", compute_slope(A1), "derivative", "derivative"),
    "argument negated": ("a1", sigmoid(-Z1), "argument sign", "argument"),
    "loss without 1/n": ("loss", LOSS * N, "missing 1/n", "1/n"),
    "loss without 1/2": ("loss", LOSS * 2, "missing 1/2", "1/2"),
    "square forgotten": ("loss", np.abs(Z2 - T).sum() / 2, "square", "square"),
    "decimal point": ("loss", LOSS * 10, "decimal point", "decimal point"),
    "delta with the wrong sign": ("delta2", -DELTA2, "sign", "sign"),
    "delta without 1/n": ("delta2", DELTA2 * N, "missing 1/n", "1/n"),
    "target not subtracted": ("delta2", Z2 / N, "target", "target"),
    "activation derivative forgotten": ("delta1", BACK, "derivative", "missing"),
    "derivative at a": ("delta1", BACK * compute_slope(sigmoid(A1)), "wrong argument", "output a"),
    "z in place of a": ("delta1", BACK * compute_slope(Z1), "wrong argument", "z was used where"),
    "derivative twice": ("delta1", DELTA1 * compute_slope(A1), "derivative twice", "twice"),
    "weights updated too early": ("delta1", DELTA2 @ NEW["W2"].T * compute_slope(A1), "new weights", "new weights"),
    "weights left out on the way back": ("delta1", DELTA2 * compute_slope(A1), "weights", "missing"),
    "dW transposed": ("dW1", DW1.T, "transposed", "transposed"),
    "dW without the derivative": ("dW1", X.T @ BACK, "derivative", "delta1"),
    "dW from z": ("dW2", Z1.T @ DELTA2, "activation", "z1 was used instead of a1"),
    "dW without 1/n": ("dW1", DW1 * N, "missing 1/n", "1/n"),
    "dW with the wrong sign": ("dW1", -DW1, "sign", "sign"),
    "db as a mean": ("db1", DELTA1.mean(axis=0), "mean", "mean"),
    "one row alone": ("dW1", X[:1].T @ DELTA1[:1], "one row", "first row"),
    "rate forgotten": ("W1", W1 - DW1, "rate forgotten", "forgotten"),
    "rate twice": ("W1", W1 - LR**2 * DW1, "rate twice", "twice"),
    "gradient added": ("W2", W2 + LR * DW2, "sign", "subtract the gradient"),
    "not updated": ("b1", B1, "not updated", "old"),
    "the step alone": ("W2", -LR * DW2, "step alone", "add it to"),
    "update without the derivative": ("W1", W1 - LR * X.T @ BACK, "derivative", "dW1"),
    "update without 1/n": ("W1", W1 - LR * N * DW1, "missing 1/n", "1/n"),
}  # fmt: skip


@pytest.mark.parametrize("digits", [4, 8])
@pytest.mark.parametrize("name", SLIPS)
def test_every_planted_slip_is_named(name, digits):
    quantity, value, slip, word = SLIPS[name]
    before = list(TRUTH)[: list(TRUTH).index(quantity)]
    answers = {one: write_numbers(TRUTH[one], digits) for one in before} | {quantity: write_numbers(value, digits)}
    found = bptrain.verify(write_answers(answers))
    assert found.wrong is not None
    assert (found.wrong.name, found.wrong.slip) == (quantity, slip), found.wrong
    assert word in found.wrong.words
    assert set(found.right) == set(before)
    assert f"{found.wrong.truth:.3g}" in {f"{one:.3g}" for one in np.reshape(TRUTH[quantity], -1)}


def test_there_are_plenty_of_slips():
    assert len(SLIPS) + 3 >= 20


def test_swapped_digits_are_named():
    values = [f"@{one:.4f}@" for one in Z2[:, 0]]
    assert values[1] == "@0.1689@"
    values[1] = "@0.1869@"
    wrong = bptrain.verify(write_answers({"z2": values})).wrong
    assert (wrong.slip, wrong.place, wrong.answer) == ("digits swapped", (2, 1), "0.1869")


def test_rounding_carried_forward_is_named():
    """Two decimals kept on the way, four given in the end."""
    a1 = np.round(A1, 2)
    z2 = np.round(a1 @ W2 + B2, 4)
    assert (np.abs(z2 - Z2) > 5e-5).any()
    wrong = bptrain.verify(write_answers({"a1": np.round(A1, 2).tolist(), "z2": z2.tolist()})).wrong
    assert wrong.slip == "rounding"
    assert "2 decimals" in wrong.words


def test_digits_cut_off_are_named():
    cut = np.trunc(A1 * 1e3) / 1e3
    assert (np.abs(cut - A1) > 5e-4).any()
    assert bptrain.verify(write_answers({"a1": cut.tolist()})).wrong.slip == "cut off"


def test_an_unexplained_number_is_reported_as_such():
    wrong = bptrain.verify(write_answers({"loss": 123.456})).wrong
    assert (wrong.slip, wrong.answer, wrong.place) == ("", "123.456", ())
    assert "no known slip" in wrong.words


def test_a_missing_bias_correction_is_named():
    m, v = 0.1 * DW1, 0.001 * DW1**2
    keys = {"config_keys": {"optimizer": {"adam": {"lr": LR}}}}
    right = W1 - LR * (m / 0.1) / (np.sqrt(v / 0.001) + 1e-8)
    assert bptrain.verify(write_answers({"W1": write_numbers(right, 8)}, **keys)).passed
    wrong = bptrain.verify(write_answers({"W1": write_numbers(W1 - LR * m / (np.sqrt(v) + 1e-8), 8)}, **keys)).wrong
    assert wrong.slip == "bias correction"


def test_a_derivative_too_many_is_named():
    p, t = sigmoid(Z2), np.array([[1.0], [0.0], [1.0]])
    rows = np.hstack([X, t]).tolist()
    data = {**CONFIG["data"], "task": "regression", "source": {"inline": {"columns": ["x1", "x2", "y"], "rows": rows}}}
    keys = {"config_keys": {"loss": "binary_cross_entropy", "data": data}}
    right = (p - t) / N
    assert bptrain.verify(write_answers({"a2": write_numbers(p), "delta2": write_numbers(right)}, **keys)).passed
    wrong = bptrain.verify(write_answers({"delta2": write_numbers(right * p * (1 - p))}, **keys)).wrong
    assert wrong.slip == "derivative too many"


def test_answers_are_compared_in_double_precision():
    answers = {name: write_numbers(value, 12) for name, value in TRUTH.items()}
    assert bptrain.verify(write_answers(answers, config_keys={"dtype": "float32"})).passed


def test_the_rounded_numbers_of_an_article_are_wrong(repository):
    path = Path("article.yaml")
    config = repository / "configs" / "textbook" / "two_three_one.yaml"
    path.write_text(f"config: {config}\nanswers:\n  a1: [1, 1, 1]\n  loss: 4\n  dW1: [[-2, -4, -6], [-4, -8, -12]]\n")
    found = bptrain.verify(path)
    assert found.right == ("a1",)
    assert (found.wrong.name, found.others) == ("loss", ("dW1",))
    assert "1/2" in found.wrong.words


def test_the_output_and_exit_code_of_the_command(bptrain_in):
    write_answers({"z1": write_numbers(Z1), "loss": LOSS * 2, "dW1": None, "W1": write_numbers(W1)})
    done = bptrain_in("verify", "answers.yaml")
    assert (done.returncode, done.stderr) == (4, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "right: z1"
    assert lines[1] == "WRONG: loss"
    assert lines[4].strip().startswith("slip")
    assert "1/2" in lines[4]
    assert lines[5].startswith("W1: wrong too")
    assert lines[6] == "not answered yet: dW1"
    found = json.loads(bptrain_in("verify", "answers.yaml", "--json").stdout)
    assert found["wrong"]["truth"] == pytest.approx(LOSS)
    assert not found["passed"]
    write_answers({"z1": write_numbers(Z1)})
    done = bptrain_in("verify", "answers.yaml")
    assert done.returncode == 0
    assert "the only answer is right" in done.stdout


REFUSED = [
    ("answers: {z1: 1}", ":1:1: config: is missing; expected the path of the config, relative to this file"),
    ("config: c.yaml", ":1:1: answers: is missing; expected answers by name, such as z1: [0.5, 1.2]"),
    ("config: c.yaml\nanswers: {zz1: 1}", ":2:11: answers.zz1: unknown name; did you mean 'z1'?"),
    ("config: c.yaml\nanswers: {z1: 1}\nrwo: 1", ":3:1: rwo: unknown key; did you mean 'row'?"),
    ("config: c.yaml\nanswers:\n  z1: [1, 2]", ":3:7: answers.z1: expected a number for each entry, of shape (3, 2)"),
    ("config: c.yaml\nanswers:\n  loss: [1, 2]", ":3:9: answers.loss: expected a single number (got the shape (2,))"),
    ("config: c.yaml\nanswers:\n  z1: [[1, 2], [3]]", ":3:7: answers.z1: expected lists of the same length"),
    ("config: c.yaml\nanswers:\n  z1: [[1, x]]", ":3:12: answers.z1.0.1: expected a number (got 'x')"),
    ("config: c.yaml\nrow: 0\nanswers: {z1: 1}", ":2:6: row: expected a whole number from 1 (got 0)"),
    ("config: c.yaml\nrow: 1\nstep: 2\nanswers: {z1: 1}", ":3:7: step: step explains a step of training, row a row"),
    ("data: {}\nhidden: [8]", ":1:1: data: is a key of a config, but verify reads a file of answers; bptrain explain"),
    ("[1", ":1:1: not valid YAML"),
    ("config: gone.yaml\nanswers: {z1: 1}", "gone.yaml: no such file"),
    ("config: c.yaml\nanswers: {z1: ~}", "answers.yaml: no answer is filled in yet"),
    ("config: c.yaml\nrow: 9\nanswers: {z1: 1}", "--row: there is no row 9 (the data has rows 1 to 3)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_mistakes_in_the_answer_sheet_are_reported_at_their_place(bptrain_in, text, message):
    write_answers({})
    Path("answers.yaml").write_text(text)
    done = bptrain_in("verify", "answers.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr.splitlines()[0]
    assert done.stderr.startswith("error: ")


def test_a_missing_answer_sheet_is_an_error():
    with pytest.raises(InputError, match="no such file"):
        bptrain.verify("gone.yaml")
    Path("list.yaml").write_text("- 1\n")
    with pytest.raises(ConfigError):
        bptrain.verify("list.yaml")


@pytest.mark.parametrize("suffix", ["md", "tex", "txt"])
def test_a_worksheet_has_blanks_and_a_file_of_answers(bptrain_in, suffix):
    write_answers({})
    done = bptrain_in("explain", "c.yaml", "--sheet", "--seed", "7", "-o", f"sheet.{suffix}")
    assert (done.returncode, done.stderr) == (0, "")
    assert "sheet.answers.yaml" in done.stdout
    sheet = Path(f"sheet.{suffix}").read_text()
    assert ("\\underline" if suffix == "tex" else "_____") in sheet
    made = bptrain.exercise("c.yaml", seed=7)
    secret = f"{float(made.key.lines['loss'].value):.6g}"
    assert secret not in sheet
    assert f"{made.key.aliases['z1'].value[0, 0]:.6g}" not in [*sheet.split(), "0", "1"]
    assert bptrain_in("verify", "sheet.answers.yaml").returncode == 2, "nothing is filled in yet"
    text = Path("sheet.answers.yaml").read_text()
    asked = [line.strip().partition(":")[0] for line in text.splitlines() if ": ~" in line]
    assert asked[:4] == ["z1", "a1", "z2", "loss"]
    assert set(TRUTH) <= set(asked)
    for name in asked:
        value = json.dumps(write_numbers(made.key.aliases[name].value, 6)).replace('"@', "").replace('@"', "")
        text = text.replace(f"  {name}: ~", f"  {name}: {value}")
    Path("sheet.answers.yaml").write_text(text)
    found = bptrain.verify("sheet.answers.yaml")
    assert found.passed
    assert set(found.right) == set(asked)


def test_each_seed_draws_another_exercise():
    write_answers({})
    one, again, other = (bptrain.exercise("c.yaml", seed=seed) for seed in (7, 7, 8))
    weights = [made.key.lines["0.dense.weight"].value for made in (one, again, other)]
    assert (weights[0] == weights[1]).all()
    assert (weights[0] != weights[2]).any()
    assert set(np.abs(weights[0]).ravel()) <= {0.5, 1, 1.5, 2}
    x = one.key.lines["input"].value
    assert x.shape == (1, 2)
    assert x[0].tolist() in X.tolist()
    key = one.key.aliases["z1"].value
    bias = one.key.lines["0.dense.bias"].value
    assert key == pytest.approx(x @ weights[0] + bias)


def test_a_worksheet_overwrites_nothing_and_wrong_options_are_errors(bptrain_in):
    write_answers({})
    for arguments, message in (
        (["--sheet"], "--sheet writes two files; name the sheet with -o, such as -o sheet.md"),
        (["--sheet", "--key", "-o", "s.md"], "--sheet writes the exercise and --key its solution; give one of them"),
        (
            ["--seed", "3"],
            "--seed chooses an exercise; add --sheet or --key, or write seed=N to change the seed of the config",
        ),
        (
            ["--sheet", "-o", "there.md"],
            "there.answers.yaml: exists already and is not overwritten; choose another path",
        ),
    ):
        Path("there.answers.yaml").write_text("mine")
        done = bptrain_in("explain", "c.yaml", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"error: {message}")
    assert Path("there.answers.yaml").read_text() == "mine"
    assert not Path("there.md").exists()
    done = bptrain_in("explain", "c.yaml", "--key", "--seed", "7")
    assert done.returncode == 0
    assert "_____" not in done.stdout
    assert f"= {float(bptrain.exercise('c.yaml', seed=7).key.lines['loss'].value):.6g}" in done.stdout

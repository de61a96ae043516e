"""Races: contenders start equal, train as `train` does, and are called better only if the seeds show it."""

import json
import math
import random
from pathlib import Path

import pytest

import bptrain
from bptrain.commands import race
from bptrain.console.race_view import describe_comparison, draw_curves, draw_sparkline
from bptrain.errors import ConfigError, InputError
from bptrain.search.significance import compare_losses, compute_p_value, compute_tail, correct_p_values
from bptrain.search.standings import Contender, Standing, list_contenders, split_values

# Two-sided 5% and 1% points of Student's t, from printed tables.
TABLE = [
    (1, 12.706, 0.05), (2, 4.303, 0.05), (3, 3.182, 0.05), (4, 2.776, 0.05), (5, 2.571, 0.05), (9, 2.262, 0.05),
    (10, 2.228, 0.05), (30, 2.042, 0.05), (1, 63.657, 0.01), (4, 4.604, 0.01), (9, 3.250, 0.01), (10, 3.169, 0.01),
]  # fmt: skip


@pytest.mark.parametrize(("freedom", "t", "p"), TABLE)
def test_students_t_agrees_with_the_tables(freedom, t, p):
    assert compute_tail(t, freedom) == pytest.approx(p, rel=2e-3)
    assert compute_tail(-t, freedom) == compute_tail(t, freedom)
    assert compute_tail(0, freedom) == pytest.approx(1)


def test_a_paired_test_by_hand():
    """Differences 1, 2, 3: mean 2, deviation 1, t = 2 √3 with 2 degrees of freedom, p = 1 - t / √(2 + t²)."""
    t = 2 * math.sqrt(3)
    assert compute_p_value([1, 2, 3]) == pytest.approx(1 - t / math.sqrt(2 + t * t), rel=1e-12)
    assert compute_p_value([0.5]) is None
    assert compute_p_value([0, 0, 0]) == 1
    assert compute_p_value([1, 1, 1]) == 0


def test_noise_is_significant_in_one_of_twenty_cases():
    rng = random.Random(1)
    found = [compute_p_value([rng.gauss(0, 1) for _ in range(5)]) for _ in range(4000)]
    share = sum(p < 0.05 for p in found) / len(found)
    assert 0.04 < share < 0.06


def test_holm_by_hand():
    assert correct_p_values([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert correct_p_values([0.5, None, 0.9]) == pytest.approx([1.0, None, 1.0])


def test_a_leader_that_is_worse_in_the_common_seeds_leads_by_no_more_than_noise():
    """It leads because the other diverged, but its losses are higher."""
    one = compare_losses("a", [2.0, 2.1, 2.0, 2.2, 9.0], "b", [1.0, 1.1, 1.01, 1.19, math.inf])
    assert (one.difference < 0, one.p < 0.001, one.diverged) == (True, True, 1)
    assert not one.more_than_noise
    words = describe_comparison(one)
    assert words.startswith(
        "a leads since b diverged in 1 of 5 seeds; where both finished, it ends higher by 1 on average"
    )
    assert "noise" not in words


def test_of_contenders_that_diverged_the_one_with_fewest_divergences_leads(monkeypatch):
    """The sum of finite losses is lower, the more of them are missing."""
    losses = {"often": [math.inf, math.inf, 0.1], "once": [math.inf, 1.0, 1.0]}

    def run(sessions, standings):
        for one in standings:
            one.losses.extend(losses["often" if "0.1" in one.contender.name else "once"])
        yield 1

    monkeypatch.setattr(race, "run_laps", run)
    monkeypatch.setattr(race, "have_same_start", lambda sessions: True)
    Path("iris.yaml").write_text("data: {source: {bundled: iris}}\nhidden: [4]\n")
    found = bptrain.race("iris.yaml", vary=["optimizer.adam.lr=0.1,0.2"], seeds=1)
    assert [one.diverged for one in found.standings] == [1, 2]


def test_a_contender_that_diverged_wins_nothing():
    one = compare_losses("a", [1.0, 2.0, 3.0], "b", [2.0, math.inf, 3.5])
    assert (one.wins, one.seeds, one.difference) == (3, 3, 0.75)
    assert compare_losses("a", [1.0], "b", [math.inf]).p is None


@pytest.fixture
def iris(repository):
    return repository / "configs" / "iris.yaml"


def test_a_contender_trains_as_train_does(iris):
    """The losses are bit-identical to those of a separate training."""
    given = ["training.epochs=6"]
    found = bptrain.race(iris, given, optimizers=["sgd", "adam"], seeds=2)
    assert found.same_start
    assert found.seeds == (0, 1)
    assert len(found.standings) == 2
    for standing in found.standings:
        for k, seed in enumerate(found.seeds):
            result = bptrain.train(iris, [*given, f"optimizer={standing.contender.name}", f"seed={seed}"])
            lines = (result.run / "history.jsonl").read_text().splitlines()
            assert standing.curves[k] == [json.loads(line)["validation_loss"] for line in lines]
            assert standing.losses[k] == result.best.score.loss
    assert found.standings[0].mean <= found.standings[1].mean
    assert not list(Path().glob("runs/*-00[5-9]")), "a race leaves nothing behind"


def test_a_real_difference_is_more_than_noise_and_none_is_not(iris):
    given = ["training.epochs=20"]
    found = bptrain.race(iris, given, vary=["optimizer.adam.lr=0.03,0.0001"], seeds=4)
    (one,) = found.comparisons
    assert (one.better, one.wins, one.more_than_noise) == ("optimizer.adam.lr=0.03", 4, True)
    found = bptrain.race(iris, given, vary=["hidden=[16],[17]"], seeds=4)
    assert not found.comparisons[0].more_than_noise


def test_a_race_of_networks_reports_that_the_starts_differ(iris):
    found = bptrain.race(iris, ["training.epochs=2"], vary=["hidden=[4],[8]"], seeds=1)
    assert not found.same_start
    assert {one.contender.name for one in found.standings} == {"hidden=[4]", "hidden=[8]"}
    assert found.comparisons[0].p is None


def test_a_contender_that_diverges_is_last(repository):
    config = repository / "configs" / "textbook" / "exploding.yaml"
    given = ["training.epochs=3"]
    found = bptrain.race(config, given, vary=["training.clipping=null,{norm: 1}"], seeds=2)
    assert found.standings[0].contender.name == "training.clipping={norm: 1}"
    assert found.standings[1].diverged == 2
    assert found.to_json()["contenders"][1]["losses"] == [None, None]
    assert found.comparisons[0].wins == 2


def test_combinations_race():
    found = list_contenders(["adam", "{sgd: {lr: 0.1}}"], ["hidden=1,2"])
    assert [one.name for one in found] == [
        "adam, hidden=1", "adam, hidden=2", "{sgd: {lr: 0.1}}, hidden=1", "{sgd: {lr: 0.1}}, hidden=2",
    ]  # fmt: skip
    assert found[0].overrides == ("optimizer=adam", "hidden=1")
    assert split_values("[1,2], {a: 1, b: 2},'x,y',z") == ["[1,2]", "{a: 1, b: 2}", "'x,y'", "z"]


REFUSED = [
    ([], "error: a race needs at least two contenders; give --optimizer twice, or --vary KEY=a,b"),
    (["--optimizer", "adam"], "error: a race needs at least two contenders"),
    (["--vary", "seed=1,2"], "error: --vary: every contender gets the same seeds; choose their number with"),
    (["--vary", "seed"], "error: --vary: expected KEY=a,b,c, such as optimizer.adam.lr=0.1,0.01 (got 'seed')"),
    (["--optimizer", "adam", "--optimizer", "adam"], "error: 'adam' is given twice; give it once"),
    (["--optimizer", "adam", "--optimizer", "sdg"], "error: optimizer=sdg:1:11: optimizer: unknown optimizer 'sdg'"),
    (["--vary", "trainig.epochs=1,2"], "error: trainig.epochs=1:1:1: trainig: unknown key; did you mean 'training'?"),
    (["--optimizer", "adam", "--optimizer", "sgd", "--seeds", "0"], "error: --seeds: expected 1 to 1000 (got 0)"),
    (["--vary", "training.epochs=" + ",".join(map(str, range(1, 30)))], "error: at most 20 contenders can race (got"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_a_race_that_cannot_start_is_an_error_of_one_line(bptrain_in, iris, arguments, message):
    done = bptrain_in("race", iris, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(message)
    assert len(done.stderr.splitlines()) == 1


def test_the_command_prints_the_leader(bptrain_in, iris):
    arguments = ["race", iris, "training.epochs=4", "--vary", "optimizer.adam.lr=0.0001,0.05", "--seeds", "2"]
    done = bptrain_in(*arguments, "--plot")
    assert done.returncode == 0
    assert done.stderr.splitlines()[1].startswith("seed 1: ")
    assert "optimizer.adam.lr=0.05 ends lower than optimizer.adam.lr=0.0001 in 2 of 2 seeds" in done.stdout
    assert "paired t-test" in done.stdout
    assert "b optimizer.adam.lr=0.0001" in done.stdout
    assert "\x1b" not in done.stdout
    found = json.loads(bptrain_in(*arguments, "--json", "--quiet").stdout)
    assert [one["name"] for one in found["contenders"]] == ["optimizer.adam.lr=0.05", "optimizer.adam.lr=0.0001"]
    assert len(found["contenders"][0]["curves"][1]) == 4
    assert not list(Path().glob("runs"))


def test_curves_are_drawn():
    assert draw_sparkline([8, 4, 2, 1], 10) == "█▄▂▁"
    assert draw_sparkline([1, 2, math.inf], 10) == "▁█×"
    assert len(draw_sparkline([*range(1, 1000), math.inf], 24)) == len(draw_sparkline(range(1, 1000), 24)) == 24
    standings = [Standing(Contender(name, ()), [curve], [1.0]) for name, curve in (("up", [1, 10]), ("down", [10, 1]))]
    rows = [row.plain for row in draw_curves(standings, 30, colour=False)]
    assert rows[0].partition("|")[2][0] == "b"
    assert rows[0].endswith("a")
    assert rows[11].partition("|")[2][0] == "a"
    assert rows[11].endswith("b")
    assert all(row.partition("|")[2].strip() for row in rows[:12]), "points are joined by lines"
    assert rows[0].split()[0] == "10"
    assert rows[12].split() == ["epoch", "1", "2"]
    assert len(rows[12]) == 30
    assert [row.split() for row in rows[13:]] == [["a", "up"], ["b", "down"]]
    braille = draw_curves(standings, 30, colour=True)
    assert any(0x2800 < ord(c) < 0x2900 for c in braille[0].plain)
    (said,) = draw_curves([Standing(Contender("x", ()), [[math.inf]], [math.inf])], 30, colour=False)
    assert said.plain == "there are no curves to draw, or the terminal is too narrow for them"


def test_mistakes_of_the_config_are_reported(iris):
    with pytest.raises(ConfigError):
        bptrain.race(iris, ["hidden=none"], optimizers=["sgd", "adam"])
    with pytest.raises(InputError, match="no such file"):
        bptrain.race("gone.yaml", optimizers=["sgd", "adam"])

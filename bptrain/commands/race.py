"""`bptrain race`"""

from collections.abc import Sequence
from pathlib import Path

from bptrain.code import load_codes
from bptrain.config import load
from bptrain.errors import InputError
from bptrain.model.assemble import Assembly, assemble_file
from bptrain.model.read import Tables
from bptrain.rules import check_rules
from bptrain.search.standings import (
    Lap,
    Race,
    Standing,
    Watch,
    compare_standings,
    have_same_start,
    list_contenders,
    rank_standings,
    run_laps,
)
from bptrain.training.session import Session, begin

MOST_SEEDS = 1000


def race(
    config: str | Path,
    overrides: Sequence[str] = (),
    *,
    optimizers: Sequence[str] = (),
    vary: Sequence[str] = (),
    seeds: int = 5,
    code: Sequence[str | Path] = (),
    watch: Watch | None = None,
) -> Race:
    """Train a config with each of several options, from the same initial weights and on the same batches.

    Contenders are compared by the loss of the weights that training keeps: the lowest validation loss, or the last
    training loss if there are no validation rows. Nothing is written.

    Args:
        config: path of a YAML file.
        overrides: `KEY=VALUE` each, applied over the file for all contenders.
        optimizers: as in a config, such as `adam` or `{sgd: {lr: 0.1, momentum: 0.9}}`.
        vary: `KEY=a,b,c` each; several of them, and optimizers, race in every combination.
        seeds: how many seeds each contender trains with, counting up from the seed of the config.
        code: Python files that register components which the config names.
        watch: called after every epoch.

    Returns:
        The contenders, the best first, and how significant their differences are.

    Raises:
        InputError: there are fewer than two contenders, or the code, the config or its data cannot be used.

    Example:
        >>> bptrain.race("configs/digits.yaml", optimizers=["sgd", "adam"]).comparisons
    """
    load_codes(code)
    if not 1 <= seeds <= MOST_SEEDS:
        raise InputError(f"--seeds: expected 1 to {MOST_SEEDS} (got {seeds})")
    standings = tuple(Standing(one) for one in list_contenders(optimizers, vary))
    first = load(config, overrides).experiment.seed
    all_seeds, same, measure, tables = tuple(range(first, first + seeds)), True, "", Tables()
    for k, seed in enumerate(all_seeds):
        wanted = [(*overrides, *one.contender.overrides, f"seed={seed}") for one in standings]
        sessions = [begin_racing(assemble_file(config, one, tables=tables)) for one in wanted]
        same = same and have_same_start(sessions)
        measure = "validation loss" if "validation" in sessions[0].splits else "training loss"
        for epoch in run_laps(sessions, standings):
            if watch:
                watch(Lap(seed, k + 1, epoch, standings))
    ordered = rank_standings(standings)
    return Race(measure, all_seeds, ordered, compare_standings(ordered), same)


def begin_racing(assembly: Assembly) -> Session:
    """Return the session of a contender at its start.

    Raises:
        ConfigError: the config breaks a rule.
    """
    check_rules(assembly)
    return begin(assembly)

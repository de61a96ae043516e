"""Everything that a config can name: its sections, and the families of components."""

from collections.abc import Iterator

from bptrain.columns.augmentation import AUGMENTATIONS
from bptrain.columns.imputers import IMPUTERS
from bptrain.columns.scalers import SCALERS
from bptrain.config.experiment import Experiment
from bptrain.hints import DictOf, Section, list_options
from bptrain.metrics import METRICS
from bptrain.nn import ACTIVATIONS, INITIALIZERS, LAYERS, LOSSES
from bptrain.optim import OPTIMIZERS, SCHEDULES
from bptrain.registry import Family
from bptrain.tables.sources import SOURCES


def find_sections(name: str, cls: type) -> Iterator[tuple[str, type]]:
    """Yield the name and class of a section and of those inside, by the options that they are given to."""
    yield name, cls
    for option in list_options(cls):
        for hint in (option.hint, *(form.item for form in option.hint if isinstance(form, DictOf))):
            for form in hint:
                if isinstance(form, Section):
                    yield from find_sections(option.name, form.cls)


SECTIONS: dict[str, type] = dict(find_sections("experiment", Experiment))

FAMILIES: dict[str, Family] = {
    family.plural: family
    for family in (
        *(SOURCES, IMPUTERS, SCALERS, LAYERS, ACTIVATIONS, INITIALIZERS, LOSSES),
        *(OPTIMIZERS, SCHEDULES, AUGMENTATIONS, METRICS),
    )
}

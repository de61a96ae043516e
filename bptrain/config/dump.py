"""Writing an experiment back: as plain values for checkpoints, and as YAML for people."""

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from bptrain.config.experiment import Experiment
from bptrain.config.scalars import read_scalar
from bptrain.registry import is_component, name_of
from bptrain.text import printable

FIRST = ("version", "name", "seed", "dtype")
"""The keys that a config begins with; the others have the order of the fields."""


def dump(experiment: Experiment) -> dict[str, Any]:
    """Return the experiment as JSON can hold it, every option written out; `from_json` is the inverse."""
    document: dict[str, Any] = section(experiment)
    if experiment.network is not None:
        del document["hidden"], document["activation"]
    else:
        del document["network"]
    return {key: document[key] for key in sorted(document, key=lambda key: key not in FIRST)}


def to_yaml(experiment: Experiment) -> str:
    """Return the experiment as a config file."""
    return yaml_text(dump(experiment), default_flow_style=None, width=120)


def to_inline_yaml(value: Any) -> str:
    """Return a single value or a list of such as YAML in one line, fit to stand inside of brackets."""
    # What is not printable stands between double quotes, where an escape means the same.
    return printable(yaml_text([value], default_flow_style=True, width=float("inf")).strip()[1:-1])


def yaml_text(document: Any, *, default_flow_style: bool | None, width: float) -> str:
    """Return plain values as YAML, every text so that it is read back as it is."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """YAML 1.1's dumper, quoting also what YAML 1.2 takes for a number, such as the text 1e3."""

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        plain_again = read_scalar(value) == value
        style = None if plain_again and value.isprintable() else "'" if value.isprintable() else '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    written = yaml.dump(
        escape(document),
        Dumper=Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=width,
        default_flow_style=default_flow_style,
    )
    return str(written)


def escape(value: Any) -> Any:
    """Return plain values as a config file writes them: a literal `${` doubled, so that it is read as itself."""
    if isinstance(value, dict):
        return {key: escape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [escape(one) for one in value]
    return value.replace("${", "$${") if isinstance(value, str) else value


def section(value: Any) -> dict[str, Any]:
    """Return a dataclass as a mapping of its fields."""
    return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}


def to_plain(value: Any) -> Any:
    """Return the value of an option without classes: components as `name` or `{name: {options}}`."""
    if isinstance(value, tuple):
        return list(map(to_plain, value))
    if isinstance(value, dict):
        return {name: to_plain(item) for name, item in value.items()}
    if is_dataclass(value):
        inside = section(value)
        return inside if not is_component(value) else {name_of(value): inside} if inside else name_of(value)
    return str(value) if isinstance(value, Path) else value

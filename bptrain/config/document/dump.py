"""Writing an experiment: as plain values for checkpoints, and as YAML for people."""

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from bptrain.config.document.yaml_text import read_scalar
from bptrain.config.experiment import Experiment
from bptrain.registry import is_component, name_of
from bptrain.text import printable

FIRST = ("version", "name", "seed", "dtype")
"""The keys that a config begins with; the others follow in the order of the fields."""


def dump(experiment: Experiment) -> dict[str, Any]:
    """Return the experiment as JSON values, with every option written out; `from_json` reads it back."""
    document: dict[str, Any] = section_to_plain(experiment)
    for key in ("network",) if experiment.network is None else ("hidden", "activation"):
        del document[key]
    return {key: document[key] for key in sorted(document, key=lambda key: key not in FIRST)}


def to_yaml(experiment: Experiment) -> str:
    """Return the experiment as the text of a config file."""
    return write_yaml(dump(experiment), default_flow_style=None, width=120)


def to_inline_yaml(value: Any) -> str:
    """Return a single value, or a list of them, as YAML on one line that can be put inside brackets."""
    # YAML puts unprintable characters between double quotes, where their escapes are read back.
    return printable(write_yaml([value], default_flow_style=True, width=float("inf")).strip()[1:-1])


def write_yaml(document: Any, *, default_flow_style: bool | None, width: float) -> str:
    """Return plain values as YAML that reads back unchanged."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """PyYAML's dumper (YAML 1.1), which also quotes text that YAML 1.2 reads as a number, such as 1e3."""

    def represent_text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        reads_back = read_scalar(value) == value
        style = None if reads_back and value.isprintable() else "'" if value.isprintable() else '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, represent_text)
    options: dict[str, Any] = {"sort_keys": False, "allow_unicode": True, "width": width}
    return str(yaml.dump(escape(document), Dumper=Dumper, default_flow_style=default_flow_style, **options))


def escape(value: Any) -> Any:
    """Return plain values with each `${` doubled to `$${`, so that a config file does not read it as a reference."""
    if isinstance(value, dict):
        return {key: escape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [escape(one) for one in value]
    return value.replace("${", "$${") if isinstance(value, str) else value


def section_to_plain(value: Any) -> dict[str, Any]:
    """Return a dataclass as a mapping of its fields to plain values."""
    return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}


def to_plain(value: Any) -> Any:
    """Return the value of an option as JSON values, with components as `name` or `{name: {options}}`."""
    if isinstance(value, tuple):
        return list(map(to_plain, value))
    if isinstance(value, dict):
        return {name: to_plain(item) for name, item in value.items()}
    if is_dataclass(value):
        inside = section_to_plain(value)
        return inside if not is_component(value) else {name_of(value): inside} if inside else name_of(value)
    return str(value) if isinstance(value, Path) else value

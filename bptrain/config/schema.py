"""JSON Schema of a config, for editors: read off the same dataclasses that configs are checked with.

Draft 7, which is what the YAML language server knows best. Sections and components are definitions of their own, so
that each is described once.
"""

import json
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import annotated_types as at

from bptrain.config.dump import plain
from bptrain.config.experiment import Experiment
from bptrain.config.families import FAMILIES
from bptrain.registry import Family, Option, alternatives, bare, describe, family_of, metadata, options, summary

FILE_NAME = "bptrain.schema.json"

TITLE = "bptrain config"

MODELINE = "# yaml-language-server: $schema="
"""What a config begins with to tell an editor where its schema is."""

Schema = dict[str, Any]

VARIABLE: Schema = {"$ref": "#/definitions/variable"}

BOUNDS = (
    (at.Ge, "ge", "minimum"),
    (at.Gt, "gt", "exclusiveMinimum"),
    (at.Le, "le", "maximum"),
    (at.Lt, "lt", "exclusiveMaximum"),
)

TYPES = {int: "integer", float: "number", str: "string", bool: "boolean", Path: "string", type(None): "null"}


def config_schema() -> Schema:
    """Return the JSON Schema of a config.

    It refuses unknown keys and names, wrong types and values out of bounds, and takes `${...}` for any single value.
    What only the whole config or its data can tell is for `bptrain validate`.
    """
    definitions: dict[str, Schema] = {
        "variable": {"type": "string", "pattern": r"\$\{", "description": "a reference to another key or a variable"}
    }
    whole = section(Experiment, definitions)
    # What `Experiment` checks as a whole: the network is there, and in one form.
    whole["oneOf"] = [{"required": ["network"]}, {"required": ["hidden"]}]
    whole["dependencies"] = {"activation": ["hidden"]}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": TITLE,
        **whole,
        "definitions": dict(sorted(definitions.items())),
    }


def to_text(document: Schema) -> str:
    """A schema as its file has it."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def with_schema(text: str, path: Path) -> str:
    """The text of a config at a path, beginning with where its schema is if that lies beside it."""
    begin = f"{MODELINE}{FILE_NAME}\n"
    if text.startswith(MODELINE):
        text = text.partition("\n")[2]
    return begin + text if (path.parent / FILE_NAME).is_file() else text


def section(cls: type, definitions: dict[str, Schema]) -> Schema:
    """A mapping of the options of a dataclass."""
    found: Schema = {"type": "object", "description": summary(cls)}
    found["properties"] = {option.name: described(option, definitions) for option in options(cls)}
    required = [option.name for option in options(cls) if option.required]
    if required:
        found["required"] = required
    return {**found, "additionalProperties": False}


def described(option: Option, definitions: dict[str, Schema]) -> Schema:
    """What an option takes, with its meaning and its default."""
    found = value(option.hint, definitions)
    # Beside a reference, draft 7 reads nothing.
    found = {"allOf": [found]} if "$ref" in found else found
    found = {"description": f"{option.doc}; {describe(option.hint)}", **found}
    if not option.required:
        found["default"] = plain(option.hint, option.default)
    return found


def value(hint: Any, definitions: dict[str, Schema]) -> Schema:
    """Whatever a type hint takes."""
    choices = alternatives(hint)
    if len(choices) > 1:
        return any_of(*(value(choice, definitions) for choice in choices))
    if family := family_of(hint):
        return component(family, definitions)
    inner = bare(hint)
    if is_dataclass(inner) and isinstance(inner, type):
        name = inner.__name__
        if name not in definitions:
            definitions[name] = {}
            definitions[name].update(section(inner, definitions))
        return {"$ref": f"#/definitions/{name}"}
    if get_origin(inner) is tuple:
        return {"type": "array", "items": value(get_args(inner)[0], definitions)}
    if get_origin(inner) is dict:
        return {"type": "object", "additionalProperties": value(get_args(inner)[1], definitions)}
    if get_origin(inner) is Literal:
        return any_of({"enum": list(get_args(inner))}, VARIABLE)
    limits = {
        word: getattr(item, attribute)
        for item in metadata(hint)
        for kind, attribute, word in BOUNDS
        if isinstance(item, kind)
    }
    single: Schema = {"type": TYPES[inner], **limits}
    return single if single["type"] in ("string", "null") else any_of(single, VARIABLE)


def any_of(*choices: Schema) -> Schema:
    """A choice, with choices inside it brought to the top and none of them twice."""
    flat: list[Schema] = []
    for choice in choices:
        flat.extend(one for one in choice.get("anyOf", [choice]) if one not in flat)
    return {"anyOf": flat}


def component(family: Family, definitions: dict[str, Schema]) -> Schema:
    """A component of a family: its name alone, or one `name: {options}` or `name: value`."""
    key = next(name for name, one in FAMILIES.items() if one is family)
    if key not in definitions:
        definitions[key] = {}
        members = family.members
        alone = [name for name, cls in members.items() if not any(option.required for option in options(cls))]
        definitions[key].update(
            any_of(
                *({"const": name, "description": summary(members[name])} for name in alone),
                {
                    "type": "object",
                    "properties": {name: member(name, cls, definitions) for name, cls in members.items()},
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": False,
                },
                VARIABLE,
            )
        )
    return {"$ref": f"#/definitions/{key}"}


def member(name: str, cls: type, definitions: dict[str, Schema]) -> Schema:
    """What may stand behind the name of a component: its options, the value of the first alone, or nothing."""
    # An activation is a layer too, and is defined once.
    owner = [key for key, family in FAMILIES.items() if family.members.get(name) is cls][-1]
    place = f"{owner}.{name}"
    if place not in definitions:
        definitions[place] = {}
        whole = section(cls, definitions)
        first, *others = options(cls) or (None,)
        forms = [whole]
        if first is not None and not any(option.required for option in others):
            forms.append({"not": {"type": ["object", "null"]}, "allOf": [value(first.hint, definitions)]})
        if "required" not in whole:
            forms.append({"type": "null"})
        text = whole.pop("description")
        definitions[place].update({"description": text, "anyOf": forms})
    return {"$ref": f"#/definitions/{place}"}

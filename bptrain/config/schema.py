"""JSON Schema of a config, for editors: read off the same dataclasses that configs are checked with.

Draft 7, which is what the YAML language server knows best. Sections and components are definitions of their own, so
that each is described once.
"""

import json
from pathlib import Path
from typing import Any

from bptrain.config.dump import to_plain
from bptrain.config.experiment import Experiment
from bptrain.config.families import FAMILIES
from bptrain.hints import SINGLE, Choice, DictOf, Form, Hint, ListOf, Member, Option, Section, Single, list_options
from bptrain.registry import Family, get_summary

FILE_NAME = "bptrain.schema.json"

TITLE = "bptrain config"

MODELINE = "# yaml-language-server: $schema="
"""What a config begins with to tell an editor where its schema is."""

Schema = dict[str, Any]

VARIABLE: Schema = {"$ref": "#/definitions/variable"}

BOUNDS = {">=": "minimum", ">": "exclusiveMinimum", "<=": "maximum", "<": "exclusiveMaximum"}


def config_schema() -> Schema:
    """Return the JSON Schema of a config.

    It refuses unknown keys and names, wrong types and values out of bounds, and takes `${...}` for any single value.
    What only the whole config or its data can tell is for `bptrain validate`.
    """
    definitions: dict[str, Schema] = {
        "variable": {"type": "string", "pattern": r"\$\{", "description": "a reference to another key or a variable"}
    }
    whole = section_schema(Experiment, definitions)
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
    """Return a schema as its file has it."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def add_modeline(text: str, path: Path) -> str:
    """Return the text of a config at a path, beginning with where its schema is if that lies beside it."""
    begin = f"{MODELINE}{FILE_NAME}\n"
    if text.startswith(MODELINE):
        text = text.partition("\n")[2]
    return begin + text if (path.parent / FILE_NAME).is_file() else text


def section_schema(cls: type, definitions: dict[str, Schema]) -> Schema:
    """Return a mapping of the options of a dataclass."""
    found: Schema = {"type": "object", "description": get_summary(cls)}
    found["properties"] = {option.name: option_schema(option, definitions) for option in list_options(cls)}
    required = [option.name for option in list_options(cls) if option.required]
    if required:
        found["required"] = required
    return {**found, "additionalProperties": False}


def option_schema(option: Option, definitions: dict[str, Schema]) -> Schema:
    """Return what an option takes, with its meaning and its default."""
    found = hint_schema(option.hint, definitions)
    # Beside a reference, draft 7 reads nothing.
    found = {"allOf": [found]} if "$ref" in found else found
    found = {"description": f"{option.doc}; {option.hint.describe()}", **found}
    if not option.required:
        found["default"] = to_plain(option.default)
    return found


def hint_schema(hint: Hint, definitions: dict[str, Schema]) -> Schema:
    """Return what a type hint takes."""
    found = [form_schema(form, definitions) for form in hint]
    return found[0] if len(found) == 1 else any_of(*found)


def form_schema(form: Form, definitions: dict[str, Schema]) -> Schema:
    """Return the schema of one form of value."""
    match form:
        case Member(family):
            return family_schema(family, definitions)
        case Section(cls):
            if cls.__name__ not in definitions:
                definitions[cls.__name__] = {}
                definitions[cls.__name__].update(section_schema(cls, definitions))
            return {"$ref": f"#/definitions/{cls.__name__}"}
        case ListOf(item):
            return {"type": "array", "items": hint_schema(item, definitions)}
        case DictOf(item):
            return {"type": "object", "additionalProperties": hint_schema(item, definitions)}
        case Choice(values):
            return any_of({"enum": list(values)}, VARIABLE)
        case Single(kind, bounds):
            *_, json_type = SINGLE[kind]
            single: Schema = {"type": json_type, **{BOUNDS[sign]: bound for sign, bound in bounds}}
            return single if json_type in ("string", "null") else any_of(single, VARIABLE)
    raise TypeError(form)


def any_of(*choices: Schema) -> Schema:
    """Return a choice, with choices inside it brought to the top and none of them twice."""
    flat: list[Schema] = []
    for choice in choices:
        flat.extend(one for one in choice.get("anyOf", [choice]) if one not in flat)
    return {"anyOf": flat}


def family_schema(family: Family, definitions: dict[str, Schema]) -> Schema:
    """Return a component of a family: its name alone, or one `name: {options}` or `name: value`."""
    key = next(name for name, one in FAMILIES.items() if one is family)
    if key not in definitions:
        definitions[key] = {}
        # By name, so that the file is the same whichever module was imported first.
        members = dict(sorted(family.members.items()))
        alone = [name for name, cls in members.items() if not any(option.required for option in list_options(cls))]
        definitions[key].update(
            any_of(
                *({"const": name, "description": get_summary(members[name])} for name in alone),
                {
                    "type": "object",
                    "properties": {name: member_schema(name, cls, definitions) for name, cls in members.items()},
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": False,
                },
                VARIABLE,
            )
        )
    return {"$ref": f"#/definitions/{key}"}


def member_schema(name: str, cls: type, definitions: dict[str, Schema]) -> Schema:
    """Return what may stand behind the name of a component: its options, the value of the first alone, or nothing."""
    # An activation is a layer too, and is defined once.
    owner = [key for key, family in FAMILIES.items() if family.members.get(name) is cls][-1]
    place = f"{owner}.{name}"
    if place not in definitions:
        definitions[place] = {}
        whole = section_schema(cls, definitions)
        first, *others = list_options(cls) or (None,)
        forms = [whole]
        if first is not None and not any(option.required for option in others):
            forms.append({"not": {"type": ["object", "null"]}, "allOf": [hint_schema(first.hint, definitions)]})
        if "required" not in whole:
            forms.append({"type": "null"})
        text = whole.pop("description")
        definitions[place].update({"description": text, "anyOf": forms})
    return {"$ref": f"#/definitions/{place}"}

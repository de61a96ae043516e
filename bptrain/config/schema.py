"""JSON Schema of a config, for editors, built from the dataclasses that configs are checked against.

Draft 7, which the YAML language server supports best. Sections and components are definitions, each described once.
"""

import json
from pathlib import Path
from typing import Any

from bptrain.config.document.dump import to_plain
from bptrain.config.experiment import Experiment
from bptrain.config.tree import FAMILIES
from bptrain.hints import SINGLE, Choice, DictOf, Form, Hint, ListOf, Member, Option, Section, Single, list_options
from bptrain.registry import Family, get_summary

FILE_NAME = "bptrain.schema.json"

TITLE = "bptrain config"

MODELINE = "# yaml-language-server: $schema="
"""The beginning of the first line of a config, which tells editors where its schema is."""

Schema = dict[str, Any]

VARIABLE: Schema = {"$ref": "#/definitions/variable"}

BOUNDS = {">=": "minimum", ">": "exclusiveMinimum", "<=": "maximum", "<": "exclusiveMaximum"}


def build_schema() -> Schema:
    """Return the JSON Schema of a config.

    It rejects unknown keys and names, wrong types and values out of bounds, and accepts `${...}` for any single value.
    What depends on the data or on several values together is left to `bptrain validate`.
    """
    definitions: dict[str, Schema] = {
        "variable": {"type": "string", "pattern": r"\$\{", "description": "a reference to another key or a variable"}
    }
    schema = build_section(Experiment, definitions)
    # `Experiment` requires exactly one of the two forms of a network.
    schema["oneOf"] = [{"required": ["network"]}, {"required": ["hidden"]}]
    schema["dependencies"] = {"activation": ["hidden"]}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": TITLE,
        **schema,
        "definitions": dict(sorted(definitions.items())),
    }


def to_text(document: Schema) -> str:
    """Return a schema as the text of its file."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def add_modeline(text: str, path: Path) -> str:
    """Return the text of a config to be written at a path, with the modeline only if the schema is beside it."""
    if text.startswith(MODELINE):
        text = text.partition("\n")[2]
    return f"{MODELINE}{FILE_NAME}\n{text}" if (path.parent / FILE_NAME).is_file() else text


def build_section(cls: type, definitions: dict[str, Schema]) -> Schema:
    """Return the schema of a mapping of the options of a dataclass."""
    found: Schema = {"type": "object", "description": get_summary(cls)}
    found["properties"] = {option.name: build_option(option, definitions) for option in list_options(cls)}
    required = [option.name for option in list_options(cls) if option.is_required]
    if required:
        found["required"] = required
    return {**found, "additionalProperties": False}


def build_option(option: Option, definitions: dict[str, Schema]) -> Schema:
    """Return the schema of an option, with its meaning and its default."""
    found = build_hint(option.hint, definitions)
    # Draft 7 ignores whatever stands beside a `$ref`.
    found = {"allOf": [found]} if "$ref" in found else found
    found = {"description": f"{option.doc}; {option.hint.describe()}", **found}
    if not option.is_required:
        found["default"] = to_plain(option.default)
    return found


def build_hint(hint: Hint, definitions: dict[str, Schema]) -> Schema:
    """Return the schema of a type hint."""
    found = [build_form(form, definitions) for form in hint]
    return found[0] if len(found) == 1 else build_choice(*found)


def build_form(form: Form, definitions: dict[str, Schema]) -> Schema:
    """Return the schema of one form of value."""
    match form:
        case Member(family):
            return build_family(family, definitions)
        case Section(cls):
            if cls.__name__ not in definitions:
                definitions[cls.__name__] = {}
                definitions[cls.__name__].update(build_section(cls, definitions))
            return {"$ref": f"#/definitions/{cls.__name__}"}
        case ListOf(item):
            return {"type": "array", "items": build_hint(item, definitions)}
        case DictOf(item):
            return {"type": "object", "additionalProperties": build_hint(item, definitions)}
        case Choice(values):
            return build_choice({"enum": list(values)}, VARIABLE)
        case Single(kind, bounds):
            *_, json_type = SINGLE[kind]
            single: Schema = {"type": json_type, **{BOUNDS[sign]: bound for sign, bound in bounds}}
            return single if json_type in ("string", "null") else build_choice(single, VARIABLE)
    raise TypeError(form)


def build_choice(*choices: Schema) -> Schema:
    """Return a choice of schemas, with nested choices merged into it and duplicates removed."""
    flat: list[Schema] = []
    for choice in choices:
        flat.extend(one for one in choice.get("anyOf", [choice]) if one not in flat)
    return {"anyOf": flat}


def build_family(family: Family, definitions: dict[str, Schema]) -> Schema:
    """Return the schema of a component: its name alone, or one `name: {options}` or `name: value`."""
    key = next(name for name, one in FAMILIES.items() if one is family)
    if key not in definitions:
        definitions[key] = {}
        # Sorted by name, so that the file does not depend on the order of imports.
        members = dict(sorted(family.members.items()))
        alone = [name for name, cls in members.items() if not any(option.is_required for option in list_options(cls))]
        definitions[key].update(
            build_choice(
                *({"const": name, "description": get_summary(members[name])} for name in alone),
                {
                    "type": "object",
                    "properties": {name: build_member(name, cls, definitions) for name, cls in members.items()},
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": False,
                },
                VARIABLE,
            )
        )
    return {"$ref": f"#/definitions/{key}"}


def build_member(name: str, cls: type, definitions: dict[str, Schema]) -> Schema:
    """Return the schema of what follows the name of a component: its options, the value of the first, or nothing."""
    # An activation is a layer too, and is defined once.
    owner = [key for key, family in FAMILIES.items() if family.members.get(name) is cls][-1]
    place = f"{owner}.{name}"
    if place not in definitions:
        definitions[place] = {}
        section = build_section(cls, definitions)
        first, *others = list_options(cls) or (None,)
        forms = [section]
        if first is not None and not any(option.is_required for option in others):
            forms.append({"not": {"type": ["object", "null"]}, "allOf": [build_hint(first.hint, definitions)]})
        if "required" not in section:
            forms.append({"type": "null"})
        text = section.pop("description")
        definitions[place].update({"description": text, "anyOf": forms})
    return {"$ref": f"#/definitions/{place}"}

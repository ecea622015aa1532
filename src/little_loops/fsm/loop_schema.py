"""The JSON Schema of a loop file, for editors; made from the same field metadata that reads the file.

Pure. What a rule says about values that depend on each other is left to the rules, except which fields an
evaluator needs.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from little_loops.fsm.codec import Entry, Kind, entries
from little_loops.fsm.compilers import COMPILERS, TOOL_ACTIONS
from little_loops.fsm.schema import EVALUATOR_TYPES, EvaluateConfig, FSMLoop, StateConfig
from little_loops.fsm.validation.evaluators import EVALUATOR_REQUIRED_FIELDS, VALID_OPERATORS
from little_loops.fsm.validation.rule import NOTHING_KNOWN, Known

SCHEMA_ID = "little-loops://fsm-loop-schema.json"
SIMPLE: dict[Kind, list[str]] = {
    Kind.TEXT: ["string"],
    Kind.INT: ["integer"],
    Kind.NUMBER: ["number"],
    Kind.NUMBER_OR_TEXT: ["number", "string"],
    Kind.INT_OR_TEXT: ["integer", "string"],
    Kind.BOOL: ["boolean"],
    Kind.MAP: ["object"],
    Kind.LIST: ["array"],
}
TEXT_LIST = {"type": "array", "items": {"type": "string"}}
READ_BEFORE: dict[str, dict[str, Any]] = {
    "from": {"type": "string", "description": "The loop this one is laid over."},
    "import": {**TEXT_LIST, "description": "Libraries of fragments, later ones win."},
    "fragments": {
        "type": "object",
        "additionalProperties": {"type": "object"},
        "description": "Partial states by name, for `fragment:`.",
    },
    "flow": {**TEXT_LIST, "description": "States in a row: NAME, or NAME?AFTER_YES:AFTER_NO."},
    "state_defs": {
        "type": "object",
        "additionalProperties": {"$ref": "#/definitions/StateConfig"},
        "description": "The bodies of the states in `flow`.",
    },
}
TOOL = {
    "type": ["string", "object"],
    "properties": {
        "tool": {"type": "string", "description": "The command, or the prompt."},
        "action_type": {"type": "string", "enum": list(TOOL_ACTIONS), "description": "How it is run."},
    },
}
EVALUATOR_OPTION = {
    "type": "object",
    "description": "How a check is judged, where its exit code is not enough.",
    "properties": {
        "type": {"type": "string", "enum": list(EVALUATOR_TYPES), "description": "The evaluator."},
        "pattern": {"type": "string", "description": "A regular expression, or text that has to occur."},
        "operator": {"type": "string", "enum": sorted(VALID_OPERATORS), "description": "The comparison."},
        "target": {"type": ["number", "string"], "description": "What the value is compared with."},
    },
}
CHECK = {"type": "string", "description": "The command that checks; exit code 0 means yes."}
SHORT_FORMS: dict[str, dict[str, Any]] = {
    "goal": {"type": "string", "description": "goal: what shall be true."},
    "tools": {"type": "array", "items": TOOL, "description": "goal: the check, and the repair."},
    "evaluator": {**EVALUATOR_OPTION, "description": "goal: how the check is judged."},
    "check": {"type": "string", "description": "convergence: the command that prints a number."},
    "toward": {"type": ["number", "string"], "description": "convergence: the number to reach."},
    "using": {"type": "string", "description": "convergence: what brings it nearer."},
    "tolerance": {"type": ["number", "string"], "description": "convergence: how near is near enough."},
    "on_stall": {"type": "string", "description": "convergence: the state after a number that stands still."},
    "on_partial_target": {"type": "string", "description": "The state after the verdict partial."},
    "constraints": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["name", "check", "fix"],
            "properties": {
                "name": {"type": "string", "description": "The name of the law; its states are named by it."},
                "check": CHECK,
                "fix": {**TOOL, "description": "What is done when it does not hold."},
                "evaluator": EVALUATOR_OPTION,
            },
        },
        "description": "invariants: each with name, check and fix.",
    },
    "steps": {"type": "array", "items": TOOL, "description": "imperative: what is done, in order."},
    "until": {
        "type": "object",
        "required": ["check"],
        "properties": {"check": CHECK, "evaluator": EVALUATOR_OPTION},
        "description": "imperative: check, and evaluator.",
    },
}


def loop_schema(known: Known = NOTHING_KNOWN) -> dict[str, Any]:
    """The draft-07 schema of a loop file, with the names that plug-ins add."""
    definitions: dict[str, Any] = {}
    body = _object(FSMLoop, definitions)
    body["properties"] = {**body["properties"], **READ_BEFORE, **_short_forms(known)}
    body["properties"]["paradigm"]["enum"] = [*sorted(COMPILERS), None]
    del body["required"]
    _open_to_plug_ins(definitions, known)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": SCHEMA_ID,
        "title": "FSM Loop Definition",
        **body,
        "if": {"not": {"anyOf": [{"required": [key]} for key in ("from", "paradigm")]}},
        "then": {"required": ["name", "initial"]},
        "definitions": dict(sorted(definitions.items())),
    }


def _short_forms(known: Known) -> dict[str, Any]:
    forms = deepcopy(SHORT_FORMS)
    owners = (forms, forms["constraints"]["items"]["properties"], forms["until"]["properties"])
    for owner in owners:
        evaluator = owner["evaluator"] = deepcopy(owner["evaluator"])
        evaluator["properties"]["type"]["enum"] += sorted(known.evaluators)
    return forms


def _open_to_plug_ins(definitions: dict[str, Any], known: Known) -> None:
    state = definitions[StateConfig.__name__]["properties"]
    state["fragment"] = {"type": ["string", "null"], "description": "The fragment that fills this state."}
    state["action_type"]["enum"] += sorted(known.actions)
    evaluate = definitions[EvaluateConfig.__name__]
    evaluate["properties"]["type"]["enum"] += sorted(known.evaluators)
    evaluate["allOf"] = [
        {"if": {"properties": {"type": {"const": name}}}, "then": {"required": needed}}
        for name, needed in EVALUATOR_REQUIRED_FIELDS.items()
        if needed
    ]


def _object(cls: type[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "description": (cls.__doc__ or "").strip(),
        "properties": {},
        "additionalProperties": False,
    }
    required: list[str] = []
    for entry in entries(cls):
        match entry.key.kind:
            case Kind.VERDICTS:
                schema["patternProperties"] = {"^on_.": {"type": ["string", "null"]}}
            case Kind.ROUTES:
                schema["additionalProperties"] = {"type": "string"}
                schema["patternProperties"] = {"^_(?!error$).": False}
            case _:
                _put(schema["properties"], entry, _value(entry, definitions))
                required += [entry.steps[0]] if entry.key.required else []
    if required:
        schema["required"] = required
    return schema


def _put(properties: dict[str, Any], entry: Entry, schema: dict[str, Any]) -> None:
    for steps in (entry.steps, entry.alias):
        here = properties
        for step in steps[:-1]:
            nested = here.setdefault(step, {"type": "object", "properties": {}})
            here = nested["properties"]
        if steps:
            here[steps[-1]] = schema


def _value(entry: Entry, definitions: dict[str, Any]) -> dict[str, Any]:
    key = entry.key
    schema: dict[str, Any] = {**_shape(entry, definitions), "description": key.help}
    if not key.required and "type" in schema:
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        schema["type"] = [*types, "null"]
    if key.choices:
        schema["enum"] = [*key.choices] if key.required else [*key.choices, None]
    if key.minimum is not None:
        schema["minimum"] = key.minimum
    default = entry.default()
    if not key.required and isinstance(default, (bool, int, float, str)):
        schema["default"] = int(default) if type(default) not in (bool, int, float, str) else default
    if key.example is not None:
        schema["examples"] = [key.example]
    return schema


def _shape(entry: Entry, definitions: dict[str, Any]) -> dict[str, Any]:
    kind, of = entry.key.kind, entry.key.of
    if kind in SIMPLE:
        names = SIMPLE[kind]
        return {"type": names[0] if len(names) == 1 else list(names)}
    if kind is Kind.TEXTS:
        return {"type": "array", "items": {"type": "string"}}
    if kind is Kind.INTS:
        return {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1}
    if of is None:
        return {}
    if of.__name__ not in definitions:
        definitions[of.__name__] = {}
        definitions[of.__name__] = _object(of, definitions)
    reference = {"$ref": f"#/definitions/{of.__name__}"}
    if kind is Kind.MANY:
        return {"type": "array", "items": reference}
    if kind is Kind.NAMED:
        return {"type": "object", "additionalProperties": reference}
    return {"anyOf": [reference, {"type": "null"}]}

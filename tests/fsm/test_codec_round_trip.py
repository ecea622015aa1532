"""Objects of the language become mappings and come back equal; nothing is written that is a default."""

from __future__ import annotations

import dataclasses
import json
import typing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from little_loops.fsm import schema
from little_loops.fsm.codec import Entry, Kind, entries
from little_loops.fsm.load import load_text
from little_loops.fsm.schema import (
    EvaluateConfig,
    FSMLoop,
    LearningConfig,
    LLMConfig,
    LoopConfigOverrides,
    RouteConfig,
    StateConfig,
    TargetStateSpec,
    ThrottleConfig,
    definition_text,
    digest,
)

CLASSES = [
    schema.FSMLoop,
    schema.StateConfig,
    schema.EvaluateConfig,
    schema.RouteConfig,
    schema.ParameterSpec,
    schema.ThrottleConfig,
    schema.LearningConfig,
    schema.LLMConfig,
    schema.LoopConfigOverrides,
    schema.CommandEntry,
    schema.TargetFileSpec,
    schema.TargetStateSpec,
    schema.BudgetConfig,
    schema.CircuitConfig,
    schema.RepeatedFailure,
]

words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
names = st.from_regex(r"[a-z][a-z0-9-]{0,6}", fullmatch=True)
verdicts = names.filter(lambda name: f"on_{name}" not in {"on_yes", "on_no"})
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.floats(-9, 9) | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2),
    max_leaves=3,
)
BY_KIND: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.TEXT: words.filter(bool),
    Kind.INT: st.integers(-5, 10_000),
    Kind.NUMBER: st.integers(-5, 1000) | st.floats(-5, 1000),
    Kind.NUMBER_OR_TEXT: st.integers(-5, 5) | st.floats(-5, 5) | words,
    Kind.INT_OR_TEXT: st.integers(-5, 5) | words,
    Kind.BOOL: st.booleans(),
    Kind.MAP: st.dictionaries(names, plain, max_size=3),
    Kind.LIST: st.lists(plain, max_size=3),
    Kind.TEXTS: st.lists(words, max_size=3),
    Kind.INTS: st.lists(st.integers(-3, 900), max_size=3),
    Kind.ANY: plain,
    Kind.VERDICTS: st.dictionaries(names.map(lambda name: f"v-{name}"), names, max_size=2),
    Kind.ROUTES: st.dictionaries(names, names, max_size=3),
}


def held_by(entry: Entry) -> st.SearchStrategy[Any]:
    key = entry.key
    if key.kind is Kind.ONE:
        assert key.of is not None
        made = objects(key.of)
        # An empty block of overrides says nothing, so it is not written.
        return made.filter(lambda held: held.to_dict() != {}) if key.of is LoopConfigOverrides else made
    if key.kind is Kind.MANY:
        assert key.of is not None
        return st.lists(objects(key.of), max_size=2)
    if key.kind is Kind.NAMED:
        assert key.of is not None
        return st.dictionaries(names, objects(key.of), max_size=3)
    return BY_KIND[key.kind]


def objects(cls: type[Any]) -> st.SearchStrategy[Any]:
    required = {e.attribute: held_by(e) for e in entries(cls) if e.key.required}
    optional = {e.attribute: held_by(e) for e in entries(cls) if not e.key.required}
    return st.fixed_dictionaries(required, optional=optional).map(lambda given: cls(**given))


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_an_object_comes_back_equal(cls: type[Any]) -> None:
    @settings(max_examples=60, deadline=None)
    @given(objects(cls))
    def there_and_back(made: Any) -> None:
        written = made.to_dict()
        assert cls.from_dict(written) == made
        assert cls.from_dict(json.loads(json.dumps(written))).to_dict() == written

    there_and_back()


@settings(max_examples=60, deadline=None)
@given(objects(FSMLoop))
def test_a_definition_keeps_its_digest_on_the_way_to_disk_and_back(loop: FSMLoop) -> None:
    stored = json.loads(definition_text(loop))
    assert digest(FSMLoop.from_dict(stored)) == digest(loop)
    assert len(digest(loop)) == 16


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_annotations_and_metadata_agree(cls: type[Any]) -> None:
    fits = {
        Kind.TEXT: str,
        Kind.INT: int,
        Kind.NUMBER: float,
        Kind.BOOL: bool,
        Kind.MAP: dict,
        Kind.TEXTS: list,
        Kind.INTS: list,
        Kind.LIST: list,
        Kind.NAMED: dict,
        Kind.MANY: list,
        Kind.VERDICTS: dict,
        Kind.ROUTES: dict,
    }
    hints = typing.get_type_hints(cls)
    for entry in entries(cls):
        named = {typing.get_origin(t) or t for t in typing.get_args(hints[entry.attribute])} or {
            typing.get_origin(hints[entry.attribute]) or hints[entry.attribute]
        }
        named |= {typing.get_origin(hints[entry.attribute])}
        wanted = entry.key.of if entry.key.kind is Kind.ONE else fits.get(entry.key.kind)
        if wanted is not None:
            assert wanted in named, f"{cls.__name__}.{entry.attribute}"
        assert entry.key.help.endswith("."), f"{cls.__name__}.{entry.attribute}"


def test_objects_are_frozen() -> None:
    state = StateConfig(action="x")
    with pytest.raises(dataclasses.FrozenInstanceError):
        state.action = "y"  # type: ignore[misc]
    assert dataclasses.replace(state, action="y").action == "y"


def test_a_loop_of_defaults_is_three_keys() -> None:
    assert FSMLoop("n", "i", {}).to_dict() == {"name": "n", "initial": "i", "states": {}}
    assert StateConfig().to_dict() == {}
    assert LLMConfig().to_dict() == {}
    assert EvaluateConfig("exit_code").to_dict() == {"type": "exit_code"}
    assert LearningConfig().to_dict() == {"targets": [], "max_retries": 2}


def test_positional_arguments_keep_their_order() -> None:
    loop = FSMLoop("n", "i", {}, "about", {"k": 1}, {}, ["src"], 7, 8, 1.5, 60, 30, True)
    assert (loop.description, loop.context, loop.scope) == ("about", {"k": 1}, ["src"])
    assert (loop.max_iterations, loop.max_edge_revisits, loop.backoff) == (7, 8, 1.5)
    assert (loop.timeout, loop.default_timeout, loop.maintain) == (60, 30, True)
    assert RouteConfig({"a": "b"}, "c", "d").to_dict() == {"a": "b", "_": "c", "_error": "d"}


def test_older_names_are_read_and_newer_ones_written() -> None:
    state = StateConfig.from_dict({"on_success": "a", "on_failure": "b"})
    assert (state.on_yes, state.on_no, state.on_success, state.on_failure) == ("a", "b", "a", "b")
    assert state.to_dict() == {"on_yes": "a", "on_no": "b"}


def test_the_newer_name_wins_unless_it_is_empty() -> None:
    assert StateConfig.from_dict({"on_yes": "new", "on_success": "old"}).on_yes == "new"
    assert StateConfig.from_dict({"on_yes": "", "on_success": "old"}).on_yes == "old"


def test_any_other_verdict_is_a_route_of_its_own() -> None:
    state = StateConfig.from_dict({"on_done": "x", "tools": [], "type": "t"})
    assert state.extra_routes == {"done": "x"}
    assert list(state.to_dict()) == ["tools", "on_done", "type"]


def test_keys_whose_names_are_no_attribute_names() -> None:
    assert StateConfig.from_dict({"with": {"a": 1}}).with_ == {"a": 1}
    assert TargetStateSpec.from_dict({"name": "n", "examples_file": "f", "eval": "e"}).eval_fragment == "e"
    nested = {
        "commands": {"confidence_gate": {"readiness_threshold": 80}},
        "automation": {"max_continuations": 2},
    }
    made = LoopConfigOverrides.from_dict(nested)
    assert (made.readiness_threshold, made.max_continuations) == (80, 2)
    assert made.to_dict() == nested


def test_the_older_home_of_max_continuations_is_read() -> None:
    made = LoopConfigOverrides.from_dict({"continuation": {"max_continuations": 4}})
    assert made.to_dict() == {"automation": {"max_continuations": 4}}


def test_an_empty_throttle_is_written_because_it_means_something() -> None:
    state = StateConfig.from_dict({"throttle": {}})
    assert state.throttle == ThrottleConfig()
    assert state.to_dict() == {"throttle": {}}


def test_step_cap_and_lap_cap() -> None:
    assert (FSMLoop("n", "i", {}, max_iterations=7).step_cap, FSMLoop("n", "i", {}).lap_cap) == (7, None)
    both = FSMLoop.from_dict(
        {"name": "n", "initial": "i", "states": {}, "max_steps": 9, "max_iterations": 50}
    )
    assert (both.step_cap, both.lap_cap) == (9, 50)
    assert FSMLoop.from_dict(both.to_dict()).lap_cap == 50
    alone = FSMLoop.from_dict({"name": "n", "initial": "i", "states": {}, "max_steps": 9})
    assert (alone.step_cap, alone.lap_cap) == (9, None)
    assert dataclasses.replace(alone, name="m").lap_cap is None


def test_failure_ends() -> None:
    end = StateConfig(terminal=True)
    loop = FSMLoop(
        "n",
        "i",
        {
            "done": end,
            "failed": end,
            "error": StateConfig(action="x"),
            "bad": StateConfig(terminal=True, failure=True),
            "aborted": StateConfig(terminal=True, failure=False),
        },
    )
    names = [name for name in loop.states if loop.is_failure(name)]
    assert names == ["failed", "bad"]


def test_from_dict_names_every_mistake() -> None:
    with pytest.raises(ValueError, match=r"states\.a\.evaluate: .*'type'.*\nmax_iterations: "):
        FSMLoop.from_dict(
            {"name": "n", "initial": "a", "max_iterations": "many", "states": {"a": {"evaluate": {}}}}
        )
    with pytest.raises(ValueError, match="'initial' is missing"):
        FSMLoop.from_dict({"name": "n", "states": {}})


@pytest.mark.parametrize("word", ["yes", "Yes", "ON", "true"])
def test_words_of_older_yaml_are_booleans_where_one_is_expected(word: str) -> None:
    text = f"name: n\ndescription: d\nscope: [.]\ninitial: a\nstates:\n  a: {{terminal: {word}}}\n"
    result = load_text(text)
    assert result.require().states["a"].terminal is True
    assert [d.code for d in result.warnings] == ([] if word == "true" else ["LL124"])


def test_an_object_does_not_hold_on_to_the_file_it_came_from() -> None:
    text = "name: n\ninitial: a\ncontext: {deep: {list: [{x: 1}]}}\nstates: {a: {terminal: true}}\n"
    deep = load_text(text).require().context["deep"]
    assert [type(deep), type(deep["list"]), type(deep["list"][0])] == [dict, list, dict]


def test_verdicts_named_yes_and_no_need_no_quotes() -> None:
    text = "name: n\ninitial: a\nstates:\n  a: {action: x, route: {yes: b, no: a}}\n  b: {terminal: true}\n"
    state = load_text(text).require().states["a"]
    assert state.route == RouteConfig({"yes": "b", "no": "a"})

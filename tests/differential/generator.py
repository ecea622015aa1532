"""Random valid loops in random scripted worlds, from one number each, rich enough to reach every rule often.

Plain ``random.Random``: a case is its number, for ever. Everything made here is JSON, so that a case can be
printed, cut down by hand and kept as a test.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

State = dict[str, Any]
OPERATORS = ("eq", "ne", "lt", "le", "gt", "ge")
TOKENS = ("alpha", "beta", "gamma", "yes", "no", "error", "success", "maintain", "_odd", "partial")
VERDICTS = ("yes", "no", "partial", "blocked", "error", "alpha", "yes_uncertain", "cannot_judge")
MARKED = ("CONTEXT_HANDOFF: go on", "FATAL_ERROR: broken", "LOOP_STOP:", "LOOP_STOP: enough")
NEARLY_MARKED = (
    "see CONTEXT_HANDOFF: x",
    " FATAL_ERROR: x",
    "FATAL_ERROR:",
    "CONTEXT_HANDOFF:   ",
    "LOOP_STOP",
)
ENV = {"LL_ONE": "1", "LL_WORD": "word", "LL_TOKEN": "1"}


@dataclass
class Case:
    """One run to be compared."""

    number: int
    loops: dict[str, dict[str, Any]]
    script: dict[str, Any]
    root: str = "l0"
    context: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = {"number": self.number, "loops": self.loops, "script": self.script}
        parts |= {"context": self.context, "options": self.options}
        return json.dumps(parts, indent=1, ensure_ascii=False)


def make(number: int) -> Case:
    """The case of this number."""
    return Maker(number).case()


class Maker:
    """Draws one case."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.rng = random.Random(number)
        self.answers: dict[str, list[dict[str, Any]]] = {}
        self.targets: dict[str, list[str]] = {}
        self.loops: dict[str, dict[str, Any]] = {}
        self.provider_trouble = self.chance(0.35)
        self.watched = False
        self.storm = self.provider_trouble and self.chance(0.15)

    # --- dice ------------------------------------------------------------------------------------------

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    def one(self, *of: Any) -> Any:
        return self.rng.choice(of)

    def int(self, low: int, high: int) -> int:
        return self.rng.randint(low, high)

    # --- the whole -------------------------------------------------------------------------------------

    def case(self) -> Case:
        count = self.rng.choices((1, 2, 3), (45, 35, 20))[0]
        for level in reversed(range(count)):
            self.loops[f"l{level}"] = Loop(self, level, count).make()
        script: dict[str, Any] = {
            "answers": self.answers,
            "opinions": [self.opinion() for _ in range(8)],
            "tree": [self.one("a", "a", "a", "b", "c", {"error": "no git"}) for _ in range(8)],
            "history": [self.history() for _ in range(8)],
            "learning": self.targets,
            "env": ENV,
        }
        script["progress"] = [self.one("p", "p", "q") for _ in range(9)]
        if self.chance(0.2):
            script["pid"] = None
        if self.chance(0.12) and not self.watched:
            script["stop"] = {"at": self.int(1, 14), "signal": self.one("SIGINT", "SIGTERM")}
            script["stop"] |= self.one({}, {"between": True})
        return Case(self.number, self.loops, script, options=self.options(), context=self.given())

    def options(self) -> dict[str, Any]:
        out: dict[str, Any] = {}
        if self.chance(0.06):
            out["max_iterations"] = self.int(1, 8)
        if self.chance(0.04):
            out["timeout"] = self.int(1, 12)
        if self.chance(0.04):
            out["backoff"] = self.one(0.2, 1.5, 3)
        if self.chance(0.04):
            out["no_llm"] = True
        if self.chance(0.04):
            out["on_handoff"] = self.one("pause", "spawn", "terminate")
        if self.chance(0.04):
            out["max_edge_revisits"] = self.int(1, 3)
        if self.chance(0.25):
            out["resumes"] = self.int(1, 2)
        return out

    def given(self) -> dict[str, Any]:
        return {"n": self.one("4", "7")} if self.chance(0.1) else {}

    # --- the world -------------------------------------------------------------------------------------

    def opinion(self) -> dict[str, Any]:
        if self.provider_trouble and self.chance(0.3):
            kind = self.one("rate_limit", "server", "network", "server")
            return {
                "verdict": "error",
                "details": {"error": kind},
                "failure": kind,
                "usage": self.usage() | {"seconds": 0.04},
            }
        usage = self.usage() | {"seconds": self.one(0.1, 1.5)}
        details: dict[str, Any] = {"confidence": self.one(0.2, 0.9), "reason": "so it seems"}
        if self.chance(0.05):
            details |= {"type": "clash", "progress": 1}
        verdict = self.rng.choices(VERDICTS, (8, 8, 3, 3, 2, 2, 1, 5))[0]
        return {"verdict": verdict, "details": details, "duration_ms": self.int(0, 900), "usage": usage}

    def usage(self) -> dict[str, Any]:
        return {
            "input_tokens": self.int(0, 40),
            "output_tokens": self.int(0, 20),
            "cost_usd": self.one(0, 0.1, 0.25),
        }

    def history(self) -> Any:
        if self.chance(0.1):
            return {"error": "unreadable"}
        return [self.one(1, 1.2, 2, 3.5, 0) for _ in range(self.int(0, 5))]

    def script(self, label: str, text: Callable[[], str], *, trouble: bool, marks: bool) -> None:
        """Answers for one action; provider trouble comes in bursts."""
        answers: list[dict[str, Any]] = []
        for _ in range(self.int(1, 5)):
            if trouble and self.chance(0.9 if self.storm else 0.35):
                kind = self.one("rate_limit", "rate_limit", "server", "network")
                answers += [
                    self.limited(kind) for _ in range(self.int(2, 12) if self.storm else self.int(1, 5))
                ]
            answers.append(self.answer(text, marks))
        self.answers[label] = answers

    def limited(self, kind: str) -> dict[str, Any]:
        ms = self.int(0, 200)
        return {"exit_code": 1, "stderr": "later", "duration_ms": ms, "failure": kind, "usage": self.usage()}

    def answer(self, text: Callable[[], str], marks: bool) -> dict[str, Any]:
        if self.chance(0.03):
            return {"raises": "cannot start", "duration_ms": 0}
        out: dict[str, Any] = {"stdout": text(), "duration_ms": self.int(0, 1800)}
        codes = (0, 1, 2, 124, 127, -9, -15)
        out["exit_code"] = self.rng.choices(codes, (62, 22, 5, 3, 2, 2, 1))[0]
        out["usage"] = self.usage()
        if out["exit_code"] == 124:
            out["timeout_kind"] = self.one("wall", "idle")
        if self.chance(0.2):
            out["stderr"] = "warning\n"
        if marks and self.chance(0.15):
            out["stdout"] = f"one\n{self.one(*MARKED, *NEARLY_MARKED)}\n{out['stdout']}"
            out["stdout"] += self.one("", "\nFATAL_ERROR: later", "\nCONTEXT_HANDOFF: later\n")
        return {key: value for key, value in out.items() if value not in ("", None)}

    # --- outputs ---------------------------------------------------------------------------------------

    def plain(self) -> str:
        return str(
            self.one("", "ok\n", "one\ntwo\n", "no newline", "  \n", "tail  \t\nend\n\n", "\u00e9\u4e2d\n")
        )

    def numeric(self) -> str:
        return str(self.one("3\n", " 5 \n", "2", "4", "7\n", "-1.5\n", "1e1", self.odd_number()))

    def odd_number(self) -> str:
        return str(self.one("5%\n", "", "inf", "nan", "1_0", "4\n4\n", "\u0663"))

    def keyed(self) -> str:
        return str(self.one("score = 3\n", "score=1 score = 5", "none", "myscore=-2.5", "score: 3"))

    def document(self) -> str:
        good = self.one('{"a": {"b": 5}}', '{"a": {"b": 1}}', '{"a": [1, {"b": 5}]}', "[5]")
        return str(self.one(good, good, '{"a": {"b": "x"}}', '{"a":{"b":true}}', "oops"))

    def tokens(self) -> str:
        return str(
            self.one(
                "alpha\n", "beta\n\n", "x\n yes \n", "", "\n \n", "maintain\n", "success", "_odd", "zeta"
            )
        )

    def envelope(self) -> str:
        return str(
            self.one(
                '{"isError": false}', '{"isError": true, "x": 1}', "", "junk", "[1]", '{"isError": "no"}'
            )
        )


class Loop:
    """Draws one loop; calls only loops of a deeper level."""

    def __init__(self, maker: Maker, level: int, count: int) -> None:
        self.maker, self.level, self.count = maker, level, count
        self.chance, self.one, self.int = maker.chance, maker.one, maker.int
        self.name = f"l{level}"
        self.work = [f"s{n}" for n in range(self.int(1, 5 if level == 0 else 3))]
        self.ends = maker.rng.sample(["done", "failed", "aborted", "finish"], self.int(1, 2))
        self.captures: list[str] = []

    def make(self) -> dict[str, Any]:
        states: dict[str, State] = {}
        for state in self.work:
            states[state] = self.state(state)
        for state in self.ends:
            states[state] = self.terminal()
        initial = "s0" if self.chance(0.97) else self.ends[0]
        out: dict[str, Any] = {"name": self.name, "initial": initial, "states": states}
        out["context"] = {"n": 3, "word": "w", "goto": self.one(*self.work, *self.ends), "flag": True}
        out["context"] |= {"none": None, "ratio": 1.5, "child": f"l{self.level + 1}", "many": [1, "a"]}
        if self.level and self.chance(0.5):
            out["parameters"] = {"p": self.parameter()} if self.chance(0.5) else {}
            out["parameters"]["q"] = {"type": "string", "default": "dq"}
        self.limits(out)
        return out

    def parameter(self) -> dict[str, Any]:
        kind = self.one("integer", "integer", "number", "boolean", "string", "enum", "path")
        more = {"values": [3, "w", "other"]} if kind == "enum" else {}
        return {"type": kind, **more, **({"required": True} if self.chance(0.7) else {})}

    def limits(self, out: dict[str, Any]) -> None:
        """Caps and switches of the loop; a deeper loop is kept short."""
        top = (18, 6, 4)[self.level]
        if self.chance(0.15):
            out["max_steps"] = self.int(1, top)
            if self.chance(0.5):
                out["max_iterations"] = self.int(1, 3)
        else:
            out["max_iterations"] = self.int(1, 3) if self.chance(0.1) else self.int(top // 2, top)
        for key, p, draw in (
            ("max_edge_revisits", 0.25, lambda: self.int(1, 3)),
            ("timeout", 0.15, lambda: self.int(1, 8)),
            ("backoff", 0.1, lambda: self.one(0.1, 0.5, 2)),
            ("maintain", 0.15, lambda: True),
            ("on_handoff", 0.3, lambda: self.one("pause", "spawn", "terminate")),
            ("exit_code_gate", 0.1, lambda: True),
            ("budget", 0.1, self.budget),
            ("lenient_shell_vars", 0.2, lambda: True),
            ("llm", 0.05, lambda: {"enabled": False}),
            ("circuit", 0.2, self.circuit),
        ):
            if self.chance(p):
                out[key] = draw()

    def budget(self) -> dict[str, Any]:
        draws: dict[str, Any] = {
            "agent_calls": self.int(1, 5),
            "tokens": self.int(20, 150),
            "usd": self.one(0.2, 0.5, 1),
            "seconds": self.one(0.5, 1, 3, 5),
        }
        keys = self.maker.rng.sample(list(draws), self.int(1, 2))
        return {key: draws[key] for key in keys}

    def circuit(self) -> dict[str, Any]:
        block: dict[str, Any] = {"window": self.int(2, 3)}
        if self.chance(0.5):
            block["on_repeated_failure"] = self.one("abort", self.target_state())
        if self.chance(0.3):
            block["recurrent_window"] = self.int(2, 4)
        if self.chance(0.3):
            block["progress_paths"] = ["notes"]
            self.maker.watched = True
        return {"repeated_failure": block}

    def terminal(self) -> State:
        out: State = {"terminal": True}
        if self.chance(0.15):
            out["failure"] = self.one(True, False)
        if self.chance(0.4):
            out["on_maintain"] = self.target_state()
        return out

    # --- targets -----------------------------------------------------------------------------------------

    def target_state(self) -> str:
        return str(self.one(*self.work, *self.work, *self.ends))

    def target(self) -> str:
        if self.chance(0.12):
            return "$current"
        if self.chance(0.03):
            return str(
                self.one(
                    "${context.goto}", "${context.gone:default=s0}", "${context.gone}", "${context.word}"
                )
            )
        return self.target_state()

    def maybe(self, state: State, key: str, p: float) -> None:
        if self.chance(p):
            state[key] = self.target()

    # --- states ------------------------------------------------------------------------------------------

    def state(self, name: str) -> State:
        kinds = {
            self.evaluated: 46,
            self.prompted: 18,
            self.unconditional: 14,
            self.bare: 5,
            self.decision: 8,
            self.tool: 4,
            self.learning: 3,
            self.sub_loop: 22 if self.level + 1 < self.count else 1,
        }
        if self.maker.storm:
            kinds = {self.prompted: 5, self.unconditional: 1, self.decision: 1}
        draw = self.maker.rng.choices(list(kinds), list(kinds.values()))[0]
        state = draw(name)
        if "action" in state and self.chance(0.35):
            state["capture"] = f"c{self.int(0, 2)}"
            self.captures.append(state["capture"])
        if self.chance(0.15) and "loop" not in state:
            state |= {"max_retries": self.int(1, 2), "on_retry_exhausted": self.target()}
        return state

    def label(self, name: str) -> str:
        return f"{self.name}__{name}"

    def evaluated(self, name: str) -> State:
        """A shell action and an evaluator."""
        state = self.shell(name)
        config, text = self.evaluator()
        if config:
            state["evaluate"] = config
        self.extras(state)
        self.script(name, state, text)
        self.routes(state, config)
        return state

    def prompted(self, name: str) -> State:
        """An agent action, judged by a judge or by an evaluator."""
        state = self.prompt(name)
        config, text = (None, self.maker.plain) if self.chance(0.5) else self.evaluator()
        if config:
            state["evaluate"] = config
        elif self.chance(0.3):
            state["evaluate"] = {"type": "llm_structured", "prompt": "Is it good?"}
            if self.chance(0.1):
                state["evaluate"]["prompt"] = self.one(
                    "${context.gone}", "Is ${context.n}?", "${prev.output}"
                )
        self.extras(state)
        self.limits_of_provider(state)
        self.script(name, state, text)
        self.routes(state, config)
        return state

    def unconditional(self, name: str) -> State:
        state: State = {}
        if self.chance(0.8):
            state = self.shell(name) if self.chance(0.6) else self.prompt(name)
            self.extras(state)
            self.limits_of_provider(state)
            self.script(name, state, self.maker.plain)
        state["next"] = self.target()
        self.maybe(state, "on_error", 0.6)
        return state

    def bare(self, name: str) -> State:
        state: State = {"on_yes": self.target()}
        self.maybe(state, "on_no", 0.3)
        return state

    def decision(self, name: str) -> State:
        """Judges a text that another state left behind."""
        config, _ = self.evaluator()
        config = config or {"type": "exit_code"}
        if self.chance(0.15):
            config = {"type": "llm_structured", "prompt": "And this?"}
        if self.captures and self.chance(0.7):
            config["source"] = f"${{captured.{self.one(*self.captures)}.output:default=5}}"
        else:
            config["source"] = self.one(
                "${prev.output?}", "${context.n}", "${context.ratio}", "${state.iteration}"
            )
        state: State = {"evaluate": config}
        self.limits_of_provider(state)
        self.routes(state, config)
        return state

    def tool(self, name: str) -> State:
        state: State = {"action_type": "mcp_tool", "action": f"server/{self.label(name)}"}
        state["params"] = {"a": self.one("${context.n}", "x", 5, "${context.gone}", ["${context.word}"])}
        self.script(name, state, self.maker.envelope)
        if self.chance(0.7):
            state["route"] = {"success": self.target(), "tool_error": self.target()}
            if self.chance(0.5):
                state["route"]["_"] = self.target()
        else:
            state |= {"on_tool_error": self.target(), "on_timeout": self.target(), "on_yes": self.target()}
        self.maybe(state, "on_error", 0.4)
        return state

    def learning(self, name: str) -> State:
        targets = [f"api{n}" for n in range(self.int(1, 2))]
        for target in targets:
            self.maker.targets[target] = [self.one("missing", "stale", "proven", "refuted") for _ in range(4)]
        self.maker.script("/ll:explore-api", self.maker.plain, trouble=False, marks=True)
        state: State = {"type": "learning", "learning": {"targets": targets, "max_retries": self.int(0, 2)}}
        state |= {"on_yes": self.target(), "on_blocked": self.target()}
        self.maybe(state, "on_error", 0.5)
        return state

    def sub_loop(self, name: str) -> State:
        child = f"l{self.level + 1}"
        state: State = {
            "loop": self.one(child, child, child, "${context.child}", "nowhere", "${context.gone}")
        }
        self.bindings(state, self.maker.loops.get(child, {}).get("parameters", {}))
        if self.chance(0.4):
            state["capture"] = f"g{name}"
        if self.chance(0.3):
            state["route"] = self.table(("yes", "no", "error", "success", "failure"))
        else:
            for key, p in (("on_yes", 0.95), ("on_no", 0.9), ("on_error", 0.5)):
                self.maybe(state, key, p)
            state.setdefault("on_yes", self.target())
        return state

    def bindings(self, state: State, parameters: Mapping[str, Any]) -> None:
        if "p" in parameters and self.chance(0.9):
            odd = self.one(
                "${prev.exit_code}", "${context.gone}", "${context.n}0", "w", "x ${context.n}", True, 1.5
            )
            state["with"] = {"p": self.one(3, "${context.n}", "${context.flag}", "${context.word}", odd)}
            if self.chance(0.1):
                state["with"]["r"] = "not declared"
        elif parameters and self.chance(0.5):
            state["with"] = {
                "q": self.one("lit", "${context.word}", "a ${prev.output?}", "${captured.c0.output?}")
            }
        elif self.chance(0.4):
            state["context_passthrough"] = True

    # --- parts of a state ----------------------------------------------------------------------------------

    def shell(self, name: str) -> State:
        """Only values that an author wrote stand in a shell text: how data is placed is tested elsewhere."""
        words = self.one(
            "", " ${context.n}", " ${context.word} x", " '${context.flag}'", " ${context.none}", " $${x}"
        )
        if self.chance(0.03):
            words = self.one(" ${context.gone}", " ${HOME}", " ${HOME}")
        state: State = {"action": f"act {self.label(name)}{words}"}
        if self.chance(0.15):
            state["signals"] = True
        if self.chance(0.2):
            state["action_type"] = "shell"
        return state

    def prompt(self, name: str) -> State:
        label = self.label(name)
        state: State = {"action": f"/ask {label}{self.asked()}"}
        if self.chance(0.3):
            state = {
                "action": f"Please {label}{self.asked()}",
                "action_type": self.one("prompt", "slash_command"),
            }
        return state

    def asked(self) -> str:
        out = ""
        for _ in range(self.int(0, 3)):
            out += " " + self.one(
                "${context.n}",
                "${context.many}",
                "${prev.output:default=none yet}",
                "[${prev.exit_code?}|${prev.state?}|${prev.verdict?}|${prev.timeout_kind?}]",
                "${state.name}#${state.iteration}",
                "${loop.name} ${loop.elapsed_ms} ${loop.elapsed}",
                "${loop.started_at}",
                "${env.LL_ONE}",
                "${context.q:default=no q} ${context.p?}",
                "$${literal}",
                "${context.word:shell}",
                "${loop.continuation?}",
            )
        if self.captures and self.chance(0.5):
            name = self.one(*self.captures)
            out += f" ${{captured.{name}.{self.one('output', 'stderr', 'exit_code', 'duration_ms')}?}}"
        if self.chance(0.15):
            state = self.one(*self.work)
            out += f" ${{captured.g{state}.output?}} ${{captured.{state}.c0.output?}} ${{context.c0?}}"
        if self.chance(0.04):
            out += self.one(
                "${captured.never.output}", "${env.LL_GONE}", "${result.verdict}", "${context.gone}"
            )
        return out

    def extras(self, state: State) -> None:
        if self.chance(0.12):
            state["throttle"] = self.one({}, {"warn_max": 2, "hard_max": 3}, {"normal_max": 1, "hard_max": 2})
            self.maybe(state, "on_throttle_hard", 0.5)
        if self.chance(0.06):
            state["exit_code_gate"] = self.one(True, False)
        if self.chance(0.06):
            state["type"] = "learning"

    def limits_of_provider(self, state: State) -> None:
        """Waits short enough for a test, unless the built-in ones are wanted."""
        if not self.maker.provider_trouble or self.chance(0.05):
            return
        state["rate_limit_backoff_base_seconds"] = self.int(1, 4)
        state["rate_limit_long_wait_ladder"] = self.one([1], [2, 5], [1, 70, 130])
        state["rate_limit_max_wait_seconds"] = self.int(1, 9) if self.maker.storm else self.int(1, 90)
        if self.chance(0.7):
            state |= {"max_rate_limit_retries": self.int(1, 2), "on_rate_limit_exhausted": self.target()}

    def script(self, name: str, state: State, text: Callable[[], str]) -> None:
        prompt = state["action"].startswith("/") or state.get("action_type") in ("prompt", "slash_command")
        trouble = prompt and self.maker.provider_trouble
        marks = prompt or bool(state.get("signals")) or self.chance(0.1)
        self.maker.script(self.label(name), text, trouble=trouble, marks=marks)

    # --- evaluators ----------------------------------------------------------------------------------------

    def evaluator(self) -> tuple[dict[str, Any] | None, Callable[[], str]]:
        maker = self.maker
        sign = self.one(*OPERATORS)
        numbers = (
            3,
            5,
            2,
            "${context.n}",
            "${context.ratio}",
            self.one("five", "${context.gone}", "${env.LL_ONE}", "${env.LL_TOKEN}"),
        )
        table: list[tuple[int, dict[str, Any] | None, Callable[[], str]]] = [
            (20, None, maker.plain),
            (6, {"type": "exit_code"}, maker.plain),
            (8, {"type": "output_numeric", "operator": sign, "target": self.one(*numbers)}, maker.numeric),
            (3, {"type": "output_numeric", "operator": sign, "target": 3, "key": "score"}, maker.keyed),
            (6, self.json_config(sign), maker.document),
            (8, self.contains_config(), maker.plain),
            (8, self.convergence_config(), maker.numeric),
            (3, {"type": "diff_stall", "max_stall": self.int(1, 2)}, maker.plain),
            (4, {"type": "mcp_result"}, maker.envelope),
            (4, {"type": "harbor_scorer"}, maker.numeric),
            (8, {"type": "classify", "line": self.one("last", "first", 0, 1, -1, 7)}, maker.tokens),
            (
                3,
                {
                    "type": "score_stall",
                    "max_stall": self.int(1, 2),
                    "epsilon": self.one(0.5, 1),
                    "history_file": "h",
                },
                maker.plain,
            ),
            (5, self.action_stall_config(), maker.plain),
        ]
        _, config, text = maker.rng.choices(table, [row[0] for row in table])[0]
        return (dict(config) if config else None), text

    def json_config(self, sign: str) -> dict[str, Any]:
        path = self.one("a.b", "a.b", "a.b", ".a.b", "a.1.b", "0", "a", "..a")
        return {"type": "output_json", "path": path, "operator": sign, "target": self.one(5, 1, "x", "5")}

    def contains_config(self) -> dict[str, Any]:
        out: dict[str, Any] = {"type": "output_contains"}
        out["pattern"] = self.one("ok", "^two", "(?m)^two", "a*b[", "o[kn]", "end\\n*$", "\u4e2d")
        if self.chance(0.3):
            out["negate"] = True
        if self.chance(0.3):
            out["error_patterns"] = self.one(["two"], ["absent", "one"])
        return out

    def convergence_config(self) -> dict[str, Any]:
        out: dict[str, Any] = {
            "type": "convergence",
            "target": self.one(0, 3, 5, "${context.n}", "${context.n}"),
        }
        if self.chance(0.05):
            out["target"] = "${context.gone}"
        if self.chance(0.7):
            out["previous"] = self.one("${prev.output}", "4", "${captured.c0.output}")
        if self.chance(0.4):
            out["tolerance"] = self.one(0.5, 2, "${context.ratio}", "wide")
        if self.chance(0.4):
            out["direction"] = "maximize"
        return out

    def action_stall_config(self) -> dict[str, Any]:
        out: dict[str, Any] = {"type": "action_stall", "max_repeat": self.int(1, 2)}
        if self.chance(0.6):
            out["track"] = self.one(["action"], ["prev.output"], ["captured.c0.output", "n"], ["nothing"])
        return out

    # --- routing -------------------------------------------------------------------------------------------

    def routes(self, state: State, config: Mapping[str, Any] | None) -> None:
        words: tuple[str, ...] = VERDICTS
        if config and config["type"] == "classify":
            words = TOKENS
        elif config and config["type"] == "convergence":
            words = ("target", "progress", "stall", "error")
        elif config and config["type"] == "mcp_result":
            words = ("success", "tool_error", "not_found", "timeout")
        if self.chance(0.35):
            state["route"] = self.table(words)
            self.maybe(state, "on_error", 0.2)
        else:
            self.shorthand(state, words)
        if config and config["type"] == "classify" and self.chance(0.1):
            state["route"] = {"yes": "${result.details.token}", "_": self.one(*self.work)}

    def table(self, words: tuple[str, ...]) -> dict[str, str]:
        keys = [word for word in words if self.chance(0.6) and not word.startswith("_")]
        keys += [key for key in ("success", "failure") if self.chance(0.08)]
        keys += [key for key, p in (("_", 0.8), ("_error", 0.4)) if self.chance(p)]
        return {key: self.target() for key in dict.fromkeys(keys)} or {"_": self.target()}

    def shorthand(self, state: State, words: tuple[str, ...]) -> None:
        for key, p in (("on_yes", 0.95), ("on_no", 0.94), ("on_error", 0.78), ("on_partial", 0.6)):
            self.maybe(state, key, p)
        for word in words:
            if word not in ("yes", "no", "error", "partial", "success", "maintain") and word[0] != "_":
                self.maybe(state, f"on_{word}", 0.8)
        state.setdefault("on_yes", self.target())

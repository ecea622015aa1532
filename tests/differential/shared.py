"""Random loops in the part of the language where the older tool and this one are meant to agree.

Shell actions only. Left out on purpose, because the two differ there by decision: markers, provider limits,
the built-in throttle, the order of the caps and the terminal, tables with both ``_`` and ``_error``, old
words as table keys, ``$current`` outside verdict routes, killed ``next`` states, unmatched verdicts in
maintain mode, children that end well in a state not called ``done``, evaluators that cannot judge.
"""

from __future__ import annotations

import random
from typing import Any

from tests.differential.generator import Case
from tests.differential.world import World
from tests.reference import Execution, execute

State = dict[str, Any]


def make_shared(number: int) -> tuple[Case, Execution]:
    """The case of this number and its naive run; a case that hits a known difference is drawn again."""
    for turn in range(100):
        case = Shared(number * 100 + turn).case()
        run = execute(case.loops, case.root, World(case.script))
        if not differs_by_decision(case, run):
            return case, run
    raise AssertionError("no case in a hundred is free of known differences")


def differs_by_decision(case: Case, run: Execution) -> bool:
    """Whether the run hits on something that is told otherwise on purpose.

    A terminal reached with the last permitted step, and a maintained loop that lost its way.
    """
    for event in run.events:
        if event["event"] == "loop_complete":
            loop = next(loop for loop in case.loops.values() if event["final_state"] in loop["states"])
            late = event["iterations"] >= loop["max_iterations"]
            if event["terminated_by"] == "terminal" and late:
                return True
            if loop.get("maintain") and event["terminated_by"] == "error":
                return True
    return False


class Shared:
    """Draws one case."""

    def __init__(self, number: int) -> None:
        self.number, self.rng = number, random.Random(number)
        self.answers: dict[str, list[dict[str, Any]]] = {}

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    def one(self, *of: Any) -> Any:
        return self.rng.choice(of)

    def case(self) -> Case:
        loops = {"l0": self.loop("l0", child="l1" if self.chance(0.5) else None)}
        loops["l1"] = self.loop("l1", child=None)
        return Case(self.number, loops, {"answers": self.answers, "echoes": True})

    def loop(self, name: str, child: str | None) -> dict[str, Any]:
        """States are named after their loop, so that a name belongs to one loop only."""
        root = name == "l0"
        self.name = name
        self.work = [f"{name}s{n}" for n in range(self.rng.randint(2, 6 if root else 3))]
        self.ends = [f"{name}end", f"{name}stuck"] if root else ["done", "failed"]
        states = {state: self.state(state, child) for state in self.work}
        states |= {state: {"terminal": True} for state in self.ends}
        out: dict[str, Any] = {"name": name, "description": "a case", "initial": self.work[0]}
        out["states"] = states
        out["max_iterations"] = self.rng.randint(4, 20) if root else self.rng.randint(2, 6)
        out["max_edge_revisits"] = self.rng.randint(2, 6)
        out["context"] = {"n": 3, "word": "w"}
        if root and self.chance(0.1):
            out |= {"maintain": True, "max_edge_revisits": 100, "max_iterations": self.rng.randint(4, 9)}
        return out

    def target(self) -> str:
        return str(self.one(*self.work, *self.ends))

    def state(self, name: str, child: str | None) -> State:
        if child and self.chance(0.3):
            state: State = {"loop": child, "on_yes": self.target(), "on_no": self.target()}
            if self.chance(0.5):
                state["on_error"] = self.target()
            if self.chance(0.3):
                state["with"] = {"word": self.one("v", "${context.word}x")}
            return state
        kind = self.rng.random()
        if kind < 0.08:
            return {"on_yes": self.target()}
        state = {"action": f"bash act {name}__{name}{self.words()}"}
        if self.chance(0.5):
            state["capture"] = "c"
        if kind < 0.3:
            self.script(name, ["out\n", "", "two words\n", '{"a": "b"}', "$(x) `y` \\ *\n"])
            if self.chance(0.85):
                state["action"] = f"bash act {name}__{name} echo {self.data()}"
            state["next"] = self.target()
        else:
            self.judged(name, state)
        if self.chance(0.5):
            state["on_error"] = self.target()
        if self.chance(0.2):
            state |= {"max_retries": self.rng.randint(1, 2), "on_retry_exhausted": self.one(*self.ends)}
        return state

    def words(self) -> str:
        if self.chance(0.03):
            return " ${captured.gone.output}"
        return str(self.one("", " ${context.n}", " ${context.word} $${HOME}"))

    def data(self) -> str:
        """Values of a run where both tools make one word of them: what was printed stands in quotes."""
        seen = self.one("${captured.c.output}", "${prev.output}", "${prev.output}", "${context.word}")
        number = self.one("${prev.exit_code}", "${captured.c.exit_code}", "${state.iteration}")
        return f"'{seen}' {number} {self.one('', '${prev.state}', '${context.n}', '${loop.name}')}"

    def judged(self, name: str, state: State) -> None:
        config, outputs = self.evaluator()
        if config:
            state["evaluate"] = config
            if self.chance(0.1):
                state["evaluate"] = {**config, "source": self.one("5", "${context.n}")}
        self.script(name, outputs)
        words = (
            ["target", "progress", "stall"] if config and config["type"] == "convergence" else ["yes", "no"]
        )
        if self.chance(0.4):
            state["route"] = {word: self.routed() for word in words if self.chance(0.8)}
            state["route"][self.one("_", "_error")] = self.routed()
        else:
            state |= {f"on_{word}": self.routed() for word in words if self.chance(0.95)}
            state.setdefault(f"on_{words[0]}", self.target())

    def routed(self) -> str:
        return "$current" if self.chance(0.1) else self.target()

    def evaluator(self) -> tuple[State | None, list[str]]:
        sign = self.one("eq", "ne", "lt", "le", "gt", "ge")
        document = {"type": "output_json", "path": self.one("a.b", ".a.b", "a.1", "x"), "operator": sign}
        document["target"] = self.one(5, "x")
        converge = {
            "type": "convergence",
            "target": self.one(0, 5, "${context.n}"),
            "previous": "${prev.output}",
        }
        if self.chance(0.4):
            converge |= {"tolerance": 1, "direction": "maximize"}
        contains = {"type": "output_contains", "pattern": self.one("ok", "^two", "(?m)^two", "a*b[", "o[kn]")}
        if self.chance(0.3):
            contains["negate"] = True
        numbers = ["3\n", " 5 \n", "2", "-1.5\n", "1e1"]
        table: list[tuple[int, State | None, list[str]]] = [
            (6, None, ["ok\n", "", "one\ntwo  \n"]),
            (3, {"type": "exit_code"}, ["ok\n", "\n\n"]),
            (4, {"type": "output_numeric", "operator": sign, "target": self.one(3, "${context.n}")}, numbers),
            (4, document, ['{"a": {"b": 5}}', '{"a": [1, 5]}', '{"a": {"b": "x"}}', "oops"]),
            (4, contains, ["ok\n", "one\ntwo\n", "", "x a*b[ y"]),
            (3, converge, numbers),
            (1, {"type": "harbor_scorer"}, ["0.5\n", "abc", ""]),
        ]
        row = self.rng.choices(table, [row[0] for row in table])[0]
        return (dict(row[1]) if row[1] else None), row[2]

    def script(self, name: str, outputs: list[str]) -> None:
        self.answers[f"{name}__{name}"] = [
            {"stdout": self.one(*outputs), "exit_code": self.rng.choices((0, 1, 2), (6, 3, 1))[0]}
            for _ in range(self.rng.randint(1, 4))
        ]

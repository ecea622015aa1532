"""Files that are large on purpose: the loader stays quick and the list of findings stays readable."""

from __future__ import annotations

import time

import pytest

from little_loops.fsm.load import load_text

OPENING = "name: x\ndescription: d\nscope: [.]\ninitial: s0\nstates:\n  done: {terminal: true}\n"


def states(count: int, body: str) -> str:
    return OPENING + "".join(f"  s{i}: {body.format(i=i, j=i + 1)}\n" for i in range(count))


@pytest.mark.parametrize(
    "text",
    [
        states(4000, "{{action: x, next: t{j}}}"),
        states(4000, "{{action: x, next: '${{captured.x.output}}'}}"),
        states(3000, "{{action: 'echo ${{captured.s{i}.output}}', capture: s{j}, next: s{j}}}"),
        states(4000, "{{actoin: x, nxet: s{j}}}"),
        OPENING + "  s0:\n    next: done\n" + "".join(f"    on_{i}: done\n" for i in range(15000)),
        OPENING + "  s0: {next: done}\n" + "".join(f"zz{i}: 1\n" for i in range(40000)),
        OPENING
        + "  s0:\n    next: done\n    evaluate: {type: output_numeric, operator: lt, target: 0}\n"
        + "    action: |\n"
        + "      "
        + "expr " * 100_000
        + "\n",
        OPENING + "  s0:\n    next: done\n    action: |\n" + "      echo ${NAME}\n" * 30_000,
        OPENING
        + "  s0:\n    next: done\n    action_type: prompt\n    action: |\n"
        + "      ${a b.c}\n" * 30_000,
    ],
    ids=["targets", "dynamic", "captures", "keys", "verdicts", "top", "counter", "lines", "malformed"],
)
def test_a_large_file_is_judged_quickly(text: str) -> None:
    started = time.monotonic()
    result = load_text(text)
    assert result.loop is not None
    assert len(result.diagnostics) < 3000
    assert time.monotonic() - started < 15

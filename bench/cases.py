"""The cases. Each returns rows: a goal, what was measured, both times. A missed goal is a row like others."""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import projects
from timing import DidNotRun, Paired, Took, in_turn, run, synced_writes

STEP = "echo step"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. ``goal`` is an upper bound of ``measured``, in the unit that ``what`` names."""

    what: str
    goal: float | None
    measured: float | None
    ours: str = ""
    theirs: str = ""
    note: str = ""

    @property
    def met(self) -> bool | None:
        if self.goal is None or self.measured is None:
            return None
        return self.measured <= self.goal


@dataclass(slots=True)
class Setting:
    """Where the measuring happens, and what earlier cases left for later ones."""

    root: Path
    environments: Path
    quick: bool = False
    made: dict[str, Path] = field(default_factory=dict)

    @property
    def ours(self) -> str:
        return str(self.environments / "ours" / "bin" / "ll-loop")

    @property
    def peer(self) -> str:
        return str(self.environments / "peers" / "bin" / "ll-loop")

    @property
    def peer_python(self) -> str:
        return str(self.environments / "peers" / "bin" / "python")

    @property
    def our_python(self) -> str:
        return str(self.environments / "ours" / "bin" / "python")

    def rounds(self, many: int) -> int:
        return 2 if self.quick else many

    def steps(self, many: int) -> int:
        return max(100, many // 10) if self.quick else many

    def projects(self, name: str) -> tuple[Path, Path]:
        """Two equal projects, one for each program, so that neither sees what the other left behind."""
        if name in self.made:
            mine = self.made[name]
        else:
            mine = self.made[name] = projects.project(self.root, f"{name}-ours")
            projects.project(self.root, f"{name}-peer")
        return mine, mine.with_name(f"{name}-peer")


def against_peer(
    setting: Setting, what: str, goal: float | None, name: str, *argv: str, rounds: int = 11
) -> Row:
    mine, other = setting.projects(name)
    paired = in_turn(
        lambda: run([setting.ours, *argv], mine).seconds,
        lambda: run([setting.peer, *argv], other).seconds,
        setting.rounds(rounds),
    )
    return row(what, goal, paired, "little-loops")


def row(what: str, goal: float | None, paired: Paired, peer: str, note: str = "") -> Row:
    return Row(what, goal, paired.ratio, seconds(paired.ours), f"{seconds(paired.theirs)} ({peer})", note)


def seconds(value: float) -> str:
    if value < 0.001:
        return f"{value * 1e6:.0f} us"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def help_page(setting: Setting) -> list[Row]:
    return [against_peer(setting, "`--help`, ratio to little-loops", 0.20, "empty", "--help")]


def validate(setting: Setting) -> list[Row]:
    for folder in setting.projects("validate"):
        projects.write_loop(folder, "large", projects.many_states(48))
    what = "`validate` of a loop with 48 states, ratio to little-loops"
    return [against_peer(setting, what, 0.35, "validate", "validate", "large")]


def list_files(setting: Setting) -> list[Row]:
    for folder in setting.projects("list"):
        for i in range(110):
            projects.write_loop(folder, f"loop-{i:03}", projects.many_states(8))
    return [against_peer(setting, "`list` of 110 files, ratio to little-loops", 0.10, "list", "list")]


def validate_files(setting: Setting) -> list[Row]:
    """All loops of a project: one command here, one for each file there, since it takes no folder."""
    count = setting.steps(110)
    mine, other = setting.projects("files")
    for folder in (mine, other):
        for i in range(count):
            projects.write_loop(folder, f"loop-{i:03}", projects.many_states(8))
    each = 'for f in .loops/*.yaml; do "$0" validate "$f" >/dev/null; done'
    ours = statistics.median(run([setting.ours, "validate", ".loops"], mine).seconds for _ in range(3))
    theirs = run(["bash", "-c", each, setting.peer], other).seconds
    what = f"validating a folder of {count} files, ratio to little-loops"
    return [
        Row(what, 0.10, ours / theirs, seconds(ours), f"{seconds(theirs)} (little-loops)", "one run of it")
    ]


def shell_steps(setting: Setting) -> list[Row]:
    count, rounds = setting.steps(1000), setting.rounds(5)
    mine, other = setting.projects("steps")
    for durability in ("relaxed", "step"):
        body = projects.ping_pong(count, STEP, more=f"durability: {durability}\n")
        projects.write_loop(mine, durability, body)
    projects.write_loop(other, "step", projects.ping_pong(count, STEP))
    floor_script = f"for i in $(seq {count}); do bash -c '{STEP}'; done"

    def floor() -> float:
        return run(["bash", "-c", floor_script], mine).seconds

    def ours(durability: str) -> float:
        return run([setting.ours, "run", durability, "--quiet"], mine, codes=(1,)).seconds

    relaxed = in_turn(lambda: ours("relaxed"), floor, rounds)
    step = in_turn(lambda: ours("step"), lambda: floor() + synced_writes(mine, count), rounds)
    peer_argv = [setting.peer, "run", "step", "--quiet"]
    peer = in_turn(lambda: ours("step"), lambda: run(peer_argv, other, codes=(0, 1)).seconds, rounds)
    graph = in_turn(lambda: ours("step"), lambda: langgraph(setting, count, STEP), rounds)
    return [
        row(f"{count} shell steps, `relaxed`, ratio to a bash loop", 1.25, relaxed, "bash"),
        row(
            f"{count} shell steps, `step`, ratio to a bash loop and as many fdatasyncs",
            1.25,
            step,
            "bash + sync",
        ),
        row(f"{count} shell steps, `step`, ratio to little-loops", 0.50, peer, "little-loops"),
        row(f"{count} shell steps, `step`, ratio to LangGraph with SQLite", None, graph, "LangGraph"),
    ]


def langgraph(setting: Setting, count: int, command: str) -> float:
    database = setting.root / "langgraph.db"
    for path in setting.root.glob("langgraph.db*"):
        path.unlink()
    script = str(Path(__file__).with_name("langgraph_steps.py"))
    return run([setting.peer_python, script, str(count), str(database), command], setting.root).seconds


def transitions(setting: Setting) -> list[Row]:
    """Our engine and journal with a mock action, against what one costs the peer beyond its shell."""
    count, rounds = setting.steps(1000), setting.rounds(5)
    _, other = setting.projects("transitions")
    for name, steps in (("few", 2), ("many", count)):
        projects.write_loop(other, name, projects.ping_pong(steps, STEP))
    floor_script = f"for i in $(seq {count}); do bash -c '{STEP}'; done"

    def peer() -> float:
        argv = [setting.peer, "run", "--quiet"]
        whole, few = (run([*argv, name], other, codes=(0, 1)).seconds for name in ("many", "few"))
        shell = run(["bash", "-c", floor_script], other).seconds
        return max(1e-9, (whole - few - shell) / count)

    rows = []
    for durability, goal in (("step", 0.20), ("relaxed", 0.05)):
        paired = in_turn(lambda d=durability: mock_steps(setting, count, d), peer, rounds)  # type: ignore[misc]
        what = (
            f"engine and journal for one transition with a mock action, `{durability}`, ratio to little-loops"
        )
        rows.append(
            row(what, goal, paired, "little-loops", "its step less the same shell command run by bash")
        )
    paired = in_turn(
        lambda: mock_steps(setting, count, "relaxed"), lambda: langgraph(setting, count, "") / count, rounds
    )
    what = "the same, `relaxed`, ratio to a LangGraph step with SQLite (whole process)"
    return [*rows, row(what, None, paired, "LangGraph")]


def mock_steps(setting: Setting, count: int, durability: str, *, capture: int = 0) -> float:
    """Seconds for one transition of our engine with a mock action; the script prints them."""
    script = str(Path(__file__).with_name("mock_steps.py"))
    folder = str(setting.root / "mock")
    argv = [setting.our_python, script, str(count), durability, folder, str(capture)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=setting.root)
    if done.returncode != 0:
        raise DidNotRun(f"mock_steps.py: {done.stderr[-400:]}")
    return float(done.stdout)


def long_runs(setting: Setting) -> list[Row]:
    """What a step costs late in a long run, against a run of 100 steps."""
    long = setting.steps(10_000)
    with_capture = setting.steps(2000)
    what = "cost of a step in a run of {} steps, ratio to a run of 100 steps"
    reading = ", a 1 MB capture of step 1 read by every step"
    return [
        late_and_early(what.format(long), whole_run(setting, long), setting.rounds(5)),
        late_and_early(what.format(with_capture) + reading, whole_run(setting, with_capture, 1_000_000), 3),
        late_and_early(
            what.format(long) + reading + ", mock action", mock_run(setting, long), setting.rounds(5)
        ),
    ]


def late_and_early(what: str, measure: Callable[[], tuple[float, float]], rounds: int) -> Row:
    measured = [measure() for _ in range(rounds)]
    late, early = (statistics.median(part) for part in zip(*measured, strict=True))
    ratio = statistics.median(a / b for a, b in measured)
    return Row(what, 1.10, ratio, seconds(late), seconds(early))


def whole_run(setting: Setting, long: int, capture: int = 0) -> Callable[[], tuple[float, float]]:
    """Measures a step of a long and of a short run, each less the start of the program and the first step."""
    mine, _ = setting.projects(f"long{capture}")
    for name, steps in (("one", 2), ("short", 102), ("long", long + 2)):
        body = projects.ping_pong(steps, ":", more="durability: relaxed\n", capture_bytes=capture)
        projects.write_loop(mine, name, body)

    def measure() -> tuple[float, float]:
        one, short = (
            statistics.median(timed(setting, mine, name) for _ in range(5)) for name in ("one", "short")
        )
        return (timed(setting, mine, "long") - one) / long, (short - one) / 100

    return measure


def mock_run(setting: Setting, long: int) -> Callable[[], tuple[float, float]]:
    def measure() -> tuple[float, float]:
        short = statistics.median(mock_steps(setting, 100, "relaxed", capture=1_000_000) for _ in range(5))
        return mock_steps(setting, long, "relaxed", capture=1_000_000), short

    return measure


def timed(setting: Setting, folder: Path, name: str) -> float:
    return run([setting.ours, "run", name, "--quiet"], folder, codes=(1,)).seconds


def many_lines(setting: Setting) -> list[Row]:
    few, many = setting.steps(100_000), setting.steps(1_000_000)
    mine, other = setting.projects("lines")
    for folder, counts in ((mine, (few, many)), (other, (few,))):
        for count in counts:
            projects.write_loop(folder, f"lines-{count}", projects.lines(count))
    took: list[Took] = []

    def ours(count: int) -> float:
        took.append(run([setting.ours, "run", f"lines-{count}", "--quiet"], mine))
        return took[-1].seconds

    reading = "for l in subprocess.Popen(['seq', sys.argv[1]], stdout=-1, text=True).stdout: l.rstrip()"
    bare = [setting.our_python, "-c", f"import subprocess, sys\n{reading}", str(many)]
    reader = in_turn(lambda: ours(many), lambda: run(bare, mine).seconds, setting.rounds(5))
    most = max(each.megabytes for each in took)
    mine_few = ours(few)
    peer = run([setting.peer, "run", f"lines-{few}", "--quiet"], other).seconds
    what = f"{few} lines of output, ratio to little-loops (it needs minutes for a million)"
    return [
        Row(
            what,
            0.30,
            mine_few / peer,
            seconds(mine_few),
            f"{seconds(peer)} (little-loops)",
            "one run of each",
        ),
        row(
            f"{many} lines of output, ratio to a Python loop that only reads them", None, reader, "no engine"
        ),
        Row(f"memory of a run with {many} lines of output, MB", 40, most, f"{most:.0f} MB"),
    ]


def memory(setting: Setting) -> list[Row]:
    mine, other = setting.projects("memory")
    for folder in (mine, other):
        projects.write_loop(folder, "hundred", projects.ping_pong(100, STEP))
    ours = run([setting.ours, "run", "hundred", "--quiet"], mine, codes=(1,)).megabytes
    peer = run([setting.peer, "run", "hundred", "--quiet"], other, codes=(0, 1)).megabytes
    return [
        Row("memory of a run of 100 steps, MB", 45, ours, f"{ours:.0f} MB", f"{peer:.0f} MB (little-loops)")
    ]


def status(setting: Setting) -> list[Row]:
    mine, other = setting.projects("status")
    steps = setting.steps(9_000)  # five to six records a step: more than 50,000 events
    for folder in (mine, other):
        projects.write_loop(folder, "long", projects.ping_pong(steps, ":"))
    run([setting.ours, "run", "long", "--quiet"], mine, codes=(1,))
    run([setting.peer, "run", "long", "--quiet"], other, codes=(0, 1))
    return [
        against_peer(
            setting,
            "`status` of a run with 50,000 events, ratio to little-loops",
            0.10,
            "status",
            "status",
            "long",
        )
    ]


CASES: dict[str, Callable[[Setting], list[Row]]] = {
    "help": help_page,
    "validate": validate,
    "list": list_files,
    "validate-files": validate_files,
    "steps": shell_steps,
    "transitions": transitions,
    "long": long_runs,
    "lines": many_lines,
    "memory": memory,
    "status": status,
}

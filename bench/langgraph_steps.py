"""N steps of a LangGraph graph with its SQLite saver, run in the Python of the peers; prints the seconds."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph


class State(TypedDict):
    step: int
    output: str


def main() -> None:
    count, database, command = int(sys.argv[1]), sys.argv[2], sys.argv[3]

    def work(state: State) -> State:
        said = "ok"
        if command:
            said = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True).stdout
        return {"step": state["step"] + 1, "output": said}

    graph = StateGraph(State)
    graph.add_node("work", work)
    graph.add_edge(START, "work")
    graph.add_conditional_edges("work", lambda state: END if state["step"] >= count else "work")
    with SqliteSaver.from_conn_string(database) as saver:
        compiled = graph.compile(checkpointer=saver)
        began = time.perf_counter()
        compiled.invoke(
            {"step": 0, "output": ""},
            {"configurable": {"thread_id": "bench"}, "recursion_limit": count + 10},
        )
        print(time.perf_counter() - began)


main()

"""Agent actions on a command line host: what it says line by line, what it used, how it failed.

An answer is never made up: a call that ends without its host's account of it has failed, whatever its exit
code, and what an agent says is never searched for failures.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from little_loops.hosts.failures import AUTH
from little_loops.hosts.messages import Account, Called, Denied, Message, Noise, Said
from little_loops.hosts.request import AgentRequest
from little_loops.hosts.table import Host
from little_loops.machine.effects import (
    ActionResult,
    Done,
    Effect,
    End,
    Failed,
    Failure,
    PermissionAnswered,
    Process,
    Report,
    RunAction,
    Spawned,
    Stopped,
    Text,
    ToolCalled,
)
from little_loops.process import Finished, Identity, Limits, SpawnFailed, Stop
from little_loops.runners.calls import Call, Place, session_log
from little_loops.runners.output import ActionOutput, stem
from little_loops.runners.substitution import with_values


class AgentRunner:
    """Performs ``RunAction`` of mode ``prompt`` on one host.

    Args:
        host: the agent.
        place: where it runs.
    """

    def __init__(self, host: Host, place: Place) -> None:
        self._host = host
        self._place = place

    def perform(self, effect: Effect, stop: Stop) -> Iterator[Report | End]:
        """Make the call; reports, then ``Done``, ``Stopped`` or ``Failed``.

        Raises:
            WriteFailed: the disk refused the output; the agent has been ended.
        """
        if not isinstance(effect, RunAction):
            raise TypeError(f"not an action: {effect!r}")
        invocation = self._host.invocation(self._request(effect))
        limits = Limits(effect.timeout_s, effect.idle_s, effect.seconds, self._place.grace_s)
        command = self._place.command(invocation, effect)
        call = Call(self._host, command, limits, f"{stem(effect)}.stream")
        output, account = ActionOutput(self._place.folder, effect), Account()
        for note in invocation.notes:
            output.read("err", f"[host] {note}\n".encode())
        with contextlib.closing(output):
            try:
                yield from self._converse(call, account, output, stop)
            except SpawnFailed as error:
                yield Failed(f"{error.text}; install it: {self._host.install}")

    def _request(self, effect: RunAction) -> AgentRequest:
        return AgentRequest(
            with_values(Text(effect.action, effect.env), self._place.env),
            effect.permissions,
            effect.model,
            effect.agent,
            effect.tools,
            None if effect.reserved is None else effect.reserved.usd,
        )

    def _converse(
        self, call: Call, account: Account, output: ActionOutput, stop: Stop
    ) -> Iterator[Report | End]:
        parts = call.parts(self._place, stop)
        # Closed before the output: the process first, then the files that it fills.
        with contextlib.closing(parts):
            for part in parts:
                match part:
                    case Identity():
                        yield Spawned(Process(part.pid, part.pgid, part.started, part.boot))
                    case bytes():
                        output.read("err", part)
                    case Finished():
                        yield from self._ended(part, account, output)
                    case _:
                        yield from _reported(part, account, output)
                if account.refusal is not None and not isinstance(part, Finished):
                    break
        if account.refusal is not None and account.end is None:
            yield self._not_let_in(account, account.refusal)

    # --- the end

    def _ended(self, finished: Finished, account: Account, output: ActionOutput) -> Iterator[Report | End]:
        if account.refusal is not None and account.end is None:
            return
        last = output.finish()
        if last is not None:
            yield last
        failed = account.failed(finished.exit_code)
        if failed and finished.cause is None:
            told = account.complaint() or self._unexplained(finished, account)
            output.read("err", f"[result] {told}\n".encode("utf-8", "replace"))
        result = self._result(finished, account, output)
        if finished.cause is not None:
            yield Stopped(finished.stop_cause or finished.cause, result)
            return
        failure = account.failure(result.stderr) if failed else None
        if failure is not None and failure.kind == AUTH and failure.source == "host":
            yield self._not_let_in(account, failure, finished.duration_ms)
            return
        yield Done(replace(result, failure=failure))

    def _unexplained(self, finished: Finished, account: Account) -> str:
        if account.end is None:
            return f"{self._host.name} ended without an answer"
        return f"{self._host.name} ended with exit code {finished.exit_code} after its answer"

    def _result(self, finished: Finished, account: Account, output: ActionOutput) -> ActionResult:
        kind = finished.cause if finished.cause != "stop" else None
        code = finished.exit_code
        if code == 0 and account.failed(0):
            code = 1
        result = output.result(code, finished.duration_ms, kind)
        # The line end after the last line is ours, so that lines are told as soon as they are complete.
        ours = result.output.endswith("\n")
        return replace(
            result,
            output=result.output.removesuffix("\n"),
            exact=result.exact - {"output"} if ours else result.exact,
            usage=self._place.usage(self._host, account, finished.duration_ms / 1000),
            session_id=account.session_id,
            session_jsonl=session_log(self._host, account.session_id, self._place),
        )

    def _not_let_in(self, account: Account, failure: Failure, duration_ms: int = 0) -> Failed:
        status = "" if failure.status is None else f" ({failure.status})"
        told = account.complaint()
        said = f", it says: {told}" if told else ""
        usage = self._place.usage(self._host, account, duration_ms / 1000)
        return Failed(
            f"{self._host.name} is not let in by its provider{status}{said}; {self._host.login}", usage
        )


def _reported(message: Message, account: Account, output: ActionOutput) -> Iterator[Report]:
    if not account.take(message):
        return
    match message:
        case Said(text) | Noise(text):
            lines = output.read("out", f"{text}\n".encode("utf-8", "replace"))
            if lines is not None:
                yield lines
        case Called(tool, summary):
            yield ToolCalled(tool, summary)
        case Denied(tool, rule, request):
            yield PermissionAnswered(tool, "denied", rule, request)
        case _:
            pass

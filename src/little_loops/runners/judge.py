"""Judgements by a model: one call without tools and without permissions, its answer checked.

Whatever goes wrong becomes the verdict ``error`` with its reason; a judge never says ``yes`` by accident.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from little_loops.hosts.messages import Account
from little_loops.hosts.request import AgentRequest, Form
from little_loops.hosts.table import Host
from little_loops.machine.effects import Effect, End, Judge, Judged, Process, Report, Spawned, Stopped
from little_loops.process import Finished, Identity, Limits, SpawnFailed, Stop
from little_loops.runners import judgement
from little_loops.runners.calls import Call, Place
from little_loops.runners.lines import Value
from little_loops.runners.output import FOLDER, create, write_failed
from little_loops.runners.progress import fingerprint

_STREAM = 1 << 20
_STDERR = 64 << 10
_ERROR = 200
_PREVIEW = 300


@dataclass(slots=True)
class _Heard:
    """All that came of one call."""

    account: Account
    stderr: Value
    finished: Finished | None = None

    @property
    def seconds(self) -> float:
        return 0.0 if self.finished is None else self.finished.duration_ms / 1000


class JudgeRunner:
    """Performs ``Judge`` on one host.

    Args:
        host: who judges.
        place: where it runs.
    """

    def __init__(self, host: Host, place: Place) -> None:
        self._host = host
        self._place = place

    def perform(self, effect: Effect, stop: Stop) -> Iterator[Report | End]:
        """Ask; reports, then ``Judged``, or ``Stopped`` when a stop was requested.

        Raises:
            WriteFailed: the disk refused the stream; the judge has been ended.
        """
        if not isinstance(effect, Judge):
            raise TypeError(f"not a judgement: {effect!r}")
        progress = fingerprint(effect.progress_paths, effect.exclude_paths, self._place.cwd or ".")
        prompt = judgement.question(effect, lambda: secrets.token_hex(8))
        details: dict[str, Any] = {"llm_model": effect.model, "llm_prompt": prompt[: judgement.SHOWN]}
        with self._form(effect) as form:
            invocation = self._host.invocation(
                AgentRequest(prompt, "read", effect.model, usd=_usd(effect), form=form)
            )
            seconds = None if effect.reserved is None else effect.reserved.seconds
            limits = Limits(effect.timeout_s, None, seconds, self._place.grace_s)
            command = self._place.command(invocation, effect)
            call = Call(self._host, command, limits, f"{_stem(effect)}.stream")
            try:
                heard = yield from self._converse(call, stop)
            except SpawnFailed as error:
                missing = {"error": f"{error.text}; install it: {self._host.install}"}
                yield Judged("error", {**missing, "missing_dependency": True, **details}, progress=progress)
                return
        finished = heard.finished
        if finished is not None and finished.cause == "stop":
            yield Stopped(finished.stop_cause or "stop")
            return
        stream = self._stream(call.stream)
        verdict, found, failed = self._judged(effect, heard, stream)
        failure = heard.account.failure(heard.stderr.text()) if failed else None
        details["llm_latency_ms"] = round(heard.seconds * 1000)
        details["llm_raw_output"] = (_answer_text(heard.account) or stream)[: judgement.SHOWN]
        usage = self._place.usage(self._host, heard.account, heard.seconds)
        yield Judged(verdict, {**found, **details}, usage, failure, progress)

    def _converse(self, call: Call, stop: Stop) -> Generator[Report, None, _Heard]:
        heard = _Heard(Account(), Value(_STDERR))
        parts = call.parts(self._place, stop)
        with contextlib.closing(parts):
            for part in parts:
                match part:
                    case Identity():
                        yield Spawned(Process(part.pid, part.pgid, part.started, part.boot))
                    case bytes():
                        heard.stderr.feed(part)
                    case Finished():
                        heard.finished = part
                    case _:
                        heard.account.take(part)
                if heard.account.refusal is not None and heard.finished is None:
                    break
        return heard

    # --- what the answer is worth

    def _judged(self, effect: Judge, heard: _Heard, stream: str) -> tuple[str, dict[str, Any], bool]:
        """Verdict, details, and whether the call itself failed."""
        account, finished = heard.account, heard.finished
        stderr = heard.stderr.text().strip()
        if account.refusal is not None or finished is None:
            return "error", {"error": f"{self._host.name} is not let in; {self._host.login}", **_API}, True
        if finished.cause is not None:
            limit = effect.timeout_s if finished.cause == "wall" else finished.duration_ms / 1000
            return "error", {"error": f"the judge took longer than {limit:g} s", "timeout": True}, False
        if finished.exit_code == 0 and not stream.strip():
            told = f": {stderr[:_ERROR]}" if stderr else ""
            return "error", {"error": f"the judge said nothing{told}", "empty_output": True}, False
        whole = None if account.end is not None else judgement.envelope(stream)
        if whole is not None:
            self._take(account, whole)
        if finished.exit_code != 0 or (account.end is not None and not account.end.ok):
            told = account.complaint() or stderr[-_ERROR:] or f"exit code {finished.exit_code}"
            return "error", {"error": told[:_ERROR], **_API}, True
        answer = self._answer(account, whole)
        if answer is None:
            preview = (_answer_text(account) or stream)[:_PREVIEW]
            return (
                "error",
                {"error": "the judge's answer is not of the asked form", "raw_preview": preview},
                False,
            )
        return *judgement.verdict_of(effect, answer), False

    def _take(self, account: Account, whole: Mapping[str, Any]) -> None:
        import json

        for message in self._host.read(json.dumps({"type": "result", **whole})):
            account.take(message)

    def _answer(self, account: Account, whole: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        if account.end is not None:
            found = judgement.answer_in(account.end.structured, _answer_text(account))
            if found is not None:
                return found
        return whole if whole is not None and "verdict" in whole else None

    # --- files

    @contextlib.contextmanager
    def _form(self, effect: Judge) -> Iterator[Form]:
        """The schema, in a file too while the call lasts."""
        schema = judgement.schema_of(effect)
        path = os.path.abspath(os.path.join(self._place.folder, f"{_stem(effect)}.schema.json"))
        try:
            with open(create(path), "w", encoding="utf-8") as file:
                file.write(schema)
        except OSError as error:
            raise write_failed(path, error) from error
        try:
            yield Form(schema, path)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(path)

    def _stream(self, name: str) -> str:
        try:
            with open(os.path.join(self._place.folder, name), "rb") as file:
                return file.read(_STREAM).decode("utf-8", "replace")
        except FileNotFoundError:
            return ""


_API = {"api_error": True}


def _stem(effect: Judge) -> str:
    attempt = f"-{effect.attempt}" if effect.attempt > 1 else ""
    return f"{FOLDER}/{effect.step:04d}-judge{attempt}"


def _usd(effect: Judge) -> float | None:
    return None if effect.reserved is None else effect.reserved.usd


def _answer_text(account: Account) -> str | None:
    return (account.end.text if account.end is not None else None) or account.said

"""The stop token: heard by whoever waits, safe in a signal handler, hard at the second request."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time

from little_loops.process import StopToken, wait


def test_a_wait_ends_at_the_request_and_not_before() -> None:
    stop = StopToken()
    began = time.monotonic()
    assert not stop.wait(0.2)
    assert 0.19 < time.monotonic() - began < 1
    threading.Timer(0.2, stop.request, ("SIGTERM",)).start()
    assert stop.wait(30)
    assert wait(stop, None)
    assert (stop.cause, stop.hard) == ("SIGTERM", False)
    assert time.monotonic() - began < 3
    stop.close()


def test_the_first_request_names_the_cause_and_the_second_is_hard() -> None:
    stop = StopToken()
    poller = select.poll()
    poller.register(stop.fileno(), 0)
    stop.request("SIGINT")
    assert not poller.poll(0)
    stop.request("SIGTERM")
    stop.request("SIGTERM")
    assert poller.poll(0)
    assert (stop.cause, stop.hard) == ("SIGINT", True)
    stop.close()


def test_many_threads_may_ask_at_once() -> None:
    stop = StopToken()
    threads = [threading.Thread(target=stop.request, args=(f"thread {n}",)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stop.hard
    assert stop.cause is not None
    stop.close()


def test_a_signal_handler_may_ask_while_the_main_thread_waits() -> None:
    script = (
        "import signal\n"
        "from little_loops.process import StopToken, Command, Limits, run\n"
        "stop = StopToken()\n"
        "signal.signal(signal.SIGINT, lambda number, frame: stop.request(signal.Signals(number).name))\n"
        "deaf = Command(('bash', '-c', 'trap \"\" TERM; echo up; while :; do sleep 1; done'))\n"
        "for event in run(deaf, Limits(), stop):\n"
        "    print(event, flush=True)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    while "up" not in child.stdout.readline():
        pass
    os.kill(child.pid, signal.SIGINT)
    time.sleep(0.2)  # two signals at the same moment are one
    os.kill(child.pid, signal.SIGINT)
    rest = child.stdout.read()
    assert child.wait(10) == 0
    assert "exit_code=-9" in rest
    assert "stop_cause='SIGINT'" in rest

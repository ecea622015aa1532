"""Recorded streams of real agents, read by the hosts they came from."""

from __future__ import annotations

from pathlib import Path

from little_loops.hosts.messages import Account, Message
from little_loops.hosts.table import HOSTS

FOLDER = Path(__file__).parent
VERSIONS = {"claude": "2.1.328", "codex": "0.169.0"}


def lines(host: str, name: str) -> list[str]:
    """The lines of one recording."""
    path = FOLDER / host / VERSIONS[host] / f"{name}.jsonl"
    return path.read_text("utf-8").splitlines()


def messages(host: str, *told: str) -> list[Message]:
    """What the host makes of lines."""
    return [message for line in told for message in HOSTS[host].read(line)]


def account(host: str, *told: str) -> Account:
    """What is known after these lines."""
    found = Account()
    for message in messages(host, *told):
        found.take(message)
    return found


def recorded(host: str, name: str) -> Account:
    """What is known after a recording."""
    return account(host, *lines(host, name))

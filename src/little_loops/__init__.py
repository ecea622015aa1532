"""Loops as finite state machines: run, resume, explain."""

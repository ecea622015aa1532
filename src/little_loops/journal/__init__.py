"""One folder per run, and the journal in it: append, fold, follow, lock, list, prune.

The journal is the run. Nothing that could disagree with it is saved beside it, and nothing here decides what
a run does next.
"""

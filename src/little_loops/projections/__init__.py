"""What a journal answers: summary, timeline, reasons, statistics. Pure: records in, values and lines out.

Everything here works on flat records as they stand in ``events.jsonl``, so that keys and events of an older
or a newer version are still shown.
"""

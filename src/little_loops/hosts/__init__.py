"""Agent command lines, one file each, and the one table that names them.

A host is pure: it turns a request into arguments and a line of output into messages. It starts nothing, reads
no file and no clock, and knows no other host.
"""

from __future__ import annotations

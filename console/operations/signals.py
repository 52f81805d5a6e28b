"""Moments in the life of an operation that others may watch.

`boundary` is sent with operation (uuid), step (name) and moment: "run" and "undo" before the work of a step,
"ran" and "undone" after it and before its end is written: the four places where a dying worker matters most.
"""

from django.dispatch import Signal

boundary = Signal()
ended = Signal()

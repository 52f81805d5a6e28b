"""What the log leaves out."""

import logging


def without_trace_of_refusals(record: logging.LogRecord) -> bool:
    """A request that was refused is told in one line; where in the program it was refused is of no interest."""
    if 400 <= getattr(record, "status_code", 500) < 500:
        record.exc_info = record.exc_text = None
    return True

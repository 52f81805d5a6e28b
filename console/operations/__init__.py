"""The operation engine: accept, claim, carry out, undo, resume, cancel.

services.py accepts and cancels; flow.py says what a flow is and keeps the registry; claim.py gives one worker the
right to work; runner.py walks the steps; heart.py keeps the right alive and ends the process that lost it.
"""

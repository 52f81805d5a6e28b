"""What every list of the console has in common: its query as chips and in words, columns, views, exports.

spec.py declares lists, page.py makes what their templates show, saved.py keeps people's views, export.py writes files.
"""

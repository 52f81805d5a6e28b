"""The query language (semantics §5): text -> conditions -> typed comparisons -> rows.

parser.py reads text, schema.py knows fields and converts values (both pure), compiler.py turns comparisons into
Django's Q, memory.py applies them to inventories that are no table, service.py answers a whole query.
"""

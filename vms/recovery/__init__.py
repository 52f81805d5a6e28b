"""Recovery: everything that is not as it should be, each with a safe repair.

`records` and `leaks` find, `repairs` mends, `checks` is the table that ties the two together.
"""

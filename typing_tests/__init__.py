"""What type checkers must accept, and what they must refuse. Never run; checked by mypy --strict and pyright.

A line that must be refused carries an ignore for each checker; an ignore that ignores nothing is an error.
"""

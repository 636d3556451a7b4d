"""The ports over the real network and real processes, for CPython.

`reglet.infrastructure.native.ports` makes them all; each module needs only its own packages.
"""

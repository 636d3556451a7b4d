"""Guests and files that mean harm: one file a promise, with the tricks that were tried against it."""

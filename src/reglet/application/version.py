"""The version of this SDK, defined here alone; the build reads it from here."""

__version__ = "0.2.0"

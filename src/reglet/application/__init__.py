"""What plugins are made with; here is its version, which stands nowhere else and which the build reads."""

__version__ = "0.2.0"

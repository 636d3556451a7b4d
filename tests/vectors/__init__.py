"""The Go SDK's own answers, run against ours: `python -m tests.vectors FOLDER`."""

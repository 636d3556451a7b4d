"""Every example of the plugin, against the answers that it brings."""

from __future__ import annotations

import pytest
from http_plugin.plugin import plugin

from reglet.testing import ExampleCase, generate_example_tests, run_example


@pytest.mark.parametrize("example", generate_example_tests(plugin))
def test_example(example: ExampleCase) -> None:
    """An example answers as it says."""
    run_example(example)

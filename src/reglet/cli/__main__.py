"""`python -m reglet.cli`: the command, where its script is not on the path."""

import sys

from reglet_plugin import main

sys.exit(main())

"""`python -m farzi_core`: the command line (`farzi_core.cli`)."""

import sys

from farzi_core.cli import main

sys.exit(main())

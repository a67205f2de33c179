"""``python -m sphinx_ptyreg.cli``: the command line where no script is installed."""

import sys

from . import main

sys.exit(main())

"""python -m validation: the commands of `validation.cli`."""

import sys

from validation.cli import main

sys.exit(main())

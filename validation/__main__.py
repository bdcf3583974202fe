"""python -m validation: the commands of `validation.cli`."""

import sys

from validation.entry import main

sys.exit(main())

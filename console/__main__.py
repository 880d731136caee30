"""`python -m console` is `manometer`."""

import sys

from console.main import main

sys.exit(main())

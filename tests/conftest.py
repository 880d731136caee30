"""Property tests: no deadlines, for machines are shared; the same examples each time where a change is
judged.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("judge", parent=settings.get_profile("search"), derandomize=True, print_blob=True)
settings.load_profile("judge" if os.environ.get("CI") else "search")

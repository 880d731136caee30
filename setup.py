"""Builds in a folder that is thrown away: `build/` would leave a second copy of the code in the checkout."""

from __future__ import annotations

import atexit
import shutil
import tempfile

from setuptools import setup

scratch = tempfile.mkdtemp(prefix="manometer-build-")
atexit.register(shutil.rmtree, scratch, ignore_errors=True)
setup(options={"build": {"build_base": scratch}})

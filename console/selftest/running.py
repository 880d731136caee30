"""Starting the process in which the self-test plays, with a disk that can fail where this machine can make
one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from console.selftest import disk
from core.errors import ManometerError


@contextmanager
def played(request: Mapping[str, Any], *, with_disk: bool = True) -> Iterator[Iterator[dict[str, Any]]]:
    """The rows of a request as they come; NoFaultsError where a failing disk is asked for and cannot be made,
    ManometerError where the process ends otherwise than by its own will.
    """
    with tempfile.TemporaryDirectory(prefix="manometer-disk-") as folder:
        environment = os.environ | {"PYTHONHASHSEED": "0", "TZ": "UTC"}
        if with_disk:
            environment[disk.PRELOAD] = str(disk.build(Path(folder)))
        line = [sys.executable, "-m", "console.selftest", json.dumps(dict(request))]
        with (
            (Path(folder) / "errors").open("w+b") as errors,
            subprocess.Popen(line, stdout=subprocess.PIPE, stderr=errors, env=environment) as process,  # noqa: S603 - ourselves
        ):
            try:
                yield _rows(process, errors)
            finally:
                process.kill()


def _rows(process: subprocess.Popen[bytes], errors: IO[bytes]) -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)
    if process.wait():
        errors.seek(0)
        told = errors.read().decode("utf-8", "replace").strip().splitlines()
        raise ManometerError(
            f"The self-test broke off: {told[-1] if told else f'exit code {process.returncode}'}"
        )

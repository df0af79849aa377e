"""Start the mock endpoint as a separate process and control it over HTTP.

Starts `endpoint.py`; imported by the benchmarks and proofs.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

LIFE_S = 86_400.0
PATIENCE_S = 60


class Mock:
    """A running endpoint.

    Args:
        pin: command prefix, such as `taskset -c 1`.
    """

    def __init__(self, pin: list[str]) -> None:
        self.command = [*pin, sys.executable, str(Path(__file__).with_name("endpoint.py"))]

    def __enter__(self) -> Mock:
        self.process = subprocess.Popen(
            [*self.command, json.dumps({"max_life_s": LIFE_S})], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}/v1"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.terminate()
        self.process.wait()

    def _ask(self, method: str, path: str, body: str | None = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            content = response.read()
            if response.status != 200:
                raise ValueError(f"{method} {path} gave {response.status}: {content.decode()}")
            return json.loads(content)
        finally:
            connection.close()

    def reset(self, knobs: dict[str, Any]) -> None:
        """Replace the settings and reset the counters. Raises ValueError for an unknown setting."""
        self._ask("POST", "/reset", json.dumps({"max_life_s": LIFE_S, **knobs}))

    def stats(self) -> dict[str, Any]:
        """Return the counters since the last reset."""
        return dict(self._ask("GET", "/stats"))

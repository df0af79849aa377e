"""Mock an OpenAI-compatible endpoint for benchmarks: fast, with faults drawn from a seed, and with request counters.

    python scripts/bench/endpoint.py '{"latency_s": 0.2}' [HOST:PORT]

The first argument holds the settings (endpoint_knobs.py), the second the address to listen on (default: 127.0.0.1 and
a free port). The first line on stdout is the port. Serves POST .../chat/completions below any path, GET /v1/models, GET
/stats, POST /reset (JSON: new settings; resets the counters, keeps files and batches) and the Batch API
(endpoint_batch.py). Reads no files; writes only uploads, to a temporary folder. Exits with its parent process, or after
`max_life_s`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from endpoint_answers import Body
from endpoint_batch import Batches
from endpoint_chat import ChatService
from endpoint_http import Connection, Spool, error
from endpoint_knobs import Knobs


class Endpoint:
    """Route each request to its handler."""

    def __init__(self, knobs: Knobs, folder: Path) -> None:
        self.service = ChatService(knobs)
        self.batches = Batches(lambda: self.service, folder)

    def chat(self, connection: Connection, body: Body) -> None:
        """Answer a chat request."""
        self.service.take(connection, body)

    def gone(self, connection: Connection) -> None:
        """Handle a client that disconnected before its answer."""
        call, connection.call = connection.call, None
        if call:
            call.service.abandon(call)

    def other(self, connection: Connection, body: Spool) -> None:
        """Answer a request that is not a chat request."""
        path = connection.path.partition("?")[0]
        if path == "/stats":
            connection.reply_json(200, self.service.count.as_json(self.service.slots))
        elif path == "/reset":
            try:
                self.service = ChatService(Knobs.of(json.loads(body.file.read() or b"{}")))
            except (TypeError, ValueError) as problem:
                return connection.reply(400, error(str(problem), "invalid_request_error"))
            connection.reply_json(200, {})
        elif not self.service.is_let_in(connection.headers):
            connection.reply(401, error("Incorrect API key provided.", "invalid_request_error"))
        elif path.endswith("/models"):
            model = {"id": self.service.knobs.model, "object": "model", "created": 1_700_000_000, "owned_by": "mock"}
            connection.reply_json(200, {"object": "list", "data": [model]})
        else:
            self.batches.serve(connection, body)
        return None


async def serve(knobs: Knobs, host: str, port: int) -> None:
    """Serve until the parent process exits or the time limit is reached."""
    parent, ends_s = os.getppid(), time.monotonic() + knobs.max_life_s
    with tempfile.TemporaryDirectory(prefix="endpoint-") as folder:
        endpoint = Endpoint(knobs, Path(folder))
        server = await asyncio.get_running_loop().create_server(lambda: Connection(endpoint), host, port, backlog=4096)
        print(server.sockets[0].getsockname()[1], flush=True)
        while os.getppid() == parent and time.monotonic() < ends_s:
            await asyncio.sleep(1)


def main() -> None:
    """Parse the two arguments and serve."""
    knobs = Knobs.of(json.loads(sys.argv[1]) if len(sys.argv) > 1 else {})
    host, _, port = (sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1:0").rpartition(":")
    asyncio.run(serve(knobs, host, int(port)))


if __name__ == "__main__":
    main()

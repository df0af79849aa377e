"""Measure the upper bound: aiohttp, one session, no checks, no retries, nothing kept but the rows.

Run by scripts/bench/generate.py in docent's environment: `drive_raw.py JOB`.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path

import aiohttp
from work import MAX_TOKENS, Job


def bodies(job: Job) -> Iterator[bytes]:
    """Yield the requests' bodies, each built when it is needed."""
    pictures = job.pictures() if job.images else []
    for index in range(job.n):
        text = json.dumps(job.prompt(index))
        if pictures:
            data = base64.b64encode(Path(pictures[index]["path"]).read_bytes())
            start = f'{{"model":"m","max_tokens":{MAX_TOKENS},"messages":[{{"role":"user","content":['.encode()
            image = b'{"type":"image_url","image_url":{"url":"data:image/png;base64,' + data + b'"}}'
            yield start + f'{{"type":"text","text":{text}}},'.encode() + image + b"]}]}"
        else:
            message = f'[{{"role":"user","content":{text}}}]'
            yield f'{{"model":"m","max_tokens":{MAX_TOKENS},"messages":{message}}}'.encode()


async def main(job: Job) -> None:
    """Send the bodies from as many workers as requests may be in flight."""
    coming = bodies(job)
    headers = {"Authorization": "Bearer bench", "Content-Type": "application/json"}
    with (Path(job.folder) / "rows.jsonl").open("w", encoding="utf-8") as file:
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=job.in_flight), headers=headers
        ) as session:

            async def work() -> None:
                for body in coming:
                    async with session.post(f"{job.url}/chat/completions", data=body) as response:
                        reply = json.loads(await response.read())
                    file.write(json.dumps({"text": reply["choices"][0]["message"]["content"]}) + "\n")

            await asyncio.gather(*(work() for _ in range(job.in_flight)))


asyncio.run(main(Job.given()))

"""An ICE agent of aioice that says what it has and hears what the other has as lines of JSON, and echoes data."""

import asyncio
import json
import sys

import aioice


async def main() -> None:
    connection = aioice.Connection(ice_controlling=sys.argv[1] == "controlling")
    await connection.gather_candidates()
    local = {
        "type": "local",
        "ufrag": connection.local_username,
        "pwd": connection.local_password,
        "candidates": ["candidate:" + candidate.to_sdp() for candidate in connection.local_candidates],
        "options": [],
    }
    print(json.dumps(local), flush=True)
    line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    remote = json.loads(line)
    connection.remote_username = remote["ufrag"]
    connection.remote_password = remote["pwd"]
    for text in remote["candidates"]:
        await connection.add_remote_candidate(aioice.Candidate.from_sdp(text.removeprefix("candidate:")))
    await connection.add_remote_candidate(None)
    await connection.connect()
    print(json.dumps({"type": "connected"}), flush=True)
    while True:
        data = await connection.recv()
        await connection.send(b"echo: " + data)


asyncio.run(main())

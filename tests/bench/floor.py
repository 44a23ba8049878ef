"""The floor of the API benchmark: a bare FastAPI handler with one asyncpg query."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import uvicorn
from fastapi import FastAPI, Request


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Connect."""
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=5, max_size=5) as pool:
        yield {"pool": pool}


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def read(request: Request) -> dict[str, Any]:
    """One row by its key."""
    return dict(await request.state.pool.fetchrow("select id, name from teams where id = $1", "org_bench0"))


if __name__ == "__main__":
    uvicorn.run(
        app, port=int(os.environ["PORT"]), loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )

"""HTTP and websockets: the only folder that knows uvicorn, FastAPI and websockets."""

"""Everything external on one machine: used by `make` and the tests, and in no image.

The stack       stack.py        its parts: ports, environments, the order in which they start
                supervisor.py   starts them, starts again what dies, stops all; `folder.py` is its memory
                program.py      one child process: command, log, readiness, end; `ports.py`, `disk.py`
Real programs   postgres.py     with postgres_programs.py, which makes them run for anybody anywhere
                nats.py  traefik.py
Web client      web_client.py   builds web/ when it has changed; node.py: with which Node
Stand-ins       clerk/          JWKS, sign-in page, Backend API, signed webhooks
                storage/        Supabase Storage, files on disk
Commands        __main__.py     start.py  stop.py  logs.py (log_lines.py)  session_token.py  watch.py (news.py)
                environment.py  `.env` and the variables of a stack; hints.py: what to type next; terminal.py
                doctor.py       what the machine lacks; uv.py: installs with pip's settings. Both need Python only
For tests       testing.py      the pytest plugin; serving.py: an application in this process
Data            demo.py         the demo team; demo_past.py: what it did before; demo_live.py: what it does now
"""

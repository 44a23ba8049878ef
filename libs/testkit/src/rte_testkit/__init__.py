"""What the tests and benchmarks of several members share; what one member's tests need stays beside them.

gateway.py           realtime-gateway as a process, and the changes and members that a test makes
gateway_world.py     its core in the test's own process, without sockets, broker or clock
asyncapi_document.py docs/asyncapi.yaml as it should be, and the command that writes it
bare_client.py       a websocket client that lets a test send anything
official_clients.py  the official clients, each a process: python_client.py here, and tests/js/client.mjs
proxy.py             a TCP proxy between client and gateway whose connections a test may cut
terminal.py          a command as somebody types it at a terminal
browser.py           Chromium, led over its DevTools protocol
windows.py           windows of the web client, each with its member, led by Playwright
openapi_document.py  prints the OpenAPI document, of which the web client's types are made
"""

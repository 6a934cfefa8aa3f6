"""What the checks of clients share."""

import asyncio
import importlib.metadata
import os
import sys
import traceback

DOCENT, URL, KEY = os.environ["MCP_DOCENT"], os.environ["MCP_URL"] + "/mcp", os.environ["MCP_KEY"]
HEADERS = {"Authorization": f"Bearer {KEY}"}
TOOLS = ["search", "fetch", "ask", "status"]
QUESTION = "How long are ledger backups kept?"
BACKUPS = "sample-docs/handbook/backups.md"
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def run(*packages):
    """Runs all checks, and ends the process."""
    print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages))
    failed = 0
    for one in CHECKS:
        try:
            asyncio.run(asyncio.wait_for(one(), 60))
            print(f"ok      {one.__name__}")
        except BaseException:
            failed += 1
            print(f"FAILED  {one.__name__}")
            traceback.print_exc(limit=-2)
    sys.exit(failed != 0)

"""What the checks of clients share."""

import importlib.metadata
import os
import sys
import traceback

URL, KEY = os.environ["DOCENT_URL"], os.environ["DOCENT_KEY"]
# Of one whose chat model hangs up in mid-answer.
CUT_URL = os.environ["DOCENT_CUT_URL"]
QUESTION = "How long are ledger backups kept?"
MODEL = "docent"
BACKUPS = "sample-docs/handbook/backups.md"
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def asks(text=QUESTION):
    return [{"role": "user", "content": text}]


def run(*packages):
    """Runs all checks, and ends the process."""
    print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages))
    failed = 0
    for one in CHECKS:
        try:
            one()
            print(f"ok      {one.__name__}")
        except Exception:
            failed += 1
            print(f"FAILED  {one.__name__}")
            traceback.print_exc(limit=-2)
    sys.exit(failed != 0)

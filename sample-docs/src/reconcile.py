"""Matches bank statement lines with postings.

Runs every morning at 06:00 Oslo time for each workspace with a bank connection. What cannot be
matched ends in the reconciliation report, where a person decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

# A bank may book a payment up to this many days before or after the effective date.
MATCH_WINDOW = timedelta(days=4)

# Differences up to this amount, in minor units, are booked to the rounding account.
ROUNDING_TOLERANCE = 2

# The account that takes rounding differences.
ROUNDING_ACCOUNT = "7990"


@dataclass(frozen=True)
class StatementLine:
    """One line of a bank statement; amounts are in minor units."""

    booked_on: date
    amount: int
    reference: str


@dataclass(frozen=True)
class Posting:
    """One line of a transaction on a bank account."""

    transaction_id: str
    effective_date: date
    amount: int
    reference: str


@dataclass(frozen=True)
class Match:
    line: StatementLine
    posting: Posting
    difference: int


def reconcile(
    lines: list[StatementLine], postings: list[Posting]
) -> tuple[list[Match], list[StatementLine]]:
    """Pairs each statement line with at most one posting.

    Lines are taken in order of date. An equal reference beats a near date, and a near date beats
    an equal amount, because payroll repeats the same amount every month.
    """
    open_postings = list(postings)
    matches: list[Match] = []
    unmatched: list[StatementLine] = []
    for line in sorted(lines, key=lambda item: item.booked_on):
        candidates = [posting for posting in open_postings if is_candidate(line, posting)]
        if not candidates:
            unmatched.append(line)
            continue
        best = min(candidates, key=lambda posting: rank(line, posting))
        open_postings.remove(best)
        matches.append(Match(line, best, line.amount - best.amount))
    return matches, unmatched


def is_candidate(line: StatementLine, posting: Posting) -> bool:
    """True if the two are near in time and differ by a rounding difference at most."""
    near = abs(line.booked_on - posting.effective_date) <= MATCH_WINDOW
    return near and abs(line.amount - posting.amount) <= ROUNDING_TOLERANCE


def rank(line: StatementLine, posting: Posting) -> tuple[bool, int, int]:
    """The smaller, the better the match."""
    days = abs((line.booked_on - posting.effective_date).days)
    return (line.reference != posting.reference, days, abs(line.amount - posting.amount))


def rounding_entry(match: Match) -> dict[str, object] | None:
    """The transaction that moves a rounding difference to the rounding account, if there is one."""
    if match.difference == 0:
        return None
    return {
        "effective_date": match.line.booked_on.isoformat(),
        "description": f"Rounding for {match.posting.transaction_id}",
        "lines": [
            {"account": ROUNDING_ACCOUNT, "amount": -match.difference},
            {"account": "1920", "amount": match.difference},
        ],
    }

"""The corpus: 500 Markdown files about the equipment of a made-up water utility, 2 MB.

Made from a seed, so that every machine measures the same bytes. Each file is about one site and says so
in its prose, which lets a question about that site tell a search that works from one that returns
anything. Sentences are put together from parts, so that no two chunks are alike: a tool that embeds
equal texts once must not win by that.
"""

import random
from pathlib import Path
from typing import NamedTuple

SEED = 20_240_607
FILES = 500
TOTAL_BYTES = 2_000_000

PLACE_STARTS = [
    "Alder", "Brack", "Calder", "Dun", "Esk", "Farrow", "Glas", "Hollin", "Inver", "Jarrow", "Kestrel",
    "Linden", "Marrow", "Nether", "Oxen", "Pell", "Quarn", "Rush", "Salter", "Thorn", "Ulver", "Ven",
    "Wex", "Yarrow", "Zel",
]
PLACE_ENDS = [
    "moor", "well", "by", "mere", "holme", "dale", "kerry", "beck", "lair", "field", "shaw", "wick",
    "pool", "bridge", "worth", "gate", "combe", "stow", "fold", "ham",
]
WORKS = [
    "Aqueduct", "Borehole", "Cistern", "Desilter", "Effluent Lagoon", "Filter Gallery", "Gatehouse",
    "Headrace", "Intake", "Junction Chamber", "Kiosk", "Lock", "Manifold", "Overflow Weir", "Pumping Station",
    "Regulator", "Sluice", "Telemetry Mast", "Upwelling Basin", "Valve House",
]
TOPICS = [
    "Inspection", "Alarms", "Spare parts", "Shutdown", "Restart after a flood", "Sampling", "Access and keys",
    "Power supply", "Known faults", "Handover notes", "Calibration", "Contractors", "Winter operation",
    "Drawings and records", "Noise complaints", "Telemetry", "Chemical dosing", "Emergency contacts",
]
ACTORS = [
    "the duty engineer", "the night shift", "a second operator", "the district controller",
    "the laboratory", "the maintenance crew", "an accredited diver", "the stores clerk",
    "the asset manager", "whoever signs the permit", "the contractor on call", "the safety officer",
]
PARTS = [
    "penstock", "impeller", "level sensor", "chlorine analyser", "bypass valve", "gearbox", "gland packing",
    "float switch", "pressure transducer", "inlet screen", "diesel generator", "battery bank", "flow meter",
    "actuator", "sump pump", "modem", "control relay", "lifting beam", "air valve", "turbidity probe",
]
ACTIONS = [
    "inspects", "isolates", "replaces", "greases", "photographs", "recalibrates", "drains", "locks off",
    "tests", "logs", "tightens", "swaps", "rinses", "measures", "signs off", "reports",
]
REASONS = [
    "because silt builds up faster than the design assumed", "after the seal failed during a spring tide",
    "so that the downstream works keep their head", "since the supplier withdrew the older model",
    "to keep the consent for discharge", "as two readings in a row disagreed", "because the duct floods",
    "after a review of the winter outages", "so that a single fault cannot stop the flow",
    "because the previous interval missed a cracked bearing", "as the insurer asked for evidence",
]
UNITS = [
    "bar", "litres a second", "millimetres", "volts", "degrees", "kilowatts", "hours", "milligrams a litre",
]


class Question(NamedTuple):
    """A question, and the words that a passage which answers it contains."""

    text: str
    subject: str


def write(directory: Path) -> None:
    """Writes the corpus, unless it is there already."""
    done = directory.with_suffix(".complete")
    if done.exists():
        return
    for index, (subject, size) in enumerate(zip(subjects(), sizes(), strict=True)):
        path = directory / f"district-{index % 12:02}" / f"{subject.lower().replace(' ', '-')}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(document(subject, size, random.Random(SEED + index)), encoding="utf-8")
    done.touch()


def question(number: int) -> Question:
    """One question of many, each about another file."""
    subject = subjects()[(37 + 101 * number) % FILES]
    return Question(f"What is inspected at {subject}, and how often?", subject)


def subjects() -> list[str]:
    """A name for each file, of a place that no other file has."""
    rng = random.Random(SEED)
    places = [start + end for start in PLACE_STARTS for end in PLACE_ENDS]
    rng.shuffle(places)
    return [f"{place} {rng.choice(WORKS)}" for place in places[:FILES]]


def sizes() -> list[int]:
    """Bytes of each file: many short ones and a few long, as notes are, in all as large as promised."""
    rng = random.Random(SEED)
    weights = [rng.lognormvariate(0.0, 0.7) for _ in range(FILES)]
    return [max(300, round(TOTAL_BYTES * weight / sum(weights))) for weight in weights]


def document(subject: str, size: int, rng: random.Random) -> str:
    """Markdown about the subject: a title, then sections until it is as long as it shall be."""
    blocks = [f"# {subject}", f"{sentence(subject, rng)} {sentence(subject, rng)}"]
    length = sum(len(block) + 2 for block in blocks)
    while length < size:
        for block in section(subject, rng):
            blocks.append(block)
            length += len(block) + 2
            if length >= size:
                break
    return "\n\n".join(blocks) + "\n"


def section(subject: str, rng: random.Random) -> list[str]:
    """A heading with paragraphs below it, at times a list, a table or a block of code."""
    blocks = [f"## {rng.choice(TOPICS)}"]
    blocks += [paragraph(subject, rng) for _ in range(rng.randint(1, 3))]
    blocks += rng.choice([[], [], [bullets(subject, rng)], [table(rng)], [code(subject, rng)]])
    return blocks


def paragraph(subject: str, rng: random.Random) -> str:
    return " ".join(sentence(subject, rng) for _ in range(rng.randint(2, 6)))


def sentence(subject: str, rng: random.Random) -> str:
    """A sentence of one of several shapes; figures and parts make it unlike the others."""
    actor, part, other = rng.choice(ACTORS), rng.choice(PARTS), rng.choice(PARTS)
    action, reason, unit = rng.choice(ACTIONS), rng.choice(REASONS), rng.choice(UNITS)
    number, days = rng.randint(2, 980), rng.randint(3, 400)
    text = rng.choice([
        f"{actor} {action} the {part} at {subject} every {days} days, {reason}",
        f"above {number} {unit} the {part} trips, and {actor} {action} the {other} before anything restarts",
        f"the {part} was fitted in {1950 + days % 70} and has a serial number ending in {number}{days}",
        f"{reason}, {actor} {action} both the {part} and the {other} within {days} minutes",
        f"at {subject} a reading of {number} {unit} is normal for the {part}; twice that is not",
        f"if {actor} cannot reach the {part}, form W-{number} goes to {rng.choice(ACTORS)} within {days} hours",
        f"spare {part} kits are kept on shelf {number} and last about {days} weeks",
    ])
    return text[0].upper() + text[1:] + "."


def bullets(subject: str, rng: random.Random) -> str:
    return "\n".join(f"- {sentence(subject, rng)}" for _ in range(rng.randint(3, 6)))


def table(rng: random.Random) -> str:
    rows = [
        f"| {rng.choice(PARTS)} | {rng.randint(1, 900)} {rng.choice(UNITS)} | {rng.choice(ACTORS)} |"
        for _ in range(rng.randint(3, 7))
    ]
    return "\n".join(["| part | limit | who |", "| --- | --- | --- |", *rows])


def code(subject: str, rng: random.Random) -> str:
    tag = subject.lower().replace(" ", "_")
    lines = [
        f"{tag}.{rng.choice(PARTS).replace(' ', '_')}.limit = {rng.randint(1, 9999)}"
        for _ in range(rng.randint(2, 5))
    ]
    return "\n".join(["```toml", *lines, "```"])

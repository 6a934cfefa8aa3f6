#!/usr/bin/env python3
"""Damages the store of a real collection, one file at a time, and prints what docent says.

usage: damage.py DOCENT WORKDIR [FLIPS] [CUTS] [SEED]

Flips one random bit (FLIPS times, mostly where something is written), cuts one random file (CUTS times), each in a fresh copy, and asks
`search`, `status`, `ingest --check` and `index verify`. A row is silent where the first hits of the
search differ from those of the whole collection and no command said anything; the script exits with 1
where one is."""
import collections, json, os, random, shutil, subprocess, sys

docent, work = os.path.abspath(sys.argv[1]), sys.argv[2]
flips, cuts, seed = (int(arg) for arg in (sys.argv[3:6] + ["100", "40", "1"][len(sys.argv) - 3:]))
dice = random.Random(seed)
env = {"PATH": "/usr/bin:/bin", "HOME": work + "/home", "LANG": "C.UTF-8"}

def run(*args, cwd):
    return subprocess.run([docent, *args], cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)

def hits(search):
    try:
        return [(hit["citation"], round(hit["score"], 4), hit["text"]) for hit in json.loads(search.stdout)["hits"]]
    except (ValueError, KeyError):
        return None

def place_of(bytes):
    """Three times of four where something is: most of what the engine allots is empty."""
    places = (dice.randrange(len(bytes)) for _ in range(100_000 if dice.random() < 0.75 else 0))
    return next((at for at in places if bytes[at]), dice.randrange(len(bytes)))

def files(data):
    paths = (os.path.join(folder, name) for folder, _, names in os.walk(data) for name in names)
    return sorted(path for path in paths if os.path.getsize(path) > 0)

shutil.rmtree(work, ignore_errors=True)
os.makedirs(work + "/home")
os.makedirs(work + "/whole/docs")
for number in range(300):
    parts = "".join(f"\n## Part {part}\n\nThe vault {number} of part {part} holds {dice.random()} keys.\n" for part in range(4))
    with open(f"{work}/whole/docs/{number}.md", "w") as file:
        file.write(f"# Vault {number}\n{parts}")
assert run("ingest", "docs", cwd=work + "/whole").returncode == 0
question = ("search", "who holds the keys of the vault", "-k", "100", "--format", "json")
expected = hits(run(*question, cwd=work + "/whole"))
assert expected

table, silent = collections.Counter(), []
for number in range(flips + cuts):
    cut, place = number >= flips, work + "/damaged"
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run(["cp", "-a", "--sparse=always", work + "/whole", place], check=True)
    path = dice.choice(files(place + "/.docent"))
    size = os.path.getsize(path)
    with open(path, "r+b") as file:
        if cut:
            what, at = "cut", dice.randrange(size)
            file.truncate(at)
        else:
            what, at = "flip", place_of(file.read())
            file.seek(at)
            byte = file.read(1)[0] ^ 1 << dice.randrange(8)
            file.seek(at)
            file.write(bytes([byte]))
    search = run(*question, cwd=place)
    found = hits(search)
    said = [name for name, done in (
        ("search", search),
        ("status", run("status", cwd=place)),
        ("check", run("ingest", "--check", "docs", cwd=place)),
        ("verify", run("index", "verify", cwd=place)),
    ) if done.returncode != 0]
    crashed = search.returncode < 0
    outcome = "same answer" if found == expected else "no answer" if found is None else "OTHER ANSWER"
    if crashed or (outcome == "OTHER ANSWER" and "search" not in said):
        silent.append((what, os.path.relpath(path, place), at, outcome, said))
    table[(what, os.path.basename(path), outcome, "+".join(said) or "-")] += 1

for (what, name, outcome, said), times in sorted(table.items()):
    print(f"{times:4}  {what:4}  {name:32.32}  {outcome:12}  said by {said}")
print(f"{flips} flips, {cuts} cuts, {len(silent)} silent")
for row in silent:
    print("silent:", *row)
sys.exit(1 if silent else 0)

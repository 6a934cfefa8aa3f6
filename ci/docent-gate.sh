#!/bin/sh
# A gate for changes of documents: brings the index in line with them, measures retrieval, compares it with the
# base branch, and refuses a change that makes it worse. For GitHub Actions (action.yml calls it), GitLab CI and any
# shell. docs/ci.md says how to use it.
#
# Settings, as environment variables, with their defaults in brackets:
#   GATE_CASES        file of cases for `docent eval` (cases.jsonl)
#   GATE_SOURCES      files, directories or URLs to ingest, one a line; if empty, the sources of the index
#   GATE_MIN          floors, such as recall@5=0.8, one a line
#   GATE_BASE         commit of the base branch to compare with
#   GATE_BASELINE     file of `docent eval --write-baseline` in the repository, to compare with in place of measuring
#                     GATE_BASE. It is read from that commit, so that a change cannot lower its own bar
#   GATE_MAX_DROP     how much worse than the base is accepted (0)
#   GATE_CHECK        true: ingest nothing, and refuse an index that is out of date
#   GATE_EXPORT       file to export the index to
#   GATE_TRUST        true: trust docent.toml as it is in the change
#   GATE_INGEST_ARGS  further arguments of `docent ingest`, separated by blanks (--allow-prune)
#   GATE_EVAL_ARGS    further arguments of `docent eval`
#   GATE_DATA         data directory (.docent)
#   GATE_OUT          directory of the reports, which each run replaces (docent-gate)
#   GATE_DOCENT       the program (docent)
#   GATE_SUMMARY      file to append the summary to (GITHUB_STEP_SUMMARY)
#   GATE_TOKEN        token that may comment; without it there is no comment
#   GATE_PR           number of the pull request
#
# If docent is not installed, or an index is kept between runs, run `docent-gate.sh setup` first. It installs docent by
# install.sh if it is missing, and prints its path and the key for a cache of the index.
#   GATE_VERSION      release to install (the latest)
#   GATE_TOOLS        directory to install into (RUNNER_TEMP, or .docent-bin)
#
# Exit codes: 0 passed; 1 refused: a gate is not met, or the index is out of date; others are those of docent.
set -eu

docent=${GATE_DOCENT:-docent}
cases=${GATE_CASES:-cases.jsonl}
typed=$cases
data=${GATE_DATA:-.docent}
out=${GATE_OUT:-docent-gate}
base=${GATE_BASE:-}
newline='
'
here=$PWD
code=0
reason=
notes=
compared=
work=

say() { printf '%s\n' "docent-gate: $*" >&2; }
note() { notes="$notes- $*$newline"; say "$*"; }

absolute() {
    case $1 in
    /*) printf '%s' "$1" ;;
    *) printf '%s/%s' "$here" "$1" ;;
    esac
}

clean() {
    [ -n "$work" ] || return 0
    git worktree remove --force "$work/base" >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Runs docent on the data directory.
run() {
    "$docent" --data-dir "$data" "$@"
}

# ingest ARGS...: adds GATE_SOURCES, a line each, and GATE_INGEST_ARGS, a word each.
ingest() {
    set -f
    for word in ${GATE_INGEST_ARGS---allow-prune}; do set -- "$@" "$word"; done
    IFS=$newline
    set -- "$@" --
    for source in ${GATE_SOURCES:-}; do set -- "$@" "$source"; done
    unset IFS
    set +f
    run ingest "$@"
}

# measure ARGS...: adds the cases, GATE_MIN and GATE_EVAL_ARGS.
measure() {
    set -f
    for floor in ${GATE_MIN:-}; do set -- "$@" --min "$floor"; done
    for word in ${GATE_EVAL_ARGS:-}; do set -- "$@" "$word"; done
    set +f
    run eval "$typed" "$@"
}

# Runs a command and keeps its exit code in `status`, so that `set -e` does not end the script.
try() {
    status=0
    "$@" || status=$?
}

fail() {
    code=$1
    shift
    reason=$*
    say "$reason"
}

# Values of the indented JSON of `docent index list`.
collection() { run index list --format json | sed -n 's/^  "collection": "\(.*\)",$/\1/p'; }
version() {
    run index list --format json |
        awk -v state="\"$1\"," '$1 == "\"version\":" { v = $2 + 0 } $1 == "\"state\":" && $2 == state { found = v } END { print found }'
}

trusted() {
    if [ "${GATE_TRUST:-}" = true ] && [ -f docent.toml ]; then "$docent" config trust; fi
}

# A gate that was set up wrongly lets everything pass, so whatever it cannot use ends it.
usage() {
    say "$*"
    exit 2
}

check_switch() {
    case $2 in
    '' | true | false) ;;
    *) usage "$1 is $2: use true or false" ;;
    esac
}

check_settings() {
    check_switch GATE_CHECK "${GATE_CHECK:-}"
    check_switch GATE_TRUST "${GATE_TRUST:-}"
    case ${GATE_MAX_DROP:-0} in
    *[!0-9.]* | *.*.* | .) usage "GATE_MAX_DROP is $GATE_MAX_DROP: use a number, such as 0.02" ;;
    esac
    if [ -n "$base" ] && ! has_base; then
        usage "the base $base is not in this checkout and cannot be fetched: correct GATE_BASE, or check out the history, too (fetch-depth: 0)"
    fi
    if [ -z "$base" ] && [ -n "${GATE_BASELINE:-}" ] && [ ! -f "$GATE_BASELINE" ]; then
        usage "there is no $GATE_BASELINE: docent eval $cases --write-baseline $GATE_BASELINE writes it"
    fi
}

has_base() {
    git cat-file -e "$base^{commit}" 2>/dev/null && return 0
    # A shallow checkout has only the change.
    git fetch --quiet --depth=1 origin "$base" 2>/dev/null && git cat-file -e "$base^{commit}" 2>/dev/null
}

# The baseline in the repository, as it is in the base.
kept_baseline() {
    if [ -n "$base" ]; then
        if git show "$base:./$GATE_BASELINE" >"$out/baseline-of-base.json" 2>/dev/null; then
            compared=$out/baseline-of-base.json
        else
            note "the base has no $GATE_BASELINE yet: nothing is compared."
        fi
    else
        compared=$(absolute "$GATE_BASELINE")
    fi
}

# Brings the index in line with the base, and measures it there with the cases of the change.
measured_base() {
    [ -n "$base" ] || return 0
    try run config show qdrant.url --format json >"$out/url.json"
    if [ "$status" != 0 ]; then
        fail "$status" "the settings cannot be used (exit code $status)"
        return 0
    fi
    if ! grep -q '"value": null' "$out/url.json"; then
        note "the base is not measured: on a Qdrant server that would change the collection. Set GATE_BASELINE instead."
        return 0
    fi
    work=$(mktemp -d)
    if ! git worktree add --quiet --force --detach "$work/base" "$base"; then
        note "the base $base cannot be checked out: nothing is compared."
        return 0
    fi
    below=$work/base/$(git rev-parse --show-prefix)
    if [ ! -d "$below" ]; then
        note "the base does not have this directory yet: nothing is compared."
        return 0
    fi
    cd "$below"
    # The directory with docent.toml is the root that sources are relative to.
    [ -e docent.toml ] || : >docent.toml
    try trusted
    try ingest
    if [ "$status" = 3 ]; then try ingest --rebuild; fi
    if [ "$status" = 3 ]; then
        cd "$here"
        fail 3 "the base cannot be ingested with its settings (exit code 3). GATE_TRUST=true trusts its docent.toml; without GATE_BASE nothing is compared"
        return 0
    fi
    if [ "$status" != 0 ] && [ "$status" != 5 ]; then
        cd "$here"
        note "the base cannot be ingested (exit code $status): nothing is compared."
        return 0
    fi
    # Without floors: the base is measured, not judged. Both sides answer the cases of the change.
    floors=${GATE_MIN:-}
    GATE_MIN=
    typed=$cases
    try measure --write-baseline "$out/baseline-of-base.json" >/dev/null
    typed=${GATE_CASES:-cases.jsonl}
    GATE_MIN=$floors
    cd "$here"
    if [ "$status" = 0 ]; then
        compared=$out/baseline-of-base.json
    else
        note "the base cannot be measured with these cases (exit code $status): nothing is compared."
    fi
}

# Whether base and change are versions of one collection: then the report lists the cases that differ.
compares_versions() {
    [ -n "$work" ] && [ -n "$compared" ] || return 1
    case " ${GATE_EVAL_ARGS:-} " in
    *' --answers '* | *' --compare '* | *' --sweep '* | *' --mode '* | *' --beir '*) return 1 ;;
    esac
}

bring_in() {
    if [ "${GATE_CHECK:-}" = true ]; then
        try ingest --check
        case $status in
        0) ;;
        1) fail 1 "the index is out of date: run docent ingest" ;;
        *) fail "$status" "the sources cannot be compared with the index (exit code $status)" ;;
        esac
        return 0
    fi
    set --
    if compares_versions; then set -- --new-version; fi
    try ingest "$@"
    if [ "$status" = 3 ] && [ $# = 0 ]; then
        say "the index may have been built with other settings: rebuilding it"
        try ingest --rebuild
    fi
    case $status in
    0) ;;
    5) fail 5 "some sources could not be ingested: see the log" ;;
    *) fail "$status" "the sources cannot be ingested (exit code $status)" ;;
    esac
}

# Whether there is an index to measure.
brought_in() { [ "$code" = 0 ] || [ "$code" = 5 ]; }

evaluate() {
    set -- --report "junit=$out/junit.xml" --report "markdown=$out/report.md" --report "json=$out/report.json" \
        --write-baseline "$out/baseline.json"
    if [ -n "$compared" ]; then set -- "$@" --baseline "$compared" --max-drop "${GATE_MAX_DROP:-0}"; fi
    built=
    if compares_versions; then
        built=$(version built)
        name=$(collection)
        former=$(version live)
        set -- "$@" --compare "$name@v$built,$name@v$former"
        notes="$notes- $name@v$built is the change, $name@v$former the base ($base). A plus means that the base is better.$newline"
    fi
    try measure "$@"
    case $status in
    0) ;;
    1) fail 1 "a gate is not met" ;;
    *) fail "$status" "retrieval cannot be measured (exit code $status)" ;;
    esac
    # A change that is refused does not become the live version.
    if [ -n "$built" ] && [ "$status" = 0 ]; then
        run index use "$built" >/dev/null
    elif [ -n "$built" ]; then
        try run index drop "$built" >/dev/null
    fi
}

exported() {
    [ -n "${GATE_EXPORT:-}" ] || return 0
    try run index export "$(absolute "$GATE_EXPORT")"
    if [ "$status" != 0 ]; then
        [ "$code" != 0 ] || fail "$status" "the index cannot be exported (exit code $status)"
        GATE_EXPORT=
    fi
}

outcome() {
    case $code in
    0) echo passed ;;
    1) echo refused ;;
    *) echo failed ;;
    esac
}

summary() {
    {
        printf '<!-- docent-gate -->\n## docent: %s\n' "$(outcome)"
        if [ -n "$reason" ]; then printf '\n%s\n' "$reason"; fi
        if [ -n "$notes" ]; then printf '\n%s' "$notes"; fi
        if [ -f "$out/report.md" ]; then
            echo
            cat "$out/report.md"
        fi
    } >"$out/summary.md"
    target=${GATE_SUMMARY:-${GITHUB_STEP_SUMMARY:-}}
    if [ -n "$target" ]; then cat "$out/summary.md" >>"$target"; fi
}

# The summary as a JSON object with the field `body`; services accept about 65,000 characters.
body() {
    printf '{"body":"'
    head -c 60000 "$out/summary.md" | tr '\011' ' ' | tr -d '\000-\010\013-\037' |
        sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' | awk '{ printf "%s\\n", $0 }'
    printf '"}'
}

# request METHOD URL: the token is not an argument, since others on the machine could see it.
request() {
    printf 'header = "%s"\n' "$authorization" |
        curl --silent --show-error --fail --max-time 30 -K - -X "$1" -H 'Content-Type: application/json' \
            -H 'Accept: application/json' ${3:+--data-binary "@$3"} "$2"
}

# One comment for a pull request, which later runs update.
comment() {
    [ -n "${GATE_TOKEN:-}" ] || return 0
    if [ "${GITHUB_EVENT_NAME:-}" = pull_request ] && [ -n "${GATE_PR:-}" ]; then
        authorization="Authorization: Bearer $GATE_TOKEN"
        api=${GITHUB_API_URL:-https://api.github.com}/repos/$GITHUB_REPOSITORY/issues
        url=$api/$GATE_PR/comments
        change=PATCH
        earlier() {
            grep -o '"url": *"[^"]*/issues/comments/[0-9]*"\|"body": *"<!-- docent-gate -->' |
                awk '/docent-gate/ { print last; exit } { last = $0 }' | sed -n 's/.*comments\/\([0-9]*\)".*/\1/p'
        }
        at() { printf '%s/comments/%s' "$api" "$1"; }
    elif [ -n "${CI_MERGE_REQUEST_IID:-}" ]; then
        authorization="PRIVATE-TOKEN: $GATE_TOKEN"
        url=$CI_API_V4_URL/projects/$CI_PROJECT_ID/merge_requests/$CI_MERGE_REQUEST_IID/notes
        change=PUT
        earlier() {
            grep -o '"id":[0-9]*,"type":[^,]*,"body":"<!-- docent-gate -->' | head -n 1 |
                sed 's/^"id":\([0-9]*\),.*/\1/'
        }
        at() { printf '%s/%s' "$url" "$1"; }
    else
        return 0
    fi
    body >"$out/comment.json"
    try listed_comments
    id=$listed
    if [ -n "$id" ]; then
        try request "$change" "$(at "$id")" "$out/comment.json" >/dev/null
    else
        try request POST "$url" "$out/comment.json" >/dev/null
    fi
    # The token of a change from a fork may not comment: that is not a reason to refuse the change.
    [ "$status" = 0 ] || say "the comment could not be written: the token needs the right to write pull requests"
    rm -f "$out/comment.json"
}

listed_comments() {
    listed=
    listed=$(request GET "$url?per_page=100" | earlier) || return 0
}

outputs() {
    [ -n "${GITHUB_OUTPUT:-}" ] || return 0
    {
        printf 'outcome=%s\nexit-code=%s\nsummary=%s\n' "$(outcome)" "$code" "$out/summary.md"
        if [ -f "$out/junit.xml" ]; then
            printf 'junit=%s\nreport=%s\nbaseline=%s\n' "$out/junit.xml" "$out/report.json" "$out/baseline.json"
        fi
        if [ -n "${GATE_EXPORT:-}" ] && brought_in_or_refused; then printf 'export=%s\n' "$(absolute "$GATE_EXPORT")"; fi
    } >>"$GITHUB_OUTPUT"
}

brought_in_or_refused() { [ "$code" = 0 ] || [ "$code" = 1 ] || [ "$code" = 5 ]; }

# Prints the path of docent and the key of its index.
setup() {
    if [ -z "${GATE_DOCENT:-}" ] && ! command -v docent >/dev/null; then
        [ -f "$(dirname "$0")/../install.sh" ] || usage "docent is not installed: run install.sh of a release first"
        tools=$(absolute "${GATE_TOOLS:-${RUNNER_TEMP:-.docent-bin}}")
        sh "$(dirname "$0")/../install.sh" --to "$tools" ${GATE_VERSION:+--version "$GATE_VERSION"} >&2
        docent=$tools/docent
    fi
    case $docent in
    */*) docent=$(absolute "$docent") ;;
    *) docent=$(command -v "$docent") ;;
    esac
    trusted
    key=$("$docent" index key)
    if [ -n "${GITHUB_OUTPUT:-}" ]; then printf 'docent=%s\nkey=%s\n' "$docent" "$key" >>"$GITHUB_OUTPUT"; fi
    printf '%s\n%s\n' "$docent" "$key"
}

case ${1:-} in
'') ;;
setup)
    setup
    exit
    ;;
*)
    usage "usage: docent-gate.sh [setup]; the settings are environment variables, listed at the beginning of $0"
    ;;
esac
command -v "$docent" >/dev/null ||
    usage "there is no $docent: install docent (docent-gate.sh setup), or name the program with GATE_DOCENT"
[ -e "$cases" ] ||
    usage "there is no $cases: name the file of cases with GATE_CASES; docent eval init drafts cases"
cases=$(absolute "$cases")
data=$(absolute "$data")
out=$(absolute "$out")
case $docent in
*/*) docent=$(absolute "$docent") ;;
esac
check_settings
# Files in a directory that no gate has made belong to somebody.
if [ -d "$out" ] && [ ! -e "$out/.docent-gate" ] && [ -n "$(ls -A "$out")" ]; then
    usage "$out has files that are not reports of a gate: name another directory with GATE_OUT, or remove it"
fi
rm -rf "$out"
mkdir -p "$out"
# Reports are neither documents nor files of the repository.
echo '*' >"$out/.gitignore"
: >"$out/.docent-gate"

trusted
if [ -n "${GATE_BASELINE:-}" ]; then
    kept_baseline
elif [ "${GATE_CHECK:-}" != true ]; then
    measured_base
fi
if [ "$code" = 0 ]; then bring_in; fi
if brought_in; then evaluate; fi
if brought_in; then exported; fi
summary
comment
outputs
say "$(outcome)${reason:+: $reason}"
exit "$code"

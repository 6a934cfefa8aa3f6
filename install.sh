#!/bin/sh
# Installs a release of docent: finds the build for this machine, checks its sum, and puts the program into a
# directory. Nothing else is changed.
#
# `sh install.sh --help` lists the options. Needs curl or wget, tar, and sha256sum, shasum or openssl.
# Exit codes: 0 installed; 1 not installed; 2 wrong usage.
set -eu

# A release replaces OWNER/docent by the name of its repository.
repository=OWNER/docent

to=${HOME:+$HOME/.local/bin}
version=
target=
from=${GET_DOCENT_FROM:-}
tmp=
partial=

say() { printf '%s\n' "install.sh: $*" >&2; }
fail() {
    say "$1"
    [ -z "${2:-}" ] || say "$2"
    exit "${3:-1}"
}
clean() {
    [ -z "$tmp" ] || rm -rf "$tmp"
    [ -z "$partial" ] || rm -f "$partial"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

has() { command -v "$1" >/dev/null 2>&1; }

usage() {
    cat <<'END'
sh install.sh [--to DIR] [--version V] [--target TARGET] [--from URL]

  --to DIR        directory to install into [~/.local/bin]
  --version V     release, such as 0.1.0 [the latest]
  --target T      build, such as x86_64-unknown-linux-musl [that of this machine]
  --from URL      mirror or file server with the archive and its .sha256; GET_DOCENT_FROM does the same
END
}

parse() {
    while [ $# -gt 0 ]; do
        case $1 in
        -h | --help)
            usage
            exit 0
            ;;
        --to | --version | --target | --from)
            [ $# -gt 1 ] && [ -n "$2" ] || fail "$1 takes a value" "sh install.sh --help" 2
            case $1 in
            --to) to=$2 ;;
            --version) version=${2#v} ;;
            --target) target=$2 ;;
            --from) from=$2 ;;
            esac
            shift 2
            ;;
        *) fail "unknown argument: $1" "sh install.sh --help" 2 ;;
        esac
    done
    [ -n "$to" ] || fail "HOME is not set" "name the directory: --to DIR" 2
}

# Builds for glibc need 2.35 at least; older systems get the static build.
is_recent_glibc() {
    found=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed -n 's/^glibc 2\.\([0-9]*\).*/\1/p')
    [ "${found:-0}" -ge 35 ]
}

detect() {
    system=$(uname -s)
    machine=$(uname -m)
    case $machine in
    x86_64 | amd64) machine=x86_64 ;;
    aarch64 | arm64) machine=aarch64 ;;
    *) fail "there is no release for $machine" "build it: cargo install docent" ;;
    esac
    case $system in
    Linux)
        if is_recent_glibc; then libc=gnu; else libc=musl; fi
        target=$machine-unknown-linux-$libc
        ;;
    Darwin)
        # Under Rosetta, uname names another machine than the real one.
        if [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || echo 0)" = 1 ]; then machine=aarch64; fi
        target=$machine-apple-darwin
        ;;
    MINGW* | MSYS* | CYGWIN* | Windows*)
        fail "install.sh is for Linux and macOS" "on Windows unpack docent-x86_64-pc-windows-msvc.zip of the release, or: cargo binstall docent"
        ;;
    *) fail "there is no release for $system" "build it: cargo install docent" ;;
    esac
}

# download URL FILE
download() {
    if has curl; then
        curl --fail --silent --show-error --location --retry 2 --max-time 600 --output "$2" "$1"
    elif has wget; then
        wget --quiet --tries=3 --timeout=60 --output-document="$2" "$1"
    else
        fail "neither curl nor wget is installed" "install one of them"
    fi
}

sum_of() {
    if has sha256sum; then
        sha256sum "$1"
    elif has shasum; then
        shasum -a 256 "$1"
    else
        openssl dgst -sha256 -r "$1"
    fi | cut -d ' ' -f 1
}

fetch() {
    if [ -z "$from" ]; then
        case $repository in
        OWNER/*) fail "this copy does not know where docent is released" "use the install.sh of a release, or name the server: --from URL" ;;
        esac
        from=https://github.com/$repository/releases
        if [ -n "$version" ]; then from=$from/download/v$version; else from=$from/latest/download; fi
    elif [ -n "$version" ]; then
        from=$from/v$version
    fi
    archive=docent-$target.tar.gz
    hint="check that $from has it; another server: --from URL; another build: --target TARGET"
    download "$from/$archive.sha256" "$tmp/sum" || fail "$from/$archive.sha256 cannot be fetched" "$hint"
    download "$from/$archive" "$tmp/$archive" || fail "$from/$archive cannot be fetched" "$hint"
    wanted=$(sed -n 's/^\([0-9a-f]\{64\}\)\([^0-9a-f].*\)\{0,1\}$/\1/p;q' "$tmp/sum")
    [ -n "$wanted" ] || fail "$from/$archive.sha256 does not have a SHA-256" "$hint"
    found=$(sum_of "$tmp/$archive")
    [ "$found" = "$wanted" ] ||
        fail "$archive is not what was released: its SHA-256 is $found, and should be $wanted" "nothing was installed; try again, and report it if the sum stays wrong"
}

place() {
    tar -xzf "$tmp/$archive" -C "$tmp" "docent-$target/docent" || fail "$archive does not contain docent"
    unpacked=$tmp/docent-$target/docent
    chmod 755 "$unpacked"
    reported=$("$unpacked" --version) || fail "the program does not run on this machine" "another build may: --target TARGET; or build it: cargo install docent"
    mkdir -p "$to" 2>/dev/null || fail "$to cannot be created" "choose another directory: --to DIR"
    [ ! -d "$to/docent" ] || fail "$to/docent is a directory" "choose another directory: --to DIR"
    partial=$to/.docent.$$
    # Written beside its place and renamed: a running program is not overwritten.
    if ! cp "$unpacked" "$partial" 2>/dev/null || ! mv -f "$partial" "$to/docent" 2>/dev/null; then
        fail "$to cannot be written" "choose another directory: --to DIR"
    fi
    partial=
    say "$reported is installed as $to/docent"
    case :${PATH:-}: in
    *":$to:"*) ;;
    *) say "$to is not on your PATH: export PATH=\"$to:\$PATH\"" ;;
    esac
}

parse "$@"
[ -n "$target" ] || detect
has sha256sum || has shasum || has openssl || fail "the sum cannot be checked" "install sha256sum, shasum or openssl"
tmp=$(mktemp -d)
fetch
place

#!/bin/sh
# formula.sh OWNER/NAME VERSION ARCHIVES: prints the Homebrew formula of a release, with the sums of its archives.
set -eu
repository=$1
version=$2
archives=$3

script=s
for target in x86_64-apple-darwin aarch64-apple-darwin x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu; do
    sum=$(cut -d ' ' -f 1 "$archives/docent-$target.tar.gz.sha256")
    script="$script;s|SUM-$target|$sum|"
done
sed -e "${script#s;}" -e "s|OWNER/docent|$repository|g" -e "s|VERSION|$version|g" \
    "$(dirname "$0")/../deploy/homebrew/docent.rb"

#!/bin/sh
# archive.sh DIRECTORY TARGET LICENCES: makes an archive of the program in DIRECTORY, and its SHA-256, in archives/.
set -eu
built=$1
target=$2
licences=$3
name=docent-$target
suffix=
case $target in *-windows-*) suffix=.exe ;; esac

rm -rf "archives/$name"
mkdir -p "archives/$name/man" "archives/$name/completions"
program=archives/$name/docent$suffix
cp "$built/docent$suffix" "$program"
cp LICENSE README.md CHANGELOG.md "archives/$name/"
cp src/embed/static-minilm-en-256/NOTICE "archives/$name/NOTICE.static-minilm-en-256"
cp models/pp-ocrv6-tiny/NOTICE "archives/$name/NOTICE.pp-ocrv6-tiny"
cp "$licences" "archives/$name/"
"$program" completions bash >"archives/$name/completions/docent.bash"
"$program" completions elvish >"archives/$name/completions/docent.elv"
"$program" completions fish >"archives/$name/completions/docent.fish"
"$program" completions powershell >"archives/$name/completions/_docent.ps1"
"$program" completions zsh >"archives/$name/completions/_docent"
# docent prints all man pages in a row; each begins with its title.
"$program" completions man | awk -v to="archives/$name/man" '
    /^\.ie / || /^\.el / { head = head $0 "\n"; next }
    /^\.TH / { if (page) close(page); page = to "/" $2 ".1"; printf "%s", head >page; head = "" }
    { print >page }'

cd archives
case $target in
*-windows-*)
    archive=$name.zip
    rm -f "$archive"
    if command -v 7z >/dev/null; then 7z a -bso0 "$archive" "$name"; else zip -qr "$archive" "$name"; fi
    ;;
*)
    archive=$name.tar.gz
    tar -czf "$archive" "$name"
    ;;
esac
if command -v sha256sum >/dev/null; then sha256sum "$archive"; else shasum -a 256 "$archive"; fi >"$archive.sha256"
rm -rf "$name"

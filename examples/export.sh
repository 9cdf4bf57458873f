#!/bin/sh
# An export is a shop in a file: it imports with no changes, and a second shop filled from it exports the same.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$(mktemp -d)"
mkdir first second

(cd first && shopctl init && shopctl catalogue import "$here/lending-library.json" && shopctl catalogue import "$here/nursery.csv")
(cd second && shopctl init)

for format in ndjson json csv; do
    (cd first && shopctl catalogue export --format "$format" --out "../first.$format")
    changes=$(cd first && shopctl catalogue import "../first.$format" -o json --query '[created, updated, retired]')
    echo "$format: created, updated, retired = $changes"
    test "$changes" = '[0,0,0]'
done

(cd second && shopctl catalogue import ../first.ndjson && shopctl catalogue export --format ndjson --out ../second.ndjson)
cmp first.ndjson second.ndjson

# Through a pipe, compressed on the way.
(cd first && shopctl catalogue export --format ndjson --out -) | gzip | (cd second && shopctl catalogue import -)

#!/bin/sh
# A file with mistakes: refused as a whole, or taken without its broken rows, which come back to be corrected.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$(mktemp -d)"

shopctl init

# By default one broken row refuses the file: exit 12, and nothing has changed.
code=0
shopctl catalogue import "$here/broken.csv" --rejects rejects.csv || code=$?
test "$code" -eq 12
test "$(shopctl catalogue list -o json)" = '[]'

# Or the good rows go in (exit 6, partial) and the others are written to a file that says why.
code=0
shopctl catalogue import "$here/broken.csv" --on-error skip-rows --rejects rejects.csv || code=$?
test "$code" -eq 6
cat rejects.csv

# Corrected, the rest goes in.
sed -e 's/nine/9.00/' -e 's/,-4$/,4/' -e 's/ZZZ/USD/' -e '/without a name/d' "$here/broken.csv" > corrected.csv
shopctl catalogue import corrected.csv
test "$(shopctl catalogue list -o json --query 'length(@)')" = '5'

# A file that is no catalogue at all says so in one line.
head -c 4096 /dev/urandom > noise.csv
code=0
shopctl catalogue import noise.csv || code=$?
test "$code" -eq 12

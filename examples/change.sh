#!/bin/sh
# What was, what is, and who changed it: a price list for spring, a correction by hand, and the way back.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$(mktemp -d)"

shopctl init
shopctl catalogue import "$here/nursery.csv"

# A feed that knows names and prices only leaves everything else as it is.
shopctl catalogue import "$here/nursery-spring.csv" --dry-run
shopctl catalogue import "$here/nursery-spring.csv" --reason "spring prices"
shopctl catalogue set HERB-SAGE "name=Sage, in a clay pot" --reason "a comma was missing"

shopctl catalogue history HERB-SAGE
shopctl catalogue diff --from '1h ago'
shopctl audit list
shopctl audit verify

test "$(shopctl catalogue show HERB-SAGE -o json --query 'name')" = '"Sage, in a clay pot"'
test "$(shopctl catalogue show HERB-SAGE -o json --query 'stock.on_hand')" = '120'

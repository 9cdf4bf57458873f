#!/bin/sh
# Stock at several places, counted by hand and by feed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$(mktemp -d)"

shopctl init
shopctl catalogue import "$here/nursery.csv"

shopctl stock show HERB-SAGE
shopctl stock set HERB-SAGE 40 --location greenhouse
shopctl stock adjust HERB-SAGE -5 --location greenhouse --reason "frost"
shopctl stock show HERB-SAGE -o json

# The same feed again does not undo what was sold or counted since.
shopctl stock adjust HERB-MINT-MO -6
shopctl catalogue import "$here/nursery.csv"
test "$(shopctl catalogue show HERB-MINT-MO -o json --query 'stock.on_hand')" = '90'

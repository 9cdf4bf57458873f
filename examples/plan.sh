#!/bin/sh
# A price list that is planned, stopped by a guard, corrected, applied, and taken back.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$(mktemp -d)"

shopctl init
cp "$here/nursery.csv" feed.csv
shopctl catalogue import feed.csv
shopctl catalogue export --out before.csv

# Tonight's feed lost a decimal comma: a guard stops it with exit 12, and nothing has changed.
sed 's/89,00/8,90/' feed.csv > tonight.csv
code=0
shopctl catalogue import tonight.csv --guard 'price-drop<=30%' --guard 'retired<=5%' --prune || code=$?
test "$code" -eq 12
shopctl catalogue export --out now.csv
cmp before.csv now.csv

# The corrected one is planned (exit 10: changes are pending), looked at, and applied once.
sed 's/89,00/79,00/; /^GIFT-LESSON/d' feed.csv > corrected.csv
code=0
shopctl catalogue import corrected.csv --prune --plan-out plan --detailed-exitcode || code=$?
test "$code" -eq 10
shopctl catalogue apply plan -o json --query import_id > import
shopctl catalogue show TREE-QUINCE
code=0
shopctl catalogue apply plan || code=$?
test "$code" -eq 5

# A plan is for the catalogue it was made from.
sed 's/79,00/75,00/' corrected.csv > later.csv
shopctl catalogue import later.csv --plan-out plan
shopctl catalogue set TREE-QUINCE tags=fruit,sale --reason "by hand"
code=0
shopctl catalogue apply plan || code=$?
test "$code" -eq 5

# What was applied is taken back, unless somebody changed one of its products since.
id=$(tr -d '"' < import)
code=0
shopctl catalogue rollback "$id" || code=$?
test "$code" -eq 5
shopctl catalogue set TREE-QUINCE tags=fruit

# An edit back is an edit too; an import nobody touched is taken back to the letter.
printf 'sku,name,price,currency\nTREE-FIG,Fig,39,EUR\n' > fig.csv
shopctl catalogue export --out before.csv
shopctl catalogue import fig.csv -o json --query import_id > import
shopctl catalogue rollback "$(tr -d '"' < import)" --dry-run
shopctl catalogue rollback "$(tr -d '"' < import)" --reason "no figs this year"
shopctl catalogue export --out now.csv
cmp before.csv now.csv
shopctl catalogue imports
shopctl audit verify

#!/bin/sh
# Finding things: words, filters, facets, and output for the next programme in the pipe.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$(mktemp -d)"

shopctl init
shopctl catalogue import "$here/nursery.csv"
shopctl catalogue import "$here/lending-library.json"

shopctl catalogue search "ladder"
shopctl catalogue search "tree" --where 'price<1000' --facet brand --currency EUR
shopctl catalogue search "kitchen" --sort price -o csv --fields sku,name

test "$(shopctl catalogue search quince -o json --query 'hits[0].sku')" = '"TREE-QUINCE"'
test "$(shopctl catalogue search 'quixotry' -o json --query 'hits')" = '[]'

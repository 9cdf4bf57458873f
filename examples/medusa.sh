#!/bin/sh
# A product file of Medusa: a row for each variant, prices by currency and region, ids that are no names.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$(mktemp -d)"

shopctl init
shopctl catalogue import "$here/lanterns-medusa.csv"

# Three variants of one product; the third has no SKU and is known by its id. A region is a price list.
shopctl catalogue show harbour-lantern
test "$(shopctl catalogue show variant_lantern_2 -o json --query 'parent_sku')" = '"harbour-lantern"'
test "$(shopctl catalogue show LANT-20-CO -o json --query "prices[?list=='Northern islands'].amount | [0]")" = '"51.50"'

# Back into the format, with no changes on the way.
shopctl catalogue export --format medusa --out lanterns.csv
changes=$(shopctl catalogue import lanterns.csv -o json --query '[created, updated, rejected]')
test "$changes" = '[0,0,0]'

# Another shop's catalogue goes out as well; what Medusa has no column for is named.
shopctl catalogue import "$here/nursery.csv"
shopctl catalogue export --format medusa --out all.csv
test "$(shopctl catalogue import all.csv -o json --query '[created, updated, rejected]')" = '[0,0,0]'

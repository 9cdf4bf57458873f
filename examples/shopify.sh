#!/bin/sh
# A shop at Shopify and this one: its product export goes in whole, prices change there, and it all goes back.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$(mktemp -d)"

shopctl init
shopctl catalogue import "$here/lanterns-shopify.csv"

# A row with options is a variant; the product it belongs to has a row of its own here.
test "$(shopctl catalogue show LAN-S-C -o json --query 'parent_sku')" = '"storm-lantern"'
# The price that is struck through there stands on the list compare-at, a market's on the list of its name.
shopctl catalogue show LAN-S-C

# Imported back, its export changes nothing, and what the other shop changed meanwhile is all that changes.
shopctl catalogue export --format shopify --out out.csv
test "$(shopctl catalogue import out.csv -o json --query '[created, updated, rejected]')" = '[0,0,0]'
sed 's/45\.00,54\.00/42.00,54.00/' out.csv > later.csv
shopctl catalogue import later.csv --dry-run
test "$(shopctl catalogue import later.csv -o json --query '[created, updated]')" = '[0,1]'

# A catalogue that holds more than Shopify's file can say: what it leaves out is named, and stays here.
shopctl catalogue import "$here/lending-library.json"
shopctl catalogue export --format shopify --out all.csv
test "$(shopctl catalogue import all.csv -o json --query '[created, updated, rejected]')" = '[0,0,0]'

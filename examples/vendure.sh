#!/bin/sh
# A shop at Vendure and this one: its product file goes in whole, prices change there, and it all goes back.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$(mktemp -d)"

shopctl init
shopctl catalogue import "$here/pottery-vendure.csv"

# Facets are categories, the brand, tags and attributes; a row below a product's first is a variant of it.
shopctl catalogue show BOWL-S-M
test "$(shopctl catalogue show BOWL-S-M -o json --query '[parent_sku, brand, attributes.color]' | tr -d ' \n')" = '["breakfast-bowl","Lehm&Sohn","green"]'
# Vendure takes variants without a SKU, and two with the same: slug and options tell them apart.
shopctl catalogue show throwing-lesson-Sunday

# Imported back, its export changes nothing, and what the other shop changed meanwhile is all that changes.
shopctl catalogue export --format vendure --out out.csv
test "$(shopctl catalogue import out.csv -o json --query '[created, updated, rejected]' | tr -d ' \n')" = '[0,0,0]'
sed 's/BOWL-S-M,18\.50/BOWL-S-M,19.50/' out.csv > later.csv
shopctl catalogue import later.csv --dry-run
test "$(shopctl catalogue import later.csv -o json --query '[created, updated]' | tr -d ' \n')" = '[0,1]'

# A catalogue that holds more than Vendure's file can say: what it leaves out is named, and stays here.
shopctl catalogue import "$here/lending-library.json"
shopctl catalogue export --format vendure --out all.csv
test "$(shopctl catalogue import all.csv -o json --query '[created, updated, rejected]' | tr -d ' \n')" = '[0,0,0]'

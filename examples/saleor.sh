#!/bin/sh
# A shop at Saleor and this one: the export of its dashboard goes in whole, prices change there, and it all goes back.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$(mktemp -d)"

shopctl init
shopctl catalogue import "$here/tea-saleor.csv"

# Each further channel of a currency is a price list, each warehouse a location; rich texts are HTML.
shopctl catalogue show TEA-ASSAM-100
test "$(shopctl catalogue show TEA-ASSAM-100 -o json --query 'prices[].list' | tr -d ' \n')" = '["default","trade"]'
# What no channel publishes is a draft.
test "$(shopctl catalogue show TEA-WINTER -o json --query status)" = '"draft"'

# Imported back, its export changes nothing, and what the other shop changed meanwhile is all that changes.
shopctl catalogue export --format saleor --out out.csv
test "$(shopctl catalogue import out.csv -o json --query '[created, updated, rejected]' | tr -d ' \n')" = '[0,0,0]'
sed 's/,34\.00,EUR/,36.00,EUR/' out.csv > later.csv
shopctl catalogue import later.csv --dry-run
test "$(shopctl catalogue import later.csv -o json --query '[created, updated]' | tr -d ' \n')" = '[0,1]'

# A catalogue that holds more than Saleor's export can say: what it leaves out is named, and stays here.
shopctl catalogue import "$here/lending-library.json"
shopctl catalogue export --format saleor --out all.csv
test "$(shopctl catalogue import all.csv -o json --query '[created, updated, rejected]' | tr -d ' \n')" = '[0,0,0]'

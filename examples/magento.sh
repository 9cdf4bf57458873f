#!/bin/sh
# A product file of Magento 2: variants stand apart from their product, special prices have dates, bundles their choices.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$(mktemp -d)"

shopctl init
shopctl catalogue import "$here/lanterns-magento.csv"

# The configurable product names its variants; each has its row elsewhere in the file.
shopctl catalogue show LANT
test "$(shopctl catalogue show LANT-30-PA -o json --query 'parent_sku')" = '"LANT"'
test "$(shopctl catalogue show LANT-30-PA -o json --query 'options.Finish')" = '"Pale green, matt"'
test "$(shopctl catalogue show LANT -o json --query 'attributes.store_view_de.name')" = '"Hafenlaterne"'

# Back into the format: for Magento, or to be corrected in a spreadsheet and imported again.
shopctl catalogue export --format magento --out lanterns.csv
changes=$(shopctl catalogue import lanterns.csv -o json --query '[created, updated, rejected]')
test "$changes" = '[0,0,0]'

# A file of another shop changes what it says anew, and leaves alone what Magento has no column for.
shopctl catalogue set LANT-HOOK tags='["forged"]'
sed 's/Wall hook, forged/Wall hook, black/' lanterns.csv > corrected.csv
shopctl catalogue import corrected.csv --dry-run
shopctl catalogue import corrected.csv
test "$(shopctl catalogue show LANT-HOOK -o json --query '[name, tags[0]]')" = '["Wall hook, black","forged"]'

#!/bin/sh
# A shop at WooCommerce and this one: variations, sales with dates and downloads come over, and go back.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$(mktemp -d)"

shopctl init
shopctl catalogue import "$here/lanterns-woocommerce.csv"

# Without a SKU a product is known by its number there, as its variations refer to it.
test "$(shopctl catalogue show GLASS-L -o json --query 'parent_sku')" = '"id:110"'
# A sale with dates is a price for its period; the regular price holds before and after it.
shopctl catalogue show LAN-C

shopctl catalogue export --format woocommerce --out out.csv
test "$(shopctl catalogue import out.csv -o json --query '[created, updated, rejected]')" = '[0,0,0]'

# A second shop filled from the export is the same shop.
mkdir second
(cd second && shopctl init && shopctl catalogue import ../out.csv && shopctl catalogue export --format woocommerce --out out.csv)
cmp out.csv second/out.csv

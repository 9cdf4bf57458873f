#!/bin/sh
# A shop in a folder: make it, fill it from a spreadsheet's export, look at it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$(mktemp -d)"

shopctl init

# Semicolons, padded headers, a quoted line break, prices such as 1.234,56: the import finds out by itself.
shopctl catalogue import "$here/nursery.csv"

shopctl catalogue list
shopctl catalogue show TREE-PEAR-ESP

# The same file again changes nothing.
shopctl catalogue import "$here/nursery.csv" -o json --query '[created, updated, unchanged]'

test "$(shopctl catalogue show TREE-PEAR-ESP -o json --query 'prices[0].amount')" = '"1234.56"'

#!/bin/sh
# A digital download: a licence key from a pool, and a signed link. The pool is empty at first, so the run waits.
set -eu
cd "$(mktemp -d)"

shopctl init --quiet
cat > books.csv <<CSV
sku,name,price,currency,kind,licence_pool,download_path
BOOK-TIDES,The book of tides,12.00,EUR,digital,tides,books/tides.epub
CSV
shopctl catalogue import books.csv

shopctl provision plan BOOK-TIDES
shopctl provision start BOOK-TIDES --customer C-1001 || test $? -eq 8
shopctl provision list --state waiting

printf 'TIDES-AAAA-1111\nTIDES-BBBB-2222\n' | shopctl licence add tides -
run=$(shopctl provision list --state waiting -o json --query '[0].run_id' | tr -d '"')
shopctl provision retry "$run" --verify
shopctl provision show "$run"
shopctl instance list --customer C-1001
shopctl licence list

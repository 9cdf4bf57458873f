#!/bin/sh
# A physical good, picked and shipped by hand: each step waits until somebody says that it is done.
set -eu
cd "$(mktemp -d)"

shopctl init --quiet
printf '\n[provisioning.fulfilment]\nby_hand = true\n' >> shopctl.toml
cat > mugs.csv <<CSV
sku,name,price,currency,kind,stock
MUG-BLUE,Blue mug,9.90,EUR,physical,2
CSV
shopctl catalogue import mugs.csv

shopctl provision start MUG-BLUE --customer C-1001 || test $? -eq 8
shopctl stock show MUG-BLUE
run=$(shopctl provision list -o json --query '[0].run_id' | tr -d '"')
shopctl provision signal "$run" picked
shopctl provision signal "$run" shipped --set carrier=Post --set tracking=RR123456785DE
shopctl provision signal "$run" delivered
shopctl provision show "$run"
shopctl stock show MUG-BLUE

# What cannot be delivered is undone: the stock is free again.
shopctl provision start MUG-BLUE --customer C-1002 || test $? -eq 8
run=$(shopctl provision list --state waiting -o json --query '[0].run_id' | tr -d '"')
shopctl provision cancel "$run" --yes
shopctl stock show MUG-BLUE
shopctl store fsck

#!/bin/sh
# A subscription: begun, changed, suspended, resumed, renewed, ended.
set -eu
cd "$(mktemp -d)"

shopctl init --quiet
cat > papers.csv <<CSV
sku,name,price,currency,kind
PAPER-DAILY,Daily paper,19.00,EUR,subscription
PAPER-WEEKEND,Weekend paper,9.00,EUR,subscription
CSV
shopctl catalogue import papers.csv

shopctl provision start PAPER-DAILY --customer C-1001 --set period=month --set seats=2
instance=$(shopctl instance list -o json --query '[0].instance_id' | tr -d '"')
shopctl instance suspend "$instance"
shopctl instance resume "$instance"
shopctl instance modify "$instance" --set seats=5
shopctl instance renew "$instance"
shopctl instance upgrade "$instance" --to PAPER-WEEKEND
shopctl instance show "$instance"
shopctl instance terminate "$instance" --yes
shopctl instance history "$instance"

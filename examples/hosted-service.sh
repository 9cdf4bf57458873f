#!/bin/sh
# A hosted service: an account is asked for over HTTP, its callback is waited for, and its health is looked at.
set -eu
cd "$(mktemp -d)"

# A small hosting service, which comes along with shopctl, plays the other system.
python=$(sed -n '1s/^#!//p' "$(command -v shopctl)")
"$python" -m shopctl.cli.demo_hosting hosting.address &
hosting=$!
shopctl init --quiet
printf '\n[network]\nallow_private = ["127.0.0.1"]\n' >> shopctl.toml
shopctl serve --port 0 --ready-file serve.address &
serving=$!
trap 'kill $hosting $serving 2>/dev/null || true; wait' EXIT
while ! test -s hosting.address || ! test -s serve.address; do sleep 0.1; done
export SHOPCTL_HTTP__BASE_URL="$(cat serve.address)"

cat > hosts.csv <<CSV
sku,name,price,currency,kind,service_url
HOST-SMALL,Small host,5.00,EUR,service,$(cat hosting.address)
CSV
shopctl catalogue import hosts.csv

shopctl provision start HOST-SMALL --customer C-1001 --set region=eu || test $? -eq 8
run=$(shopctl provision list -o json --query '[0].run_id' | tr -d '"')
while test "$(shopctl provision list -o json --query '[0].state' | tr -d '"')" = waiting; do
    shopctl worker --until-idle
    sleep 0.2
done
shopctl provision show "$run"
instance=$(shopctl instance list -o json --query '[0].instance_id' | tr -d '"')
shopctl instance show "$instance"
shopctl instance terminate "$instance" --yes

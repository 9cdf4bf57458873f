#!/bin/sh
# A bundle: a run for each component, and all of it undone when one of them cannot be had.
set -eu
cd "$(mktemp -d)"

shopctl init --quiet
cat > parts.ndjson <<'JSON'
{"sku":"CAM-1","name":"Camera","kind":"physical","price":"300.00","currency":"EUR","stock":{"default":1}}
{"sku":"CAM-GUIDE","name":"Guide to the camera","kind":"digital","price":"10.00","currency":"EUR"}
{"sku":"CAM-SET","name":"Camera with its guide","kind":"bundle","price":"305.00","currency":"EUR","components":[{"sku":"CAM-1","quantity":1},{"sku":"CAM-GUIDE","quantity":1}]}
JSON
shopctl catalogue import parts.ndjson

shopctl provision plan CAM-SET
shopctl provision start CAM-SET --customer C-1001
shopctl provision list
shopctl instance list

# The last camera is gone: the guide of the second set is taken back.
shopctl provision start CAM-SET --customer C-1002 || test $? -eq 7
shopctl provision list --customer C-1002
shopctl instance list --customer C-1002
shopctl store fsck

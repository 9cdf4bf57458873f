#!/bin/sh
# A bundle: a run for each component, refused whole when one of them cannot be had, and ended after its parts.
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

# The last camera is gone: a second set is refused before anything of it begins.
shopctl provision start CAM-SET --customer C-1002 || test $? -eq 5
shopctl provision list --customer C-1002

# The set comes to its end, and its parts before it.
shopctl instance terminate "$(shopctl instance list --where sku=CAM-SET -o tsv --fields instance_id | tail -n 1)" --yes
shopctl instance list --customer C-1001
shopctl store fsck

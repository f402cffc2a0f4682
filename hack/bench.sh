#!/usr/bin/env bash
# Measures what docs/performance.md tells of: the way from push to traffic stage by stage, and what the local cluster costs.
# Let nothing else run on the machine meanwhile.
set -euo pipefail
cd "$(dirname "$0")/.."

bench() { (cd "$1" && go test "$2" -run '^$' -bench . -benchtime 1x -count 1 -timeout 30m -v); }
bench . ./e2e
bench localcluster ./e2e

#!/usr/bin/env bash
# Runs the tests of every module in this checkout, and ends with a line that counts them.
# TEST_FLAGS is passed to `go test`, for example TEST_FLAGS='-run TestSwitch -v'.
set -uo pipefail
cd "$(dirname "$0")/.."

results=$(mktemp); trap 'rm -f "$results"' EXIT
failed=0
run() { # run FOLDER PATTERN...
  local folder=$1; shift
  echo "== go test in ${folder}"
  (cd "$folder" && go test -json -count=1 -timeout 25m ${TEST_FLAGS:-} "$@") | go run ./hack/testreport "$results" || failed=1
}
echo "== audit"
go run ./hack/audit || failed=1
# The chain under constant load comes last and alone, so that the load is all that the machine has to bear.
run . $(go list ./... | grep -v '/e2e$')
[ ! -d examples/request-counter ] || run examples/request-counter ./...
run localcluster ./...
run . ./e2e
go run ./hack/testreport -total "$results"
exit $failed

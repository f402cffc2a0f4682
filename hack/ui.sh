#!/usr/bin/env bash
# Builds the page into ui/dist/page when its sources are newer than what is there. Without Node and npm it is left out:
# the program then shows how to get it.
set -euo pipefail
cd "$(dirname "$0")/../ui"
page=dist/page/index.html

skip() { echo "The page is not built: $1. The programs work without it."; exit 0; }

[ -e package.json ] || skip "ui/package.json is not there"
if [ -e "$page" ] && [ -z "$(find . \( -path ./node_modules -o -path ./dist \) -prune -o -type f -newer "$page" -print -quit)" ]; then exit 0; fi
node=$(command -v node || command -v nodejs || true)
[ -n "$node" ] || skip "Node is not installed; it needs Node 20 or later, and npm"
version=$("$node" --version); major=${version#v}; major=${major%%.*}
[ "$major" -ge 20 ] || skip "Node is $version; it needs Node 20 or later"
command -v npm >/dev/null || skip "npm is not installed"

export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1
lock=node_modules/.package-lock.json
if [ ! -e "$lock" ] || [ package-lock.json -nt "$lock" ]; then
  npm ci --no-audit --no-fund --loglevel=error || skip "npm cannot install what it is made with, for the reason above"
  touch "$lock"
fi
rm -rf dist/page
npm run --silent build
touch "$page"

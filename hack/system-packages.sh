#!/usr/bin/env bash
# Installs what real nodes need from Debian, as root; otherwise prints the one line to run. Without them pods are simulated.
# With the argument "tests", also what the tests need besides; with "pictures", what the pictures of the guide do.
set -euo pipefail
[ "$(uname -s)" = Linux ] || exit 0

missing=()
need() { # need PACKAGE PATH...: PACKAGE is missing when none of the paths exists
  local package=$1 path; shift
  for path in "$@"; do [ -e "$path" ] && return; done
  missing+=("$package")
}
need git /usr/bin/git
need runc /usr/sbin/runc /usr/bin/runc
need containernetworking-plugins /usr/lib/cni/bridge /opt/cni/bin/bridge
need iptables /usr/sbin/iptables /sbin/iptables
need conntrack /usr/sbin/conntrack
need iproute2 /usr/sbin/ip /sbin/ip /bin/ip
who="Real pods"
if [ "${1:-}" = pictures ]; then
  who="Real pods and pictures of the page"
  need fonts-morisawa-bizud-gothic /usr/share/fonts/truetype/bizud-gothic
  need chromium-headless-shell /usr/lib/chromium/chromium-headless-shell /usr/bin/chromium
fi
if [ "${1:-}" = tests ]; then
  who="Real pods and the tests"
  need openssh-client /usr/bin/ssh
  need gnupg /usr/bin/gpg
  need buildah /usr/bin/buildah
  need chromium-headless-shell /usr/lib/chromium/chromium-headless-shell /usr/bin/chromium
  need fonts-liberation /usr/share/fonts/truetype/liberation
  need fonts-ipafont-gothic /usr/share/fonts/opentype/ipafont-gothic
fi
[ ${#missing[@]} -eq 0 ] && exit 0

install="apt-get install -y --no-install-recommends ${missing[*]}"
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "$who need ${missing[*]}. To have them, run: sudo $install"
  exit 0
fi
echo "$who need what is not here yet; installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp); trap 'rm -f "$log"' EXIT
if ! { apt-get update -q && $install; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "Installing ${missing[*]} did not work; the lines above say why." >&2
  exit 1
fi

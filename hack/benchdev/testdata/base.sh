# base PROJECT STORE: image golang:1.26 as the Dockerfile names it, made of this machine's Go toolchain and the modules of the project.
set -euo pipefail
buildah() { command buildah --root "$store" --runroot "$store.run" "$@"; }
store=$2
cache=$(go env GOMODCACHE)/cache/download
modules=$(mktemp -d); trap 'chmod -R u+w "$modules"; rm -rf "$modules"' EXIT
(cd "$1" && GOFLAGS= GOMODCACHE="$modules" GOPROXY="file://$cache" GOSUMDB=off go mod download)

container=$(buildah from scratch)
root=$(buildah mount "$container")
mkdir -p "$root/bin" "$root/usr/local" "$root/tmp" "$root/root" "$root/etc" "$root/modules"
cp -a "$(go env GOROOT)" "$root/usr/local/go"
cp -a "$modules/cache/download/." "$root/modules"
for file in /bin/sh $(ldd /bin/sh | grep -o '/[^ ]*'); do mkdir -p "$root$(dirname "$file")"; cp -L "$file" "$root$file"; done
buildah umount "$container" >/dev/null
buildah config --env PATH=/usr/local/go/bin:/bin --env GOTOOLCHAIN=local --env GOPATH=/go --env GOPROXY=file:///modules --env GOSUMDB=off "$container"
buildah commit -q --rm "$container" docker.io/library/golang:1.26 >/dev/null

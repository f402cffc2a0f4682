# script VERSION CYAN_LOCAL DIR NAMESPACE: what a save asks for, with the usual programs.
set -euo pipefail
version=$1 program=$2 cluster=$3 namespace=$4
out=$(mktemp -d); trap 'rm -rf "$out"' EXIT

GOFLAGS= CGO_ENABLED=0 go build -trimpath -o "$out/app" ./cmd/app

image=localhost/bench/app:$version
container=$(buildah from scratch)
buildah copy -q "$container" "$out/app" /app >/dev/null
buildah config --entrypoint '["/app"]' "$container"
buildah commit -q --rm "$container" "docker-archive:$out/app.tar:$image" >/dev/null

"$program" load --dir "$cluster" "$out/app.tar" >/dev/null

sed -i "s/newTag: .*/newTag: $version/" k8s/kustomize/overlays/local/kustomization.yml
kubectl apply -k k8s/kustomize/overlays/local >/dev/null
kubectl rollout status -n "$namespace" deployment/app --timeout=60s >/dev/null

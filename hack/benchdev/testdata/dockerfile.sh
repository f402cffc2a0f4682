# dockerfile VERSION CYAN_LOCAL DIR NAMESPACE STORE: what a save asks for, as one does who writes a Dockerfile and knows nothing of Go.
set -euo pipefail
version=$1 program=$2 cluster=$3 namespace=$4 store=$5
buildah() { command buildah --root "$store" --runroot "$store.run" "$@"; }
out=$(mktemp -d); trap 'rm -rf "$out"' EXIT

image=localhost/bench/app:$version
buildah bud -q --pull=never --layers --isolation chroot -t "$image" . >/dev/null
buildah push -q "$image" "docker-archive:$out/app.tar:$image" >/dev/null

"$program" load --dir "$cluster" "$out/app.tar" >/dev/null

sed -i "s/newTag: .*/newTag: $version/" k8s/kustomize/overlays/local/kustomization.yml
kubectl apply -k k8s/kustomize/overlays/local >/dev/null
kubectl rollout status -n "$namespace" deployment/app --timeout=60s >/dev/null

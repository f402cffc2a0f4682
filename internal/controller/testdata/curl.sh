# The calls of a script that deploys by Argo CD's REST API, in the order of its documentation.
# $SERVER, $PASSWORD, $REPO and $NAMESPACE are set; each step prints a line.
set -eu
json() { curl -sS -H 'Content-Type: application/json' "$@"; }
fail() { echo "$1: $2" >&2; exit 1; }
has() { case $2 in *"$3"*) echo "$1" ;; *) fail "$1" "$2" ;; esac; }

TOKEN=$(json "$SERVER/api/v1/session" -d "{\"username\":\"admin\",\"password\":\"$PASSWORD\"}" | sed -n 's/.*"token":"\([^"]*\)".*/\1/p')
[ -n "$TOKEN" ] || fail session "no token"
echo session
call() { json -H "Authorization: Bearer $TOKEN" "$@"; }

has "userinfo" "$(call "$SERVER/api/v1/session/userinfo")" '"username":"admin"'
has "no token" "$(json "$SERVER/api/v1/applications")" '"code":16'
has "none yet" "$(call "$SERVER/api/v1/applications")" '"items":[]'
has "create" "$(call "$SERVER/api/v1/applications" -d '{"metadata":{"name":"shop"},"spec":{"project":"default",
  "source":{"repoURL":"'"$REPO"'","path":"k8s","targetRevision":"HEAD"},
  "destination":{"server":"https://kubernetes.default.svc","namespace":"'"$NAMESPACE"'"}}}')" '"name":"shop"'
has "get" "$(call "$SERVER/api/v1/applications/shop?refresh=normal")" '"status":"OutOfSync"'
has "sync" "$(call -X POST "$SERVER/api/v1/applications/shop/sync" -d '{"prune":false,"dryRun":false,"strategy":{"hook":{}}}')" '"operation":{'

tries=0
until case $(call "$SERVER/api/v1/applications/shop?refresh=normal") in *'"health":{"status":"Healthy"'*'"sync":{"status":"Synced"'*) true ;; *) false ;; esac; do
  tries=$((tries + 1))
  [ $tries -lt 600 ] || fail "synced and healthy" "$(call "$SERVER/api/v1/applications/shop")"
done
echo "synced and healthy"

has "list" "$(call "$SERVER/api/v1/applications?fields=items.metadata.name,items.status.sync.status,items.status.health.status")" \
  '"items":[{"metadata":{"name":"shop"},"status":{"health":{"status":"Healthy"},"sync":{"status":"Synced"}}}]'
has "resource-tree" "$(call "$SERVER/api/v1/applications/shop/resource-tree")" '"kind":"Pod"'
has "resource" "$(call "$SERVER/api/v1/applications/shop/resource?namespace=$NAMESPACE&resourceName=web&version=v1&kind=Deployment&group=apps")" '"manifest":"{'
has "secret" "$(call "$SERVER/api/v1/applications/shop/resource?namespace=$NAMESPACE&resourceName=key&version=v1&kind=Secret&group=")" '"manifest":"{'
case $(call "$SERVER/api/v1/applications/shop/resource?namespace=$NAMESPACE&resourceName=key&version=v1&kind=Secret&group=") in *hunter2* | *aHVudGVyMg*) fail "secret" "its value is shown" ;; esac
has "actions" "$(call "$SERVER/api/v1/applications/shop/resource/actions?namespace=$NAMESPACE&resourceName=web&version=v1&kind=Deployment&group=apps")" '"name":"restart"'
has "restart" "$(call -X POST "$SERVER/api/v1/applications/shop/resource/actions?namespace=$NAMESPACE&resourceName=web&version=v1&kind=Deployment&group=apps" -d '"restart"')" '{}'
has "events" "$(call "$SERVER/api/v1/applications/shop/events")" '"items":['
has "stream" "$(call -N -m 2 "$SERVER/api/v1/stream/applications?name=shop" 2>/dev/null || true)" '{"result":{"type":"ADDED","application":{'
ESCAPED=$(printf %s "$REPO" | sed 's|%|%25|g; s|:|%3A|g; s|/|%2F|g')
SHA=$(call "$SERVER/api/v1/applications?name=shop&fields=items.status.sync.revision" | sed -n 's/.*"revision":"\([0-9a-f]*\)".*/\1/p')
has "managed-resources" "$(call "$SERVER/api/v1/applications/shop/managed-resources?kind=Deployment")" '"normalizedLiveState":"{'
has "server-side-diff" "$(call "$SERVER/api/v1/applications/shop/server-side-diff")" '"modified":'
has "manifests" "$(call "$SERVER/api/v1/applications/shop/manifests")" '\"kind\":\"Deployment\"'
case $(call "$SERVER/api/v1/applications/shop/manifests"; call "$SERVER/api/v1/applications/shop/managed-resources") in *hunter2* | *aHVudGVyMg*) fail "manifests" "a Secret's value is shown" ;; esac
has "commit" "$(call "$SERVER/api/v1/applications/shop/revisions/$SHA/metadata?appNamespace=&sourceIndex=0")" '"author":"'
has "refs" "$(call "$SERVER/api/v1/repositories/$ESCAPED/refs")" '"branches":["main"]'
has "apps" "$(call "$SERVER/api/v1/repositories/$ESCAPED/apps?revision=HEAD")" '{"path":"k8s","type":"Directory"}'
has "appdetails" "$(call "$SERVER/api/v1/repositories/$ESCAPED/appdetails" -d '{"source":{"repoURL":"'"$REPO"'","path":"k8s","targetRevision":"HEAD"}}')" '"type":"Directory"'
has "validate" "$(call "$SERVER/api/v1/repositories/$ESCAPED/validate" -d "\"$REPO\"")" '{}'
has "validate a wrong one" "$(call "$SERVER/api/v1/repositories/$ESCAPED-missing/validate" -d "\"$REPO-missing\"")" '"code":3'
has "repository" "$(call "$SERVER/api/v1/repositories" -d '{"repo":"'"$REPO"'"}')" '"type":"git"'
has "connection" "$(call "$SERVER/api/v1/repositories/$ESCAPED?forceRefresh=true")" '"connectionState":{"status":"Successful"'
has "cluster" "$(call "$SERVER/api/v1/clusters" -d '{"server":"https://127.0.0.1:1","name":"nowhere"}')" '"error":"cluster https://127.0.0.1:1: '
has "selector" "$(call "$SERVER/api/v1/applications?selector=team%3Dother")" '"items":[]'
has "badge" "$(curl -sS "$SERVER/api/badge?name=shop&revision=true")" '<svg'
has "healthz" "$(curl -sS "$SERVER/healthz")" 'ok'
has "version" "$(call "$SERVER/api/version")" '"Version":"v1.2.3"'
has "gRPC-Web" "$(curl -sS -i -H 'Content-Type: application/grpc-web+proto' -X POST "$SERVER/application.ApplicationService/List")" 'gRPC%3A%20not%20served'
has "ApplicationSets" "$(call "$SERVER/api/v1/applicationsets")" '"code":12'
if command -v jq >/dev/null; then
  reads() { has "jq $1" "$(call "$SERVER/api/v1/applications/shop" | jq -r "$1")" "$2"; }
  reads .status.sync.status Synced
  reads .status.sync.revision "$SHA"
  reads .status.health.status Healthy
  reads .status.operationState.phase Succeeded
  reads .status.operationState.message synced
  reads .status.operationState.syncResult.revision "$SHA"
  reads '.status.history[-1].revision' "$SHA"
  reads '.status.summary.images[]' web
  reads '.status.resources[] | select(.kind=="Deployment") | .status + " " + .health.status' 'Synced Healthy'
  reads '[.status.sync.status,.status.health.status]==["Synced","Healthy"]' true
  has "jq of a list" "$(call "$SERVER/api/v1/applications" | jq -r '.items[] | [.metadata.name, .spec.source.repoURL, .status.sync.status] | @tsv')" shop
  has "jq of a tree" "$(call "$SERVER/api/v1/applications/shop/resource-tree" | jq -r '.nodes[] | select(.kind=="Pod") | .parentRefs[0].kind')" ReplicaSet
  has "jq of a diff" "$(call "$SERVER/api/v1/applications/shop/managed-resources" | jq -r '[.items[] | (.normalizedLiveState|fromjson) == (.predictedLiveState|fromjson)] | all')" true
fi
# As published scripts, plugins of portals and browsers' "copy as curl" send them.
TREE="namespace=$NAMESPACE&resourceName=web&version=v1&kind=Deployment&group=apps"
has "refresh=true" "$(call "$SERVER/api/v1/applications/shop?refresh=true")" '"name":"shop"'
has "a list by project, refreshed" "$(call "$SERVER/api/v1/applications?refresh=true&project=default&projects=default")" '"name":"shop"'
has "what a page asks of a resource" "$(call "$SERVER/api/v1/applications/shop/resource?name=web&appNamespace=&$TREE")" '"manifest":"{'
has "links of a resource" "$(call "$SERVER/api/v1/applications/shop/resource/links?name=web&appNamespace=&$TREE")" '"items":'
has "actions, version 2" "$(call -X POST "$SERVER/api/v1/applications/shop/resource/actions/v2" -d '{"namespace":"'"$NAMESPACE"'","resourceName":"web","version":"v1","group":"apps","kind":"Deployment","action":"restart"}')" '{}'
has "a patch of a resource" "$(call -X POST "$SERVER/api/v1/applications/shop/resource?$TREE&patchType=application%2Fmerge-patch%2Bjson" -d '"{\"metadata\":{\"labels\":{\"by\":\"hand\"}}}"')" '\"by\":\"hand\"'
has "events of a resource" "$(call "$SERVER/api/v1/applications/shop/events?resourceUID=&resourceNamespace=$NAMESPACE&resourceName=web")" '"items":['
has "windows" "$(call "$SERVER/api/v1/applications/shop/syncwindows")" '"canSync":true'
has "can-i" "$(call "$SERVER/api/v1/account/can-i/applications/sync/default/shop")" '"value":"yes"'
has "settings" "$(call "$SERVER/api/v1/settings")" '"userLoginsDisabled":false'
has "the own account" "$(call "$SERVER/api/v1/account/admin")" '"name":"admin"'
has "create again, as it is" "$(call "$SERVER/api/v1/applications?upsert=true&validate=true" -d "$(call "$SERVER/api/v1/applications/shop")")" '"name":"shop"'
has "put what was got" "$(call -X PUT "$SERVER/api/v1/applications/shop?validate=false" -d "$(call "$SERVER/api/v1/applications/shop")")" '"name":"shop"'
has "a JSON patch" "$(call -X PATCH "$SERVER/api/v1/applications/shop" -d '{"name":"shop","patchType":"json","patch":"[{\"op\":\"add\",\"path\":\"/metadata/annotations\",\"value\":{\"by\":\"ci\"}}]"}')" '"by":"ci"'
quiet() {
  tries=0
  until case $(call "$SERVER/api/v1/applications/shop") in *',"operation":{'* | *'"phase":"Running"'*) false ;; *) true ;; esac; do
    tries=$((tries + 1))
    [ $tries -lt 3000 ] || fail "an operation ends" "$(call "$SERVER/api/v1/applications/shop")"
  done
}
quiet
has "sync without a body" "$(call -X POST "$SERVER/api/v1/applications/shop/sync")" '"operation":{'
quiet
has "sync with an empty body" "$(call -X POST "$SERVER/api/v1/applications/shop/sync" -d '')" '"operation":{'
quiet
has "sync as a form sends it" "$(call -X POST "$SERVER/api/v1/applications/shop/sync" -d '{"appNamespace":"","name":"shop","revision":"HEAD","prune":false,"dryRun":true,"strategy":{"apply":{"force":false}},"resources":null,"syncOptions":{"items":["CreateNamespace=true"]},"retryStrategy":{"limit":"2","backoff":{"duration":"5s","factor":"2","maxDuration":"3m0s"}},"infos":[{"name":"Reason","value":"ci"}]}')" '"dryRun":true'
quiet
has "sync of one object" "$(call -X POST "$SERVER/api/v1/applications/shop/sync" -d '{"resources":[{"group":"apps","kind":"Deployment","name":"web","namespace":"'"$NAMESPACE"'"}]}')" '"operation":{'
quiet
has "rollback by a number that is text" "$(call -X POST "$SERVER/api/v1/applications/shop/rollback" -d '{"name":"shop","id":"0","prune":false,"dryRun":true}')" '"operation":{'
quiet
# What was answered is found at the next call.
at_once=0
while [ $at_once -lt 20 ]; do
  at_once=$((at_once + 1))
  has "a label" "$(call -X PATCH "$SERVER/api/v1/applications/shop" -d '{"name":"shop","patch":"{\"metadata\":{\"labels\":{\"turn\":\"'$at_once'\"}}}","patchType":"merge"}')" '"turn":"'$at_once'"'
  has "a label at once" "$(call "$SERVER/api/v1/applications/shop")" '"turn":"'$at_once'"'
  has "a sync, at once" "$(call -X POST "$SERVER/api/v1/applications/shop/sync" -d '{"dryRun":true,"infos":[{"name":"turn","value":"'$at_once'"}]}')" '"operation":{'
  case $(call "$SERVER/api/v1/applications/shop") in
  *'"name":"turn","value":"'$at_once'"'*) ;;
  *) fail "a sync that is found at once" "$(call "$SERVER/api/v1/applications/shop")" ;;
  esac
  quiet
done
has "a project" "$(call "$SERVER/api/v1/projects" -d '{"project":{"metadata":{"name":"team-'"$NAMESPACE"'"},"spec":{"sourceRepos":["*"],"destinations":[{"namespace":"*","server":"*"}],"clusterResourceWhitelist":[{"group":"*","kind":"*"}],"roles":[{"name":"ci","policies":[]}]}},"upsert":true}')" '"name":"team-'
has "a token of its role" "$(call "$SERVER/api/v1/projects/team-$NAMESPACE/roles/ci/token" -d '{"project":"team-'"$NAMESPACE"'","role":"ci","expiresIn":"3600","id":"ci","description":"of a script"}')" '"token":"'
has "the project again" "$(call -X PUT "$SERVER/api/v1/projects/team-$NAMESPACE" -d "{\"project\":$(call "$SERVER/api/v1/projects/team-$NAMESPACE")}")" '"name":"team-'
has "no project any more" "$(call -X DELETE "$SERVER/api/v1/projects/team-$NAMESPACE")" '{}'
has "repositories" "$(call "$SERVER/api/v1/repositories?forceRefresh=true")" '"connectionState":{'
has "a cluster by its name" "$(call "$SERVER/api/v1/clusters/in-cluster?id.type=name")" '"serverVersion":"'
has "a cluster by its URL" "$(call "$SERVER/api/v1/clusters/https%3A%2F%2Fkubernetes.default.svc")" '"name":"in-cluster"'
has "server-sent events" "$(call -N -m 2 -H 'Accept: text/event-stream' "$SERVER/api/v1/stream/applications?name=shop" 2>/dev/null || true)" 'data: {"result":{"type":"ADDED"'
has "a stream of fields" "$(call -N -m 2 "$SERVER/api/v1/stream/applications?name=shop&fields=result.type,result.application.metadata.name" 2>/dev/null || true)" '{"result":{"type":"ADDED","application":{"metadata":{"name":"shop"}}}}'
has "a form without JSON" "$(curl -sS -H "Authorization: Bearer $TOKEN" -X DELETE "$SERVER/api/v1/applications/shop?cascade=false")" 'Invalid content type'
has "scale" "$(call -X PATCH "$SERVER/api/v1/applications/shop" -d '{"name":"shop","patch":"{\"metadata\":{\"labels\":{\"team\":\"shop\"}}}","patchType":"merge"}')" '"team":"shop"'
has "spec" "$(call -X PUT "$SERVER/api/v1/applications/shop/spec" -d '{"project":"default",
  "source":{"repoURL":"'"$REPO"'","path":"k8s","targetRevision":"main"},
  "destination":{"server":"https://kubernetes.default.svc","namespace":"'"$NAMESPACE"'"}}')" '"targetRevision":"main"'
has "terminate" "$(call -X DELETE "$SERVER/api/v1/applications/shop/operation")" '"error":'
has "projects" "$(call "$SERVER/api/v1/projects")" '"name":"default"'
has "clusters" "$(call "$SERVER/api/v1/clusters")" '"status":"Successful"'
has "not JSON" "$(curl -sS -H "Authorization: Bearer $TOKEN" -X POST "$SERVER/api/v1/applications/shop/sync" -d '{}')" '"error":'
has "delete" "$(call -X DELETE "$SERVER/api/v1/applications/shop?cascade=true")" '{}'
tries=0
until case $(call "$SERVER/api/v1/applications") in *'"items":[]'*) true ;; *) false ;; esac; do
  tries=$((tries + 1))
  [ $tries -lt 3000 ] || fail "deleted" "$(call "$SERVER/api/v1/applications")"
done
echo deleted
has "logout" "$(call -X DELETE "$SERVER/api/v1/session")" '"token":""'
has "ended" "$(call "$SERVER/api/v1/applications")" '"code":16'

package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cluster"
	"github.com/cyan-cd/cyan/internal/informer"
)

// clusterData returns what the Secret of a cluster has, with its labels as label/NAME.
func (w *world) clusterData(server string) map[string]string {
	w.Helper()
	var all corev1.SecretList
	if err := w.List(w.Context(), &all, client.InNamespace(control), client.MatchingLabels{v1alpha1.SecretTypeLabel: v1alpha1.SecretTypeCluster}); err != nil {
		w.Fatal(err)
	}
	for _, s := range all.Items {
		if string(s.Data["server"]) != server {
			continue
		}
		data := map[string]string{}
		for name, value := range s.Data {
			data[name] = string(value)
		}
		for name, value := range s.Labels {
			data["label/"+name] = value
		}
		return data
	}
	return nil
}

// The life of a cluster: what is secret of it is taken and never sent, what is left out of a change stays, and what is
// named in updatedFields is replaced.
func TestClustersAreRegistered(t *testing.T) {
	w := newWorld(t)
	const all, far = "/api/v1/clusters", "/api/v1/clusters/https%3A%2F%2Ffar.example"
	const token = `"config":{"bearerToken":"hunter2","tlsClientConfig":{"insecure":false,"caData":"Y2E="}}`
	w.run(t, steps{
		{"registered", "admin", http.MethodPost, all, `{"server":"https://far.example/","name":"far","namespaces":["a","b"],"labels":{"env":"test"},` + token + `}`, 200, `"name":"far"`},
		{"the same again", "admin", http.MethodPost, all, `{"server":"https://far.example","name":"far","namespaces":["a","b"]}`, 200, `"name":"far"`},
		{"another of that server", "admin", http.MethodPost, all, `{"server":"https://far.example","name":"other"}`, 400, "use upsert flag"},
		{"another of that name", "admin", http.MethodPost, all, `{"server":"https://near.example","name":"far"}`, 400, "another cluster's"},
		{"the name of the home", "admin", http.MethodPost, all, `{"server":"https://near.example","name":"in-cluster"}`, 400, "another cluster's"},
		{"no server", "admin", http.MethodPost, all, `{"name":"x"}`, 400, "server is missing"},
		{"another scheme", "admin", http.MethodPost, all, `{"server":"file:///etc/passwd"}`, 400, "server is invalid"},
		{"a program", "admin", http.MethodPost, all, `{"server":"https://near.example","config":{"execProviderConfig":{"command":"/bin/sh","apiVersion":"v1"}}}`, 400, "/bin/sh"},
		{"a field that there is not", "admin", http.MethodPost, all, `{"server":"https://near.example","config":{"token":"x"}}`, 400, "token"},
		{"by who may only read", "reader", http.MethodPost, all, `{"server":"https://near.example"}`, 403, "permission denied"},
		{"hidden", "shopper", http.MethodPut, far, `{"name":"mine"}`, 403, "permission denied"},
	})
	tokenKept := `{"bearerToken":"hunter2","tlsClientConfig":{"insecure":false,"caData":"Y2E="}}`
	for _, c := range []struct {
		name, query, body string
		want              map[string]string
	}{
		{"nothing", "", `{}`, map[string]string{"name": "far", "namespaces": "a,b", "config": tokenKept, "label/env": "test"}},
		{"another name", "", `{"name":"away","namespaces":null}`, map[string]string{"name": "away", "namespaces": "a,b", "config": tokenKept}},
		{"as it is shown", "", `{"server":"https://far.example","name":"far","config":{"tlsClientConfig":{"insecure":false}},"info":{"connectionState":{}},"connectionState":{},"serverVersion":"1.30"}`, map[string]string{"name": "far", "config": `{"bearerToken":"hunter2","disableCompression":false,"tlsClientConfig":{"caData":"Y2E=","insecure":false}}`}},
		{"all namespaces", "", `{"namespaces":[]}`, map[string]string{"namespaces": ""}},
		{"labels are added", "", `{"labels":{"a":"b","argocd.argoproj.io/secret-type":"x"}}`, map[string]string{"label/a": "b", "label/env": "test", "label/" + v1alpha1.SecretTypeLabel: v1alpha1.SecretTypeCluster}},
		{"fields that are not named", "?updatedFields=labels&updatedFields=project", `{"name":"x","project":"shop","config":{"bearerToken":"other"}}`, map[string]string{"name": "far", "project": "shop", "config": `{"bearerToken":"hunter2","disableCompression":false,"tlsClientConfig":{"caData":"Y2E=","insecure":false}}`}},
		{"other credentials", "", `{"config":{"bearerToken":"hunter2+","tlsClientConfig":{"insecure":true}}}`, map[string]string{"config": `{"bearerToken":"hunter2+","tlsClientConfig":{"insecure":true}}`, "project": "shop"}},
		{"a field by nothing", "?updatedFields=project&updatedFields=config", `{"config":{"tlsClientConfig":{"insecure":true}}}`, map[string]string{"config": `{"tlsClientConfig":{"insecure":true}}`, "project": ""}},
	} {
		status, answer := w.call("admin", http.MethodPut, far+c.query, c.body)
		if text, _ := json.Marshal(answer); status != http.StatusOK || strings.Contains(string(text), "hunter2") {
			t.Errorf("%s: got %d %s", c.name, status, text)
		}
		got := w.clusterData("https://far.example")
		for name, value := range c.want {
			if got[name] != value {
				t.Errorf("%s: %s is %q, want %q", c.name, name, got[name], value)
			}
		}
	}
	w.run(t, steps{
		{"another's name", "admin", http.MethodPut, far, `{"name":"in-cluster"}`, 400, "another cluster's"},
		{"another's name by upsert", "admin", http.MethodPost, all + "?upsert=true", `{"server":"https://far.example","name":"in-cluster"}`, 400, "another cluster's"},
		{"another server", "admin", http.MethodPut, far, `{"server":"https://near.example"}`, 400, "another one than that of the cluster of the path"},
		{"an unknown field", "admin", http.MethodPut, far + "?updatedFields=token", `{}`, 400, "updatedFields"},
		{"a proxy for what is kept", "admin", http.MethodPut, far, `{"config":{"tlsClientConfig":{"insecure":true},"proxyUrl":"http://thief.example"}}`, 400, "config.proxyUrl"},
		{"by upsert, whose name is not sent", "admin", http.MethodPost, all + "?upsert=true", `{"server":"https://far.example","namespaces":["c"]}`, 200, `"name":"far"`},
		{"nothing is kept of the home", "admin", http.MethodPut, "/api/v1/clusters/in-cluster?id.type=name", `{"name":"x"}`, 400, "nothing is kept"},
		{"the home stays", "admin", http.MethodDelete, "/api/v1/clusters/in-cluster?id.type=name", "", 400, "nothing is kept"},
		{"not by who may only read", "reader", http.MethodDelete, far, "", 403, "permission denied"},
		{"no token to rotate", "admin", http.MethodPost, far + "/rotate-auth", "", 400, "reached without a token of a service account; register it anew with one"},
		{"nor by who may only read", "reader", http.MethodPost, far + "/rotate-auth", "", 403, "permission denied"},
		{"nor of the home", "admin", http.MethodPost, "/api/v1/clusters/in-cluster/rotate-auth?id.type=name", "", 400, "nothing is kept"},
		{"the home, with limits", "admin", http.MethodPost, all, `{"server":"https://kubernetes.default.svc","name":"home","namespaces":["a"]}`, 200, `"name":"home"`},
		{"its name stays the home's", "admin", http.MethodPut, far, `{"name":"in-cluster"}`, 400, "another cluster's"},
		{"its limits are forgotten", "admin", http.MethodDelete, "/api/v1/clusters/home?id.type=name", "", 200, ""},
		{"forgotten", "admin", http.MethodDelete, far, "", 200, ""},
		{"gone", "admin", http.MethodGet, far, "", 404, "not registered"},
	})
	w.policy("p, shopper, clusters, *, shop/*, allow")
	w.run(t, steps{
		{"of the own project", "shopper", http.MethodPost, all, `{"server":"https://far.example","project":"shop"}`, 200, `"project":"shop"`},
		{"not under a name by which others go elsewhere", "shopper", http.MethodPut, far, `{"name":"in-cluster"}`, 400, "another cluster's"},
		{"not the home, which serves all", "shopper", http.MethodPost, all, `{"server":"https://kubernetes.default.svc","name":"mine","project":"shop"}`, 403, "permission denied"},
		{"not taken to another", "shopper", http.MethodPut, far, `{"project":"bank"}`, 403, "permission denied"},
		{"nor to all", "shopper", http.MethodPut, far + "?updatedFields=project", `{}`, 403, "permission denied"},
		{"nor one of all", "shopper", http.MethodPost, all, `{"server":"https://near.example"}`, 403, "permission denied"},
	})
}

// A cluster that does not answer is not registered.
func TestClustersHaveToAnswer(t *testing.T) {
	w := newWorld(t)
	w.options.Clusters.Connect = func(cluster.Cluster) (*informer.Cluster, error) { return nil, errors.New("no route to host") }
	w.run(t, steps{
		{"new", "admin", http.MethodPost, "/api/v1/clusters", `{"server":"https://far.example"}`, 400, "cluster https://far.example: no route to host"},
		{"the one that the server runs in is not asked", "admin", http.MethodPost, "/api/v1/clusters", `{"server":"https://kubernetes.default.svc","name":"home","project":"shop"}`, 200, `"name":"home"`},
	})
	if got := w.clusterData("https://far.example"); got != nil {
		t.Errorf("registered as %v", got)
	}
}

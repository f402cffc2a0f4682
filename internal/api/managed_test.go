package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// What an Application has beside what git has is JSON in strings, without the values of Secrets.
func TestManagedResources(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/managed-resources", "/server-side-diff", "/manifests"} {
		status, answer := w.call("reader", http.MethodGet, "/api/v1/applications/shop-web"+path, "")
		text, _ := json.Marshal(answer)
		if status != http.StatusOK || strings.Contains(string(text), "of-git") || strings.Contains(string(text), "of-life") || !strings.Contains(string(text), `\"kind\":\"Secret\"`) {
			t.Errorf("%s: got %d %s", path, status, text)
		}
	}
	_, answer := w.call("reader", http.MethodGet, "/api/v1/applications/shop-web/managed-resources", "")
	item, _ := answer["items"].([]any)[0].(map[string]any)
	for _, field := range []string{"targetState", "liveState", "normalizedLiveState", "predictedLiveState"} {
		text, _ := item[field].(string)
		var object map[string]any
		if err := json.Unmarshal([]byte(text), &object); err != nil || object["kind"] != "Secret" {
			t.Errorf("%s: %q is no object: %v", field, text, err)
		}
	}
	if item["modified"] != true || item["predictedLiveState"] == item["normalizedLiveState"] {
		t.Errorf("that the Secret differs does not show: %v", item)
	}
	for query, want := range map[string]int{"?kind=Secret&name=password": 1, "?kind=ConfigMap": 0, "?group=apps": 0, "?namespace=shop": 1} {
		if _, answer := w.call("reader", http.MethodGet, "/api/v1/applications/shop-web/managed-resources"+query, ""); len(answer["items"].([]any)) != want {
			t.Errorf("%s: got %v, want %d", query, answer, want)
		}
	}
	_, answer = w.call("reader", http.MethodGet, "/api/v1/applications/shop-web/managed-resources?fields=items.name,items.modified", "")
	if text, _ := json.Marshal(answer); string(text) != `{"items":[{"modified":true,"name":"password"}]}` {
		t.Errorf("some fields: got %s", text)
	}
}

// What is in a commit that an Application never had is shown to who may sync it.
func TestManifestsOfOtherRevisions(t *testing.T) {
	w := newWorld(t)
	asked := &compares{}
	w.options.Compare = asked.compare
	w.handler = Handler(w.options)
	const path = "/api/v1/applications/shop-web/manifests?revision="
	for _, c := range []struct {
		as, revision string
		status       int
	}{
		{"reader", "main", http.StatusOK}, {"reader", "one", http.StatusOK}, {"reader", "two", http.StatusOK}, {"reader", "secret-branch", http.StatusForbidden},
		{"shopper", "secret-branch", http.StatusOK}, {"nobody", "one", http.StatusForbidden},
	} {
		asked.asked = nil
		status, answer := w.call(c.as, http.MethodGet, path+c.revision, "")
		if status != c.status {
			t.Errorf("%s by %s: got %d %v, want %d", c.revision, c.as, status, answer, c.status)
		}
		if status == http.StatusOK && (len(asked.asked) != 1 || asked.asked[0].Operation.Sync.Revision != c.revision || !asked.asked[0].Operation.Sync.DryRun) {
			t.Errorf("%s: compared %v", c.revision, asked.asked)
		}
	}
	if w.app("shop-web").Operation != nil {
		t.Error("a look has begun a sync")
	}
}

package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// withSecret puts a Secret that shop-web manages into the cluster.
func (w *world) withSecret() {
	w.Helper()
	object := &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "key", Annotations: map[string]string{corev1.LastAppliedConfigAnnotation: `{"stringData":{"password":"hunter2"}}`}},
		Data:       map[string][]byte{"password": []byte("hunter2")},
	}
	app := w.app("shop-web")
	app.Status.Resources = append(app.Status.Resources, v1alpha1.ResourceStatus{Version: "v1", Kind: "Secret", Namespace: "shop", Name: "key"})
	if err := w.Update(w.Context(), app); err != nil {
		w.Fatal(err)
	}
	if err := w.Create(w.Context(), object); err != nil {
		w.Fatal(err)
	}
}

// What a Secret holds is never sent: not as it is, not after a change, and not in an error.
func TestSecretsAreMasked(t *testing.T) {
	w := newWorld(t)
	w.withSecret()
	const path = "/api/v1/applications/shop-web/resource?group=&version=v1&kind=Secret&namespace=shop&resourceName=key"
	for _, c := range []struct{ name, method, path, body string }{
		{"read", http.MethodGet, path, ""},
		{"changed", http.MethodPost, path, `"{\"metadata\":{\"labels\":{\"a\":\"b\"}}}"`},
		{"refused", http.MethodPost, path + "&patchType=json", `"[{\"op\":\"test\",\"path\":\"/data/password\",\"value\":\"x\"}]"`},
	} {
		status, answer := w.call("admin", c.method, c.path, c.body)
		text := fmt.Sprint(answer)
		if strings.Contains(text, "hunter2") || strings.Contains(text, "aHVudGVyMg") || (status == http.StatusOK) != strings.Contains(text, "password") {
			t.Errorf("%s: %d %s", c.name, status, text)
		}
	}
}

// An object that is not the Application's, or that the project does not permit, is not reached by its name.
func TestObjectsAreThoseOfTheApplication(t *testing.T) {
	w := newWorld(t)
	w.withSecret()
	app := w.app("shop-web")
	app.Status.Resources = append(app.Status.Resources, v1alpha1.ResourceStatus{Group: "apps", Version: "v1", Kind: "Deployment", Namespace: "bank", Name: "web"})
	if err := w.Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"group=apps&kind=Deployment&namespace=bank&resourceName=web", "group=&kind=Secret&namespace=shop&resourceName=other", "group=&kind=Secret&namespace=argocd&resourceName=argocd-secret"} {
		for _, c := range []struct{ method, path, body string }{
			{http.MethodGet, "resource", ""}, {http.MethodPost, "resource", `"{}"`}, {http.MethodDelete, "resource", ""}, {http.MethodGet, "resource/actions", ""}, {http.MethodPost, "resource/actions", `"restart"`},
		} {
			status, answer := w.call("admin", c.method, "/api/v1/applications/shop-web/"+c.path+"?"+query, c.body)
			if status != http.StatusBadRequest || !strings.Contains(answer["error"].(string), "not found as part of application shop-web") {
				t.Errorf("%s %s of %s: %d %v", c.method, c.path, query, status, answer)
			}
		}
	}
}

// Actions are listed with their state, and carried out on the object.
func TestResourceActions(t *testing.T) {
	w := newWorld(t)
	const path = "/api/v1/applications/shop-web/resource/actions"
	_, answer := w.call("shopper", http.MethodGet, path+"?group=apps&version=v1&kind=Deployment&namespace=shop&resourceName=web", "")
	var names []string
	for _, a := range answer["actions"].([]any) {
		names = append(names, fmt.Sprintf("%v %v", a.(map[string]any)["name"], a.(map[string]any)["disabled"]))
	}
	if want := []string{"pause <nil>", "restart <nil>", "resume true"}; !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
	if status, answer := w.call("shopper", http.MethodPost, path+"/v2", `{"action":"explode","group":"apps","kind":"Deployment","namespace":"shop","resourceName":"web"}`); status != http.StatusBadRequest || !strings.Contains(answer["error"].(string), "there are: pause, restart, resume") {
		t.Errorf("an unknown action: %d %v", status, answer)
	}
}

// withPods puts pods of shop-web into the cluster.
func (w *world) withPods(number int) {
	w.Helper()
	w.deploy(replicaSet("shop"))
	for i := range number {
		name := fmt.Sprintf("web-1-%02d", i)
		pod := &corev1.Pod{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(name), OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web-1", UID: "rs-1"}}},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web"}, {Name: "proxy"}}},
		}
		w.deploy(pod)
		if err := w.Create(w.Context(), pod); err != nil {
			w.Fatal(err)
		}
	}
}

// Logs come as frames and end with the last one; those of many pods have to be asked for by pod.
func TestLogs(t *testing.T) {
	w := newWorld(t)
	w.withPods(1)
	stream := w.stream("reader", "/api/v1/applications/shop-web/logs?container=web&kind=ReplicaSet")
	if got := stream.next(); !strings.HasPrefix(got, `{"result":{"content":"fake logs","timeStamp":`) || !strings.Contains(got, `"podName":"web-1-00","last":false`) {
		t.Errorf("the first frame is %s", got)
	}
	if got := stream.next(); !strings.Contains(got, `"content":""`) || !strings.Contains(got, `"last":true`) {
		t.Errorf("the last frame is %s", got)
	}
	if got := w.stream("reader", "/api/v1/applications/shop-web/pods/web-1-00/logs?download=true").next(); got != "fake logs" {
		t.Errorf("downloaded: %q", got)
	}
	for query, want := range map[string]string{"container=other": "there are: web, proxy", "kind=Job": "no pods found", "sinceTime=now": "invalid time", "resourceName=web&kind=StatefulSet": "no pods found"} {
		if status, answer := w.call("reader", http.MethodGet, "/api/v1/applications/shop-web/logs?"+query, ""); status < 400 || status >= 500 || !strings.Contains(answer["error"].(string), want) {
			t.Errorf("%s: %d %v, want %q", query, status, answer, want)
		}
	}
	many := newWorld(t)
	many.withPods(mostLogPods + 1)
	if status, answer := many.call("reader", http.MethodGet, "/api/v1/applications/shop-web/logs", ""); status != http.StatusBadRequest || !strings.Contains(answer["error"].(string), "max pods to view logs are reached") {
		t.Errorf("many pods: %d %v", status, answer)
	}
}

// Which lines are shown.
func TestLogLines(t *testing.T) {
	at := func(second int) logLine {
		return logLine{Content: "Error in A", Time: time.Unix(int64(second), 0).UTC()}
	}
	for _, c := range []struct {
		name string
		q    LogsQuery
		want bool
	}{
		{"all", LogsQuery{}, true},
		{"with a text", LogsQuery{Filter: "error"}, true},
		{"with a text in its case", LogsQuery{Filter: "error", MatchCase: true}, false},
		{"without a text", LogsQuery{Filter: "!error"}, false},
		{"without another text", LogsQuery{Filter: "!warning"}, true},
		{"with another text", LogsQuery{Filter: "warning"}, false},
		{"until before", LogsQuery{UntilTime: "1970-01-01T00:00:09Z"}, false},
		{"until then", LogsQuery{UntilTime: "1970-01-01T00:00:10Z"}, true},
	} {
		_, keep, err := c.q.options()
		if err != nil {
			t.Fatal(err)
		}
		if got := keep(at(10)); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// The lines of several pods come in the order of their times.
func TestLogsAreInOrder(t *testing.T) {
	var sources []*logSource
	for _, lines := range [][]string{{"2026-01-01T00:00:01Z a", "2026-01-01T00:00:04Z d"}, {"2026-01-01T00:00:02Z b", "2026-01-01T00:00:03Z c"}, {}} {
		s := &logSource{lines: make(chan logLine, len(lines))}
		for _, text := range lines {
			s.lines <- s.line(text)
		}
		close(s.lines)
		sources = append(sources, s)
	}
	var got []string
	for next := inOrder(sources); ; {
		line, ok := next()
		if !ok {
			break
		}
		got = append(got, line.Content)
	}
	if want := []string{"a", "b", "c", "d"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Events are those of the Application, or of an object that it has.
func TestEvents(t *testing.T) {
	w := newWorld(t)
	for _, of := range []corev1.ObjectReference{{Kind: "Application", Namespace: control, Name: "shop-web"}, {Kind: "Deployment", Namespace: "shop", Name: "web", UID: "shop-web"}, {Kind: "Deployment", Namespace: "shop", Name: "other"}} {
		event := &corev1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: of.Namespace, Name: of.Name + "." + of.Kind}, InvolvedObject: of, Message: "of " + of.Name}
		if err := w.Create(t.Context(), event); err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range map[string]string{"": "of shop-web", "?resourceName=web&resourceNamespace=shop&resourceUID=shop-web": "of web", "?resourceName=other&resourceNamespace=shop": ""} {
		status, answer := w.call("shopper", http.MethodGet, "/api/v1/applications/shop-web/events"+query, "")
		items, _ := answer["items"].([]any)
		if want == "" {
			if status != http.StatusBadRequest {
				t.Errorf("%q: %d %v", query, status, answer)
			}
			continue
		}
		if len(items) != 1 || items[0].(map[string]any)["message"] != want {
			t.Errorf("%q: %d %v, want %q", query, status, answer, want)
		}
	}
}

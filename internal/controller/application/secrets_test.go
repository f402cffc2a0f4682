package application_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Whatever is wrong with a Secret, and whoever finds it, its values are neither in the Application nor in an event.
func TestNoValueOfASecretIsTold(t *testing.T) {
	w := newWorld(t)
	w.start()
	const text, number = "correct-horse-battery", "31337424242"
	encoded := base64.StdEncoding.EncodeToString([]byte(text))
	files := map[string]string{}
	for i, fields := range []string{
		"stringData: {p: " + number + "}", "data: {p: '" + text + "'}", "stringdata: {p: " + text + "}", "stringData: {p: [" + text + "]}",
		"data: {'not a key!': " + encoded + "}", "type: kubernetes.io/tls\ndata: {tls.crt: " + encoded + "}",
	} {
		for option, annotation := range map[string]string{"strict": "", "lax": "argocd.argoproj.io/sync-options: Validate=false", "replaced": "argocd.argoproj.io/sync-options: 'Validate=false,Replace=true'",
			"client": "argocd.argoproj.io/sync-options: 'Validate=false,ServerSideApply=false'", "hook": "argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/sync-options: Validate=false"} {
			name := fmt.Sprintf("%s-%d", option, i)
			files[name+"/a.yaml"] = "apiVersion: v1\nkind: Secret\nmetadata: {name: " + name + ", annotations: {" + annotation + "}}\n" + fields + "\n"
			files[name+"/b.yaml"] = configMap(name, "green")
		}
	}
	w.push(files)
	told := 0
	for path := range files {
		folder, file, _ := strings.Cut(path, "/")
		if file != "a.yaml" {
			continue
		}
		got := w.eventually(w.appAt(folder, folder), "an outcome of "+folder, func(a *v1alpha1.Application) bool {
			return len(a.Status.Conditions) > 0 || a.Status.OperationState != nil && a.Status.OperationState.FinishedAt != nil
		})
		status, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(status), "Secret") {
			told++
		}
		for _, value := range []string{text, number, encoded} {
			if strings.Contains(string(status), value) {
				t.Errorf("%s: the value is told: %s", files[path], status)
			}
		}
	}
	if told < len(files)/4 {
		t.Errorf("of %d Secrets %d are told of", len(files), told)
	}
	var events corev1.EventList
	if err := w.List(t.Context(), &events, client.InNamespace(w.control)); err != nil {
		t.Fatal(err)
	}
	for _, e := range events.Items {
		for _, value := range []string{text, number, encoded} {
			if strings.Contains(e.Message, value) {
				t.Errorf("an event tells the value: %s", e.Message)
			}
		}
	}
}

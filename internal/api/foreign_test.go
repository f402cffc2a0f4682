package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/view"
)

// replace has an object in the cluster be another one.
func (w *world) replace(object runtime.Object, resource, namespace string) {
	w.Helper()
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err == nil {
		err = w.dynamic.Tracker().Update(schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: resource}, &unstructured.Unstructured{Object: content}, namespace)
	}
	if err != nil {
		w.Fatal(err)
	}
}

// What others write without end is cut before a page gets it: statuses of a megabyte cost their page and everybody's
// list little.
func TestStatusesOfAMegabyte(t *testing.T) {
	const most = 64 << 10
	endless := strings.Repeat("<script>💥\x1b[31m ", 1<<20/16)
	f := newFed(t)
	web := &appsv1.Deployment{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "shop-web", Generation: 1}}
	web.Status.ObservedGeneration = 1
	web.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse, Reason: "ProgressDeadlineExceeded", Message: endless}}
	f.replace(web, "deployments", "shop")
	failing := pod("shop", "web-1", corev1.PodFailed)
	failing.Status.Message, failing.Status.Reason = endless, endless
	failing.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "web", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: endless, Message: endless}}}}
	f.deploy(failing)
	l := f.listen("shopper", "applications,application:argocd/shop-web", "").opened()
	first := l.expect("application", `"kind":"Pod"`)
	if len(first.data) > most {
		t.Errorf("the first event of the Application is of %d bytes", len(first.data))
	}
	f.change("shop-web", func(a *v1alpha1.Application) {
		a.Status.Conditions = []v1alpha1.ApplicationCondition{{Type: v1alpha1.ConditionSyncError, Message: endless}}
		a.Status.Health = v1alpha1.AppHealthStatus{Status: v1alpha1.HealthDegraded}
		a.Status.OperationState = &v1alpha1.OperationState{Phase: v1alpha1.OperationFailed, Message: endless, StartedAt: metav1.Now(), SyncResult: &v1alpha1.SyncOperationResult{Resources: []*v1alpha1.ResourceResult{{Kind: "Deployment", Name: "web", Message: endless}}}}
	})
	for range 2 {
		e := l.next()
		if len(e.data) > most || !json.Valid([]byte(e.data)) || strings.Contains(e.data, "<script>") || strings.ContainsRune(e.data, 0x1b) {
			t.Errorf("event %s is of %d bytes", e.name, len(e.data))
		}
	}
	for _, path := range []string{"/api/v1/view/applications", "/api/v1/view/overview", "/api/v1/view/applications/argocd/shop-web", "/api/v1/view/deliveries"} {
		if answer := f.get("shopper", path, nil); answer.Code != http.StatusOK || answer.Body.Len() > most {
			t.Errorf("%s: %d, %d bytes", path, answer.Code, answer.Body.Len())
		}
	}
}

// Names as long as they can be are answered wherever they are asked for.
func TestTheLongestNames(t *testing.T) {
	long := strings.Repeat(strings.Repeat("a", 62)+".", 4) + "a"
	f := newFed(t)
	app := f.app("shop-web")
	app.ObjectMeta = metav1.ObjectMeta{Namespace: control, Name: long, Labels: map[string]string{strings.Repeat("l", 63): strings.Repeat("v", 63)}}
	if err := f.Create(context.Background(), app); err != nil || len(long) != 253 {
		t.Fatal(len(long), err)
	}
	var rows shownRows
	f.get("shopper", "/api/v1/view/applications?search="+long, &rows)
	var d view.Detail
	f.get("shopper", "/api/v1/view/applications/argocd/"+long, &d)
	if rows.Total != 1 || d.Row.Name != long {
		t.Errorf("%d rows, detail of %q", rows.Total, d.Row.Name)
	}
	l := f.listen("shopper", "application:argocd/"+long+"@"+d.Version, "")
	f.change(long, healthy)
	l.expect("application", `"health":"Healthy"`)
	status, answer := f.call("admin", http.MethodPost, "/api/v1/applications/"+long+"/sync", `{}`)
	if status != http.StatusOK {
		t.Errorf("sync: %d %v", status, answer)
	}
	// What cannot be a name is no error of the server.
	w := newWorld(t)
	for _, name := range []string{strings.Repeat("a", 254), "💥", "<script>alert(1)</script>", "..", "a%00b", "\x1b[31m"} {
		for _, path := range []string{"/api/v1/view/applications/argocd/%s", "/api/v1/applications/%s", "/api/v1/view/stream?topics=application:argocd/%s"} {
			answer := w.get("shopper", fmt.Sprintf(path, url.PathEscape(name)), nil)
			if answer.Code >= http.StatusInternalServerError || strings.Contains(answer.Body.String(), "<script>") {
				t.Errorf("%s: %d %s", fmt.Sprintf(path, name), answer.Code, answer.Body)
			}
		}
	}
}

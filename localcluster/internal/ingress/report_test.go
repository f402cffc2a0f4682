package ingress

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

// An Ingress that was written for another controller may have dozens of annotations that are not honoured: none goes
// untold.
func TestEachFindingHasItsEvent(t *testing.T) {
	const count = 60
	client := fake.NewClientset()
	watching, err := client.CoreV1().Events("shop").Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer watching.Stop()
	events, shutdown := newRecorder(client)
	defer shutdown()
	r := &reporter{events: events}
	var findings []routing.Finding
	for i := range count {
		findings = append(findings, routing.Finding{
			Object: corev1.ObjectReference{Kind: "Ingress", Namespace: "shop", Name: "shop"}, Reason: "UnsupportedAnnotation", Message: fmt.Sprintf("annotation %d", i),
		})
	}
	r.tellFindings(findings)
	r.tellFindings(findings)
	for i := range count {
		event := (<-watching.ResultChan()).Object.(*corev1.Event)
		if want := fmt.Sprintf("annotation %d", i); event.Message != want || event.Type != corev1.EventTypeWarning {
			t.Fatalf("event %d: got %s %q, want %q", i, event.Type, event.Message, want)
		}
	}
}

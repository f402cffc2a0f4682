package devloop

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/problem"
)

// A loop that is started anew while the namespace of the one before goes says what it waits for, and, where that has no
// end, what holds it up.
func TestANamespaceThatGoes(t *testing.T) {
	for name, gone := range map[string]bool{"soon": true, "never": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := metav1.NewTime(time.Now())
				clients := fake.NewClientset(&corev1.Namespace{
					ObjectMeta: metav1.ObjectMeta{Name: "dev-ann-shop", Labels: map[string]string{desired.LoopLabel: "shop"}, DeletionTimestamp: &now, Finalizers: []string{"x"}},
					Status: corev1.NamespaceStatus{Conditions: []corev1.NamespaceCondition{
						{Type: corev1.NamespaceDeletionDiscoveryFailure, Status: corev1.ConditionFalse, Message: "all resources are listed"},
						{Type: corev1.NamespaceFinalizersRemaining, Status: corev1.ConditionTrue, Message: "finalizer example.com/keep in 1 resource instances"},
					}},
				})
				var said []string
				c := &claim{namespaceLease: namespaceLease{clients: clients, namespace: "dev-ann-shop", loop: "shop"}, own: true, say: func(text string) {
					said = append(said, text)
					if gone {
						if err := clients.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("namespaces"), "", "dev-ann-shop"); err != nil {
							t.Error(err)
						}
					}
				}}
				err := c.makeNamespace(t.Context(), "/shop", "of the loop before")
				if len(said) != 1 || !strings.HasPrefix(said[0], "namespace dev-ann-shop of the loop before is still being removed") {
					t.Errorf("said %q, want once what is waited for", said)
				}
				const want = "namespace dev-ann-shop: still being removed after 2m0s: finalizer example.com/keep in 1 resource instances; remove what holds it up, or name another one with --namespace"
				if gone && err != nil || !gone && (problem.Of(err) == nil || err.Error() != want) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

// A namespace of a loop's own that somebody deletes while the loop runs is made again, and everything with it: at the
// next save, and without one.
func TestANamespaceThatSomebodyDeletes(t *testing.T) {
	for name, saved := range map[string]string{"saved": "second", "not saved": "first"} {
		t.Run(name, func(t *testing.T) {
			f := newTrial(t)
			f.begin()
			f.awaitRunning("first")
			f.await(Deployed, 1)
			namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: f.l.claim.namespace}}
			if err := f.cluster.Client.Delete(f.Context(), namespace); err != nil {
				f.Fatal(err)
			}
			if saved != "first" {
				f.write("src/source", saved)
			}
			f.eventually("the namespace is another one", func() error {
				now := &corev1.Namespace{}
				if err := f.cluster.Client.Get(f.Context(), client.ObjectKeyFromObject(namespace), now); err != nil {
					return err
				}
				if now.UID == namespace.UID || now.DeletionTimestamp != nil {
					return fmt.Errorf("%s, deleted at %v", now.UID, now.DeletionTimestamp)
				}
				return nil
			})
			f.awaitRunning(saved)
			f.end()
			want := "namespace " + namespace.Name + " was deleted, and not by this loop; it is made again, and everything is deployed anew"
			if said := f.texts(Note); !slices.Contains(said, want) {
				f.Errorf("said %q, want %q", said, want)
			}
			if said := f.texts(Note); slices.ContainsFunc(said, func(line string) bool { return strings.Contains(line, "cannot be renewed") }) {
				f.Errorf("said %q", said)
			}
		})
	}
}

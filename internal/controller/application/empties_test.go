package application_test

import (
	"context"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// An empty selector selects everything, and none nothing: a commit that adds one, or takes it away, is synced, and what
// somebody else has changed about it is healed.
func TestAnEmptySelectorIsSynced(t *testing.T) {
	w := newWorld(t)
	w.start()
	policy := func(more string) map[string]string {
		return map[string]string{"k8s/p.yaml": "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\n" +
			"spec: {podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}" + more + "}]}]}\n"}
	}
	live := func() *networkingv1.NetworkPolicy {
		p := &networkingv1.NetworkPolicy{}
		if err := w.Get(context.Background(), client.ObjectKey{Namespace: w.to, Name: "p"}, p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	everywhere := func(p *networkingv1.NetworkPolicy) bool { return p.Spec.Ingress[0].From[0].NamespaceSelector != nil }
	sha := w.push(policy(""))
	app := w.app("shop", automated)
	w.eventually(app, "the first sync", syncedTo(sha))
	for _, c := range []struct {
		name, more string
		want       bool
	}{{"added", ", namespaceSelector: {}", true}, {"taken away", "", false}, {"added again", ", namespaceSelector: {}", true}} {
		sha := w.push(policy(c.more))
		w.eventually(app, c.name, syncedTo(sha))
		if got := everywhere(live()); got != c.want {
			t.Errorf("%s: pods of every namespace are let in: %v, want %v", c.name, got, c.want)
		}
	}
	changed := live()
	changed.Spec.Ingress[0].From[0].NamespaceSelector = nil
	if err := w.Update(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	w.until("the selector to be healed", func(context.Context) (bool, error) { return everywhere(live()), nil })
}

package api

import (
	"context"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/patch"
)

// What a Rollout does, the row of its Application shows.
func TestStreamsTellOfRollouts(t *testing.T) {
	f := newFed(t)
	ctx := context.Background()
	ro := &v1alpha1.Rollout{}
	if err := f.Get(ctx, client.ObjectKey{Namespace: "shop", Name: "web"}, ro); err != nil {
		t.Fatal(err)
	}
	// One that only claims to belong to the Application.
	claims := &v1alpha1.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "other", Annotations: ro.Annotations}}
	if err := f.Create(ctx, claims); err != nil {
		t.Fatal(err)
	}
	l := f.listen("shopper", "applications", "").opened()
	f.feed.Rollout("shop", "other")
	f.feed.Rollout("shop", "gone")
	ro.Status.Phase = v1alpha1.RolloutDegraded
	f.write(ro)
	f.feed.Rollout("shop", "web")
	if e := l.next(); e.name != "row" || !strings.Contains(e.data, `"rollouts":[{"namespace":"shop","name":"web","phase":"Degraded"}]`) {
		t.Errorf("got %+v", e)
	}
}

// Who looks at a Rollout is told at once what he may not ask of it any more, that he may not see it any more, and
// that it is deleted; and nothing of one that he was never shown.
func TestStreamsOfRolloutsFollowRights(t *testing.T) {
	f := newFed(t)
	// One that is shown comes after one that never is: nothing is told of that one before.
	l := f.listen("shopper", "rollout:bank/web,rollout:shop/web", "")
	l.expect("rollout", `"promote"`, `"bank"`)
	f.policy("p, shopper, applications, get, shop/*, allow\n")
	if e := l.expect("rollout", `"rights":["get"]`, `"bank"`); strings.Contains(e.data, `"enabled":true`) {
		t.Errorf("what is not permitted is possible: %s", e.data)
	}
	f.policy("")
	l.expect("rolloutGone", `{"namespace":"shop","name":"web"}`, `"bank"`)
	f.policy("p, shopper, applications, get, shop/*, allow\n")
	l.expect("rollout", `"rights":["get"]`, `"bank"`)
	if err := patch.DeleteSeen(context.Background(), f, f.rollout("shop")); err != nil {
		t.Fatal(err)
	}
	f.feed.Rollout("bank", "web")
	f.feed.Rollout("shop", "web")
	l.expect("rolloutGone", `{"namespace":"shop","name":"web"}`, `"bank"`)
}

// Who looks at a Rollout is told all of it once, and from then on what has changed, where something has; who comes
// again is told all of it again.
func TestStreamsTellWhatHasChangedOfARollout(t *testing.T) {
	f := newFed(t)
	const topic = "rollout:shop/web"
	l := f.listen("shopper", topic, "")
	if e := l.next(); e.name != "rollout" || !strings.Contains(e.data, `"revisions":[`) || strings.Contains(e.data, `"parts"`) {
		t.Fatalf("at first: %+v, want all of the Rollout", e)
	}
	f.feed.Rollout("shop", "web") // nothing is to be told of it
	ro := f.rollout("shop")
	ro.Status.Conditions = append(ro.Status.Conditions, v1alpha1.RolloutCondition{Type: "Told", Message: "of this alone"})
	f.write(ro)
	f.feed.Rollout("shop", "web")
	e := l.next()
	if want := `{"namespace":"shop","name":"web","parts":{"conditions":[`; e.name != "rollout" || !strings.HasPrefix(e.data, want) || !strings.Contains(e.data, "of this alone") || strings.Contains(e.data, `"lanes"`) {
		t.Errorf("after a change: %+v, want %s… and nothing else", e, want)
	}
	l.close()
	if e := f.listen("shopper", topic, e.id).expect("rollout", ""); !strings.Contains(e.data, `"revisions":[`) || !strings.Contains(e.data, "of this alone") {
		t.Errorf("who comes again: %+v, want all of the Rollout", e)
	}
}

package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/view"
)

func (w *world) rollout(namespace string) *v1alpha1.Rollout {
	w.Helper()
	ro := &v1alpha1.Rollout{}
	if err := w.Get(context.Background(), client.ObjectKey{Namespace: namespace, Name: "web"}, ro); err != nil {
		w.Fatal(err)
	}
	return ro
}

// write writes a Rollout with its status.
func (w *world) write(ro *v1alpha1.Rollout) {
	w.Helper()
	status := ro.Status
	err := w.Update(context.Background(), ro)
	if ro.Status = status; err == nil {
		err = w.Status().Update(context.Background(), ro)
	}
	if err != nil {
		w.Fatal(err)
	}
}

// Rollouts are those that who asks may see: by lines about rollouts, or about the Application that a Rollout belongs
// to.
func TestRolloutsAreThoseThatMayBeSeen(t *testing.T) {
	w := newWorld(t)
	// A mark alone does not make it the Application's: whoever writes the Rollout writes the mark.
	if err := w.Create(context.Background(), &v1alpha1.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "claims", Annotations: w.rollout("shop").Annotations}}); err != nil {
		t.Fatal(err)
	}
	for as, want := range map[string]string{"admin": "claims shop, web bank, web shop", "reader": "claims shop, web bank, web shop", "shopper": "web shop", "deployer": "web shop", "nobody": ""} {
		var list struct{ Items []view.RolloutView }
		w.get(as, "/api/v1/view/rollouts", &list)
		var got []string
		for _, v := range list.Items {
			got = append(got, v.Name+" "+v.Namespace)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("as %s: got %v, want %s", as, got, want)
		}
	}
	hidden, missing := w.get("shopper", "/api/v1/view/rollouts/bank/web", nil), w.get("shopper", "/api/v1/view/rollouts/bank/missing", nil)
	if hidden.Code != http.StatusForbidden || hidden.Body.String() != missing.Body.String() {
		t.Errorf("one that is hidden: %d %s, and one that is not there: %s", hidden.Code, hidden.Body, missing.Body)
	}
	if answer := w.get("admin", "/api/v1/view/rollouts/bank/missing", nil); answer.Code != http.StatusNotFound {
		t.Errorf("one that is not there: %d", answer.Code)
	}
}

// A view has what belongs to the Rollout, and only what who asks has a right to is possible.
func TestAViewOfARollout(t *testing.T) {
	w := newWorld(t)
	var v view.RolloutView
	w.get("shopper", "/api/v1/view/rollouts/shop/web", &v)
	if len(v.Lanes) != 2 || len(v.Lanes[0].Pods) != 1 || v.Lanes[0].Role != "preview" || v.Application == nil || v.Application.Name != "shop-web" || !v.Paused {
		t.Errorf("got %+v", v)
	}
	if !slices.Contains(v.Rights, "action") || slices.Contains(v.Rights, "logs") || !v.Actions[0].Enabled {
		t.Errorf("got rights %v, actions %+v", v.Rights, v.Actions)
	}
	w.get("reader", "/api/v1/view/rollouts/shop/web", &v)
	if fmt.Sprint(v.Rights) != "[get logs]" || v.Actions[0].Enabled || !strings.HasPrefix(v.Actions[0].Reason, "permission denied: ") {
		t.Errorf("got rights %v, actions %+v", v.Rights, v.Actions)
	}
}

// What people ask of a Rollout is what the commands ask.
func TestRolloutsAreChanged(t *testing.T) {
	abortedRollout := func(ro *v1alpha1.Rollout) { ro.Status.Abort = true }
	pausedRollout := func(ro *v1alpha1.Rollout) { ro.Spec.Paused = true }
	for _, c := range []struct {
		name, call, body string
		change           func(*v1alpha1.Rollout)
		status           int
		want             func(*v1alpha1.Rollout) bool
	}{
		{"promote", "promote", `{}`, nil, 200, func(ro *v1alpha1.Rollout) bool { return len(ro.Status.PauseConditions) == 0 && !ro.Status.PromoteFull }},
		{"promote fully", "promote", `{"full":true}`, nil, 200, func(ro *v1alpha1.Rollout) bool { return ro.Status.PromoteFull }},
		{"promote what waits for nothing", "promote", `{}`, func(ro *v1alpha1.Rollout) { ro.Status.PauseConditions = nil }, 400, nil},
		{"abort", "abort", `{}`, nil, 200, func(ro *v1alpha1.Rollout) bool { return ro.Status.Abort }},
		{"abort what is aborted", "abort", `{}`, abortedRollout, 400, nil},
		{"retry", "retry", `{}`, abortedRollout, 200, func(ro *v1alpha1.Rollout) bool { return !ro.Status.Abort }},
		{"retry what is not aborted", "retry", `{}`, nil, 400, nil},
		{"pause", "pause", `{}`, nil, 200, func(ro *v1alpha1.Rollout) bool { return ro.Spec.Paused }},
		{"resume", "resume", `{}`, pausedRollout, 200, func(ro *v1alpha1.Rollout) bool { return !ro.Spec.Paused && len(ro.Status.PauseConditions) == 1 }},
		{"resume what is not paused", "resume", `{}`, nil, 400, nil},
		{"restart", "restart", `{}`, nil, 200, func(ro *v1alpha1.Rollout) bool { return ro.Spec.RestartAt != nil }},
		{"undo", "undo", `{}`, nil, 200, func(ro *v1alpha1.Rollout) bool {
			return ro.Spec.Template.Spec.Containers[0].Image == "registry.example/web:1" && ro.Spec.Template.Labels[v1alpha1.PodHashLabel] == ""
		}},
		{"undo to a revision", "undo", `{"toRevision":2}`, nil, 200, func(ro *v1alpha1.Rollout) bool {
			return ro.Spec.Template.Spec.Containers[0].Image == "registry.example/web:2"
		}},
		{"undo to a revision that is not kept", "undo", `{"toRevision":7}`, nil, 404, nil},
		{"set an image", "set-image", `{"image":"registry.example/web:3"}`, nil, 200, func(ro *v1alpha1.Rollout) bool {
			return ro.Spec.Template.Spec.Containers[0].Image == "registry.example/web:3"
		}},
		{"set an image of a container that is not there", "set-image", `{"image":"x","container":"log"}`, nil, 404, nil},
		{"set no image", "set-image", `{}`, nil, 422, nil},
		{"a field that there is not", "abort", `{"full":true}`, nil, 422, nil},
		{"another kind by workloadRef", "set-image", `{"image":"x"}`, func(ro *v1alpha1.Rollout) {
			ro.Spec.WorkloadRef = &v1alpha1.WorkloadRef{APIVersion: "v1", Kind: "Secret", Name: "x"}
		}, 400, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			if c.change != nil {
				ro := w.rollout("shop")
				c.change(ro)
				w.write(ro)
			}
			status, answer := w.call("shopper", http.MethodPost, "/api/v1/rollouts/shop/web/"+c.call, c.body)
			if status != c.status && (c.status != 422 || status != 400) {
				t.Fatalf("got %d %v, want %d", status, answer, c.status)
			}
			if c.want != nil && (!c.want(w.rollout("shop")) || answer["name"] != "web") {
				t.Errorf("got %+v, answered %v", w.rollout("shop"), answer)
			}
			if log := w.log.String(); c.status == 200 && !strings.Contains(log, "audit") {
				t.Errorf("there is no audit line: %s", log)
			}
		})
	}
}

// A stream about a Rollout begins with it, and goes on with its changes.
func TestStreamsOfRollouts(t *testing.T) {
	f := newFed(t)
	l, other := f.listen("shopper", "rollout:shop/web", ""), f.listen("shopper", "rollout:bank/web,rollout:shop/web", "")
	l.expect("rollout", `"phase":"Paused"`)
	other.expect("rollout", `"namespace":"shop"`, `"bank"`)
	ro := f.rollout("shop")
	ro.Status.Phase = v1alpha1.RolloutHealthy
	f.write(ro)
	f.feed.Rollout("bank", "web")
	f.feed.Rollout("shop", "web")
	l.expect("rollout", `"phase":"Healthy"`)
	other.expect("rollout", `"phase":"Healthy"`, `"bank"`)
}

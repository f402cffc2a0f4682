package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// TestDeletion: which objects go with their Application, in which order, and what has to be confirmed before.
func TestDeletion(t *testing.T) {
	const (
		claim     = "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: d}}"
		claimWith = "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: d, annotations: {argocd.argoproj.io/sync-options: 'Prune=true, %s'}}}"
		namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: d}}"
		plain     = "{apiVersion: v1, kind: ConfigMap, metadata: {name: plain, namespace: d}}"
	)
	for _, c := range []struct {
		name    string
		options []string
		// confirmed is what the person has done.
		confirmed bool
		occupants []plan.Key
		live      []string
		// waves are divided by a slash.
		waves, unconfirmed string
	}{
		{name: "waves go from the highest down, kinds against their order", live: []string{
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: first, namespace: d, annotations: {argocd.argoproj.io/sync-wave: '-1'}}}",
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: early, namespace: d}}",
			"{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: d}}",
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: late, namespace: d, annotations: {argocd.argoproj.io/sync-wave: '5'}}}",
		}, waves: "late / web early / first"},
		{name: "waves in order whatever the objects' order is", live: []string{
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: two, namespace: d, annotations: {argocd.argoproj.io/sync-wave: '2'}}}",
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: zero, namespace: d}}",
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: nine, namespace: d, annotations: {argocd.argoproj.io/sync-wave: '9'}}}",
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: naught, namespace: d}}",
		}, waves: "nine / two / naught zero"},
		{name: "the Deployment goes with the Rollout that has its pods", live: []string{
			"{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: r, namespace: d, annotations: {argocd.argoproj.io/sync-wave: '1'}}, spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}}}",
			"{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: d}}",
			"{apiVersion: apps/v1, kind: Deployment, metadata: {name: other, namespace: d}}",
		}, waves: "r web / other"},
		{name: "the Deployment of a Rollout goes in its own wave where that is first", live: []string{
			"{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: r, namespace: d}, spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}}}",
			"{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: d, annotations: {argocd.argoproj.io/sync-wave: '1'}}}",
		}, waves: "web / r"},
		{name: "what is to be confirmed is in order", options: []string{"Delete=confirm"}, live: []string{claim, plain}, waves: "data plain",
			unconfirmed: "ConfigMap d/plain (Delete=confirm), PersistentVolumeClaim d/data (Delete=confirm)"},
		{name: "no option deletes", live: []string{claim}, waves: "data"},
		{name: "the object keeps itself", live: []string{plain, fmt.Sprintf(claimWith, "Delete=false")}, waves: "plain"},
		{name: "the Application keeps all", options: []string{"Delete=false"}, live: []string{plain, claim}},
		{name: "the object's own option overrides the Application's", options: []string{"Delete=false"}, live: []string{plain, fmt.Sprintf(claimWith, "Delete=true")}, waves: "data"},
		{name: "the object keeps itself where the Application asks", options: []string{"Delete=confirm"}, live: []string{plain, fmt.Sprintf(claimWith, "Delete=false")},
			waves: "plain", unconfirmed: "ConfigMap d/plain (Delete=confirm)"},
		{name: "the object waits for a confirmation", live: []string{plain, fmt.Sprintf(claimWith, "Delete=confirm")}, waves: "data plain", unconfirmed: "PersistentVolumeClaim d/data (Delete=confirm)"},
		{name: "the Application waits for a confirmation", options: []string{"Delete=confirm"}, live: []string{plain, claim}, waves: "data plain",
			unconfirmed: "ConfigMap d/plain (Delete=confirm), PersistentVolumeClaim d/data (Delete=confirm)"},
		{name: "confirmed for the object", confirmed: true, live: []string{plain, fmt.Sprintf(claimWith, "Delete=confirm")}, waves: "data plain"},
		{name: "confirmed for the Application", options: []string{"Delete=confirm"}, confirmed: true, live: []string{plain, claim}, waves: "data plain"},
		{name: "a confirmation does not delete what is kept", options: []string{"Delete=false"}, confirmed: true, live: []string{plain, claim}},
		{name: "an object that is going already needs no confirmation", options: []string{"Delete=confirm"},
			live:  []string{"{apiVersion: v1, kind: ConfigMap, metadata: {name: going, namespace: d, deletionTimestamp: '2026-05-01T12:00:00Z', finalizers: [x/y]}}"},
			waves: "going"},
		{name: "options are trimmed", live: []string{fmt.Sprintf(claimWith, " Delete = false ")}},
		{name: "a value that means nothing keeps", live: []string{fmt.Sprintf(claimWith, "Delete=False")}},
		{name: "Helm's policy keeps", live: []string{"{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: d, annotations: {helm.sh/resource-policy: keep}}}"}},
		{name: "Helm's policy keeps whatever the options are", confirmed: true,
			live: []string{"{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: d, annotations: {helm.sh/resource-policy: keep, argocd.argoproj.io/sync-options: Delete=true}}}"}},
		{name: "a definition stays, with the objects of its kind that others made",
			live: []string{"{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: lamps.example.org}}"}},
		{name: "a kind that is only called like a definition goes", live: []string{"{apiVersion: example.org/v1, kind: CustomResourceDefinition, metadata: {name: x}}"}, waves: "x"},
		{name: "an object of another Application stays", live: []string{plain,
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: foreign, namespace: d, annotations: {argocd.argoproj.io/tracking-id: 'other:/ConfigMap:d/foreign'}}}"}, waves: "plain"},
		{name: "a hook that this deletion runs at its end stays", live: []string{plain,
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: after, namespace: d, annotations: {cyan.dev/hook-run: '1777636800/PostDelete/abc'}}}"}, waves: "plain"},
		{name: "hooks that ran before it, or of an earlier deletion, go", live: []string{
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: before, namespace: d, annotations: {cyan.dev/hook-run: '1777636800/PreDelete/abc'}}}",
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: earlier, namespace: d, annotations: {cyan.dev/hook-run: '1777636799/PostDelete/abc'}}}"}, waves: "before earlier"},
		{name: "a namespace", live: []string{namespace, plain}, waves: "plain d"},
		{name: "a namespace that holds objects of others", occupants: []plan.Key{{Kind: "Secret", Namespace: "d", Name: "foreign"}}, live: []string{namespace, plain},
			waves: "plain d", unconfirmed: "Namespace d (holds Secret foreign)"},
		{name: "a namespace that holds three objects of others", occupants: slices.Repeat([]plan.Key{{Kind: "Secret", Namespace: "d", Name: "x"}}, 3), live: []string{namespace},
			waves: "d", unconfirmed: "Namespace d (holds Secret x, Secret x, Secret x)"},
		{name: "a namespace that holds many objects of others", occupants: slices.Repeat([]plan.Key{{Kind: "Secret", Namespace: "d", Name: "x"}}, 5), live: []string{namespace},
			waves: "d", unconfirmed: "Namespace d (holds Secret x, Secret x, Secret x and 2 more)"},
		{name: "a namespace that holds objects of others, confirmed", confirmed: true, occupants: []plan.Key{{Kind: "Secret", Namespace: "d", Name: "foreign"}}, live: []string{namespace},
			waves: "d"},
		{name: "an object that is called like a namespace with objects of others", occupants: []plan.Key{{Kind: "Secret", Namespace: "d", Name: "foreign"}},
			live: []string{"{apiVersion: v1, kind: ConfigMap, metadata: {name: d, namespace: x}}"}, waves: "d"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var live []plan.Live
			for _, text := range c.live {
				o := object(t, text)
				if o.GetAnnotations()[v1alpha1.TrackingIDAnnotation] == "" {
					plan.Mark(o, plan.Policy{Instance: "shop"})
				}
				live = append(live, plan.Live{Object: o})
			}
			got := plan.Deletion(live, plan.Policy{Instance: "shop", StartedAt: noon, Options: plan.ParseOptions(c.options), Confirmed: c.confirmed, Occupants: map[string][]plan.Key{"d": c.occupants}})
			var waves, unconfirmed []string
			for _, group := range got.Waves {
				var names []string
				for _, o := range group {
					names = append(names, o.GetName())
				}
				waves = append(waves, strings.Join(names, " "))
			}
			for _, key := range got.Unconfirmed {
				unconfirmed = append(unconfirmed, key.String())
			}
			if text := strings.Join(waves, " / "); text != c.waves {
				t.Errorf("goes: got %q, want %q", text, c.waves)
			}
			if text := strings.Join(unconfirmed, ", "); text != c.unconfirmed {
				t.Errorf("to confirm: got %q, want %q", text, c.unconfirmed)
			}
		})
	}
}

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// TestConfirmed: a confirmation counts for what was waiting when it was given, never for what comes later.
func TestConfirmed(t *testing.T) {
	for _, c := range []struct {
		name, annotation string
		want             bool
	}{
		{"none", "", false},
		{"before", "2026-05-01T11:59:59Z", false},
		{"at the same second", "2026-05-01T12:00:00Z", true},
		{"after", "2026-05-01T12:00:01Z", true},
		{"with milliseconds, as browsers write it", "2026-05-01T12:00:00.123Z", true},
		{"in another time zone", "2026-05-01T14:00:00+02:00", true},
		{"in another time zone, before", "2026-05-01T12:30:00+02:00", false},
		{"a word", "true", false},
		{"a day", "2026-05-02", false},
	} {
		app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{v1alpha1.DeletionApprovedAnnotation: c.annotation}}}
		if got := plan.Confirmed(app, noon); got != c.want {
			t.Errorf("%s: %q since %s: got %v, want %v", c.name, c.annotation, noon.Format(time.RFC3339), got, c.want)
		}
	}
}

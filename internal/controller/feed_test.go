package controller

import (
	"context"
	"errors"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/testkit"
	"github.com/cyan-cd/cyan/internal/view"
)

// What belongs to a Rollout changes it.
func TestWhatChangesARollout(t *testing.T) {
	yes := true
	owned := func(kind, name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: "shop", Name: "x", Labels: map[string]string{v1alpha1.PodHashLabel: "abc"}, OwnerReferences: []metav1.OwnerReference{{Kind: kind, Name: name, Controller: &yes}}}
	}
	service := func(name, of string) *corev1.Service {
		return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Annotations: map[string]string{v1alpha1.ManagedByRolloutsAnnotation: of}}}
	}
	slice := func(of string) *discoveryv1.EndpointSlice {
		return &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "y", Labels: map[string]string{discoveryv1.LabelServiceName: of}}}
	}
	f := feeder{reader: fake.NewClientBuilder().WithScheme(testkit.Scheme()).WithObjects(service("active", "web"), service("other", "")).Build()}
	for name, c := range map[string]struct {
		object client.Object
		want   string
	}{
		"itself":                      {&v1alpha1.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}, "web"},
		"its ReplicaSet":              {&appsv1.ReplicaSet{ObjectMeta: owned("Rollout", "web")}, "web"},
		"a ReplicaSet of others":      {&appsv1.ReplicaSet{ObjectMeta: owned("Deployment", "web")}, ""},
		"a ReplicaSet of nobody":      {&appsv1.ReplicaSet{}, ""},
		"its pod":                     {&corev1.Pod{ObjectMeta: owned("ReplicaSet", "web-abc")}, "web"},
		"a pod of others":             {&corev1.Pod{ObjectMeta: owned("Job", "web-abc")}, ""},
		"a pod of nobody":             {&corev1.Pod{}, ""},
		"its Service":                 {service("active", "web"), "web"},
		"a Service of others":         {service("other", ""), ""},
		"its Service's addresses":     {slice("active"), "web"},
		"addresses of others":         {slice("other"), ""},
		"addresses of no Service":     {slice("gone"), ""},
		"what no Rollout ever can be": {&corev1.ConfigMap{}, ""},
	} {
		if got := f.rolloutOf(context.Background(), c.object); got.Name != c.want {
			t.Errorf("%s: got %q, want %q", name, got.Name, c.want)
		}
	}
}

// A cluster that does not answer has not answered since the first time.
func TestSinceWhenTheClusterDoesNotAnswer(t *testing.T) {
	noon := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	state := reachability(view.Reachability{Reachable: true}, errors.New("refused"), noon)
	state = reachability(state, errors.New("refused"), noon.Add(time.Minute))
	if state.Reachable || state.Since != "2026-11-26T12:00:00Z" || state.Message == "" {
		t.Errorf("got %+v", state)
	}
	if state = reachability(state, nil, noon); state != (view.Reachability{Reachable: true}) {
		t.Errorf("got %+v", state)
	}
}

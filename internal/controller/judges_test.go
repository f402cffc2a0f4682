package controller

import (
	"context"
	"errors"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// oneConfigMap has a ConfigMap argocd-cm, or none, or fails.
type oneConfigMap struct {
	client.Reader
	data    map[string]string
	version int
	err     error
}

func (o *oneConfigMap) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	switch {
	case o.err != nil:
		return o.err
	case key != client.ObjectKey{Namespace: "argocd", Name: "argocd-cm"} || o.data == nil:
		return apierrors.NewNotFound(corev1.Resource("configmaps"), key.Name)
	}
	found := into.(*corev1.ConfigMap)
	found.UID, found.ResourceVersion, found.Data = "uid", strconv.Itoa(o.version), o.data
	return nil
}

// Objects below those that Applications manage are judged by the scripts that are written at that moment; what else
// changes in the ConfigMap changes nothing of that.
func TestJudgesFollowTheirConfigMap(t *testing.T) {
	world := &oneConfigMap{}
	j := &judges{reader: world, namespace: "argocd"}
	base := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "example.com/v1", "kind": "Base", "spec": map[string]any{}}}
	const key, healthy = "resource.customizations.health.example.com_Base", `return {status = "Healthy"}`
	names := map[string]string{}
	for _, step := range []struct {
		rule string
		data map[string]string
		// want is the health of the object, and as is the step in which the scripts have the same name.
		want, as string
	}{
		{rule: "no ConfigMap", want: "none"},
		{rule: "no script", data: map[string]string{"url": "https://cyan.example"}, want: "none", as: "no ConfigMap"},
		{rule: "a script", data: map[string]string{key: healthy}, want: "Healthy"},
		{rule: "another key", data: map[string]string{key: healthy, "url": "https://cyan.example"}, want: "Healthy", as: "a script"},
		{rule: "another script", data: map[string]string{key: `return {status = "Degraded"}`}, want: "Degraded"},
		{rule: "the first script, for another kind", data: map[string]string{"resource.customizations.health.example.com_Other": healthy}, want: "none"},
		{rule: "no ConfigMap any more", want: "none", as: "no ConfigMap"},
	} {
		world.data, world.version = step.data, world.version+1
		judge, name, err := j.current(t.Context())
		got := "none"
		if h := judge.Of(base); h != nil {
			got = string(h.Status)
		}
		if err != nil || got != step.want {
			t.Errorf("%s: the object is %s, want %s; %v", step.rule, got, step.want, err)
		}
		for rule, other := range names {
			if (rule == step.as) != (other == name) && names[step.as] != other {
				t.Errorf("%s: the scripts are named %q, as %q for %s", step.rule, name, other, rule)
			}
		}
		if step.as != "" && names[step.as] != name {
			t.Errorf("%s: the scripts are named %q, want %q as for %s", step.rule, name, names[step.as], step.as)
		}
		names[step.rule] = name
	}
}

// A ConfigMap that cannot be read is no reason to judge as if it said nothing.
func TestJudgesThatCannotBeRead(t *testing.T) {
	world := &oneConfigMap{err: errors.New("the cluster is away")}
	if _, _, err := (&judges{reader: world, namespace: "argocd"}).current(t.Context()); !errors.Is(err, world.err) {
		t.Errorf("got %v, want %v", err, world.err)
	}
}

package action_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/action"
)

func TestKeepCredentials(t *testing.T) {
	const stored = "https://ada:secret@git.example/shop"
	for name, c := range map[string]struct{ before, sent, want string }{
		"as it was shown":      {stored, "https://git.example/shop", stored},
		"as it is":             {stored, stored, stored},
		"with other ones":      {stored, "https://bob:other@git.example/shop", "https://bob:other@git.example/shop"},
		"another place":        {stored, "https://git.example/bank", "https://git.example/bank"},
		"another host":         {stored, "https://evil.example/shop", "https://evil.example/shop"},
		"the user of ssh":      {"git@git.example:shop", "git@git.example:shop", "git@git.example:shop"},
		"none there, one sent": {"https://git.example/shop", stored, stored},
	} {
		for form, sources := range map[string]func(url string) v1alpha1.ApplicationSpec{
			"source": func(url string) v1alpha1.ApplicationSpec {
				return v1alpha1.ApplicationSpec{Source: &v1alpha1.ApplicationSource{RepoURL: url}}
			},
			"sources": func(url string) v1alpha1.ApplicationSpec {
				return v1alpha1.ApplicationSpec{Sources: []v1alpha1.ApplicationSource{{RepoURL: "x"}, {RepoURL: url}}}
			},
		} {
			before, after := &v1alpha1.Application{Spec: sources(c.before)}, &v1alpha1.Application{Spec: sources(c.sent)}
			action.KeepCredentials(before, after)
			all := after.Spec.GetSources()
			if got := all[len(all)-1].RepoURL; got != c.want {
				t.Errorf("%s, %s: got %s, want %s", name, form, got, c.want)
			}
		}
	}
	before := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"a": "at " + stored, "b": "as it was", "c": stored}}}
	after := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"a": "at https://git.example/shop", "b": "changed"}}}
	action.KeepCredentials(before, after)
	if got := after.Annotations; len(got) != 2 || got["a"] != "at "+stored || got["b"] != "changed" {
		t.Errorf("annotations: got %v", got)
	}
}

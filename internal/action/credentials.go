package action

import (
	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/repository"
	"github.com/cyan-cd/cyan/internal/secret"
)

// KeepCredentials has an Application keep what opens its repositories where somebody sends it as it was shown to them,
// which is without. A URL of another place gets nothing.
func KeepCredentials(before, after *v1alpha1.Application) {
	stored := map[string]string{}
	for _, s := range before.Spec.GetSources() {
		for _, shown := range []string{secret.WithoutCredentials(s.RepoURL), repository.Shown(s.RepoURL)} {
			if shown != s.RepoURL {
				stored[shown] = s.RepoURL
			}
		}
	}
	keep := func(source *v1alpha1.ApplicationSource) {
		if url, known := stored[source.RepoURL]; known {
			source.RepoURL = url
		}
	}
	if after.Spec.Source != nil {
		keep(after.Spec.Source)
	}
	for i := range after.Spec.Sources {
		keep(&after.Spec.Sources[i])
	}
	for name, value := range before.Annotations {
		if sent, has := after.Annotations[name]; has && sent == secret.WithoutCredentials(value) {
			after.Annotations[name] = value
		}
	}
}

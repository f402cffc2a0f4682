package project

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/glob"
	"github.com/cyan-cd/cyan/internal/plan"
)

// Orphans are the objects of a namespace that no Application has, as a project wants to be warned of them.
type Orphans struct {
	ignore []ignoredOrphan
}

// ignoredOrphan leaves out objects by globs. An empty kind or name stands for any; a group that is empty is the core's.
type ignoredOrphan struct {
	Group string `json:"group"`
	Kind  string `json:"kind"`
	Name  string `json:"name"`
}

// OrphansOf returns what a project wants to be warned of; false when it does not. The error names what can't be read.
func OrphansOf(project *v1alpha1.AppProject) (orphans Orphans, warns bool, err error) {
	if project.Spec.OrphanedResources == nil {
		return Orphans{}, false, nil
	}
	var spec struct {
		Warn   *bool           `json:"warn"`
		Ignore []ignoredOrphan `json:"ignore"`
	}
	field := "AppProject " + project.Name + ": spec.orphanedResources"
	if err := json.Unmarshal(project.Spec.OrphanedResources.Raw, &spec); err != nil {
		return Orphans{}, false, fmt.Errorf("%s: %w; correct it", field, err)
	}
	for i, ignored := range spec.Ignore {
		for name, pattern := range map[string]string{"group": ignored.Group, "kind": ignored.Kind, "name": ignored.Name} {
			if _, err := glob.Match(pattern, ""); err != nil {
				return Orphans{}, false, fmt.Errorf("%s.ignore[%d].%s: %w; correct it", field, i, name, err)
			}
		}
	}
	return Orphans{spec.Ignore}, spec.Warn == nil || *spec.Warn, nil
}

// Ignores reports whether an object is none that the project wants to be warned of.
func (o Orphans) Ignores(key plan.Key) bool {
	for _, ignored := range o.ignore {
		if matches(ignored.Group, key.Group) && (ignored.Kind == "" || matches(ignored.Kind, key.Kind)) && (ignored.Name == "" || matches(ignored.Name, key.Name)) {
			return true
		}
	}
	return false
}

// ComesByItself reports whether objects of a kind are made and unmade by what runs in a namespace: they are no orphans.
func ComesByItself(kind schema.GroupKind) bool {
	return kind == schema.GroupKind{Group: "coordination.k8s.io", Kind: "Lease"} || kind == schema.GroupKind{Group: "discovery.k8s.io", Kind: "EndpointSlice"}
}

func matches(pattern, value string) bool {
	is, err := glob.Match(pattern, value)
	return is && err == nil
}

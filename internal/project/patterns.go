package project

import (
	"fmt"
	"strings"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/glob"
)

// permits reports whether a value matches a pattern that permits, in which * also stands for slashes. An invalid one
// permits nothing.
func permits(pattern, value string) bool {
	matched, err := glob.Match(pattern, value)
	return err == nil && matched
}

// denies reports whether a value matches a pattern that denies. An invalid one denies everything.
func denies(pattern, value string) bool {
	matched, err := glob.Match(pattern, value)
	return err != nil || matched
}

// permitsNamespace reports whether namespaces may have Applications of a project: by patterns, by regular expressions
// between slashes, and by those that begin with an exclamation mark and deny.
func permitsNamespace(patterns []string, namespace string) bool {
	permitted := false
	for _, written := range patterns {
		text, denied := strings.CutPrefix(written, "!")
		p, err := glob.CompileName(text)
		switch {
		case denied && (err != nil || p.Match(namespace)):
			return false
		case !denied && p.Match(namespace):
			permitted = true
		}
	}
	return permitted
}

// anyMatch reports whether a value matches patterns, of which those that begin with an exclamation mark deny.
func anyMatch(patterns []string, value string) bool {
	allowed := false
	for _, p := range patterns {
		if denied, is := strings.CutPrefix(p, "!"); is {
			if denies(denied, value) {
				return false
			}
		} else if permits(p, value) {
			allowed = true
		}
	}
	return allowed
}

// invalidPatterns are the patterns of a project that can't be read: those that were to deny or to restrict something,
// and those that were to permit something.
func invalidPatterns(project *v1alpha1.AppProject) (restricting, permitting []Violation) {
	check := func(into *[]Violation, field string, written ...string) {
		for _, w := range written {
			if _, err := glob.CompileName(strings.TrimPrefix(w, "!")); err != nil {
				*into = append(*into, Violation{"AppProject " + project.Name + ": spec." + field, fmt.Sprintf("pattern %q is invalid: %v", w, err), "correct it"})
			}
		}
	}
	kinds := func(into *[]Violation, field string, list []v1alpha1.GroupKindPattern) {
		for _, k := range list {
			check(into, field, k.Group, k.Kind, k.Name)
		}
	}
	spec := project.Spec
	for _, d := range spec.Destinations {
		into := &permitting
		if strings.HasPrefix(d.Server, "!") || strings.HasPrefix(d.Name, "!") || strings.HasPrefix(d.Namespace, "!") {
			into = &restricting
		}
		check(into, "destinations", d.Server, d.Name, d.Namespace)
	}
	kinds(&restricting, "clusterResourceBlacklist", spec.ClusterResourceBlacklist)
	kinds(&restricting, "namespaceResourceBlacklist", spec.NamespaceResourceBlacklist)
	kinds(&permitting, "clusterResourceWhitelist", spec.ClusterResourceWhitelist)
	kinds(&permitting, "namespaceResourceWhitelist", spec.NamespaceResourceWhitelist)
	for _, n := range spec.SourceNamespaces {
		into := &permitting
		if strings.HasPrefix(n, "!") {
			into = &restricting
		}
		check(into, "sourceNamespaces", n)
	}
	for _, w := range spec.SyncWindows {
		check(&restricting, "syncWindows", w.Applications...)
		check(&restricting, "syncWindows", w.Namespaces...)
		check(&restricting, "syncWindows", w.Clusters...)
	}
	if accounts, err := serviceAccounts(project); err == nil {
		for _, a := range accounts {
			check(&restricting, "destinationServiceAccounts", a.Server, a.Namespace)
		}
	}
	return restricting, permitting
}

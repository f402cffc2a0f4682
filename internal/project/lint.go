package project

import (
	"cmp"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/repository"
)

// Lint checks an AppProject by itself, without its Applications: what has them refused or kept from being synced, and
// what is passed over. Its roles are the concern of access.
func Lint(p *v1alpha1.AppProject) (refused, passedOver []*problem.Error) {
	l := linter{project: p}
	spec := p.Spec
	entries(&l, "spec.destinations", spec.Destinations, func(to *v1alpha1.AppProjectSpec, one []v1alpha1.ApplicationDestination) { to.Destinations = one })
	entries(&l, "spec.sourceNamespaces", spec.SourceNamespaces, func(to *v1alpha1.AppProjectSpec, one []string) { to.SourceNamespaces = one })
	entries(&l, "spec.signatureKeys", spec.SignatureKeys, func(to *v1alpha1.AppProjectSpec, one []runtime.RawExtension) { to.SignatureKeys = one })
	entries(&l, "spec.destinationServiceAccounts", spec.DestinationServiceAccounts, func(to *v1alpha1.AppProjectSpec, one []runtime.RawExtension) { to.DestinationServiceAccounts = one })
	kinds := func(field string, list []v1alpha1.GroupKindPattern, set func(*v1alpha1.AppProjectSpec, []v1alpha1.GroupKindPattern)) {
		entries(&l, field, list, set)
	}
	kinds("spec.clusterResourceWhitelist", spec.ClusterResourceWhitelist, func(to *v1alpha1.AppProjectSpec, one []v1alpha1.GroupKindPattern) { to.ClusterResourceWhitelist = one })
	kinds("spec.clusterResourceBlacklist", spec.ClusterResourceBlacklist, func(to *v1alpha1.AppProjectSpec, one []v1alpha1.GroupKindPattern) { to.ClusterResourceBlacklist = one })
	kinds("spec.namespaceResourceWhitelist", spec.NamespaceResourceWhitelist, func(to *v1alpha1.AppProjectSpec, one []v1alpha1.GroupKindPattern) {
		to.NamespaceResourceWhitelist = one
	})
	kinds("spec.namespaceResourceBlacklist", spec.NamespaceResourceBlacklist, func(to *v1alpha1.AppProjectSpec, one []v1alpha1.GroupKindPattern) {
		to.NamespaceResourceBlacklist = one
	})
	entries(&l, "spec.syncWindows", spec.SyncWindows, func(to *v1alpha1.AppProjectSpec, one []v1alpha1.SyncWindow) { to.SyncWindows = one })
	// The policies stand beside the keys, because both together are refused.
	l.protection("spec."+sourceIntegrityField, v1alpha1.AppProjectSpec{SourceIntegrity: spec.SourceIntegrity, SignatureKeys: validKeys(p)})
	l.repositories()
	l.windows()
	l.accounts()
	l.orphans()
	return l.refused, l.passedOver
}

// linter collects what is found in a project.
type linter struct {
	project             *v1alpha1.AppProject
	refused, passedOver []*problem.Error
}

func (l *linter) found(into *[]*problem.Error, field, cause, remedy string) {
	*into = append(*into, &problem.Error{Kind: problem.Usage, Object: "AppProject " + l.project.Name, Field: field, Cause: cause, Remedy: remedy})
}

// entries judges each entry of a list as if it were alone, so that it is known which one is invalid.
func entries[T any](l *linter, field string, list []T, set func(*v1alpha1.AppProjectSpec, []T)) {
	for i := range list {
		var spec v1alpha1.AppProjectSpec
		set(&spec, list[i:i+1])
		l.protection(fmt.Sprintf("%s[%d]", field, i), spec)
	}
}

func (l *linter) protection(field string, spec v1alpha1.AppProjectSpec) {
	alone := &v1alpha1.AppProject{Spec: spec}
	for _, v := range CheckProtection(alone) {
		l.found(&l.refused, field, strings.TrimPrefix(v.Cause, "entry 1 is "), v.Remedy)
	}
	for _, v := range Unserved(alone) {
		l.found(&l.passedOver, field, v.Cause, v.Remedy)
	}
}

// validKeys are the signature keys, where each of them names a key.
func validKeys(p *v1alpha1.AppProject) []runtime.RawExtension {
	if _, err := signerIDs(p); err != nil {
		return nil
	}
	return p.Spec.SignatureKeys
}

// repositories finds patterns that can't be read: one that permits, permits nothing, and one that denies, everything.
func (l *linter) repositories() {
	somewhere, _ := repository.Parse("https://git.example/any")
	for i, written := range l.project.Spec.SourceRepos {
		pattern, denies := strings.CutPrefix(strings.TrimSpace(written), "!")
		if _, err := repository.Match(pattern, somewhere); err == nil {
			continue
		}
		into, effect := &l.passedOver, "permits nothing"
		if denies {
			into, effect = &l.refused, "denies every repository"
		}
		l.found(into, fmt.Sprintf("spec.sourceRepos[%d]", i), fmt.Sprintf("pattern %q is invalid, and %s", written, effect), "correct it")
	}
}

// windows finds those that can't be read, which keep all that they may be about from being synced, and those that are
// about nothing.
func (l *linter) windows() {
	for i, w := range l.project.Spec.SyncWindows {
		field := fmt.Sprintf("spec.syncWindows[%d]", i)
		if _, name, err := timesOf(w); err != nil {
			cause, remedy, _ := strings.Cut(err.Error(), "; ")
			l.found(&l.refused, field+"."+name, cause, cmp.Or(remedy, "correct it"))
		}
		if len(w.Applications)+len(w.Namespaces)+len(w.Clusters) == 0 {
			l.found(&l.passedOver, field, "about no Application", "give applications, namespaces or clusters")
		}
	}
}

// accounts finds service accounts that are none.
func (l *linter) accounts() {
	accounts, err := serviceAccounts(l.project)
	if err != nil {
		return
	}
	for i, a := range accounts {
		if _, no, _ := userOf("", a.DefaultServiceAccount, &v1alpha1.Application{}, Destination{Namespace: "any"}); no != nil {
			l.found(&l.refused, fmt.Sprintf("spec.destinationServiceAccounts[%d].defaultServiceAccount", i), strings.TrimPrefix(no.Cause, "defaultServiceAccount "), no.Remedy)
		}
	}
}

func (l *linter) orphans() {
	if _, _, err := OrphansOf(l.project); err != nil {
		cause := strings.TrimPrefix(err.Error(), "AppProject "+l.project.Name+": spec.orphanedResources")
		field, cause, _ := strings.Cut(strings.TrimSuffix(cause, "; correct it"), ": ")
		l.found(&l.passedOver, "spec.orphanedResources"+field, cause, "correct it")
	}
}

package project

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/glob"
)

// CheckProtection returns what a project asks for to protect something and does not get: its Applications must not be
// worked on as if they were protected.
func CheckProtection(project *v1alpha1.AppProject) []Violation {
	var all []Violation
	add := func(field, cause, remedy string) {
		all = append(all, Violation{"AppProject " + project.Name + ": spec." + field, cause, remedy})
	}
	if _, err := signerIDs(project); err != nil {
		add(signatureKeysField, err.Error(), "correct it")
	}
	if _, err := policies(project); err != nil {
		add(sourceIntegrityField, err.Error(), "correct it")
	}
	if _, err := serviceAccounts(project); err != nil {
		add("destinationServiceAccounts", err.Error(), "correct it")
	}
	restricting, _ := invalidPatterns(project)
	return append(all, restricting...)
}

// Unserved returns what a project asks for and does not get, and does without safely.
func Unserved(project *v1alpha1.AppProject) []Violation {
	_, all := invalidPatterns(project)
	return all
}

// Impersonation is whether objects are written as a service account of the project.
type Impersonation struct {
	Enabled bool
	// Enforced refuses an Application for which the project names no service account; otherwise it is synced with Cyan's
	// own rights.
	Enforced bool
}

// serviceAccount is what a project has written with, in the destinations that its globs match.
type serviceAccount struct {
	Server                string `json:"server"`
	Namespace             string `json:"namespace"`
	DefaultServiceAccount string `json:"defaultServiceAccount"`
}

func serviceAccounts(project *v1alpha1.AppProject) ([]serviceAccount, error) {
	return decodeAll[serviceAccount](project.Spec.DestinationServiceAccounts)
}

// decodeAll reads a list that is kept as it was written.
func decodeAll[T any](raw []runtime.RawExtension) ([]T, error) {
	all := make([]T, len(raw))
	for i, r := range raw {
		if err := json.Unmarshal(r.Raw, &all[i]); err != nil {
			return nil, fmt.Errorf("entry %d is invalid: %w", i+1, err)
		}
	}
	return all, nil
}

// User returns the Kubernetes user as whom the objects of an Application are written: that of the first service account
// that the project names for the destination; "" for Cyan's own. A project whose service accounts are not used because
// impersonation is off is a warning.
func User(project *v1alpha1.AppProject, app *v1alpha1.Application, to Destination, how Impersonation) (user string, no, warning *Violation) {
	accounts, err := serviceAccounts(project)
	object := "AppProject " + project.Name + ": spec.destinationServiceAccounts"
	switch {
	case err != nil:
		return "", &Violation{object, err.Error(), "correct it"}, nil
	case !how.Enabled && len(accounts) > 0:
		return "", nil, &Violation{object, "not used, since impersonation is off: objects are written with Cyan's own rights", `set application.sync.impersonation.enabled to "true" in ConfigMap argocd-cm`}
	case !how.Enabled:
		return "", nil, nil
	}
	for _, a := range accounts {
		server, invalid := glob.Match(a.Server, to.Server)
		namespace, alsoInvalid := glob.Match(a.Namespace, to.Namespace)
		if err := errors.Join(invalid, alsoInvalid); err != nil {
			return "", &Violation{object, fmt.Sprintf("a pattern for server %q and namespace %q is invalid: %v", a.Server, a.Namespace, err), "correct it"}, nil
		}
		if server && namespace {
			return userOf(object, a.DefaultServiceAccount, app, to)
		}
	}
	if !how.Enforced {
		return "", nil, nil
	}
	return "", &Violation{object, fmt.Sprintf("no matching service account found for destination server %s and namespace %q", to.Server, to.Namespace), "add one, since impersonation is on"}, nil
}

// userOf is the user of a service account, which stands in the destination's namespace unless it names another.
func userOf(object, account string, app *v1alpha1.Application, to Destination) (user string, no, warning *Violation) {
	namespace, name, named := strings.Cut(account, ":")
	if !named {
		namespace, name = to.Namespace, account
		if namespace == "" {
			namespace = app.Namespace
		}
	}
	if namespace == "" || name == "" || strings.ContainsAny(account, "!*/ ") || strings.Contains(name, ":") {
		return "", &Violation{object, fmt.Sprintf("defaultServiceAccount %q is invalid", account), "write NAME or NAMESPACE:NAME"}, nil
	}
	return "system:serviceaccount:" + namespace + ":" + name, nil, nil
}

// WithRepositories returns a project that permits some repositories besides: those whose Secret is for it alone. The
// project itself is not changed. What reads as a pattern permits nothing.
func WithRepositories(project *v1alpha1.AppProject, urls ...string) *v1alpha1.AppProject {
	urls = slices.DeleteFunc(slices.Clone(urls), func(url string) bool { return url == "" || strings.ContainsAny(url, `*?[]{}!\`) })
	if len(urls) == 0 {
		return project
	}
	merged := project.DeepCopy()
	merged.Spec.SourceRepos = append(merged.Spec.SourceRepos, urls...)
	return merged
}

// WithGlobal returns a project bound also by others, as it is with projects that are global: what they allow and deny
// is allowed and denied besides. The project itself is not changed.
func WithGlobal(project *v1alpha1.AppProject, global ...*v1alpha1.AppProject) *v1alpha1.AppProject {
	merged := project.DeepCopy()
	into := &merged.Spec
	for _, g := range global {
		from := g.DeepCopy().Spec
		into.SourceRepos = append(into.SourceRepos, from.SourceRepos...)
		into.Destinations = append(into.Destinations, from.Destinations...)
		into.ClusterResourceWhitelist = append(into.ClusterResourceWhitelist, from.ClusterResourceWhitelist...)
		into.ClusterResourceBlacklist = append(into.ClusterResourceBlacklist, from.ClusterResourceBlacklist...)
		into.NamespaceResourceWhitelist = append(into.NamespaceResourceWhitelist, from.NamespaceResourceWhitelist...)
		into.NamespaceResourceBlacklist = append(into.NamespaceResourceBlacklist, from.NamespaceResourceBlacklist...)
		into.SyncWindows = append(into.SyncWindows, from.SyncWindows...)
	}
	return merged
}

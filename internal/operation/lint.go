package operation

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
)

// CheckSource returns why an Application has no source that can be served, before git is asked, and the field that is
// wrong.
func CheckSource(app *v1alpha1.Application) (field string, err error) {
	wanted, one := app.SyncSource()
	at := "spec.source"
	if app.Spec.Source == nil && len(app.Spec.Sources) == 1 {
		at = "spec.sources[0]"
	}
	switch sources := app.Spec.GetSources(); {
	case len(sources) > 1:
		return "spec.sources", errors.New("spec.sources has several sources, and one is served; keep one, or make an Application of each")
	case len(sources) == 0:
		return "spec", errors.New("spec.source is missing; set repoURL, path and targetRevision")
	case !one:
		return "operation.sync.sources", errors.New("operation.sync.sources has several sources, and one is served; keep one")
	case app.Operation != nil && app.Operation.Sync != nil && len(app.Operation.Sync.Revisions) > 1:
		return "operation.sync.revisions", errors.New("operation.sync.revisions has several revisions, and one source is served; keep one")
	case wanted.RepoURL == "":
		return at + ".repoURL", errors.New("spec.source.repoURL is empty; set the URL of a git repository")
	case strings.HasPrefix(wanted.RepoURL, "oci://"):
		return at + ".repoURL", errors.New("spec.source.repoURL is an OCI registry, and git is served; set the URL of a git repository")
	}
	return "", nil
}

// Lint checks an Application by itself, without a cluster and its project: what keeps it from being compared and
// synced, and what is passed over.
func Lint(app *v1alpha1.Application) (refused, passedOver []*problem.Error) {
	add := func(into *[]*problem.Error, field, cause, remedy string) {
		*into = append(*into, &problem.Error{Kind: problem.Usage, Object: "Application " + app.Name, Field: field, Cause: cause, Remedy: remedy})
	}
	if field, err := CheckSource(app); err != nil {
		_, cause, _ := strings.Cut(err.Error(), " ")
		cause, remedy, _ := strings.Cut(cause, "; ")
		add(&refused, field, cause, remedy)
	}
	switch to := app.Spec.Destination; {
	case to.Server != "" && to.Name != "":
		add(&refused, "spec.destination", fmt.Sprintf("server %q and name %q", to.Server, to.Name), "keep one of them")
	case to.Server == "" && to.Name == "":
		add(&refused, "spec.destination", "names no cluster", "set server to "+v1alpha1.InClusterServer+" for the cluster of the control plane, or name to that of another")
	}
	for i := range app.Spec.IgnoreDifferences {
		for _, text := range plan.CheckIgnore(app.Spec.IgnoreDifferences[i : i+1]) {
			add(&refused, fmt.Sprintf("spec.ignoreDifferences[%d]", i), strings.TrimPrefix(text, "ignoreDifferences: "), "correct it")
		}
	}
	for i, option := range app.Spec.GetSyncOptions() {
		for _, text := range plan.CheckOptions([]string{option}, nil) {
			cause, remedy, _ := strings.Cut(strings.TrimPrefix(text, "spec.syncPolicy.syncOptions: "), "; ")
			add(&passedOver, fmt.Sprintf("spec.syncPolicy.syncOptions[%d]", i), cause, remedy)
		}
	}
	if policy := app.Spec.SyncPolicy; policy != nil {
		for _, text := range CheckRetry(policy.Retry) {
			field, cause, _ := strings.Cut(text, ": ")
			cause, remedy, _ := strings.Cut(cause, "; ")
			add(&passedOver, field, cause, remedy)
		}
	}
	return refused, passedOver
}

package project

import (
	"fmt"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/repository"
)

// PermittedSource is a source that a project permits. Only [PermitSource] makes one, and nothing is fetched or rendered
// for an Application without one; the zero value is a source of nowhere.
type PermittedSource struct {
	source  v1alpha1.ApplicationSource
	project string
}

// Source returns the source itself.
func (p PermittedSource) Source() v1alpha1.ApplicationSource { return p.source }

// Project returns the name of the project that permits the source.
func (p PermittedSource) Project() string { return p.project }

// PermitSource judges a source, whoever names it; nil when the project permits it.
func PermitSource(project *v1alpha1.AppProject, source v1alpha1.ApplicationSource) (PermittedSource, *Violation) {
	if cause := refusal(project, source.RepoURL); cause != "" {
		return PermittedSource{}, &Violation{Cause: cause, Remedy: "add it to the project's sourceRepos"}
	}
	return PermittedSource{*source.DeepCopy(), project.Name}, nil
}

// refusal returns why a project does not permit a repository; "" when it does. What names no place for certain is never
// permitted.
func refusal(project *v1alpha1.AppProject, raw string) string {
	u, err := repository.Parse(raw)
	if err != nil {
		return err.Error()
	}
	if no := problem.Of(repository.Permitted(project.Spec.SourceRepos, u)); no != nil {
		return fmt.Sprintf("repository %s is not permitted in project %s, %s", u, project.Name, no.Cause)
	}
	return ""
}

// PermitSync judges every source that an Application names, those of the operation that is asked for included, and
// returns the one that a sync renders. It is the zero value unless all are permitted.
func PermitSync(project *v1alpha1.AppProject, app *v1alpha1.Application) (PermittedSource, []Violation) {
	var all []Violation
	judge := func(sources []v1alpha1.ApplicationSource, field string) {
		for _, s := range sources {
			if _, no := PermitSource(project, s); no != nil {
				all = append(all, Violation{"Application " + app.Name + ": " + field, no.Cause, no.Remedy})
			}
		}
	}
	judge(app.Spec.GetSources(), "spec.source")
	if app.Operation != nil {
		judge(app.Operation.Sync.GetSources(), "operation.sync.source")
	}
	wanted, one := app.SyncSource()
	if len(all) > 0 || !one {
		return PermittedSource{}, all
	}
	permitted, _ := PermitSource(project, wanted)
	return permitted, nil
}

package application

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/operation"
	"github.com/cyan-cd/cyan/internal/plan"
)

// report puts an observation into a status: what is compared with what, how it stands, and what keeps it from
// standing better. Where nothing could be compared, it is not known whether it is synced; nor how it fares, when the
// cluster is away or the spec names none that may be used.
func (o *observation) report(status *v1alpha1.ApplicationStatus, control string) {
	at := metav1.NewTime(o.now)
	resources := o.resources()
	listed, omitted := plan.Listed(resources)
	status.Conditions = plan.MergeConditions(status.Conditions, append(o.conditions(), omission(len(listed), omitted)...), at)
	if len(status.Conditions) == 0 {
		status.Conditions = nil
	}
	status.ControllerNamespace = control
	if !o.comparison.Complete {
		status.Sync.Status = v1alpha1.SyncUnknown
		if code, known := healthWithoutComparison(o, status); known && status.Health.Status != code {
			status.Health = v1alpha1.AppHealthStatus{Status: code, LastTransitionTime: &at}
		}
		return
	}
	source := *o.source.DeepCopy()
	status.SourceType = o.rendered.Result.SourceType
	status.Sync = v1alpha1.SyncStatus{
		Status: o.comparison.Plan.Status, Revision: o.revision,
		ComparedTo: v1alpha1.ComparedTo{Source: &source, Destination: o.app.Spec.Destination, IgnoreDifferences: o.app.Spec.IgnoreDifferences},
	}
	if len(o.comparison.Live.Broken) > 0 && status.Sync.Status == v1alpha1.Synced {
		status.Sync.Status = v1alpha1.SyncUnknown
	}
	status.Resources = listed
	status.Summary = o.comparison.Plan.Summary()
	status.Summary.ExternalURLs = slices.Compact(slices.Sorted(slices.Values(append(status.Summary.ExternalURLs, plan.Links(o.app.Annotations)...))))
	code, message := o.health(resources)
	if status.Health.Status != code || status.Health.LastTransitionTime == nil {
		status.Health.LastTransitionTime = &at
	}
	status.Health.Status, status.Health.Message = code, message
}

// omission is the condition of an Application that has more resources than a status lists.
func omission(listed, omitted int) []v1alpha1.ApplicationCondition {
	if omitted == 0 {
		return nil
	}
	return []v1alpha1.ApplicationCondition{{Type: v1alpha1.ConditionOmittedResourceWarning, Message: fmt.Sprintf(
		"%d resources, of which the status lists %d: those that are OutOfSync, not Healthy, or hooks come first, and the results of a sync likewise; divide the Application to have all of them listed",
		listed+omitted, listed,
	)}}
}

// healthWithoutComparison is how an Application fares of which nothing could be compared, where that is other than what
// was reported last: a source that can't be read changes nothing about the objects, of which there may be none yet.
func healthWithoutComparison(o *observation, status *v1alpha1.ApplicationStatus) (code v1alpha1.HealthStatusCode, known bool) {
	switch {
	case o.clusterAway(), isInvalid(o):
		return v1alpha1.HealthUnknown, true
	case status.Health.Status == "":
		return v1alpha1.HealthHealthy, true
	}
	return "", false
}

// isInvalid reports whether the spec asks for what it may not have.
func isInvalid(o *observation) bool {
	return slices.ContainsFunc(o.problems, func(p operation.Problem) bool {
		return p.Condition == v1alpha1.ConditionInvalidSpecError && p.Effect == operation.Blocks
	})
}

func (o *observation) clusterAway() bool {
	return slices.ContainsFunc(o.problems, func(p operation.Problem) bool {
		return errors.Is(p.Err, live.ErrUnreachable)
	})
}

// maxRefused bounds the conditions of single objects, of which the others are put together.
const maxRefused = 10

// conditions are the messages that an observation gives, with a kind's messages put together but for objects that may
// not be applied: each of these has a condition of its own.
func (o *observation) conditions() []v1alpha1.ApplicationCondition {
	var all []v1alpha1.ApplicationCondition
	for n, p := range o.problems {
		if p.Condition == v1alpha1.ConditionInvalidSpecError && p.Effect == operation.Warns && n < maxRefused {
			all = append(all, v1alpha1.ApplicationCondition{Type: p.Condition, Message: p.Message()})
			continue
		}
		i := slices.IndexFunc(all, func(c v1alpha1.ApplicationCondition) bool { return c.Type == p.Condition })
		if i < 0 {
			all = append(all, v1alpha1.ApplicationCondition{Type: p.Condition, Message: p.Message()})
			continue
		}
		if !strings.Contains(all[i].Message, p.Message()) {
			all[i].Message += "; " + p.Message()
		}
	}
	return all
}

// resources are the plan's, with what can't be read told apart from what is missing.
func (o *observation) resources() []v1alpha1.ResourceStatus {
	all := o.comparison.Plan.ResourceStatuses()
	for i, s := range all {
		if err := o.comparison.Live.Broken[schema.GroupKind{Group: s.Group, Kind: s.Kind}]; err != nil {
			all[i].Status = v1alpha1.SyncUnknown
			all[i].Health = &v1alpha1.HealthStatus{Status: v1alpha1.HealthUnknown, Message: err.Error()}
		}
	}
	return all
}

// health is the worst of what the Application manages, and which object that is.
func (o *observation) health(resources []v1alpha1.ResourceStatus) (v1alpha1.HealthStatusCode, string) {
	code := o.comparison.Plan.Health()
	if len(o.comparison.Live.Broken) > 0 {
		code = v1alpha1.HealthUnknown
	}
	if code == v1alpha1.HealthHealthy {
		return code, ""
	}
	for i, s := range resources {
		if s.Health == nil || s.Health.Status != code || s.RequiresPruning || s.Hook {
			continue
		}
		name := o.comparison.Plan.Resources[i].Key.String()
		if s.Health.Message == "" {
			return code, name
		}
		return code, name + ": " + s.Health.Message
	}
	return code, ""
}

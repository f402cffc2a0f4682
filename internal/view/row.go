package view

import (
	"cmp"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/handover"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/repository"
)

// What a row shows at most of what people may write without end.
const (
	mostLabels   = 32
	mostImages   = 20
	mostRollouts = 20
	longestText  = 1024
)

// Row is an Application in a list.
type Row struct {
	Namespace      string                    `json:"namespace"`
	Name           string                    `json:"name"`
	Project        string                    `json:"project"`
	Labels         map[string]string         `json:"labels,omitempty"`
	Owner          string                    `json:"owner,omitempty" doc:"the Application or ApplicationSet that made it"`
	Cluster        string                    `json:"cluster" doc:"its name, else its server"`
	Destination    string                    `json:"destination" doc:"the namespace"`
	Repo           string                    `json:"repo"`
	Path           string                    `json:"path,omitempty"`
	Chart          string                    `json:"chart,omitempty"`
	TargetRevision string                    `json:"targetRevision"`
	Sync           v1alpha1.SyncStatusCode   `json:"sync" enum:"Synced,OutOfSync,Unknown"`
	Revision       string                    `json:"revision,omitempty" doc:"the commit that is live"`
	Health         v1alpha1.HealthStatusCode `json:"health" enum:"Healthy,Progressing,Degraded,Suspended,Missing,Unknown"`
	Operation      *Operation                `json:"operation,omitempty" doc:"the one that goes on, or the last"`
	Automated      bool                      `json:"automated"`
	HandedOver     *HandedOver               `json:"handedOver,omitempty" doc:"who works on its objects for a while, in which nothing is applied"`
	Pinned         string                    `json:"pinned,omitempty" doc:"the commit that a rollback keeps automation from"`
	Created        string                    `json:"created" format:"date-time"`
	LastSync       string                    `json:"lastSync,omitempty" format:"date-time"`
	Images         []string                  `json:"images"`
	Objects        int                       `json:"objects"`
	Attention      *Attention                `json:"attention,omitempty"`
	Rollouts       []RolloutRef              `json:"rollouts"`
	Rights         []string                  `json:"rights" doc:"of get, sync, override, rollback, update, delete, logs and action, those that who asks has"`

	only map[string]bool
	// labels are all labels of one that has more than are shown.
	labels map[string]string
}

// Operation is a sync.
type Operation struct {
	Phase      v1alpha1.OperationPhase `json:"phase" enum:"Running,Terminating,Failed,Error,Succeeded"`
	Message    string                  `json:"message,omitempty"`
	StartedAt  string                  `json:"startedAt" format:"date-time"`
	FinishedAt string                  `json:"finishedAt,omitempty" format:"date-time"`
	By         string                  `json:"by,omitempty" doc:"a person, or automated sync"`
}

// HandedOver is who has the objects of an Application for a while.
type HandedOver struct {
	By    string `json:"by"`
	Since string `json:"since" format:"date-time"`
}

// HandedOverOf returns who has the objects by the condition that names them; nil for nobody.
func HandedOverOf(app *v1alpha1.Application) *HandedOver {
	for _, c := range app.Status.Conditions {
		if c.Type != v1alpha1.ConditionHandedOver {
			continue
		}
		if h, told := handover.Told(c.Message, app.Name); told {
			return &HandedOver{shortened(h.Holder), h.Since.UTC().Format(time.RFC3339)}
		}
	}
	return nil
}

// RolloutRef names a Rollout of an Application.
type RolloutRef struct {
	Namespace string                `json:"namespace"`
	Name      string                `json:"name"`
	Phase     v1alpha1.RolloutPhase `json:"phase" doc:"empty where it is not known, as in other clusters"`
}

// Automated is who an operation is by that a person did not ask for.
const Automated = "automated sync"

// RowOf returns the row of an Application with the Rollouts that belong to it, as far as they are known.
func RowOf(app *v1alpha1.Application, rollouts []*v1alpha1.Rollout, now time.Time) Row {
	r := Row{
		Namespace: app.Namespace, Name: app.Name, Project: cmp.Or(app.Spec.Project, v1alpha1.DefaultProject), Labels: app.Labels, Owner: ownerOf(app),
		Cluster: clusterOf(app.Spec.Destination), Destination: app.Spec.Destination.Namespace, TargetRevision: "HEAD",
		Sync: cmp.Or(app.Status.Sync.Status, v1alpha1.SyncUnknown), Health: cmp.Or(app.Status.Health.Status, v1alpha1.HealthUnknown),
		Revision: liveRevision(app), Operation: operationOf(app.Status.OperationState), Automated: app.Spec.IsAutomated(), Pinned: app.Annotations[v1alpha1.RollbackPinAnnotation], HandedOver: HandedOverOf(app),
		Created: stamp(&app.CreationTimestamp), LastSync: lastSync(app), Images: firstOf(app.Status.Summary.Images, mostImages), Objects: len(app.Status.Resources),
		Rollouts: []RolloutRef{}, Rights: []string{},
	}
	if len(r.Labels) > mostLabels {
		r.labels, r.Labels = app.Labels, map[string]string{}
		for _, key := range slices.Sorted(maps.Keys(app.Labels))[:mostLabels] {
			r.Labels[key] = app.Labels[key]
		}
	}
	if sources := app.Spec.GetSources(); len(sources) > 0 {
		r.Repo, r.Path, r.Chart, r.TargetRevision = shortened(repository.Shown(sources[0].RepoURL)), shortened(sources[0].Path), shortened(sources[0].Chart), shortened(cmp.Or(sources[0].TargetRevision, "HEAD"))
	}
	for _, key := range RolloutsOf(app) {
		r.Rollouts = append(r.Rollouts, RolloutRef{Namespace: key.Namespace, Name: key.Name, Phase: phaseOf(key, rollouts)})
	}
	r.Attention = AttentionOf(app, rollouts, now)
	return r
}

// RolloutsOf returns the Rollouts that an Application manages: a bounded number.
func RolloutsOf(app *v1alpha1.Application) []plan.Key {
	var keys []plan.Key
	for i := range app.Status.Resources {
		if r := &app.Status.Resources[i]; isRollout(r) && len(keys) < mostRollouts {
			keys = append(keys, plan.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name})
		}
	}
	return keys
}

func isRollout(r *v1alpha1.ResourceStatus) bool {
	return r.Kind == v1alpha1.RolloutKind && r.Group == v1alpha1.GroupVersion.Group
}

func phaseOf(key plan.Key, rollouts []*v1alpha1.Rollout) v1alpha1.RolloutPhase {
	for _, ro := range rollouts {
		if ro.Namespace == key.Namespace && ro.Name == key.Name {
			return ro.Status.Phase
		}
	}
	return ""
}

// IsHome reports whether a destination is the control plane's own cluster.
func IsHome(d v1alpha1.ApplicationDestination) bool {
	return d.Server == v1alpha1.InClusterServer || d.Server == "" && d.Name == v1alpha1.InClusterName
}

func clusterOf(d v1alpha1.ApplicationDestination) string {
	if IsHome(d) {
		return v1alpha1.InClusterName
	}
	return cmp.Or(d.Name, d.Server)
}

// ownerOf returns what made an Application: its controller, or the Application whose source has it.
func ownerOf(app *v1alpha1.Application) string {
	if owner := metav1.GetControllerOf(app); owner != nil {
		return owner.Name
	}
	instance, key, ok := plan.ParseTrackingID(app.Annotations[v1alpha1.TrackingIDAnnotation])
	if !ok || key.Kind != "Application" || key.Name != app.Name || instance == app.Name {
		return ""
	}
	return instance
}

// liveRevision returns the commit whose manifests the cluster has.
func liveRevision(app *v1alpha1.Application) string {
	history := app.Status.History
	if app.Status.Sync.Status == v1alpha1.Synced || len(history) == 0 {
		return revisionOf(app.Status.Sync.Revision, app.Status.Sync.Revisions)
	}
	last := history[len(history)-1]
	return revisionOf(last.Revision, last.Revisions)
}

func revisionOf(one string, several []string) string {
	if one == "" && len(several) > 0 {
		return several[0]
	}
	return one
}

func operationOf(state *v1alpha1.OperationState) *Operation {
	if state == nil {
		return nil
	}
	return &Operation{
		Phase: state.Phase, Message: shortened(state.Message), StartedAt: stamp(&state.StartedAt), FinishedAt: stamp(state.FinishedAt), By: initiator(state.Operation.InitiatedBy),
	}
}

func initiator(by v1alpha1.OperationInitiator) string {
	if by.Automated {
		return Automated
	}
	return by.Username
}

// allLabels returns the labels of a row, whether they are shown or not.
func (r *Row) allLabels() map[string]string {
	if r.labels != nil {
		return r.labels
	}
	return r.Labels
}

// lastSync returns when a sync last succeeded. A dry run has synced nothing.
func lastSync(app *v1alpha1.Application) string {
	var last metav1.Time
	if n := len(app.Status.History); n > 0 {
		last = app.Status.History[n-1].DeployedAt
	}
	if state := app.Status.OperationState; state != nil && state.Operation.Sync != nil && !state.Operation.Sync.DryRun && state.Phase == v1alpha1.OperationSucceeded && state.FinishedAt != nil && state.FinishedAt.After(last.Time) {
		last = *state.FinishedAt
	}
	return stamp(&last)
}

// stamp returns a time as JSON has it; empty for none.
func stamp(t *metav1.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// firstOf returns the first of a list, which is never nil.
func firstOf[T any](all []T, most int) []T {
	if all == nil {
		return []T{}
	}
	return all[:min(len(all), most)]
}

// lastOf returns the last of a list.
func lastOf[T any](all []T, most int) []T { return all[max(0, len(all)-most):] }

// shortened returns the beginning of a text that may be long.
func shortened(text string) string { return cutTo(text, longestText) }

// cutTo returns the beginning of a text, at most so many bytes of it and no part of a character. What commits have in
// them need not be characters at all.
func cutTo(text string, longest int) string {
	if len(text) <= longest {
		return text
	}
	cut := longest
	for cut > longest-utf8.UTFMax && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

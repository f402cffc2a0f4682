package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/health"
)

// HookDeletePolicy is when a hook is deleted.
type HookDeletePolicy string

// The values of HookDeletePolicy.
const (
	BeforeHookCreation HookDeletePolicy = "BeforeHookCreation"
	HookSucceeded      HookDeletePolicy = "HookSucceeded"
	HookFailed         HookDeletePolicy = "HookFailed"
)

const (
	helmHook       = "helm.sh/hook"
	helmHookWeight = "helm.sh/hook-weight"
	helmHookDelete = "helm.sh/hook-delete-policy"
)

// helmPhases are the phases that Helm's hooks run in. Those of an upgrade run with every sync, since a sync knows no
// first time.
var helmPhases = map[string]v1alpha1.HookType{
	"crd-install": v1alpha1.HookPreSync, "pre-install": v1alpha1.HookPreSync, "pre-upgrade": v1alpha1.HookPreSync,
	"post-install": v1alpha1.HookPostSync, "post-upgrade": v1alpha1.HookPostSync,
	"pre-delete": v1alpha1.HookPreDelete, "post-delete": v1alpha1.HookPostDelete,
	"pre-rollback": v1alpha1.HookSkip, "post-rollback": v1alpha1.HookSkip, "test": v1alpha1.HookSkip, "test-success": v1alpha1.HookSkip,
	"test-failure": v1alpha1.HookSkip,
}

// helmDeletePolicies are Helm's words for when a hook is deleted.
var helmDeletePolicies = map[string]HookDeletePolicy{"before-hook-creation": BeforeHookCreation, "hook-succeeded": HookSucceeded, "hook-failed": HookFailed}

var phases = []v1alpha1.HookType{
	v1alpha1.HookPreSync, v1alpha1.HookSync, v1alpha1.HookPostSync, v1alpha1.HookSyncFail, v1alpha1.HookSkip, v1alpha1.HookPreDelete, v1alpha1.HookPostDelete,
}

// hookPhases are the phases that an object is a hook of; none for an object that is not a hook.
func hookPhases(object *unstructured.Unstructured) []v1alpha1.HookType {
	annotations := object.GetAnnotations()
	var all []v1alpha1.HookType
	add := func(phase v1alpha1.HookType) {
		if !slices.Contains(all, phase) {
			all = append(all, phase)
		}
	}
	for _, name := range list(annotations[v1alpha1.HookAnnotation]) {
		if slices.Contains(phases, v1alpha1.HookType(name)) {
			add(v1alpha1.HookType(name))
		}
	}
	if len(all) > 0 {
		return all
	}
	for _, name := range list(annotations[helmHook]) {
		if phase, ok := helmPhases[name]; ok {
			// A CRD that Helm installs by a hook is an object like any other here.
			if name == "crd-install" && object.GetKind() == "CustomResourceDefinition" {
				return nil
			}
			add(phase)
		}
	}
	if len(all) > 1 {
		// A hook of more than rollbacks and tests runs for the rest.
		all = slices.DeleteFunc(all, func(phase v1alpha1.HookType) bool { return phase == v1alpha1.HookSkip })
	}
	return all
}

// phasesOf are the phases that a desired object is a hook of.
func phasesOf(d Desired) []v1alpha1.HookType {
	if d.Run != "" {
		return []v1alpha1.HookType{d.Run}
	}
	return hookPhases(d.Object)
}

// phasesOf is phasesOf of the object that the facts are about.
func (a *about) phasesOf(d Desired) []v1alpha1.HookType {
	if d.Run != "" {
		return []v1alpha1.HookType{d.Run}
	}
	return a.phases
}

// isRunHook reports whether an object is a hook that a sync or a deletion runs.
func isRunHook(object *unstructured.Unstructured) bool {
	return len(hookPhases(object)) > 0 && !skipped(object)
}

// skipped reports whether an object is never applied.
func skipped(object *unstructured.Unstructured) bool {
	return slices.Contains(hookPhases(object), v1alpha1.HookSkip)
}

// deletePolicies are those of a hook; BeforeHookCreation when it names none.
func deletePolicies(object *unstructured.Unstructured) []HookDeletePolicy {
	var all []HookDeletePolicy
	for _, name := range list(object.GetAnnotations()[v1alpha1.HookDeletePolicyAnnotation]) {
		switch p := HookDeletePolicy(name); p {
		case BeforeHookCreation, HookSucceeded, HookFailed:
			all = append(all, p)
		}
	}
	for _, name := range list(object.GetAnnotations()[helmHookDelete]) {
		if p, ok := helmDeletePolicies[strings.ToLower(name)]; ok {
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		return []HookDeletePolicy{BeforeHookCreation}
	}
	return all
}

// hooks plans the runs of a hook, one for each of its phases that belong to a sync.
func (b *builder) hooks(d Desired, of []v1alpha1.HookType) {
	if slices.Contains(of, v1alpha1.HookSkip) || b.policy.SkipHooks || len(b.policy.Selected) > 0 {
		return
	}
	for _, phase := range of {
		if isOfDeletion(phase) {
			continue
		}
		run := newRun(d, phase, b.policy)
		run.Live = b.live[run.Key].Object
		run.Occupied = run.Live != nil && !b.owns(run.Live) && !Held(run.Live) && run.Live.GetAnnotations()[v1alpha1.HookRunAnnotation] == "" && !slices.Contains(run.DeletePolicies, BeforeHookCreation)
		b.plan.Tasks = append(b.plan.Tasks, run)
	}
}

// newRun is one run of a hook.
func newRun(d Desired, phase v1alpha1.HookType, policy Policy) Task {
	object := d.Object.DeepCopy()
	hold(object)
	markRun(object, digest(d.Object), policy.StartedAt, phase)
	return Task{
		Key: KeyOf(d.Object), Verb: Hook, Phase: phase, Wave: waveOf(d.Object), Object: object, Origin: d.Origin,
		Options: policy.OptionsOf(d.Object), DeletePolicies: deletePolicies(d.Object), Refused: d.Refused,
	}
}

// markRun notes on a hook which run it is, of which operation and phase, and of which definition.
func markRun(hook *unstructured.Unstructured, definition string, startedAt time.Time, phase v1alpha1.HookType) {
	annotations := hook.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[v1alpha1.HookRunAnnotation] = runOf(startedAt, phase) + definition
	hook.SetAnnotations(annotations)
}

// runOf is what the marks of all runs begin with that an operation has in a phase.
func runOf(startedAt time.Time, phase v1alpha1.HookType) string {
	return fmt.Sprintf("%d/%s/", startedAt.Unix(), phase)
}

// IsRunOf reports whether a live hook was created by a task: of the same operation and phase, and the same definition.
func IsRunOf(live *unstructured.Unstructured, t Task) bool {
	return live.GetAnnotations()[v1alpha1.HookRunAnnotation] == t.Object.GetAnnotations()[v1alpha1.HookRunAnnotation]
}

// digest names a definition.
func digest(object *unstructured.Unstructured) string {
	const length = 12
	text, err := json.Marshal(object.Object)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])[:length]
}

// Unfinished are the hooks before and beside the objects that an operation has begun and that still run, unless git
// defines them in another way by now or no longer: they are let finish before anything supersedes the operation.
func (p Plan) Unfinished(results []*v1alpha1.ResourceResult) []Key {
	var all []Key
	for _, r := range results {
		running := r.HookPhase == v1alpha1.OperationRunning || isPlanned(*r)
		if !running || (r.HookType != v1alpha1.HookPreSync && r.HookType != v1alpha1.HookSync) {
			continue
		}
		for _, t := range p.Tasks {
			if t.Verb != Hook || t.ID() != IDOf(*r) || t.Live == nil || !IsRunOf(t.Live, t) {
				continue
			}
			if phase, _ := hookOutcome(p.judge, t.Live); phase == v1alpha1.OperationRunning {
				all = append(all, t.Key)
			}
		}
	}
	return all
}

// endsItself reports whether a hook runs to an end of its own, as a Job does: what others lean on, such as a
// ServiceAccount, does not, and lives as long as the sync.
func (s *standing) endsItself(hook *unstructured.Unstructured) bool {
	return s.plan.judge.Of(hook) != nil
}

func anyHook(*unstructured.Unstructured) bool { return true }

// withoutHook is a hook without the finalizer that is this program's own.
func withoutHook(hook *unstructured.Unstructured) *unstructured.Unstructured {
	other := hook.DeepCopy()
	other.SetFinalizers(slices.DeleteFunc(other.GetFinalizers(), func(f string) bool { return f == v1alpha1.HookFinalizer }))
	return other
}

// hold puts the finalizer on a hook that keeps it until its outcome is recorded, whoever deletes it.
func hold(hook *unstructured.Unstructured) {
	if !Held(hook) {
		hook.SetFinalizers(append(hook.GetFinalizers(), v1alpha1.HookFinalizer))
	}
}

// Held reports whether a live hook carries the finalizer that keeps it until its outcome is recorded.
func Held(hook *unstructured.Unstructured) bool {
	metadata, _ := hook.Object["metadata"].(map[string]any)
	finalizers, _ := metadata["finalizers"].([]any)
	return slices.Contains(finalizers, any(v1alpha1.HookFinalizer))
}

// Abandoned are the live hooks of an Application that are held and that its running operation knows nothing of: those
// of an operation that was superseded, or of which a restart or a failed write left no trace. Without an operation,
// running is the zero Plan.
func Abandoned(live []Live, running Plan, policy Policy) []*unstructured.Unstructured {
	var all []*unstructured.Unstructured
	for _, l := range live {
		if !Held(l.Object) || policy.Tracking.OwnerOf(l.Object) != policy.Instance {
			continue
		}
		if key := KeyOf(l.Object); !slices.ContainsFunc(running.Tasks, func(t Task) bool { return t.Verb == Hook && t.Key == key }) {
			all = append(all, l.Object)
		}
	}
	slices.SortFunc(all, func(x, y *unstructured.Unstructured) int { return compareKeys(KeyOf(x), KeyOf(y)) })
	return all
}

// hookOutcome is how far a hook has got: it succeeds when it is healthy at its end, and fails when it is degraded. A
// hook of a kind without health is done when it exists. An outcome that was not seen is no success: a hook that is
// gone, or going before its end, has failed.
func hookOutcome(judge health.Judge, live *unstructured.Unstructured) (v1alpha1.OperationPhase, string) {
	if live == nil {
		return v1alpha1.OperationFailed, "deleted before its outcome was seen; sync again"
	}
	seen := live
	if live.GetDeletionTimestamp() != nil {
		// Deletion is no outcome: a Job that has completed stays completed while it goes.
		seen = live.DeepCopy()
		seen.SetDeletionTimestamp(nil)
	}
	phase, message := v1alpha1.OperationSucceeded, ""
	h := judge.Of(seen)
	if seen != live {
		// A script may go by the deletion.
		if going := judge.Of(live); going != nil && (going.Status == v1alpha1.HealthHealthy || going.Status == v1alpha1.HealthDegraded) {
			h = going
		}
	}
	if h != nil {
		message = h.Message
		switch h.Status {
		case v1alpha1.HealthHealthy:
		case v1alpha1.HealthDegraded:
			phase = v1alpha1.OperationFailed
		case v1alpha1.HealthUnknown:
			phase = v1alpha1.OperationError
		default:
			phase = v1alpha1.OperationRunning
		}
	}
	if phase == v1alpha1.OperationRunning && live.GetDeletionTimestamp() != nil {
		return v1alpha1.OperationFailed, "deleted while it ran; sync again"
	}
	return phase, message
}

// IsHook reports whether an object is a hook, or is marked never to be applied.
func IsHook(object *unstructured.Unstructured) bool { return len(hookPhases(object)) > 0 }

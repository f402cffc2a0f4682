package rollout

import (
	"fmt"
	"maps"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// deciding is one decision in the making: what was seen, what follows from it, and what is to be done.
type deciding struct {
	seen Observation
	ro   *v1alpha1.Rollout
	now  time.Time

	// template is what the pods shall be made from.
	template corev1.PodTemplateSpec
	// fresh, stable and active are the ReplicaSets of the wanted template, of the version to go back to, and of the version that takes the traffic.
	// They may be one and the same, and each may be nil.
	fresh, stable, active *appsv1.ReplicaSet
	replicas              int32
	// lost says that the active Service selects something that no switch of this Rollout has put there.
	lost bool
	// begun says that this decision has brought up the ReplicaSet of the wanted template, or gone back to it.
	begun bool

	out Decision
}

// Decide says what to do next with a Rollout. now is the time at which it was observed.
func Decide(seen Observation, now time.Time) Decision {
	d := &deciding{seen: seen, ro: seen.Rollout, now: now, replicas: Replicas(seen.Rollout)}
	d.out.Status = *seen.Rollout.Status.DeepCopy()
	d.out.Annotations = map[string]string{}
	if seen.Rollout.DeletionTimestamp != nil {
		d.releaseAll()
		return d.out
	}
	if problems := Problems(seen); len(problems) > 0 {
		d.refuse(problems)
		return d.out
	}
	if seen.Rollout.Status.ObservedGeneration == "" {
		d.tell(eventAdded(seen.Rollout.Name))
	}
	d.template = wantedTemplate(seen)
	d.releaseLeft()
	d.identify()
	d.observeSwitch()
	d.followRequests()
	if d.ro.Spec.Paused && d.fresh == nil {
		d.keepServing()
	} else {
		d.bringUp()
		d.gate()
		d.steer()
		d.resize()
		d.retire()
	}
	d.dress()
	d.restart()
	d.lend()
	d.report()
	return d.out
}

func (d *deciding) do(actions ...Action) { d.out.Actions = append(d.out.Actions, actions...) }

func (d *deciding) tell(e Event) { d.out.Events = append(d.out.Events, e) }

// wake asks for another decision at t, or earlier.
func (d *deciding) wake(t time.Time) {
	if d.out.RequeueAt.IsZero() || t.Before(d.out.RequeueAt) {
		d.out.RequeueAt = t
	}
}

func (d *deciding) blueGreen() *v1alpha1.BlueGreenStrategy { return d.ro.Spec.Strategy.BlueGreen }

// wantedTemplate is what the user wrote. What a Rollout adds to a ReplicaSet's template comes back when somebody returns to a revision by copying it, and is not meant.
func wantedTemplate(seen Observation) corev1.PodTemplateSpec {
	template := seen.Rollout.Spec.Template
	if seen.Workload != nil {
		template = seen.Workload.Template
	}
	template = *template.DeepCopy()
	delete(template.Labels, v1alpha1.PodHashLabel)
	removeVersionAntiAffinity(&template)
	return template
}

// identify finds the ReplicaSets that matter.
func (d *deciding) identify() {
	d.stable = byHash(d.seen.ReplicaSets, d.ro.Status.StableRS)
	d.active = byHash(d.seen.ReplicaSets, selectedHash(d.seen.Active))
	d.fresh = d.wantedReplicaSet()
	if d.stable == nil && d.active != nil && d.active != d.fresh {
		// The status was lost, or the next version came before the first had converged: what serves is what there is to go back to.
		d.stable = d.active
		d.out.Status.StableRS = PodHash(d.active.Labels)
	}
	d.lost = d.selectorLost()
	if d.fresh != nil {
		d.noteCurrent(PodHash(d.fresh.Labels))
		d.rememberTemplate()
	}
}

// selectorLost says that the active Service selects no version at all, one that is gone, or one that is neither wanted nor stable and that no switch has put
// there. A manifest that was applied again does that.
func (d *deciding) selectorLost() bool {
	if d.stable == nil {
		return false
	}
	if d.active == nil {
		return true
	}
	last := d.ro.Status.BlueGreen.Switch
	return d.active != d.stable && d.active != d.fresh && (last == nil || last.To != PodHash(d.active.Labels))
}

// rememberTemplate notes on the wanted ReplicaSet which template it was adopted for, so that the question is not asked again.
func (d *deciding) rememberTemplate() {
	hash := TemplateHash(d.template, "")
	if d.fresh.Annotations[TemplateHashAnnotation] != hash && d.fresh.DeletionTimestamp == nil {
		d.do(AnnotateReplicaSet{d.fresh.Name, map[string]string{TemplateHashAnnotation: hash}})
	}
}

// wantedReplicaSet finds the ReplicaSet of the wanted template: by status when nothing was written since, else by the meaning of its template.
func (d *deciding) wantedReplicaSet() *appsv1.ReplicaSet {
	current := byHash(d.seen.ReplicaSets, d.ro.Status.CurrentPodHash)
	if current != nil && d.nothingWritten() {
		return current
	}
	if current != nil && sameTemplate(d.template, current) {
		return current
	}
	var oldest *appsv1.ReplicaSet
	for _, rs := range d.seen.ReplicaSets {
		if rs.DeletionTimestamp == nil && sameTemplate(d.template, rs) && (oldest == nil || rs.CreationTimestamp.Before(&oldest.CreationTimestamp)) {
			oldest = rs
		}
	}
	return oldest
}

// nothingWritten says that the status speaks of the spec as it is now, whichever controller wrote it. One that refused the spec says nothing of its template.
func (d *deciding) nothingWritten() bool {
	if !Observed(d.ro) || condition(d.ro.Status.Conditions, v1alpha1.RolloutConditionInvalidSpec) != nil {
		return false
	}
	return d.seen.Workload == nil || d.ro.Status.WorkloadObservedGeneration == strconv.FormatInt(d.seen.Workload.Generation, 10)
}

// noteCurrent takes a hash as the current one. Gates belong to one template: with another one they start anew.
func (d *deciding) noteCurrent(hash string) {
	status := &d.out.Status
	if status.CurrentPodHash == hash {
		return
	}
	status.CurrentPodHash = hash
	status.PauseConditions = nil
	status.ControllerPause = false
	status.Abort = false
	status.AbortedAt = nil
	status.PromoteFull = false
	status.BlueGreen.ScaleUpPreviewCheckPoint = false
	status.BlueGreen.PrePromotionAnalysisRunStatus = nil
	status.BlueGreen.PostPromotionAnalysisRunStatus = nil
}

// followRequests answers what people ask for through status fields.
func (d *deciding) followRequests() {
	status := &d.out.Status
	if d.fresh != nil && d.fresh == d.stable && d.converged() {
		// There is nothing left to abort or to promote.
		status.Abort, status.AbortedAt, status.PromoteFull = false, nil, false
	}
	if d.deadlineAborts() {
		status.Abort = true
		d.tell(eventAborted(d.freshRevision(), "no progress within progressDeadlineSeconds"))
	}
	switch {
	case status.Abort && status.AbortedAt == nil:
		at := metav1.NewTime(d.now)
		status.AbortedAt = &at
		status.PauseConditions, status.ControllerPause, status.PromoteFull = nil, false, false
		status.BlueGreen.ScaleUpPreviewCheckPoint = false
		if !d.deadlineAborts() {
			d.tell(eventAborted(d.freshRevision(), "asked for"))
		}
	case !status.Abort && status.AbortedAt != nil:
		status.AbortedAt = nil
		if d.fresh != nil {
			d.clearDeadline(d.fresh)
		}
	}
}

func (d *deciding) freshRevision() int64 {
	if d.fresh == nil {
		return d.newestRevision() + 1
	}
	return Revision(d.fresh)
}

func (d *deciding) newestRevision() int64 {
	var newest int64
	for _, rs := range d.seen.ReplicaSets {
		newest = max(newest, Revision(rs))
	}
	return newest
}

// bringUp makes sure that the wanted template has a ReplicaSet, and that its revision is the newest.
func (d *deciding) bringUp() {
	newest := d.newestRevision()
	if d.fresh == nil {
		d.create(newest + 1)
		return
	}
	if revision := Revision(d.fresh); revision < newest || revision == 0 {
		d.raiseRevision(newest + 1)
	} else {
		d.out.Annotations[v1alpha1.RevisionAnnotation] = strconv.FormatInt(revision, 10)
	}
	if d.fresh.Spec.MinReadySeconds != d.ro.Spec.MinReadySeconds {
		d.do(SetMinReadySeconds{d.fresh.Name, d.ro.Spec.MinReadySeconds})
	}
}

func (d *deciding) create(revision int64) {
	status := &d.out.Status
	// The name is part of the hash, so that two Rollouts with the same template never share one.
	hash := TemplateHash(d.template, d.ro.Name)
	for n := int32(1); byHash(d.seen.ReplicaSets, hash) != nil; n++ {
		// The hash belongs to another template.
		status.CollisionCount = &n
		hash = TemplateHash(d.template, fmt.Sprint(d.ro.Name, "#", n))
	}
	d.fresh = newReplicaSet(d, hash, revision)
	d.noteCurrent(hash)
	d.do(CreateReplicaSet{d.fresh.DeepCopy()})
	d.out.Annotations[v1alpha1.RevisionAnnotation] = strconv.FormatInt(revision, 10)
	d.tell(eventUpdated(revision))
	d.begin("NewReplicaSetCreated", "Created new ReplicaSet "+d.fresh.Name)
}

// raiseRevision makes an older ReplicaSet the newest: somebody went back to its template.
func (d *deciding) raiseRevision(revision int64) {
	rs := d.fresh
	set := map[string]string{v1alpha1.RevisionAnnotation: strconv.FormatInt(revision, 10)}
	if before := rs.Annotations[v1alpha1.RevisionAnnotation]; before != "" {
		history := rs.Annotations[v1alpha1.RevisionHistoryAnnotation]
		if history != "" {
			history += ","
		}
		set[v1alpha1.RevisionHistoryAnnotation] = history + before
	}
	d.do(AnnotateReplicaSet{rs.Name, set})
	d.fresh = rs.DeepCopy()
	maps.Copy(d.annotationsOf(d.fresh), set)
	d.replace(d.fresh)
	maps.Copy(d.out.Annotations, map[string]string{v1alpha1.RevisionAnnotation: set[v1alpha1.RevisionAnnotation]})
	d.tell(eventUpdated(revision))
	d.begin("FoundNewReplicaSet", "Found existing ReplicaSet "+rs.Name)
}

func (d *deciding) annotationsOf(rs *appsv1.ReplicaSet) map[string]string {
	if rs.Annotations == nil {
		rs.Annotations = map[string]string{}
	}
	return rs.Annotations
}

// replace puts a changed copy of a ReplicaSet where the observed one was, for the rest of this decision.
func (d *deciding) replace(changed *appsv1.ReplicaSet) {
	all := make([]*appsv1.ReplicaSet, len(d.seen.ReplicaSets))
	for i, rs := range d.seen.ReplicaSets {
		all[i] = rs
		if rs.Name == changed.Name {
			all[i] = changed
		}
	}
	d.seen.ReplicaSets = all
	for _, role := range []**appsv1.ReplicaSet{&d.fresh, &d.stable, &d.active} {
		if *role != nil && (*role).Name == changed.Name {
			*role = changed
		}
	}
}

func newReplicaSet(d *deciding, hash string, revision int64) *appsv1.ReplicaSet {
	template := *d.template.DeepCopy()
	if template.Labels == nil {
		template.Labels = map[string]string{}
	}
	template.Labels[v1alpha1.PodHashLabel] = hash
	addVersionAntiAffinity(d.blueGreen().AntiAffinity, d.ro.Status.StableRS, hash, &template)
	selector := Selector(d.seen).DeepCopy()
	if selector.MatchLabels == nil {
		selector.MatchLabels = map[string]string{}
	}
	selector.MatchLabels[v1alpha1.PodHashLabel] = hash
	labels := maps.Clone(template.Labels)
	none := int32(0)
	isController := true
	rs := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Name:      d.ro.Name + "-" + hash,
			Namespace: d.ro.Namespace,
			Labels:    labels,
			Annotations: map[string]string{
				v1alpha1.RevisionAnnotation: strconv.FormatInt(revision, 10),
				TemplateHashAnnotation:      TemplateHash(d.template, ""),
			},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: v1alpha1.GroupVersion.String(), Kind: v1alpha1.RolloutKind, Name: d.ro.Name, UID: d.ro.UID,
				Controller: &isController, BlockOwnerDeletion: &isController,
			}},
		},
		Spec: appsv1.ReplicaSetSpec{
			Replicas:        &none,
			MinReadySeconds: d.ro.Spec.MinReadySeconds,
			Selector:        selector,
			Template:        template,
		},
	}
	if preview := d.blueGreen().PreviewMetadata; preview != nil {
		putOn(rs, *preview)
	}
	return rs
}

// Selector finds the pods of a Rollout; a Rollout with a workloadRef may leave it to the workload.
func Selector(seen Observation) *metav1.LabelSelector {
	if seen.Rollout.Spec.Selector == nil && seen.Workload != nil {
		return seen.Workload.Selector
	}
	return seen.Rollout.Spec.Selector
}

package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/delivery"
)

// GitCommit is a commit as a repository has it.
type GitCommit struct {
	SHA, Author, Message string
	// Date is when it was made, and Committed when it was put where it stands.
	Date, Committed time.Time
	// Trailer returns the value of a trailer; "" where the message has none.
	Trailer func(key string) string
}

// DeliverySeen is what deliveries of an Application are made of: what can be seen, whoever did it and whenever the
// program was started.
type DeliverySeen struct {
	Application *v1alpha1.Application
	// Commits are those of the source that could be read, by their SHA, with those that they name as built.
	Commits map[string]GitCommit
	// Rollouts are those of the Application, each with its ReplicaSets.
	Rollouts []RolloutSeen
}

// The names of stages, and their states.
const (
	stageCommit, stageBuild, stageSet, stageSeen, stageSync = "commit", "build", "set", "seen", "sync"
	stagePreview, stageSwitch, stageDrain, stageHealthy     = "preview", "switch", "drain", "healthy"

	stateDone, stateRunning, stateWaiting, stateFailed, stateSkipped, stateUnknown = "done", "running", "waiting", "failed", "skipped", "unknown"
)

// The states of deliveries.
const (
	DeliveryRunning = "Running"
	DeliveryWaiting = "Waiting"
	// DeliveryDone is that of the one to which the traffic goes, and DeliveryReplaced of one to which it went.
	DeliveryDone     = "Done"
	DeliveryReplaced = "Replaced"
	DeliveryFailed   = "Failed"
	// DeliverySuperseded is that of one that another overtook before it was done.
	DeliverySuperseded = "Superseded"
)

// Deliveries returns the deliveries of an Application, newest first: one for each deployment of its history, and before
// them the sync that goes on or has failed.
func Deliveries(seen DeliverySeen) []Delivery {
	app := seen.Application
	history := lastOf(app.Status.History, mostHistory)
	var all []Delivery
	for i, h := range history {
		all = append(all, deliveryOf(seen, deploymentSeen{
			id: fmt.Sprint(h.ID), revision: revisionOf(h.Revision, h.Revisions), began: h.DeployStartedAt, ended: &h.DeployedAt, phase: v1alpha1.OperationSucceeded, last: i == len(history)-1,
		}))
	}
	if d, ok := underWay(app); ok {
		if n := len(all); n > 0 && d.isOn {
			all[n-1] = superseded(all[n-1])
		}
		all = append(all, deliveryOf(seen, d))
	}
	slices.Reverse(all)
	return replaced(all)
}

// replaced returns deliveries, newest first, in which those that were done are told from those that have the traffic.
// One that a Service was switched to has it until the next switch, whatever was deployed since.
func replaced(all []Delivery) []Delivery {
	var switched, done bool
	for i := range all {
		d := &all[i]
		isSwitched := d.stage(stageSwitch).State == stateDone
		wasDone := d.State == DeliveryDone
		if wasDone && (switched || done && !isSwitched) {
			d.State = DeliveryReplaced
		}
		switched = switched || isSwitched && d.State != DeliveryFailed
		done = done || wasDone
	}
	return all
}

// deploymentSeen is one attempt to deploy a commit.
type deploymentSeen struct {
	id, revision string
	began, ended *metav1.Time
	phase        v1alpha1.OperationPhase
	message      string
	// last is set for what the cluster has now, or is to have; isOn while it is being synced.
	last, isOn bool
}

// underWay returns the sync that goes on, or that failed and was not followed by a deployment. A dry run deploys
// nothing.
func underWay(app *v1alpha1.Application) (deploymentSeen, bool) {
	state := app.Status.OperationState
	if state == nil || state.Operation.Sync == nil || state.Operation.Sync.DryRun || state.Phase == v1alpha1.OperationSucceeded {
		return deploymentSeen{}, false
	}
	if n := len(app.Status.History); n > 0 && app.Status.History[n-1].DeployedAt.After(state.StartedAt.Time) {
		return deploymentSeen{}, false
	}
	d := deploymentSeen{began: &state.StartedAt, ended: state.FinishedAt, phase: state.Phase, message: state.Message, revision: state.Operation.Sync.Revision, last: true}
	if state.SyncResult != nil {
		d.revision = cmp.Or(revisionOf(state.SyncResult.Revision, state.SyncResult.Revisions), d.revision)
	}
	d.isOn = state.Phase == v1alpha1.OperationRunning || state.Phase == v1alpha1.OperationTerminating
	if d.isOn {
		// A retry that waits has an end too.
		d.ended = nil
	}
	d.id = fmt.Sprintf("sync-%d", state.StartedAt.Unix())
	return d, d.revision != ""
}

// superseded returns a delivery that another has overtaken before it was done.
func superseded(d Delivery) Delivery {
	if d.State != DeliveryRunning && d.State != DeliveryWaiting {
		return d
	}
	d.State = DeliverySuperseded
	for i := range d.Stages {
		if s := &d.Stages[i]; s.goesOn() {
			s.State = stateSkipped
		}
	}
	return d
}

func deliveryOf(seen DeliverySeen, of deploymentSeen) Delivery {
	app := seen.Application
	d := Delivery{ID: of.id, Namespace: app.Namespace, Application: app.Name, Project: cmp.Or(app.Spec.Project, v1alpha1.DefaultProject), Commit: Commit{SHA: of.revision}}
	commit, known := seen.Commits[of.revision]
	d.Commit = commitOf(seen.Commits, of.revision)
	var source *GitCommit
	if mark, marked := markOf(commit); marked {
		d.Image, d.Source = mark.Image, builtOf(seen.Commits, of.revision)
		if built, ok := seen.Commits[mark.SourceCommit]; ok {
			source = &built
		}
	}
	d.Stages = append(stagesOfGit(commit, known, d.Source != nil, source, of), syncStage(of))
	rolled, overtaken := stagesOfRollouts(seen, of)
	d.Stages = append(append(d.Stages, rolled...), healthStage(app, of, rolled))
	d.finish(of)
	if overtaken {
		d.State, d.LeadSeconds = DeliverySuperseded, nil
	}
	return d
}

// commitOf returns a commit as pages show it; its SHA alone, where it could not be read.
func commitOf(read map[string]GitCommit, sha string) Commit {
	c, ok := read[sha]
	if !ok {
		return Commit{SHA: sha}
	}
	return Commit{SHA: c.SHA, Author: shortened(c.Author), Message: shortened(strings.TrimSpace(c.Message)), Date: stampOf(c.Date)}
}

// markOf returns what a commit names of a delivery. One that could not be read names nothing.
func markOf(c GitCommit) (mark delivery.Mark, marked bool) {
	if c.Trailer == nil {
		return delivery.Mark{}, false
	}
	return delivery.ReadMark(c.Trailer)
}

// builtOf returns the commit that was built for the one that is deployed, as far as that names it; nil where it does
// not, as where people have set the image.
func builtOf(read map[string]GitCommit, deployed string) *Commit {
	mark, marked := markOf(read[deployed])
	if !marked {
		return nil
	}
	built := commitOf(read, mark.SourceCommit)
	return &built
}

// stagesOfGit are the way of a commit to the sync.
func stagesOfGit(commit GitCommit, known, built bool, source *GitCommit, of deploymentSeen) []Stage {
	made, build, set, seen := Stage{Name: stageCommit, State: stateDone}, Stage{Name: stageBuild, State: stateSkipped}, Stage{Name: stageSet, State: stateSkipped}, Stage{Name: stageSeen, State: stateDone}
	if !known {
		for _, s := range []*Stage{&made, &build, &set} {
			s.State = stateUnknown
		}
	}
	landed := commit.Committed
	if built {
		build.State, set.State = stateDone, stateDone
		set.StartedAt, set.FinishedAt = stampOf(landed), stampOf(landed)
		build.FinishedAt = stampOf(landed)
		made.State = stateUnknown
		if source != nil {
			made.State, made.StartedAt, made.FinishedAt = stateDone, stampOf(source.Committed), stampOf(source.Committed)
			build.StartedAt = stampOf(source.Committed)
		}
	} else if known {
		made.StartedAt, made.FinishedAt = stampOf(landed), stampOf(landed)
	}
	if known && of.began != nil && !of.began.Time.Before(landed) {
		seen.StartedAt, seen.FinishedAt = stampOf(landed), stamp(of.began)
	}
	return []Stage{made, build, set, seen}
}

func syncStage(of deploymentSeen) Stage {
	s := Stage{Name: stageSync, State: stateDone, StartedAt: stamp(of.began), FinishedAt: stamp(of.ended), Message: shortened(of.message)}
	switch of.phase {
	case v1alpha1.OperationRunning, v1alpha1.OperationTerminating:
		s.State, s.FinishedAt = stateRunning, ""
	case v1alpha1.OperationFailed, v1alpha1.OperationError:
		s.State = stateFailed
	}
	return s
}

// nextBegan returns when the deployment after this one began; nil for the last.
func nextBegan(app *v1alpha1.Application, of deploymentSeen) *metav1.Time {
	var next *metav1.Time
	consider := func(t *metav1.Time) {
		if t != nil && of.began != nil && t.After(of.began.Time) && (next == nil || t.Before(next)) {
			next = t
		}
	}
	for _, h := range lastOf(app.Status.History, mostHistory) {
		consider(h.DeployStartedAt)
	}
	if d, ok := underWay(app); ok {
		consider(d.began)
	}
	return next
}

// healthStage returns the end: the Application is healthy with the commit. It is waited for as long as its pods are on
// their way to the traffic.
func healthStage(app *v1alpha1.Application, of deploymentSeen, rolled []Stage) Stage {
	s := Stage{Name: stageHealthy, State: stateUnknown}
	since := app.Status.Health.LastTransitionTime
	switch {
	case of.phase == v1alpha1.OperationFailed || of.phase == v1alpha1.OperationError:
		s.State = stateSkipped
	case !of.last:
	case of.isOn:
		s.State = stateWaiting
	case app.Status.Health.Status == v1alpha1.HealthHealthy:
		s.State = stateDone
		if since != nil && of.began != nil && !since.Before(of.began) {
			s.FinishedAt = stamp(since)
		}
	case app.Status.Health.Status == v1alpha1.HealthDegraded:
		s.State, s.Message = stateFailed, shortened(app.Status.Health.Message)
	case app.Status.Health.Status == v1alpha1.HealthSuspended || slices.ContainsFunc(rolled, Stage.goesOn):
		s.State = stateWaiting
	default:
		s.State = stateRunning
	}
	return s
}

// goesOn reports whether a stage has not ended.
func (s Stage) goesOn() bool {
	return s.State == stateRunning || s.State == stateWaiting
}

// finish sets the state of a delivery, its times and its lead time, from its stages.
func (d *Delivery) finish(of deploymentSeen) {
	d.State = stateOf(d.Stages)
	for _, s := range d.Stages {
		if s.StartedAt != "" && (d.StartedAt == "" || s.StartedAt < d.StartedAt) {
			d.StartedAt = s.StartedAt
		}
		if s.FinishedAt > d.FinishedAt {
			d.FinishedAt = s.FinishedAt
		}
	}
	if waits := d.stage(stagePreview); waits.State == stateWaiting && waits.StartedAt != "" && d.State == DeliveryRunning {
		d.State = DeliveryWaiting
	}
	if d.State == DeliveryRunning || d.State == DeliveryWaiting {
		d.FinishedAt = ""
	}
	d.LeadSeconds = d.lead(of)
}

// stateOf returns the state of a delivery: failed where one of its stages has, and then whatever is furthest from done.
func stateOf(stages []Stage) string {
	for _, rule := range []struct{ stage, delivery string }{{stateFailed, DeliveryFailed}, {stateRunning, DeliveryRunning}, {stateWaiting, DeliveryWaiting}} {
		if slices.ContainsFunc(stages, func(s Stage) bool { return s.State == rule.stage }) {
			return rule.delivery
		}
	}
	return DeliveryDone
}

func (d *Delivery) stage(name string) Stage {
	for _, s := range d.Stages {
		if s.Name == name {
			return s
		}
	}
	return Stage{}
}

// Deployed returns when the sync began or, where that is not known, ended.
func (d *Delivery) Deployed() string {
	s := d.stage(stageSync)
	return cmp.Or(s.StartedAt, s.FinishedAt)
}

// lead returns the seconds from the commit that people made to the traffic: to the switch where there was one, else to
// the end of the sync. Nil where one of the two is not known.
func (d *Delivery) lead(of deploymentSeen) *int64 {
	from, to := d.stage(stageCommit).FinishedAt, d.stage(stageSwitch)
	end := to.FinishedAt
	if to.State == stateSkipped && of.phase == v1alpha1.OperationSucceeded {
		end = d.stage(stageSync).FinishedAt
	}
	began, err1 := time.Parse(time.RFC3339, from)
	ended, err2 := time.Parse(time.RFC3339, end)
	if err1 != nil || err2 != nil || ended.Before(began) || d.State == DeliveryFailed {
		return nil
	}
	seconds := int64(ended.Sub(began) / time.Second)
	return &seconds
}

// LeadPoint is the lead time of a delivery.
type LeadPoint struct {
	At      string `json:"at" format:"date-time"`
	Seconds int64  `json:"seconds"`
	ID      string `json:"id"`
}

// LeadOf returns the lead times that are known, the oldest first.
func LeadOf(deliveries []Delivery) []LeadPoint {
	points := []LeadPoint{}
	for _, d := range slices.Backward(deliveries) {
		if d.LeadSeconds != nil && d.FinishedAt != "" {
			points = append(points, LeadPoint{d.FinishedAt, *d.LeadSeconds, d.ID})
		}
	}
	slices.SortStableFunc(points, func(a, b LeadPoint) int { return cmp.Compare(a.At, b.At) })
	return points
}

// DeliveryRevisions returns the commits that the deliveries of an Application are about.
func DeliveryRevisions(app *v1alpha1.Application) []string {
	revisions := RevisionsOf(app)
	if d, ok := underWay(app); ok && !slices.Contains(revisions, d.revision) {
		revisions = append(revisions, d.revision)
	}
	return revisions
}

// LastDelivered returns when something of an Application was last delivered, or began to be; the zero time for never.
func LastDelivered(app *v1alpha1.Application) time.Time {
	var last time.Time
	if n := len(app.Status.History); n > 0 {
		last = app.Status.History[n-1].DeployedAt.Time
	}
	if d, ok := underWay(app); ok && d.began.After(last) {
		last = d.began.Time
	}
	return last
}

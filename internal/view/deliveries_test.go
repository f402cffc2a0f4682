package view

import (
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/delivery"
)

var (
	built = strings.Repeat("b", 40)
	image = "registry.example/web@sha256:" + strings.Repeat("1", 64)
)

func made(sha string, ago time.Duration, message string) GitCommit {
	trailers := map[string]string{}
	for line := range strings.Lines(message) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			trailers[key] = value
		}
	}
	when := noon.Add(-ago)
	return GitCommit{SHA: sha, Author: "ann", Message: message, Date: when, Committed: when, Trailer: func(key string) string { return trailers[key] }}
}

// delivered is an Application whose last deployment set an image that was built from another commit, with a Rollout
// that has switched to it.
func delivered() DeliverySeen {
	app := shop(func(a *v1alpha1.Application) {
		a.Status.Health.LastTransitionTime = at(20 * time.Second)
		a.Status.History = []v1alpha1.RevisionHistory{
			{ID: 1, Revision: "one", DeployStartedAt: at(time.Hour), DeployedAt: before(59 * time.Minute)},
			{ID: 2, Revision: "two", DeployStartedAt: at(4 * time.Minute), DeployedAt: before(3 * time.Minute)},
		}
	})
	mark := delivery.Mark{SourceCommit: built, Image: image, Overlay: "k8s", Name: "web"}
	seen := waitingRollout()
	switched(seen)
	seen.ReplicaSets = seen.ReplicaSets[:2]
	seen.ReplicaSets[0].CreationTimestamp, seen.ReplicaSets[1].CreationTimestamp = before(59*time.Minute), before(3*time.Minute)
	seen.Rollout.Status.BlueGreen.Switch = &v1alpha1.SwitchStatus{From: "one", To: "two", Time: before(time.Minute), ConvergedAt: at(50 * time.Second)}
	return DeliverySeen{Application: app, Rollouts: []RolloutSeen{seen}, Commits: map[string]GitCommit{
		"one": made("one", 2*time.Hour, "First"), "two": made("two", 5*time.Minute, mark.Message("Count requests")), built: made(built, 7*time.Minute, "Count requests"),
	}}
}

// scaled is an event of the Rollout of [delivered], that long before noon.
func scaled(message string, ago time.Duration) *corev1.Event {
	return &corev1.Event{InvolvedObject: corev1.ObjectReference{Kind: v1alpha1.RolloutKind, Namespace: "shop", Name: "web"}, Reason: "ScalingReplicaSet", Message: message, LastTimestamp: before(ago)}
}

func stagesText(d Delivery) string {
	var all []string
	for _, s := range d.Stages {
		text := s.Name + " " + s.State
		for _, at := range []string{s.StartedAt, s.FinishedAt} {
			if at == "" {
				at = "--T?Z"
			}
			text += " " + strings.TrimSuffix(at[strings.Index(at, "T")+1:], "Z")
		}
		all = append(all, text)
	}
	return strings.Join(all, "\n")
}

// The way of the last commit, from what can be seen of it.
func TestTheWayOfACommit(t *testing.T) {
	const (
		git       = "commit done 11:53:00 11:53:00\nbuild done 11:53:00 11:55:00\nset done 11:55:00 11:55:00\nseen done 11:55:00 11:56:00\n"
		synced    = git + "sync done 11:56:00 11:57:00\n"
		converged = "preview done 11:57:00 11:59:00\nswitch done 11:59:00 11:59:10\n"
	)
	for _, c := range []struct {
		name   string
		change func(*DeliverySeen)
		state  string
		lead   int64
		want   string
	}{
		{"switched, and old pods are there", func(*DeliverySeen) {}, "Running", 370, synced + converged + "drain running 11:59:10 ?\nhealthy done ? 11:59:40"},
		{"all done", func(s *DeliverySeen) {
			s.Rollouts[0].ReplicaSets[0].Spec.Replicas, s.Rollouts[0].ReplicaSets[0].Status = new(int32), appsv1.ReplicaSetStatus{}
		}, "Done", 370, synced + converged + "drain done 11:59:10 ?\nhealthy done ? 11:59:40"},
		{"all done, and the event of it is kept", func(s *DeliverySeen) {
			s.Rollouts[0].ReplicaSets[0].Spec.Replicas, s.Rollouts[0].ReplicaSets[0].Status = new(int32), appsv1.ReplicaSetStatus{}
			s.Rollouts[0].Events = []*corev1.Event{
				scaled("Scaled down ReplicaSet web-one (revision 1) from 3 to 0", time.Hour), scaled("Scaled down ReplicaSet web-one (revision 1) from 3 to 1", 40*time.Second),
				scaled("Scaled down ReplicaSet web-one (revision 1) from 1 to 0", 20*time.Second), scaled("Scaled down ReplicaSet web-one-more (revision 3) from 1 to 0", time.Second),
			}
		}, "Done", 370, synced + converged + "drain done 11:59:10 11:59:40\nhealthy done ? 11:59:40"},
		{"all done in the second of the switch", func(s *DeliverySeen) {
			s.Rollouts[0].ReplicaSets[0].Spec.Replicas, s.Rollouts[0].ReplicaSets[0].Status = new(int32), appsv1.ReplicaSetStatus{}
			s.Rollouts[0].Events = []*corev1.Event{scaled("Scaled down ReplicaSet web-one (revision 1) from 3 to 0", 50*time.Second)}
		}, "Done", 370, synced + converged + "drain done 11:59:10 11:59:10\nhealthy done ? 11:59:40"},
		{"all done, and a newer version begins", func(s *DeliverySeen) {
			s.Rollouts[0].ReplicaSets[0].Spec.Replicas, s.Rollouts[0].ReplicaSets[0].Status = new(int32), appsv1.ReplicaSetStatus{}
			next := s.Rollouts[0].ReplicaSets[1].DeepCopy()
			next.Name, next.Labels, next.CreationTimestamp = "web-three", map[string]string{v1alpha1.PodHashLabel: "three"}, before(time.Second)
			s.Rollouts[0].ReplicaSets = append(s.Rollouts[0].ReplicaSets, next)
		}, "Done", 370, synced + converged + "drain done 11:59:10 ?\nhealthy done ? 11:59:40"},
		{"switched from no version", func(s *DeliverySeen) { s.Rollouts[0].Rollout.Status.BlueGreen.Switch.From = "" }, "Done", 370,
			synced + converged + "drain skipped ? ?\nhealthy done ? 11:59:40"},
		{"the Service has not followed yet", func(s *DeliverySeen) { s.Rollouts[0].Rollout.Status.BlueGreen.Switch.ConvergedAt = nil }, "Running", -1,
			synced + "preview done 11:57:00 11:59:00\nswitch running 11:59:00 ?\ndrain waiting ? ?\nhealthy done ? 11:59:40"},
		{"waits to be promoted", func(s *DeliverySeen) {
			ro := s.Rollouts[0].Rollout
			ro.Status.BlueGreen = v1alpha1.BlueGreenStatus{ActiveSelector: "one"}
			waiting(ro)
			s.Application.Status.Health.Status = v1alpha1.HealthSuspended
		}, "Waiting", -1, synced + "preview waiting 11:57:00 ?\nswitch waiting ? ?\ndrain waiting ? ?\nhealthy waiting ? ?"},
		{"pods start", func(s *DeliverySeen) {
			s.Rollouts[0].Rollout.Status.BlueGreen, s.Application.Status.Health.Status = v1alpha1.BlueGreenStatus{ActiveSelector: "one"}, v1alpha1.HealthProgressing
		}, "Running", -1, synced + "preview running 11:57:00 ?\nswitch waiting ? ?\ndrain waiting ? ?\nhealthy waiting ? ?"},
		{"switched, and the rest of the Application is not healthy yet", func(s *DeliverySeen) {
			s.Rollouts[0].ReplicaSets[0].Spec.Replicas, s.Rollouts[0].ReplicaSets[0].Status = new(int32), appsv1.ReplicaSetStatus{}
			s.Application.Status.Health.Status = v1alpha1.HealthProgressing
		}, "Running", 370, synced + converged + "drain done 11:59:10 ?\nhealthy running ? ?"},
		{"aborted", func(s *DeliverySeen) {
			ro := s.Rollouts[0].Rollout
			ro.Status.BlueGreen, ro.Status.Abort, ro.Status.AbortedAt = v1alpha1.BlueGreenStatus{ActiveSelector: "one"}, true, at(2*time.Minute)
			s.Application.Status.Health.Status = v1alpha1.HealthDegraded
		}, "Failed", -1, synced + "preview failed 11:57:00 11:58:00\nswitch skipped ? ?\ndrain skipped ? ?\nhealthy failed ? ?"},
		{"pods that never start", func(s *DeliverySeen) {
			ro := s.Rollouts[0].Rollout
			ro.Status.BlueGreen, ro.Status.Phase = v1alpha1.BlueGreenStatus{ActiveSelector: "one"}, v1alpha1.RolloutDegraded
		}, "Failed", -1, synced + "preview failed 11:57:00 ?\nswitch waiting ? ?\ndrain waiting ? ?\nhealthy done ? 11:59:40"},
		{"the first version", func(s *DeliverySeen) {
			s.Rollouts[0].Rollout.Status.BlueGreen = v1alpha1.BlueGreenStatus{ActiveSelector: "two"}
		}, "Done", -1, synced + "preview done 11:57:00 ?\nswitch done ? ?\ndrain skipped ? ?\nhealthy done ? 11:59:40"},
		{"no new version", func(s *DeliverySeen) { s.Rollouts[0].ReplicaSets = s.Rollouts[0].ReplicaSets[:1] }, "Done", 240,
			synced + "preview skipped ? ?\nswitch skipped ? ?\ndrain skipped ? ?\nhealthy done ? 11:59:40"},
		{"the built commit is in another repository", func(s *DeliverySeen) { delete(s.Commits, built); s.Rollouts = nil }, "Done", -1,
			"commit unknown ? ?\nbuild done ? 11:55:00\nset done 11:55:00 11:55:00\nseen done 11:55:00 11:56:00\nsync done 11:56:00 11:57:00\npreview skipped ? ?\nswitch skipped ? ?\ndrain skipped ? ?\nhealthy done ? 11:59:40"},
		{"nothing was built", func(s *DeliverySeen) { s.Commits["two"] = made("two", 5*time.Minute, "By hand"); s.Rollouts = nil }, "Done", 120,
			"commit done 11:55:00 11:55:00\nbuild skipped ? ?\nset skipped ? ?\nseen done 11:55:00 11:56:00\nsync done 11:56:00 11:57:00\npreview skipped ? ?\nswitch skipped ? ?\ndrain skipped ? ?\nhealthy done ? 11:59:40"},
		{"the repository does not answer", func(s *DeliverySeen) { s.Commits, s.Rollouts = nil, nil }, "Done", -1,
			"commit unknown ? ?\nbuild unknown ? ?\nset unknown ? ?\nseen done ? ?\nsync done 11:56:00 11:57:00\npreview skipped ? ?\nswitch skipped ? ?\ndrain skipped ? ?\nhealthy done ? 11:59:40"},
		{"a commit that claims to be later than its sync", func(s *DeliverySeen) { s.Commits["two"] = made("two", -time.Hour, "By hand"); s.Rollouts = nil }, "Done", -1,
			"commit done 13:00:00 13:00:00\nbuild skipped ? ?\nset skipped ? ?\nseen done ? ?\nsync done 11:56:00 11:57:00\npreview skipped ? ?\nswitch skipped ? ?\ndrain skipped ? ?\nhealthy done ? 11:59:40"},
		{"when the sync began is not known", func(s *DeliverySeen) { s.Application.Status.History[1].DeployStartedAt = nil }, "Done", 240,
			git[:strings.Index(git, "seen")] + "seen done ? ?\nsync done ? 11:57:00\npreview skipped ? ?\nswitch skipped ? ?\ndrain skipped ? ?\nhealthy done ? ?"},
	} {
		seen := delivered()
		c.change(&seen)
		d := Deliveries(seen)[0]
		lead := int64(-1)
		if d.LeadSeconds != nil {
			lead = *d.LeadSeconds
		}
		if got := stagesText(d); got != c.want || d.State != c.state || lead != c.lead || d.ID != "2" || d.Commit.SHA != "two" {
			t.Errorf("%s: %s, lead %d, want %s, lead %d\ngot\n%s\nwant\n%s", c.name, d.State, lead, c.state, c.lead, got, c.want)
		}
	}
}

// What a delivery is of.
func TestWhatADeliveryIsOf(t *testing.T) {
	all := Deliveries(delivered())
	last, first := all[0], all[1]
	if last.Source == nil || last.Source.SHA != built || last.Source.Message != "Count requests" || last.Image != image || last.Application != "shop" || last.Project != "default" || last.StartedAt != "2026-11-26T11:53:00Z" || last.FinishedAt != "" {
		t.Errorf("got %+v", last)
	}
	if got := last.Deployed() + " " + (&Delivery{Stages: []Stage{{Name: "commit", StartedAt: "a"}, {Name: "sync", FinishedAt: "b"}}}).Deployed(); got != "2026-11-26T11:56:00Z b" {
		t.Errorf("deployed at %s", got)
	}
	// What the Rollout does not keep of an earlier version is unknown.
	if got := stagesText(first); first.ID != "1" || first.Source != nil || first.State != "Replaced" || !strings.HasSuffix(got, "preview unknown 11:01:00 ?\nswitch unknown ? ?\ndrain unknown ? ?\nhealthy unknown ? ?") {
		t.Errorf("got %s\n%s", first.State, got)
	}
	if got := Deliveries(DeliverySeen{Application: shop()}); len(got) != 0 {
		t.Errorf("without a history: %+v", got)
	}
}

// A sync that goes on, or has failed, is a delivery before the history has it.
func TestDeliveriesThatGoOn(t *testing.T) {
	operation := func(phase v1alpha1.OperationPhase, began time.Duration) func(*DeliverySeen) {
		return func(s *DeliverySeen) {
			s.Application.Status.OperationState = &v1alpha1.OperationState{
				Operation: v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{Revision: "named"}}, Phase: phase, Message: "m", StartedAt: before(began), FinishedAt: at(5 * time.Second),
				SyncResult: &v1alpha1.SyncOperationResult{Revision: "three"},
			}
		}
	}
	for _, c := range []struct {
		name   string
		change func(*DeliverySeen)
		want   string
	}{
		{"a sync that goes on overtakes", operation(v1alpha1.OperationRunning, 10*time.Second), "sync-1795694390 three Running, 2 two Superseded, 1 one Replaced"},
		{"a sync that ends", operation(v1alpha1.OperationTerminating, 10*time.Second), "sync-1795694390 three Running, 2 two Superseded, 1 one Replaced"},
		{"a sync that has failed overtakes nothing", operation(v1alpha1.OperationFailed, 10*time.Second), "sync-1795694390 three Failed, 2 two Running, 1 one Replaced"},
		{"a sync with an error", operation(v1alpha1.OperationError, 10*time.Second), "sync-1795694390 three Failed, 2 two Running, 1 one Replaced"},
		{"a sync that has succeeded is in the history", operation(v1alpha1.OperationSucceeded, 10*time.Second), "2 two Running, 1 one Replaced"},
		{"a sync before the last deployment", operation(v1alpha1.OperationFailed, time.Hour), "2 two Running, 1 one Replaced"},
		{"a dry run", func(s *DeliverySeen) {
			operation(v1alpha1.OperationRunning, 10*time.Second)(s)
			s.Application.Status.OperationState.Operation.Sync.DryRun = true
		}, "2 two Running, 1 one Replaced"},
		{"no sync", func(s *DeliverySeen) {
			operation(v1alpha1.OperationRunning, 10*time.Second)(s)
			s.Application.Status.OperationState.Operation.Sync = nil
		}, "2 two Running, 1 one Replaced"},
		{"a sync that has done nothing yet", func(s *DeliverySeen) {
			operation(v1alpha1.OperationRunning, 10*time.Second)(s)
			s.Application.Status.OperationState.SyncResult = nil
		}, "sync-1795694390 named Running, 2 two Superseded, 1 one Replaced"},
		{"a sync of nobody knows what", func(s *DeliverySeen) {
			operation(v1alpha1.OperationRunning, 10*time.Second)(s)
			s.Application.Status.OperationState.SyncResult, s.Application.Status.OperationState.Operation.Sync.Revision = nil, ""
		}, "2 two Running, 1 one Replaced"},
	} {
		seen := delivered()
		c.change(&seen)
		var got []string
		for _, d := range Deliveries(seen) {
			got = append(got, d.ID+" "+d.Commit.SHA+" "+d.State)
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: got %s, want %s", c.name, strings.Join(got, ", "), c.want)
		}
	}
	seen := delivered()
	operation(v1alpha1.OperationRunning, 10*time.Second)(&seen)
	if got := stagesText(Deliveries(seen)[0]); !strings.HasSuffix(got, "sync running 11:59:50 ?\npreview waiting ? ?\nswitch waiting ? ?\ndrain waiting ? ?\nhealthy waiting ? ?") {
		t.Errorf("got %s", got)
	}
	if got := fmt.Sprint(DeliveryRevisions(seen.Application)); got != "[two one three]" {
		t.Errorf("got %s", got)
	}
	if got := LastDelivered(seen.Application); !got.Equal(noon.Add(-10 * time.Second)) {
		t.Errorf("got %s", got)
	}
	if got := LastDelivered(delivered().Application); !got.Equal(noon.Add(-3 * time.Minute)) {
		t.Errorf("got %s", got)
	}
	if !LastDelivered(shop()).IsZero() {
		t.Error("what was never deployed was delivered")
	}
}

// The lead times, the oldest first; without one that is not known.
func TestLeadTimes(t *testing.T) {
	seconds := func(n int64) *int64 { return &n }
	got := LeadOf([]Delivery{{ID: "3", LeadSeconds: seconds(30), FinishedAt: "2026-03"}, {ID: "2"}, {ID: "on", LeadSeconds: seconds(1)}, {ID: "1", LeadSeconds: seconds(10), FinishedAt: "2026-01"}})
	if fmt.Sprint(got) != "[{2026-01 10 1} {2026-03 30 3}]" {
		t.Errorf("got %v", got)
	}
}

// A sync that has failed is a delivery with what it said; one that overtakes leaves nothing of the one before waiting.
func TestSyncsThatFailAndOvertake(t *testing.T) {
	seen := delivered()
	seen.Application.Status.OperationState = &v1alpha1.OperationState{
		Operation: v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{Revision: "one"}}, Phase: v1alpha1.OperationFailed, Message: "refused", StartedAt: before(10 * time.Second), FinishedAt: at(5 * time.Second),
	}
	failed := Deliveries(seen)[0]
	if s := failed.Stages[4]; s.Message != "refused" || s.FinishedAt != "2026-11-26T11:59:55Z" || failed.Namespace != "argocd" || failed.FinishedAt != s.FinishedAt || failed.Commit.Author != "ann" {
		t.Errorf("got %+v", failed)
	}
	if got := stagesText(failed); !strings.HasSuffix(got, "preview skipped ? ?\nswitch skipped ? ?\ndrain skipped ? ?\nhealthy skipped ? ?") {
		t.Errorf("got %s", got)
	}
	if got := fmt.Sprint(DeliveryRevisions(seen.Application)); got != "[two one]" {
		t.Errorf("got %s", got)
	}
	seen.Application.Status.OperationState.Phase = v1alpha1.OperationRunning
	all := Deliveries(seen)
	if s := all[0].Stages[4]; s.FinishedAt != "" || s.State != "running" {
		t.Errorf("a retry that waits has ended: %+v", s)
	}
	if got := stagesText(all[1]); strings.Contains(got, "running") || strings.Contains(got, "waiting") {
		t.Errorf("what was overtaken goes on: %s", got)
	}
	delete(seen.Commits, built)
	if d := Deliveries(seen)[1]; d.Source == nil || d.Source.SHA != built {
		t.Errorf("got %+v", d.Source)
	}
}

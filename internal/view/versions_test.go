package view

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// lives is the life of a Rollout as its ReplicaSets and its status have it: minutes before noon at which deployments
// began, REVISION:HASH:MINUTES:PODS for each ReplicaSet, the wanted and the active version, and the last switch as
// FROM>TO:MINUTES.
type lives struct {
	began          []int
	sets           string
	wanted, active string
	cut            string
	abort          bool
}

func (l lives) seen(t *testing.T) DeliverySeen {
	t.Helper()
	app := shop(func(a *v1alpha1.Application) {
		for i, minutes := range l.began {
			began := before(time.Duration(minutes) * time.Minute)
			a.Status.History = append(a.Status.History, v1alpha1.RevisionHistory{ID: int64(i + 1), Revision: fmt.Sprint("commit", i+1), DeployStartedAt: &began, DeployedAt: began})
		}
	})
	ro := waitingRollout().Rollout
	ro.Status.PauseConditions, ro.Status.Phase = nil, v1alpha1.RolloutProgressing
	ro.Status.CurrentPodHash, ro.Status.BlueGreen = l.wanted, v1alpha1.BlueGreenStatus{ActiveSelector: l.active}
	ro.Status.Abort = l.abort
	if l.cut != "" {
		var minutes int
		way, at, _ := strings.Cut(l.cut, ":")
		from, to, _ := strings.Cut(way, ">")
		if _, err := fmt.Sscan(at, &minutes); err != nil {
			t.Fatal(err)
		}
		when := before(time.Duration(minutes) * time.Minute)
		ro.Status.BlueGreen.Switch = &v1alpha1.SwitchStatus{From: from, To: to, Time: when, ConvergedAt: &when}
	}
	seen := RolloutSeen{Rollout: ro}
	for _, set := range strings.Fields(l.sets) {
		var revision, minutes, pods int
		part := strings.Split(set, ":")
		if _, err := fmt.Sscan(part[0]+" "+part[2]+" "+part[3], &revision, &minutes, &pods); err != nil {
			t.Fatal(err)
		}
		rs := replicaSet(int64(revision), part[1], int32(pods), int32(pods))
		rs.CreationTimestamp = before(time.Duration(minutes) * time.Minute)
		seen.ReplicaSets = append(seen.ReplicaSets, rs)
	}
	return DeliverySeen{Application: app, Rollouts: []RolloutSeen{seen}}
}

// wayOf is what became of deployments, the newest first: state, and the stages from preview to drain.
func wayOf(all []Delivery) string {
	var text []string
	for _, d := range all {
		var states []string
		for _, name := range []string{stagePreview, stageSwitch, stageDrain} {
			states = append(states, d.stage(name).State)
		}
		text = append(text, d.ID+" "+d.State+" ("+strings.Join(states, " ")+")")
	}
	return strings.Join(text, ", ")
}

// Deployments that overtake each other, and that go back.
func TestDeliveriesOfSeveralVersions(t *testing.T) {
	for _, c := range []struct {
		rule string
		lives
		want string
	}{
		{"each has switched", lives{[]int{60, 30}, "1:a:59:0 2:b:29:1", "b", "b", "a>b:20", false}, "2 Done (done done done), 1 Replaced (unknown unknown unknown)"},
		{"one that was overtaken before the first switch since", lives{[]int{60, 30, 10}, "1:a:59:1 2:b:29:0 3:c:9:1", "c", "a", ">a:58", false},
			"3 Running (running waiting waiting), 2 Superseded (skipped skipped skipped), 1 Done (done done skipped)"},
		{"one that was overtaken, and then the next switched", lives{[]int{60, 30, 10}, "1:a:59:0 2:b:29:0 3:c:9:1", "c", "c", "a>c:5", false},
			"3 Done (done done done), 2 Superseded (skipped skipped skipped), 1 Replaced (unknown unknown unknown)"},
		{"one that had the traffic before the last switch", lives{[]int{60, 30, 10}, "1:a:59:0 2:b:29:0 3:c:9:1", "c", "c", "b>c:5", false},
			"3 Done (done done done), 2 Replaced (unknown unknown unknown), 1 Replaced (unknown unknown unknown)"},
		{"one that was followed by going back, and then by the next", lives{[]int{60, 30, 20, 10}, "2:b:29:0 3:a:59:0 4:c:9:1", "c", "c", "a>c:5", false},
			"4 Done (done done done), 3 Replaced (skipped skipped skipped), 2 Replaced (unknown unknown unknown), 1 Replaced (unknown unknown unknown)"},
		{"one of which the ReplicaSets do not tell whether it was before the wanted one", lives{[]int{60, 30, 10}, "1:a:59:1 0:b:29:0 0:c:9:1", "c", "a", ">a:58", false},
			"3 Running (running waiting waiting), 2 Done (unknown unknown unknown), 1 Done (done done skipped)"},
		{"one of which the ReplicaSets do not tell whether it was after the one that had the traffic", lives{[]int{60, 30, 10}, "0:a:59:0 0:b:29:0 3:c:9:1", "c", "c", "a>c:5", false},
			"3 Done (done done done), 2 Replaced (unknown unknown unknown), 1 Replaced (unknown unknown unknown)"},
		{"going back, which waits", lives{[]int{60, 30, 10}, "2:b:29:1 3:a:59:1", "a", "b", "a>b:20", false},
			"3 Running (running waiting waiting), 2 Done (done done done), 1 Replaced (unknown unknown unknown)"},
		{"going back, which waits, and another deployment since", lives{[]int{60, 30, 20, 10}, "2:b:29:1 3:a:59:1", "a", "b", "a>b:25", false},
			"4 Running (running waiting waiting), 3 Done (skipped skipped skipped), 2 Done (done done done), 1 Replaced (unknown unknown unknown)"},
		{"going back to where the traffic came from", lives{[]int{60, 30, 10}, "2:b:29:1 3:a:59:1", "a", "b", "a>b:20", false},
			"3 Running (running waiting waiting), 2 Done (done done done), 1 Replaced (unknown unknown unknown)"},
		{"two versions of one deployment, as somebody may set an image", lives{[]int{60, 30}, "1:a:59:0 2:b:29:0 3:c:9:1", "c", "c", "a>c:5", false}, "2 Done (done done done), 1 Replaced (unknown unknown unknown)"},
		{"going back, which is done", lives{[]int{60, 30, 10}, "2:b:29:0 3:a:59:1", "a", "a", "b>a:5", false},
			"3 Done (done done done), 2 Replaced (unknown unknown unknown), 1 Replaced (unknown unknown unknown)"},
		{"going back, which was aborted", lives{[]int{60, 30, 10}, "2:b:29:1 3:a:59:0", "a", "b", "a>b:20", true},
			"3 Failed (failed skipped skipped), 2 Done (done done done), 1 Replaced (unknown unknown unknown)"},
		{"going back before anything was switched", lives{[]int{60, 30, 10}, "2:b:29:0 3:a:59:1", "a", "a", ">a:58", false},
			"3 Done (skipped skipped skipped), 2 Superseded (skipped skipped skipped), 1 Done (done done skipped)"},
		{"another deployment than that of the version, while it waits", lives{[]int{60, 30, 10}, "1:a:59:1 2:b:29:1", "b", "a", ">a:58", false},
			"3 Done (skipped skipped skipped), 2 Running (running waiting waiting), 1 Done (done done skipped)"},
		{"another deployment, and the version has switched since", lives{[]int{60, 30, 10}, "1:a:59:0 2:b:29:1", "b", "b", "a>b:5", false},
			"3 Done (skipped skipped skipped), 2 Done (done done done), 1 Replaced (unknown unknown unknown)"},
		{"a version that the Rollout has not seen yet", lives{[]int{60, 30}, "1:a:59:1 2:b:29:1", "a", "a", ">a:58", false}, "2 Done (unknown unknown unknown), 1 Done (done done skipped)"},
		{"a version that nobody's deployment has made", lives{[]int{60}, "1:a:59:0 2:b:29:1", "b", "a", ">a:58", false}, "1 Running (running waiting waiting)"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := wayOf(Deliveries(c.seen(t))); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// A deployment that goes on waits for its versions where there are Rollouts to make them, and passes them over
// elsewhere.
func TestDeploymentsWithoutAVersionYet(t *testing.T) {
	some := DeliverySeen{Rollouts: []RolloutSeen{waitingRollout()}}
	for _, c := range []struct {
		rule string
		seen DeliverySeen
		of   deploymentSeen
		want string
	}{
		{"it goes on", some, deploymentSeen{isOn: true}, stateWaiting},
		{"it goes on, and there are no Rollouts", DeliverySeen{}, deploymentSeen{isOn: true}, stateSkipped},
		{"it is over", some, deploymentSeen{}, stateSkipped},
		{"it has failed", some, deploymentSeen{isOn: true, phase: v1alpha1.OperationFailed}, stateSkipped},
		{"it has ended with an error", some, deploymentSeen{isOn: true, phase: v1alpha1.OperationError}, stateSkipped},
	} {
		stages, overtaken := stagesOfRollouts(c.seen, c.of)
		for _, s := range stages {
			if s.State != c.want || overtaken || len(stages) != 3 {
				t.Errorf("%s: got %+v, overtaken: %v; want %s", c.rule, stages, overtaken, c.want)
			}
		}
	}
}

// A version that was taken up again is on its way since the deployment that did; the time of its first is not changed.
func TestTimesOfGoingBack(t *testing.T) {
	all := Deliveries(lives{[]int{60, 30, 10}, "2:b:29:0 3:a:59:1", "a", "a", "b>a:5", false}.seen(t))
	if got, want := fmt.Sprint(all[0].stage(stagePreview), all[0].stage(stageSwitch).FinishedAt), "{preview done 2026-11-26T11:50:00Z 2026-11-26T11:55:00Z  <nil>}2026-11-26T11:55:00Z"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	waits := Deliveries(lives{[]int{60, 30, 10}, "2:b:29:1 3:a:59:1", "a", "b", "a>b:20", false}.seen(t))[0]
	if got := waits.stage(stagePreview).StartedAt; got != "2026-11-26T11:50:00Z" {
		t.Errorf("going back, which waits, has begun at %s", got)
	}
	if first := all[2]; first.stage(stageSwitch).FinishedAt != "" || first.LeadSeconds != nil {
		t.Errorf("the first deployment: got %+v", first)
	}
	over := Deliveries(lives{[]int{60, 30, 10}, "1:a:59:0 2:b:29:0 4:d:4:1 3:c:9:1 5:e:3:0", "d", "d", "a>d:3", false}.seen(t))[1]
	if got, want := fmt.Sprint(over.stage(stagePreview), over.LeadSeconds), "{preview skipped 2026-11-26T11:31:00Z 2026-11-26T11:51:00Z  <nil>} <nil>"; got != want {
		t.Errorf("overtaken: got %s, want %s", got, want)
	}
}

// A stage says why it goes on or does not.
func TestWhatStagesSay(t *testing.T) {
	for _, c := range []struct {
		rule   string
		change func(*RolloutSeen)
		want   string
	}{
		{"aborted", func(s *RolloutSeen) { s.Rollout.Status.Abort = true }, "failed stage.aborted Rollout web: aborted"},
		{"it waits", func(s *RolloutSeen) { waiting(s.Rollout) }, "waiting stage.waits Rollout web: waits before the switch"},
		{"degraded", func(s *RolloutSeen) {
			s.Rollout.Status.Phase, s.Rollout.Status.Message = v1alpha1.RolloutDegraded, "no progress"
		}, "failed  Rollout web: no progress"},
	} {
		seen := lives{[]int{60, 30}, "1:a:59:1 2:b:29:1", "b", "a", ">a:58", false}.seen(t)
		c.change(&seen.Rollouts[0])
		s, code := Deliveries(seen)[0].stage(stagePreview), ""
		if s.Said != nil {
			code = s.Said.Code
		}
		if got := s.State + " " + code + " " + s.Message; got != c.want {
			t.Errorf("%s: got %s, want %s", c.rule, got, c.want)
		}
	}
	// Old pods are there as long as some are wanted, or some are there.
	for _, c := range []struct{ wanted, there int32 }{{1, 0}, {0, 1}} {
		seen := lives{[]int{60, 30}, "1:a:59:0 2:b:29:1", "b", "b", "a>b:20", false}.seen(t)
		old := seen.Rollouts[0].ReplicaSets[0]
		old.Spec.Replicas, old.Status.Replicas = &c.wanted, c.there
		if got := Deliveries(seen)[0].stage(stageDrain).State; got != stateRunning {
			t.Errorf("%d wanted and %d there: drain is %s", c.wanted, c.there, got)
		}
	}
}

// Of several Rollouts, the one that is furthest from done counts.
func TestDeliveriesOfSeveralRollouts(t *testing.T) {
	one := func(active, cut string, change func(*v1alpha1.Rollout)) RolloutSeen {
		seen := lives{[]int{60, 30}, "1:a:59:0 2:b:29:1", "b", active, cut, false}.seen(t).Rollouts[0]
		change(seen.Rollout)
		return seen
	}
	as := func(*v1alpha1.Rollout) {}
	done, running := one("b", "a>b:20", as), one("a", ">a:58", as)
	waits, failed := one("a", ">a:58", waiting), one("a", ">a:58", func(ro *v1alpha1.Rollout) { ro.Status.Abort = true })
	resting := lives{[]int{60, 30}, "1:a:59:1", "a", "a", ">a:58", false}.seen(t).Rollouts[0]
	for _, c := range []struct {
		rule     string
		rollouts []RolloutSeen
		want     string
	}{
		{"one that waits for somebody before one that is done", []RolloutSeen{done, waits}, "2 Waiting (waiting waiting waiting)"},
		{"in whatever order", []RolloutSeen{waits, done}, "2 Waiting (waiting waiting waiting)"},
		{"one that goes on before one that is done", []RolloutSeen{done, running, done}, "2 Running (running waiting waiting)"},
		{"one that waits for somebody before one that goes on", []RolloutSeen{running, waits}, "2 Waiting (waiting waiting waiting)"},
		{"one that has failed before all", []RolloutSeen{waits, failed, running, done}, "2 Failed (failed skipped skipped)"},
		{"one without a new version counts for nothing", []RolloutSeen{resting, done, resting}, "2 Done (done done done)"},
	} {
		seen := lives{began: []int{60, 30}}.seen(t)
		seen.Rollouts = c.rollouts
		if got := wayOf(Deliveries(seen)[:1]); got != c.want {
			t.Errorf("%s: got %s, want %s", c.rule, got, c.want)
		}
	}
}

// What is there of a Rollout may be anything: without a strategy, without ReplicaSets, scaled to none.
func TestDeliveriesOfRolloutsOfWhichLittleIsKnown(t *testing.T) {
	bare := func(change func(*RolloutSeen)) DeliverySeen {
		seen := lives{[]int{60, 30}, "1:a:59:0 2:b:29:0", "b", "a", "", false}.seen(t)
		change(&seen.Rollouts[0])
		return seen
	}
	for _, c := range []struct {
		rule string
		seen DeliverySeen
		want string
	}{
		{"no pods", bare(func(*RolloutSeen) {}), "2 Running (running waiting waiting), 1 Done (unknown unknown unknown)"},
		{"no ReplicaSets", bare(func(s *RolloutSeen) { s.ReplicaSets = nil }), "2 Done (skipped skipped skipped), 1 Replaced (skipped skipped skipped)"},
		{"no strategy", bare(func(s *RolloutSeen) { s.Rollout.Spec.Strategy = v1alpha1.RolloutStrategy{} }), "2 Running (running waiting waiting), 1 Done (unknown unknown unknown)"},
		{"no status", bare(func(s *RolloutSeen) { s.Rollout.Status = v1alpha1.RolloutStatus{} }), "2 Done (unknown unknown unknown), 1 Replaced (unknown unknown unknown)"},
		{"ReplicaSets without anything", bare(func(s *RolloutSeen) { s.ReplicaSets = []*appsv1.ReplicaSet{{}, {}} }), "2 Done (skipped skipped skipped), 1 Replaced (skipped skipped skipped)"},
		{"paused by hand", bare(func(s *RolloutSeen) { s.Rollout.Spec.Paused = true }), "2 Waiting (waiting waiting waiting), 1 Done (unknown unknown unknown)"},
	} {
		if got := wayOf(Deliveries(c.seen)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.rule, got, c.want)
		}
	}
}

// A history without end has the last deployments shown, and is read in the time that these take.
func TestLongHistories(t *testing.T) {
	app := shop()
	for i := range 3 * mostHistory {
		began := before(time.Duration(5*mostHistory-i) * time.Second)
		app.Status.History = append(app.Status.History, v1alpha1.RevisionHistory{ID: int64(i), Revision: fmt.Sprint(i), DeployStartedAt: &began, DeployedAt: began})
	}
	all := Deliveries(DeliverySeen{Application: app, Rollouts: []RolloutSeen{waitingRollout()}})
	last := fmt.Sprint(3*mostHistory - 1)
	if len(all) != mostHistory || all[0].ID != last || all[0].stage(stageHealthy).State != stateDone || all[mostHistory-1].ID != fmt.Sprint(2*mostHistory) {
		t.Errorf("got %d deliveries, from %s to %s", len(all), all[0].ID, all[len(all)-1].ID)
	}
	d := DetailOf(DetailSeen{Application: app}, noon)
	if revisions := RevisionsOf(app); len(d.History) != mostHistory || fmt.Sprint(d.History[0].ID) != last || len(revisions) > mostHistory+1 || !slices.Contains(revisions, last) {
		t.Errorf("got a history of %d and %d commits", len(d.History), len(revisions))
	}
}

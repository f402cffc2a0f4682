package view

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

func second(n int) string { return noon.Add(time.Duration(n) * time.Second).UTC().Format(time.RFC3339) }

func TestHowLongAStageTook(t *testing.T) {
	now := noon.Add(20 * time.Second)
	for name, c := range map[string]struct {
		stage Stage
		want  time.Duration
		known bool
		ahead bool
	}{
		"done":                         {stage: Stage{State: stateDone, StartedAt: second(1), FinishedAt: second(9)}, want: 8 * time.Second, known: true},
		"running, up to now":           {stage: Stage{State: stateRunning, StartedAt: second(5)}, want: 15 * time.Second, known: true},
		"waiting for somebody, to now": {stage: Stage{State: stateWaiting, StartedAt: second(10)}, want: 10 * time.Second, known: true},
		"to come":                      {stage: Stage{State: stateWaiting}, ahead: true},
		"done, begin not known":        {stage: Stage{State: stateDone, FinishedAt: second(4)}},
		"done, end not known":          {stage: Stage{State: stateDone, StartedAt: second(4)}},
		"by clocks that disagree":      {stage: Stage{State: stateDone, StartedAt: second(9), FinishedAt: second(4)}, known: true},
		"with an end that is no time":  {stage: Stage{State: stateDone, StartedAt: second(1), FinishedAt: "soon"}},
	} {
		if got, known := c.stage.Lasted(now); got != c.want || known != c.known {
			t.Errorf("%s: got %v, %v, want %v, %v", name, got, known, c.want, c.known)
		}
		if got := c.stage.IsAhead(); got != c.ahead {
			t.Errorf("%s: ahead %v, want %v", name, got, c.ahead)
		}
	}
}

func TestWhereADeliveryIs(t *testing.T) {
	stages := []Stage{{Name: "commit", State: stateDone}, {Name: "preview", State: stateWaiting, StartedAt: second(1)}, {Name: "switch", State: stateRunning}, {Name: "drain", State: stateFailed}}
	for _, c := range []struct {
		state  string
		stages []Stage
		want   string
	}{
		{DeliveryRunning, stages, "switch"}, {DeliveryWaiting, stages, "switch"}, {DeliveryWaiting, stages[:2], "preview"}, {DeliveryFailed, stages, "drain"}, {DeliveryFailed, stages[:3], ""},
		{DeliveryDone, stages, ""}, {DeliverySuperseded, stages, ""}, {DeliveryRunning, stages[:1], ""},
	} {
		got, is := Delivery{State: c.state, Stages: c.stages}.Current()
		if got.Name != c.want || is != (c.want != "") {
			t.Errorf("%s of %d stages: got %q, %v, want %q", c.state, len(c.stages), got.Name, is, c.want)
		}
	}
	d := Delivery{Commit: Commit{SHA: "set"}}
	if got := d.Built().SHA; got != "set" {
		t.Errorf("without a source: got %s", got)
	}
	if d.Source = (&Commit{SHA: "built"}); d.Built().SHA != "built" {
		t.Errorf("with a source: got %s", d.Built().SHA)
	}
}

func TestLastDelivering(t *testing.T) {
	app := func(name string, ago time.Duration) *v1alpha1.Application {
		return shop(func(a *v1alpha1.Application) {
			a.Name, a.Status.OperationState, a.Status.History = name, nil, nil
			if ago > 0 {
				a.Status.History = []v1alpha1.RevisionHistory{{ID: 1, Revision: "one", DeployedAt: before(ago)}}
			}
		})
	}
	apps := []*v1alpha1.Application{app("never", 0), app("old", time.Hour), app("b", time.Minute), app("a", time.Minute), app("new", time.Second)}
	for most, want := range map[int]string{0: "", 2: "new a", 4: "new a b old", 9: "new a b old"} {
		var got []string
		for _, a := range LastDelivering(apps, most) {
			got = append(got, a.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%d: got %v, want %s", most, got, want)
		}
	}
	if apps[0].Name != "never" {
		t.Error("what was given was sorted")
	}
	newest := NewestDeliveries([]Delivery{{ID: "1", Stages: []Stage{{Name: stageSync, StartedAt: second(1)}}}, {ID: "2", Stages: []Stage{{Name: stageSync, FinishedAt: second(3)}}}, {ID: "3", Stages: []Stage{{Name: stageSync, StartedAt: second(2)}}}}, 2)
	if len(newest) != 2 || newest[0].ID != "2" || newest[1].ID != "3" {
		t.Errorf("got %+v", newest)
	}
}

func TestDeliveryEvents(t *testing.T) {
	one := func(id, state string, stages ...Stage) Delivery {
		return Delivery{Namespace: "argocd", Application: "shop", ID: id, State: state, Stages: stages}
	}
	sync, ahead := Stage{Name: "sync", State: stateRunning, StartedAt: second(1)}, Stage{Name: "switch", State: stateWaiting}
	done := Stage{Name: "sync", State: stateDone, StartedAt: second(1), FinishedAt: second(2)}
	waits := Stage{Name: "switch", State: stateWaiting, StartedAt: second(2)}
	told := waits
	told.Message = "for somebody"
	for name, c := range map[string]struct {
		before, after []Delivery
		want          string
	}{
		"at first, what has happened":         {nil, []Delivery{one("2", DeliveryRunning, sync, ahead, Stage{Name: "drain", State: stateSkipped}, Stage{Name: "healthy", State: stateUnknown})}, "2 sync running, 2 Running"},
		"the older one first":                 {nil, []Delivery{one("2", DeliveryRunning), one("1", DeliveryDone)}, "1 Done, 2 Running"},
		"nothing, nothing":                    {[]Delivery{one("2", DeliveryRunning, sync, ahead)}, []Delivery{one("2", DeliveryRunning, sync, ahead)}, ""},
		"a stage ends and another begins":     {[]Delivery{one("2", DeliveryRunning, sync, ahead)}, []Delivery{one("2", DeliveryRunning, done, waits)}, "2 sync done, 2 switch waiting"},
		"it says something else":              {[]Delivery{one("2", DeliveryRunning, waits)}, []Delivery{one("2", DeliveryRunning, told)}, "2 switch waiting"},
		"the delivery ends":                   {[]Delivery{one("2", DeliveryRunning, done)}, []Delivery{one("2", DeliveryDone, done)}, "2 Done"},
		"one comes, and another falls behind": {[]Delivery{one("1", DeliveryDone)}, []Delivery{one("2", DeliveryRunning)}, "2 Running"},
	} {
		var got []string
		for _, e := range DeliveryEvents(c.before, c.after) {
			if e.Stage != nil {
				got = append(got, fmt.Sprint(e.Delivery.ID, " ", e.Stage.Name, " ", e.Stage.State))
			} else {
				got = append(got, e.Delivery.ID+" "+e.Delivery.State)
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: got %v, want %s", name, got, c.want)
		}
	}
	elsewhere := one("2", DeliveryRunning)
	elsewhere.Namespace = "team"
	if got := DeliveryEvents([]Delivery{one("2", DeliveryRunning)}, []Delivery{elsewhere}); len(got) != 1 {
		t.Errorf("an Application of the same name elsewhere: got %v", got)
	}
}

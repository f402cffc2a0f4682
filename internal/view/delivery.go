package view

import (
	"cmp"
	"slices"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Delivery is a commit's way to the traffic.
type Delivery struct {
	ID          string  `json:"id"`
	Namespace   string  `json:"namespace"`
	Application string  `json:"application"`
	Project     string  `json:"project"`
	State       string  `json:"state" enum:"Running,Waiting,Done,Replaced,Failed,Superseded"`
	Commit      Commit  `json:"commit"`
	Source      *Commit `json:"source,omitempty" doc:"the commit that was built, where the commit names it"`
	Image       string  `json:"image,omitempty"`
	Stages      []Stage `json:"stages"`
	LeadSeconds *int64  `json:"leadSeconds,omitempty" doc:"from the commit that was built to the traffic"`
	StartedAt   string  `json:"startedAt,omitempty" format:"date-time"`
	FinishedAt  string  `json:"finishedAt,omitempty" format:"date-time"`
}

// Commit is a commit of git.
type Commit struct {
	SHA     string `json:"sha"`
	Author  string `json:"author,omitempty"`
	Message string `json:"message,omitempty"`
	Date    string `json:"date,omitempty" format:"date-time"`
	URL     string `json:"url,omitempty"`
}

// Stage is a part of a commit's way. A time that is not known is left out.
type Stage struct {
	Name       string `json:"name" enum:"commit,build,set,seen,sync,preview,switch,drain,healthy"`
	State      string `json:"state" enum:"done,running,waiting,failed,skipped,unknown"`
	StartedAt  string `json:"startedAt,omitempty" format:"date-time"`
	FinishedAt string `json:"finishedAt,omitempty" format:"date-time"`
	Message    string `json:"message,omitempty"`
	Said       *Said  `json:"said,omitempty" doc:"the template of the message"`
}

// Lasted returns how long a stage took, or has taken by now; false where its times are not known.
func (s Stage) Lasted(now time.Time) (time.Duration, bool) {
	began, err := time.Parse(time.RFC3339, s.StartedAt)
	if err != nil {
		return 0, false
	}
	ended := now
	if s.FinishedAt != "" {
		if ended, err = time.Parse(time.RFC3339, s.FinishedAt); err != nil {
			return 0, false
		}
	} else if s.State != stateRunning && s.State != stateWaiting {
		return 0, false
	}
	// Clocks of machines may disagree.
	return max(ended.Sub(began), 0), true
}

// IsAhead reports whether a stage has yet to come.
func (s Stage) IsAhead() bool { return s.State == stateWaiting && s.StartedAt == "" }

// Current returns the stage where a delivery is, or at which it failed; false for one that is over.
func (d Delivery) Current() (Stage, bool) {
	states := []string{stateRunning, stateWaiting}
	switch d.State {
	case DeliveryFailed:
		states = []string{stateFailed}
	case DeliveryRunning, DeliveryWaiting:
	default:
		return Stage{}, false
	}
	for _, state := range states {
		if i := slices.IndexFunc(d.Stages, func(s Stage) bool { return s.State == state }); i >= 0 {
			return d.Stages[i], true
		}
	}
	return Stage{}, false
}

// Built returns the commit that people made: the one that was built where that is known, else the one that is deployed.
func (d Delivery) Built() Commit {
	if d.Source != nil {
		return *d.Source
	}
	return d.Commit
}

// LastDelivering returns those of some Applications among whose deliveries the last ones are, as many as are asked for:
// the others have as many behind them.
func LastDelivering(apps []*v1alpha1.Application, most int) []*v1alpha1.Application {
	found := slices.DeleteFunc(slices.Clone(apps), func(app *v1alpha1.Application) bool { return LastDelivered(app).IsZero() })
	slices.SortFunc(found, func(a, b *v1alpha1.Application) int {
		return cmp.Or(LastDelivered(b).Compare(LastDelivered(a)), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Namespace, b.Namespace))
	})
	return found[:min(len(found), most)]
}

// NewestDeliveries returns deliveries of several Applications, newest first, as many as are asked for.
func NewestDeliveries(found []Delivery, most int) []Delivery {
	slices.SortStableFunc(found, func(a, b Delivery) int { return cmp.Compare(b.Deployed(), a.Deployed()) })
	return found[:min(len(found), most)]
}

// DeliveryEvent is a change of a delivery: of itself, or of a stage.
type DeliveryEvent struct {
	Delivery Delivery
	// Stage is nil for the delivery itself.
	Stage *Stage
}

// DeliveryEvents returns what has become of deliveries since they were seen before, oldest first. Of one that is new,
// it is what has happened of it by now. What is yet to come is no event, and neither is what was left out or is not
// known.
func DeliveryEvents(before, after []Delivery) []DeliveryEvent {
	known := map[string]Delivery{}
	for _, d := range before {
		known[d.key()] = d
	}
	var events []DeliveryEvent
	for _, d := range slices.Backward(after) {
		old, has := known[d.key()]
		for i, s := range d.Stages {
			if s.IsAhead() || s.State == stateSkipped || s.State == stateUnknown {
				continue
			}
			if was := old.stage(s.Name); !has || was.State != s.State || was.Message != s.Message || was.IsAhead() {
				events = append(events, DeliveryEvent{d, &d.Stages[i]})
			}
		}
		if !has || old.State != d.State {
			events = append(events, DeliveryEvent{d, nil})
		}
	}
	return events
}

func (d Delivery) key() string { return d.Namespace + "/" + d.Application + "/" + d.ID }

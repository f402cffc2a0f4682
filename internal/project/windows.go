package project

import (
	"fmt"
	"slices"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Initiator is who wants to sync.
type Initiator string

// The values of Initiator.
const (
	ByAutomation Initiator = "automation"
	ByPerson     Initiator = "person"
)

// Denial is why a sync may not begin now, and when that changes; the zero Denial when it may begin.
type Denial struct {
	// Reason is empty when a sync may begin.
	Reason string
	// Until is when to look again; zero when that is not known.
	Until time.Time
}

// Windows returns whether the sync windows of a project keep an Application from being synced now. An open deny
// window wins. Where there are allow windows, one of them has to be open.
func Windows(project *v1alpha1.AppProject, app *v1alpha1.Application, to Destination, who Initiator, now time.Time) Denial {
	var all windows
	for _, w := range project.Spec.SyncWindows {
		if !concerns(w, app, to) {
			continue
		}
		if err := all.add(w, who, now); err != nil {
			return Denial{Reason: fmt.Sprintf("project %s: spec.syncWindows: %v", project.Name, err)}
		}
	}
	switch {
	case all.denies != "":
		return Denial{fmt.Sprintf("project %s: a deny window is open (%s)", project.Name, all.denies), all.soonest}
	case all.allow > 0 && all.open == 0:
		return Denial{fmt.Sprintf("project %s: no allow window is open", project.Name), all.soonest}
	}
	return Denial{}
}

// windows sums up those that concern an Application.
type windows struct {
	// denies is a deny window that is open; empty when there is none.
	denies string
	// allow is the number of allow windows, and open that of those that are open.
	allow, open int
	// soonest is when the first of them opens or closes.
	soonest time.Time
}

func (all *windows) add(w v1alpha1.SyncWindow, who Initiator, now time.Time) error {
	active, changes, err := windowAt(w, now)
	if err != nil {
		return err
	}
	if !changes.IsZero() && (all.soonest.IsZero() || changes.Before(all.soonest)) {
		all.soonest = changes
	}
	passes := w.ManualSync && who == ByPerson
	switch {
	case w.Kind == "allow":
		all.allow++
		if active || passes {
			all.open++
		}
	case active && !passes:
		all.denies = w.Schedule + " for " + w.Duration
	}
	return nil
}

// concerns reports whether a window is about an Application.
func concerns(w v1alpha1.SyncWindow, app *v1alpha1.Application, to Destination) bool {
	byApp := anyMatch(w.Applications, app.Name)
	byNamespace := anyMatch(w.Namespaces, to.Namespace)
	byCluster := anyMatch(w.Clusters, to.Server) || anyMatch(w.Clusters, to.Name)
	if !w.UseAndOperator {
		return byApp || byNamespace || byCluster
	}
	all := []struct {
		given []string
		met   bool
	}{{w.Applications, byApp}, {w.Namespaces, byNamespace}, {w.Clusters, byCluster}}
	return !slices.ContainsFunc(all, func(c struct {
		given []string
		met   bool
	}) bool {
		return len(c.given) > 0 && !c.met
	})
}

// windowAt returns whether a window is open, and when it opens or closes next.
func windowAt(w v1alpha1.SyncWindow, now time.Time) (open bool, changes time.Time, err error) {
	if w.Kind != "allow" && w.Kind != "deny" {
		return false, time.Time{}, fmt.Errorf("invalid kind %q; use allow or deny", w.Kind)
	}
	schedule, err := cron.ParseStandard(w.Schedule)
	if err != nil {
		return false, time.Time{}, fmt.Errorf("invalid schedule %q: %w", w.Schedule, err)
	}
	lasts, err := time.ParseDuration(w.Duration)
	if err != nil || lasts <= 0 {
		return false, time.Time{}, fmt.Errorf("invalid duration %q; use one such as 1h", w.Duration)
	}
	zone := time.UTC
	if w.TimeZone != "" {
		if zone, err = time.LoadLocation(w.TimeZone); err != nil {
			return false, time.Time{}, fmt.Errorf("invalid timeZone %q: %w", w.TimeZone, err)
		}
	}
	at := now.In(zone)
	// The last opening that could still be open is after now less its length.
	for opened := schedule.Next(at.Add(-lasts)); !opened.IsZero() && !opened.After(at); opened = schedule.Next(opened) {
		open, changes = true, opened.Add(lasts)
	}
	if !open {
		changes = schedule.Next(at)
	}
	return open, changes, nil
}

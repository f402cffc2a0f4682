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
	var reason string
	var allows, open int
	var soonest time.Time
	note := func(t time.Time) {
		if !t.IsZero() && (soonest.IsZero() || t.Before(soonest)) {
			soonest = t
		}
	}
	for _, w := range project.Spec.SyncWindows {
		if !concerns(w, app, to) {
			continue
		}
		active, changes, err := windowAt(w, now)
		if err != nil {
			return Denial{Reason: fmt.Sprintf("project %s: spec.syncWindows: %v", project.Name, err)}
		}
		note(changes)
		switch {
		case w.Kind == "deny" && active && (who == ByAutomation || !w.ManualSync):
			reason = fmt.Sprintf("project %s: a deny window is open (%s for %s)", project.Name, w.Schedule, w.Duration)
		case w.Kind == "allow":
			allows++
			if active || (who == ByPerson && w.ManualSync) {
				open++
			}
		}
	}
	if reason == "" && allows > 0 && open == 0 {
		reason = fmt.Sprintf("project %s: no allow window is open", project.Name)
	}
	if reason == "" {
		return Denial{}
	}
	return Denial{reason, soonest}
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

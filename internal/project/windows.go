package project

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/glob"
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
	return judge(project, app, to, sync{who: who, now: now})
}

// Continues returns whether the sync windows keep the operation of an Application from going on, if one runs. Windows
// with syncOverrun let one go on that began before they denied it. When that was is not what the Application's status
// tells, which others can write as well: it is zero where nobody else knows it, and the operation is then judged as one
// that is still to begin.
func Continues(project *v1alpha1.AppProject, app *v1alpha1.Application, to Destination, began, now time.Time) Denial {
	if app.Operation == nil || app.Status.OperationState == nil {
		return Denial{}
	}
	who := ByPerson
	if app.Operation.InitiatedBy.Automated {
		who = ByAutomation
	}
	return judge(project, app, to, sync{who: who, began: began, now: now})
}

// sync is what windows judge: who wants it, and when it began; a zero time for one that is still to begin.
type sync struct {
	who        Initiator
	began, now time.Time
}

func judge(project *v1alpha1.AppProject, app *v1alpha1.Application, to Destination, s sync) Denial {
	var all windows
	for _, w := range project.Spec.SyncWindows {
		err := checkWindow(w)
		if err == nil && concerns(w, app, to) {
			err = all.add(w, s)
		}
		if err != nil {
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

func (all *windows) add(w v1alpha1.SyncWindow, s sync) error {
	at, err := windowAt(w, s.now)
	if err != nil {
		return err
	}
	if !at.changes.IsZero() && (all.soonest.IsZero() || at.changes.Before(all.soonest)) {
		all.soonest = at.changes
	}
	passes := w.ManualSync && s.who == ByPerson
	if !passes {
		passes, err = overruns(w, s, at)
	}
	switch {
	case w.Kind == "allow":
		all.allow++
		if at.open || passes {
			all.open++
		}
	case at.open && !passes:
		all.denies = w.Schedule + " for " + w.Duration
	}
	return err
}

// overruns reports whether a window lets a sync go on that began before the window denied it: before it opened, for
// one that denies, and while it was open, for one that allows.
func overruns(w v1alpha1.SyncWindow, s sync, now moment) (bool, error) {
	if !w.SyncOverrun || s.began.IsZero() {
		return false, nil
	}
	if w.Kind == "deny" {
		return s.began.Before(now.opened), nil
	}
	then, err := windowAt(w, s.began)
	return then.open, err
}

// checkWindow returns why it can't be known which Applications a window is about.
func checkWindow(w v1alpha1.SyncWindow) error {
	for _, p := range slices.Concat(w.Applications, w.Namespaces, w.Clusters) {
		if _, err := glob.Compile(strings.TrimPrefix(p, "!"), ""); err != nil {
			return fmt.Errorf("pattern %q is invalid: %w", p, err)
		}
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

// moment is how a window stands at a time.
type moment struct {
	open bool
	// opened is since when it is open, and changes when it opens or closes next; zero when that is not known.
	opened, changes time.Time
}

// times are when a window opens, and for how long.
type times struct {
	schedule cron.Schedule
	lasts    time.Duration
	zone     *time.Location
}

// timesOf returns the times of a window. With an error comes the field that can't be read.
func timesOf(w v1alpha1.SyncWindow) (t times, field string, err error) {
	if w.Kind != "allow" && w.Kind != "deny" {
		return t, "kind", fmt.Errorf("invalid kind %q; use allow or deny", w.Kind)
	}
	if t.schedule, err = cron.ParseStandard(w.Schedule); err != nil {
		return t, "schedule", fmt.Errorf("invalid schedule %q: %w", w.Schedule, err)
	}
	if t.lasts, err = time.ParseDuration(w.Duration); err != nil || t.lasts <= 0 {
		return t, "duration", fmt.Errorf("invalid duration %q; use one such as 1h", w.Duration)
	}
	t.zone = time.UTC
	if w.TimeZone != "" {
		if t.zone, err = time.LoadLocation(w.TimeZone); err != nil {
			return t, "timeZone", fmt.Errorf("invalid timeZone %q: %w", w.TimeZone, err)
		}
	}
	return t, "", nil
}

// windowAt returns how a window stands at a time.
func windowAt(w v1alpha1.SyncWindow, now time.Time) (moment, error) {
	t, _, err := timesOf(w)
	if err != nil {
		return moment{}, err
	}
	return openings(t.schedule, t.lasts, now.In(t.zone)), nil
}

// openings finds the openings that last until now. It takes few steps, however often a window opens and however long it
// stays open.
func openings(schedule cron.Schedule, lasts time.Duration, now time.Time) moment {
	// The last opening that could still be open is after now less its length.
	since := now.Add(-lasts)
	first := schedule.Next(since)
	if first.IsZero() || first.After(now) {
		return moment{changes: first}
	}
	// An opening is after since and not after now: the last of them is searched for between the two.
	for last := now; last.Sub(since) > time.Second; {
		middle := since.Add(last.Sub(since) / 2)
		if next := schedule.Next(middle); next.IsZero() || next.After(now) {
			last = middle
		} else {
			since = middle
		}
	}
	return moment{open: true, opened: first, changes: schedule.Next(since).Add(lasts)}
}

// WindowOpen reports whether a window is open at a time, or what about it is invalid.
func WindowOpen(w v1alpha1.SyncWindow, now time.Time) (bool, error) {
	at, err := windowAt(w, now)
	return at.open, err
}

// WindowsOf returns the sync windows of a project that are about an Application.
func WindowsOf(project *v1alpha1.AppProject, app *v1alpha1.Application, to Destination) []v1alpha1.SyncWindow {
	var of []v1alpha1.SyncWindow
	for _, w := range project.Spec.SyncWindows {
		if concerns(w, app, to) {
			of = append(of, w)
		}
	}
	return of
}

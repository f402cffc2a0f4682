package project_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/project"
)

// A sync that runs goes on outside of what the windows allow only where they say so, and only if it began before.
func TestContinues(t *testing.T) {
	day := func(hour, minute int) time.Time { return time.Date(2026, 5, 1, hour, minute, 0, 0, time.UTC) } // a Friday
	window := func(kind string, set ...func(*v1alpha1.SyncWindow)) v1alpha1.SyncWindow {
		w := v1alpha1.SyncWindow{Kind: kind, Schedule: "0 12 * * *", Duration: "2h", Applications: []string{"*"}}
		for _, s := range set {
			s(&w)
		}
		return w
	}
	overrun := func(w *v1alpha1.SyncWindow) { w.SyncOverrun = true }
	manual := func(w *v1alpha1.SyncWindow) { w.ManualSync = true }
	at := func(schedule string) func(*v1alpha1.SyncWindow) {
		return func(w *v1alpha1.SyncWindow) { w.Schedule = schedule }
	}
	list := func(w ...v1alpha1.SyncWindow) []v1alpha1.SyncWindow { return w }
	for name, c := range map[string]struct {
		windows   []v1alpha1.SyncWindow
		automated bool
		began     time.Time
		now       time.Time
		says      string
		again     time.Time
	}{
		"no window":                                            {nil, true, day(11, 0), day(13, 0), "", time.Time{}},
		"a deny window that has opened":                        {list(window("deny")), true, day(11, 0), day(13, 0), "a deny window is open", day(14, 0)},
		"the same, a person's":                                 {list(window("deny")), false, day(11, 0), day(13, 0), "a deny window is open", day(14, 0)},
		"a person's, where people may sync":                    {list(window("deny", manual)), false, day(11, 0), day(13, 0), "", time.Time{}},
		"automation's, where people may sync":                  {list(window("deny", manual)), true, day(11, 0), day(13, 0), "a deny window is open", day(14, 0)},
		"a deny window that lets it go on":                     {list(window("deny", overrun)), true, day(11, 59), day(13, 0), "", time.Time{}},
		"one that began with the window":                       {list(window("deny", overrun)), true, day(12, 0), day(13, 0), "a deny window is open", day(14, 0)},
		"one that began within it":                             {list(window("deny", overrun)), true, day(12, 30), day(13, 0), "a deny window is open", day(14, 0)},
		"one of which it is not known when it began":           {list(window("deny", overrun)), true, time.Time{}, day(13, 0), "a deny window is open", day(14, 0)},
		"the same, of an allow window":                         {list(window("allow", overrun)), true, time.Time{}, day(14, 30), "no allow window is open", day(36, 0)},
		"another deny window that does not let it go on":       {list(window("deny", overrun), window("deny")), true, day(11, 0), day(13, 0), "a deny window is open", day(14, 0)},
		"one that began in an opening that overlaps the next":  {list(window("deny", overrun, at("0 12,13 * * *"))), true, day(12, 30), day(13, 30), "a deny window is open", day(15, 0)},
		"an allow window that has closed":                      {list(window("allow")), true, day(13, 59), day(14, 30), "no allow window is open", day(36, 0)},
		"an allow window that lets it go on":                   {list(window("allow", overrun)), true, day(13, 59), day(14, 30), "", time.Time{}},
		"one that began before it":                             {list(window("allow", overrun)), true, day(11, 59), day(14, 30), "no allow window is open", day(36, 0)},
		"one that began in another that does not let it go on": {list(window("allow", overrun), window("allow", at("0 9 * * *"))), true, day(10, 0), day(14, 30), "no allow window is open", day(33, 0)},
		"an allow window within which it began and goes on":    {list(window("allow")), true, day(12, 0), day(13, 0), "", time.Time{}},
		"a window that can't be read":                          {list(window("deny", overrun, at("x"))), true, day(11, 0), day(13, 0), `invalid schedule "x"`, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			p := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: v1alpha1.AppProjectSpec{SyncWindows: c.windows}}
			app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
			app.Operation = &v1alpha1.Operation{InitiatedBy: v1alpha1.OperationInitiator{Automated: c.automated}}
			// What the status tells of it counts for nothing.
			app.Status.OperationState = &v1alpha1.OperationState{StartedAt: metav1.NewTime(day(0, 0))}
			got := project.Continues(p, app, project.Destination{}, c.began, c.now)
			if (c.says == "") != (got.Reason == "") || !strings.Contains(got.Reason, c.says) || !got.Until.Equal(c.again) {
				t.Errorf("got %q until %s, want %q until %s", got.Reason, got.Until, c.says, c.again)
			}
			if app.Operation = nil; project.Continues(p, app, project.Destination{}, c.began, c.now) != (project.Denial{}) {
				t.Error("something is denied though nothing runs")
			}
			app.Operation, app.Status.OperationState = &v1alpha1.Operation{}, nil
			if project.Continues(p, app, project.Destination{}, c.began, c.now) != (project.Denial{}) {
				t.Error("something is denied to what has not begun")
			}
		})
	}
}

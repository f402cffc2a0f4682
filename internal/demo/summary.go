package demo

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/delivery"
)

// Summary is how the demo went.
type Summary struct {
	Simulated bool
	Rounds    []Round
	Requests  Tally
}

// Round is one change on its way.
type Round struct {
	Version, Commit string
	// Pushed is when the push began, Switched when the Service changed over, and FirstAnswer when a client first heard
	// from the new version.
	Pushed, Switched, FirstAnswer time.Time
	Timeline                      delivery.Timeline
}

// ToTraffic is the time from the push to the first answer of the new version.
func (r Round) ToTraffic() time.Duration {
	end := r.Switched
	if r.FirstAnswer.After(end) {
		end = r.FirstAnswer
	}
	return max(0, end.Sub(r.Pushed))
}

// Own is Cyan's own part of that time: all but compiling, moving the image, the pods' becoming ready, and the wait that
// the manifest asks for.
func (r Round) Own() time.Duration {
	own := r.ToTraffic()
	for _, s := range r.Timeline {
		if !s.Step.Own() && s.Step != delivery.Retire {
			own -= s.Took
		}
	}
	return max(0, own)
}

// Err returns why the demo is no success, or nil when traffic moved in every round and no request failed.
func (s Summary) Err() error {
	for _, r := range s.Rounds {
		if r.Switched.IsZero() || r.FirstAnswer.IsZero() {
			return fmt.Errorf("traffic did not move to %s", r.Version)
		}
	}
	switch {
	case len(s.Rounds) == 0:
		return fmt.Errorf("nothing was delivered")
	case s.Requests.Failed > 0:
		return fmt.Errorf("%d of %d requests failed:\n  %s", s.Requests.Failed, s.Requests.Sent, strings.Join(s.Requests.Errors, "\n  "))
	case s.Requests.Sent == 0:
		return fmt.Errorf("no request was sent")
	}
	return nil
}

// names of the stages, for a reader.
var names = map[delivery.Step]string{
	delivery.Hear: "push reaches the git server", delivery.Resolve: "find out what to build", delivery.Check: "look at the branch", delivery.Build: "build the image",
	delivery.Push: "push the image", delivery.Land: "set, render, validate, commit, push", delivery.Sync: "sync the cluster", delivery.Start: "pods start and become ready",
	delivery.Hold: "autoPromotionSeconds", delivery.Switch: "switch the Service", delivery.Retire: "old pods wait, drain and go",
}

// report prints a summary.
func report(p *printer, summary Summary) {
	round := summary.Rounds[len(summary.Rounds)-1]
	p.line("")
	p.line(p.theme.Strong(fmt.Sprintf("From push to traffic: %s", exact(round.ToTraffic()))) + fmt.Sprintf(", of which Cyan's own share is %s", exact(round.Own())))
	p.line("")
	for _, line := range strings.Split(strings.TrimRight(Shares(round, p.theme), "\n"), "\n") {
		p.line(line)
	}
	p.line("")
	p.line(requests(summary, p.theme))
	p.line("")
}

// Shares is a line for each stage of a change.
func Shares(r Round, theme term.Theme) string {
	const width = 24
	total := r.ToTraffic()
	rows := make([][]string, 0, len(r.Timeline))
	for _, stage := range r.Timeline {
		share := 0
		if total > 0 && stage.Step != delivery.Retire {
			share = int(float64(stage.Took)/float64(total)*width + 0.5)
		}
		owner := ""
		if stage.Step.Own() {
			owner = theme.Busy("Cyan")
		}
		if stage.Step == delivery.Retire {
			owner = theme.Quiet("after the switch")
		}
		rows = append(rows, []string{"  " + names[stage.Step], fmt.Sprintf("%8s", exact(stage.Took)), theme.Active(strings.Repeat("█", share)) + strings.Repeat(" ", width-min(width, share)), owner})
	}
	return term.Columns(rows, 0, 0)
}

func requests(summary Summary, theme term.Theme) string {
	t := summary.Requests
	what := "Requests"
	if summary.Simulated {
		what = "Simulated requests"
	}
	failed := theme.Good(fmt.Sprintf("%d failed", t.Failed))
	if t.Failed > 0 {
		failed = theme.Bad(fmt.Sprintf("%d failed", t.Failed))
	}
	var by []string
	for _, version := range slices.Sorted(maps.Keys(t.Versions)) {
		by = append(by, fmt.Sprintf("%s answered %d", version, t.Versions[version]))
	}
	text := fmt.Sprintf("%s: %d sent, %s (%s), slowest %s", what, t.Sent, failed, strings.Join(by, ", "), exact(t.Slowest))
	for _, e := range t.Errors {
		text += "\n  " + e
	}
	return text
}

func exact(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// printNext prints what to try next.
func (s *session) printNext() {
	flags := strings.Join(s.target.flags, " ")
	namespace := ""
	if s.target.namespace != "default" {
		namespace = " -n " + s.target.namespace
	}
	s.line("Try next:")
	if s.Stay {
		if s.page.address != "" {
			s.line("  watch all of it on the page, while this runs:")
			for _, line := range s.page.lines() {
				s.line("  " + line)
			}
		}
		s.line("  change " + s.repo.clone + ", commit and push: it is delivered while this runs")
	}
	s.line("  cyan rollout get " + rolloutName + " --watch" + namespace + " " + flags)
	s.line("  cyan app get " + appName + " " + flags)
	s.line("  cyan app history " + appName + " " + flags)
	if s.Context == "" {
		s.line("  cyan local down --delete" + dirFlag(s.Options) + "   # remove all of it")
	}
	s.line("")
}

func dirFlag(o Options) string {
	if o.LocalDir == "" {
		return ""
	}
	return " --dir " + o.LocalDir
}

// farewell returns what is to be known of what is left behind.
func (s *session) farewell() string {
	if s.Context != "" {
		return "Cyan has stopped; what it deployed goes on in namespace " + s.target.namespace + "."
	}
	return "Cyan has stopped; the cluster goes on. `cyan local down" + dirFlag(s.Options) + "` stops it, `cyan local down --delete" + dirFlag(s.Options) + "` removes all of it."
}

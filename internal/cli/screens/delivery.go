package screens

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/view"
)

// Deliveries lists deliveries as they come; wide with what each stage took, and who made the commit.
func (p Page) Deliveries(all []view.Delivery, wide bool) string {
	rows := [][]string{{"APPLICATION", "ID", "STATE", "STAGE", "LEAD", "AGE", "COMMIT", "MESSAGE"}}
	if wide {
		rows = [][]string{{"APPLICATION", "ID", "STATE", "STAGE", "LEAD", "AGE", "COMMIT", "AUTHOR", "STAGES", "IMAGE", "MESSAGE"}}
	}
	for _, d := range all {
		commit := d.Built()
		row := []string{p.applicationOf(d), d.ID, p.deliveryState(d), p.where(d), lead(d), p.passed(cmp.Or(d.StartedAt, d.Deployed())), ShortRevision(commit.SHA)}
		if wide {
			row = append(row, commit.Author, p.tookEach(d), p.image(d.Image))
		}
		rows = append(rows, append(row, subject(commit.Message)))
	}
	if wide {
		return Page{Theme: p.Theme, Now: p.Now}.table(rows)
	}
	return p.table(rows, len(rows[0])-1, 0)
}

// applicationOf names the Application of a delivery, with its namespace where that is not the usual one.
func (p Page) applicationOf(d view.Delivery) string {
	if d.Namespace == p.Namespace {
		return d.Application
	}
	return d.Namespace + "/" + d.Application
}

// Delivery draws a delivery: what it is, and where the time went.
func (p Page) Delivery(d view.Delivery) string {
	var b strings.Builder
	b.WriteString(field("Application", p.Theme.Strong(d.Namespace+"/"+d.Application)))
	b.WriteString(field("Project", d.Project))
	b.WriteString(field("Delivery", d.ID))
	b.WriteString(field("State", p.deliveryState(d)))
	if d.Source != nil {
		b.WriteString(p.commit("Built from", *d.Source))
	}
	b.WriteString(p.commit("Commit", d.Commit))
	if d.Image != "" {
		b.WriteString(field("Image", p.image(d.Image)))
	}
	if text := lead(d); text != "" {
		b.WriteString(field("Lead time", text+", from the commit to the traffic"))
	}
	b.WriteString("\n" + p.timeline(d))
	return b.String()
}

// commit is a commit with its author and the first line of its message.
func (p Page) commit(name string, c view.Commit) string {
	text := ShortRevision(c.SHA)
	if c.Author != "" {
		text += " by " + c.Author
	}
	if c.Date != "" {
		text += p.stamped(c.Date)
	}
	text = field(name, text)
	if message := subject(c.Message); message != "" {
		text += field("", term.Wrap(message, p.Width, fieldIndent))
	}
	return text
}

// stamped is a time behind something: how long ago for people, exact for programs.
func (p Page) stamped(at string) string {
	if p.Bare {
		return " at " + at
	}
	return ", " + p.passed(at) + " ago"
}

// longestBar is the width of the whole way in a timeline, and narrowestBar the one below which there is none.
const longestBar, narrowestBar = 32, 8

// timeline has a line for each stage: its state, what it took, where it lies in the whole way, and what there is to
// say.
func (p Page) timeline(d view.Delivery) string {
	rows := [][]string{{"STAGE", "STATE", "BEGAN", "TOOK", "MESSAGE"}}
	for _, s := range d.Stages {
		took := ""
		if t, known := s.Lasted(p.Now); known {
			took = seconds(t)
		}
		rows = append(rows, []string{s.Name, p.stageState(s), p.clock(s.StartedAt), took, s.Message})
	}
	room := 0
	if !p.Bare && p.Width > 0 {
		plain := make([][]string, len(rows))
		for i, row := range rows {
			plain[i] = row[:4]
		}
		room = min(p.Width-term.LineWidth(plain)-len("    "), longestBar)
	}
	if room >= narrowestBar {
		for i, bar := range p.bars(d, room) {
			rows[i+1] = slices.Insert(rows[i+1], 4, bar)
		}
		rows[0] = slices.Insert(rows[0], 4, "")
	}
	return p.tableOfMessages(rows)
}

// bars are the stages as parts of the whole way.
func (p Page) bars(d view.Delivery, width int) []string {
	bars := make([]string, len(d.Stages))
	var first, last time.Time
	each := func(do func(i int, began, ended time.Time)) {
		for i, s := range d.Stages {
			if took, known := s.Lasted(p.Now); known {
				began, _ := time.Parse(time.RFC3339, s.StartedAt) // it was parsed before
				do(i, began, began.Add(took))
			}
		}
	}
	each(func(_ int, began, ended time.Time) {
		if first.IsZero() || began.Before(first) {
			first = began
		}
		if ended.After(last) {
			last = ended
		}
	})
	whole := last.Sub(first)
	each(func(i int, began, ended time.Time) {
		if whole <= 0 {
			return
		}
		from := int(began.Sub(first) * time.Duration(width) / whole)
		to := int(ended.Sub(first) * time.Duration(width) / whole)
		from = min(from, width-1)
		bars[i] = strings.Repeat(" ", from) + p.stageTheme(d.Stages[i])(strings.Repeat("━", max(to-from, 1)))
	})
	return bars
}

// DeliveryEvents are lines about what has become of deliveries, one for each event.
func (p Page) DeliveryEvents(events []view.DeliveryEvent) []string {
	lines := make([]string, len(events))
	for i, e := range events {
		lines[i] = p.Now.UTC().Format(time.RFC3339) + " " + e.Delivery.Namespace + "/" + e.Delivery.Application + " " + e.Delivery.ID + " " + p.event(e)
	}
	return lines
}

func (p Page) event(e view.DeliveryEvent) string {
	if e.Stage == nil {
		text := e.Delivery.State
		if took := lead(e.Delivery); took != "" {
			text += ", lead time " + took
		}
		if message := subject(e.Delivery.Built().Message); message != "" {
			text += ": " + message
		}
		return text
	}
	text := e.Stage.Name + " " + e.Stage.State
	if took, known := e.Stage.Lasted(p.Now); known && e.Stage.FinishedAt != "" {
		text += " " + seconds(took)
	}
	if e.Stage.Message != "" {
		text += ": " + strings.ReplaceAll(e.Stage.Message, "\n", " ")
	}
	return text
}

// deliveryStates have the sign and the theme of the states of deliveries.
var deliveryStates = map[string]struct {
	sign  string
	theme func(term.Theme, string) string
}{
	view.DeliveryRunning:    {"◌", term.Theme.Busy},
	view.DeliveryWaiting:    {"॥", term.Theme.Wait},
	view.DeliveryDone:       {"✔", term.Theme.Good},
	view.DeliveryReplaced:   {"✔", term.Theme.Quiet},
	view.DeliveryFailed:     {"✖", term.Theme.Bad},
	view.DeliverySuperseded: {"»", term.Theme.Quiet},
}

func (p Page) deliveryState(d view.Delivery) string {
	look, known := deliveryStates[d.State]
	if !known {
		return p.Theme.Quiet(p.sign("?", d.State))
	}
	return look.theme(p.Theme, p.sign(look.sign, d.State))
}

// stageStates have the sign and the theme of the states of stages.
var stageStates = map[string]struct {
	sign  string
	theme func(term.Theme, string) string
}{
	"done":    {"✔", term.Theme.Good},
	"running": {"◌", term.Theme.Busy},
	"waiting": {"॥", term.Theme.Wait},
	"failed":  {"✖", term.Theme.Bad},
	"skipped": {"–", term.Theme.Quiet},
	"ahead":   {"·", term.Theme.Quiet},
}

func (p Page) stageState(s view.Stage) string {
	state := s.State
	if s.IsAhead() {
		state = "ahead"
	}
	sign := cmp.Or(stageStates[state].sign, "?")
	return p.stageTheme(s)(p.sign(sign, state))
}

func (p Page) stageTheme(s view.Stage) func(string) string {
	look, known := stageStates[s.State]
	if s.IsAhead() || !known {
		return p.Theme.Quiet
	}
	return func(text string) string { return look.theme(p.Theme, text) }
}

// where is the stage at which a delivery is, and for how long.
func (p Page) where(d view.Delivery) string {
	s, is := d.Current()
	if !is {
		return ""
	}
	if took, known := s.Lasted(p.Now); known {
		return s.Name + " " + seconds(took)
	}
	return s.Name
}

// tookEach is what each stage took of which that is known.
func (p Page) tookEach(d view.Delivery) string {
	var all []string
	for _, s := range d.Stages {
		if took, known := s.Lasted(p.Now); known {
			all = append(all, s.Name+" "+seconds(took))
		}
	}
	return strings.Join(all, ", ")
}

func lead(d view.Delivery) string {
	if d.LeadSeconds == nil {
		return ""
	}
	return seconds(time.Duration(*d.LeadSeconds) * time.Second)
}

// seconds is a time that people wait: in seconds, and with minutes and hours where there are any.
func seconds(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d/time.Second))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d/time.Minute), int(d%time.Minute/time.Second))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d/time.Hour), int(d%time.Hour/time.Minute))
	}
	return fmt.Sprintf("%dd", int(d/(24*time.Hour)))
}

// passed is how long ago something was; empty where that is not known.
func (p Page) passed(at string) string {
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return ""
	}
	return seconds(max(p.Now.Sub(t), 0))
}

// clock is a time of the day for people, with the date where it is another one; whole for programs.
func (p Page) clock(at string) string {
	t, err := time.Parse(time.RFC3339, at)
	switch {
	case err != nil:
		return ""
	case p.Bare:
		return t.UTC().Format(time.RFC3339)
	case t.UTC().Format(time.DateOnly) != p.Now.UTC().Format(time.DateOnly):
		return t.UTC().Format("01-02 15:04:05")
	}
	return t.UTC().Format(time.TimeOnly)
}

// subject is the first line of a commit's message.
func subject(message string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
	return strings.TrimSpace(line)
}

package screens

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/charmbracelet/x/ansi"
	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/rollout"
)

// Detail is how much of a Rollout is shown.
type Detail int

// Details, from all to what matters most.
const (
	// Full has a line for each count and every revision.
	Full Detail = iota
	// Compact has the counts in one line.
	Compact
	// Running leaves out the revisions without pods as well.
	Running
)

// Rollout shows a Rollout: how it fares, what it waits for, which Service selects what, and the tree of its
// revisions, ReplicaSets and pods.
func (p Page) Rollout(v rollout.View, detail Detail) string {
	var b strings.Builder
	b.WriteString(line("Name", p.Theme.Strong(v.Name)))
	b.WriteString(line("Namespace", v.Namespace))
	b.WriteString(line("Status", p.rolloutPhase(v.Phase)))
	if v.Message != "" {
		b.WriteString(line("Message", term.Wrap(v.Message, p.Width, lineIndent)))
	}
	b.WriteString(line("Strategy", v.Strategy))
	b.WriteString(p.images(v.Images))
	b.WriteString(p.services(v))
	b.WriteString(replicas(v.Replicas, detail))
	b.WriteString(p.steps(v.Name, v.Steps))
	b.WriteByte('\n')
	b.WriteString(p.tree(v, detail))
	return b.String()
}

// FitRollout shows as much of a Rollout as so many lines hold; 0 means all.
func (p Page) FitRollout(v rollout.View, height int) string {
	var text string
	for _, detail := range []Detail{Full, Compact, Running} {
		text = p.Rollout(v, detail)
		if height <= 0 || strings.Count(text, "\n") < height {
			break
		}
	}
	return text
}

// lineIndent is where the values of a Rollout's header begin.
const lineIndent = 17

// line is one of a Rollout's header.
func line(name, value string) string {
	if name != "" {
		name += ":"
	}
	return fmt.Sprintf("%-*s%s\n", lineIndent, name, value)
}

func (p Page) rolloutPhase(phase v1alpha1.RolloutPhase) string {
	switch phase {
	case v1alpha1.RolloutHealthy:
		return p.Theme.Good("✔ " + string(phase))
	case v1alpha1.RolloutPaused:
		return p.Theme.Wait("॥ " + string(phase))
	case v1alpha1.RolloutDegraded:
		return p.Theme.Bad("✖ " + string(phase))
	case v1alpha1.RolloutProgressing:
		return p.Theme.Busy("◌ " + string(phase))
	}
	return p.Theme.Quiet("? " + orWord(string(phase), "Unknown"))
}

// rolloutWord is a phase in a single word, which scripts cut out of a line.
func (p Page) rolloutWord(phase v1alpha1.RolloutPhase) string {
	_, word, _ := strings.Cut(Page{Theme: term.Plain()}.rolloutPhase(phase), " ")
	return map[v1alpha1.RolloutPhase]func(string) string{
		v1alpha1.RolloutHealthy: p.Theme.Good, v1alpha1.RolloutPaused: p.Theme.Wait,
		v1alpha1.RolloutDegraded: p.Theme.Bad, v1alpha1.RolloutProgressing: p.Theme.Busy, "": p.Theme.Quiet,
	}[phase](word)
}

func orWord(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (p Page) images(images []rollout.ImageView) string {
	var b strings.Builder
	for i, image := range images {
		tags := ""
		if len(image.Tags) > 0 {
			tags = " (" + p.tags(image.Tags, ", ") + ")"
		}
		text := p.image(image.Image)
		if over := lineIndent + ansi.StringWidth(text+tags) - p.Width; p.Width > 0 && over > 0 {
			// An image's end distinguishes it from others.
			text = ansi.TruncateLeft(text, over+1, "…")
		}
		text += tags
		b.WriteString(line([]string{"Images", ""}[min(i, 1)], text))
	}
	return b.String()
}

func (p Page) tags(tags []rollout.Tag, between string) string {
	shown := make([]string, len(tags))
	for i, tag := range tags {
		switch tag {
		case rollout.TagPreview:
			shown[i] = p.Theme.Preview(string(tag))
		default:
			shown[i] = p.Theme.Active(string(tag))
		}
	}
	return strings.Join(shown, between)
}

// services lists which Service selects which revision.
func (p Page) services(v rollout.View) string {
	var b strings.Builder
	for i, s := range v.Services {
		var to string
		switch {
		case s.Missing:
			to = p.Theme.Bad("✖ missing")
		case s.Hash == "":
			to = p.Theme.Wait("⚠ every version")
		case s.Revision == 0:
			to = p.Theme.Bad("✖ " + s.Hash + ", which is not there")
		default:
			to = fmt.Sprintf("revision:%d", s.Revision)
		}
		name := p.Theme.Active(s.Name)
		if s.Role == rollout.RolePreview {
			name = p.Theme.Preview(s.Name)
		}
		b.WriteString(line([]string{"Services", ""}[min(i, 1)], fmt.Sprintf("%s → %s (%s)", name, to, s.Role)))
	}
	return b.String()
}

func replicas(r rollout.ReplicasView, detail Detail) string {
	if detail != Full {
		return line("Replicas", fmt.Sprintf("%d desired, %d current, %d updated, %d ready, %d available", r.Desired, r.Current, r.Updated, r.Ready, r.Available))
	}
	var b strings.Builder
	b.WriteString("Replicas:\n")
	for _, c := range []struct {
		name  string
		count int32
	}{{"Desired", r.Desired}, {"Current", r.Current}, {"Updated", r.Updated}, {"Ready", r.Ready}, {"Available", r.Available}} {
		b.WriteString(line("  "+c.name, fmt.Sprint(c.count)))
	}
	return b.String()
}

// steps show the way of the new version while it is under way.
func (p Page) steps(name string, steps []rollout.StepView) string {
	underway := false
	for _, s := range steps {
		underway = underway || s.State == rollout.StepCurrent
	}
	if !underway {
		return ""
	}
	var b strings.Builder
	for i, s := range steps {
		text := p.step(name, s)
		b.WriteString(line([]string{"Steps", ""}[min(i, 1)], text))
	}
	return b.String()
}

func (p Page) step(name string, s rollout.StepView) string {
	switch s.State {
	case rollout.StepDone:
		return p.Theme.Good("✔ " + s.Name)
	case rollout.StepAhead:
		return p.Theme.Quiet("· " + s.Name)
	}
	text := p.Theme.Busy("◌ " + s.Name)
	if s.EndsIn > 0 {
		text += " " + countdown(s.EndsIn)
	}
	if s.Detail != "" {
		text += ": " + s.Detail
	}
	if s.Request != "" {
		text += " with `" + cmp.Or(p.RolloutCommand, "cyan rollout") + " " + s.Request + " " + name + "`"
	}
	return text
}

// countdown is a time that is left, in whole seconds, rounded up so that it ends with 1 s and not with 0.
func countdown(left time.Duration) string {
	return ((left + time.Second - 1) / time.Second * time.Second).String()
}

func (p Page) tree(v rollout.View, detail Detail) string {
	rows := [][]string{
		{"NAME", "KIND", "STATUS", "AGE", "INFO"},
		{p.Theme.Strong("⟳ " + v.Name), "Rollout", p.rolloutPhase(v.Phase), p.since(v.Created), ""},
	}
	revisions := v.Revisions
	if detail == Running {
		revisions = running(revisions)
	}
	for i, revision := range revisions {
		branch, below := "├──", "│  "
		if i == len(revisions)-1 {
			branch, below = "└──", "   "
		}
		rows = append(rows, []string{fmt.Sprintf("%s# revision:%d", branch, revision.Number), "", "", "", ""})
		for j, rs := range revision.ReplicaSets {
			rows = append(rows, p.replicaSet(rs, below, j == len(revision.ReplicaSets)-1)...)
		}
	}
	return p.table(p.without(rows, "KIND"), 0)
}

func running(all []rollout.RevisionView) []rollout.RevisionView {
	var some []rollout.RevisionView
	for _, revision := range all {
		for _, rs := range revision.ReplicaSets {
			if rs.Health != rollout.ScaledDown {
				some = append(some, revision)
				break
			}
		}
	}
	return some
}

func (p Page) replicaSet(rs rollout.ReplicaSetView, indent string, last bool) [][]string {
	branch, below := "├──", "│  "
	if last {
		branch, below = "└──", "   "
	}
	info := p.tags(rs.Tags, ",")
	if rs.ScaleDownAt != nil && rs.Size > 0 {
		delay := "delay:passed"
		if rs.ScaleDownIn > 0 {
			delay = "delay:" + countdown(rs.ScaleDownIn)
		}
		info = strings.TrimPrefix(info+","+p.Theme.Wait(delay), ",")
	}
	rows := [][]string{{indent + branch + "⧉ " + rs.Name, "ReplicaSet", p.podHealth(rs.Health, string(rs.Health)), p.since(rs.Created), info}}
	for i, pod := range rs.Pods {
		branch := "├──"
		if i == len(rs.Pods)-1 {
			branch = "└──"
		}
		info := fmt.Sprintf("ready:%d/%d", pod.Ready, pod.Containers)
		if pod.Restarts > 0 {
			info += fmt.Sprintf(",restarts:%d", pod.Restarts)
		}
		rows = append(rows, []string{indent + below + branch + "□ " + pod.Name, "Pod", p.podHealth(pod.Health, pod.Status), p.since(pod.Created), info})
	}
	return rows
}

// podHealth colours a status by the health that it stands for.
func (p Page) podHealth(health rollout.Health, status string) string {
	switch health {
	case rollout.Healthy:
		return p.Theme.Good("✔ " + status)
	case rollout.Degraded:
		return p.Theme.Bad("✖ " + status)
	case rollout.ScaledDown:
		return p.Theme.Quiet("• " + status)
	}
	return p.Theme.Busy("◌ " + status)
}

func (p Page) since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return duration.HumanDuration(max(p.Now.Sub(t), 0))
}

// Rollouts lists Rollouts; with namespaces, where they are as well.
func (p Page) Rollouts(views []rollout.View, namespaces bool) string {
	rows := [][]string{{"NAME", "STRATEGY", "STATUS", "STEP", "SET-WEIGHT", "READY", "DESIRED", "UP-TO-DATE", "AVAILABLE"}}
	for _, v := range views {
		step := "-"
		for i, s := range v.Steps {
			if s.State == rollout.StepCurrent {
				step = fmt.Sprintf("%d/%d", i+1, len(v.Steps))
			}
		}
		rows = append(rows, []string{
			v.Name, v.Strategy, p.rolloutWord(v.Phase), step, "-",
			fmt.Sprintf("%d/%d", v.Replicas.Ready, v.Replicas.Desired), fmt.Sprint(v.Replicas.Desired), fmt.Sprint(v.Replicas.Updated), fmt.Sprint(v.Replicas.Available),
		})
	}
	if namespaces {
		rows[0] = append([]string{"NAMESPACE"}, rows[0]...)
		for i, v := range views {
			rows[i+1] = append([]string{v.Namespace}, rows[i+1]...)
		}
	}
	rows = p.without(rows, "SET-WEIGHT", "DESIRED", "STRATEGY", "STEP")
	return p.table(rows, slices.Index(rows[0], "NAME"))
}

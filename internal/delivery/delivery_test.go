package delivery_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/delivery"
)

var (
	oldSHA = strings.Repeat("a", 40)
	newSHA = strings.Repeat("b", 40)
	mark   = delivery.Mark{SourceCommit: newSHA, Image: "registry:5000/team/app@sha256:" + strings.Repeat("1", 64), Overlay: "k8s/overlays/local", Name: "pokoytan/app"}
)

// trailers reads the last paragraph of a message as git does.
func trailers(message string) func(string) string {
	paragraphs := strings.Split(strings.TrimSpace(message), "\n\n")
	return func(key string) string {
		for line := range strings.SplitSeq(paragraphs[len(paragraphs)-1], "\n") {
			if value, ok := strings.CutPrefix(line, key+": "); ok {
				return value
			}
		}
		return ""
	}
}

func TestMessageAndMark(t *testing.T) {
	for _, subject := range []string{"Count faster", "", "Source-Commit: evil\n\nSource-Commit: evil", strings.Repeat("long ", 200)} {
		message := mark.Message(subject)
		if got, ok := delivery.ReadMark(trailers(message)); !ok || got != mark {
			t.Errorf("%+v from\n%s", got, message)
		}
		first, rest, _ := strings.Cut(message, "\n")
		if len(first) > 80 || !strings.HasPrefix(rest, "\n") || !strings.Contains(first, newSHA[:12]) {
			t.Errorf("the subject is %q", first)
		}
	}
	for _, broken := range []string{
		"x", "x\n\nSource-Commit: " + newSHA, strings.Replace(mark.Message(""), newSHA+"\nImage", newSHA[1:]+"\nImage", 1), strings.Replace(mark.Message(""), "@sha256:", ":", 1),
		strings.Replace(mark.Message(""), " pokoytan/app", "", 1),
	} {
		if got, ok := delivery.ReadMark(trailers(broken)); ok {
			t.Errorf("%+v from\n%s", got, broken)
		}
	}
	spaced := mark
	spaced.Overlay = "my overlays/local"
	if got, ok := delivery.ReadMark(trailers(spaced.Message("x"))); !ok || got != spaced || got.SameTarget(mark) {
		t.Errorf("%+v", got)
	}
}

func TestStarts(t *testing.T) {
	for _, c := range []struct {
		name    string
		marked  bool
		changed []string
		want    bool
	}{
		{"somebody's", false, []string{"main.go"}, true},
		{"somebody sets the image", false, []string{"k8s/overlays/local/kustomization.yaml"}, true},
		{"own", true, []string{"k8s/overlays/local/kustomization.yml"}, false},
		{"own and empty", true, nil, false},
		{"squashed with work", true, []string{"k8s/overlays/local/kustomization.yaml", "main.go"}, true},
		{"another overlay", true, []string{"k8s/overlays/production/kustomization.yaml"}, true},
		{"another file of the overlay", true, []string{"k8s/overlays/local/patch.yaml"}, true},
	} {
		if got, reason := delivery.Starts(mark, c.marked, c.changed); got != c.want || got == (reason != "") {
			t.Errorf("%s: %v, %q", c.name, got, reason)
		}
	}
}

func TestDecide(t *testing.T) {
	deployed := delivery.Mark{SourceCommit: oldSHA}
	good := delivery.Try{Mark: mark, Deployed: deployed, Order: delivery.Newer, Changed: true, Used: true}
	with := func(change func(*delivery.Try)) delivery.Try {
		next := good
		change(&next)
		return next
	}
	for _, c := range []struct {
		name string
		try  delivery.Try
		want delivery.Verdict
		says []string
	}{
		{"newer", good, delivery.Commit, []string{oldSHA}},
		{"first", with(func(t *delivery.Try) { t.Order, t.Deployed = delivery.First, delivery.Mark{} }), delivery.Commit, []string{"before"}},
		{"unrelated", with(func(t *delivery.Try) { t.Order = delivery.Unrelated }), delivery.Commit, []string{"another line of history"}},
		{"same commit, other image", with(func(t *delivery.Try) { t.Order = delivery.Same }), delivery.Commit, []string{"built again"}},
		{"same commit, same image", with(func(t *delivery.Try) { t.Order, t.Changed = delivery.Same, false }), delivery.Nothing, []string{"already"}},
		{"older", with(func(t *delivery.Try) { t.Order = delivery.Older }), delivery.Stale, []string{oldSHA}},
		{"older and invalid", with(func(t *delivery.Try) { t.Order, t.Findings, t.Used = delivery.Older, []string{"x"}, false }), delivery.Stale, nil},
		{"unused", with(func(t *delivery.Try) { t.Used, t.Images = false, []string{"redis:6", "pokotyan/app:v1"} }), delivery.Unused,
			[]string{"built and is used nowhere", "redis:6, pokotyan/app:v1", "--image NAME=registry:5000/team/app", "did you mean pokotyan/app?"}},
		{"unused and nothing near", with(func(t *delivery.Try) { t.Used, t.Images = false, []string{"redis:6"} }), delivery.Unused, []string{"--image NAME="}},
		{"no image at all", with(func(t *delivery.Try) { t.Used = false }), delivery.Unused, []string{"no object with an image"}},
		{"invalid", with(func(t *delivery.Try) { t.Findings = []string{"a.yaml:3: wrong"} }), delivery.Invalid, []string{"a.yaml:3: wrong", "push again"}},
	} {
		d := delivery.Decide(c.try)
		if d.Verdict != c.want || d.IsError() != (c.want == delivery.Unused || c.want == delivery.Invalid) {
			t.Errorf("%s: %+v", c.name, d)
		}
		for _, part := range c.says {
			if !strings.Contains(d.Error(), part) {
				t.Errorf("%s: %q does not say %q", c.name, d.Error(), part)
			}
		}
		if c.name == "unused and nothing near" && strings.Contains(d.Error(), "did you mean") {
			t.Errorf("%s: %s", c.name, d.Error())
		}
	}
}

func TestTimeline(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(step delivery.Step, from, took int) delivery.Stage {
		return delivery.Stage{Step: step, Started: start.Add(time.Duration(from) * time.Second), Took: time.Duration(took) * time.Second}
	}
	var line delivery.Timeline
	if line.Total() != 0 || line.Own() != 0 || line.Share(delivery.Build) != 0 {
		t.Error("an empty timeline takes time")
	}
	for _, s := range []delivery.Stage{at(delivery.Build, 1, 6), at(delivery.Resolve, 0, 1), at(delivery.Land, 7, 1), at(delivery.Start, 9, 1), at(delivery.Build, 1, 5)} {
		line = line.With(s)
	}
	var order []delivery.Step
	for _, s := range line {
		order = append(order, s.Step)
	}
	if !slices.Equal(order, []delivery.Step{delivery.Resolve, delivery.Build, delivery.Land, delivery.Start}) {
		t.Error(order)
	}
	// Waiting between stages is Cyan's own.
	if line.Total() != 10*time.Second || line.Own() != 4*time.Second || line.Share(delivery.Build) != 0.5 || line.Share(delivery.Switch) != 0 {
		t.Errorf("%s, %s, %v", line.Total(), line.Own(), line.Share(delivery.Build))
	}
}

func FuzzReadMark(f *testing.F) {
	f.Add(mark.Message("x"))
	f.Add("a\n\nSource-Commit: \nImage: @\nCyan-Delivery:  ")
	f.Fuzz(func(t *testing.T, message string) {
		m, ok := delivery.ReadMark(trailers(message))
		if !ok {
			return
		}
		if again, ok := delivery.ReadMark(trailers(m.Message("x"))); !ok || again != m {
			t.Errorf("%+v became %+v", m, again)
		}
	})
}

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

func TestTheMarkIsReadFromItsMessage(t *testing.T) {
	spaced := mark
	spaced.Overlay = "my overlays/local"
	for _, m := range []delivery.Mark{mark, spaced} {
		for _, subject := range []string{"Count faster", "", "Source-Commit: evil\n\nSource-Commit: evil", strings.Repeat("long ", 200)} {
			message := m.Message(subject)
			if got, ok := delivery.ReadMark(trailers(message)); !ok || got != m {
				t.Errorf("mark %+v, want %+v, from\n%s", got, m, message)
			}
			first, rest, _ := strings.Cut(message, "\n")
			if len(first) > 80 || !strings.HasPrefix(rest, "\n") {
				t.Errorf("the first line is %q, want at most 80 letters and an empty line behind", first)
			}
		}
	}
}

func TestMessage(t *testing.T) {
	digest := "registry:5000/team/app@sha256:" + strings.Repeat("1", 64)
	trailer := "Source-Commit: " + newSHA + "\nImage: " + digest + "\nCyan-Delivery: k8s/overlays/local pokoytan/app\n"
	for _, c := range []struct{ name, subject, want string }{
		{"the subject", "Count faster", "Deliver app bbbbbbbbbbbb to k8s/overlays/local\n\nSource: Count faster.\n\n" + trailer},
		{"no subject", "", "Deliver app bbbbbbbbbbbb to k8s/overlays/local\n\nThe source commit has no message.\n\n" + trailer},
		{"a subject of several lines", "a\n\nImage: b", "Deliver app bbbbbbbbbbbb to k8s/overlays/local\n\nSource: a Image: b.\n\n" + trailer},
	} {
		if got := mark.Message(c.subject); got != c.want {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
	short := delivery.Mark{SourceCommit: "abc", Name: "n", Overlay: "o"}
	if got := short.Message("x"); !strings.HasPrefix(got, "Deliver n abc to o\n") {
		t.Errorf("a short commit: %q", got)
	}
}

// Each row lacks one thing of a mark.
func TestWhatIsNoMark(t *testing.T) {
	good := map[string]string{"Source-Commit": newSHA, "Image": mark.Image, "Cyan-Delivery": mark.Target()}
	for _, c := range []struct{ name, key, value string }{
		{"no commit", "Source-Commit", ""},
		{"a short commit", "Source-Commit", newSHA[1:]},
		{"a commit with more behind", "Source-Commit", newSHA + "b"},
		{"a commit in capitals", "Source-Commit", strings.ToUpper(newSHA)},
		{"no image", "Image", ""},
		{"an image by its tag", "Image", "registry/app:v1"},
		{"a digest without an image", "Image", mark.Image[strings.Index(mark.Image, "@"):]},
		{"an image with a blank", "Image", "a " + mark.Image},
		{"a short digest", "Image", mark.Image[:len(mark.Image)-1]},
		{"no target", "Cyan-Delivery", ""},
		{"a target without a name", "Cyan-Delivery", "k8s/overlays/local"},
		{"a target with an empty name", "Cyan-Delivery", "k8s/overlays/local "},
		{"a target without an overlay", "Cyan-Delivery", " pokoytan/app"},
	} {
		got, ok := delivery.ReadMark(func(key string) string {
			if key == c.key {
				return c.value
			}
			return good[key]
		})
		if ok || got != (delivery.Mark{}) {
			t.Errorf("%s: mark %+v, want none", c.name, got)
		}
	}
	if got, ok := delivery.ReadMark(func(key string) string { return good[key] }); !ok || got != mark {
		t.Errorf("all of it: mark %+v, %v, want %+v", got, ok, mark)
	}
}

func TestSameTarget(t *testing.T) {
	for _, c := range []struct {
		name  string
		other delivery.Mark
		want  bool
	}{
		{"another commit and image", delivery.Mark{Overlay: mark.Overlay, Name: mark.Name, SourceCommit: oldSHA, Image: "x"}, true},
		{"another image in the overlay", delivery.Mark{Overlay: mark.Overlay, Name: "redis"}, false},
		{"another overlay", delivery.Mark{Overlay: "k8s/overlays/production", Name: mark.Name}, false},
	} {
		if got := mark.SameTarget(c.other); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
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
		{"own, under the third name", true, []string{"k8s/overlays/local/Kustomization"}, false},
		{"a kustomization below the overlay", true, []string{"k8s/overlays/local/base/kustomization.yaml"}, true},
		{"another file of the overlay", true, []string{"k8s/overlays/local/patch.yaml"}, true},
	} {
		got, reason := delivery.Starts(mark, c.marked, c.changed)
		want := ""
		if !c.want {
			want = "the commit was made by Cyan: only image pokoytan/app is set, to what was built from " + newSHA
		}
		if got != c.want || reason != want {
			t.Errorf("%s: %v because %q, want %v because %q", c.name, got, reason, c.want, want)
		}
	}
}

func TestDecide(t *testing.T) {
	good := delivery.Try{Mark: mark, Deployed: delivery.Mark{SourceCommit: oldSHA}, Order: delivery.Newer, Changed: true, Used: true}
	with := func(change func(*delivery.Try)) delivery.Try {
		next := good
		change(&next)
		return next
	}
	unused := func(images ...string) delivery.Try {
		return with(func(t *delivery.Try) { t.Used, t.Images = false, images })
	}
	const (
		nowhere = `overlay k8s/overlays/local: image "pokoytan/app" is used nowhere: `
		giveIt  = "; give the name that the manifests use, as --image NAME=registry:5000/team/app"
	)
	partial := func(images ...string) delivery.Try {
		return with(func(t *delivery.Try) { t.Images = images })
	}
	const (
		some  = `overlay k8s/overlays/local: image "pokoytan/app" would be set, and `
		whole = " of the same repository would stay; give all of them an entry under images, or name the one that is delivered, as --image pokoytan/app=registry:5000/team/app"
	)
	for _, c := range []struct {
		name string
		try  delivery.Try
		want delivery.Verdict
		text string
	}{
		{"newer than what is deployed", good, delivery.Commit, "newer than the deployed commit " + oldSHA},
		{"the first", with(func(t *delivery.Try) { t.Order, t.Deployed = delivery.First, delivery.Mark{} }), delivery.Commit, "nothing was delivered there before"},
		{"unrelated to what is deployed", with(func(t *delivery.Try) { t.Order = delivery.Unrelated }), delivery.Commit, "the deployed commit " + oldSHA + " is on another line of history"},
		{"the same commit with another image", with(func(t *delivery.Try) { t.Order = delivery.Same }), delivery.Commit, "the deployed commit was built again, to another image"},
		{"the same commit with the same image", with(func(t *delivery.Try) { t.Order, t.Changed = delivery.Same, false }), delivery.Nothing, "overlay k8s/overlays/local: image " + mark.Image + " is set already"},
		{"set already, used or not", with(func(t *delivery.Try) { t.Changed, t.Used, t.Findings = false, false, []string{"x"} }), delivery.Nothing, "overlay k8s/overlays/local: image " + mark.Image + " is set already"},
		{"older than what is deployed", with(func(t *delivery.Try) { t.Order = delivery.Older }), delivery.Stale, "commit " + newSHA + ": the newer commit " + oldSHA + " is deployed"},
		{"older, unused and invalid", with(func(t *delivery.Try) { t.Order, t.Findings, t.Used = delivery.Older, []string{"x"}, false }), delivery.Stale, "commit " + newSHA + ": the newer commit " + oldSHA + " is deployed"},
		{"unused, for a slip of the hand", unused("redis:6", "pokotyan/app:v1"), delivery.Unused, nowhere + "the overlay uses redis:6, pokotyan/app:v1" + giveIt + " (did you mean pokotyan/app?)"},
		{"unused, for a slip, and used by digest", unused("pokotyan/app@sha256:00"), delivery.Unused, nowhere + "the overlay uses pokotyan/app@sha256:00" + giveIt + " (did you mean pokotyan/app?)"},
		{"unused, for a slip, of a registry with a port", with(func(t *delivery.Try) { t.Mark.Name, t.Used, t.Images = "h:5000/shop", false, []string{"h:5000/shpo"} }), delivery.Unused,
			strings.Replace(nowhere, "pokoytan/app", "h:5000/shop", 1) + "the overlay uses h:5000/shpo" + giveIt + " (did you mean h:5000/shpo?)"},
		{"unused, and no name is near", unused("redis"), delivery.Unused, nowhere + "the overlay uses redis" + giveIt},
		{"unused, as there is no image", unused(), delivery.Unused, nowhere + "the overlay renders no object with an image" + giveIt},
		{"unused and invalid", with(func(t *delivery.Try) { t.Used, t.Findings = false, []string{"x"} }), delivery.Unused, nowhere + "the overlay renders no object with an image" + giveIt},
		{"used, and an older one stays", partial(mark.Image, "registry:5000/team/app:v1"), delivery.Partial, some + "registry:5000/team/app:v1" + whole},
		{"used, and older ones stay", partial("registry:5000/team/app", mark.Image, "registry:5000/team/app@sha256:00"), delivery.Partial, some + "registry:5000/team/app, registry:5000/team/app@sha256:00" + whole},
		{"used, and an older one stays, and invalid", with(func(t *delivery.Try) { t.Images, t.Findings = []string{"registry:5000/team/app:v1"}, []string{"x"} }), delivery.Partial, some + "registry:5000/team/app:v1" + whole},
		{"used by the name that was given, and an older one stays", with(func(t *delivery.Try) { t.Images, t.Named = []string{mark.Image, "registry:5000/team/app:v1"}, true }), delivery.Commit, "newer than the deployed commit " + oldSHA},
		{"used beside images of other repositories", partial(mark.Image, "registry:5000/team/apps:v1", "team/app:v1", "registry/team/app:v1", "redis"), delivery.Commit, "newer than the deployed commit " + oldSHA},
		{"invalid", with(func(t *delivery.Try) { t.Findings = []string{"a.yaml:3: wrong", "b"} }), delivery.Invalid, "overlay k8s/overlays/local: the rendered objects would be refused:\n  a.yaml:3: wrong\n  b; correct the manifests and push again"},
	} {
		d := delivery.Decide(c.try)
		text := d.Reason
		if d.Problem != nil {
			text = d.Problem.Error()
		}
		if d.Verdict != c.want || text != c.text {
			t.Errorf("%s:\ngot  %s: %s\nwant %s: %s", c.name, d.Verdict, text, c.want, c.text)
		}
		if wrong := c.want == delivery.Unused || c.want == delivery.Partial || c.want == delivery.Invalid; (d.Problem != nil) != wrong {
			t.Errorf("%s: a problem: %v, want %v", c.name, d.Problem, wrong)
		}
	}
}

func TestOwnSteps(t *testing.T) {
	var own []delivery.Step
	for _, s := range delivery.Steps() {
		if s.Own() {
			own = append(own, s)
		}
	}
	if want := []delivery.Step{delivery.Resolve, delivery.Check, delivery.Land, delivery.Sync, delivery.Switch}; !slices.Equal(own, want) {
		t.Errorf("Cyan's own steps are %v, want %v", own, want)
	}
}

func TestTimeline(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(step delivery.Step, from, took int) delivery.Stage {
		return delivery.Stage{Step: step, Started: start.Add(time.Duration(from) * time.Second), Took: time.Duration(took) * time.Second}
	}
	for _, c := range []struct {
		name       string
		stages     []delivery.Stage
		order      []delivery.Step
		total, own time.Duration
	}{
		{"nothing", nil, nil, 0, 0},
		{"one stage", []delivery.Stage{at(delivery.Land, 5, 2)}, []delivery.Step{delivery.Land}, 2 * time.Second, 2 * time.Second},
		{"by their start", []delivery.Stage{at(delivery.Build, 1, 5), at(delivery.Resolve, 0, 1)}, []delivery.Step{delivery.Resolve, delivery.Build}, 6 * time.Second, time.Second},
		{"started together, by their order", []delivery.Stage{at(delivery.Push, 0, 0), at(delivery.Resolve, 0, 1)}, []delivery.Step{delivery.Resolve, delivery.Push}, time.Second, time.Second},
		{"again", []delivery.Stage{at(delivery.Build, 1, 6), at(delivery.Resolve, 0, 1), at(delivery.Build, 2, 1)}, []delivery.Step{delivery.Resolve, delivery.Build}, 3 * time.Second, 2 * time.Second},
		{"a wait between is Cyan's own", []delivery.Stage{at(delivery.Resolve, 0, 1), at(delivery.Build, 1, 5), at(delivery.Land, 7, 1), at(delivery.Start, 9, 1)},
			[]delivery.Step{delivery.Resolve, delivery.Build, delivery.Land, delivery.Start}, 10 * time.Second, 4 * time.Second},
		{"the last to start ends first", []delivery.Stage{at(delivery.Resolve, 0, 9), at(delivery.Land, 1, 1)}, []delivery.Step{delivery.Resolve, delivery.Land}, 9 * time.Second, 9 * time.Second},
		{"somebody else's stages overlap", []delivery.Stage{at(delivery.Build, 0, 9), at(delivery.Push, 1, 8)}, []delivery.Step{delivery.Build, delivery.Push}, 9 * time.Second, 0},
	} {
		var line delivery.Timeline
		for _, s := range c.stages {
			line = line.With(s)
		}
		var order []delivery.Step
		for _, s := range line {
			order = append(order, s.Step)
		}
		if !slices.Equal(order, c.order) || line.Total() != c.total || line.Own() != c.own {
			t.Errorf("%s: %v, %s, own %s; want %v, %s, own %s", c.name, order, line.Total(), line.Own(), c.order, c.total, c.own)
		}
	}
	before := delivery.Timeline{at(delivery.Build, 0, 1)}
	if before.With(at(delivery.Build, 0, 2)); before[0].Took != time.Second {
		t.Errorf("With changes the timeline that it is called on: %v", before)
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

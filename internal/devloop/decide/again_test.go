package decide_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/devloop/decide"
)

// What commands write into what they are run for is done twice more, since somebody may have saved it at that
// time, and then never again. What somebody saves besides is done.
func TestWhatCommandsWrite(t *testing.T) {
	noon := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	during := func(path string) decide.Change { return decide.Change{Path: path, At: noon.Add(time.Second)} }
	behind := func(path string) decide.Change { return decide.Change{Path: path, At: noon.Add(time.Minute)} }
	gone := func(path string) decide.Change { return decide.Change{Path: path, Gone: true} }
	type round struct {
		changes []decide.Change
		builds  bool
		spared  []string
	}
	files := []string{"cmd/app/out.go", "cmd/app/odd.go", "cmd/app/main.go"}
	for i := range 8 {
		files = append(files, fmt.Sprintf("cmd/app/out%d.go", i+1))
	}
	const out, odd, save, manifest = "cmd/app/out.go", "cmd/app/odd.go", "cmd/app/main.go", "k8s/app.yaml"
	for _, c := range []struct {
		rule   string
		edited []string
		rounds []round
	}{
		{"a file of each time", nil, []round{{[]decide.Change{during(out)}, true, nil}, {[]decide.Change{during(out)}, true, nil}, {[]decide.Change{during(out)}, false, []string{out}}, {[]decide.Change{during(out)}, false, []string{out}}}},
		{"files of each time that are removed and made", nil, []round{{[]decide.Change{during(out), gone(odd)}, true, nil}, {[]decide.Change{gone(odd), during(out)}, true, nil}, {[]decide.Change{during(odd), gone(out)}, false, []string{odd, out}}}},
		{"a file with another name each time", nil, []round{{[]decide.Change{during("cmd/app/out1.go")}, true, nil}, {[]decide.Change{during("cmd/app/out2.go")}, true, nil}, {[]decide.Change{during("cmd/app/out3.go")}, true, nil}, {[]decide.Change{during("cmd/app/out4.go")}, true, nil}, {[]decide.Change{during("cmd/app/out5.go")}, true, nil}, {[]decide.Change{during("cmd/app/out6.go")}, false, []string{"cmd/app/out6.go"}}, {[]decide.Change{during("cmd/app/out7.go")}, false, []string{"cmd/app/out7.go"}}, {[]decide.Change{behind(save)}, true, nil}, {[]decide.Change{during("cmd/app/out8.go")}, true, nil}}},
		{"a save beside, while the command runs for the third time", nil, []round{{[]decide.Change{during(out)}, true, nil}, {[]decide.Change{during(out)}, true, nil}, {[]decide.Change{during(out), during(save)}, true, nil}, {[]decide.Change{during(out)}, false, []string{out}}}},
		{"a save beside", nil, []round{{[]decide.Change{during(out)}, true, nil}, {[]decide.Change{during(out), behind(save)}, true, nil}, {[]decide.Change{during(out)}, true, nil}, {[]decide.Change{during(out)}, true, nil}, {[]decide.Change{during(out)}, false, []string{out}}, {[]decide.Change{behind(save)}, true, nil}, {[]decide.Change{during(out)}, false, []string{out}}}},
		{"a file that somebody saves as well", []string{save}, []round{{[]decide.Change{during(save)}, true, nil}, {[]decide.Change{during(save)}, true, nil}, {[]decide.Change{during(save)}, true, nil}, {[]decide.Change{during(save)}, true, nil}, {[]decide.Change{during(save)}, true, nil}, {[]decide.Change{during(save)}, false, []string{save}}, {[]decide.Change{behind(save)}, true, nil}}},
		{"a file that somebody had and has removed", []string{save}, []round{{[]decide.Change{gone(save)}, true, nil}, {[]decide.Change{gone(save)}, true, nil}, {[]decide.Change{gone(save)}, true, nil}}},
		{"a file of nothing that is built", nil, []round{{[]decide.Change{during("docs/a.md")}, false, nil}, {[]decide.Change{during(out)}, true, nil}}},
	} {
		for _, of := range []string{"app", decide.OfManifests, decide.OfDefinition} {
			p := two()
			p.Commands = decide.Commands{Ran: []decide.Window{{From: noon.Add(-time.Hour), To: noon.Add(-time.Minute)}, {From: noon, To: noon.Add(2 * time.Second)}}, Edited: map[string]bool{}}
			for _, file := range c.edited {
				p.Commands.Edited[file] = true
			}
			switch of {
			case decide.OfManifests:
				p.Artifacts, p.Manifests = nil, []string{"cmd/app", manifest}
			case decide.OfDefinition:
				p.Artifacts, p.Definition = nil, files
			}
			for i, r := range c.rounds {
				work := decide.Next(p, running(p), r.changes)
				if builds := work.Deploy || work.Reload || len(work.Build) > 0; builds != r.builds || !reflect.DeepEqual(work.Spared[of], r.spared) {
					t.Errorf("%s, %q, round %d: got %t, %q; want %t, %q", c.rule, of, i, builds, work.Spared[of], r.builds, r.spared)
				}
				next, known := work.Again[of]
				switch {
				case !known:
				case of == decide.OfManifests:
					p.Again = next
				case of == decide.OfDefinition:
					p.Reloads = next
				default:
					p.Artifacts[0].Again = next
				}
			}
		}
	}
}

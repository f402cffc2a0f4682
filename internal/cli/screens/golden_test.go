package screens_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/screens"
	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/rollout"
	deliveries "github.com/cyan-cd/cyan/internal/view"
)

var update = flag.Bool("update", false, "write what is drawn into the testdata")

// now is when everything in testdata is looked at.
var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// drawn is one file of an archive: its name is a screen and a width, and for Rollouts perhaps a height, as in
// "rollout 80x12".
func drawn(t *testing.T, name string, from map[string][]byte) string {
	t.Helper()
	var screen string
	var width, height int
	screen, size, _ := strings.Cut(name, " ")
	if _, err := fmt.Sscanf(size, "%dx%d", &width, &height); err != nil {
		if _, err := fmt.Sscanf(size, "%d", &width); err != nil {
			t.Fatalf("%q names no size", name)
		}
	}
	page := screens.Page{Width: width, Theme: term.Plain(), Now: now}
	view, app, delivery := rollout.View{}, &v1alpha1.Application{}, &deliveries.Delivery{}
	for file, into := range map[string]any{"view.yaml": &view, "app.yaml": app, "delivery.yaml": delivery} {
		if err := yaml.UnmarshalStrict(from[file], into); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	switch screen {
	case "rollout":
		return page.FitRollout(view, height)
	case "rollouts":
		return page.Rollouts([]rollout.View{view}, true)
	case "app":
		return page.App(app, false)
	case "apps":
		return page.Apps([]v1alpha1.Application{*app}, width == 0)
	case "tree":
		return page.AppTree(app, screens.Brief)
	case "progress":
		return page.Progress(app)
	case "history":
		return page.History(app)
	case "delivery":
		return page.Delivery(*delivery)
	case "deliveries":
		page.Namespace = "argocd"
		return page.Deliveries([]deliveries.Delivery{*delivery}, width == 0)
	}
	t.Fatalf("there is no screen %q", screen)
	return ""
}

func TestGolden(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("finding testdata: %v, %d archives", err, len(archives))
	}
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		from := map[string][]byte{}
		for i, file := range archive.Files {
			if strings.HasSuffix(file.Name, ".yaml") {
				from[file.Name] = file.Data
				continue
			}
			got := drawn(t, file.Name, from)
			if *update {
				archive.Files[i].Data = []byte(got)
			} else if got != string(file.Data) {
				t.Errorf("%s, %s:\n%s\nshould be\n%s", name, file.Name, got, file.Data)
			}
			narrow(t, name+", "+file.Name, got)
		}
		if *update {
			if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// narrow holds a screen to its width.
func narrow(t *testing.T, name, text string) {
	t.Helper()
	var width int
	if _, err := fmt.Sscanf(name[strings.LastIndex(name, " ")+1:], "%d", &width); err != nil || width == 0 {
		return
	}
	for line := range strings.Lines(text) {
		if w := ansi.StringWidth(strings.TrimRight(line, "\n")); w > width {
			t.Errorf("%s: this line is %d wide: %s", name, w, line)
		}
	}
}

// Colour adds to what the words and signs say, and takes nothing away.
func TestColourIsNeverAlone(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/paused.txtar")
	if err != nil {
		t.Fatal(err)
	}
	view := rollout.View{}
	if err := yaml.UnmarshalStrict(archive.Files[0].Data, &view); err != nil {
		t.Fatal(err)
	}
	plain := screens.Page{Width: 80, Theme: term.Plain(), Now: now}.Rollout(view, screens.Full)
	coloured := screens.Page{Width: 80, Theme: term.Colours(), Now: now}.Rollout(view, screens.Full)
	if !strings.Contains(coloured, "\x1b[") || strings.Contains(plain, "\x1b") {
		t.Error("colours are not where they should be")
	}
	if got := ansi.Strip(coloured); got != plain {
		t.Errorf("without its colours it is\n%s\nand not\n%s", got, plain)
	}
}

// What a person may ask for is shown as the command of the program that was called.
func TestStepsNameTheCommandThatWasCalled(t *testing.T) {
	view := rollout.View{Name: "shop", Steps: []rollout.StepView{{Name: "Wait", State: rollout.StepCurrent, Detail: "promote it", Request: "promote"}}}
	for command, want := range map[string]string{
		"": "promote it with `cyan rollout promote shop`", "kubectl argo rollouts": "promote it with `kubectl argo rollouts promote shop`",
	} {
		if got := (screens.Page{Theme: term.Plain(), RolloutCommand: command}).Rollout(view, screens.Full); !strings.Contains(got, want) {
			t.Errorf("%q: got %q, want %q", command, got, want)
		}
	}
}

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/testkit"
)

// devGuide returns the blocks of a kind in the guide of the loop.
func devGuide(t *testing.T, kind string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(testkit.Root(), "docs", "dev.md"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range regexp.MustCompile("(?ms)^```"+kind+"\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		all = append(all, m[1])
	}
	if len(all) == 0 {
		t.Fatalf("the guide has no block of %s", kind)
	}
	return all
}

// inGuide are the parts of lines that differ from run to run, and what stands for them.
var inGuide = []struct {
	what *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(` *\d+\.\d\ds`), " TIME"},
	{regexp.MustCompile(`sha256:[0-9a-f]{12}`), "DIGEST"},
	{regexp.MustCompile(`http://127\.0\.0\.1:\d+`), "ADDRESS"},
	{regexp.MustCompile(`: port \d+ is taken$`), ""},
	{regexp.MustCompile(`dev-[a-z]+-[a-z-]+`), "NAMESPACE"},
	{regexp.MustCompile(`^· [a-z-]+ in namespace NAMESPACE of \S+$`), "· PROJECT in namespace NAMESPACE of CONTEXT"},
}

// comparable returns the lines of a loop without what differs from run to run. Images that are built at once are in the
// order of their names.
func comparable(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		// A slow machine has a build tell how far it is, and the start wait for an end; what a program is made of is known a
		// moment after it was built, and until then each save builds it.
		if strings.HasPrefix(line, "· building") || strings.Contains(line, "  the same image as before") || strings.Contains(line, "of the loop before is still being removed") {
			continue
		}
		for _, in := range inGuide {
			line = in.what.ReplaceAllString(line, in.as)
		}
		lines = append(lines, line)
	}
	const built = "✓ built"
	for i := 0; i < len(lines); i++ {
		end := i
		for end < len(lines) && strings.HasPrefix(lines[end], built) {
			end++
		}
		slices.Sort(lines[i:end])
		i = max(i, end-1)
	}
	return lines
}

// What the guide shows of a loop is what the program prints: its file is saved, and Ctrl-C typed, where the guide has
// them.
func TestDevGuideShowsALoop(t *testing.T) {
	for _, block := range devGuide(t, "console") {
		first, want, _ := strings.Cut(block, "\n")
		line := strings.Fields(strings.TrimPrefix(first, "$ cyan dev"))
		w := newDevWorld(t)
		w.start(line...)
		want, after, ends := strings.Cut(want, "^C\n")
		if !ends {
			t.Fatalf("%s: the guide does not end it", first)
		}
		rounds := strings.Split(want, "\n● ")
		for i, round := range rounds {
			if i > 0 {
				file, _, _ := strings.Cut(round, "\n")
				w.write(file, w.read(file)+"\nvar _ = version\n")
			}
			w.awaitPrintedTimes("✓ ready", i+1)
		}
		w.end()
		got, should := comparable(w.out.String()), comparable(want+after)
		if !slices.Equal(got, should) {
			t.Errorf("%s: got\n%s\nthe guide has\n%s", first, strings.Join(got, "\n"), strings.Join(should, "\n"))
		}
	}
}

// linesInGuide are the command lines of the guide, without what stands behind them.
func linesInGuide(t *testing.T) (alone, inPlace []string) {
	t.Helper()
	for _, block := range devGuide(t, "sh") {
		for line := range strings.Lines(block) {
			line, _, _ = strings.Cut(line, " #")
			line = strings.TrimSpace(line)
			switch {
			case !strings.HasPrefix(line, "cyan "):
				t.Fatalf("%q is no line of the program", line)
			case strings.Contains(block, "--in-place"):
				inPlace = append(inPlace, line)
			default:
				alone = append(alone, line)
			}
		}
	}
	if len(alone) < 6 || len(inPlace) < 4 {
		t.Fatalf("%d lines and %d in place were found, want at least 6 and 4", len(alone), len(inPlace))
	}
	return alone, inPlace
}

// What the guide has of flags, by what the loop must print with them, and must not.
var flagsInGuide = map[string]struct{ with, without string }{
	"--port-forward=off": {"│", "→ "},
	"--tail=false":       {"→ ", "│"},
	"--log-filter":       {"→ ", "\"msg\":\"serving\""},
	"--since":            {"│", "\x1b"},
	"--plain":            {"│", "\x1b"},
	"--debug":            {"\"request\": \"attach\"", "\x1b"},
}

// Each line of the guide runs as it stands.
func TestDevGuideLines(t *testing.T) {
	alone, _ := linesInGuide(t)
	w := newDevWorld(t)
	for _, line := range alone {
		words := strings.Fields(line)
		flag, _, _ := strings.Cut(words[2], " ")
		says, known := flagsInGuide[flag]
		if !known {
			t.Errorf("%s: nothing is known of what it prints", line)
			continue
		}
		w.out = &output{}
		w.start(words[2:]...)
		eventually(t, 10*time.Minute, line+" is ready", func() (bool, string) {
			out := w.out.String()
			return strings.Contains(out, "✓ ready") && strings.Contains(out, says.with), out
		})
		w.end()
		if out := w.out.String(); strings.Contains(out, says.without) {
			t.Errorf("%s: got\n%s\nwant nothing with %q", line, out, says.without)
		}
	}
}

// Each line of the guide about the objects of an Application runs as it stands, but for its name.
func TestDevGuideLinesInPlace(t *testing.T) {
	_, lines := linesInGuide(t)
	w, d, sha := newInPlaceWorld(t)
	w.create()
	w.awaitDeployed(sha, w.images.v1, 3*time.Minute)
	d.setVersion("saved")
	for i, line := range lines {
		words := strings.Fields(strings.ReplaceAll(line, "argocd/shop", "argocd/"+w.app()))
		if words[1] != "dev" {
			w.run("cyan", append(words[1:len(words)-1], w.app())...)
			if err := d.cmd.Wait(); err == nil {
				t.Errorf("%s: the loop ended without an error", line)
			}
			d.awaitPrinted("taken back by")
			continue
		}
		d.out = &output{}
		d.start(words[2:]...)
		d.awaitPrinted("✓ ready")
		if ro, promoted := w.rollout(), strings.Contains(line, "--promote"); promoted != (ro.Status.BlueGreen.ActiveSelector == ro.Status.CurrentPodHash) {
			t.Errorf("%s: got %+v, want the traffic at the save: %t", line, ro.Status, promoted)
		}
		if next := i + 1; next < len(lines) && strings.HasPrefix(lines[next], "cyan dev") {
			d.end()
			d.awaitPrinted("is given back")
			w.awaitBack(sha)
		}
	}
	w.awaitBack(sha)
}

package dashboard_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/tools/txtar"

	"github.com/cyan-cd/cyan/internal/cli/dev/dashboard"
	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/devloop"
)

var update = flag.Bool("update", false, "write what is drawn into the testdata")

// start is when every story begins.
var start = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// kinds are the events by the words that stories have for them.
var kinds = map[string]devloop.Kind{
	"began": devloop.Began, "changed": devloop.Changed, "building": devloop.Building, "built": devloop.Built, "build-failed": devloop.BuildFailed, "refused": devloop.Refused,
	"deployed": devloop.Deployed, "deploy-failed": devloop.DeployFailed, "synced": devloop.Synced, "sync-failed": devloop.SyncFailed, "waiting": devloop.Waiting, "ready": devloop.Ready,
	"not-ready": devloop.NotReady, "forwarded": devloop.Forwarded, "debugging": devloop.Debugging, "log": devloop.Log, "output": devloop.Output, "note": devloop.Note, "idle": devloop.Idle,
	"removed": devloop.Removed,
}

// event parses a line of a story: SECONDS KIND [FIELD=VALUE ...] [| TEXT], where a text in quotes has escapes.
func event(t *testing.T, text string) dashboard.Seen {
	t.Helper()
	facts, said, _ := strings.Cut(text, " | ")
	if unquoted, err := strconv.Unquote(said); err == nil {
		said = unquoted
	}
	words := strings.Fields(strings.TrimSuffix(facts, " |"))
	if len(words) < 2 || kinds[words[1]] == "" {
		t.Fatalf("%q: no time, or an unknown kind of event", text)
	}
	seen := dashboard.Seen{At: at(t, words[0]), Event: devloop.Event{Kind: kinds[words[1]], Text: said}}
	for _, word := range words[2:] {
		name, value, _ := strings.Cut(word, "=")
		set(t, &seen, name, value)
	}
	return seen
}

func set(t *testing.T, seen *dashboard.Seen, name, value string) {
	t.Helper()
	e := &seen.Event
	var err error
	switch name {
	case "round":
		e.Round, err = strconv.Atoi(value)
	case "image":
		e.Artifact = value
	case "pod":
		e.Pod = value
	case "container":
		e.Container = value
	case "address":
		e.Address = value
	case "old":
		e.Old = true
	case "took":
		e.Took, err = time.ParseDuration(value)
	case "pushed":
		e.Pushed, err = time.ParseDuration(value)
	case "total":
		e.Total, err = time.ParseDuration(value)
	case "link":
		// The first of it in the text.
		from := strings.Index(e.Text, value)
		seen.Links = append(seen.Links, dashboard.Link{From: from, To: from + len(value), Address: "file://here/" + value})
	default:
		t.Fatalf("field %q unknown", name)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	passed, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return start.Add(time.Duration(passed * float64(time.Second)))
}

// key is a key by its name.
func key(name string) dashboard.Key {
	if name == "space" {
		return dashboard.Key{Name: name, Text: " "}
	}
	if len([]rune(name)) == 1 {
		return dashboard.Key{Name: name, Text: name}
	}
	return dashboard.Key{Name: name}
}

// tell applies a file of a story to a state; it returns what keys have asked for.
func tell(t *testing.T, s dashboard.State, file txtar.File) (dashboard.State, []dashboard.Effect) {
	t.Helper()
	var asked []dashboard.Effect
	for text := range strings.Lines(string(file.Data)) {
		text = strings.TrimRight(text, "\n")
		if file.Name == "events" {
			s, _ = s.Update(event(t, text))
			continue
		}
		for _, name := range strings.Fields(text) {
			var e dashboard.Effect
			if s, e = s.Update(key(name)); e != (dashboard.Effect{}) {
				asked = append(asked, e)
			}
		}
	}
	return s, asked
}

// story is an archive that is told from its beginning to its end: events, keys, what those ask for, and what is seen.
func story(t *testing.T, archive *txtar.Archive, theme term.Theme, see func(name, got, want string) string) {
	t.Helper()
	s := dashboard.New(theme, 80, 24, start)
	var asked []dashboard.Effect
	for i, file := range archive.Files {
		kind, rest, _ := strings.Cut(file.Name, " ")
		switch kind {
		case "events", "keys":
			var more []dashboard.Effect
			s, more = tell(t, s, txtar.File{Name: kind, Data: file.Data})
			asked = append(asked, more...)
		case "asks":
			got := ""
			for _, e := range asked {
				got += strings.TrimRight(fmt.Sprintf("%s %s%s", e.Do, e.Command, e.Address), " ") + "\n"
			}
			asked = nil
			archive.Files[i].Data = []byte(see(file.Name, got, string(file.Data)))
		case "frame":
			size, when, _ := strings.Cut(rest, " ")
			var width, height int
			if _, err := fmt.Sscanf(size, "%dx%d", &width, &height); err != nil {
				t.Fatalf("%q names no size", file.Name)
			}
			s, _ = s.Update(dashboard.Size{Width: width, Height: height})
			if when != "" {
				s, _ = s.Update(dashboard.Tick(at(t, strings.TrimPrefix(when, "at "))))
			}
			got := s.View()
			fits(t, file.Name, got, width, height)
			archive.Files[i].Data = []byte(see(file.Name, trimmed(got), string(file.Data)))
		default:
			t.Fatalf("%q is nothing of a story", file.Name)
		}
	}
}

// trimmed is a screen without blanks at the ends of lines.
func trimmed(screen string) string {
	var b strings.Builder
	for _, l := range strings.Split(screen, "\n") {
		b.WriteString(strings.TrimRight(l, " ") + "\n")
	}
	return b.String()
}

// fits holds a screen to its size.
func fits(t *testing.T, name, screen string, width, height int) {
	t.Helper()
	lines := strings.Split(screen, "\n")
	if len(lines) > height {
		t.Errorf("%s: %d lines, want at most %d", name, len(lines), height)
	}
	for _, l := range lines {
		if w := ansi.StringWidth(l); w > width {
			t.Errorf("%s: this line is %d wide: %q", name, w, l)
		}
	}
}

func stories(t *testing.T) map[string]*txtar.Archive {
	t.Helper()
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("finding testdata: %v, %d archives", err, len(names))
	}
	all := map[string]*txtar.Archive{}
	for _, name := range names {
		if all[name], err = txtar.ParseFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestStories(t *testing.T) {
	for name, archive := range stories(t) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			story(t, archive, term.Plain(), func(file, got, want string) string {
				if got != want && !*update {
					t.Errorf("%s:\n%s\nshould be\n%s", file, got, want)
				}
				return got
			})
			if *update {
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// The guide shows what is drawn.
func TestGuideShowsTheDashboard(t *testing.T) {
	guide, err := os.ReadFile("../../../../docs/dev.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range stories(t)["testdata/save.txtar"].Files {
		if file.Name == "frame 100x26" && !strings.Contains(string(guide), "```\n"+string(file.Data)+"```\n") {
			t.Errorf("docs/dev.md does not show\n%s", file.Data)
		}
	}
}

// Colours and links add to what words and signs say, and take nothing away; nothing foreign steers the terminal.
func TestColourIsNeverAlone(t *testing.T) {
	for name, archive := range stories(t) {
		story(t, archive, term.Colours().Linked(), func(file, got, want string) string {
			if strings.HasPrefix(file, "frame") && trimmed(strings.TrimSuffix(ansi.Strip(got), "\n")) != want {
				t.Errorf("%s, %s: without its colours it is\n%s\nand not\n%s", name, file, ansi.Strip(got), want)
			}
			return want
		})
	}
}

// Containers have a colour each, the same in every pod.
func TestContainersAreToldApart(t *testing.T) {
	s := dashboard.New(term.Colours(), 80, 12, start)
	for _, text := range []string{"1 log pod=shop-1-aaaaa container=web | one", "1 log pod=shop-1-aaaaa container=api | two", "2 log pod=shop-2-bbbbb container=web | three"} {
		s, _ = s.Update(event(t, text))
	}
	colour := func(label string) string {
		before, _, found := strings.Cut(s.View(), label)
		if !found {
			t.Fatalf("%s is not shown", label)
		}
		return before[strings.LastIndex(before, "\n"):]
	}
	if web := colour("web aaaaa"); web == "\n" || web == colour("api aaaaa") || web != colour("web bbbbb") {
		t.Errorf("colours are not those of containers:\n%q", s.View())
	}
}

// A state is a value: what comes later changes nothing of it.
func TestStateIsAValue(t *testing.T) {
	s := dashboard.New(term.Plain(), 80, 12, start)
	for i := range 8 {
		s, _ = s.Update(event(t, fmt.Sprintf("1 log pod=app-%d container=c%d | line %d", i, i, i)))
	}
	s, _ = s.Update(event(t, "1 building round=1 image=app"))
	before := s.View()
	one, _ := s.Update(event(t, "2 log pod=app-1 container=c1 | one"))
	two, _ := s.Update(event(t, "2 log pod=app-1 container=c1 | two"))
	two, _ = two.Update(event(t, "2 built round=1 image=app took=1s | sha256:1"))
	if !strings.Contains(one.View(), "one") || strings.Contains(one.View(), "two") || !strings.Contains(two.View(), "two") {
		t.Errorf("two states that follow one have got mixed up:\n%s\nand\n%s", one.View(), two.View())
	}
	if s.View() != before {
		t.Errorf("a state has changed into\n%s\nfrom\n%s", s.View(), before)
	}
}

// Logs without end take a bounded room.
func TestLogsAreBounded(t *testing.T) {
	s := dashboard.New(term.Plain(), 80, 12, start)
	long := strings.Repeat("x", 16<<10)
	for i := range 20_000 {
		text := fmt.Sprint("line ", i)
		if i%10 == 0 {
			text = long
		}
		s, _ = s.Update(dashboard.Seen{At: start, Event: devloop.Event{Kind: devloop.Log, Pod: "a-b", Container: fmt.Sprint("c", i), Text: text}})
	}
	if lines, bytes := dashboard.Kept(s); lines > 5000 || bytes > 5<<20 {
		t.Errorf("kept %d lines and %d bytes", lines, bytes)
	}
	if got := s.View(); !strings.Contains(got, "line 19999") {
		t.Errorf("the newest line is not shown:\n%s", got)
	}
	for _, name := range []string{"g", "up", "pgdown", "down", "G"} {
		s, _ = s.Update(key(name))
		fits(t, name, s.View(), 80, 12)
	}
}

// Whatever is foreign is shown, and steers nothing; no size and no key has it fail.
func FuzzView(f *testing.F) {
	f.Add("\x1b[2J\x1b]0;x\x07evil\u202e", "app", "a-b", 80, 24, "/x")
	f.Add("\x1b]8;;http://evil\x1b\\x", "\x1b[31m", "\n\n", 1, 1, "?edpwbcgG")
	f.Add("日本語\t👩‍🚀", "日", "", 7, 9, "RrqQ")
	f.Fuzz(func(t *testing.T, text, name, pod string, width, height int, keys string) {
		width, height = width%300, height%100
		s := dashboard.New(term.Plain(), width, height, start)
		for kind := range kinds {
			e := devloop.Event{Kind: kinds[kind], Artifact: name, Pod: pod, Container: name, Text: text, Address: "http://127.0.0.1:1", Round: 1}
			s, _ = s.Update(dashboard.Seen{At: start, Event: e, Links: []dashboard.Link{{From: len(text) / 3, To: len(text) / 2, Address: text}}})
		}
		for _, k := range keys {
			s, _ = s.Update(key(string(k)))
			screen := s.View()
			if strings.ContainsAny(screen, "\x1b\r\x00\x07\x08\u202e") {
				t.Fatalf("after %q the screen is %q", k, screen)
			}
			if width > 0 && height > 0 {
				fits(t, string(k), screen, width, height)
			}
		}
	})
}

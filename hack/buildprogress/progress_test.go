package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// module writes a module of packages that import each other in a row, and nothing else, so that little is compiled. Its
// build has a cache of its own, which is empty.
func module(t *testing.T, packages int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module chain.example\n\ngo 1.26\n")
	write("p0/p.go", "package p0\n\nconst N = 0\n")
	for i := 1; i < packages; i++ {
		write(fmt.Sprintf("p%d/p.go", i), fmt.Sprintf("package p%d\n\nimport \"chain.example/p%d\"\n\nconst N = p%d.N + 1\n", i, i-1, i-1))
	}
	t.Setenv("GOCACHE", filepath.Join(t.TempDir(), "cache"))
	t.Setenv("GOFLAGS", "-trimpath")
	return dir
}

// TestABuildThatWorks: nothing but how far it is is printed, and nothing at all when everything is in the cache.
func TestABuildThatWorks(t *testing.T) {
	dir := module(t, 5)
	for _, cache := range []string{"cold", "warm"} {
		var out strings.Builder
		code, err := run(dir, "", []string{"go", "build", "./..."}, &out)
		if code != 0 || err != nil {
			t.Errorf("%s: got exit code %d, %v; want 0", cache, code, err)
		}
		for line := range strings.Lines(out.String()) { // where the machine is slow
			if cache == "warm" || !strings.Contains(line, "packages compiled") {
				t.Errorf("%s: got %q; want nothing", cache, line)
			}
		}
	}
}

// TestThePlan: what is in the cache is not planned, and everything else is, with its size.
func TestThePlan(t *testing.T) {
	dir := module(t, 5)
	command := []string{"go", "build", "./..."}
	for _, test := range []struct {
		build string
		want  []string
	}{
		{"", []string{"chain.example/p0", "chain.example/p1", "chain.example/p2", "chain.example/p3", "chain.example/p4"}},
		{"./p2", []string{"chain.example/p3", "chain.example/p4"}},
		{"./...", nil},
	} {
		if test.build != "" {
			build := exec.Command("go", "build", test.build)
			build.Dir = dir
			if text, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
		}
		p, err := makePlan(dir, command)
		if err != nil || fmt.Sprint(p.pending) != fmt.Sprint(test.want) {
			t.Errorf("after building %q: got %v, %v; want %v", test.build, p.pending, err, test.want)
		}
		info, err := os.Stat(filepath.Join(dir, "p3", "p.go"))
		if err != nil || len(p.sizes) != 5 || p.sizes["chain.example/p3"] != info.Size() {
			t.Errorf("sizes: got %v; want 5, that of p3 %d (%v)", p.sizes, info.Size(), err)
		}
	}
}

// TestErrorsAreNeverHidden: what the compiler prints, and its exit code, are as without this program.
func TestErrorsAreNeverHidden(t *testing.T) {
	for _, test := range []struct {
		name, file, text string
		// listed is set where the packages of the build can be told.
		listed bool
	}{
		{"an error of types", "p3/q.go", "package p3\n\nvar x int = \"text\"\n", true},
		{"an error of syntax", "p3/q.go", "package p3\n\nfunc {\n", false},
		{"no such package", "p3/q.go", "package p3\n\nimport _ \"chain.example/nowhere\"\n", false},
		{"no go.mod", "go.mod", "nonsense\n", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := module(t, 5)
			if err := os.WriteFile(filepath.Join(dir, test.file), []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			plain := exec.Command("go", "build", "./...")
			plain.Dir = dir
			want, err := plain.CombinedOutput()
			if err == nil || len(want) == 0 {
				t.Fatalf("the build works: %s", want)
			}
			t.Setenv("GOCACHE", filepath.Join(t.TempDir(), "cold"))
			var out strings.Builder
			code, err := run(dir, "", []string{"go", "build", "./..."}, &out)
			if err != nil || code != plain.ProcessState.ExitCode() {
				t.Errorf("exit code: got %d, %v; want %d", code, err, plain.ProcessState.ExitCode())
			}
			if !strings.HasPrefix(out.String(), string(want)) || test.listed && out.String() != string(want) {
				t.Errorf("output: got\n%s\nwant\n%s", out.String(), want)
			}
		})
	}
}

// shown plays lines of a build, one a second, with a plan after the second.
func shown(t *testing.T, terminal bool, plan plan, lines ...string) string {
	t.Helper()
	var out strings.Builder
	s := &show{out: &out, terminal: terminal, then: "Then the demo.", began: time.Unix(0, 0), processors: 2}
	for i, line := range lines {
		s.line(line)
		if i == 1 {
			s.planned(plan)
		}
		s.tick(time.Unix(int64(i+1), 0))
	}
	s.clear()
	s.finished(time.Unix(int64(len(lines)), 0))
	return out.String()
}

func TestWhatIsShown(t *testing.T) {
	sizes := map[string]int64{"a": 5_000, "b": 35_000, "c/d": 55_000, "e": 5_000}
	rest := plan{sizes: sizes, pending: []string{"c/d", "e"}}
	long := plan{sizes: map[string]int64{"a": 1, "b": 1, "c": 48_000_000}, pending: []string{"c"}}
	for _, test := range []struct {
		name     string
		terminal bool
		plan     plan
		lines    []string
		want     string
	}{
		{"plain lines", false, rest, []string{"a\n", "b\n", "c/d\n", "e\n"},
			"2 of 4 packages compiled, 43%, about 5 s left\n3 of 4 packages compiled, 87%, about 5 s left\n4 of 4 packages compiled, linking\n4 packages compiled in 4s\n"},
		{"a terminal", true, rest, []string{"a\n", "b\n", "c/d\n"},
			"\r\x1b[K  … 1 package compiled\r\x1b[K  … 2 of 4 packages compiled, 43%, about 5 s left\r\x1b[K  … 3 of 4 packages compiled, 87%, about 5 s left\r\x1b[K"},
		{"an error", true, rest, []string{"a\n", "b\n", "# c/d\n", "c/d/x.go:1:2: undefined: y\n"},
			"\r\x1b[K  … 1 package compiled\r\x1b[K  … 2 of 4 packages compiled, 43%, about 5 s left\r\x1b[K# c/d\n" +
				"\r\x1b[K  … 2 of 4 packages compiled, 43%, about 5 s left\r\x1b[Kc/d/x.go:1:2: undefined: y\n" +
				"\r\x1b[K  … 2 of 4 packages compiled, 43%, about 10 s left\r\x1b[K"},
		{"a word that is no package", false, rest, []string{"surprise\n", "a\n", "again\n"},
			"surprise\n1 of 3 packages compiled, 18%, about 5 s left\nagain\n1 of 3 packages compiled, 18%, about 5 s left\n1 package compiled in 3s\n"},
		{"a long build is announced", false, long, []string{"a\n", "b\n"},
			"The first build compiles 3 packages, Kubernetes among them: about 2 min on 2 processors. Later builds take seconds. Then the demo.\n" +
				"2 of 3 packages compiled, 0%, about 2 min left\n2 packages compiled in 2s\n"},
	} {
		if got := shown(t, test.terminal, test.plan, test.lines...); got != test.want {
			t.Errorf("%s: got\n%q\nwant\n%q", test.name, got, test.want)
		}
	}
}

// TestPace: a line comes each dozen of seconds, however many packages are compiled between them.
func TestPace(t *testing.T) {
	if lineEvery < 10*time.Second || lineEvery > 15*time.Second {
		t.Errorf("a line each %s; want one each 10 to 15 s", lineEvery)
	}
}

func TestPackagesOfABuild(t *testing.T) {
	for line, want := range map[string]string{
		"go build -o bin/x ./cmd/x":                    "[./cmd/x]",
		"go build -trimpath -ldflags '-s' ./cmd/x ./b": "[./cmd/x ./b]",
		"go build ./...":                               "[./...]",
		"go build":                                     "[]",
	} {
		if got := fmt.Sprint(packages(regexp.MustCompile(" ").Split(line, -1))); got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}

// TestTheRest plays a build of everything as one was recorded, its share after each number of seconds: how long the
// rest takes is known by half of it, and what is shown never goes up and down.
func TestTheRest(t *testing.T) {
	const total, took = 172_000_000, 485
	recorded := []struct {
		second int
		share  float64
	}{
		{11, .03}, {23, .09}, {47, .17}, {71, .25}, {107, .29}, {131, .38}, {155, .47}, {191, .54}, {215, .61}, {239, .65}, {263, .69}, {287, .73},
		{311, .76}, {335, .79}, {359, .82}, {383, .87}, {407, .91}, {431, .92}, {455, .95}, {467, .96},
	}
	// Other machines are found out on the way.
	for _, speed := range []struct{ factor, within float64 }{{1, 1.5}, {0.5, 2.4}, {3, 2.4}} {
		s := &show{began: time.Unix(0, 0), processors: 2, total: total}
		before := time.Duration(1<<63 - 1)
		for _, r := range recorded {
			s.done = int64(r.share * total)
			at := time.Unix(0, int64(float64(r.second)*speed.factor*1e9))
			is, want := s.left(at).Seconds(), float64(took-r.second)*speed.factor
			within := speed.within
			if r.share > trusted {
				within = 1.4
			}
			if slack := 10 * speed.factor; is > want*within+slack || is < want/within-slack {
				t.Errorf("%gx, after %d s, %.0f%%: got %.0f s left, want %.0f", speed.factor, r.second, 100*r.share, is, want)
			}
			if shown := s.steady(at); shown > before && float64(shown) < lengthened*float64(before) {
				t.Errorf("%gx, after %d s: shown are %s, and were %s", speed.factor, r.second, shown, before)
			} else {
				before = shown
			}
		}
	}
}

// TestABuildThatStalls: what is shown goes up again when the rest takes much longer than was shown.
func TestABuildThatStalls(t *testing.T) {
	s := &show{began: time.Unix(0, 0), processors: 2, total: 1000, done: 500}
	first := s.steady(time.Unix(100, 0))
	if again := s.steady(time.Unix(110, 0)); again != first {
		t.Errorf("a little later: shown are %s, and were %s", again, first)
	}
	if stalled := s.steady(time.Unix(200, 0)); stalled < 2*first-time.Second || stalled > 2*first+time.Second {
		t.Errorf("after twice the time with nothing done: shown are %s, want twice the %s of before", stalled, first)
	}
}

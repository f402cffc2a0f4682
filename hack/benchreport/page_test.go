package benchreport

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInserted(t *testing.T) {
	begin, end := Begin("bench-it"), End("bench-it")
	page, want := "before\n"+begin+"\nold\n"+end+"\nafter\n", "before\n"+begin+"\nnew\n"+end+"\nafter\n"
	once := inserted(page, "bench-it", "new\n")
	if once != want {
		t.Errorf("got %q, want %q", once, want)
	}
	if again := inserted(once, "bench-it", "new\n"); again != want {
		t.Errorf("twice: got %q, want %q", again, want)
	}
	for _, page := range []string{"", "no lines here", begin + " alone", strings.ReplaceAll(page, begin, Begin("bench-other"))} {
		if got := inserted(page, "bench-it", "new\n"); got != "new\n" {
			t.Errorf("into %q: got %q, want the tables alone", page, got)
		}
	}
}

func TestSave(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	if err := Save(path, "bench-it", "tables\n"); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "tables\n" {
		t.Errorf("a file that was not there: got %q, %v; want the tables", text, err)
	}
	if err := Save(filepath.Dir(path), "bench-it", "tables\n"); err == nil {
		t.Error("a directory: got no error, want one")
	}
}

func TestCell(t *testing.T) {
	if got, want := Cell("a | b\nc"), `a \| b c`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLineOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "status")
	if err := os.WriteFile(path, []byte("Name:\tx\nVmRSS:\t 12 kB\nVmRSS:\t13 kB\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for prefix, want := range map[string]string{"VmRSS:": "12 kB", "VmSwap:": ""} {
		if got := LineOf(path, prefix); got != want {
			t.Errorf("%s: got %q, want %q", prefix, got, want)
		}
	}
	if got := LineOf(path+"-not-there", "x"); got != "" {
		t.Errorf("a file that is not there: got %q, want nothing", got)
	}
}

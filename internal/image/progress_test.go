package image

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// Names of packages are counted, in whatever pieces they come, and everything else is passed on.
func TestPackagesAreCounted(t *testing.T) {
	var rest strings.Builder
	var told []string
	c := &packageCount{rest: &rest, seen: map[string]bool{}, tell: func(p Progress) { told = append(told, fmt.Sprintf("%d/%d", p.Done, p.All)) }}
	write := func(text string) { _, _ = io.WriteString(c, text) }
	write("go: downloading example.com/x v1.0.0\nunsafe\nruntime/inter")
	write("nal\n# example.com/app\nmain.go:3:1: no\n")
	c.planned([]string{"runtime/internal", "fmt", "os"})
	write("fmt\nexample.com/app\nos\nkilled")
	if err := c.flush(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"1/0", "2/0", "2/4", "3/4", "4/5", "5/5"}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
	if want := "go: downloading example.com/x v1.0.0\n# example.com/app\nmain.go:3:1: no\nkilled"; rest.String() != want {
		t.Errorf("passed on %q, want %q", rest.String(), want)
	}
}

func TestPlannedPackages(t *testing.T) {
	commands := "mkdir -p $WORK/b001/\n/go/pkg/tool/linux_amd64/compile -o $WORK/b1/_pkg_.a -trimpath x -p fmt -complete ./a.go\n" +
		"C:\\go\\compile.exe -o nothing\n/x/compile.exe -o a -p os -std a.go\n/x/compile -o a -p main -std a.go\n/x/compile -o a -p fmt -std b.go\n"
	if got := plannedBy([]byte(commands)); !slices.Equal(got, []string{"fmt", "os"}) {
		t.Errorf("got %v", got)
	}
	if plannedBy(nil) == nil {
		t.Error("nothing to compile is as unknown as before")
	}
}

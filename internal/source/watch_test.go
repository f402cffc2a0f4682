package source

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What grows beyond its bound while it is fetched is ended then, and not when all of it is there.
func TestAMirrorThatGrowsIsNoticed(t *testing.T) {
	r := &bareMirror{dir: t.TempDir(), store: &mirrorStore{opts: Options{MaxRepositorySize: 100}, watchEvery: time.Millisecond}}
	ctx, stop := r.watchSize(t.Context())
	defer stop()
	if err := os.WriteFile(filepath.Join(r.dir, "pack"), make([]byte, 101), 0o600); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	if err := context.Cause(ctx); !errors.Is(err, errTooMuch) {
		t.Errorf("got %v, want %v", err, errTooMuch)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	cmd := exec.Command("sh", "-c", "read go; ulimit -v")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	const kilobytes = 1 << 20
	limitMemory(cmd.Process.Pid, kilobytes<<10)
	_, _ = io.WriteString(in, "go\n")
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(out.String()); got != "1048576" {
		t.Errorf("got a bound of %s KiB, want 1048576", got)
	}
}

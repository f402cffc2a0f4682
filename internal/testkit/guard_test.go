package testkit_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/testkit"
)

// A test's process that is killed leaves no cluster behind.
func TestClusterGoesWithItsTest(t *testing.T) {
	const orphan = "CYAN_TEST_ORPHAN"
	if os.Getenv(orphan) != "" {
		cluster, err := testkit.StartCluster("--nodes", "simulated")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("cluster:", cluster.Dir)
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), orphan+"=1")
	out, err := child.Output()
	_, rest, found := strings.Cut(string(out), "cluster: ")
	dir, _, _ := strings.Cut(rest, "\n")
	if err == nil || !found {
		t.Fatalf("the process was to be killed: %v\n%s", err, out)
	}
	testkit.Eventually(t, time.Minute, "the end of its cluster", func() error {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is still there", dir)
		}
		return nil
	})
}

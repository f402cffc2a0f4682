package e2e

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
)

// TestMain keeps the tests from the kubeconfig of whoever runs them.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "cyan-kubeconfig-")
	if err == nil {
		err = os.Setenv("KUBECONFIG", filepath.Join(dir, "config"))
	}
	if err != nil {
		panic(err)
	}
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// TestContext: a cluster is the current context of the user's kubeconfig while it is there, unless he wants none.
func TestContext(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	t.Setenv("KUBECONFIG", file)
	c := newCluster(t, "--nodes", "simulated")
	current := func() string {
		t.Helper()
		config, err := clientcmd.NewDefaultPathOptions().GetStartingConfig()
		if err != nil {
			t.Fatal(err)
		}
		if config.CurrentContext == "" {
			return ""
		}
		return config.CurrentContext + " " + config.Clusters[config.Contexts[config.CurrentContext].Cluster].Server
	}
	want := "cyan-" + filepath.Base(c.dir)
	if got := current(); got != want+" "+c.APIServer {
		t.Errorf("after up: %q; want %s at %s", got, want, c.APIServer)
	}
	var status struct{ Context string }
	if r := run(t, "status", "--dir", c.dir, "-o", "json"); json.Unmarshal([]byte(r.stdout), &status) != nil || status.Context != want {
		t.Errorf("status: %q; want context %s", r.stdout, want)
	}
	if r := run(t, "up", "--dir", c.dir); !strings.Contains(r.stdout, "Context     "+want+", the current one") || !strings.Contains(r.stdout, "kubectl get nodes") {
		t.Errorf("up again: %q", r.stdout)
	}
	if r := run(t, "down", "--dir", c.dir); r.code != 0 || current() == "" {
		t.Errorf("down: %q, %q; want the context to be there when it is resumed", r.stderr, current())
	}
	if r := run(t, "down", "--delete", "--dir", c.dir); r.code != 0 || current() != "" {
		t.Errorf("down --delete: %q, %q; want no context", r.stderr, current())
	}
	c.up("--nodes", "simulated", "--kubeconfig-update=false")
	if got := current(); got != "" {
		t.Errorf("with --kubeconfig-update=false: %q", got)
	}
	// One that can't be changed is a note, and the cluster is as good.
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := run(t, "up", "--dir", c.dir); r.code != 0 || !strings.Contains(r.stdout, "your kubeconfig was not changed") || !strings.Contains(r.stdout, "export KUBECONFIG="+c.Kubeconfig) {
		t.Errorf("a kubeconfig that can't be read: exit code %d, %q", r.code, r.stdout)
	}
}

// TestContextElsewhere: a cluster is taken out of every kubeconfig that it was put into, whichever is the user's when
// it is removed.
func TestContextElsewhere(t *testing.T) {
	files := []string{filepath.Join(t.TempDir(), "config"), filepath.Join(t.TempDir(), "config")}
	contexts := func(file string) int {
		config, err := clientcmd.LoadFromFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return len(config.Contexts)
	}
	t.Setenv("KUBECONFIG", files[0])
	c := newCluster(t, "--nodes", "simulated")
	t.Setenv("KUBECONFIG", files[1])
	c.up()
	if a, b := contexts(files[0]), contexts(files[1]); a != 1 || b != 1 {
		t.Errorf("contexts: got %d and %d, want one in each", a, b)
	}
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "config"))
	if r := run(t, "down", "--delete", "--dir", c.dir); r.code != 0 || r.stderr != "" {
		t.Errorf("down: exit code %d\n%s", r.code, r.stderr)
	}
	if a, b := contexts(files[0]), contexts(files[1]); a != 0 || b != 0 {
		t.Errorf("contexts afterwards: got %d and %d, want none", a, b)
	}
}

// TestDownDuringUp: who removes a cluster that another command starts has removed its context too.
func TestDownDuringUp(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	t.Setenv("KUBECONFIG", file)
	dir := filepath.Join(t.TempDir(), "cluster")
	ended := make(chan result, 1)
	go func() { ended <- run(t, "up", "--nodes", "simulated", "--dir", dir) }()
	eventually(t, time.Minute, "the command to work on the cluster", func(context.Context) error {
		_, err := os.Stat(filepath.Join(dir, "cluster.json"))
		return err
	})
	if r := run(t, "down", "--delete", "--dir", dir); r.code != 0 {
		t.Errorf("down: exit code %d\n%s", r.code, r.stderr)
	}
	if r := <-ended; r.code != 0 && !strings.Contains(r.stderr, "removed by another command") {
		t.Errorf("up: exit code %d\n%s", r.code, r.stderr)
	}
	nothingAt(t, dir)
	if config, err := clientcmd.LoadFromFile(file); err == nil && len(config.Contexts) > 0 {
		t.Errorf("contexts: got %v, want none", config.Contexts)
	}
}

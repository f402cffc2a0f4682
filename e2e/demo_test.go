package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/cyan-cd/cyan/internal/testkit"
)

// demoOnce runs the demo as a person does, with its own home.
func demoOnce(t *testing.T, home string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program("cyan"), append([]string{"demo", "--once"}, args...)...)
	cmd.Dir = testkit.Root()
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+home, "KUBECONFIG="+filepath.Join(home, "none"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("cyan demo --once %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// tells checks that the story has all its steps and a good end.
func tells(t *testing.T, out string, also ...string) {
	t.Helper()
	for _, step := range []string{
		`(?m)^  1 .*behind active-service`, `(?m)^  2 .*you push [0-9a-f]{7} to main`, `(?m)^  3 .*delivery`, `(?m)^  4 .*committed as [0-9a-f]{7}`, `(?m)^  5 .*behind preview-service`,
		`(?m)^  6 .*active-service switches`, `(?m)^  7 .*goes`, `(?m)^  8 .*only revision`, `From push to traffic: [0-9.]+ s`, `[0-9]+ sent, 0 failed`,
	} {
		if !regexp.MustCompile(step).MatchString(out) {
			t.Errorf("the story lacks %s", step)
		}
	}
	for _, text := range also {
		if !strings.Contains(out, text) {
			t.Errorf("the story lacks %q", text)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}

// The demo tells its story on a cluster that is there already and knows nothing of any other; the second time it goes
// on from the first.
func TestDemoOnAnotherCluster(t *testing.T) {
	cluster := realCluster(t)
	home := t.TempDir()
	flags := []string{"--kubeconfig", cluster.Kubeconfig, "--context", contextOf(t, cluster), "--registry", cluster.Registry + "/elsewhere"}
	out := demoOnce(t, home, flags...)
	tells(t, out, "reports v2", "v1 answered", "v2 answered", cluster.Registry+"/elsewhere/request-counter/app@sha256:", "cyan app create")
	out = demoOnce(t, home, flags...)
	tells(t, out, "reports v3", "v2 answered", "v3 answered")
	if strings.Contains(out, "app create") {
		t.Error("the second time begins anew:\n" + out)
	}
	run(t, cluster.Kubeconfig, ".", "cyan", "app", "delete", appName, "--yes")
}

// contextOf is the name of the context that a cluster's kubeconfig uses.
func contextOf(t *testing.T, cluster *testkit.LocalCluster) string {
	t.Helper()
	config, err := clientcmd.LoadFromFile(cluster.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	return config.CurrentContext
}

// Where real pods are impossible the same story is told with simulated ones, and it says so.
func TestDemoWithSimulatedPods(t *testing.T) {
	home := t.TempDir()
	t.Cleanup(func() {
		if out, err := try(context.Background(), "", ".", "cyan", "local", "down", "--delete", "--dir", filepath.Join(home, "cluster")); err != nil {
			t.Error(err, out)
		}
	})
	tells(t, demoOnce(t, home, "--nodes", "simulated", "--dir", filepath.Join(home, "cluster")), "pods are simulated here", "Simulated requests")
}

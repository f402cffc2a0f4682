package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// refusal checks a command that cannot work: one clear sentence, and nothing left.
func refusal(t *testing.T, dir string, says []string, args ...string) {
	t.Helper()
	r := run(t, append(args, "--dir", dir)...)
	if r.code == 0 {
		t.Fatalf("%v: it worked\n%s", args, r.stdout)
	}
	lines := strings.Split(strings.TrimSpace(r.stderr), "\n")
	last := lines[len(lines)-1]
	if !strings.HasPrefix(last, "Error: ") {
		t.Errorf("%v: the last line is %q", args, last)
	}
	for _, want := range says {
		if !strings.Contains(last, want) {
			t.Errorf("%v: it says %q, which lacks %q", args, last, want)
		}
	}
}

func nothingAt(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("%s is left", dir)
	}
}

func TestRefusals(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	for _, test := range []struct {
		name string
		args []string
		says []string
	}{
		{"API port taken", []string{"up", "--nodes", "simulated", "--api-port", port}, []string{port, "taken", fmt.Sprintf("(process %d)", os.Getpid()), "--api-port"}},
		{"registry port taken", []string{"up", "--nodes", "simulated", "--registry-port", port}, []string{port, "taken", fmt.Sprintf("(process %d)", os.Getpid()), "--registry-port"}},
		{"unknown mode", []string{"up", "--nodes", "virtual"}, []string{`"virtual"`, "real or simulated"}},
		{"many real nodes", []string{"up", "--nodes", "real", "--count", "3"}, []string{"--nodes simulated"}},
		{"too many nodes", []string{"up", "--count", "-1"}, []string{"--count"}},
		{"bad port", []string{"up", "--api-port", "70000"}, []string{"--api-port", "70000"}},
		{"one port for two", []string{"up", "--api-port", "7000", "--registry-port", "7000"}, []string{"each its own"}},
		{"unknown extra", []string{"up", "--without", "everything"}, []string{`"everything"`, "storage", "metrics"}},
		{"unknown output", []string{"up", "-o", "xml"}, []string{`"xml"`}},
		{"unknown flag", []string{"up", "--nope"}, []string{"--nope", "--help"}},
		{"a flag of a library", []string{"up", "--version"}, []string{"unknown flag: --version", "--help"}},
		{"no cluster", []string{"status"}, []string{"no cluster", "cyan local up"}},
		{"no cluster, kubeconfig", []string{"kubeconfig"}, []string{"no cluster", "cyan local up"}},
		{"no cluster, logs", []string{"logs"}, []string{"no cluster", "cyan local up"}},
		{"no cluster, load", []string{"load", "x.tar"}, []string{"no cluster", "cyan local up"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cluster")
			refusal(t, dir, test.says, test.args...)
			nothingAt(t, dir)
		})
	}
}

func TestRefusesForeignDirectory(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "diary")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	refusal(t, dir, []string{dir, "--dir"}, "up", "--nodes", "simulated")
	refusal(t, dir, []string{dir, "left alone"}, "down", "--delete")
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

func TestRefusesOtherVersion(t *testing.T) {
	for name, record := range map[string]string{
		"older":  `{"layout":1,"kubernetes":"v1.30.0","mode":"simulated","nodes":1}`,
		"newer":  `{"layout":1,"kubernetes":"v1.38.0","mode":"simulated","nodes":1}`,
		"layout": `{"layout":0,"mode":"simulated","nodes":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "cluster.json"), []byte(record), 0o600); err != nil {
				t.Fatal(err)
			}
			refusal(t, dir, []string{"another version", "v1.37.2", "down --delete", "--dir"}, "up")
			if r := run(t, "down", "--delete", "--dir", dir); r.code != 0 {
				t.Errorf("down --delete: %s", r.stderr)
			}
			nothingAt(t, dir)
		})
	}
}

func TestRefusesWithoutRoot(t *testing.T) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("another user can be tried out by root alone")
	}
	// Another user has to be able to reach the program and the directory.
	base, err := os.MkdirTemp("/tmp", "cyan-user-*")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(base)
	copied := filepath.Join(base, "cyan-local")
	if out, err := exec.Command("cp", program(t), copied).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const nobody = 65534
	if err := os.Chown(base, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	as := func(args ...string) (string, error) {
		cmd := exec.Command(copied, append(args, "--dir", filepath.Join(base, "cluster"))...)
		cmd.Dir = base
		cmd.Env = []string{"HOME=" + base, "PATH=" + os.Getenv("PATH")}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := as("up", "--nodes", "real"); err == nil || !strings.Contains(out, "sudo") || !strings.Contains(out, "--nodes simulated") {
		t.Errorf("up --nodes real: %v, %q", err, out)
	}
	nothingAt(t, filepath.Join(base, "cluster"))
	out, err := as("up")
	if err != nil || !strings.Contains(out, "simulated") {
		t.Errorf("up: %v, %q; want simulated nodes, and that it says so", err, out)
	}
	if out, err := as("down", "--delete"); err != nil {
		t.Errorf("down --delete: %v, %q", err, out)
	}
}

func TestRefusesWithoutPackages(t *testing.T) {
	needReal(t)
	// In namespaces of the command's own, the program that Debian would bring is not there.
	for hidden, says := range map[string]string{"/usr/sbin/runc": "apt-get install -y runc", "/usr/lib/cni": "apt-get install -y containernetworking-plugins"} {
		dir := filepath.Join(t.TempDir(), "cluster")
		hide := fmt.Sprintf("mount -t tmpfs none %s", hidden)
		if info, err := os.Stat(hidden); err != nil {
			t.Fatal(err)
		} else if !info.IsDir() {
			hide = fmt.Sprintf("mkdir -p %[1]s && mount -t tmpfs none %[1]s && mkdir %[1]s/empty && mount --bind %[1]s %[2]s", t.TempDir(), filepath.Dir(hidden))
		}
		cmd := exec.Command("unshare", "-m", "sh", "-c", hide+" && exec \"$0\" up --nodes real --dir "+dir, program(t))
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "Error: ") || !strings.Contains(string(out), says) {
			t.Errorf("without %s: %v, %q; want %q", hidden, err, out, says)
		}
		nothingAt(t, dir)
	}
}

func TestRefusesFullDisk(t *testing.T) {
	needReal(t)
	small := t.TempDir()
	if err := syscall.Mount("cyan-test", small, "tmpfs", 0, "size=64m"); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Unmount(small, 0) }()
	dir := filepath.Join(small, "cluster")
	refusal(t, dir, []string{"MiB are free", "--dir"}, "up", "--nodes", "simulated")
	nothingAt(t, dir)
}

func TestUpTogether(t *testing.T) {
	c := &testCluster{t: t, dir: filepath.Join(t.TempDir(), "cluster")}
	defer run(t, "down", "--delete", "--dir", c.dir)
	var wg sync.WaitGroup
	results := make([]result, 3)
	for i := range results {
		wg.Go(func() { results[i] = run(t, "up", "--nodes", "simulated", "--dir", c.dir, "-o", "json") })
	}
	wg.Wait()
	seen := map[int]bool{}
	for _, r := range results {
		if r.code != 0 {
			t.Fatalf("exit code %d\n%s", r.code, r.stderr)
		}
		c.read(r.stdout)
		seen[c.Supervisor] = c.Ready
	}
	if len(seen) != 1 || !seen[c.Supervisor] {
		t.Errorf("supervisors and whether they were ready: %v; want one", seen)
	}
}

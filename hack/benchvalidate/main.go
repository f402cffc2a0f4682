// Command benchvalidate measures `cyan validate` from its start to its end: the overlay of a small application, and
// 5000 objects. It ends with 1 when a figure is above its limit.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/tools/txtar"
)

// megabyte is how many kilobytes of the kernel's figure are one.
const megabyte = 1024

// scene is what is measured, and its limits.
type scene struct {
	name string
	args []string
	runs int
	time time.Duration
	// memory is in megabytes.
	memory int64
}

func main() {
	program := flag.String("program", "bin/cyan", "the program")
	overlay := flag.String("overlay", "internal/validate/testdata/article.txtar", "an archive with the overlay of a small application, below tree/")
	flag.Parse()
	if err := run(*program, *overlay); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(program, overlay string) (err error) {
	dir, err := os.MkdirTemp("", "cyan-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	archive, err := txtar.ParseFile(overlay)
	if err != nil {
		return err
	}
	for _, f := range archive.Files {
		if name, ok := strings.CutPrefix(f.Name, "tree/"); ok {
			if err := write(filepath.Join(dir, name), f.Data); err != nil {
				return err
			}
		}
	}
	if err := write(filepath.Join(dir, "many", "all.yaml"), many(5000)); err != nil {
		return err
	}
	failed := false
	fmt.Printf("%-28s %10s %10s %10s %10s\n", "", "p50", "limit", "memory", "limit")
	for _, s := range []scene{
		{"the overlay of an article", []string{"validate", filepath.Join(dir, "k8s/kustomize/overlays/local")}, 15, 100 * time.Millisecond, 300},
		{"5000 objects", []string{"validate", filepath.Join(dir, "many")}, 3, 3 * time.Second, 300},
	} {
		took, memory, err := measure(program, s)
		if err != nil {
			return err
		}
		fmt.Printf("%-28s %10s %10s %8dMB %8dMB\n", s.name, took.Round(time.Millisecond), s.time, memory, s.memory)
		failed = failed || took > s.time || memory > s.memory
	}
	if failed {
		return fmt.Errorf("a figure is above its limit")
	}
	return nil
}

// measure returns the median of the times, and the most memory of all runs.
func measure(program string, s scene) (time.Duration, int64, error) {
	var times []time.Duration
	var memory int64
	for range s.runs {
		cmd := exec.Command(program, s.args...)
		start := time.Now()
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() > 1 {
			return 0, 0, fmt.Errorf("%s %v: %w\n%s", program, s.args, err, out)
		}
		times = append(times, time.Since(start))
		if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			memory = max(memory, usage.Maxrss/megabyte)
		}
	}
	slices.Sort(times)
	return times[len(times)/2], memory, nil
}

func write(file string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o600)
}

// many are n objects: Deployments, and a Service and a ConfigMap for each.
func many(n int) []byte {
	var b strings.Builder
	for i := 0; 3*i < n; i++ {
		fmt.Fprintf(&b, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: app-%[1]d}\ndata: {level: info}\n", i)
		fmt.Fprintf(&b, "---\napiVersion: v1\nkind: Service\nmetadata: {name: app-%[1]d}\nspec:\n  selector: {app: app-%[1]d}\n  ports:\n  - {name: http, port: 80, targetPort: http}\n", i)
		fmt.Fprintf(&b, `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app-%[1]d}
spec:
  replicas: 2
  selector: {matchLabels: {app: app-%[1]d}}
  template:
    metadata: {labels: {app: app-%[1]d}}
    spec:
      containers:
      - name: app
        image: registry.example/app:v%[1]d
        envFrom: [{configMapRef: {name: app-%[1]d}}]
        ports: [{name: http, containerPort: 8080}]
        readinessProbe: {httpGet: {path: /, port: http}}
        resources: {requests: {cpu: 10m, memory: 32Mi}, limits: {memory: 64Mi}}
`, i)
	}
	return []byte(b.String())
}

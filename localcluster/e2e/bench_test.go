package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Goals, in seconds, MiB, and per cent of one processor.
var goals = map[string]float64{"control-plane-s": 4, "node-ready-s": 8, "up-s": 8, "first-pod-s": 15, "memory-MiB": 700, "idle-core-%": 8}

// idle is for how long a cluster is left alone while its use of the processor is measured.
const idle = time.Minute

// BenchmarkRealCluster measures from `up` in an empty directory: until the API server is ready, until the node is,
// until a pod answers on this machine. Memory is the proportional set size of the supervisor, the parts and the shim:
// what they share, which is most of one program file, counts once. It is taken ten seconds later, when the start's
// garbage is gone. Then nothing happens for a minute but what happens by itself, with the one pod of before: the time
// on a processor of the same processes is a share of one.
func BenchmarkRealCluster(b *testing.B) {
	needReal(b)
	probeImage(b)
	sums := map[string]float64{}
	for b.Loop() {
		for name, value := range measureOnce(b) {
			sums[name] += value
		}
	}
	b.ReportMetric(0, "ns/op") // says nothing here
	for name, goal := range goals {
		mean := sums[name] / float64(b.N)
		b.ReportMetric(mean, name)
		verdict := "within"
		if mean > goal {
			verdict = "MISSED"
		}
		fmt.Fprintf(os.Stderr, "%-16s %8.1f   goal %.0f   %s\n", name, mean, goal, verdict)
	}
	fmt.Fprintf(os.Stderr, "on %d processors, %s\n", runtime.NumCPU(), processor())
}

func measureOnce(b *testing.B) map[string]float64 {
	c := &testCluster{t: b, dir: filepath.Join(b.TempDir(), "cluster")}
	defer run(b, "down", "--delete", "--dir", c.dir)
	began := time.Now()
	r := run(b, "up", "--dir", c.dir)
	if r.code != 0 {
		b.Fatal(r.stderr)
	}
	found := map[string]float64{
		"control-plane-s": secondsOf(b, r.stderr, "control plane answers"),
		"node-ready-s":    secondsOf(b, r.stderr, "node is Ready"),
		"up-s":            time.Since(began).Seconds(),
	}
	c.up()
	image := c.push("bench:1")
	c.deploy(deployment("bench", image, 1, nil), service("bench", corev1.ServiceTypeNodePort))
	c.answers("http://"+c.address("bench", "NodePort"), "bench ")
	found["first-pod-s"] = time.Since(began).Seconds()
	<-time.After(10 * time.Second)
	found["memory-MiB"] = memory(b, c.refresh())
	before, began := c.processorTime(), time.Now()
	<-time.After(idle)
	for name, used := range c.processorTime() {
		share := 100 * (used - before[name]).Seconds() / time.Since(began).Seconds()
		fmt.Fprintf(os.Stderr, "  idle: %-24s %5.2f%%\n", name, share)
		found["idle-core-%"] += share
	}
	return found
}

// secondsOf reads the time of a progress line.
func secondsOf(b *testing.B, progress, text string) float64 {
	for line := range strings.Lines(progress) {
		if !strings.HasPrefix(line, text) {
			continue
		}
		_, value, _ := strings.Cut(line, "(")
		if seconds, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), "s)"), 64); err == nil {
			return seconds
		}
	}
	b.Fatalf("the progress does not say when %q:\n%s", text, progress)
	return 0
}

// pids are the processes of a cluster, without those of its pods.
func (c *testCluster) pids(b *testing.B) map[string]int {
	all := map[string]int{"supervisor": c.Supervisor}
	for i, pid := range shims(b, c) {
		all[fmt.Sprint("shim-", i)] = pid
	}
	for _, p := range c.Parts {
		all[p.Name] = p.PID
	}
	return all
}

// processorTime is how long each process of a cluster has been on a processor.
func (c *testCluster) processorTime() map[string]time.Duration {
	b := c.t.(*testing.B)
	used := map[string]time.Duration{}
	for name, pid := range c.pids(b) {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			b.Fatal(err)
		}
		fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
		for _, ticks := range fields[11:13] { // in user mode, and in the kernel: hundredths of a second
			n, err := strconv.Atoi(ticks)
			if err != nil {
				b.Fatal(err)
			}
			used[name] += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return used
}

func memory(b *testing.B, c *testCluster) float64 {
	total := 0.0
	for _, pid := range c.pids(b) {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			b.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "Pss:" {
				kib, _ := strconv.ParseFloat(fields[1], 64)
				total += kib / 1024
			}
		}
	}
	return total
}

// shims are the processes that watch over the pods of a cluster.
func shims(b *testing.B, c *testCluster) []int {
	b.Helper()
	kubelet, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", c.part("kubelet").PID))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := bytes.Cut(kubelet, []byte("--root-dir="))
	run, _, _ := bytes.Cut(rest, []byte("/kubelet"))
	var found []int
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(data, []byte("-address\x00"+string(run))) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			found = append(found, pid)
		}
	}
	return found
}

func processor() string {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

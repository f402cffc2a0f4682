package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"golang.org/x/tools/txtar"

	"github.com/cyan-cd/cyan/hack/benchreport"
)

// startSamples is how often the loop is started; its namespace has to go in between.
const startSamples = 3

// measureStarts starts the loop where everything was built before.
func measureStarts(ctx context.Context, b *bench) error {
	dir, err := b.tree("bench-start")
	if err != nil {
		return err
	}
	if err := setVersion(dir, "started"); err != nil {
		return err
	}
	var all []time.Duration
	for k := range startSamples + 1 {
		took, err := b.oneStart(ctx, dir)
		if err != nil {
			return err
		}
		if k > 0 {
			all = append(all, took)
		}
	}
	b.sheet.add(row{what: "`cyan dev` from its start to the first answer, warm: p50, p90", measured: spread(all), target: "≤ " + seconds(startTarget), met: median(all) <= startTarget})
	return nil
}

func (b *bench) oneStart(ctx context.Context, dir string) (took time.Duration, err error) {
	l, err := b.startLoop(dir)
	if err != nil {
		return 0, err
	}
	address, err := l.address(ctx)
	if err == nil {
		var answered time.Time
		answered, err = answers(ctx, address, "started")
		took = answered.Sub(l.started)
	}
	return took, errors.Join(err, l.end(), b.awaitGone(ctx, l.namespace))
}

func (c *cluster) awaitGone(ctx context.Context, namespace string) error {
	return until(ctx, 50*time.Millisecond, "namespace "+namespace+" is gone", func() (bool, string) {
		all, err := c.clients.CoreV1().Namespaces().List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + namespace})
		return err == nil && len(all.Items) == 0, fmt.Sprint(err)
	})
}

// measureIdle has a loop wait on a tree of many files.
func measureIdle(ctx context.Context, b *bench) (err error) {
	dir, err := b.tree("bench-idle")
	if err != nil {
		return err
	}
	for k := range b.files {
		file := filepath.Join(dir, "data", strconv.Itoa(k/100), strconv.Itoa(k)+".txt")
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(strconv.Itoa(k)), 0o600)); err != nil {
			return err
		}
	}
	l, err := b.startLoop(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.end()) }()
	if _, err := l.await(ctx, l.started, "✓ ready"); err != nil {
		return err
	}
	if err := b.settle(ctx, l.namespace); err != nil {
		return err
	}
	if err := pause(ctx, b.idleFor/4); err != nil {
		return err
	}
	before, _, err := used(l.cmd.Process.Pid)
	if err != nil {
		return err
	}
	if err := pause(ctx, b.idleFor); err != nil {
		return err
	}
	after, memory, err := used(l.cmd.Process.Pid)
	if err != nil {
		return err
	}
	share := float64(after-before) / float64(b.idleFor)
	b.sheet.add(row{
		what: fmt.Sprintf("a loop that waits, on a tree of %d files: of one core, memory", b.files), measured: fmt.Sprintf("%.2f %%, %d MB", 100*share, memory>>20),
		target: fmt.Sprintf("≤ %.1f %%, ≤ %d MB", 100*idleShare, idleMemory>>20), met: share <= idleShare && memory <= idleMemory,
	})
	return nil
}

// pause lets some time pass.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// clockTicks is the unit of CPU times in /proc, a second's hundredth on Linux.
const clockTicks = 100

// used returns the CPU time that a process has used, with that of its children, and its resident memory.
func used(pid int) (cpu time.Duration, memory int64, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	for _, at := range []int{11, 12, 13, 14} {
		ticks, err := strconv.ParseInt(fields[at], 10, 64)
		if err != nil {
			return 0, 0, err
		}
		cpu += time.Duration(ticks) * time.Second / clockTicks
	}
	_, err = fmt.Sscan(benchreport.LineOf(fmt.Sprintf("/proc/%d/status", pid), "VmRSS:"), &memory)
	return cpu, memory << 10, err
}

// The project whose files are copied.
//
//go:embed testdata/sync.txtar
var syncProject []byte

// measureSync saves a file that is copied into its container.
func measureSync(ctx context.Context, b *bench) (err error) {
	dir := filepath.Join(b.dir, "bench-sync")
	for _, f := range txtar.Parse(syncProject).Files {
		name := filepath.Join(dir, f.Name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, f.Data, 0o600)); err != nil {
			return err
		}
	}
	l, err := b.startLoop(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.end()) }()
	if _, err := l.await(ctx, l.started, "✓ ready"); err != nil {
		return err
	}
	address, err := l.address(ctx)
	if err != nil {
		return err
	}
	var all []time.Duration
	for k := range b.samples + 1 {
		text, start := fmt.Sprintf("copied-%d", k), time.Now()
		if err := os.WriteFile(filepath.Join(dir, "static/page.txt"), []byte(text), 0o600); err != nil {
			return err
		}
		answered, err := answers(ctx, address+"page.txt", text)
		if err != nil {
			return err
		}
		if _, err := l.await(ctx, start, "✓ synced"); err != nil {
			return err
		}
		if k > 0 {
			all = append(all, answered.Sub(start))
		}
	}
	bare, err := b.bareCopy(ctx, l.namespace, dir)
	if err != nil {
		return err
	}
	b.sheet.add(row{what: "save → the copied file is served: p50, p90", measured: spread(all), limit: seconds(bare) + ", kubectl exec tar", target: "≤ " + seconds(syncTarget), met: median(all) <= syncTarget})
	return nil
}

// bareCopy is the time in which kubectl copies the same file.
func (b *bench) bareCopy(ctx context.Context, namespace, dir string) (time.Duration, error) {
	list, err := b.clients.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, err
	}
	pods := list.Items
	if len(pods) != 1 || pods[0].Status.Phase != corev1.PodRunning {
		return 0, fmt.Errorf("%d pods run, want one", len(pods))
	}
	var all []time.Duration
	for range bareSamples {
		start := time.Now()
		copying := fmt.Sprintf("tar cf - static/page.txt | kubectl exec -i -n %s %s -- tar xmf - -C /", namespace, pods[0].Name)
		if err := b.bash(ctx, dir, "-o", "pipefail", "-c", copying); err != nil {
			return 0, err
		}
		all = append(all, time.Since(start))
	}
	return median(all), nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What is asked for.
const (
	saveTarget  = 2 * time.Second
	ownTarget   = 300 * time.Millisecond
	syncTarget  = 500 * time.Millisecond
	startTarget = 8 * time.Second
	// timesFaster is how much faster than the script the loop is to be.
	timesFaster = 4
	// idleShare is of one core, and idleMemory in bytes.
	idleShare  = 0.005
	idleMemory = 120 << 20
)

// running are the pods of the example when all is quiet: two of the app, one of redis.
const running = 3

// stages are the parts of a sample, one after the other.
type stages struct {
	noticed, checked, compiled, image, pushed, applied, set, pods, switched time.Duration
}

// own is what is neither the compiler's, nor the registry's, nor the pods'.
func (s stages) own() time.Duration {
	return s.noticed + s.checked + s.image + s.applied + s.set + s.switched
}

func (s stages) total() time.Duration { return s.own() + s.compiled + s.pushed + s.pods }

// measureSaves saves one file again and again.
func measureSaves(ctx context.Context, b *bench) (err error) {
	dir, err := b.tree("bench-save")
	if err != nil {
		return err
	}
	l, err := b.startLoop(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.end()) }()
	if _, err := l.await(ctx, l.started, "✓ ready"); err != nil {
		return err
	}
	seen, err := watchPods(ctx, b.clients, l.namespace)
	if err != nil {
		return err
	}
	var all []stages
	// The first one warms caches up.
	for k := range b.samples + 1 {
		one, err := b.oneSave(ctx, l, dir, fmt.Sprintf("saved-%d", k), seen)
		if err != nil {
			return err
		}
		if k > 0 {
			all = append(all, one)
		}
	}
	if b.redis, err = b.imageOf(ctx, l.namespace, "app=redis"); err != nil {
		return err
	}
	return b.showSaves(ctx, l, dir, all)
}

func (b *bench) oneSave(ctx context.Context, l *loop, dir, version string, seen *pods) (stages, error) {
	var s stages
	if err := b.settle(ctx, l.namespace); err != nil {
		return s, err
	}
	address, err := l.address(ctx)
	if err != nil {
		return s, err
	}
	start := time.Now()
	if err := setVersion(dir, version); err != nil {
		return s, err
	}
	answered, err := answers(ctx, address, version)
	if err != nil {
		return s, err
	}
	if _, err := l.await(ctx, start, "✓ ready"); err != nil {
		return s, err
	}
	return stagesOf(l, seen, start, answered)
}

// stagesOf splits a sample up.
func stagesOf(l *loop, seen *pods, start, answered time.Time) (stages, error) {
	var s stages
	noticed, ok := l.first(start, "● ")
	built, okBuilt := l.first(start, "✓ built")
	deployed, okDeployed := l.first(start, "✓ deployed")
	set, ready := seen.between(start, answered)
	if !ok || !okBuilt || !okDeployed || set.IsZero() || ready.IsZero() {
		return s, fmt.Errorf("not all stages were seen of what the loop printed: %s", l.last())
	}
	parts := tookOf(built.text)
	s.noticed = noticed.at.Sub(start)
	s.checked = max(0, built.at.Sub(noticed.at)-parts.all)
	s.compiled, s.pushed, s.image = parts.compiled, parts.pushed, parts.all-parts.compiled-parts.pushed
	s.applied, s.set, s.pods, s.switched = deployed.at.Sub(built.at), set.Sub(deployed.at), ready.Sub(set), answered.Sub(ready)
	if l.trace {
		fmt.Printf("    %+v own %s total %s\n", s, s.own(), s.total())
	}
	return s, nil
}

func (b *bench) showSaves(ctx context.Context, l *loop, dir string, all []stages) error {
	compiler, err := b.bareBuild(ctx, dir)
	if err != nil {
		return err
	}
	kubelet, err := b.barePod(ctx, l.namespace)
	if err != nil {
		return err
	}
	of := func(part func(stages) time.Duration) []time.Duration {
		times := make([]time.Duration, 0, len(all))
		for _, s := range all {
			times = append(times, part(s))
		}
		return times
	}
	b.saves = of(stages.total)
	own := of(stages.own)
	b.sheet.add(row{
		what: "save → the new code answers: p50, p90", measured: spread(b.saves), limit: fmt.Sprintf("%s: go build %s, a pod's start %s", seconds(compiler+kubelet), seconds(compiler), seconds(kubelet)),
		target: "≤ " + seconds(saveTarget), met: median(b.saves) <= saveTarget,
	})
	for _, part := range []struct {
		what string
		of   func(stages) time.Duration
		own  bool
	}{
		{"the save is noticed", func(s stages) time.Duration { return s.noticed }, true},
		{"manifests are rendered and checked", func(s stages) time.Duration { return s.checked }, true},
		{"the program is compiled and linked", func(s stages) time.Duration { return s.compiled }, false},
		{"the image is made", func(s stages) time.Duration { return s.image }, true},
		{"what the registry does not have is pushed", func(s stages) time.Duration { return s.pushed }, false},
		{"the Rollout is applied", func(s stages) time.Duration { return s.applied }, true},
		{"the Rollout has its ReplicaSet", func(s stages) time.Duration { return s.set }, true},
		{"two pods start and are ready", func(s stages) time.Duration { return s.pods }, false},
		{"the Service is switched, the port answers", func(s stages) time.Duration { return s.switched }, true},
	} {
		whose := "of that, "
		if part.own {
			whose = "of that, Cyan's: "
		}
		b.sheet.add(row{what: whose + part.what, measured: spread(of(part.of))})
	}
	b.sheet.add(row{what: "Cyan's own share of a save", measured: spread(own), target: "≤ " + seconds(ownTarget), met: median(own) <= ownTarget})
	return nil
}

// bareSamples is how often a limit is measured.
const bareSamples = 5

// bareBuild is the time of the compiler and linker for the same change, as a person calls it.
func (b *bench) bareBuild(ctx context.Context, dir string) (time.Duration, error) {
	tree := filepath.Join(b.dir, "bare")
	if err := os.CopyFS(tree, os.DirFS(dir)); err != nil {
		return 0, err
	}
	var all []time.Duration
	for k := range bareSamples + 1 {
		if err := setVersion(tree, fmt.Sprintf("bare-%d", k)); err != nil {
			return 0, err
		}
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", filepath.Join(b.dir, "bare-program"), "./cmd/app")
		cmd.Dir, cmd.Env = tree, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
		start := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("go build: %w\n%s", err, out)
		}
		if k > 0 {
			all = append(all, time.Since(start))
		}
	}
	return median(all), nil
}

// barePod is the time from a pod's creation until it is ready, two at once, with the image on the node already.
func (b *bench) barePod(ctx context.Context, namespace string) (time.Duration, error) {
	list, err := b.clients.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=app"})
	if err != nil || len(list.Items) == 0 {
		return 0, errors.Join(err, errors.New("no pod of the app runs"))
	}
	spec := *list.Items[0].Spec.DeepCopy()
	spec.NodeName, spec.ServiceAccountName, spec.Volumes, spec.Containers[0].VolumeMounts = "", "", nil, nil
	spec.TerminationGracePeriodSeconds = new(int64(1))
	var all []time.Duration
	for k := range bareSamples {
		took, err := b.startPods(ctx, namespace, spec, fmt.Sprintf("bare-%d", k))
		if err != nil {
			return 0, err
		}
		all = append(all, took)
	}
	return median(all), nil
}

func (c *cluster) startPods(ctx context.Context, namespace string, spec corev1.PodSpec, name string) (time.Duration, error) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	seen, err := watchPods(ctx, c.clients, namespace)
	if err != nil {
		return 0, err
	}
	names := []string{name + "-a", name + "-b"}
	start := time.Now()
	for _, n := range names {
		if _, err := c.clients.CoreV1().Pods(namespace).Create(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: n}, Spec: spec}, metav1.CreateOptions{}); err != nil {
			return 0, err
		}
	}
	var last time.Time
	err = until(ctx, askEach, "bare pods are ready", func() (bool, string) {
		seen.mu.Lock()
		defer seen.mu.Unlock()
		for _, n := range names {
			at := seen.ready[n].ready
			if at.IsZero() {
				return false, n
			}
			if at.After(last) {
				last = at
			}
		}
		return true, ""
	})
	for _, n := range names {
		err = errors.Join(err, c.clients.CoreV1().Pods(namespace).Delete(ctx, n, metav1.DeleteOptions{}))
	}
	return last.Sub(start), errors.Join(err, c.settle(ctx, namespace))
}

// imageOf returns the image of the first container of a pod.
func (c *cluster) imageOf(ctx context.Context, namespace, selector string) (string, error) {
	list, err := c.clients.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil || len(list.Items) == 0 {
		return "", errors.Join(err, fmt.Errorf("no pod has %s", selector))
	}
	return list.Items[0].Spec.Containers[0].Image, nil
}

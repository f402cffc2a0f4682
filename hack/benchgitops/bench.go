package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
)

// bench measures n Applications.
type bench struct {
	n, samples   int
	dir, program string
	cluster      *cluster
	repo         *repository
	server       *server

	apps *seen[*v1alpha1.Application]
	maps *seen[*corev1.ConfigMap]

	limit  time.Duration
	result result
}

// result is what a run has measured, for the plot.
type result struct {
	n int
	// bare and first are the bare apply and the first sync; change and base a commit to one Application until it is live
	// (median) and to all; restart until all are compared.
	bare, first, change, base, restart time.Duration
	firstCPU                           time.Duration
	idleMemory                         int64
}

// automaticPoll is far away, so that webhooks alone bring news.
const automaticPoll = time.Hour

func (b *bench) run(ctx context.Context) error {
	b.result.n = b.n
	for _, part := range []func(context.Context) error{
		b.prepare, b.limits, b.firstSync, b.idle, b.oneCommit, b.baseCommit, b.drift, b.restart,
	} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// stop ends the server, if it runs.
func (b *bench) stop() error {
	if b.server == nil {
		return nil
	}
	err := b.server.stop()
	b.server = nil
	return err
}

func (b *bench) start(ctx context.Context) error {
	var err error
	b.server, err = startServer(ctx, b.program, b.cluster.kubeconfig, b.dir, automaticPoll)
	return err
}

// report prints one figure, with the limit or the target that it stands beside.
func report(w io.Writer, what, measured, beside string) {
	_, _ = fmt.Fprintf(w, "  %-52s %-26s %s\n", what, measured, beside)
}

func (b *bench) prepare(ctx context.Context) error {
	if err := b.repo.commit(ctx, "Applications", applicationFiles(b.n)); err != nil {
		return err
	}
	var err error
	if b.apps, err = watch(ctx, b.cluster, &v1alpha1.Application{}, control); err != nil {
		return err
	}
	b.maps, err = watch(ctx, b.cluster, &corev1.ConfigMap{}, target)
	return err
}

// limits measures what the machine can do.
func (b *bench) limits(ctx context.Context) error {
	var err error
	if b.limit, err = median(3, func() (time.Duration, error) { return b.cluster.bareApply(ctx, b.n) }); err != nil {
		return err
	}
	b.result.bare = b.limit
	report(os.Stdout, "limit: the same objects, a bare client, 8 at once", rounded(b.limit), "")
	fetch, err := median(3, func() (time.Duration, error) {
		to := filepath.Join(b.dir, "fetched")
		defer func() { _ = os.RemoveAll(to) }()
		return timed(func() error { return runGit(ctx, "", "clone", "--quiet", "--mirror", b.repo.url, to) })
	})
	if err != nil {
		return err
	}
	report(os.Stdout, "limit: git fetch of everything", rounded(fetch), "")
	one, err := median(3, func() (time.Duration, error) {
		return timed(func() error {
			_, err := renderers.Render(os.DirFS(b.repo.clone), v1alpha1.ApplicationSource{Path: "apps/" + appName(0)}, render.Options{})
			return err
		})
	})
	report(os.Stdout, "limit: one render", rounded(one), "")
	return err
}

// firstSync has the server begin with Applications that were never synced.
func (b *bench) firstSync(ctx context.Context) error {
	if err := each(ctx, b.n, func(ctx context.Context, i int) error {
		return b.cluster.client.Create(ctx, application(b.repo.url, i))
	}); err != nil {
		return err
	}
	done := b.apps.expect(b.allSynced)
	if err := b.start(ctx); err != nil {
		return err
	}
	ended, err := at(ctx, "the first sync", done)
	if err != nil {
		return err
	}
	used, err := b.server.usage(ctx)
	if err != nil {
		return err
	}
	b.result.first, b.result.firstCPU = ended.Sub(b.server.started), used.cpu
	report(os.Stdout, "first sync, from the start of the program", rounded(b.result.first), ratio(b.result.first, b.limit)+" of the bare apply; goal 1.5")
	report(os.Stdout, "  CPU an Application", rounded(used.cpu/time.Duration(b.n)), "goal 12ms")
	report(os.Stdout, "  API calls an Application", fmt.Sprintf("%.1f", used.calls()/float64(b.n)), fmt.Sprintf("goal 6; %v", used.requests))
	report(os.Stdout, "  memory, now and at most", megabytes(used.rss)+" "+megabytes(used.peak), "")
	return b.settle(ctx)
}

func (b *bench) allSynced(all map[string]*v1alpha1.Application) bool {
	if len(all) < b.n {
		return false
	}
	for _, app := range all {
		if app.Status.Sync.Status != v1alpha1.Synced || app.Status.Health.Status != v1alpha1.HealthHealthy {
			return false
		}
	}
	return true
}

// quiet is the time in which a server that has settled does nothing.
const quiet = 3 * time.Second

// settle waits until the server has nothing to do.
func (b *bench) settle(ctx context.Context) error {
	before, err := b.server.usage(ctx)
	if err != nil {
		return err
	}
	since := time.Now()
	return until(ctx, outcomeTimeout, func(ctx context.Context) (bool, error) {
		now, err := b.server.usage(ctx)
		if err != nil {
			return false, err
		}
		if now.looks != before.looks || now.writes() != before.writes() {
			before, since = now, time.Now()
		}
		return time.Since(since) > quiet, nil
	})
}

// idleFor is how long the idle server is looked at.
const idleFor = time.Minute

func (b *bench) idle(ctx context.Context) error {
	before, err := b.server.usage(ctx)
	if err != nil {
		return err
	}
	timer := time.NewTimer(idleFor)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	after, err := b.server.usage(ctx)
	if err != nil {
		return err
	}
	used := after.since(before)
	b.result.idleMemory = after.rss
	report(os.Stdout, "a minute in which nothing happens: CPU", rounded(used.cpu), "goal 200ms")
	report(os.Stdout, "  API writes, looks at Applications", fmt.Sprintf("%.0f, %.0f", used.writes(), used.looks), "goal 0 writes")
	report(os.Stdout, "  memory", megabytes(after.rss), "goal 150 MiB")
	return nil
}

// oneCommit measures commits that touch one Application each, at places all over the list.
func (b *bench) oneCommit(ctx context.Context) error {
	var live, untilLive, inAll []time.Duration
	for k := range b.samples {
		i := k * b.n / b.samples
		value := fmt.Sprintf("change-%d", k)
		if err := b.repo.commit(ctx, "Change "+appName(i), map[string]string{settingsFile(i): settings(value)}); err != nil {
			return err
		}
		before, err := b.server.usage(ctx)
		if err != nil {
			return err
		}
		done := b.maps.expect(func(all map[string]*corev1.ConfigMap) bool {
			object := all[appName(i)+"-settings"]
			return object != nil && object.Data["own"] == value
		})
		pushed := time.Now()
		if err := b.server.pushed(ctx, b.repo.url); err != nil {
			return err
		}
		ended, err := at(ctx, "the change of "+appName(i), done)
		if err != nil {
			return err
		}
		now, err := b.server.usage(ctx)
		if err != nil {
			return err
		}
		live, untilLive = append(live, ended.Sub(pushed)), append(untilLive, now.since(before).cpu)
		if err := b.settle(ctx); err != nil {
			return err
		}
		if now, err = b.server.usage(ctx); err != nil {
			return err
		}
		inAll = append(inAll, now.since(before).cpu)
	}
	b.result.change = quantile(live, 0.5)
	report(os.Stdout, "a commit to one Application, webhook → live: p50, p99", rounded(quantile(live, 0.5))+" "+rounded(quantile(live, 0.99)), "goal 300ms, 1s")
	report(os.Stdout, "  CPU until live, in all (median)", rounded(quantile(untilLive, 0.5))+" "+rounded(quantile(inAll, 0.5)), "goal 200ms, 2s")
	return nil
}

// baseCommit measures a commit to what all Applications are made of.
func (b *bench) baseCommit(ctx context.Context) error {
	if err := b.repo.commit(ctx, "Change the base", map[string]string{"base/settings.yaml": baseSettings("second")}); err != nil {
		return err
	}
	before, err := b.server.usage(ctx)
	if err != nil {
		return err
	}
	done := b.maps.expect(func(all map[string]*corev1.ConfigMap) bool {
		live := 0
		for _, object := range all {
			if object.Data["shared"] == "second" {
				live++
			}
		}
		return live >= b.n
	})
	pushed := time.Now()
	if err := b.server.pushed(ctx, b.repo.url); err != nil {
		return err
	}
	ended, err := at(ctx, "the change of the base", done)
	if err != nil {
		return err
	}
	after, err := b.server.usage(ctx)
	if err != nil {
		return err
	}
	b.result.base = ended.Sub(pushed)
	report(os.Stdout, "a commit to the common base, webhook → all live", rounded(b.result.base), ratio(b.result.base, b.limit)+" of the bare apply; goal 1.5")
	report(os.Stdout, "  CPU", rounded(after.since(before).cpu), "")
	return b.settle(ctx)
}

// drift deletes and edits objects by hand.
func (b *bench) drift(ctx context.Context) error {
	var back []time.Duration
	for k := range b.samples {
		name := appName(k*b.n/b.samples) + "-settings"
		object := &corev1.ConfigMap{}
		if err := b.cluster.client.Get(ctx, client.ObjectKey{Namespace: target, Name: name}, object); err != nil {
			return err
		}
		uid, edited := object.UID, k%2 == 1
		var err error
		began := time.Now()
		if edited {
			object.Data["own"] = "by hand"
			err = b.cluster.client.Update(ctx, object)
		} else {
			err = b.cluster.client.Delete(ctx, object)
		}
		if err != nil {
			return err
		}
		version := object.ResourceVersion
		ended, err := at(ctx, name, b.maps.expect(func(all map[string]*corev1.ConfigMap) bool {
			now := all[name]
			return now != nil && (edited && now.Data["own"] != "by hand" && now.ResourceVersion != version || !edited && now.UID != uid)
		}))
		if err != nil {
			return err
		}
		back = append(back, ended.Sub(began))
	}
	report(os.Stdout, "an object deleted or edited by hand is back: p50, p99", rounded(quantile(back, 0.5))+" "+rounded(quantile(back, 0.99)), "goal 40ms, 100ms")
	return b.settle(ctx)
}

// restart starts the server where all Applications are synced already.
func (b *bench) restart(ctx context.Context) error {
	if err := b.stop(); err != nil {
		return err
	}
	if err := b.start(ctx); err != nil {
		return err
	}
	var used usage
	if err := until(ctx, outcomeTimeout, func(ctx context.Context) (bool, error) {
		var err error
		used, err = b.server.usage(ctx)
		return used.looks >= float64(b.n), err
	}); err != nil {
		return err
	}
	b.result.restart = time.Since(b.server.started)
	if err := b.settle(ctx); err != nil {
		return err
	}
	used, err := b.server.usage(ctx)
	if err != nil {
		return err
	}
	report(os.Stdout, "start, all synced already: until all are compared", rounded(b.result.restart), "goal 15s")
	report(os.Stdout, "  CPU, API writes, memory", fmt.Sprintf("%s, %.0f, %s", rounded(used.cpu), used.writes(), megabytes(used.rss)), "goal 0 writes (but leases and the definitions)")
	return nil
}

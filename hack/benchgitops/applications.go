package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
)

// prepare makes the repository of n Applications, and measures what the machine can do.
func prepare(ctx context.Context, w *world) error {
	var err error
	if w.repo, err = w.host.create(ctx, "apps", applicationFiles(w.n)); err != nil {
		return err
	}
	if w.apps, err = watch(ctx, w.cluster, &v1alpha1.Application{}, control); err != nil {
		return err
	}
	if w.maps, err = watch(ctx, w.cluster, &corev1.ConfigMap{}, target); err != nil {
		return err
	}
	if w.only != nil && !slices.ContainsFunc(w.only, func(name string) bool { return name != "pages" && name != "logins" }) {
		// These have limits of their own.
		return nil
	}
	if err := measureBare(ctx, w); err != nil {
		return err
	}
	if err := measureGit(ctx, w); err != nil {
		return err
	}
	w.limits.apply, err = measureApply(ctx, w)
	return err
}

// measureBare measures a bare client.
func measureBare(ctx context.Context, w *world) error {
	objects, err := objectsOf(w.n)
	if err != nil {
		return err
	}
	w.limits.bare, err = median(func() (time.Duration, error) { return w.cluster.bareApply(ctx, objects) })
	w.curve.n, w.curve.bare = w.n, w.limits.bare
	return err
}

// measureGit measures git and a render.
func measureGit(ctx context.Context, w *world) error {
	mirror := filepath.Join(w.dir, "mirror")
	var err error
	if w.limits.clone, err = median(func() (time.Duration, error) {
		if err := os.RemoveAll(mirror); err != nil {
			return 0, err
		}
		return timed(func() error { return runGit(ctx, "", "clone", "--quiet", "--mirror", w.repo.url, mirror) })
	}); err != nil {
		return err
	}
	round := 0
	if w.limits.fetch, err = median(func() (time.Duration, error) {
		round++
		if err := w.repo.commit(ctx, "A note", map[string]string{"NOTES": fmt.Sprintln(round)}); err != nil {
			return 0, err
		}
		return timed(func() error { return runGit(ctx, mirror, "fetch", "--quiet") })
	}); err != nil {
		return err
	}
	w.limits.render, err = median(func() (time.Duration, error) {
		return timed(func() error {
			_, err := renderers.Render(os.DirFS(w.repo.clone), v1alpha1.ApplicationSource{Path: "apps/" + appName(0)}, render.Options{})
			return err
		})
	})
	return err
}

// measureApply measures one apply of a bare client, until a watch shows it.
func measureApply(ctx context.Context, w *world) (time.Duration, error) {
	if w.maps == nil {
		var err error
		if w.maps, err = watch(ctx, w.cluster, &corev1.ConfigMap{}, target); err != nil {
			return 0, err
		}
	}
	const name = "limit"
	round := 0
	took, err := median(func() (time.Duration, error) {
		round++
		value := fmt.Sprintf("round-%d", round)
		one, err := object(name, settings(value))
		if err != nil {
			return 0, err
		}
		one.SetNamespace(target)
		done := w.maps.expectOne(name, func(m *corev1.ConfigMap) bool { return m.Data["own"] == value })
		began := time.Now()
		if err := w.cluster.apply(ctx, one); err != nil {
			return 0, err
		}
		ended, err := at(ctx, name, done)
		return ended.Sub(began), err
	})
	if err != nil {
		return 0, err
	}
	limit := &corev1.ConfigMap{}
	limit.Namespace, limit.Name = target, name
	return took, w.cluster.client.Delete(ctx, limit)
}

// firstSync has the server begin with Applications that were never synced.
func firstSync(ctx context.Context, w *world) error {
	if err := each(ctx, w.n, func(ctx context.Context, i int) error {
		return w.cluster.client.Create(ctx, application(appName(i), w.repo.url, "apps/"+appName(i), target))
	}); err != nil {
		return err
	}
	done := w.apps.expect(w.n, isSynced)
	if err := w.start(ctx); err != nil {
		return err
	}
	ended, err := at(ctx, "the first sync", done)
	if err != nil {
		return err
	}
	used, err := w.since(ctx, usage{})
	if err != nil {
		return err
	}
	settled, err := w.settle(ctx)
	if err != nil || !w.only.has("first-sync") {
		return err
	}
	w.curve.first = ended.Sub(w.server.started)
	n := float64(w.n)
	w.sheet.add(figure{what: "first sync, from the start of the program", measured: []amount{lasting(w.curve.first)},
		limit: ofBare(w.limits.bare, w.curve.first), targets: []amount{lasting(w.limits.bare * 3 / 2)}})
	w.sheet.add(figure{what: "first sync: CPU an Application", measured: []amount{lasting(settled.cpu / time.Duration(w.n))},
		limit: rounded(w.limits.render) + ", one render", targets: []amount{lasting(12 * time.Millisecond)}})
	w.sheet.add(figure{what: "first sync: API calls an Application", measured: []amount{number(settled.calls() / n)},
		limit: "2, a bare client", targets: []amount{number(6)}})
	w.sheet.add(figure{what: "first sync: these by verb", measured: []amount{{text: settled.each(w.n)}}})
	w.sheet.add(figure{what: "first sync: these by resource", measured: []amount{{text: settled.byResource(w.n)}}})
	w.sheet.add(figure{what: "first sync: renders", measured: renders(used), limit: fmt.Sprint(w.n)})
	w.sheet.add(figure{what: "first sync: memory at most", measured: []amount{memory(used.peak)}})
	return nil
}

// renders is the number of renders, where it is counted.
func renders(u usage) []amount {
	if u.renders < 0 {
		return []amount{{text: "not counted"}}
	}
	return []amount{number(u.renders)}
}

// idle looks at a server that has nothing to do.
func idle(ctx context.Context, w *world) error {
	if _, err := w.settle(ctx); err != nil {
		return err
	}
	before, err := w.server.usage(ctx)
	if err != nil {
		return err
	}
	leases, _ := w.leases.news()
	if err := pass(ctx, w.idleFor); err != nil {
		return err
	}
	used, err := w.since(ctx, before)
	if err != nil {
		return err
	}
	renewed, _ := w.leases.news()
	// This collects garbage, so that it comes last.
	heap, err := w.server.heap(ctx)
	if err != nil {
		return err
	}
	minutes := w.idleFor.Minutes()
	w.sheet.add(figure{what: "nothing happens: CPU a minute", measured: []amount{lasting(time.Duration(float64(used.cpu) / minutes))},
		limit: "0", targets: []amount{lasting(200 * time.Millisecond)}})
	w.sheet.add(figure{what: "nothing happens: API writes a minute, but the Lease", measured: []amount{number(float64(int(used.writes())-(renewed-leases)) / minutes)},
		limit: "0", targets: []amount{number(0)}})
	w.sheet.add(figure{what: "nothing happens: looks at Applications", measured: []amount{number(used.looks)}})
	w.sheet.add(figure{what: "nothing happens: resident memory", measured: []amount{memory(used.rss)}, targets: []amount{memory(150 << 20)}})
	w.sheet.add(figure{what: "nothing happens: memory in use after a collection", measured: []amount{memory(heap)}})
	return w.printHeap(ctx)
}

// drift deletes and edits objects by hand, in turn.
func drift(ctx context.Context, w *world) error {
	var back []time.Duration
	for k := range w.samples * driftsEach {
		took, err := restored(ctx, w, settingsName(place(k, w.samples*driftsEach, w.n)), k%2 == 1)
		if err != nil {
			return err
		}
		back = append(back, took)
	}
	w.sheet.add(figure{what: "an object deleted or edited by hand is back: p50, p99", measured: spread(back),
		limit: rounded(w.limits.apply) + ", one apply", targets: []amount{lasting(40 * time.Millisecond), lasting(100 * time.Millisecond)}})
	_, err := w.settle(ctx)
	return err
}

// driftsEach is how many drifts are measured for each sample.
const driftsEach = 5

// restored edits or deletes a ConfigMap, and returns how long it takes until that is undone.
func restored(ctx context.Context, w *world, name string, edit bool) (time.Duration, error) {
	object := &corev1.ConfigMap{}
	if err := w.cluster.client.Get(ctx, client.ObjectKey{Namespace: target, Name: name}, object); err != nil {
		return 0, err
	}
	if !edit {
		uid, began := object.UID, time.Now()
		if err := w.cluster.client.Delete(ctx, object); err != nil {
			return 0, err
		}
		ended, err := at(ctx, name, w.maps.expectOne(name, func(now *corev1.ConfigMap) bool { return now.UID != uid }))
		return ended.Sub(began), err
	}
	own, before, began := object.Data["own"], object.ResourceVersion, time.Now()
	object.Data["own"] = "by hand"
	if err := w.cluster.client.Update(ctx, object); err != nil {
		return 0, err
	}
	edited := object.ResourceVersion
	ended, err := at(ctx, name, w.maps.expectOne(name, func(now *corev1.ConfigMap) bool {
		return now.Data["own"] == own && now.ResourceVersion != before && now.ResourceVersion != edited
	}))
	return ended.Sub(began), err
}

// restart starts the server where all Applications are synced already.
func restart(ctx context.Context, w *world) error {
	list, err := median(func() (time.Duration, error) { return timed(func() error { return listAll(ctx, w) }) })
	if err != nil {
		return err
	}
	shown, _ := w.apps.news()
	leases, _ := w.leases.news()
	if err := w.restart(ctx); err != nil {
		return err
	}
	if err := until(ctx, outcomeTimeout, func(ctx context.Context) (bool, error) {
		used, err := w.server.usage(ctx)
		if err == nil && used.looks < float64(w.n) {
			err = pass(ctx, lookEvery)
		}
		return used.looks >= float64(w.n), err
	}); err != nil {
		return err
	}
	w.curve.restart = time.Since(w.server.started)
	used, err := w.settle(ctx)
	if err != nil {
		return err
	}
	written, _ := w.apps.news()
	renewed, _ := w.leases.news()
	w.sheet.add(figure{what: "start, all synced already: until all are compared", measured: []amount{lasting(w.curve.restart)},
		limit: rounded(w.limits.clone+list) + ", a clone and lists", targets: []amount{lasting(15 * time.Second)}})
	w.sheet.add(figure{what: "start, all synced already: API writes, but the Lease", measured: []amount{number(float64(int(used.writes()) - (renewed - leases)))},
		limit: "0", targets: []amount{number(0)}})
	w.sheet.add(figure{what: "start, all synced already: changes of Applications", measured: []amount{number(float64(written - shown))},
		limit: "0", targets: []amount{number(0)}})
	w.sheet.add(figure{what: "start, all synced already: CPU, looks", measured: []amount{lasting(used.cpu), number(used.looks)}})
	w.sheet.add(figure{what: "start, all synced already: resident memory", measured: []amount{memory(used.rss)}, targets: []amount{memory(150 << 20)}})
	return nil
}

// lookEvery is the time between two looks at the server's metrics, which cost it CPU time.
const lookEvery = 400 * time.Millisecond

// listAll lists Applications and their objects, as a bare client does.
func listAll(ctx context.Context, w *world) error {
	for _, list := range []struct {
		of        client.ObjectList
		namespace string
	}{{&v1alpha1.ApplicationList{}, control}, {&corev1.ConfigMapList{}, target}, {&appsv1.DeploymentList{}, target}} {
		if err := w.cluster.client.List(ctx, list.of, client.InNamespace(list.namespace)); err != nil {
			return err
		}
	}
	return nil
}

package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// oneCommit measures commits that touch one Application each. Some come while the server is quiet, which shows what
// each costs; the rest come one after the other, while the others are still being told of the commits before.
func oneCommit(ctx context.Context, w *world) error {
	var alone, live, recorded []time.Duration
	var untilLive, inAll []time.Duration
	var used usage
	for k := range min(medianOf, w.samples) {
		i := place(k, medianOf, w.n)
		before, err := w.settle(ctx)
		if err != nil {
			return err
		}
		c, err := w.change(ctx, i, fmt.Sprintf("alone-%d", k))
		if err != nil {
			return err
		}
		if used, err = w.since(ctx, before); err != nil {
			return err
		}
		all, err := w.settle(ctx)
		if err != nil {
			return err
		}
		_, last := w.apps.news()
		alone, recorded = append(alone, c.live), append(recorded, last.Sub(c.pushed))
		untilLive, inAll = append(untilLive, c.cpu), append(inAll, all.since(before).cpu)
	}
	for k := range w.samples {
		c, err := w.change(ctx, place(k, w.samples, w.n), fmt.Sprintf("row-%d", k))
		if err != nil {
			return err
		}
		live = append(live, c.live)
	}
	w.curve.change = quantile(alone, 0.5)
	goal, cheap := []amount{lasting(300 * time.Millisecond), lasting(time.Second)}, []amount{lasting(200 * time.Millisecond)}
	limit := rounded(w.limits.one()) + ", fetch, render, apply"
	w.sheet.add(figure{what: "a commit to one, webhook → live: p50, p99", measured: spread(alone), limit: limit, targets: goal})
	w.sheet.add(figure{what: "one after the other, all over the list: p50, p99", measured: spread(live), limit: limit, targets: goal})
	w.sheet.add(figure{what: "a commit to one: CPU until live", measured: []amount{lasting(quantile(untilLive, 0.5))}, limit: rounded(w.limits.render) + ", one render", targets: cheap})
	w.sheet.add(figure{what: "a commit to one: renders", measured: renders(used), limit: "1", targets: rendered(used, 1)})
	w.sheet.add(figure{what: "a commit to one: CPU with what is recorded of the others", measured: []amount{lasting(quantile(inAll, 0.5))}, targets: []amount{lasting(2 * time.Second)}})
	w.sheet.add(figure{what: "a commit to one: until that is recorded", measured: []amount{lasting(quantile(recorded, 0.5))}})
	_, err := w.settle(ctx)
	return err
}

// rendered is the target of a number of renders, where they are counted.
func rendered(u usage, n float64) []amount {
	if u.renders < 0 {
		return nil
	}
	return []amount{number(n)}
}

// changed is what a commit to one Application has cost.
type changed struct {
	pushed    time.Time
	live, cpu time.Duration
}

// change commits to what the i-th Application alone reads, and waits until that is live.
func (w *world) change(ctx context.Context, i int, value string) (changed, error) {
	if err := w.repo.commit(ctx, "Change "+appName(i), map[string]string{settingsFile(i): settings(value)}); err != nil {
		return changed{}, err
	}
	done := w.maps.expectOne(settingsName(i), func(m *corev1.ConfigMap) bool { return m.Data["own"] == value })
	before, err := w.server.cpu()
	if err != nil {
		return changed{}, err
	}
	pushed := time.Now()
	if err := w.server.pushed(ctx, w.repo.url); err != nil {
		return changed{}, err
	}
	ended, err := at(ctx, "the change of "+appName(i), done)
	if err != nil {
		return changed{}, err
	}
	after, err := w.server.cpu()
	return changed{pushed, ended.Sub(pushed), after - before}, err
}

// baseCommit measures a commit to what all Applications are made of.
func baseCommit(ctx context.Context, w *world) error {
	const value = "second"
	if err := w.repo.commit(ctx, "Change the base", map[string]string{"base/settings.yaml": baseSettings(value)}); err != nil {
		return err
	}
	before, err := w.settle(ctx)
	if err != nil {
		return err
	}
	done := w.maps.expect(w.n, func(m *corev1.ConfigMap) bool { return m.Data["shared"] == value })
	pushed := time.Now()
	if err := w.server.pushed(ctx, w.repo.url); err != nil {
		return err
	}
	ended, err := at(ctx, "the change of the base", done)
	if err != nil {
		return err
	}
	used, err := w.since(ctx, before)
	if err != nil {
		return err
	}
	all, err := w.settle(ctx)
	if err != nil {
		return err
	}
	_, last := w.apps.news()
	w.curve.base = ended.Sub(pushed)
	w.sheet.add(figure{what: "a commit to the base of all, webhook → all live", measured: []amount{lasting(w.curve.base)},
		limit: ofBare(w.limits.bare, w.curve.base), targets: []amount{lasting(w.limits.bare * 3 / 2)}})
	w.sheet.add(figure{what: "a commit to the base of all: CPU until live", measured: []amount{lasting(used.cpu)}})
	w.sheet.add(figure{what: "a commit to the base of all: renders", measured: renders(used), limit: fmt.Sprint(w.n), targets: rendered(used, float64(w.n))})
	w.sheet.add(figure{what: "a commit to the base of all: API calls an Application", measured: []amount{number(all.since(before).calls() / float64(w.n))}, limit: "1, a bare client"})
	w.sheet.add(figure{what: "a commit to the base of all: until all say so", measured: []amount{lasting(last.Sub(pushed))}})
	return nil
}

package devloop

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/skaffold"
	"github.com/cyan-cd/cyan/internal/validate"
)

// prepare renders the manifests and checks them, before any time is spent on images.
func (l *loop) prepare(ctx context.Context) ([]*unstructured.Unstructured, error) {
	began := time.Now()
	if err := l.hooks.run(ctx, l.project.Manifests.Hooks.Before, "", nil); err != nil {
		return nil, err
	}
	if len(l.project.Manifests.Hooks.Before) > 0 {
		l.manifests.prepared = window(began)
	}
	rendered, warnings, err := l.manifests.render(l.project, render.Options{Namespace: l.claim.namespace, Keys: l.Keys})
	if err == nil {
		err = l.hooks.run(ctx, l.project.Manifests.Hooks.After, "", nil)
	}
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		l.note(w)
	}
	wanted := kindsOf(rendered)
	if slices.ContainsFunc(rendered, isRollout) {
		l.rollouts.begin(ctx, &l.tasks)
		if _, _, served := l.reader.Resource(v1alpha1.GroupVersion.WithKind(v1alpha1.RolloutKind)); !served {
			l.rollouts.await(ctx)
			l.reader.Forget()
		}
	}
	kinds, err := l.reader.Kinds(ctx, wanted)
	if err != nil {
		return nil, err
	}
	placed, err := desired.In(rendered, desired.Place{Namespace: l.claim.namespace, Own: l.claim.own, Loop: l.claim.loop, Leaves: l.leaves, Labels: l.Labels, Namespaced: kinds.All()})
	if err != nil {
		return nil, err
	}
	l.hide(placed.Objects)
	if l.leaves {
		if err := leavesRollouts(l.reader, placed.Objects); err != nil {
			return nil, err
		}
	}
	for _, n := range placed.Notes {
		l.note(n)
	}
	if found := check(l.project, rendered, &validate.Known{DefaultNamespace: l.claim.namespace}); len(found) > 0 {
		return nil, together(found)
	}
	if l.deployed {
		return placed.Objects, nil
	}
	return placed.Objects, l.applier.check(ctx, placed.Objects)
}

// together returns several problems as one error.
func together(found []*problem.Error) error {
	if len(found) == 1 {
		return found[0]
	}
	lines := make([]string, len(found))
	for i, f := range found {
		lines[i] = f.Error()
	}
	return &problem.Error{Kind: problem.Usage, Cause: strings.Join(lines, "\n")}
}

func kindsOf(rendered []render.Rendered) []schema.GroupVersionKind {
	seen := map[schema.GroupVersionKind]bool{}
	var all []schema.GroupVersionKind
	for _, r := range rendered {
		if kind := r.Object.GroupVersionKind(); !seen[kind] {
			seen[kind] = true
			all = append(all, kind)
		}
	}
	return all
}

// follow looks at what was deployed until it is ready, and reports why it is not.
func (l *loop) follow(ctx context.Context, round int, objects []*unstructured.Unstructured, generations map[apply.Ref]int64, current func(*corev1.Pod) bool, since time.Time) {
	var workloads []*unstructured.Unstructured
	for _, object := range objects {
		if workloadKinds[object.GroupVersionKind().GroupKind()] {
			workloads = append(workloads, object)
		}
	}
	changes, end := l.scene.look()
	defer end()
	late := time.NewTimer(deadlineOf(l.project))
	defer late.Stop()
	start, shown := time.Now(), ""
	for {
		seen, err := l.scene.stateOf(ctx, workloads, generations, current)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			l.report(Event{Kind: NotReady, Round: round, Text: err.Error(), Err: err})
			return
		case seen.ready():
			l.hooks.ready(ctx, l.project.Deploy.Hooks.After, Event{Kind: Ready, Round: round, Took: time.Since(start), Total: time.Since(since)})
			return
		}
		if text := strings.Join(seen.failing, "\n"); text != "" && text != shown {
			shown = text
			l.report(Event{Kind: NotReady, Round: round, Text: withLog(text, l.scene.lastLog(ctx, current)), Total: time.Since(since), Err: errNotReady})
		}
		if text := "for " + strings.Join(seen.waiting, ", "); len(seen.failing) == 0 && text != shown {
			shown = text
			l.report(Event{Kind: Waiting, Round: round, Text: text})
		}
		select {
		case <-ctx.Done():
			return
		case <-changes:
		case <-late.C:
			l.report(Event{Kind: NotReady, Round: round, Text: "still waiting for " + strings.Join(seen.waiting, ", "), Total: time.Since(since), Err: errNotReady})
		}
	}
}

var errNotReady = errors.New("not ready")

// defaultDeadline is how long pods may take until that is said.
const defaultDeadline = 2 * time.Minute

func deadlineOf(p skaffold.Project) time.Duration {
	if s := p.Deploy.StatusCheckSeconds; s > 0 {
		return time.Duration(s) * time.Second
	}
	return defaultDeadline
}

func withLog(text, log string) string {
	if log == "" {
		return text
	}
	return text + "\n" + log
}

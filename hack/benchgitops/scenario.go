package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// scenario measures one thing.
type scenario struct {
	name, what string
	run        func(context.Context, *world) error
}

// manyApplications are measured one after the other in one cluster, whose N Applications are synced by then.
var manyApplications = []scenario{
	{"first-sync", "N Applications that were never synced", firstSync},
	{"idle", "nothing happens", idle},
	{"commit", "commits that touch one Application each, at places all over the list", oneCommit},
	{"base", "a commit to what all Applications are made of", baseCommit},
	{"drift", "objects are deleted and edited by hand", drift},
	{"restart", "the server starts where all Applications are synced already", restart},
	{"others", "the cluster has many other objects of the same kinds", otherObjects},
	{"hostile", "repositories that mean harm, among the others", hostile},
	{"pages", "open pages while Applications change, the server on one processor", openPages},
	{"logins", "strangers try passwords, the server on one processor", logIns},
}

// alone are measured in a cluster each.
var alone = []scenario{
	{"large", "one Application of many objects", largeApplication},
	{"rollouts", "many Rollouts get a new version", manyRollouts},
}

// selection is a set of scenarios by name; nil are all.
type selection []string

func (s selection) has(name string) bool { return s == nil || slices.Contains(s, name) }

// any reports whether one of some scenarios is in the selection.
func (s selection) any(of []scenario) bool {
	return slices.ContainsFunc(of, func(one scenario) bool { return s.has(one.name) })
}

// selected reads names with commas between them; none at all are all scenarios.
func selected(text string) (selection, error) {
	if text == "" {
		return nil, nil
	}
	var known []string
	for _, one := range slices.Concat(manyApplications, alone) {
		known = append(known, one.name)
	}
	var s selection
	for name := range strings.SplitSeq(text, ",") {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("-only %s: scenario %q not found; choose among %s", text, name, strings.Join(known, ", "))
		}
		s = append(s, name)
	}
	return s, nil
}

// measure runs what is selected, each number of Applications in a cluster of its own.
func measure(ctx context.Context, o options, s *sheet) ([]curve, error) {
	var curves []curve
	var errs []error
	for _, n := range o.counts {
		if !o.only.any(manyApplications) {
			break
		}
		s.begin(fmt.Sprintf("%d Applications", n))
		errs = append(errs, inWorld(ctx, o, s, 1, func(ctx context.Context, w *world) error {
			w.n = n
			err := w.all(ctx)
			curves = append(curves, w.curve)
			return err
		}))
	}
	for _, one := range alone {
		if !o.only.has(one.name) {
			continue
		}
		s.begin(strings.ToUpper(one.what[:1]) + one.what[1:])
		errs = append(errs, inWorld(ctx, o, s, rolloutNodes, func(ctx context.Context, w *world) error { return w.scene(ctx, one) }))
	}
	return curves, errors.Join(errs...)
}

// all runs the scenarios of many Applications. The first sync is what the others begin with; of the others, one that
// fails keeps none from running.
func (w *world) all(ctx context.Context) error {
	if err := prepare(ctx, w); err != nil {
		return err
	}
	var errs []error
	for i, one := range manyApplications {
		first := i == 0
		if !first && !w.only.has(one.name) {
			continue
		}
		err := w.scene(ctx, one)
		errs = append(errs, err)
		if ctx.Err() != nil || first && err != nil {
			break
		}
	}
	return errors.Join(errs...)
}

// scene runs one scenario, with profiles of it if these are asked for.
func (w *world) scene(ctx context.Context, one scenario) error {
	stop := w.profile(ctx, one.name)
	err := one.run(ctx, w)
	stop()
	if err != nil {
		w.sheet.add(figure{what: one.what, failed: err.Error()})
		return fmt.Errorf("%s: %w", one.name, err)
	}
	return nil
}

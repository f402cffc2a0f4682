package devloop

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/devloop/decide"
	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Once is how a project is deployed once: nothing is watched, and what runs is left.
type Once struct {
	// Images are those that were built before, by their names; nil builds all.
	Images map[string]string
	// Unchecked does not wait until what is deployed is ready.
	Unchecked bool
	// Patient goes on waiting until the deadline where something fails meanwhile.
	Patient bool
	// Stays goes on with logs and forwards until ctx ends.
	Stays bool
}

// Deploy builds a project, deploys it, waits until it is ready, and leaves it.
func Deploy(ctx context.Context, o Options, once Once) error {
	to, report := newOutcome(), o.Report
	o.Report = func(e Event) {
		to.see(e)
		report(e)
	}
	// The loop ends soon: whoever carries out the Rollouts of others carries out these.
	o.Rollouts, o.Whole = nil, true
	defer mute()
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	o.end = stop
	l, err := connect(running, o)
	if err != nil {
		return err
	}
	defer l.builds.close()
	l.leaves = true
	err = single{l, once, to}.run(running)
	if cause := context.Cause(running); ctx.Err() == nil && cause != nil {
		err = cause
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), endWithin)
	defer cancel()
	return errors.Join(err, l.claim.release(end), l.claim.note.remove())
}

// single is a loop of one round.
type single struct {
	*loop
	how Once
	to  *outcome
}

// run carries the round out.
func (l single) run(ctx context.Context) error {
	ctx, end := context.WithCancel(ctx)
	defer l.tasks.Wait()
	defer end()
	l.tasks.Go(func() {
		l.claim.keep(ctx, func(err error) { l.note("the hold on the namespace cannot be renewed: " + err.Error()) })
	})
	if l.how.Stays {
		l.logs.begin(ctx, &l.tasks)
	}
	since := time.Now()
	objects, err := l.prepare(ctx)
	if err != nil {
		return err
	}
	refs := l.how.Images
	if refs == nil {
		if refs, err = l.buildAll(ctx, since); err != nil {
			return err
		}
	}
	l.deploy(ctx, objects, refs, since, func(context.Context) {})
	if err := l.to.deployed(); err != nil || ctx.Err() != nil {
		return cmp.Or(err, context.Cause(ctx))
	}
	// What stands behind a deployment is run once all is ready.
	if !l.how.Unchecked || len(l.project.Deploy.Hooks.After) > 0 {
		if err := l.to.settled(ctx, l.how.Patient, deadlineOf(l.project), func() error { return l.unattended(ctx, objects) }); err != nil {
			return err
		}
	}
	if l.how.Stays {
		<-ctx.Done()
	}
	return nil
}

// buildAll builds all images.
func (l single) buildAll(ctx context.Context, since time.Time) (map[string]string, error) {
	l.round = 1
	project, running := l.observe()
	work := decide.Next(project, running, nil)
	if _, err := l.hooks.between(ctx, l.project.Hooks, work.Build, func() bool { return l.builds.build(ctx, l.round, since, work) }); err != nil {
		return nil, err
	}
	refs, complete := l.builds.refs()
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case !complete:
		return nil, &problem.Error{Kind: problem.Negative, Object: l.project.Name, Cause: "not deployed, since not all of its images are built", Remedy: "correct what is shown above"}
	}
	return refs, nil
}

// outcome is what events come to.
type outcome struct {
	// failed is why objects could not be applied; ready and notReady are signalled once.
	failed          error
	ready, notReady chan string
}

func newOutcome() *outcome {
	return &outcome{ready: make(chan string, 1), notReady: make(chan string, 1)}
}

// see notes what an event says. It is called by one goroutine at a time.
func (o *outcome) see(e Event) {
	to := o.ready
	switch e.Kind {
	case DeployFailed:
		o.failed = e.Err
		return
	case Ready:
	case NotReady:
		to = o.notReady
	default:
		return
	}
	select {
	case to <- e.Text:
	default:
	}
}

// deployed returns why objects could not be applied.
func (o *outcome) deployed() error {
	if o.failed == nil {
		return nil
	}
	return &problem.Error{Kind: problem.Negative, Object: "deployment", Cause: "not all objects could be applied", Remedy: "correct what is shown above", Err: o.failed}
}

// settled waits until what was deployed is ready, and returns why it is not.
// Some time on, stuck is asked for why it never will be.
func (o *outcome) settled(ctx context.Context, patient bool, deadline time.Duration, stuck func() error) error {
	failed := o.notReady
	if patient {
		failed = nil
	}
	late, look := time.NewTimer(deadline), time.NewTimer(attendedWithin)
	defer late.Stop()
	defer look.Stop()
	select {
	case <-o.ready:
		return nil
	case <-look.C:
		if err := stuck(); err != nil {
			return err
		}
		return o.settled(ctx, patient, deadline-attendedWithin, func() error { return nil })
	case <-failed:
		return &problem.Error{Kind: problem.Negative, Object: "deployment", Cause: "not ready", Remedy: "correct what is shown above"}
	case <-late.C:
		return &problem.Error{Kind: problem.Negative, Object: "deployment", Cause: fmt.Sprintf("not ready after %s", deadline), Remedy: "correct what is shown above, or give it more time with deploy.statusCheckDeadlineSeconds"}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// attendedWithin is how long whoever carries out Rollouts may take to see one.
const attendedWithin = 20 * time.Second

// unattended returns an error where a Rollout was seen by nobody who would carry it out.
func (l single) unattended(ctx context.Context, objects []*unstructured.Unstructured) error {
	for _, object := range objects {
		if !desired.IsRollout(object) {
			continue
		}
		seen, err := l.reader.Client.Get(ctx, object.GroupVersionKind(), object.GetNamespace(), object.GetName())
		if err != nil || seen == nil {
			continue
		}
		if _, there, _ := unstructured.NestedFieldNoCopy(seen.Object, "status", "observedGeneration"); !there {
			return &problem.Error{
				Kind: problem.Negative, Object: "Rollout " + object.GetName(), Cause: "deployed, and nobody carries it out",
				Remedy: "start `cyan server`, or run it with `skaffold dev`, which carries Rollouts out itself",
			}
		}
	}
	return nil
}

// leavesRollouts returns an error where Rollouts would be left that nobody carries out.
func leavesRollouts(reader *live.Reader, objects []*unstructured.Unstructured) error {
	if _, _, served := reader.Resource(v1alpha1.GroupVersion.WithKind(v1alpha1.RolloutKind)); served {
		return nil
	}
	if i := slices.IndexFunc(objects, desired.IsRollout); i >= 0 {
		return &problem.Error{
			Kind: problem.Refused, Object: "Rollout " + objects[i].GetName(), Cause: "the cluster does not serve Rollouts, and nobody carries them out",
			Remedy: "start `cyan server`, or run it with `skaffold dev`, which carries them out itself",
		}
	}
	return nil
}

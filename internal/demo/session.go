package demo

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/cli"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/controller"
	"github.com/cyan-cd/cyan/internal/delivery"
	"github.com/cyan-cd/cyan/internal/rollout"
)

const (
	appName       = "request-counter"
	rolloutName   = "app"
	activeService = "active-service"
	// requestInterval is the time between two requests of one sender.
	requestInterval = 20 * time.Millisecond
	// switchTimeout bounds one change on a slow machine.
	switchTimeout = 5 * time.Minute
	// firstTimeout bounds the first deployment, which compiles and starts everything.
	firstTimeout = 10 * time.Minute
)

// run shows the way of each commit, once all is up.
func (s *session) run(ctx context.Context) (Summary, error) {
	summary := Summary{Simulated: s.target.simulated}
	err := s.repo.createClone(ctx, s.Example, s.Edit)
	if err != nil {
		return summary, err
	}
	s.done("your code", s.repo.clone, 0)
	s.line("")
	if !s.repo.hasDigests() {
		if err := s.deliverFirst(ctx); err != nil {
			return summary, err
		}
	}
	s.repo.discardPushes()
	if err := deploy(ctx, s); err != nil {
		return summary, err
	}
	if s.watcher, err = watch(ctx, s.target.config, s.target.namespace); err != nil {
		return summary, err
	}
	senders, err := s.target.senders(ctx, s.watcher, activeService)
	if err != nil {
		return summary, err
	}
	if err := s.waitForAnswers(ctx, senders); err != nil {
		return summary, err
	}
	s.load = StartLoad(ctx, requestInterval, senders...)
	defer s.load.Stop()
	s.line("")
	who := "A client sends"
	if s.target.simulated {
		who = "A simulated client makes"
	}
	s.line(fmt.Sprintf("  %s %d requests a second to %s from now on.", who, len(senders)*int(time.Second/requestInterval), activeService))
	for range s.Rounds {
		if err := s.round(ctx, &summary); err != nil {
			summary.Requests = s.load.Tally()
			return summary, err
		}
	}
	summary.Requests = s.load.Stop()
	report(s.printer, summary)
	s.printNext()
	if s.Stay {
		return summary, s.stay(ctx)
	}
	return summary, nil
}

// deliverFirst builds and sets both images, as a push of the whole example asks for.
func (s *session) deliverFirst(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, firstTimeout, errors.New("the first images were not built in time"))
	defer cancel()
	commit, err := s.repo.head(ctx)
	if err != nil {
		return err
	}
	for _, program := range []string{"redis", "app"} {
		start := time.Now()
		s.command(s.deliveries.command(program)...)
		result, err := s.deliveries.run(ctx, program, commit)
		if err != nil {
			return err
		}
		s.done(program, fmt.Sprintf("built, pushed, and committed as %.7s", result.Landed), time.Since(start))
	}
	return nil
}

// deploy has the Application, and waits until what it deploys is healthy.
func deploy(ctx context.Context, s *session) error {
	ctx, cancel := context.WithTimeoutCause(ctx, firstTimeout, errors.New("the first deployment did not become healthy in time"))
	defer cancel()
	sch, err := scheme()
	if err != nil {
		return err
	}
	c, err := client.New(s.target.config, client.Options{Scheme: sch})
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", s.target.config.Host, err)
	}
	if err := haveApplication(ctx, c, s); err != nil {
		return err
	}
	return untilHealthy(ctx, c, s.printer)
}

var appKey = client.ObjectKey{Namespace: controller.DefaultControlNamespace, Name: appName}

// haveApplication makes the Application, or has one of an earlier run compared anew.
func haveApplication(ctx context.Context, c client.Client, s *session) error {
	app := &v1alpha1.Application{}
	err := c.Get(ctx, appKey, app)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("looking for Application %s: %w", appName, err)
	}
	sources := app.Spec.GetSources()
	if len(sources) != 1 || sources[0].RepoURL != s.repo.url {
		return s.createApplication(ctx)
	}
	return refresh(ctx, c, app)
}

// untilHealthy waits until what the Application deploys is healthy.
func untilHealthy(ctx context.Context, c client.Client, p *printer) error {
	start := time.Now()
	p.status("waiting for " + appName + " to be synced and healthy")
	app := &v1alpha1.Application{}
	for {
		if err := c.Get(ctx, appKey, app); err != nil {
			return fmt.Errorf("looking at Application %s: %w", appName, err)
		}
		if isHealthy(app) {
			revision := app.Status.Sync.Revision
			p.done(appName, "Synced and Healthy at "+revision[:min(7, len(revision))], time.Since(start))
			return nil
		}
		p.status(waitingFor(app))
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %s", context.Cause(ctx), waitingFor(app))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func isHealthy(app *v1alpha1.Application) bool {
	status := app.Status
	return status.Sync.Status == v1alpha1.Synced && status.Health.Status == v1alpha1.HealthHealthy &&
		status.ReconciledAt != nil && app.Annotations[v1alpha1.RefreshAnnotation] == ""
}

// refresh asks for a new comparison, since the status may be of an earlier run. The annotation goes when it has been
// made.
func refresh(ctx context.Context, c client.Client, app *v1alpha1.Application) error {
	for _, p := range action.Refresh(action.RefreshNormal).Patches {
		if err := c.Patch(ctx, app, client.RawPatch(p.Type, p.Body)); err != nil {
			return fmt.Errorf("refreshing Application %s: %w", appName, err)
		}
	}
	return nil
}

func waitingFor(app *v1alpha1.Application) string {
	status := app.Status
	if len(status.Conditions) > 0 {
		return fmt.Sprintf("%s: %s", appName, status.Conditions[0].Message)
	}
	words := []string{appName, "is", string(status.Sync.Status), "and", string(status.Health.Status)}
	if status.Sync.Status == "" {
		words = []string{appName, "has no status yet"}
	}
	return strings.Join(words, " ")
}

// createApplication calls the command that a person would type, shown as it is.
func (s *session) createApplication(ctx context.Context) error {
	args := []string{
		"app", "create", appName, "--repo", s.repo.url, "--path", overlay, "--dest-server", "https://kubernetes.default.svc", "--dest-namespace", s.target.namespace,
		"--sync-policy", "automated", "--auto-prune", "--self-heal",
	}
	if s.target.namespace != "default" {
		args = append(args, "--sync-option", "CreateNamespace=true")
	}
	s.command(append([]string{"cyan"}, args...)...)
	var out strings.Builder
	command := cli.New("cyan", "", kit.Streams{In: strings.NewReader(""), Out: &out, Err: &out})
	command.SetArgs(append(append(args, "--upsert"), s.target.flags...))
	if err := command.ExecuteContext(ctx); err != nil {
		return fmt.Errorf("creating the Application: %w", err)
	}
	return nil
}

// steadyAnswers is how many answers show that a version that has just come up, maybe with its whole cluster, is steady.
const steadyAnswers = 10

// waitForAnswers waits until all pods are there and answer.
func (s *session) waitForAnswers(ctx context.Context, senders []Send) error {
	ctx, cancel := context.WithTimeoutCause(ctx, firstTimeout, errors.New("the app does not answer"))
	defer cancel()
	var trouble error
	answers := 0
	err := s.watcher.waitUntil(ctx, func() (bool, error) {
		v, ok, err := s.watcher.view(ctx)
		if err != nil || !ok || v.Replicas.Available < v.Replicas.Desired || v.Phase != v1alpha1.RolloutHealthy {
			s.status("waiting for all pods of " + rolloutName)
			return false, err
		}
		s.status("waiting for " + activeService + " to answer")
		for answers = 0; answers < steadyAnswers*len(senders); answers++ {
			if _, trouble = senders[answers%len(senders)](ctx); trouble != nil {
				return false, nil
			}
		}
		return true, nil
	})
	s.status("")
	if err != nil && trouble != nil {
		return fmt.Errorf("%w: %w", err, trouble)
	}
	return err
}

// round pushes a change and follows it until the old version is gone.
func (s *session) round(ctx context.Context, summary *Summary) error {
	ctx, cancel := context.WithTimeoutCause(ctx, switchTimeout, errors.New("the new version did not get the traffic in time"))
	defer cancel()
	s.line("")
	if err := s.printBefore(ctx); err != nil {
		return err
	}
	version, at, err := s.repo.pushNextVersion(ctx)
	if err != nil {
		return err
	}
	got, err := s.repo.awaitPush(ctx)
	if err != nil {
		return err
	}
	s.step(2, got.at.Sub(at), fmt.Sprintf("you push %.7s to %s: %s reports %s", got.commit, branch, filepath.Base(versionFile), version))
	round, err := s.follow(ctx, got, at, version)
	summary.Rounds = append(summary.Rounds, round)
	return err
}

// printBefore prints how things are before the change.
func (s *session) printBefore(ctx context.Context) error {
	v, ok, err := s.watcher.view(ctx)
	if err != nil {
		return err
	}
	active := service(v, rollout.RoleActive)
	if !ok || active == nil {
		return fmt.Errorf("Rollout %s: no active Service found in namespace %s", rolloutName, s.target.namespace)
	}
	s.step(1, 0, fmt.Sprintf("revision %d is behind %s, with %s", active.Revision, active.Name, readyPods(v.Replicas.Available)))
	return nil
}

// follow prints how a push gets to the traffic.
func (s *session) follow(ctx context.Context, p push, at time.Time, version string) (Round, error) {
	round := Round{Version: version, Commit: p.commit, Pushed: at}
	before, _, err := s.watcher.view(ctx)
	if err != nil {
		return round, err
	}
	ro, err := s.watcher.rollout(ctx)
	if err != nil {
		return round, err
	}
	change := NewSwitchover(before, ro.Spec.Strategy.PromotesAfter())
	s.step(3, time.Since(at), "the push starts a delivery")
	s.detail(strings.Join(s.deliveries.command("app"), " "))
	s.status("building")
	result, err := s.deliveries.run(ctx, "app", p.commit)
	if err != nil {
		return round, err
	}
	landed := time.Now()
	s.step(4, landed.Sub(at), fmt.Sprintf("built, pushed, set in the overlay, checked, and committed as %.7s", result.Landed))
	s.detail(result.Image)
	err = s.watcher.waitUntil(ctx, func() (bool, error) {
		v, _, err := s.watcher.view(ctx)
		if err != nil {
			return false, err
		}
		for _, milestone := range change.Observe(v, time.Now()) {
			s.step(milestone.Step, milestone.At.Sub(at), milestone.Text)
		}
		s.status(doing(v))
		return change.Done(), nil
	})
	s.status("")
	round.Timeline = timeline(at, result.Timeline, change, landed)
	round.Switched = change.Switched()
	round.FirstAnswer = s.load.Tally().First[s.answersAs(before, version)]
	if err != nil {
		v, _, _ := s.watcher.view(ctx)
		return round, fmt.Errorf("%w: Rollout %s is %s: %s", err, rolloutName, v.Phase, v.Message)
	}
	return round, nil
}

// answersAs returns what the client gets from a new version.
func (s *session) answersAs(before rollout.View, version string) string {
	if !s.target.simulated {
		return version
	}
	// Simulated pods have no code to report a version; their hash stands for it.
	old := service(before, rollout.RoleActive)
	for hash := range s.load.Tally().First {
		if old == nil || hash != old.Hash {
			version = hash
		}
	}
	return version
}

func timeline(at time.Time, delivered delivery.Timeline, change *Switchover, landed time.Time) delivery.Timeline {
	line := delivery.Timeline{}.With(delivery.Stage{Step: delivery.Hear, Started: at, Took: 0})
	if len(delivered) > 0 {
		line[0].Took = max(0, delivered[0].Started.Sub(at))
	}
	for _, stage := range delivered {
		line = line.With(stage)
	}
	for _, stage := range change.Stages(landed) {
		line = line.With(stage)
	}
	return line
}

func doing(v rollout.View) string {
	for _, step := range v.Steps {
		if step.State == rollout.StepCurrent {
			text := step.Name
			if step.Detail != "" {
				text += ": " + step.Detail
			}
			if step.Request != "" {
				text += " with `cyan rollout " + step.Request + " " + v.Name + "`"
			}
			return text
		}
	}
	return strings.TrimSpace(string(v.Phase) + " " + v.Message)
}

// stay delivers what is pushed from now on.
func (s *session) stay(ctx context.Context) error {
	senders, err := s.target.senders(ctx, s.watcher, activeService)
	if err != nil {
		return err
	}
	for {
		s.status("waiting for your next push; Ctrl-C ends it")
		var p push
		select {
		case <-ctx.Done():
			s.status("")
			s.line(s.farewell())
			return nil
		case p = <-s.repo.pushes:
		}
		s.status("")
		if err := s.followPush(ctx, p, senders); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			s.warn(err.Error())
		}
	}
}

// followPush follows a push that somebody else made.
func (s *session) followPush(ctx context.Context, p push, senders []Send) error {
	if own, err := s.deliveries.isOwn(ctx, p.commit); own || err != nil {
		return err
	}
	s.load = StartLoad(ctx, requestInterval, senders...)
	defer s.load.Stop()
	s.line("")
	if err := s.printBefore(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, switchTimeout, errors.New("the new version did not get the traffic in time"))
	defer cancel()
	s.step(2, 0, fmt.Sprintf("you push %.7s to %s", p.commit, branch))
	round, err := s.follow(ctx, p, p.at, s.repo.versionOf(ctx, p.commit))
	if err != nil {
		return err
	}
	report(s.printer, Summary{Simulated: s.target.simulated, Rounds: []Round{round}, Requests: s.load.Stop()})
	return nil
}

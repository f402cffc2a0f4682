// Package deliver carries a delivery out: it builds a commit's image and pushes it, sets it in an overlay, checks
// what that renders to, and commits it back. Package delivery decides.
package deliver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"

	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/internal/delivery"
	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/source"
)

// Options are one run.
type Options struct {
	// Repo is the folder of a git checkout or the URL of a repository, and Revision what is built of it; "" is what
	// is checked out, or the default branch.
	Repo, Revision string
	// Credentials open Repo where it is a URL.
	Credentials source.Credentials
	// Context is the folder in Repo that is built, a slash-separated path; "" is all of it.
	Context string
	// Image is what to build, as HOST/PATH, or NAME=HOST/PATH where the manifests call it NAME.
	Image string
	// Package, Dockerfile, Platform, BuildArgs and Builder go to the builder; see image.Request.
	Package, Dockerfile, Platform, Builder string
	BuildArgs                              map[string]string
	// Overlay is the folder of the kustomization that gets the image, a slash-separated path in the repository that
	// is committed to.
	Overlay string
	// ConfigRepo is the repository that is committed to; where its URL is empty it is Repo itself, or its remote
	// origin.
	ConfigRepo source.Repository
	// Branch is the branch that is committed to; "" is the one that is built, or main.
	Branch string
	// Push uploads the image and the commit. Without it the run is a rehearsal: everything is done and checked, and
	// nothing leaves this machine.
	Push bool
	// Mirrors hold the repository that is committed to. Runs that share them keep the order of their commits.
	Mirrors    *source.Mirrors
	Registries image.Registries
	// Cluster is asked whether it would take the objects; nil asks none. ClusterNeeded makes an unreachable cluster
	// an error.
	Cluster       *rest.Config
	ClusterNeeded bool
	// Namespace is where objects go that name none; "default" when empty.
	Namespace string
	// Author is who commits; Cyan when it is empty.
	Author source.Person
	// Output gets what compilers and builders print; nil drops it.
	Output io.Writer
}

// Event is something that a run has reached, for a reader.
type Event struct {
	Step delivery.Step
	// Took is how long the step took; zero while it goes on.
	Took time.Duration
	Text string
}

// Result is how a run ended.
type Result struct {
	// Source is the commit that was built.
	Source string `json:"source"`
	// Verdict is Commit, Nothing, Stale or Own; Unused and Invalid, and "", come with an error. Reason is for a
	// reader.
	Verdict delivery.Verdict `json:"verdict"`
	Reason  string           `json:"reason"`
	// Image is repository@digest, "" when none was built, and Builder who built it.
	Image   string `json:"image,omitempty"`
	Builder string `json:"builder,omitempty"`
	// Landed is the commit that sets the image, "" when there is none.
	Landed string `json:"landed,omitempty"`
	// Checked is who validated the objects, for a reader; "" when none had to.
	Checked string `json:"checked,omitempty"`
	// Timeline is the stages and their times.
	Timeline delivery.Timeline `json:"timeline"`
}

// run is one run on its way.
type run struct {
	Options
	report  func(Event)
	result  Result
	mark    delivery.Mark
	history *source.History
	commit  source.Commit
	setting image.Setting
	cluster *checker
	// tip is the commit that the run looked at before the build, and kustomization the file in it that gets the
	// image.
	tip, kustomization string
	// dir holds the commit's own files, whatever the checkout holds besides.
	dir  string
	plan *image.Plan
}

// Run builds a commit's image, sets it in the overlay and commits that back. A commit that Cyan made starts nothing,
// and a run that a newer one has overtaken stops; neither is an error. report gets each event; it may be nil. Nothing
// is committed when there is an error.
func Run(ctx context.Context, o Options, report func(Event)) (Result, error) {
	if report == nil {
		report = func(Event) {}
	}
	r := &run{Options: o, report: report}
	if err := r.complete(); err != nil {
		return r.result, err
	}
	err := r.deliver(ctx)
	return r.result, r.withCommit(err)
}

// withCommit names the files in an error by their commit, as git does: where they were written for the build is gone
// by now.
func (r *run) withCommit(err error) error {
	e := problem.Of(err)
	if r.dir == "" || e == nil {
		return err
	}
	short := r.commit.SHA[:min(len(r.commit.SHA), 12)]
	for _, text := range []*string{&e.Object, &e.Cause} {
		*text = strings.ReplaceAll(*text, r.dir+"/", short+":")
		*text = strings.ReplaceAll(*text, r.dir, "commit "+short)
	}
	return err
}

// complete reads what the options say, before anything is done.
func (r *run) complete() error {
	name, repository, named := strings.Cut(r.Image, "=")
	if !named {
		name, repository = "", r.Image
	}
	if named && name == "" || repository == "" {
		return &problem.Error{
			Kind: problem.Usage, Object: fmt.Sprintf("image %q", r.Image), Cause: "invalid name",
			Remedy: "give HOST/PATH, or NAME=HOST/PATH where the manifests use NAME",
		}
	}
	if err := image.ParseRepository(repository); err != nil {
		return err
	}
	if r.Overlay == "" {
		return &problem.Error{Kind: problem.Usage, Object: "overlay", Cause: "missing", Remedy: "give the folder of the kustomization that is to get the image"}
	}
	overlay := path.Clean(strings.TrimPrefix(r.Overlay, "./"))
	if path.IsAbs(overlay) || overlay == ".." || strings.HasPrefix(overlay, "../") {
		return &problem.Error{Kind: problem.Usage, Object: "overlay " + r.Overlay, Cause: "outside of the repository", Remedy: "give a path from its top"}
	}
	r.setting = image.Setting{Name: name, Repository: repository}
	r.mark.Overlay = overlay
	if r.Author.Name == "" {
		r.Author = source.Person{Name: "Cyan", Email: "cyan@localhost"}
	}
	return nil
}

func (r *run) deliver(ctx context.Context) error {
	checkout, starts, err := r.resolve(ctx)
	if err != nil || !starts {
		return err
	}
	// The cluster is asked what it serves while the image is built.
	r.cluster = newChecker(ctx, r.Cluster, r.Namespace, r.ClusterNeeded)
	defer r.cluster.close()
	if r.dir, err = os.MkdirTemp("", "cyan-build-"); err != nil {
		return fmt.Errorf("making a folder to build in: %w", err)
	}
	defer func() { _ = errors.Join(os.RemoveAll(r.dir), os.Remove(r.dir+".index")) }()
	ticket, err := r.precheck(ctx, checkout)
	if err != nil {
		return err
	}
	defer ticket.Release()
	if r.result.Verdict != "" {
		return nil
	}
	if err := r.build(ctx); err != nil {
		return err
	}
	return r.land(ctx, ticket)
}

// stage times a step and reports it.
func (r *run) stage(step delivery.Step, doing string, do func() (string, error)) error {
	r.report(Event{Step: step, Text: doing})
	start := time.Now()
	done, err := do()
	took := time.Since(start)
	if took <= 0 {
		took = time.Nanosecond // An event without a duration is one that goes on.
	}
	r.result.Timeline = r.result.Timeline.With(delivery.Stage{Step: step, Started: start, Took: took})
	if err != nil {
		return err
	}
	r.report(Event{Step: step, Took: took, Text: done})
	return nil
}

// resolve finds the commit, and reports whether it starts a run.
func (r *run) resolve(ctx context.Context) (checkout *source.Checkout, starts bool, err error) {
	err = r.stage(delivery.Resolve, "finding the commit", func() (string, error) {
		var sha string
		if checkout, sha, err = r.open(ctx); err != nil {
			return "", err
		}
		if r.commit, err = checkout.Commit(ctx, sha); err != nil {
			return "", err
		}
		r.result.Source, r.mark.SourceCommit = sha, sha
		mark, marked := delivery.ReadMark(r.commit.Trailer)
		var changed []string
		if marked {
			if changed, err = checkout.Changes(ctx, sha); err != nil {
				return "", err
			}
		}
		var reason string
		if starts, reason = delivery.Starts(mark, marked, changed); !starts {
			r.result.Verdict, r.result.Reason = delivery.Own, reason
			return reason, nil
		}
		return fmt.Sprintf("commit %.12s %s", sha, r.commit.Subject), r.findTarget(ctx, checkout)
	})
	return checkout, starts, err
}

// open finds what is built: in a working copy, or in a repository's mirror.
func (r *run) open(ctx context.Context) (*source.Checkout, string, error) {
	if source.IsURL(r.Repo) {
		repo := source.Repository{URL: r.Repo, Credentials: r.Credentials}
		if err := r.Mirrors.Refresh(ctx, repo); err != nil {
			return nil, "", err
		}
		return r.Mirrors.Checkout(ctx, repo, r.Revision)
	}
	checkout, err := source.OpenCheckout(ctx, r.Repo)
	if err != nil {
		return nil, "", err
	}
	sha, err := checkout.Resolve(ctx, r.Revision)
	return checkout, sha, err
}

// findTarget finds the repository and the branch that are committed to.
func (r *run) findTarget(ctx context.Context, checkout *source.Checkout) error {
	if r.ConfigRepo.URL == "" {
		repo, err := checkout.Remote(ctx, "origin")
		if err != nil {
			return err
		}
		r.ConfigRepo = repo
		if r.Branch == "" {
			r.Branch = checkout.Branch(ctx)
		}
	}
	if r.Branch == "" {
		r.Branch = "main"
	}
	of, err := r.Mirrors.History(r.ConfigRepo)
	if err != nil {
		return err
	}
	r.history, err = checkout.History(ctx, of)
	return err
}

// precheck takes the run's place in the line, and checks the branch before anything is built: a stale run, a missing
// kustomization and an image that is used nowhere are known by now.
func (r *run) precheck(ctx context.Context, checkout *source.Checkout) (ticket *source.Ticket, err error) {
	err = r.stage(delivery.Check, "looking at "+r.Branch+" of "+r.ConfigRepo.String(), func() (string, error) {
		var err error
		line := source.Line{Name: r.mark.Overlay + " " + cmp.Or(r.setting.Name, r.setting.Repository), Commit: r.commit.SHA, History: r.history}
		if ticket, err = r.Mirrors.Announce(ctx, r.ConfigRepo, r.Branch, line); err != nil {
			return "", err
		}
		// What another run learned of the branch a moment ago is too old to decide by.
		if err := r.Mirrors.Refresh(ctx, r.ConfigRepo); err != nil {
			return "", err
		}
		if r.tip, err = r.Mirrors.Resolve(ctx, r.ConfigRepo, r.Branch); err != nil {
			return "", err
		}
		// What the image will be is not known yet; what uses it is.
		decision, err := r.rehearse(ctx, rehearsedDigest, nil)
		if err != nil {
			return "", err
		}
		if decision.Verdict == delivery.Stale {
			r.result.Verdict, r.result.Reason = decision.Verdict, decision.Reason
			return decision.Reason, nil
		}
		if err := checkout.Export(ctx, r.commit.SHA, r.dir); err != nil {
			return "", err
		}
		if r.plan, err = image.Prepare(ctx, r.request()); err != nil {
			return "", err
		}
		return fmt.Sprintf("%s sets %s; built by %s: %s", r.kustomization, r.mark.Name, r.plan.Builder, r.plan.Reason), nil
	})
	if err != nil {
		ticket.Release()
		return nil, err
	}
	return ticket, nil
}

func (r *run) request() image.Request {
	return image.Request{
		Root: r.dir, Dir: path.Join(r.dir, r.Context), Package: r.Package, Dockerfile: r.Dockerfile, BuildArgs: r.BuildArgs, Repository: r.setting.Repository, Tag: r.commit.SHA,
		Platform: r.Platform, Builder: r.Builder, Keep: !r.Push, Created: r.commit.Committer.Time, Registries: r.Registries, Output: r.Output,
		Labels: map[string]string{"org.opencontainers.image.revision": r.commit.SHA},
	}
}

// build makes the image and pushes it.
func (r *run) build(ctx context.Context) error {
	var built image.Built
	start := time.Now()
	err := r.stage(delivery.Build, "building "+r.setting.Repository+" with "+r.plan.Builder, func() (string, error) {
		var err error
		built, err = r.plan.Build(ctx)
		return r.builtText(built), err
	})
	if err != nil {
		return err
	}
	if built.Pushed > 0 {
		// Two stages out of one call.
		r.result.Timeline = r.result.Timeline.
			With(delivery.Stage{Step: delivery.Build, Started: start, Took: time.Since(start) - built.Pushed}).
			With(delivery.Stage{Step: delivery.Push, Started: time.Now().Add(-built.Pushed), Took: built.Pushed})
	}
	r.result.Builder = r.plan.Builder
	if built.Digest != "" {
		r.result.Image = built.Ref()
	}
	r.setting.Digest, r.mark.Image = built.Digest, built.Ref()
	return nil
}

func (r *run) builtText(built image.Built) string {
	if !r.Push {
		return fmt.Sprintf("%s:%s, not pushed", built.Repository, built.Tag)
	}
	return "pushed " + built.Ref()
}

// Package deliver carries a delivery out: it builds a commit's image and pushes it, sets it in an overlay, checks
// what that renders to, and commits it back. Package delivery decides.
package deliver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/internal/delivery"
	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render/sops"
	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/validate"
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
	// Keys open files that are encrypted with SOPS.
	Keys sops.Keys
	// Known is what is known of kinds when no cluster is asked; nil for what is built in.
	Known *validate.Known
	// Namespace is where objects go that name none; "default" when empty.
	Namespace string
	// RequireClean refuses a working copy with files that are not in the commit, or a commit that no remote has.
	RequireClean bool
	// Author is who commits; Cyan when it is empty.
	Author source.Person
	// Output gets what compilers and builders print; nil drops it.
	Output io.Writer
}

// Result is how a run ended.
type Result struct {
	// Source is the commit that was built.
	Source string `json:"source"`
	// Verdict is Commit, Nothing, Stale or Own; Unused, Partial and Invalid, and "", come with an error. Reason is for a
	// reader.
	Verdict delivery.Verdict `json:"verdict"`
	Reason  string           `json:"reason"`
	// Image is repository@digest, "" when none was built, and Builder who built it.
	Image   string `json:"image,omitempty"`
	Builder string `json:"builder,omitempty"`
	// Landed is the commit that sets the image, "" when there is none.
	Landed string `json:"landed,omitempty"`
	// Warnings are what the person who delivers should know, a line each.
	Warnings []string `json:"warnings,omitempty"`
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
	// signing is how the owner of the checkout signs commits.
	signing source.Signing
	setting image.Setting
	cluster *checker
	// tip is the commit that the run looked at before the build, and kustomization the file in it that gets the
	// image.
	tip, kustomization string
	// dir holds the commit's own files, whatever the checkout holds besides.
	dir  string
	plan *image.Plan
	// beside is what the cluster would take of the overlay that was looked at last and cannot work as it is written.
	beside []validate.Finding
}

// Run builds a commit's image, sets it in the overlay and commits that back. A commit that Cyan made starts nothing,
// and a run that a newer one has overtaken stops; neither is an error. report gets each event; it may be nil. Nothing
// is committed when there is an error.
func Run(ctx context.Context, o Options, report func(Event)) (Result, error) {
	if report == nil {
		report = func(Event) {}
	}
	r := &run{Options: o, report: report}
	setting, overlay, err := o.read()
	if err != nil {
		return r.result, err
	}
	r.setting, r.mark.Overlay = setting, overlay
	if r.Author.Name == "" {
		r.Author = source.Person{Name: "Cyan", Email: "cyan@localhost"}
	}
	err = r.deliver(ctx)
	for _, f := range r.beside {
		r.result.Warnings = append(r.result.Warnings, f.Error.Error())
	}
	return r.result, withCommit(err, r.dir, r.commit.SHA)
}

// read returns the image and the overlay that the options name.
func (o Options) read() (setting image.Setting, overlay string, err error) {
	name, repository, named := strings.Cut(o.Image, "=")
	if !named {
		name, repository = "", o.Image
	}
	if named && name == "" || repository == "" {
		return image.Setting{}, "", &problem.Error{
			Kind: problem.Usage, Object: fmt.Sprintf("image %q", o.Image), Cause: "invalid name",
			Remedy: "give HOST/PATH, or NAME=HOST/PATH where the manifests use NAME",
		}
	}
	if err := image.ParseRepository(repository); err != nil {
		return image.Setting{}, "", err
	}
	if o.Overlay == "" {
		return image.Setting{}, "", &problem.Error{Kind: problem.Usage, Object: "overlay", Cause: "missing", Remedy: "give the folder of the kustomization that is to get the image"}
	}
	overlay = path.Clean(strings.TrimPrefix(o.Overlay, "./"))
	if path.IsAbs(overlay) || overlay == ".." || strings.HasPrefix(overlay, "../") {
		return image.Setting{}, "", &problem.Error{Kind: problem.Usage, Object: "overlay " + o.Overlay, Cause: "outside of the repository", Remedy: "give a path from its top"}
	}
	return image.Setting{Name: name, Repository: repository}, overlay, nil
}

func (r *run) deliver(ctx context.Context) error {
	checkout, starts, err := r.resolve(ctx)
	if err != nil || !starts {
		return err
	}
	// The cluster is asked what it serves while the branch is looked at.
	r.cluster = newChecker(ctx, r.Cluster, r.Namespace, r.ClusterNeeded)
	r.cluster.known = r.Known
	defer r.cluster.close()
	folder, err := image.NewWorkFolder()
	if err != nil {
		return err
	}
	r.dir = folder.Path
	defer func() { _ = errors.Join(folder.Remove(), os.Remove(r.dir+".index")) }()
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

// requestOf returns what is to be built in a run.
func requestOf(r *run) image.Request {
	return image.Request{
		Root: r.dir, Dir: path.Join(r.dir, r.Context), Package: r.Package, Dockerfile: r.Dockerfile, BuildArgs: r.BuildArgs, Repository: r.setting.Repository, Tag: r.commit.SHA,
		Platform: r.Platform, Builder: r.Builder, Keep: !r.Push, Created: r.commit.Committer.Time, Registries: r.Registries, Output: r.Output,
		Labels: map[string]string{"org.opencontainers.image.revision": r.commit.SHA},
	}
}

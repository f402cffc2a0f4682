package deliver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/delivery"
	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/validate"
)

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
		if r.signing, err = checkout.Signing(ctx); err != nil {
			return "", err
		}
		if r.result.Warnings, err = warnings(ctx, r.Options, checkout, sha); err != nil {
			return "", err
		}
		return fmt.Sprintf("commit %.12s %s", sha, r.commit.Subject), r.findTarget(ctx, checkout)
	})
	return checkout, starts, err
}

// warnings are what others would not see of what is delivered from a checkout.
func warnings(ctx context.Context, o Options, checkout *source.Checkout, sha string) ([]string, error) {
	found, err := checkout.Unpublished(ctx, sha)
	if err != nil {
		return nil, err
	}
	if o.Revision != "" {
		// What lies there was not meant.
		found.Files = nil
	}
	if o.RequireClean && (len(found.Files) > 0 || found.NotPushed) {
		return nil, &problem.Error{
			Kind: problem.Refused, Object: checkout.Dir, Cause: strings.Join(delivery.Warnings(delivery.Checkout{Uncommitted: found.Files, NotPushed: found.NotPushed}, sha), "; "),
			Remedy: "commit and push first",
		}
	}
	return delivery.Warnings(delivery.Checkout{Uncommitted: found.Files, NotPushed: found.NotPushed}, sha), nil
}

// open finds what is built: in a working copy, or in a repository's mirror.
func (o Options) open(ctx context.Context) (*source.Checkout, string, error) {
	if source.IsURL(o.Repo) {
		repo := source.Repository{URL: o.Repo, Credentials: o.Credentials}
		if err := o.Mirrors.Refresh(ctx, repo); err != nil {
			return nil, "", err
		}
		return o.Mirrors.Checkout(ctx, repo, o.Revision)
	}
	checkout, err := source.OpenCheckout(ctx, o.Repo)
	if err != nil {
		return nil, "", err
	}
	sha, err := checkout.Resolve(ctx, o.Revision)
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
// kustomization, an image that is used nowhere and objects that would be refused are known by now.
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
		// What the image will be is not known yet; what uses it is, and whether the cluster would take that.
		decision, err := r.rehearse(ctx, rehearsedDigest, r.cluster.check)
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
		if r.plan, err = image.Prepare(ctx, requestOf(r)); err != nil {
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

// kustomization is the file that gets the image.
type kustomization struct {
	file string
	data []byte
}

func readKustomization(tree fs.FS, overlay string) (kustomization, error) {
	for _, name := range delivery.KustomizationNames() {
		file := path.Join(overlay, name)
		data, err := fs.ReadFile(tree, file)
		if err == nil {
			return kustomization{file, data}, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return kustomization{}, fmt.Errorf("reading %s: %w", file, err)
		}
	}
	return kustomization{}, fmt.Errorf("overlay %s: %s not found; give the folder of a kustomization, as a path from the top of the repository",
		overlay, strings.Join(delivery.KustomizationNames(), ", "))
}

// rehearsedDigest stands for an image that is not built yet.
var rehearsedDigest = "sha256:" + strings.Repeat("0", 64)

// rehearse decides what would be done on the tip that was looked at, if the build came to this digest.
func (r *run) rehearse(ctx context.Context, digest string, check checkFunc) (delivery.Decision, error) {
	tree, err := r.Mirrors.Tree(ctx, r.ConfigRepo, r.tip)
	if err != nil {
		return delivery.Decision{}, err
	}
	k, err := readKustomization(tree, r.mark.Overlay)
	if err != nil {
		return delivery.Decision{}, err
	}
	if r.mark.Name, err = image.NameInKustomization(k.data, r.setting); err != nil {
		return delivery.Decision{}, fmt.Errorf("%s: %w", k.file, err)
	}
	r.kustomization = k.file
	newest := func(ctx context.Context, match func(source.Commit) bool) (source.Commit, bool, error) {
		return r.Mirrors.Newest(ctx, r.ConfigRepo, r.tip, delivery.SourceCommit, match)
	}
	setting, mark := r.setting, r.mark
	setting.Digest, mark.Image = digest, r.setting.Repository+"@"+digest
	try, _, err := r.observe(ctx, tree, k, newest, setting, mark, check)
	if err != nil {
		return delivery.Decision{}, err
	}
	return r.decide(try)
}

// decide returns the decision on what was observed, as an error where it is one.
func (r *run) decide(try delivery.Try) (delivery.Decision, error) {
	decision := delivery.Decide(try)
	if decision.Problem != nil {
		r.result.Verdict, r.result.Reason = decision.Verdict, decision.Reason
		return decision, decision.Problem
	}
	return decision, nil
}

// checkFunc lists what keeps objects from being applied.
type checkFunc func(ctx context.Context, objects []render.Rendered) ([]string, error)

// newestMark finds the newest commit of a tip that carries a mark and matches.
type newestMark func(ctx context.Context, match func(source.Commit) bool) (source.Commit, bool, error)

// observe finds out what a tip would become with an image. check lists what is wrong with the objects; nil leaves that
// open.
func (r *run) observe(
	ctx context.Context, tree *source.Tree, k kustomization, newest newestMark, setting image.Setting, mark delivery.Mark, check checkFunc,
) (delivery.Try, []byte, error) {
	try := delivery.Try{Mark: mark, Named: setting.Name != ""}
	var err error
	if try.Deployed, try.Order, err = r.order(ctx, newest); err != nil || try.Order == delivery.Older {
		return try, nil, err
	}
	edited, err := image.SetInKustomization(k.data, setting)
	if err != nil {
		return try, nil, fmt.Errorf("%s: %w", k.file, err)
	}
	if try.Changed = string(edited) != string(k.data); !try.Changed {
		return try, nil, nil
	}
	result, err := renderers.Render(edit(tree, k.file, edited), v1alpha1.ApplicationSource{Path: mark.Overlay}, render.Options{Namespace: r.Namespace, Keys: r.Keys})
	if err != nil {
		return try, nil, fmt.Errorf("overlay %s with the new image: %w", mark.Overlay, err)
	}
	try.Images = imagesOf(result.Objects)
	try.Used = slices.Contains(try.Images, mark.Image)
	r.beside = validate.Beside(result, r.Known)
	if try.Used && check != nil {
		try.Findings, err = check(ctx, result.Objects)
	}
	return try, edited, err
}

// order finds what is deployed on the tip, and how the run's commit stands to it.
func (r *run) order(ctx context.Context, newest newestMark) (delivery.Mark, delivery.Order, error) {
	commit, found, err := newest(ctx, func(c source.Commit) bool {
		mark, ok := delivery.ReadMark(c.Trailer)
		return ok && mark.SameTarget(r.mark)
	})
	if err != nil || !found {
		return delivery.Mark{}, delivery.First, err
	}
	deployed, _ := delivery.ReadMark(commit.Trailer)
	if deployed.SourceCommit == r.commit.SHA {
		return deployed, delivery.Same, nil
	}
	for _, c := range []struct {
		older, newer string
		order        delivery.Order
	}{{r.commit.SHA, deployed.SourceCommit, delivery.Older}, {deployed.SourceCommit, r.commit.SHA, delivery.Newer}} {
		is, err := r.history.IsAncestor(ctx, c.older, c.newer)
		if errors.Is(err, source.ErrNoRevision) {
			return deployed, delivery.Unrelated, nil
		}
		if is || err != nil {
			return deployed, c.order, err
		}
	}
	return deployed, delivery.Unrelated, nil
}

// imagesOf are the images that objects name, sorted, each once.
func imagesOf(objects []render.Rendered) []string {
	var images []string
	var walk func(value any)
	walk = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			if name, ok := v["image"].(string); ok {
				images = append(images, name)
			}
			for _, inner := range v {
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	for _, o := range objects {
		walk(o.Object.Object)
	}
	slices.Sort(images)
	return slices.Compact(images)
}

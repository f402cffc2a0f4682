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
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
	"github.com/cyan-cd/cyan/internal/source"
)

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
	if decision.IsError() {
		r.result.Verdict, r.result.Reason = decision.Verdict, decision.Reason
		return decision, decision
	}
	return decision, nil
}

// observe finds out what a tip would become with an image. check lists what is wrong with the objects; nil leaves that
// open.
func (r *run) observe(
	ctx context.Context, tree *source.Tree, k kustomization, newest newestMark, setting image.Setting, mark delivery.Mark, check checkFunc,
) (delivery.Try, []byte, error) {
	try := delivery.Try{Mark: mark}
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
	result, err := renderers.Render(edit(tree, k.file, edited), v1alpha1.ApplicationSource{Path: mark.Overlay}, render.Options{Namespace: r.Namespace})
	if err != nil {
		return try, nil, fmt.Errorf("overlay %s with the new image: %w", mark.Overlay, err)
	}
	try.Images = imagesOf(result.Objects)
	try.Used = slices.Contains(try.Images, mark.Image)
	if try.Used && check != nil {
		try.Findings, err = check(ctx, result.Objects)
	}
	return try, edited, err
}

// checkFunc lists what keeps objects from being applied.
type checkFunc func(ctx context.Context, objects []render.Rendered) ([]string, error)

// newestMark finds the newest commit of a tip that carries a mark and matches.
type newestMark func(ctx context.Context, match func(source.Commit) bool) (source.Commit, bool, error)

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

// land sets the image on the newest tip, whatever that is by then, and pushes it.
func (r *run) land(ctx context.Context, ticket *source.Ticket) error {
	defer func() { r.result.Checked = r.cluster.by() }()
	if !r.Push {
		return r.stage(delivery.Land, "checking "+r.mark.Overlay, func() (string, error) { return r.checkOnly(ctx) })
	}
	return r.stage(delivery.Land, "committing to "+r.Branch, func() (string, error) {
		var decision delivery.Decision
		landed, err := r.Mirrors.CommitBack(ctx, r.ConfigRepo, r.Branch, source.Intent{Author: r.Author, Ticket: ticket, Apply: func(ctx context.Context, tip source.Tip) (source.Change, error) {
			var change source.Change
			var err error
			change, decision, err = r.apply(ctx, tip)
			return change, err
		}})
		if err != nil {
			return "", err
		}
		r.result.Verdict, r.result.Reason, r.result.Landed = decision.Verdict, decision.Reason, landed.Commit.SHA
		if landed.Commit.SHA == "" {
			return decision.Reason, nil
		}
		return fmt.Sprintf("%s %.12s %s", r.Branch, landed.Commit.SHA, landed.Commit.Subject), nil
	})
}

// checkOnly checks what would be committed, and commits nothing.
func (r *run) checkOnly(ctx context.Context) (string, error) {
	decision, err := r.rehearse(ctx, cmp.Or(r.setting.Digest, rehearsedDigest), r.cluster.check)
	if err != nil {
		return "", err
	}
	r.result.Verdict, r.result.Reason = decision.Verdict, decision.Reason
	if decision.Verdict == delivery.Commit {
		r.result.Verdict, r.result.Reason = delivery.Nothing, "a rehearsal: with push, the image would be pushed and "+r.mark.Overlay+" committed"
	}
	return r.mark.Overlay + " is valid, and is left as it was", nil
}

// apply decides on one tip.
func (r *run) apply(ctx context.Context, tip source.Tip) (source.Change, delivery.Decision, error) {
	k, err := readKustomization(tip.Tree, r.mark.Overlay)
	if err != nil {
		return source.Change{}, delivery.Decision{}, err
	}
	newest := func(ctx context.Context, match func(source.Commit) bool) (source.Commit, bool, error) {
		return tip.Newest(ctx, delivery.SourceCommit, match)
	}
	try, edited, err := r.observe(ctx, tip.Tree, k, newest, r.setting, r.mark, r.cluster.check)
	if err != nil {
		return source.Change{}, delivery.Decision{}, err
	}
	decision, err := r.decide(try)
	if err != nil || decision.Verdict != delivery.Commit {
		return source.Change{}, decision, err
	}
	return source.Change{Files: map[string][]byte{k.file: edited}, Message: r.mark.Message(r.commit.Subject)}, decision, nil
}

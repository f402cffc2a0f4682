package deliver

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/cyan-cd/cyan/internal/delivery"
	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/source"
)

// build makes the image and pushes it.
func (r *run) build(ctx context.Context) error {
	var built image.Built
	start := time.Now()
	err := r.stage(delivery.Build, "building "+r.setting.Repository+" with "+r.plan.Builder, func() (string, error) {
		var err error
		built, err = r.plan.Build(ctx)
		return pushedText(built, r.Push), err
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

// land sets the image on the newest tip, whatever that is by then, and pushes it.
func (r *run) land(ctx context.Context, ticket *source.Ticket) error {
	defer func() { r.result.Checked = r.cluster.by() }()
	if !r.Push {
		return r.stage(delivery.Land, "checking "+r.mark.Overlay, func() (string, error) { return r.checkOnly(ctx) })
	}
	return r.stage(delivery.Land, "committing to "+r.Branch, func() (string, error) {
		var decision delivery.Decision
		landed, err := r.Mirrors.CommitBack(ctx, r.ConfigRepo, r.Branch, source.Intent{Author: r.Author, Signing: r.signing, Ticket: ticket, Apply: func(ctx context.Context, tip source.Tip) (source.Change, error) {
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

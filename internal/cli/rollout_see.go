package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/screens"
	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/rollout/strategy"
)

func newRolloutGet(r *rollouts, use string) *cobra.Command {
	var out format
	var watch, plain bool
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:     use,
		Aliases: []string{"describe"},
		Short:   "Show a Rollout with its revisions, ReplicaSets and pods",
		Example: `  cyan rollout get shop
  cyan rollout get shop --watch      # drawn again in place with every change; Ctrl-C ends it`,
		Args:              exactly("the Rollout's name"),
		ValidArgsFunction: r.completeRollouts(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			c, err := r.connect()
			if err != nil {
				return err
			}
			ro, err := r.get(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			if watch {
				ctx, cancel := limited(cmd.Context(), timeout)
				defer cancel()
				return r.watch(ctx, ro, plain)
			}
			return r.showRollout(cmd.Context(), c, ro, out.value, plain)
		},
	}
	out.bind(cmd, outJSON, outYAML, outWide, outName)
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "go on showing it, with every change")
	cmd.Flags().BoolVar(&plain, "no-color", false, "without colours")
	cmd.Flags().DurationVar(&timeout, "timeout-seconds", 0, "end the watch after this time")
	acceptSeconds(cmd.Flags().Lookup("timeout-seconds"))
	return cmd
}

func (r *rollouts) showRollout(ctx context.Context, c client.Client, ro *v1alpha1.Rollout, as string, plain bool) error {
	switch as {
	case outJSON, outYAML:
		return r.object(ro, as)
	case outName:
		return r.say("rollout.argoproj.io/" + ro.Name)
	}
	view, err := r.look(ctx, c, ro)
	if err != nil {
		return err
	}
	page := r.coloured(plain)
	if as == outWide {
		page.Width = 0
	}
	return r.show(page.Rollout(view, screens.Full))
}

func (r *rollouts) coloured(plain bool) screens.Page {
	page := r.page()
	if plain {
		page.Theme = term.Plain()
	}
	return page
}

// followRollout keeps a Rollout, and all that it is shown with, current.
func (r *rollouts) followRollout(ctx context.Context, ro *v1alpha1.Rollout) (*following, error) {
	return r.follow(ctx, ro.Namespace,
		watched{object: &v1alpha1.Rollout{}, name: ro.Name},
		watched{object: &appsv1.ReplicaSet{}, labels: podHashed()},
		watched{object: &corev1.Pod{}, labels: podHashed()},
		watched{object: &corev1.Service{}})
}

// watch shows a Rollout until ctx ends or it is deleted: in place on a terminal, else each change below the last.
func (r *rollouts) watch(ctx context.Context, ro *v1alpha1.Rollout, plain bool) error {
	f, err := r.followRollout(ctx, ro)
	if err != nil {
		return err
	}
	draw := r.appending()
	if t := r.terminal(); t.CanRedraw() {
		live := term.NewLive(r.Out, t.Size)
		defer func() { _ = live.Close() }()
		draw = func(v rollout.View) error {
			_, height := t.Size()
			text := r.coloured(plain).FitRollout(v, height-1)
			if lost := f.trouble(); lost != "" {
				text = t.Theme.Bad("✖ the cluster does not answer, trying again: "+lost) + "\n" + text
			}
			return live.Draw(text)
		}
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		seen := &v1alpha1.Rollout{}
		err := f.Get(ctx, client.ObjectKeyFromObject(ro), seen)
		if apierrors.IsNotFound(err) {
			return &Trouble{Problem: fmt.Sprintf("Rollout %q has been deleted", ro.Name), Code: codeNo}
		} else if err != nil {
			return err
		}
		view, err := r.look(ctx, f, seen)
		if err != nil {
			return err
		}
		if err := draw(view); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			// Who watches ends it by Ctrl-C, or by a timeout: neither is an error.
			return nil
		case <-f.changed:
		case <-tick.C:
		}
	}
}

// appending draws for output that is no terminal: each state once, and not again only because time has passed.
func (r *rollouts) appending() func(rollout.View) error {
	last := ""
	return func(v rollout.View) error {
		if mark := timeless(v); mark == last {
			return nil
		} else if last = mark; mark == "" {
			return nil
		}
		return r.show(time.Now().UTC().Format(time.RFC3339) + "\n" + r.coloured(true).Rollout(v, screens.Full) + "\n")
	}
}

// timeless is a view without what changes by itself.
func timeless(v rollout.View) string {
	v.Steps = slices.Clone(v.Steps)
	for i := range v.Steps {
		v.Steps[i].EndsIn = 0
	}
	v.Revisions = slices.Clone(v.Revisions)
	for i := range v.Revisions {
		v.Revisions[i].ReplicaSets = slices.Clone(v.Revisions[i].ReplicaSets)
		for j := range v.Revisions[i].ReplicaSets {
			if rs := &v.Revisions[i].ReplicaSets[j]; rs.ScaleDownIn > 0 {
				rs.ScaleDownIn = time.Second
			}
		}
	}
	return screens.Page{Theme: term.Plain()}.Rollout(v, screens.Full)
}

func newRolloutList(r *rollouts, use string) *cobra.Command {
	var out format
	var everywhere, watch bool
	var name string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:     use,
		Aliases: []string{"ls"},
		Short:   "List Rollouts",
		Example: `  cyan rollout list
  cyan rollout list -A`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			namespace, err := r.kube.namespace()
			if err != nil {
				return err
			}
			if everywhere {
				namespace = ""
			}
			c, err := r.connect()
			if err != nil {
				return err
			}
			list := func(from client.Reader) ([]v1alpha1.Rollout, error) {
				all := &v1alpha1.RolloutList{}
				if err := from.List(cmd.Context(), all, client.InNamespace(namespace)); err != nil {
					return nil, r.explain(err, "listing Rollouts")
				}
				all.Items = slices.DeleteFunc(all.Items, func(ro v1alpha1.Rollout) bool { return name != "" && ro.Name != name })
				slices.SortFunc(all.Items, func(x, y v1alpha1.Rollout) int {
					return strings.Compare(x.Namespace+"/"+x.Name, y.Namespace+"/"+y.Name)
				})
				return all.Items, nil
			}
			all, err := list(c)
			if err != nil {
				return err
			}
			if watch {
				ctx, cancel := limited(cmd.Context(), timeout)
				defer cancel()
				return r.watchList(ctx, namespace, everywhere, list)
			}
			return r.showRollouts(all, out.value, everywhere)
		},
	}
	out.bind(cmd, outJSON, outYAML, outWide, outName)
	cmd.Flags().BoolVarP(&everywhere, "all-namespaces", "A", false, "in every namespace")
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "go on showing them, with every change")
	cmd.Flags().StringVar(&name, "name", "", "only the one with this name")
	cmd.Flags().DurationVar(&timeout, "timeout-seconds", 0, "end the watch after this time")
	acceptSeconds(cmd.Flags().Lookup("timeout-seconds"))
	return cmd
}

func (r *rollouts) showRollouts(all []v1alpha1.Rollout, as string, everywhere bool) error {
	switch as {
	case outJSON, outYAML:
		objects := make([]client.Object, len(all))
		for i := range all {
			objects[i] = &all[i]
		}
		return r.list(objects, as)
	case outName:
		for i := range all {
			if err := r.say("rollout.argoproj.io/" + all[i].Name); err != nil {
				return err
			}
		}
		return nil
	}
	if len(all) == 0 {
		r.note("no Rollouts were found")
		return nil
	}
	return r.show(r.page().Rollouts(brief(all), everywhere))
}

// brief views show what the Rollouts say about themselves.
func brief(all []v1alpha1.Rollout) []rollout.View {
	views := make([]rollout.View, len(all))
	for i := range all {
		views[i] = strategy.Describe(&all[i], nil, nil, nil, time.Now())
	}
	return views
}

func (r *rollouts) watchList(ctx context.Context, namespace string, everywhere bool, list func(client.Reader) ([]v1alpha1.Rollout, error)) error {
	f, err := r.follow(ctx, namespace, watched{object: &v1alpha1.Rollout{}})
	if err != nil {
		return err
	}
	t := r.terminal()
	last := ""
	draw := func(text string) error {
		if text == last {
			return nil
		}
		last = text
		return r.show(text)
	}
	if t.CanRedraw() {
		live := term.NewLive(r.Out, t.Size)
		defer func() { _ = live.Close() }()
		draw = live.Draw
	}
	for {
		all, err := list(f)
		if err != nil {
			return err
		}
		if err := draw(r.page().Rollouts(brief(all), everywhere)); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-f.changed:
		}
	}
}

func newRolloutStatus(r *rollouts) *cobra.Command {
	watch := true
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "status NAME",
		Short: "Wait until a Rollout is healthy; end with 1 when it is degraded or --timeout comes first",
		Example: `  cyan rollout status shop --timeout 5m
  cyan rollout status shop --watch=false`,
		Args:              exactly("the Rollout's name"),
		ValidArgsFunction: r.completeRollouts(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.connect()
			if err != nil {
				return err
			}
			ro, err := r.get(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			if !watch {
				return r.verdict(ro, false)
			}
			ctx, cancel := limited(cmd.Context(), timeout)
			defer cancel()
			return r.await(ctx, ro, timeout)
		},
	}
	cmd.Flags().BoolVarP(&watch, "watch", "w", watch, "wait; without it, the status is printed as it is")
	cmd.Flags().DurationVarP(&timeout, "timeout", "t", 0, "how long to wait; for ever if not given")
	acceptSeconds(cmd.Flags().Lookup("timeout"))
	return cmd
}

// phase is how a Rollout fares, as far as its status speaks of its spec.
func phase(ro *v1alpha1.Rollout) (v1alpha1.RolloutPhase, string) {
	if !rollout.Observed(ro) {
		return v1alpha1.RolloutProgressing, "waiting for the controller to observe the change"
	}
	return ro.Status.Phase, ro.Status.Message
}

// verdict prints a Rollout's state; a degraded one is an error. Quiet leaves the printing out.
func (r *rollouts) verdict(ro *v1alpha1.Rollout, quiet bool) error {
	state, message := phase(ro)
	line := string(state)
	if message != "" {
		line += " - " + message
	}
	if !quiet {
		if err := r.say(line); err != nil {
			return err
		}
	}
	if state == v1alpha1.RolloutDegraded {
		return &Trouble{Problem: fmt.Sprintf("Rollout %q is degraded: %s", ro.Name, orWords(message, "no reason was given")), Remedy: r.getHint(ro.Name) + " shows its pods", Code: codeNo}
	}
	return nil
}

// getHint is the command that shows a Rollout.
func (r *rollouts) getHint(name string) string {
	if r.program == namePlugin {
		return "`kubectl argo rollouts get rollout " + name + "`"
	}
	return "`" + r.program + " rollout get " + name + "`"
}

func (r *rollouts) await(ctx context.Context, ro *v1alpha1.Rollout, within time.Duration) error {
	f, err := r.follow(ctx, ro.Namespace, watched{object: &v1alpha1.Rollout{}, name: ro.Name})
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return r.late(ro, within)
		}
		return err
	}
	told := ""
	for {
		seen := &v1alpha1.Rollout{}
		if err := f.Get(ctx, client.ObjectKeyFromObject(ro), seen); apierrors.IsNotFound(err) {
			return &Trouble{Problem: fmt.Sprintf("Rollout %q has been deleted", ro.Name), Code: codeNo}
		} else if err != nil {
			return err
		}
		ro = seen
		state, message := phase(ro)
		said := told == string(state)+message
		told = string(state) + message
		if err := r.verdict(ro, said); err != nil || state == v1alpha1.RolloutHealthy {
			return err
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return r.late(ro, within)
			}
			return ctx.Err()
		case <-f.changed:
		}
	}
}

func (r *rollouts) late(ro *v1alpha1.Rollout, within time.Duration) error {
	state, message := phase(ro)
	return &Trouble{
		Problem: strings.TrimSuffix(fmt.Sprintf("Rollout %q is not healthy after %s: %s: %s", ro.Name, within, orWords(string(state), "nobody has looked at it"), message), ": "),
		Remedy:  "see whether `cyan server` runs against this cluster, and what " + r.getHint(ro.Name) + " shows", Code: codeNo, cause: context.DeadlineExceeded,
	}
}

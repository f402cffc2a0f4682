package rollout

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/term"
)

func newList(e *kit.Env, use string) *cobra.Command {
	var out kit.Format
	var everywhere, watch, timestamps bool
	var name string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:     use,
		Aliases: []string{"ls"},
		Short:   "List Rollouts",
		Example: `  cyan rollout list
  cyan rollout list -A`,
		Args:              kit.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			namespace, err := e.Kube.Namespace()
			if err != nil {
				return err
			}
			if everywhere {
				namespace = ""
			}
			c, err := e.Connect()
			if err != nil {
				return err
			}
			list := func(from client.Reader) ([]v1alpha1.Rollout, error) {
				all := &v1alpha1.RolloutList{}
				if err := from.List(cmd.Context(), all, client.InNamespace(namespace)); err != nil {
					return nil, e.Explain(err, "listing Rollouts")
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
				ctx, cancel := kit.WithTimeout(cmd.Context(), timeout)
				defer cancel()
				show := func(all []v1alpha1.Rollout) string { return e.Page().Rollouts(brief(all), everywhere) }
				if timestamps {
					show = func(all []v1alpha1.Rollout) string { return stamped(e.Page().Rollouts(brief(all), everywhere)) }
				}
				return watchList(ctx, e, namespace, show, list)
			}
			return showRollouts(e, all, out.Value, everywhere)
		},
	}
	out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide, kit.Name)
	cmd.Flags().BoolVarP(&everywhere, "all-namespaces", "A", false, "in every namespace")
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "go on showing them, with every change")
	cmd.Flags().BoolVar(&timestamps, "timestamps", false, "with --watch: begin each line with the time at which it was printed")
	cmd.Flags().StringVar(&name, "name", "", "only the one with this name")
	cmd.Flags().DurationVar(&timeout, "timeout-seconds", 0, "end the watch after this time")
	kit.AcceptSeconds(cmd.Flags().Lookup("timeout-seconds"))
	return cmd
}

func showRollouts(e *kit.Env, all []v1alpha1.Rollout, as string, everywhere bool) error {
	switch as {
	case kit.JSON, kit.YAML:
		objects := make([]client.Object, len(all))
		for i := range all {
			objects[i] = &all[i]
		}
		return e.List(objects, as)
	case kit.Name:
		for i := range all {
			if err := e.Say("rollout.argoproj.io/" + all[i].Name); err != nil {
				return err
			}
		}
		return nil
	}
	if len(all) == 0 {
		e.Note("no Rollouts were found")
		return nil
	}
	return e.Show(e.Page().Rollouts(brief(all), everywhere))
}

// stamped is a text whose lines begin with the time.
func stamped(text string) string {
	now := time.Now().UTC().Format(time.RFC3339)
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := range lines {
		lines[i] = now + "  " + lines[i]
	}
	return strings.Join(lines, "\n")
}

func watchList(ctx context.Context, e *kit.Env, namespace string, show func([]v1alpha1.Rollout) string, list func(client.Reader) ([]v1alpha1.Rollout, error)) error {
	f, err := e.Follow(ctx, namespace, kit.Watched{Object: &v1alpha1.Rollout{}})
	if err != nil {
		return err
	}
	t := e.Terminal()
	last := ""
	draw := func(text string) error {
		if text == last {
			return nil
		}
		last = text
		return e.Show(text)
	}
	if t.CanRedraw() {
		live := term.NewLive(e.Out, t.Size)
		defer func() { _ = live.Close() }()
		draw = live.Draw
	}
	for {
		all, err := list(f)
		if err != nil {
			return err
		}
		if err := draw(show(all)); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-f.Changed:
		}
	}
}

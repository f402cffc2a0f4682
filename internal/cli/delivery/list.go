package delivery

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/screens"
	"github.com/cyan-cd/cyan/internal/view"
)

// usualDeliveries and mostDeliveries bound how many deliveries are listed.
const usualDeliveries, mostDeliveries = 20, 1000

// shown is how deliveries are shown, by flags that list and get have both.
type shown struct {
	out     kit.Format
	watch   bool
	timeout time.Duration
}

func (s *shown) bind(cmd *cobra.Command, formats ...string) {
	s.out.Bind(cmd, formats...)
	cmd.Flags().BoolVarP(&s.watch, "watch", "w", false, "go on showing it: drawn again in place on a terminal, else a line for each change")
	cmd.Flags().DurationVar(&s.timeout, "timeout", 0, "end the watch after this time")
}

func (s *shown) check() error {
	if err := s.out.Check(); err != nil {
		return err
	}
	if s.watch && s.out.Value != "" && s.out.Value != kit.Wide {
		return kit.Usage("--watch", "given with --output "+s.out.Value, "leave one of the two out")
	}
	return nil
}

func newList(e *kit.Env) *cobra.Command {
	var how shown
	limit := usualDeliveries
	cmd := &cobra.Command{
		Use: "list [APPLICATION]", Aliases: []string{"ls"}, Short: "List the last deliveries, newest first",
		Long: `List the last deliveries, newest first: of all Applications, or of one.

A delivery is seen in what there is: the commits in git, the Application's history and operation, and the Rollouts that it has. It goes through the server that one has
logged in to; with --core it is seen in the cluster of the kubeconfig, without a server, and the commits in git by what opens the repository for the Application's project.`,
		Example: `  cyan delivery list
  cyan delivery list shop --limit 5 -o wide
  cyan delivery list --watch`,
		Args: kit.AtMost(1),
	}
	a := kit.NewControl(e, cmd)
	a.AppsElsewhere(cmd)
	how.bind(cmd, kit.JSON, kit.YAML, kit.Wide, kit.Name)
	cmd.Flags().IntVar(&limit, "limit", limit, "how many are listed at most")
	cmd.ValidArgsFunction = completeApplications(a)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := how.check(); err != nil {
			return err
		}
		if limit < 1 || limit > mostDeliveries {
			return kit.Usage("--limit", "invalid number", "give one from 1 to 1000")
		}
		of := wanted{limit: limit}
		if len(args) > 0 {
			of.namespace, of.application = split(args[0])
		}
		from, err := open(a)
		if err != nil {
			return err
		}
		defer from.close()
		look := func(ctx context.Context) ([]view.Delivery, error) { return from.look(ctx, of) }
		if how.watch {
			return watch(cmd.Context(), a, how.timeout, look, func(p screens.Page, all []view.Delivery) string { return p.Deliveries(all, how.out.Value == kit.Wide) })
		}
		all, err := look(cmd.Context())
		if err != nil {
			return err
		}
		return showAll(a, all, how.out.Value)
	}
	return cmd
}

func showAll(a *kit.Control, all []view.Delivery, as string) error {
	switch as {
	case kit.JSON, kit.YAML:
		return a.Dump(map[string]any{"items": append([]view.Delivery{}, all...)}, as)
	case kit.Name:
		for _, d := range all {
			if err := a.Say(d.Namespace + "/" + d.Application + "/" + d.ID); err != nil {
				return err
			}
		}
		return nil
	}
	if len(all) == 0 {
		a.Note("no deliveries found; a push to what an Application follows begins one, and so does %s", a.Command("app sync"))
		return nil
	}
	return a.Show(pageOf(a).Deliveries(all, as == kit.Wide))
}

// pageOf is the page for deliveries: those of the control namespace go without it.
func pageOf(a *kit.Control) screens.Page {
	page := a.Page()
	page.Namespace = a.Namespace
	return page
}

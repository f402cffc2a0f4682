package delivery

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/screens"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/view"
)

func newGet(e *kit.Env) *cobra.Command {
	var how shown
	cmd := &cobra.Command{
		Use: "get APPLICATION [ID]", Short: "Show a delivery with its stages and what each took: the last one, or that of an ID of the list",
		Long: `Show a delivery with its stages and what each took: the last one, or that of an ID of the list.

With --watch, without an ID, it is the last one at any time. A stage whose time nothing keeps has none: the cluster has the switch of the last version alone.`,
		Example: `  cyan delivery get shop
  cyan delivery get shop 12 -o yaml
  cyan delivery get shop --watch      # drawn again in place with every change; Ctrl-C ends it`,
		Args: kit.Between(1, 2, "the Application's name"),
	}
	a := kit.NewControl(e, cmd)
	a.AppsElsewhere(cmd)
	how.bind(cmd, kit.JSON, kit.YAML, kit.Name)
	cmd.ValidArgsFunction = completeApplications(a)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := how.check(); err != nil {
			return err
		}
		from, err := open(a)
		if err != nil {
			return err
		}
		defer from.close()
		id := strings.Join(args[1:], "")
		look := func(ctx context.Context) ([]view.Delivery, error) { return one(ctx, from, args[0], id) }
		if how.watch {
			return watch(cmd.Context(), a, how.timeout, look, func(p screens.Page, all []view.Delivery) string { return p.Delivery(all[0]) })
		}
		found, err := look(cmd.Context())
		if err != nil {
			return err
		}
		switch how.out.Value {
		case kit.JSON, kit.YAML:
			return a.Dump(found[0], how.out.Value)
		case kit.Name:
			return a.Say(found[0].Namespace + "/" + found[0].Application + "/" + found[0].ID)
		}
		return a.Show(pageOf(a).Delivery(found[0]))
	}
	return cmd
}

// one returns the delivery of an ID, or the last one where there is none.
func one(ctx context.Context, from deliveries, name, id string) ([]view.Delivery, error) {
	of := wanted{limit: mostDeliveries}
	of.namespace, of.application = split(name)
	all, err := from.look(ctx, of)
	if err != nil {
		return nil, err
	}
	var there []string
	for _, d := range all {
		if id == "" || d.ID == id {
			return []view.Delivery{d}, nil
		}
		there = append(there, d.ID)
	}
	e := &problem.Error{Kind: problem.Absent, Object: fmt.Sprintf("Application %q", name), Cause: "no delivery found", Remedy: "a push to what it follows begins one, and so does `cyan app sync`"}
	if id != "" && len(there) > 0 {
		e.Cause, e.Remedy = fmt.Sprintf("delivery %q not found", id), "there are: "+strings.Join(there[:min(len(there), 8)], ", ")
	}
	return nil, e
}

// split splits NAMESPACE/NAME; the namespace is empty for a bare name.
func split(name string) (namespace, bare string) {
	if namespace, bare, has := strings.Cut(name, "/"); has {
		return namespace, bare
	}
	return "", name
}

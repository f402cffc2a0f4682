package cli

import (
	"context"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/screens"
)

// apps is what the commands about Applications share.
type apps struct {
	*env
	// namespace holds the Applications, their projects, clusters and repositories.
	namespace string
}

func (a *apps) bind(cmd *cobra.Command) {
	from := os.Getenv("ARGOCD_APP_NAMESPACE")
	if from == "" {
		from = defaultAppNamespace
	}
	cmd.PersistentFlags().StringVarP(&a.namespace, "app-namespace", "N", from, "the namespace that Applications are in")
}

func newAppCommand(e *env) *cobra.Command {
	a := &apps{env: e}
	cmd := &cobra.Command{
		Use:     "app",
		Aliases: []string{"apps", "application", "applications"},
		Short:   "Applications: what is deployed, from which place in git, to where",
		Example: `  cyan app create shop --repo https://git.example/shop --path k8s --dest-namespace default --sync-policy automated
  cyan app get shop
  cyan app sync shop`,
	}
	a.bind(cmd)
	cmd.AddGroup(
		&cobra.Group{ID: "see", Title: "See:"}, &cobra.Group{ID: "do", Title: "Do:"}, &cobra.Group{ID: "change", Title: "Change:"},
	)
	cmd.AddCommand(
		inGroup("see", newAppGet(a)), inGroup("see", newAppList(a)), inGroup("see", newAppHistory(a)), inGroup("see", newAppResources(a)),
		inGroup("see", newAppDiff(a)), inGroup("see", newAppManifests(a)), inGroup("see", newAppLogs(a)),
		inGroup("do", newAppSync(a)), inGroup("do", newAppWait(a)), inGroup("do", newAppRollback(a)), inGroup("do", newAppTerminate(a)), inGroup("do", newAppConfirmDeletion(a)),
		inGroup("change", newAppCreate(a)), inGroup("change", newAppSet(a)), inGroup("change", newAppUnset(a)), inGroup("change", newAppPatch(a)),
		inGroup("change", newAppEdit(a)), inGroup("change", newAppDelete(a)),
	)
	return cmd
}

// page is for the terminal that Out is.
func (e *env) page() screens.Page {
	t := e.terminal()
	return screens.Page{Width: t.Width(), Theme: t.Theme, Now: time.Now()}
}

// locate splits NAMESPACE/NAME; a bare name is in the namespace of --app-namespace.
func (a *apps) locate(name string) client.ObjectKey {
	for i := range name {
		if name[i] == '/' {
			return client.ObjectKey{Namespace: name[:i], Name: name[i+1:]}
		}
	}
	return client.ObjectKey{Namespace: a.namespace, Name: name}
}

// get reads an Application, or says which there are.
func (a *apps) get(ctx context.Context, c client.Client, name string) (*v1alpha1.Application, error) {
	key := a.locate(name)
	app := &v1alpha1.Application{}
	err := c.Get(ctx, key, app)
	if apierrors.IsNotFound(err) && !noSuchResource(err) {
		all := &v1alpha1.ApplicationList{}
		if err := c.List(ctx, all, client.InNamespace(key.Namespace)); err != nil {
			return nil, a.explain(err, "listing Applications")
		}
		return nil, missing(v1alpha1.ApplicationKind, key.Namespace, key.Name, appNames(all.Items), "`"+a.program+" app create` makes one")
	}
	if err != nil {
		return nil, a.explain(err, "reading Application "+name)
	}
	return app, nil
}

func appNames(all []v1alpha1.Application) []string {
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].Name
	}
	slices.Sort(names)
	return names
}

// pick reads the Applications that are named, or that a label selector finds.
func (a *apps) pick(ctx context.Context, c client.Client, names []string, selector string) ([]*v1alpha1.Application, error) {
	if (len(names) == 0) == (selector == "") {
		return nil, &Trouble{Problem: "which Application is meant?", Remedy: "give names, or --selector, and not both", Code: codeUsage}
	}
	var picked []*v1alpha1.Application
	for _, name := range names {
		app, err := a.get(ctx, c, name)
		if err != nil {
			return nil, err
		}
		picked = append(picked, app)
	}
	if selector == "" {
		return picked, nil
	}
	parsed, err := labels.Parse(selector)
	if err != nil {
		return nil, &Trouble{Problem: "reading --selector: " + err.Error(), Remedy: "write it as key=value,other!=value", Code: codeUsage}
	}
	all := &v1alpha1.ApplicationList{}
	if err := c.List(ctx, all, client.InNamespace(a.namespace), client.MatchingLabelsSelector{Selector: parsed}); err != nil {
		return nil, a.explain(err, "listing Applications")
	}
	if len(all.Items) == 0 {
		return nil, &Trouble{Problem: "no Application in namespace " + a.namespace + " has the labels " + selector, Code: codeMissing}
	}
	for i := range all.Items {
		picked = append(picked, &all.Items[i])
	}
	return picked, nil
}

// completeApps completes the names of Applications, as many as most allows; 0 is no limit.
func (a *apps) completeApps(most int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if most > 0 && len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		all := &v1alpha1.ApplicationList{}
		return a.complete(cmd, all, client.InNamespace(a.namespace), func() (found []string) {
			for i := range all.Items {
				app := &all.Items[i]
				if !slices.Contains(args, app.Name) {
					found = append(found, cobra.CompletionWithDesc(app.Name, string(app.Status.Sync.Status)+", "+string(app.Status.Health.Status)))
				}
			}
			return found
		})
	}
}

// completionWithin bounds how long a person who pressed Tab waits for the cluster.
const completionWithin = 3 * time.Second

// complete lists objects for a completion; trouble gives no names.
func (e *env) complete(cmd *cobra.Command, list client.ObjectList, in client.ListOption, names func() []string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(contextOf(cmd), completionWithin)
	defer cancel()
	c, err := e.connect()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	if err := c.List(ctx, list, in); err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return names(), cobra.ShellCompDirectiveNoFileComp
}

// contextOf is a command's context; a completion may be run without one.
func contextOf(cmd *cobra.Command) context.Context {
	if ctx := cmd.Context(); ctx != nil {
		return ctx
	}
	return context.Background()
}

// exactly wants so many arguments, and says what they are for.
func exactly(what ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == len(what) {
			return nil
		}
		problem := "too many arguments"
		if len(args) < len(what) {
			problem = "what is missing: " + what[len(args)]
		}
		return &Trouble{Problem: problem, Remedy: "write it as `" + cmd.UseLine() + "`", Code: codeUsage}
	}
}

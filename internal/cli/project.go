package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/patch"
)

func newProjectCommand(e *env) *cobra.Command {
	a := &apps{env: e}
	cmd := &cobra.Command{
		Use: "proj", Aliases: []string{"project", "projects"}, Short: "Projects, which bound what Applications may deploy",
		Example: `  cyan proj create shop --src https://git.example/shop --dest https://kubernetes.default.svc,shop
  cyan proj list`,
	}
	a.bind(cmd)
	cmd.AddCommand(newProjectList(a), newProjectGet(a), newProjectCreate(a), newProjectDelete(a))
	return cmd
}

func newProjectList(a *apps) *cobra.Command {
	var out format
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the projects", Example: "  cyan proj list", Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			all := &v1alpha1.AppProjectList{}
			if err := c.List(cmd.Context(), all, client.InNamespace(a.namespace)); err != nil {
				return a.explain(err, "listing AppProjects")
			}
			return a.showProjects(all.Items, out.value)
		},
	}
	out.bind(cmd, outJSON, outYAML, outWide, outName)
	return cmd
}

func (a *apps) showProjects(all []v1alpha1.AppProject, as string) error {
	rows := [][]string{{"NAME", "DESCRIPTION", "DESTINATIONS", "SOURCES"}}
	objects := make([]client.Object, len(all))
	for i := range all {
		p := &all[i]
		objects[i] = p
		var to []string
		for _, d := range p.Spec.Destinations {
			to = append(to, orWords(d.Server, d.Name)+","+d.Namespace)
		}
		rows = append(rows, []string{p.Name, p.Spec.Description, strings.Join(to, " "), strings.Join(p.Spec.SourceRepos, " ")})
	}
	switch as {
	case outJSON, outYAML:
		return a.list(objects, as)
	case outName:
		for _, row := range rows[1:] {
			if err := a.say(row[0]); err != nil {
				return err
			}
		}
		return nil
	}
	return a.table(rows, 3)
}

func newProjectGet(a *apps) *cobra.Command {
	var out format
	cmd := &cobra.Command{
		Use: "get NAME", Short: "Show a project", Example: "  cyan proj get default -o yaml", Args: exactly("the project's name"), ValidArgsFunction: a.completeProjects,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			p := &v1alpha1.AppProject{}
			if err := c.Get(cmd.Context(), client.ObjectKey{Namespace: a.namespace, Name: args[0]}, p); err != nil {
				return a.explain(err, "reading AppProject "+args[0])
			}
			if out.machine() {
				return a.object(p, out.value)
			}
			if out.value != "" {
				return a.showProjects([]v1alpha1.AppProject{*p}, out.value)
			}
			return a.section(p.Name, p.Spec)
		},
	}
	out.bind(cmd, outJSON, outYAML, outWide, outName)
	return cmd
}

func newProjectCreate(a *apps) *cobra.Command {
	var description string
	var sources, destinations, kinds []string
	var upsert bool
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Create a project",
		Example:           "  cyan proj create shop --src https://git.example/shop --dest https://kubernetes.default.svc,shop --allow-cluster-resource rbac.authorization.k8s.io/ClusterRole",
		Args:              exactly("the project's name"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			p := &v1alpha1.AppProject{
				ObjectMeta: metav1.ObjectMeta{Name: args[0], Namespace: a.namespace},
				Spec:       v1alpha1.AppProjectSpec{Description: description, SourceRepos: sources},
			}
			for _, d := range destinations {
				parts := strings.Split(d, ",")
				if len(parts) != 2 {
					return &Trouble{Problem: fmt.Sprintf("--dest %q is not of the form SERVER,NAMESPACE", d), Code: codeUsage}
				}
				p.Spec.Destinations = append(p.Spec.Destinations, v1alpha1.ApplicationDestination{Server: parts[0], Namespace: parts[1]})
			}
			for _, k := range kinds {
				group, kind, ok := strings.Cut(k, "/")
				if !ok {
					return &Trouble{Problem: fmt.Sprintf("--allow-cluster-resource %q is not of the form GROUP/KIND", k), Code: codeUsage}
				}
				p.Spec.ClusterResourceWhitelist = append(p.Spec.ClusterResourceWhitelist, v1alpha1.GroupKindPattern{Group: group, Kind: kind})
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			err = c.Create(cmd.Context(), p)
			if apierrors.IsAlreadyExists(err) && upsert {
				live := &v1alpha1.AppProject{}
				if err = c.Get(cmd.Context(), client.ObjectKeyFromObject(p), live); err == nil {
					before := live.DeepCopy()
					live.Spec = p.Spec
					err = patch.Object(cmd.Context(), c, before, live)
				}
			}
			if apierrors.IsAlreadyExists(err) {
				return &Trouble{Problem: fmt.Sprintf("AppProject %q is there already", p.Name), Remedy: "add --upsert to change it", Code: codeGeneric}
			}
			if err != nil {
				return a.explain(err, "creating AppProject "+p.Name)
			}
			return a.say(fmt.Sprintf("project '%s' created", p.Name))
		},
	}
	f := cmd.Flags()
	f.StringVar(&description, "description", "", "what it is for")
	f.StringArrayVarP(&sources, "src", "s", nil, "repository that is allowed; a glob, and a leading ! denies")
	f.StringArrayVarP(&destinations, "dest", "d", nil, "SERVER,NAMESPACE that is allowed; globs, and a leading ! denies")
	f.StringArrayVar(&kinds, "allow-cluster-resource", nil, "GROUP/KIND without a namespace that is allowed")
	f.BoolVar(&upsert, "upsert", false, "change it if it is there already")
	return cmd
}

func newProjectDelete(a *apps) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "delete NAME", Aliases: []string{"rm"}, Short: "Delete a project that no Application uses", Example: "  cyan proj delete shop",
		Args: exactly("the project's name"), ValidArgsFunction: a.completeProjects,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			p := &v1alpha1.AppProject{}
			if err := c.Get(cmd.Context(), client.ObjectKey{Namespace: a.namespace, Name: args[0]}, p); err != nil {
				return a.explain(err, "reading AppProject "+args[0])
			}
			used := &v1alpha1.ApplicationList{}
			if err := c.List(cmd.Context(), used); err != nil {
				return a.explain(err, "listing Applications")
			}
			used.Items = slices.DeleteFunc(used.Items, func(app v1alpha1.Application) bool { return app.Spec.Project != args[0] })
			if len(used.Items) > 0 {
				return &Trouble{Problem: fmt.Sprintf("AppProject %q is used by Applications: %s", args[0], choices(appNames(used.Items))), Remedy: "move them with `" + a.program + " app set NAME --project OTHER` first", Code: codeGeneric}
			}
			if err := a.confirm(fmt.Sprintf("delete AppProject %q?", args[0]), yes); err != nil {
				return err
			}
			if err := c.Delete(cmd.Context(), p); client.IgnoreNotFound(err) != nil {
				return a.explain(err, "deleting AppProject "+args[0])
			}
			return a.say(fmt.Sprintf("project '%s' deleted", args[0]))
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func (a *apps) completeProjects(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	all := &v1alpha1.AppProjectList{}
	return a.complete(cmd, all, client.InNamespace(a.namespace), func() (names []string) {
		for i := range all.Items {
			names = append(names, all.Items[i].Name)
		}
		return names
	})
}

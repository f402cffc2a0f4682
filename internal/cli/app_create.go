package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/patch"
)

type appCreate struct {
	*apps
	spec                *specFlags
	file                string
	name                string
	labels, annotations []string
	upsert, finalizer   bool
	validate            bool
	out                 format
}

func newAppCreate(a *apps) *cobra.Command {
	o := &appCreate{apps: a}
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Create an Application",
		Example: `  cyan app create shop --repo https://git.example/shop --path k8s/overlays/local \
    --dest-server https://kubernetes.default.svc --dest-namespace default \
    --sync-policy automated --auto-prune --self-heal
  cyan app create -f application.yml`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.name = args[0]
			}
			return o.run(cmd.Context())
		},
	}
	o.spec = newSpecFlags(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&o.file, "file", "f", "", "manifest of one or more Applications; - is standard input; other flags change it")
	flags.StringVar(&o.name, "name", "", "the name, in place of the argument")
	flags.StringArrayVarP(&o.labels, "label", "l", nil, "KEY=VALUE on the Application")
	flags.StringArrayVar(&o.annotations, "annotations", nil, "KEY=VALUE on the Application")
	flags.BoolVar(&o.upsert, "upsert", false, "change the Application if it is there already and differs")
	flags.BoolVar(&o.finalizer, "set-finalizer", false, "have its deletion delete what it deployed")
	flags.BoolVar(&o.validate, "validate", true, "refuse a destination or project that does not exist")
	o.out.bind(cmd, outJSON, outYAML, outName)
	return cmd
}

func (o *appCreate) run(ctx context.Context) error {
	if err := o.out.check(); err != nil {
		return err
	}
	wanted, err := o.wanted()
	if err != nil {
		return err
	}
	for _, app := range wanted {
		if err := complete(app); err != nil {
			return err
		}
	}
	c, err := o.connect()
	if err != nil {
		return err
	}
	for _, app := range wanted {
		if o.validate {
			if err := o.checkPlace(ctx, c, app); err != nil {
				return err
			}
		}
		if err := o.create(ctx, c, app); err != nil {
			return err
		}
	}
	return nil
}

// wanted are the Applications of the file, or the one of the flags.
func (o *appCreate) wanted() ([]*v1alpha1.Application, error) {
	all := []*v1alpha1.Application{{}}
	if o.file != "" {
		var err error
		if all, err = o.readFile(); err != nil {
			return nil, err
		}
		if len(all) > 1 && o.name != "" {
			return nil, &Trouble{Problem: fmt.Sprintf("%s holds %d Applications, which cannot all be called %q", o.file, len(all), o.name), Remedy: "leave the name out", Code: codeUsage}
		}
	}
	for _, app := range all {
		if o.name != "" {
			app.Name = o.name
		}
		if app.Namespace == "" {
			app.Namespace = o.namespace
		}
		if _, err := o.spec.changed(app); err != nil {
			return nil, err
		}
		err := errors.Join(
			pairs(o.labels, func(k, v string) { put(&app.Labels, k, v) }),
			pairs(o.annotations, func(k, v string) { put(&app.Annotations, k, v) }),
		)
		if err != nil {
			return nil, &Trouble{Problem: err.Error(), Code: codeUsage}
		}
		if o.finalizer && !slices.Contains(app.Finalizers, v1alpha1.ResourcesFinalizer) {
			app.Finalizers = append(app.Finalizers, v1alpha1.ResourcesFinalizer)
		}
	}
	return all, nil
}

func (o *appCreate) readFile() ([]*v1alpha1.Application, error) {
	data, err := o.readInput(o.file)
	if err != nil {
		return nil, &Trouble{Problem: "reading the manifest: " + err.Error(), Code: codeUsage, cause: err}
	}
	var all []*v1alpha1.Application
	for documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data))); ; {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		app := &v1alpha1.Application{}
		if err := yaml.UnmarshalStrict(document, app); err != nil {
			return nil, &Trouble{Problem: fmt.Sprintf("reading %s: %v", o.file, err), Remedy: "it must hold Applications of " + v1alpha1.GroupVersion.String(), Code: codeUsage, cause: err}
		}
		if app.Kind != v1alpha1.ApplicationKind {
			return nil, &Trouble{Problem: fmt.Sprintf("%s holds the kind %q, which is no Application", o.file, app.Kind), Remedy: "apply other kinds with kubectl", Code: codeUsage}
		}
		all = append(all, app)
	}
	if len(all) == 0 {
		return nil, &Trouble{Problem: o.file + " holds no Application", Code: codeUsage}
	}
	return all, nil
}

// readInput reads a file, or standard input for -.
func (e *env) readInput(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(e.In)
	}
	return os.ReadFile(name)
}

// complete fills in what goes without saying, and names what is missing.
func complete(app *v1alpha1.Application) error {
	if app.Spec.Project == "" {
		app.Spec.Project = v1alpha1.DefaultProject
	}
	if app.Spec.Destination == (v1alpha1.ApplicationDestination{Namespace: app.Spec.Destination.Namespace}) {
		app.Spec.Destination.Server = v1alpha1.InClusterServer
	}
	lacks := ""
	switch {
	case app.Name == "":
		return &Trouble{Problem: "the Application has no name", Remedy: "write `app create NAME …`", Code: codeUsage}
	case app.Spec.Source == nil && len(app.Spec.Sources) == 0:
		lacks = "--repo URL and --path DIRECTORY"
	case app.Spec.Source != nil && app.Spec.Source.RepoURL == "":
		lacks = "--repo URL"
	case app.Spec.Source != nil && app.Spec.Source.Path == "" && app.Spec.Source.Chart == "":
		lacks = "--path DIRECTORY (. is the top of the repository)"
	}
	if lacks != "" {
		return &Trouble{Problem: fmt.Sprintf("Application %q does not say where its manifests are", app.Name), Remedy: "add " + lacks, Code: codeUsage}
	}
	if d := app.Spec.Destination; d.Server != "" && d.Name != "" {
		return &Trouble{Problem: fmt.Sprintf("Application %q names its cluster twice: server %s and name %s", app.Name, d.Server, d.Name), Remedy: "leave one out", Code: codeUsage}
	}
	return nil
}

// checkPlace refuses a project or a cluster that is not there, and says which are.
func (a *apps) checkPlace(ctx context.Context, c client.Client, app *v1alpha1.Application) error {
	if app.Spec.Project != v1alpha1.DefaultProject {
		err := c.Get(ctx, client.ObjectKey{Namespace: a.namespace, Name: app.Spec.Project}, &v1alpha1.AppProject{})
		if apierrors.IsNotFound(err) && !noSuchResource(err) {
			all := &v1alpha1.AppProjectList{}
			if err := c.List(ctx, all, client.InNamespace(a.namespace)); err != nil {
				return a.explain(err, "listing AppProjects")
			}
			names := []string{v1alpha1.DefaultProject}
			for i := range all.Items {
				names = append(names, all.Items[i].Name)
			}
			return missing(v1alpha1.AppProjectKind, a.namespace, app.Spec.Project, slices.Compact(slices.Sorted(slices.Values(names))), "")
		}
		if err != nil {
			return a.explain(err, "reading AppProject "+app.Spec.Project)
		}
	}
	d := app.Spec.Destination
	if d.Server == v1alpha1.InClusterServer || d.Name == v1alpha1.InClusterName {
		return nil
	}
	known, err := a.listClusters(ctx, c)
	if err != nil {
		return err
	}
	names := []string{v1alpha1.InClusterServer}
	for _, cluster := range known {
		if cluster.Name == d.Name || cluster.Server == d.Server {
			return nil
		}
		names = append(names, cluster.Server+" ("+cluster.Name+")")
	}
	return &Trouble{
		Problem: fmt.Sprintf("Application %q is for the cluster %s, which is not registered", app.Name, d.Server+d.Name),
		Remedy:  "register it with `" + a.program + " cluster add CONTEXT`; there are: " + choices(names), Code: codeMissing,
	}
}

func (o *appCreate) create(ctx context.Context, c client.Client, app *v1alpha1.Application) error {
	done := "created"
	err := c.Create(ctx, app)
	if apierrors.IsAlreadyExists(err) {
		done, err = o.update(ctx, c, app)
	}
	if err != nil {
		return o.explain(err, "creating Application "+app.Name)
	}
	switch o.out.value {
	case outJSON, outYAML:
		return o.object(app, o.out.value)
	case outName:
		return o.say(app.Name)
	}
	return o.say(fmt.Sprintf("application '%s' %s", app.Name, done))
}

// update brings an Application that is there to what is wanted, when that was allowed.
func (o *appCreate) update(ctx context.Context, c client.Client, app *v1alpha1.Application) (string, error) {
	live := &v1alpha1.Application{}
	if err := c.Get(ctx, client.ObjectKeyFromObject(app), live); err != nil {
		return "", err
	}
	before := live.DeepCopy()
	live.Spec = app.Spec
	for k, v := range app.Labels {
		put(&live.Labels, k, v)
	}
	for k, v := range app.Annotations {
		put(&live.Annotations, k, v)
	}
	for _, f := range app.Finalizers {
		if !slices.Contains(live.Finalizers, f) {
			live.Finalizers = append(live.Finalizers, f)
		}
	}
	if equality.Semantic.DeepEqual(before, live) {
		live.DeepCopyInto(app)
		return "unchanged", nil
	}
	if !o.upsert {
		return "", &Trouble{
			Problem: fmt.Sprintf("Application %q is there already, with another spec", app.Name),
			Remedy:  "add --upsert to change it, or see `" + o.program + " app set`", Code: codeGeneric,
		}
	}
	err := patch.Object(ctx, c, before, live)
	live.DeepCopyInto(app)
	return "updated", err
}

func newAppSet(a *apps) *cobra.Command {
	var validate bool
	var spec *specFlags
	cmd := &cobra.Command{
		Use:   "set NAME",
		Short: "Change an Application's source, destination or policy",
		Example: `  cyan app set shop --revision v2
  cyan app set shop --sync-policy automated --self-heal
  cyan app set shop --kustomize-image shop=registry.example/shop:v2`,
		Args:              exactly("the Application's name"),
		ValidArgsFunction: a.completeApps(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.change(cmd.Context(), args[0], func(c client.Client, app *v1alpha1.Application) error {
				edits, err := spec.changed(app)
				if err != nil {
					return err
				}
				if edits == 0 {
					return &Trouble{Problem: "nothing to set", Remedy: "`" + cmd.CommandPath() + " --help` lists what can be", Code: codeUsage}
				}
				if validate {
					return a.checkPlace(cmd.Context(), c, app)
				}
				return nil
			})
		},
	}
	spec = newSpecFlags(cmd)
	cmd.Flags().BoolVar(&validate, "validate", true, "refuse a destination or project that does not exist")
	return cmd
}

// change edits an Application and writes what became different.
func (a *apps) change(ctx context.Context, name string, edit func(client.Client, *v1alpha1.Application) error) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	app, err := a.get(ctx, c, name)
	if err != nil {
		return err
	}
	before := app.DeepCopy()
	if err := edit(c, app); err != nil {
		return err
	}
	if equality.Semantic.DeepEqual(before, app) {
		return a.say(fmt.Sprintf("application '%s' unchanged", app.Name))
	}
	if err := patch.Object(ctx, c, before, app); err != nil {
		return a.explain(err, "changing Application "+name)
	}
	return a.say(fmt.Sprintf("application '%s' updated", app.Name))
}

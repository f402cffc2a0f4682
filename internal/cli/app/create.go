package app

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/spec"
	"github.com/cyan-cd/cyan/internal/patch"
	"github.com/cyan-cd/cyan/internal/problem"
)

type createCommand struct {
	*kit.Control
	spec                *spec.Flags
	file                string
	name                string
	labels, annotations []string
	upsert, finalizer   bool
	validate            bool
	out                 kit.Format
}

func newCreate(a *kit.Control) *cobra.Command {
	o := &createCommand{Control: a}
	cmd := &cobra.Command{
		Use:   "create [NAME]",
		Short: "Create an Application",
		Example: `  cyan app create shop --repo https://git.example/shop --path k8s/overlays/local \
    --dest-server https://kubernetes.default.svc --dest-namespace default \
    --sync-policy automated --auto-prune --self-heal
  cyan app create -f application.yml`,
		Args:              kit.AtMost(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.name = args[0]
			}
			return o.run(cmd.Context())
		},
	}
	o.spec = spec.New(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&o.file, "file", "f", "", "manifest of one or more Applications; - is standard input; other flags change it")
	flags.StringVar(&o.name, "name", "", "the name, in place of the argument")
	flags.StringArrayVarP(&o.labels, "label", "l", nil, "KEY=VALUE on the Application")
	flags.StringArrayVar(&o.annotations, "annotations", nil, "KEY=VALUE on the Application")
	flags.BoolVar(&o.upsert, "upsert", false, "change the Application if it is there already and differs")
	flags.BoolVar(&o.finalizer, "set-finalizer", false, "have its deletion delete what it deployed")
	flags.BoolVar(&o.validate, "validate", true, "refuse a source that cannot be rendered, and a destination or project that does not exist")
	o.out.Bind(cmd, kit.JSON, kit.YAML, kit.Name)
	return cmd
}

func (o *createCommand) run(ctx context.Context) error {
	if err := o.out.Check(); err != nil {
		return err
	}
	wanted, err := o.wanted()
	if err != nil {
		return err
	}
	for _, app := range wanted {
		if err := setDefaults(app); err != nil {
			return err
		}
	}
	c, err := o.ConnectServed()
	if err != nil {
		return err
	}
	for _, app := range wanted {
		if o.validate {
			if err := o.check(ctx, c, app); err != nil {
				return err
			}
		}
		if err := o.create(ctx, c, app); err != nil {
			return err
		}
	}
	return nil
}

// check refuses what could not be deployed.
func (o *createCommand) check(ctx context.Context, c client.Client, app *v1alpha1.Application) error {
	live := &v1alpha1.Application{}
	if err := c.Get(ctx, client.ObjectKeyFromObject(app), live); err == nil {
		if _, err := o.merge(live, app); err != nil {
			return err
		}
	}
	if err := checkNamespace(ctx, o.Control, c, app); err != nil {
		return err
	}
	if err := checkPlace(ctx, o.Control, c, app); err != nil {
		return err
	}
	if err := checkBounds(ctx, o.Control, c, app); err != nil {
		return err
	}
	return checkSources(ctx, o.Control, c, app)
}

// wanted are the Applications of the file, or the one of the flags.
func (o *createCommand) wanted() ([]*v1alpha1.Application, error) {
	all := []*v1alpha1.Application{{}}
	if o.file != "" {
		var err error
		if all, err = o.readFile(); err != nil {
			return nil, err
		}
		if len(all) > 1 && o.name != "" {
			return nil, kit.Usage(o.file, fmt.Sprintf("%d Applications cannot all be called %q", len(all), o.name), "leave the name out")
		}
	}
	for _, app := range all {
		if namespace, name, qualified := strings.Cut(o.name, "/"); qualified {
			app.Namespace, app.Name = namespace, name
		} else if o.name != "" {
			app.Name = o.name
		}
		if app.Namespace == "" {
			app.Namespace = o.Namespace
		}
		if _, err := o.spec.Apply(app); err != nil {
			return nil, err
		}
		err := errors.Join(
			kit.Pairs(o.labels, func(k, v string) { kit.Put(&app.Labels, k, v) }),
			kit.Pairs(o.annotations, func(k, v string) { kit.Put(&app.Annotations, k, v) }),
		)
		if err != nil {
			return nil, kit.Usage("--label, --annotations", err.Error(), "")
		}
		if o.finalizer && !slices.Contains(app.Finalizers, v1alpha1.ResourcesFinalizer) {
			app.Finalizers = append(app.Finalizers, v1alpha1.ResourcesFinalizer)
		}
	}
	return all, nil
}

func (o *createCommand) readFile() ([]*v1alpha1.Application, error) {
	data, err := o.ReadInput(o.file)
	if err != nil {
		return nil, &problem.Error{Kind: problem.Usage, Object: "--file", Cause: err.Error(), Err: err}
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
		app, err := decode(document)
		if err != nil {
			return nil, &problem.Error{Kind: problem.Usage, File: o.file, Cause: err.Error(), Remedy: "write Applications of " + v1alpha1.GroupVersion.String(), Err: err}
		}
		if app.Kind != "" && app.Kind != v1alpha1.ApplicationKind {
			return nil, kit.Usage(o.file, fmt.Sprintf("kind %q found, where an Application is expected", app.Kind), "apply other kinds with kubectl")
		}
		all = append(all, app)
	}
	if len(all) == 0 {
		return nil, kit.Usage(o.file, "no Application found", "")
	}
	return all, nil
}

// decode reads one Application. A misspelt field is an error. Its status is what a controller wrote, by whichever
// definition it knew, so that fields of it that are not ours are no mistake of who gives the file.
func decode(document []byte) (*v1alpha1.Application, error) {
	fields := map[string]any{}
	if err := yaml.UnmarshalStrict(document, &fields); err != nil {
		return nil, err
	}
	status := fields["status"]
	delete(fields, "status")
	app := &v1alpha1.Application{}
	if data, err := json.Marshal(fields); err != nil {
		return nil, err
	} else if err := yaml.UnmarshalStrict(data, app); err != nil {
		return nil, err
	}
	data, err := json.Marshal(status)
	if err != nil {
		return nil, err
	}
	return app, json.Unmarshal(data, &app.Status)
}

// setDefaults fills in what goes without saying, and names what is missing.
func setDefaults(app *v1alpha1.Application) error {
	if app.Spec.Project == "" {
		app.Spec.Project = v1alpha1.DefaultProject
	}
	if app.Spec.Destination == (v1alpha1.ApplicationDestination{Namespace: app.Spec.Destination.Namespace}) {
		app.Spec.Destination.Server = v1alpha1.InClusterServer
	}
	lacks := ""
	switch {
	case app.Name == "":
		return kit.Usage("Application", "name is missing", "write `app create NAME …`")
	case app.Spec.Source == nil && len(app.Spec.Sources) == 0:
		lacks = "--repo URL and --path DIRECTORY"
	case app.Spec.Source != nil && app.Spec.Source.RepoURL == "":
		lacks = "--repo URL"
	case app.Spec.Source != nil && app.Spec.Source.Path == "" && app.Spec.Source.Chart == "":
		lacks = "--path DIRECTORY (. is the top of the repository)"
	}
	if lacks != "" {
		return kit.Usage(object(app), "the source of its manifests is missing", "add "+lacks)
	}
	if d := app.Spec.Destination; d.Server != "" && d.Name != "" {
		return kit.Usage(object(app), fmt.Sprintf("spec.destination has both server %s and name %s", d.Server, d.Name), "leave one out")
	}
	return nil
}

func (o *createCommand) create(ctx context.Context, c client.Client, app *v1alpha1.Application) error {
	done := "created"
	err := c.Create(ctx, app)
	if apierrors.IsAlreadyExists(err) {
		done, err = o.update(ctx, c, app)
	}
	if err != nil {
		return o.Explain(err, "creating Application "+app.Name)
	}
	warn(o.Control, &v1alpha1.Application{}, app)
	switch o.out.Value {
	case kit.JSON, kit.YAML:
		return o.Object(app, o.out.Value)
	case kit.Name:
		return o.Say(app.Name)
	}
	return o.Say(fmt.Sprintf("application '%s' %s", app.Name, done))
}

// update brings an Application that is there to what is wanted, when that was allowed.
func (o *createCommand) update(ctx context.Context, c client.Client, app *v1alpha1.Application) (string, error) {
	live := &v1alpha1.Application{}
	if err := c.Get(ctx, client.ObjectKeyFromObject(app), live); err != nil {
		return "", err
	}
	before := live.DeepCopy()
	different, err := o.merge(live, app)
	if err != nil {
		return "", err
	}
	done := "unchanged"
	if different {
		done, err = "updated", patch.Object(ctx, c, before, live)
	}
	live.DeepCopyInto(app)
	return done, err
}

// merge makes of an Application that is there what is wanted, and reports whether that differs. It returns an error
// when it does and --upsert was not given.
func (o *createCommand) merge(live, wanted *v1alpha1.Application) (different bool, err error) {
	before := live.DeepCopy()
	live.Spec = wanted.Spec
	for k, v := range wanted.Labels {
		kit.Put(&live.Labels, k, v)
	}
	for k, v := range wanted.Annotations {
		kit.Put(&live.Annotations, k, v)
	}
	for _, f := range wanted.Finalizers {
		if !slices.Contains(live.Finalizers, f) {
			live.Finalizers = append(live.Finalizers, f)
		}
	}
	action.KeepCredentials(before, live)
	different = !equality.Semantic.DeepEqual(before, live)
	if different && !o.upsert {
		return true, &problem.Error{
			Kind: problem.Refused, Object: object(wanted), Cause: "existing application spec is different, use upsert flag to force update",
			Remedy: "add --upsert to change it, or see " + o.Command("app set"),
		}
	}
	return different, nil
}

package project

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/patch"
	"github.com/cyan-cd/cyan/internal/problem"
)

func newCreate(a *kit.Control) *cobra.Command {
	var flags specFlags
	var file string
	var upsert bool
	cmd := &cobra.Command{
		Use: "create [NAME]", Short: "Create a project",
		Example: `  cyan proj create shop --src https://git.example/shop --dest https://kubernetes.default.svc,shop --allow-cluster-resource rbac.authorization.k8s.io/ClusterRole
  cyan proj create -f project.yaml`,
		Args:              kit.AtMost(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := wanted(a, file, args)
			if err != nil {
				return err
			}
			spec := specOf(p)
			if _, err := flags.apply(spec); err != nil {
				return err
			}
			p.Object["spec"] = spec
			c, err := a.Connect()
			if err != nil {
				return err
			}
			return create(cmd.Context(), a, c, p, upsert)
		},
	}
	flags.bind(cmd)
	cmd.Flags().StringVarP(&file, "file", "f", "", "manifest of the project; - is standard input; other flags change it")
	cmd.Flags().BoolVar(&upsert, "upsert", false, "change it if it is there already")
	return cmd
}

// wanted is the project of a file, or an empty one, by the name that was given.
func wanted(a *kit.Control, file string, args []string) (*unstructured.Unstructured, error) {
	p := &unstructured.Unstructured{Object: map[string]any{}}
	if file != "" {
		data, err := a.ReadInput(file)
		if err != nil {
			return nil, &problem.Error{Kind: problem.Usage, Object: "--file", Cause: err.Error(), Err: err}
		}
		typed := &v1alpha1.AppProject{}
		err = yaml.Unmarshal(data, typed)
		if err == nil {
			err = yaml.Unmarshal(data, &p.Object)
		}
		if err != nil {
			return nil, &problem.Error{Kind: problem.Usage, File: file, Cause: err.Error(), Remedy: "write an AppProject of " + v1alpha1.GroupVersion.String(), Err: err}
		}
		if p.GetKind() != "" && p.GetKind() != v1alpha1.AppProjectKind {
			return nil, kit.Usage(file, fmt.Sprintf("kind %q found, where an AppProject is expected", p.GetKind()), "apply other kinds with kubectl")
		}
	}
	p.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(v1alpha1.AppProjectKind))
	if len(args) == 1 {
		p.SetName(args[0])
	}
	if p.GetName() == "" {
		return nil, kit.Usage("AppProject", "name is missing", "write `proj create NAME …`")
	}
	p.SetNamespace(a.Namespace)
	return p, nil
}

func create(ctx context.Context, a *kit.Control, c client.Client, p *unstructured.Unstructured, upsert bool) error {
	done := "created"
	err := c.Create(ctx, p.DeepCopy())
	if apierrors.IsAlreadyExists(err) {
		if !upsert {
			return &problem.Error{Kind: problem.Refused, Object: fmt.Sprintf("AppProject %q", p.GetName()), Cause: "exists already", Remedy: "add --upsert to change it"}
		}
		done = "updated"
		err = upsertProject(ctx, c, p)
	}
	if err != nil {
		return a.Explain(err, "creating AppProject "+p.GetName())
	}
	return a.Say(fmt.Sprintf("project '%s' %s", p.GetName(), done))
}

// upsertProject makes a project that is there the wanted one, but for fields that its type does not know.
func upsertProject(ctx context.Context, c client.Client, p *unstructured.Unstructured) error {
	live := &v1alpha1.AppProject{}
	if err := c.Get(ctx, client.ObjectKeyFromObject(p), live); err != nil {
		return err
	}
	data, err := p.MarshalJSON()
	if err != nil {
		return err
	}
	typed := &v1alpha1.AppProject{}
	if err := yaml.Unmarshal(data, typed); err != nil {
		return err
	}
	before := live.DeepCopy()
	live.Spec = typed.Spec
	for k, v := range typed.Labels {
		kit.Put(&live.Labels, k, v)
	}
	for k, v := range typed.Annotations {
		kit.Put(&live.Annotations, k, v)
	}
	return patch.Object(ctx, c, before, live)
}

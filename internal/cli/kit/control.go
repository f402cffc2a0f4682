package kit

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/repository"
)

// defaultAppNamespace is where existing manifests and tools expect Applications.
const defaultAppNamespace = "argocd"

// Control is an Env for commands about what is kept beside the Applications.
type Control struct {
	*Env
	// Namespace holds the Applications, their projects, clusters and repositories.
	Namespace string
	// flag is --app-namespace.
	flag *pflag.Flag
	// usual is the namespace where the flag is not given, and home the control namespace where it is another.
	usual, home string
}

// NewControl returns a Control whose namespace is a flag of a command and those below it.
func NewControl(e *Env, cmd *cobra.Command) *Control {
	c := &Control{Env: e, usual: cmp.Or(os.Getenv("ARGOCD_APP_NAMESPACE"), defaultAppNamespace)}
	cmd.PersistentFlags().StringVarP(&c.Namespace, "app-namespace", "N", c.usual, "the namespace that Applications are in")
	c.flag = cmd.PersistentFlags().Lookup("app-namespace")
	return c
}

// NamesNamespace reports whether the person has named the one namespace that is meant.
func (c *Control) NamesNamespace() bool { return c.flag != nil && c.flag.Changed }

// Home is the Control of the control namespace, where projects, clusters, repositories and settings are kept.
func (c *Control) Home() *Control {
	if c.home == "" {
		return c
	}
	return &Control{Env: c.Env, Namespace: c.home, flag: c.flag, usual: c.usual}
}

// AppsElsewhere has a command and those below it tell the namespace of an Application, when one is given, from the
// control namespace.
func (c *Control) AppsElsewhere(cmd *cobra.Command) {
	cmd.PersistentPreRunE = func(cmd *cobra.Command, args []string) error {
		if _, served, _ := c.Server.chosen(&c.Kube); !served && c.NamesNamespace() && c.Namespace != c.usual {
			if from, err := connect(c.Env); err == nil && c.isElsewhere(cmd.Context(), from) {
				c.home = c.usual
			}
		}
		if before := cmd.Root().PersistentPreRunE; before != nil {
			return before(cmd, args)
		}
		return nil
	}
}

// isElsewhere reports whether the namespace that is given is none in which a control plane keeps its default project,
// and the usual one is.
func (c *Control) isElsewhere(ctx context.Context, from client.Client) bool {
	has := func(namespace string) bool {
		return from.Get(ctx, client.ObjectKey{Namespace: namespace, Name: v1alpha1.DefaultProject}, &v1alpha1.AppProject{}) == nil
	}
	return !has(c.Namespace) && has(c.usual)
}

// CheckNamespace returns an error if the namespace of the Applications does not exist; for a command that found
// nothing in it.
func (c *Control) CheckNamespace(ctx context.Context, from client.Client) error {
	err := from.Get(ctx, client.ObjectKey{Name: c.Namespace}, &corev1.Namespace{})
	if apierrors.IsNotFound(err) {
		return &problem.Error{
			Kind: problem.Absent, Object: fmt.Sprintf("namespace %q", c.Namespace), Cause: "not found", Err: err,
			Remedy: "start `cyan server`, which makes its namespace, or name that of the Applications by --app-namespace",
		}
	}
	// Who may not read namespaces gets an empty list.
	return nil
}

// Secrets lists the Secrets of one of the SecretType values.
func (c *Control) Secrets(ctx context.Context, from client.Client, kind string) ([]corev1.Secret, error) {
	list := &corev1.SecretList{}
	if err := from.List(ctx, list, client.InNamespace(c.Namespace), client.MatchingLabels{v1alpha1.SecretTypeLabel: kind}); err != nil {
		return nil, c.Explain(err, "listing the Secrets of type "+kind)
	}
	return list.Items, nil
}

// NewSecret returns the Secret of a cluster or repository, which is named by its URL, with its host in it for people.
func (c *Control) NewSecret(kind, prefix, address string, data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: repository.SecretName(prefix, address, string(data["project"])), Namespace: c.Namespace,
			Labels: map[string]string{v1alpha1.SecretTypeLabel: kind},
			// Existing tools mark the Secrets that a command made by this.
			Annotations: map[string]string{"managed-by": "argocd.argoproj.io"},
		},
		Data: data,
	}
}

// StoreSecret writes a Secret, in place of an existing one where there is one.
func (c *Control) StoreSecret(ctx context.Context, to client.Client, existing, wanted *corev1.Secret) error {
	var err error
	if existing == nil {
		err = to.Create(ctx, wanted)
	} else {
		before := existing.DeepCopy()
		existing.Data = wanted.Data
		for k, v := range wanted.Labels {
			Put(&existing.Labels, k, v)
		}
		for k, v := range wanted.Annotations {
			Put(&existing.Annotations, k, v)
		}
		err = to.Patch(ctx, existing, client.MergeFrom(before))
	}
	return c.Explain(err, "writing Secret "+wanted.Name)
}

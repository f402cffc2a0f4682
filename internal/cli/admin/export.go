package admin

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/secret"
	"github.com/cyan-cd/cyan/internal/settings"
	"github.com/cyan-cd/cyan/internal/source"
)

// ownKinds are the kinds of an installation's own objects, in the order in which they are restored.
var ownKinds = []schema.GroupVersionKind{
	{Version: "v1", Kind: "ConfigMap"}, {Version: "v1", Kind: "Secret"},
	v1alpha1.GroupVersion.WithKind(v1alpha1.AppProjectKind), v1alpha1.GroupVersion.WithKind(v1alpha1.ApplicationKind), v1alpha1.GroupVersion.WithKind("ApplicationSet"),
}

// isOwn reports whether an object of one of the kinds belongs to an installation.
func isOwn(o *unstructured.Unstructured) bool {
	switch o.GroupVersionKind() {
	case ownKinds[0]:
		return slices.Contains(settings.ConfigMapNames, o.GetName()) || o.GetName() == source.KnownHostsName || o.GetName() == source.CertificatesName
	case ownKinds[1]:
		return o.GetName() == settings.SecretName || o.GetLabels()[v1alpha1.SecretTypeLabel] != ""
	}
	return slices.Contains(ownKinds, o.GroupVersionKind())
}

type export struct {
	*kit.Control
	out           string
	secrets, yes  bool
	withoutStatus bool
	namespaces    []string
}

func newExport(a *kit.Control) *cobra.Command {
	o := &export{Control: a}
	cmd := &cobra.Command{
		Use: "export", Short: "Print an installation's own objects as YAML, for a backup; Secrets only with --secrets",
		Example: `  cyan admin export -o backup.yaml
  cyan admin export --secrets --yes -o backup.yaml`,
		Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.out, "out", "o", "-", "write to this file, which only its owner may read; - is standard output")
	f.BoolVar(&o.secrets, "secrets", false, "Secrets as well, with passwords and keys in clear, after a question")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	f.BoolVar(&o.withoutStatus, "strip-status", false, "leave out the status of each object")
	f.StringSliceVar(&o.namespaces, "application-namespaces", nil, "further namespaces whose Applications are exported; * for all")
	a.Idle(cmd, "ApplicationSets are exported from the same namespaces as Applications", "applicationset-namespaces=")
	return cmd
}

func (o *export) run(ctx context.Context) error {
	c, err := o.Connect()
	if err != nil {
		return err
	}
	objects, err := o.objects(ctx, c)
	if err != nil {
		return err
	}
	secrets := 0
	for _, object := range objects {
		if secret.Is(object) {
			secrets++
		}
	}
	if o.secrets && secrets > 0 {
		if err := o.Confirm(fmt.Sprintf("write the passwords and keys of %d Secrets in clear?", secrets), o.yes); err != nil {
			return err
		}
	} else if secrets > 0 {
		o.Note("warning: %d Secrets (credentials of clusters and repositories) are not in this backup; --secrets adds them, in clear", secrets)
		objects = slices.DeleteFunc(objects, secret.Is)
	}
	var all bytes.Buffer
	for _, object := range objects {
		data, err := yaml.Marshal(o.plain(object).Object)
		if err != nil {
			return err
		}
		all.WriteString("---\n")
		all.Write(data)
	}
	if o.out == "-" {
		return o.Data(all.String())
	}
	if err := os.WriteFile(o.out, all.Bytes(), 0o600); err != nil {
		return &problem.Error{Kind: problem.Refused, Object: "--out " + o.out, Cause: err.Error(), Err: err}
	}
	o.Note("%d objects written to %s", len(objects), o.out)
	return nil
}

// objects reads what belongs to the installation.
func (o *export) objects(ctx context.Context, c client.Client) ([]*unstructured.Unstructured, error) {
	var found []*unstructured.Unstructured
	for _, kind := range ownKinds {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind)
		in := client.InNamespace(o.Namespace)
		if len(o.namespaces) > 0 && kind.Group != corev1.GroupName {
			in = ""
		}
		if err := c.List(ctx, list, in); meta.IsNoMatchError(err) || kit.KindNotServed(err) {
			continue
		} else if err != nil {
			return nil, o.Explain(err, "listing objects of kind "+kind.Kind)
		}
		for i := range list.Items {
			if object := &list.Items[i]; isOwn(object) && o.isIn(object.GetNamespace()) {
				found = append(found, object)
			}
		}
	}
	return found, nil
}

func (o *export) isIn(namespace string) bool {
	return namespace == o.Namespace || slices.ContainsFunc(o.namespaces, func(wanted string) bool { return wanted == "*" || strings.TrimSpace(wanted) == namespace })
}

// plain leaves out what the API server makes by itself.
func (o *export) plain(object *unstructured.Unstructured) *unstructured.Unstructured {
	object = object.DeepCopy()
	for _, field := range []string{"managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"} {
		unstructured.RemoveNestedField(object.Object, "metadata", field)
	}
	if o.withoutStatus {
		delete(object.Object, "status")
	}
	return object
}

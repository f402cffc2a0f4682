package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/screens"
	"github.com/cyan-cd/cyan/internal/problem"
)

// objectFlags name objects of an Application.
type objectFlags struct {
	kind, group, namespace, name, project string
	all                                   bool
}

func (f *objectFlags) bind(cmd *cobra.Command, kindNeeded bool) {
	flags := cmd.Flags()
	flags.StringVar(&f.kind, "kind", "", "kind of the object")
	flags.StringVar(&f.group, "group", "", "group of its kind")
	flags.StringVar(&f.namespace, "namespace", "", "namespace of the object")
	flags.StringVar(&f.name, "resource-name", "", "name of the object")
	if kindNeeded {
		_ = cmd.MarkFlagRequired("kind")
	}
}

// bindAll adds the flag without which a command changes one object at most.
func (f *objectFlags) bindAll(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.all, "all", false, "every object that fits, where there are several")
}

func (f *objectFlags) bindProject(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.project, "project", "", "only if the Application is of this project")
}

// String is what the flags name.
func (f *objectFlags) String() string {
	name := f.kind
	if f.group != "" {
		name += "." + f.group
	}
	if f.name != "" {
		name += " " + strings.TrimPrefix(f.namespace+"/"+f.name, "/")
	}
	if name == "" {
		return "any kind"
	}
	return name
}

func (f *objectFlags) fits(group, kind, namespace, name string) bool {
	return (f.kind == "" || strings.EqualFold(f.kind, kind)) && (f.group == "" || f.group == group) && (f.namespace == "" || f.namespace == namespace) && (f.name == "" || f.name == name)
}

// ofApp reads an Application, which has to be of the project that was given, and a client of its cluster.
func (f *objectFlags) ofApp(ctx context.Context, a *kit.Control, name string) (*v1alpha1.Application, client.Client, error) {
	c, err := a.Connect()
	if err != nil {
		return nil, nil, err
	}
	app, err := get(ctx, a, c, name)
	if err != nil {
		return nil, nil, err
	}
	if f.project != "" && app.Spec.Project != f.project {
		return nil, nil, &problem.Error{Kind: problem.Absent, Object: object(app), Cause: fmt.Sprintf("of project %q, not %q", app.Spec.Project, f.project)}
	}
	at, err := destinationClient(ctx, a, c, app)
	return app, at, err
}

// find reads the objects of an Application that the flags name: those that it deploys, and those that these own.
func (f *objectFlags) find(ctx context.Context, a *kit.Control, at client.Client, app *v1alpha1.Application) ([]*unstructured.Unstructured, error) {
	var found []*unstructured.Unstructured
	for _, r := range app.Status.Resources {
		if !f.fits(r.Group, r.Kind, r.Namespace, r.Name) {
			continue
		}
		o := &unstructured.Unstructured{}
		o.SetGroupVersionKind(schema.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: r.Kind})
		err := at.Get(ctx, client.ObjectKey{Namespace: r.Namespace, Name: r.Name}, o)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, a.Explain(err, "reading "+screens.ObjectName(r.Kind, r.Namespace, r.Name))
		}
		found = append(found, o)
	}
	owned, err := f.owned(ctx, a, at, app)
	if err != nil {
		return nil, err
	}
	if found = append(found, owned...); len(found) > 0 {
		return found, nil
	}
	missing := &problem.Error{Kind: problem.Absent, Object: object(app), Cause: "object of " + f.String() + " not found"}
	var there []string
	for _, r := range app.Status.Resources {
		there = append(there, screens.ObjectName(r.Kind, r.Namespace, r.Name))
	}
	if len(there) > 0 {
		missing.Remedy = "there are: " + kit.Choices(there)
	}
	return nil, missing
}

// ownedKinds are those that other objects make, where most people look for them.
var ownedKinds = []schema.GroupVersionKind{
	{Version: "v1", Kind: "Pod"}, {Group: "apps", Version: "v1", Kind: "ReplicaSet"}, {Group: "batch", Version: "v1", Kind: "Job"},
}

// owned reads the objects that those of an Application own, however many owners are between.
func (f *objectFlags) owned(ctx context.Context, a *kit.Control, at client.Client, app *v1alpha1.Application) ([]*unstructured.Unstructured, error) {
	managed, namespaces := map[string]bool{}, map[string]bool{}
	for _, r := range app.Status.Resources {
		if r.Namespace != "" {
			managed[r.Namespace+"|"+r.Kind+"|"+r.Name], namespaces[r.Namespace] = true, true
		}
	}
	chain := owners{c: at, seen: map[types.UID][]metav1.OwnerReference{}}
	var found []*unstructured.Unstructured
	for _, kind := range ownedKinds {
		if f.kind == "" || !f.fits(kind.Group, kind.Kind, f.namespace, f.name) {
			continue
		}
		for namespace := range namespaces {
			list := &unstructured.UnstructuredList{}
			list.SetGroupVersionKind(kind)
			if err := at.List(ctx, list, client.InNamespace(namespace)); err != nil {
				return nil, a.Explain(err, "listing objects of kind "+kind.Kind)
			}
			for i := range list.Items {
				o := &list.Items[i]
				if managed[namespace+"|"+o.GetKind()+"|"+o.GetName()] || !f.fits(kind.Group, kind.Kind, namespace, o.GetName()) {
					continue
				}
				if slices.ContainsFunc(chain.of(ctx, namespace, o.GetOwnerReferences()), func(r metav1.OwnerReference) bool { return managed[namespace+"|"+r.Kind+"|"+r.Name] }) {
					found = append(found, o)
				}
			}
		}
	}
	slices.SortFunc(found, func(x, y *unstructured.Unstructured) int {
		return strings.Compare(x.GetNamespace()+"/"+x.GetName(), y.GetNamespace()+"/"+y.GetName())
	})
	return found, nil
}

// change is find for a command that changes what it finds: several objects only by --all.
func (f *objectFlags) change(ctx context.Context, a *kit.Control, at client.Client, app *v1alpha1.Application) ([]*unstructured.Unstructured, error) {
	found, err := f.find(ctx, a, at, app)
	if err != nil || len(found) == 1 || f.all {
		return found, err
	}
	var names []string
	for _, o := range found {
		names = append(names, nameOf(o))
	}
	return nil, &problem.Error{Kind: problem.Usage, Object: object(app), Cause: fmt.Sprintf("%d objects fit: %s", len(found), kit.Choices(names)), Remedy: "name one by --resource-name and --namespace, or add --all"}
}

func nameOf(o *unstructured.Unstructured) string {
	return screens.ObjectName(o.GetKind(), o.GetNamespace(), o.GetName())
}

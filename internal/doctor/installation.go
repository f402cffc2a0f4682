package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/selection"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/doctor/decide"
	"github.com/cyan-cd/cyan/internal/settings"
)

// Installation is what a cluster has of the kinds that Cyan serves.
type Installation struct {
	// Namespace is the control namespace.
	Namespace string
	// Counts are how many objects there are of each kind.
	Counts map[string]int
	// Uses are what the Applications use, and Projects those of the control namespace.
	Uses     decide.Uses
	Projects []v1alpha1.AppProject
	// Findings are what is asked for and not honoured.
	Findings []settings.Finding
	// Others are the workloads that work on the same kinds.
	Others []Workload
}

// kinds are those of the group that people make.
var kinds = []string{v1alpha1.ApplicationKind, v1alpha1.AppProjectKind, v1alpha1.RolloutKind, applicationSets}

const applicationSets = "ApplicationSet"

// pageSize is how many objects are read at a time: an installation may have thousands.
const pageSize = 200

// Read reads what a cluster has.
func Read(ctx context.Context, c client.Reader, namespace string) (Installation, error) {
	found := Installation{Namespace: namespace, Counts: map[string]int{}}
	for _, kind := range kinds {
		if err := found.read(ctx, c, kind); err != nil {
			return found, fmt.Errorf("listing objects of kind %s: %w", kind, err)
		}
	}
	if sets := found.Counts[applicationSets]; sets > 0 {
		found.Findings = append(found.Findings, settings.Finding{
			Object: fmt.Sprintf("%d ApplicationSets", sets), Verdict: settings.Named, Cause: "not generated from yet; the Applications that they made are served",
			Remedy: "leave their own controller running",
		})
	}
	about, err := ofSettings(ctx, c, namespace)
	if err != nil {
		return found, err
	}
	found.Findings = append(found.Findings, about...)
	found.Others, err = OtherControllers(ctx, c)
	return found, err
}

// read reads the objects of a kind; there are none where the cluster does not serve it.
func (i *Installation) read(ctx context.Context, c client.Reader, kind string) error {
	for next := ""; ; {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(schema.GroupVersionKind{Group: v1alpha1.GroupVersion.Group, Version: v1alpha1.GroupVersion.Version, Kind: kind})
		if err := c.List(ctx, list, client.Limit(pageSize), client.Continue(next)); meta.IsNoMatchError(err) || notServed(err) {
			return nil
		} else if err != nil {
			return err
		}
		for at := range list.Items {
			i.add(kind, &list.Items[at])
		}
		if next = list.GetContinue(); next == "" {
			return nil
		}
	}
}

func (i *Installation) add(kind string, o *unstructured.Unstructured) {
	i.Counts[kind]++
	i.Findings = append(i.Findings, settings.Unserved(o)...)
	switch kind {
	case v1alpha1.ApplicationKind:
		i.Uses.Add(o.Object)
	case v1alpha1.AppProjectKind:
		of := v1alpha1.AppProject{}
		if runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &of) == nil && of.Namespace == i.Namespace {
			i.Projects = append(i.Projects, of)
		}
	}
}

// notServed reports whether an API server does not know the kind that was asked for.
func notServed(err error) bool {
	return apierrors.IsNotFound(err) && strings.Contains(err.Error(), "the server could not find the requested resource")
}

// ofSettings finds what the ConfigMaps of the control namespace, and its Secrets of clusters and repositories, ask for
// and does not happen.
func ofSettings(ctx context.Context, c client.Reader, namespace string) ([]settings.Finding, error) {
	all := &corev1.ConfigMapList{}
	if err := c.List(ctx, all, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("listing ConfigMaps: %w", err)
	}
	data := map[string]map[string]string{}
	for _, m := range all.Items {
		if slices.Contains(settings.ConfigMapNames, m.Name) {
			data[m.Name] = m.Data
		}
	}
	_, findings := settings.Parse(data)
	_, aboutAccounts := auth.ParseSettings(data[auth.ConfigName])
	for _, f := range aboutAccounts {
		findings = append(findings, settings.Finding{Object: f.Object, Field: f.Field, Verdict: settings.Named, Cause: f.Cause, Remedy: f.Remedy})
	}
	secrets := &corev1.SecretList{}
	if err := c.List(ctx, secrets, client.InNamespace(namespace), client.HasLabels{v1alpha1.SecretTypeLabel}); err != nil {
		return nil, fmt.Errorf("listing the Secrets of clusters and repositories: %w", err)
	}
	for _, s := range secrets.Items {
		findings = append(findings, settings.InSecret(s.Name, s.Labels[v1alpha1.SecretTypeLabel], s.Data)...)
	}
	// What concerns a part that Cyan has not is nothing to do.
	return slices.DeleteFunc(findings, func(f settings.Finding) bool { return f.Verdict == settings.Harmless }), nil
}

// Working returns the controllers beside this one that have pods, or are to have some.
func (i Installation) Working() []string {
	var working []string
	for _, w := range i.Others {
		if w.Replicas > 0 || w.Running > 0 {
			working = append(working, w.String())
		}
	}
	return working
}

// Workload is a Deployment or StatefulSet of another controller.
type Workload struct {
	Object   client.Object
	Kind     string
	Replicas int32
	// Running is how many pods it has.
	Running int32
}

// String returns the workload as people name it.
func (w Workload) String() string {
	return w.Kind + " " + w.Object.GetNamespace() + "/" + w.Object.GetName()
}

// OtherControllers finds the controllers of other installations, running or not.
func OtherControllers(ctx context.Context, c client.Reader) ([]Workload, error) {
	named, err := labels.NewRequirement(settings.NameLabel, selection.In, settings.ControllerNames)
	if err != nil {
		return nil, err
	}
	selector := client.MatchingLabelsSelector{Selector: labels.NewSelector().Add(*named)}
	deployments, sets := &appsv1.DeploymentList{}, &appsv1.StatefulSetList{}
	for _, list := range []client.ObjectList{deployments, sets} {
		if err := c.List(ctx, list, selector); err != nil {
			return nil, fmt.Errorf("looking for other controllers: %w", err)
		}
	}
	var all []Workload
	for i := range deployments.Items {
		d := &deployments.Items[i]
		all = append(all, Workload{Object: d, Kind: "Deployment", Replicas: settings.FromDeployment(d).Replicas, Running: d.Status.Replicas})
	}
	for i := range sets.Items {
		s := &sets.Items[i]
		all = append(all, Workload{Object: s, Kind: "StatefulSet", Replicas: settings.FromStatefulSet(s).Replicas, Running: s.Status.Replicas})
	}
	slices.SortFunc(all, func(x, y Workload) int { return strings.Compare(x.String(), y.String()) })
	return all, nil
}

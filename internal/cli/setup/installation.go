package setup

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/selection"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/settings"
)

// installation is what a cluster has of the kinds that Cyan serves.
type installation struct {
	// objects are by kind; a kind that the cluster does not serve is missing.
	objects map[string][]unstructured.Unstructured
	// findings are what is asked for and not honoured.
	findings []settings.Finding
	// others are the workloads that work on the same kinds.
	others []workload
}

// kinds are those of the group that people make.
var kinds = []string{v1alpha1.ApplicationKind, v1alpha1.AppProjectKind, v1alpha1.RolloutKind, "ApplicationSet"}

// read reads what a cluster has.
func read(ctx context.Context, a *kit.Control, c client.Client) (installation, error) {
	found := installation{objects: map[string][]unstructured.Unstructured{}}
	for _, kind := range kinds {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(schema.GroupVersionKind{Group: v1alpha1.GroupVersion.Group, Version: v1alpha1.GroupVersion.Version, Kind: kind})
		if err := c.List(ctx, list); meta.IsNoMatchError(err) || kit.KindNotServed(err) {
			continue
		} else if err != nil {
			return found, a.Explain(err, "listing objects of kind "+kind)
		}
		found.objects[kind] = list.Items
		for i := range list.Items {
			found.findings = append(found.findings, settings.Unserved(&list.Items[i])...)
		}
	}
	if sets := found.objects["ApplicationSet"]; len(sets) > 0 {
		found.findings = append(found.findings, settings.Finding{
			Object: fmt.Sprintf("%d ApplicationSets", len(sets)), Verdict: settings.Named, Cause: "not generated from yet; the Applications that they made are served",
			Remedy: "leave their own controller running",
		})
	}
	about, err := ofSettings(ctx, a, c)
	if err != nil {
		return found, err
	}
	found.findings = append(found.findings, about...)
	found.others, err = otherControllers(ctx, a, c)
	return found, err
}

// ofSettings finds what the ConfigMaps of the control namespace, and its Secrets of clusters and repositories, ask for
// and does not happen.
func ofSettings(ctx context.Context, a *kit.Control, c client.Client) ([]settings.Finding, error) {
	all := &corev1.ConfigMapList{}
	if err := c.List(ctx, all, client.InNamespace(a.Namespace)); err != nil {
		return nil, a.Explain(err, "listing ConfigMaps")
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
	if err := c.List(ctx, secrets, client.InNamespace(a.Namespace), client.HasLabels{v1alpha1.SecretTypeLabel}); err != nil {
		return nil, a.Explain(err, "listing the Secrets of clusters and repositories")
	}
	for _, s := range secrets.Items {
		findings = append(findings, settings.InSecret(s.Name, s.Labels[v1alpha1.SecretTypeLabel], s.Data)...)
	}
	// What concerns a part that Cyan has not is nothing to do.
	return slices.DeleteFunc(findings, func(f settings.Finding) bool { return f.Verdict == settings.Harmless }), nil
}

// workload is a Deployment or StatefulSet of another controller.
type workload struct {
	object   client.Object
	kind     string
	replicas int32
	// before is what it had before it was scaled down by adopt; nil unless it was.
	before *int32
	// running is how many pods it has.
	running int32
}

func (w workload) String() string {
	return w.kind + " " + w.object.GetNamespace() + "/" + w.object.GetName()
}

// otherControllers finds the controllers of other installations, running or not.
func otherControllers(ctx context.Context, a *kit.Control, c client.Client) ([]workload, error) {
	named, err := labels.NewRequirement(settings.NameLabel, selection.In, settings.ControllerNames)
	if err != nil {
		return nil, err
	}
	selector := client.MatchingLabelsSelector{Selector: labels.NewSelector().Add(*named)}
	deployments, sets := &appsv1.DeploymentList{}, &appsv1.StatefulSetList{}
	for _, list := range []client.ObjectList{deployments, sets} {
		if err := c.List(ctx, list, selector); err != nil {
			return nil, a.Explain(err, "looking for other controllers")
		}
	}
	var all []workload
	for i := range deployments.Items {
		d := &deployments.Items[i]
		all = append(all, workload{object: d, kind: "Deployment", replicas: settings.FromDeployment(d).Replicas, before: beforeAdoption(d), running: d.Status.Replicas})
	}
	for i := range sets.Items {
		s := &sets.Items[i]
		all = append(all, workload{object: s, kind: "StatefulSet", replicas: settings.FromStatefulSet(s).Replicas, before: beforeAdoption(s), running: s.Status.Replicas})
	}
	slices.SortFunc(all, func(x, y workload) int { return strings.Compare(x.String(), y.String()) })
	return all, nil
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/screens"
	"github.com/cyan-cd/cyan/internal/problem"
)

// chosen are the objects that --resource and --label name.
func (o *syncCommand) chosen(ctx context.Context, c client.Client, app *v1alpha1.Application) ([]v1alpha1.SyncOperationResource, error) {
	if len(o.resources) == 0 && len(o.labels) == 0 {
		return nil, nil
	}
	chosen, err := selectResources(app, o.resources)
	if err != nil {
		return nil, err
	}
	if len(o.labels) == 0 {
		return chosen, nil
	}
	if app.OmitsResources() {
		return nil, unlisted(app, "--label")
	}
	selector, err := labels.Parse(strings.Join(o.labels, ","))
	if err != nil {
		return nil, kit.Usage("--label", err.Error(), "write it as KEY=VALUE")
	}
	for _, r := range app.Status.Resources {
		object := &metav1.PartialObjectMetadata{}
		object.SetGroupVersionKind(schema.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: r.Kind})
		err := c.Get(ctx, client.ObjectKey{Namespace: r.Namespace, Name: r.Name}, object)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, o.Explain(err, "reading "+screens.ObjectName(r.Kind, r.Namespace, r.Name))
		}
		if selector.Matches(labels.Set(object.Labels)) {
			chosen = append(chosen, v1alpha1.SyncOperationResource{Group: r.Group, Kind: r.Kind, Name: r.Name, Namespace: r.Namespace})
		}
	}
	if len(chosen) == 0 {
		return nil, &problem.Error{Kind: problem.Absent, Object: object(app), Cause: fmt.Sprintf("no object has the labels %s", selector)}
	}
	return chosen, nil
}

// selectResources returns the objects of an Application that patterns name, less those that patterns with a leading !
// name; where there are only such, the others of the Application.
func selectResources(app *v1alpha1.Application, patterns []string) ([]v1alpha1.SyncOperationResource, error) {
	var chosen, without []v1alpha1.SyncOperationResource
	included := false
	for _, pattern := range patterns {
		excluded, isExcluded := strings.CutPrefix(pattern, "!")
		found, err := matchResources(app, excluded)
		if err != nil {
			return nil, err
		}
		if isExcluded {
			without = append(without, found...)
			continue
		}
		included = true
		chosen = append(chosen, found...)
	}
	if len(without) == 0 {
		return chosen, nil
	}
	if !included {
		chosen, _ = matchResources(app, "*:*:*")
	}
	chosen = slices.DeleteFunc(chosen, func(r v1alpha1.SyncOperationResource) bool { return slices.Contains(without, r) })
	if len(chosen) == 0 {
		return nil, &problem.Error{Kind: problem.Absent, Object: object(app), Cause: "every object is excluded", Remedy: "leave a --resource out"}
	}
	return chosen, nil
}

// unlisted is why objects of a large Application can't be chosen by what is known of all of them.
func unlisted(app *v1alpha1.Application, flag string) error {
	return &problem.Error{Kind: problem.Refused, Object: object(app), Field: flag, Cause: "the status of the Application does not list all of its objects", Remedy: "name each as --resource GROUP:KIND:NAMESPACE/NAME, or sync all"}
}

// matchResources finds the objects of an Application that GROUP:KIND:[NAMESPACE/]NAME names.
func matchResources(app *v1alpha1.Application, wanted string) ([]v1alpha1.SyncOperationResource, error) {
	parts := strings.Split(wanted, ":")
	if len(parts) != 3 {
		return nil, kit.Usage("--resource", fmt.Sprintf("%q is not of the form GROUP:KIND:NAME", wanted), "the core group is empty, as in :Service:web")
	}
	namespace, name, ok := strings.Cut(parts[2], "/")
	if !ok {
		namespace, name = "*", parts[2]
	}
	if app.OmitsResources() {
		if slices.Contains([]string{parts[0], parts[1], namespace, name}, "*") {
			return nil, unlisted(app, "--resource "+wanted)
		}
		return []v1alpha1.SyncOperationResource{{Group: parts[0], Kind: parts[1], Name: name, Namespace: namespace}}, nil
	}
	is := func(pattern, value string) bool { return pattern == "*" || pattern == value }
	var found []v1alpha1.SyncOperationResource
	var there []string
	for _, r := range app.Status.Resources {
		if is(parts[0], r.Group) && is(parts[1], r.Kind) && is(namespace, r.Namespace) && is(name, r.Name) {
			found = append(found, v1alpha1.SyncOperationResource{Group: r.Group, Kind: r.Kind, Name: r.Name, Namespace: r.Namespace})
		}
		there = append(there, r.Group+":"+r.Kind+":"+r.Name)
	}
	if len(found) == 0 {
		missing := &problem.Error{Kind: problem.Absent, Object: object(app), Cause: fmt.Sprintf("object %s not found", wanted)}
		if len(there) > 0 {
			missing.Remedy = "there are: " + kit.Choices(there)
		}
		return nil, missing
	}
	return found, nil
}

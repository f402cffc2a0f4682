package install

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/settings"
)

// CheckOthers refuses to work beside a program that runs in the cluster and works on the same objects. Who may not list
// workloads is not told.
func CheckOthers(ctx context.Context, c client.Reader, rolloutInstance string) error {
	all, err := workloads(ctx, c)
	if err != nil {
		return err
	}
	var problems []error
	for _, f := range settings.OtherControllers(all, rolloutInstance) {
		f.Remedy += ", or `cyan adopt`, which can give it back; or start with --beside-others if it leaves these objects alone"
		problems = append(problems, f.Problem())
	}
	return errors.Join(problems...)
}

// workloads lists what carries the name of another controller.
func workloads(ctx context.Context, c client.Reader) ([]settings.Workload, error) {
	named, err := labels.NewRequirement(settings.NameLabel, selection.In, settings.ControllerNames)
	if err != nil {
		return nil, err
	}
	with := client.MatchingLabelsSelector{Selector: labels.NewSelector().Add(*named)}
	var deployments appsv1.DeploymentList
	var sets appsv1.StatefulSetList
	for _, list := range []client.ObjectList{&deployments, &sets} {
		err := c.List(ctx, list, with)
		if err != nil && !apierrors.IsForbidden(err) {
			return nil, fmt.Errorf("looking for other controllers: %w", err)
		}
	}
	var all []settings.Workload
	for i := range deployments.Items {
		all = append(all, settings.FromDeployment(&deployments.Items[i]))
	}
	for i := range sets.Items {
		all = append(all, settings.FromStatefulSet(&sets.Items[i]))
	}
	return all, nil
}

package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/settings"
)

// listServed lists the Applications of the control namespace, and of the others that application.namespaces opens to
// them, as far as the person may; where --app-namespace is given, those of that namespace alone.
func listServed(ctx context.Context, a *kit.Control, c client.Client, selector labels.Selector) ([]v1alpha1.Application, error) {
	own, err := listIn(ctx, c, a.Namespace, selector)
	if err != nil {
		return nil, a.Explain(err, "listing Applications")
	}
	if a.NamesNamespace() {
		return own, nil
	}
	served, err := servedNamespaces(ctx, a, c)
	if err != nil || len(served.ApplicationNamespaces) == 0 {
		return own, err
	}
	all, err := listIn(ctx, c, metav1.NamespaceAll, selector)
	if apierrors.IsForbidden(err) {
		return listEach(ctx, a, c, own, served.ApplicationNamespaces, selector)
	}
	if err != nil {
		return nil, a.Explain(err, "listing Applications")
	}
	return slices.DeleteFunc(all, func(app v1alpha1.Application) bool {
		return app.Namespace != a.Namespace && !served.ServesNamespace(app.Namespace)
	}), nil
}

// listEach is for who may not list in the whole cluster: it adds the Applications of each namespace that is named in
// full, and a note about the others.
func listEach(ctx context.Context, a *kit.Control, c client.Client, found []v1alpha1.Application, patterns []string, selector labels.Selector) ([]v1alpha1.Application, error) {
	var unlisted []string
	for _, pattern := range patterns {
		if pattern == a.Namespace {
			continue
		}
		if len(validation.IsDNS1123Label(pattern)) > 0 {
			unlisted = append(unlisted, pattern)
			continue
		}
		there, err := listIn(ctx, c, pattern, selector)
		if apierrors.IsForbidden(err) {
			unlisted = append(unlisted, pattern)
			continue
		}
		if err != nil {
			return nil, a.Explain(err, "listing Applications in namespace "+pattern)
		}
		found = append(found, there...)
	}
	if len(unlisted) > 0 {
		a.Note("Applications in namespaces %s: not listed, for want of the right to list them", strings.Join(unlisted, ", "))
	}
	sortApps(found)
	return found, nil
}

// listEverywhere lists the Applications of the whole cluster.
func listEverywhere(ctx context.Context, a *kit.Control, c client.Client, selector labels.Selector) ([]v1alpha1.Application, error) {
	all, err := listIn(ctx, c, metav1.NamespaceAll, selector)
	return all, a.Explain(err, "listing Applications")
}

func listIn(ctx context.Context, c client.Client, namespace string, selector labels.Selector) ([]v1alpha1.Application, error) {
	all := &v1alpha1.ApplicationList{}
	if err := c.List(ctx, all, client.InNamespace(namespace), client.MatchingLabelsSelector{Selector: selector}); err != nil {
		return nil, err
	}
	sortApps(all.Items)
	return all.Items, nil
}

func sortApps(apps []v1alpha1.Application) {
	slices.SortFunc(apps, func(x, y v1alpha1.Application) int {
		return cmp.Or(strings.Compare(x.Name, y.Name), strings.Compare(x.Namespace, y.Namespace))
	})
}

// servedNamespaces reads which namespaces besides the control namespace the server looks after. Who may not read that
// is told nothing of them.
func servedNamespaces(ctx context.Context, a *kit.Control, c client.Client) (settings.Settings, error) {
	written, home := &corev1.ConfigMap{}, a.Home().Namespace
	err := c.Get(ctx, client.ObjectKey{Namespace: home, Name: settings.ParametersName}, written)
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err) {
		return settings.Settings{}, fmt.Errorf("reading ConfigMap %s in namespace %s: %w", settings.ParametersName, home, err)
	}
	read, _ := settings.Parse(map[string]map[string]string{settings.ParametersName: written.Data})
	return read, nil
}

// server is a client that goes through a server, which carries out some things as a whole.
type server interface {
	RollBack(ctx context.Context, app *v1alpha1.Application, id int64, prune, dryRun bool) (*v1alpha1.Application, error)
	DeleteCascading(ctx context.Context, app *v1alpha1.Application, policy string) error
	Reclaim(ctx context.Context, app *v1alpha1.Application) (holder string, err error)
}

// isServer reports whether a client goes through a server, which checks what it is sent itself.
func isServer(c client.Client) bool {
	_, is := c.(server)
	return is
}

// Package install puts Cyan's CustomResourceDefinitions into a cluster and waits until the API server serves them.
package install

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/crds"
	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// servedTimeout bounds the wait for the API server to serve a new definition.
const servedTimeout = 30 * time.Second

// CRDs applies the definitions of Cyan's kinds, server-side and as field manager "cyan", and returns when all of them
// are served. Definitions that another program installed are taken over: their fields become Cyan's. One whose
// objects would lose something by that is refused, and nothing is installed.
func CRDs(ctx context.Context, config *rest.Config) error {
	scheme := runtime.NewScheme()
	if err := apiextensionsv1.AddToScheme(scheme); err != nil {
		return err
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	definitions, err := Definitions()
	if err != nil {
		return err
	}
	for _, crd := range definitions {
		if err := checkForeign(ctx, c, crd); err != nil {
			return err
		}
	}
	for _, crd := range definitions {
		if err := applyCRD(ctx, c, crd); err != nil {
			return err
		}
	}
	for _, crd := range definitions {
		if err := waitServed(ctx, c, crd.Name); err != nil {
			return err
		}
	}
	return waitDiscovered(ctx, config, definitions)
}

// waitDiscovered waits until discovery has all kinds: it follows the definitions a little later, and who asks it before
// is told that there are no such kinds.
func waitDiscovered(ctx context.Context, config *rest.Config, definitions []*apiextensionsv1.CustomResourceDefinition) error {
	asking, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	missing := ""
	err = wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, servedTimeout, true, func(context.Context) (bool, error) {
		if missing, err = undiscovered(asking, definitions); err != nil {
			return false, err
		}
		return missing == "", nil
	})
	if err != nil {
		return fmt.Errorf("waiting for %s to be discovered: %w", cmp.Or(missing, "the kinds"), err)
	}
	return nil
}

// undiscovered is a resource that is defined and that discovery does not have yet; "" when there is none.
func undiscovered(asking discovery.DiscoveryInterface, definitions []*apiextensionsv1.CustomResourceDefinition) (string, error) {
	known := map[string]bool{}
	for _, crd := range definitions {
		for _, v := range crd.Spec.Versions {
			version := crd.Spec.Group + "/" + v.Name
			if !v.Served || known[version+"/"+crd.Spec.Names.Plural] {
				continue
			}
			list, err := asking.ServerResourcesForGroupVersion(version)
			if err != nil && !apierrors.IsNotFound(err) {
				return "", err
			}
			if list != nil {
				for _, r := range list.APIResources {
					known[version+"/"+r.Name] = true
				}
			}
			if !known[version+"/"+crd.Spec.Names.Plural] {
				return crd.Spec.Names.Plural + " of " + version, nil
			}
		}
	}
	return "", nil
}

// Definitions returns the CustomResourceDefinitions of Cyan's kinds.
func Definitions() ([]*apiextensionsv1.CustomResourceDefinition, error) {
	names, err := fs.Glob(crds.Files, "*.yaml")
	if err != nil {
		return nil, err
	}
	var all []*apiextensionsv1.CustomResourceDefinition
	for _, name := range names {
		data, err := fs.ReadFile(crds.Files, name)
		if err != nil {
			return nil, err
		}
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(data, crd); err != nil {
			return nil, fmt.Errorf("reading the definition %s: %w", name, err)
		}
		all = append(all, crd)
	}
	return all, nil
}

// checkForeign refuses to replace a definition with one by which stored objects would lose something.
func checkForeign(ctx context.Context, c client.Client, wanted *apiextensionsv1.CustomResourceDefinition) error {
	stored := &apiextensionsv1.CustomResourceDefinition{}
	err := c.Get(ctx, client.ObjectKeyFromObject(wanted), stored)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("reading CustomResourceDefinition %s: %w", wanted.Name, err)
	}
	if lost := losses(stored, wanted); len(lost) > 0 {
		return foreign(wanted.Name, lost)
	}
	return nil
}

func applyCRD(ctx context.Context, c client.Client, crd *apiextensionsv1.CustomResourceDefinition) error {
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(crd)
	if err != nil {
		return err
	}
	delete(object, "status")
	err = c.Apply(ctx, client.ApplyConfigurationFromUnstructured(&unstructured.Unstructured{Object: object}), client.FieldOwner(v1alpha1.FieldManager), client.ForceOwnership)
	if err != nil {
		return fmt.Errorf("installing CustomResourceDefinition %s: %w (installing definitions needs cluster-admin rights, or install them beforehand and start with --skip-crds)", crd.Name, err)
	}
	return nil
}

func waitServed(ctx context.Context, c client.Client, name string) error {
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, servedTimeout, true, func(ctx context.Context) (bool, error) {
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := c.Get(ctx, client.ObjectKey{Name: name}, crd); err != nil {
			return false, err
		}
		for _, condition := range crd.Status.Conditions {
			if condition.Type == apiextensionsv1.Established && condition.Status == apiextensionsv1.ConditionTrue {
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for CustomResourceDefinition %s to be served: %w", name, err)
	}
	return nil
}

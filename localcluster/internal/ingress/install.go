package ingress

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gateways "sigs.k8s.io/gateway-api/pkg/client/clientset/versioned"
	"sigs.k8s.io/gateway-api/pkg/consts"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

// definitions are those of sigs.k8s.io/gateway-api's standard channel, in the version that go.mod names, which are all
// served.
//
//go:embed crds/*.yaml
var definitions embed.FS

const (
	defaultClass = "cyan"
	// ownLabel marks the definitions that are this program's to bring up to date.
	ownLabel          = "cyan.dev/local-cluster"
	defaultAnnotation = "ingressclass.kubernetes.io/is-default-class"
	servedPause       = 50 * time.Millisecond
)

// Classes are the names of the IngressClasses.
var Classes = []string{defaultClass, routing.NginxClass}

// installClasses makes the IngressClasses, unless there are some of their names.
func installClasses(ctx context.Context, client kubernetes.Interface) error {
	for name, annotations := range map[string]map[string]string{defaultClass: {defaultAnnotation: "true"}, routing.NginxClass: nil} {
		class := &networkingv1.IngressClass{
			ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations},
			Spec:       networkingv1.IngressClassSpec{Controller: routing.IngressController},
		}
		_, err := client.NetworkingV1().IngressClasses().Create(ctx, class, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("making IngressClass %s: %w", name, err)
		}
	}
	return nil
}

// installGateways makes the kinds of the Gateway API, and its class.
func installGateways(ctx context.Context, client apiextensions.Interface, api gateways.Interface) error {
	files, err := fs.Glob(definitions, "crds/*.yaml")
	if err != nil {
		return err
	}
	var names []string
	for _, file := range files {
		text, err := definitions.ReadFile(file)
		if err != nil {
			return err
		}
		var definition apiextensionsv1.CustomResourceDefinition
		if err := yaml.Unmarshal(text, &definition); err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		if err := install(ctx, client, &definition); err != nil {
			return fmt.Errorf("making CustomResourceDefinition %s: %w", definition.Name, err)
		}
		names = append(names, definition.Name)
	}
	if err := waitServed(ctx, client, names); err != nil {
		return err
	}
	class := &gatewayv1.GatewayClass{
		ObjectMeta: metav1.ObjectMeta{Name: defaultClass}, Spec: gatewayv1.GatewayClassSpec{ControllerName: routing.GatewayController},
	}
	_, err = api.GatewayV1().GatewayClasses().Create(ctx, class, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("making GatewayClass %s: %w", defaultClass, err)
	}
	return nil
}

// install makes a definition, or brings the one that it has made up to date. One that somebody else has made stays.
func install(ctx context.Context, client apiextensions.Interface, definition *apiextensionsv1.CustomResourceDefinition) error {
	all := client.ApiextensionsV1().CustomResourceDefinitions()
	definition.Labels = map[string]string{ownLabel: "true"}
	definition.Status = apiextensionsv1.CustomResourceDefinitionStatus{}
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		there, err := all.Get(ctx, definition.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			_, err = all.Create(ctx, definition, metav1.CreateOptions{})
		case err == nil && there.Labels[ownLabel] != "" && there.Annotations[consts.BundleVersionAnnotation] != definition.Annotations[consts.BundleVersionAnnotation]:
			definition.ResourceVersion = there.ResourceVersion
			_, err = all.Update(ctx, definition, metav1.UpdateOptions{})
		}
		return err
	})
}

func waitServed(ctx context.Context, client apiextensions.Interface, names []string) error {
	for _, name := range names {
		for {
			definition, err := client.ApiextensionsV1().CustomResourceDefinitions().Get(ctx, name, metav1.GetOptions{})
			if err == nil && established(definition) {
				break
			}
			if err := pause(ctx, servedPause); err != nil {
				return fmt.Errorf("waiting for %s to be served: %w", name, err)
			}
		}
	}
	return nil
}

func established(definition *apiextensionsv1.CustomResourceDefinition) bool {
	for _, c := range definition.Status.Conditions {
		if c.Type == apiextensionsv1.Established {
			return c.Status == apiextensionsv1.ConditionTrue
		}
	}
	return false
}

// Remove takes the classes away that nobody serves any more. Those of the same names that are somebody else's stay,
// and so does what people have made.
func Remove(ctx context.Context, client kubernetes.Interface) error {
	classes := client.NetworkingV1().IngressClasses()
	for _, name := range Classes {
		class, err := classes.Get(ctx, name, metav1.GetOptions{})
		if err == nil && class.Spec.Controller == routing.IngressController {
			err = classes.Delete(ctx, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &class.UID}})
		}
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("removing IngressClass %s: %w", name, err)
		}
	}
	return nil
}

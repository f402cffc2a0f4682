// Package metrics offers the metrics API in a cluster: kube-apiserver passes its requests on to metrics-server where
// nodes are real, and to an answer that says why there are no metrics where they are simulated.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	aggregator "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset/typed/apiregistration/v1"
)

const (
	group, version = "metrics.k8s.io", "v1beta1"
	apiService     = version + "." + group
	// service is not called metrics-server, so that somebody can install one of their own beside it.
	service    = "cyan-metrics"
	readerRole = "system:aggregated-metrics-reader"
	// Host is the name that the server's certificate has to have.
	Host      = service + "." + metav1.NamespaceSystem + ".svc"
	pollEvery = 50 * time.Millisecond
)

// Backend is where kube-apiserver reaches what answers for the metrics API.
type Backend struct {
	Address string
	Port    int32
	// CA is the certificate of the authority that has signed the backend's, in PEM.
	CA []byte
}

// Register has kube-apiserver pass requests for metrics on to the backend, and returns once it does. A metrics API that
// somebody has installed stays.
func Register(ctx context.Context, config *rest.Config, backend Backend) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	registrations, err := aggregator.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	if err := ensureService(ctx, client, backend); err != nil {
		return fmt.Errorf("writing Service %s: %w", service, err)
	}
	if err := ensureReader(ctx, client); err != nil {
		return fmt.Errorf("writing ClusterRole %s: %w", readerRole, err)
	}
	ours, err := ensureAPIService(ctx, registrations.APIServices(), backend)
	if err != nil {
		return fmt.Errorf("writing APIService %s: %w", apiService, err)
	}
	if !ours {
		slog.Warn("metrics API is served by what somebody has installed", "apiService", apiService)
		return nil
	}
	return waitDiscovered(ctx, client.Discovery())
}

// ensureService names the backend's address. It has no pods that endpoints could be made of.
func ensureService(ctx context.Context, client kubernetes.Interface, backend Backend) error {
	services := client.CoreV1().Services(metav1.NamespaceSystem)
	wanted := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: service},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: backend.Address},
	}
	_, err := services.Create(ctx, wanted, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		_, err = services.Update(ctx, wanted, metav1.UpdateOptions{})
	}
	return err
}

// ensureReader lets everybody who may view a namespace read the metrics of its pods.
func ensureReader(ctx context.Context, client kubernetes.Interface) error {
	const aggregate = "rbac.authorization.k8s.io/aggregate-to-"
	_, err := client.RbacV1().ClusterRoles().Create(ctx, &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: readerRole, Labels: map[string]string{aggregate + "view": "true", aggregate + "edit": "true", aggregate + "admin": "true"}},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{group}, Resources: []string{"pods", "nodes"}, Verbs: []string{"get", "list", "watch"}}},
	}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// ensureAPIService reports whether the metrics API is this cluster's own.
func ensureAPIService(ctx context.Context, services aggregator.APIServiceInterface, backend Backend) (ours bool, err error) {
	wanted := &apiregistrationv1.APIService{
		ObjectMeta: metav1.ObjectMeta{Name: apiService},
		Spec: apiregistrationv1.APIServiceSpec{
			Service: &apiregistrationv1.ServiceReference{Namespace: metav1.NamespaceSystem, Name: service, Port: &backend.Port},
			Group:   group, Version: version, CABundle: backend.CA, GroupPriorityMinimum: 100, VersionPriority: 100,
		},
	}
	_, err = services.Create(ctx, wanted, metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		return err == nil, err
	}
	// The API server writes its status as well, above all as it starts.
	err = retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		found, err := services.Get(ctx, apiService, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if ours = isOurs(found); !ours {
			return nil
		}
		found.Spec = wanted.Spec
		_, err = services.Update(ctx, found, metav1.UpdateOptions{})
		return err
	})
	return ours && err == nil, err
}

func isOurs(found *apiregistrationv1.APIService) bool {
	to := found.Spec.Service
	return to != nil && to.Namespace == metav1.NamespaceSystem && to.Name == service
}

// waitDiscovered returns once clients that list what the API server serves find the metrics API, too. Until then they
// get an error for it, whatever they look for.
func waitDiscovered(ctx context.Context, client discovery.DiscoveryInterface) error {
	for {
		groups, _, err := client.ServerGroupsAndResources()
		if err == nil && slices.ContainsFunc(groups, func(found *metav1.APIGroup) bool { return found.Name == group }) {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("waiting for the metrics API: %w", context.Cause(ctx)), err)
		case <-time.After(pollEvery):
		}
	}
}

// Unregister takes away what Register has made, unless it is somebody else's by now.
func Unregister(ctx context.Context, config *rest.Config) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	registrations, err := aggregator.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	found, err := registrations.APIServices().Get(ctx, apiService, metav1.GetOptions{})
	if err == nil && isOurs(found) {
		err = registrations.APIServices().Delete(ctx, apiService, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &found.UID}})
	}
	if err == nil || apierrors.IsNotFound(err) {
		err = client.CoreV1().Services(metav1.NamespaceSystem).Delete(ctx, service, metav1.DeleteOptions{})
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("removing the metrics API: %w", err)
	}
	return nil
}

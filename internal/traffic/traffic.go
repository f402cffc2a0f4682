// Package traffic moves a Service from one version to another, and reads from the API server what has to be true before it may.
package traffic

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
)

// Slices lists the EndpointSlices of a Service.
func Slices(ctx context.Context, reader client.Reader, namespace, service string) ([]*discoveryv1.EndpointSlice, error) {
	list := &discoveryv1.EndpointSliceList{}
	err := reader.List(ctx, list, client.InNamespace(namespace), client.MatchingLabels{discoveryv1.LabelServiceName: service})
	if err != nil {
		return nil, fmt.Errorf("listing the EndpointSlices of Service %s/%s: %w", namespace, service, err)
	}
	return pointers(list.Items), nil
}

// ForSwitch reads what [rollout.SwitchService.Check] looks at. live must read from the API server itself. preview is the name of the preview Service, or empty.
func ForSwitch(ctx context.Context, live client.Reader, namespace, preview string, a rollout.SwitchService) (rollout.LiveState, error) {
	var f rollout.LiveState
	service, err := getService(ctx, live, namespace, a.Service)
	if err != nil || a.Role != rollout.RoleActive {
		f.Service = service
		return f, err
	}
	f.Service = service
	sets := &appsv1.ReplicaSetList{}
	if err := live.List(ctx, sets, client.InNamespace(namespace), withHash(a.To)); err != nil {
		return f, fmt.Errorf("listing the ReplicaSets with hash %s: %w", a.To, err)
	}
	if len(sets.Items) > 0 {
		f.ReplicaSet = &sets.Items[0]
	}
	if f.Pods, err = pods(ctx, live, namespace, a.To); err != nil || preview == "" {
		return f, err
	}
	shown, err := getService(ctx, live, namespace, preview)
	if err != nil || shown == nil {
		return f, err
	}
	f.Preview, f.PreviewHash = true, rollout.PodHash(shown.Spec.Selector)
	f.PreviewSlices, err = Slices(ctx, live, namespace, preview)
	return f, err
}

// ForDrain reads what [rollout.Scale.Check] looks at. own are the names of the Rollout's Services; empty ones are passed over.
func ForDrain(ctx context.Context, live client.Reader, namespace string, own []string, a rollout.Scale) (rollout.LiveState, error) {
	var f rollout.LiveState
	services := &corev1.ServiceList{}
	if err := live.List(ctx, services, client.InNamespace(namespace)); err != nil {
		return f, fmt.Errorf("listing the Services of namespace %s: %w", namespace, err)
	}
	f.Services = pointers(services.Items)
	for _, name := range own {
		if name == "" {
			continue
		}
		slices, err := Slices(ctx, live, namespace, name)
		if err != nil {
			return f, err
		}
		f.Slices = append(f.Slices, slices...)
	}
	var err error
	f.Pods, err = pods(ctx, live, namespace, a.Hash)
	return f, err
}

// ForEviction reads what [rollout.EvictPod.Check] looks at.
func ForEviction(ctx context.Context, live client.Reader, namespace string, a rollout.EvictPod) (rollout.LiveState, error) {
	fresh, err := pods(ctx, live, namespace, a.Hash)
	return rollout.LiveState{Pods: fresh}, err
}

// Switch makes a Service select the pods with the hash a.To, provided that it is still as it was read.
func Switch(ctx context.Context, c client.Client, owner string, service *corev1.Service, a rollout.SwitchService) error {
	patch := unchanged(service)
	if a.From != "" {
		patch = append(patch, operation{"test", selectorPath, a.From})
	}
	if len(service.Spec.Selector) == 0 {
		patch = append(patch, operation{"add", "/spec/selector", map[string]string{v1alpha1.PodHashLabel: a.To}})
	} else {
		patch = append(patch, operation{"add", selectorPath, a.To})
	}
	if service.Annotations == nil {
		patch = append(patch, operation{"add", "/metadata/annotations", map[string]string{v1alpha1.ManagedByRolloutsAnnotation: owner}})
	} else {
		patch = append(patch, operation{"add", annotationPath, owner})
	}
	return send(ctx, c, service, patch)
}

// Release takes the hash and the mark of a Rollout off a Service, provided that it is still as it was read.
func Release(ctx context.Context, c client.Client, service *corev1.Service) error {
	patch := unchanged(service)
	if _, ok := service.Spec.Selector[v1alpha1.PodHashLabel]; ok {
		patch = append(patch, operation{"remove", selectorPath, nil})
	}
	if _, ok := service.Annotations[v1alpha1.ManagedByRolloutsAnnotation]; ok {
		patch = append(patch, operation{"remove", annotationPath, nil})
	}
	if len(patch) == 1 {
		return nil
	}
	return send(ctx, c, service, patch)
}

// operation is one of a JSON patch (RFC 6902).
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

var (
	selectorPath   = "/spec/selector/" + escape(v1alpha1.PodHashLabel)
	annotationPath = "/metadata/annotations/" + escape(v1alpha1.ManagedByRolloutsAnnotation)
)

// escape makes a key a part of a JSON pointer.
func escape(key string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(key) }

func unchanged(service *corev1.Service) []operation {
	return []operation{{"test", "/metadata/resourceVersion", service.ResourceVersion}}
}

func send(ctx context.Context, c client.Client, service *corev1.Service, patch []operation) error {
	data, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	if err := c.Patch(ctx, service, client.RawPatch(types.JSONPatchType, data)); err != nil {
		return fmt.Errorf("patching the selector of Service %s/%s: %w", service.Namespace, service.Name, err)
	}
	return nil
}

func getService(ctx context.Context, live client.Reader, namespace, name string) (*corev1.Service, error) {
	service := &corev1.Service{}
	err := live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, service)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading Service %s/%s: %w", namespace, name, err)
	}
	return service, nil
}

func pods(ctx context.Context, live client.Reader, namespace, hash string) ([]*corev1.Pod, error) {
	list := &corev1.PodList{}
	if err := live.List(ctx, list, client.InNamespace(namespace), withHash(hash)); err != nil {
		return nil, fmt.Errorf("listing the pods with hash %s: %w", hash, err)
	}
	return pointers(list.Items), nil
}

func withHash(hash string) client.MatchingLabels {
	return client.MatchingLabels{v1alpha1.PodHashLabel: hash}
}

func pointers[T any](items []T) []*T {
	all := make([]*T, len(items))
	for i := range items {
		all[i] = &items[i]
	}
	return all
}

package devloop

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/tools/cache"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// destination is what a forwarded port leads to.
type destination struct {
	// name is for messages, such as Service app.
	name string
	// endpoints returns where it may lead now.
	endpoints func() []endpoint
	// raw is set for what is never HTTP.
	raw bool
}

// endpoint is a port of a pod.
type endpoint struct {
	pod  *corev1.Pod
	port int
}

// before reports whether an endpoint is tried before another: those that have not failed first, then the newest.
func (e endpoint) before(other endpoint, failed map[types.UID]bool) bool {
	if failed[e.pod.UID] != failed[other.pod.UID] {
		return !failed[e.pod.UID]
	}
	return cmp.Or(other.pod.CreationTimestamp.Compare(e.pod.CreationTimestamp.Time), cmp.Compare(e.pod.Name, other.pod.Name)) < 0
}

// destinations finds what ports lead to in a scene.
type destinations struct{ *scene }

// ownedKinds are the kinds whose pods ports lead to, by what they are called in a project.
var ownedKinds = map[string]schema.GroupVersionKind{
	"deployment": {Group: "apps", Version: "v1", Kind: "Deployment"}, "statefulset": {Group: "apps", Version: "v1", Kind: "StatefulSet"}, "daemonset": {Group: "apps", Version: "v1", Kind: "DaemonSet"},
	"replicaset": {Group: "apps", Version: "v1", Kind: "ReplicaSet"}, "replicationcontroller": {Version: "v1", Kind: "ReplicationController"}, "job": {Group: "batch", Version: "v1", Kind: "Job"},
	"rollout": v1alpha1.GroupVersion.WithKind(v1alpha1.RolloutKind),
}

func isService(kind string) bool {
	return slices.Contains([]string{"service", "svc", ""}, strings.ToLower(kind))
}

// destinationOf returns what a forward of a project leads to.
func (s destinations) destinationOf(ctx context.Context, f skaffold.Forward) (destination, error) {
	port := intstr.Parse(f.Port)
	kind := strings.ToLower(f.Type)
	switch {
	case isService(kind):
		return destination{name: "Service " + f.Name, endpoints: func() []endpoint { return s.ofService(f.Name, port) }}, nil
	case kind == "pod":
		return destination{name: "Pod " + f.Name, endpoints: func() []endpoint {
			return s.taking(labels.Everything(), port, func(p *corev1.Pod) bool { return p.Name == f.Name })
		}}, nil
	case kind == "cronjob":
		return destination{name: "CronJob " + f.Name, endpoints: func() []endpoint {
			return s.taking(labels.Everything(), port, func(p *corev1.Pod) bool {
				return strings.HasPrefix(p.Labels["batch.kubernetes.io/job-name"], f.Name+"-")
			})
		}}, nil
	}
	owner, known := ownedKinds[kind]
	if !known {
		return destination{}, fmt.Errorf("%s %s: no pods are known of this kind; name a Service, a Pod or a workload", f.Type, f.Name)
	}
	lister, err := s.lister(ctx, owner)
	if err != nil {
		return destination{}, err
	}
	return destination{name: owner.Kind + " " + f.Name, endpoints: func() []endpoint {
		return s.taking(podsOf(lister, s.namespace, f.Name), port, func(*corev1.Pod) bool { return true })
	}}, nil
}

// ofService are the pods of a Service that are ready.
func (s destinations) ofService(name string, port intstr.IntOrString) []endpoint {
	service, err := s.services.Get(name)
	if err != nil || len(service.Spec.Selector) == 0 {
		return nil
	}
	return s.endpoints(labels.SelectorFromSet(service.Spec.Selector), isReady, func(pod *corev1.Pod) int { return portOf(service, port, pod) })
}

// taking are the pods that are ready, that labels choose and a condition holds of.
func (s destinations) taking(chosen labels.Selector, port intstr.IntOrString, when func(*corev1.Pod) bool) []endpoint {
	return s.endpoints(chosen, func(p *corev1.Pod) bool { return isReady(p) && when(p) }, func(pod *corev1.Pod) int { return portIn(pod, port) })
}

// endpoints are pods that are there to stay and have the port.
func (s destinations) endpoints(chosen labels.Selector, when func(*corev1.Pod) bool, port func(*corev1.Pod) int) []endpoint {
	all, _ := s.pods.List(chosen)
	var found []endpoint
	for _, pod := range all {
		if pod.DeletionTimestamp != nil || !when(pod) {
			continue
		}
		if number := port(pod); number > 0 {
			found = append(found, endpoint{pod, number})
		}
	}
	return found
}

// podsOf returns what chooses the pods of a workload; nothing while that is not there.
func podsOf(lister cache.GenericLister, namespace, name string) labels.Selector {
	seen, err := lister.ByNamespace(namespace).Get(name)
	object, ok := seen.(*unstructured.Unstructured)
	if err != nil || !ok {
		return labels.Nothing()
	}
	if plain, _, _ := unstructured.NestedStringMap(object.Object, "spec", "selector"); object.GetKind() == "ReplicationController" && len(plain) > 0 {
		return labels.SelectorFromSet(plain)
	}
	if chosen := selectorOf(object); chosen != nil {
		return chosen
	}
	return labels.Nothing()
}

// debuggerIn is the debugger in the newest container that runs an image of a repository.
func (s destinations) debuggerIn(name, repository string, port int) destination {
	runs := func(pod *corev1.Pod) bool {
		return slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool {
			return desired.Name(c.Image) == repository && slices.ContainsFunc(pod.Status.ContainerStatuses, func(s corev1.ContainerStatus) bool { return s.Name == c.Name && s.State.Running != nil })
		})
	}
	return destination{name: "debugger of " + name, raw: true, endpoints: func() []endpoint {
		return s.endpoints(labels.Everything(), runs, func(*corev1.Pod) int { return port })
	}}
}

func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue })
}

// portOf returns the port of a pod that a port of a Service leads to; 0 when there is none.
func portOf(service *corev1.Service, port intstr.IntOrString, pod *corev1.Pod) int {
	for _, p := range service.Spec.Ports {
		if p.Name != port.String() && strconv.Itoa(int(p.Port)) != port.String() {
			continue
		}
		if p.TargetPort.Type == intstr.Int {
			return cmp.Or(p.TargetPort.IntValue(), int(p.Port))
		}
		return portIn(pod, p.TargetPort)
	}
	return 0
}

// portIn returns a port of a pod by its number or name; 0 when there is none of the name.
func portIn(pod *corev1.Pod, port intstr.IntOrString) int {
	if port.Type == intstr.Int {
		return port.IntValue()
	}
	for _, c := range pod.Spec.Containers {
		for _, named := range c.Ports {
			if named.Name == port.StrVal {
				return int(named.ContainerPort)
			}
		}
	}
	return 0
}

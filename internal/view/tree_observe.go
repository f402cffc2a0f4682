package view

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/health"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/rollout"
)

// Observed is what a tree needs of an object: small, so that it can be kept of many.
type Observed struct {
	Node            Node
	ResourceVersion string
	// Owners are those that its ownerReferences name.
	Owners []Owner
	// labels are a pod's, and selector is a Service's.
	labels, selector map[string]string
	// backends are the Services that an Ingress names.
	backends []string
	// roles are a Rollout's, by the hash of the template.
	roles map[string]Role
	// hash is that of a ReplicaSet's template; empty is set when it has no pods and wants none.
	hash  string
	empty bool
	// revision is by which Deployments, Rollouts and their ReplicaSets are numbered.
	revision string
}

// What is kept of an object at most, whatever people write into it.
const (
	mostOwners   = 20
	mostBackends = 100
	mostLinks    = 50
	longestLink  = 2048
	longestInfo  = 253
)

// Owner is an object that owns another.
type Owner struct{ Group, Kind, Name, UID string }

// Labels returns the labels by which others select the object: those of a pod.
func (o Observed) Labels() map[string]string { return o.labels }

// Selector returns the labels of the pods that the object sends requests to: those of a Service.
func (o Observed) Selector() map[string]string { return o.selector }

// Backends returns the names of the Services that the object sends requests to: those of an Ingress.
func (o Observed) Backends() []string { return o.backends }

// Observe returns what a tree needs of an object.
func Observe(object *unstructured.Unstructured, judge health.Judge) Observed {
	kind := object.GroupVersionKind()
	o := Observed{ResourceVersion: object.GetResourceVersion()}
	n := &o.Node
	n.ID = ID(kind.Group, kind.Kind, object.GetNamespace(), object.GetName())
	n.Group, n.Version, n.Kind, n.Namespace, n.Name = kind.Group, kind.Version, kind.Kind, object.GetNamespace(), object.GetName()
	n.UID = string(object.GetUID())
	if created := object.GetCreationTimestamp(); !created.IsZero() {
		n.Created = created.UTC().Format(time.RFC3339)
	}
	if h := judge.Of(object); h != nil {
		n.Health, n.Message = h.Status, shortened(h.Message)
	}
	for _, ref := range firstOf(object.GetOwnerReferences(), mostOwners) {
		group, _, grouped := strings.Cut(ref.APIVersion, "/")
		if !grouped {
			group = ""
		}
		o.Owners = append(o.Owners, Owner{group, ref.Kind, ref.Name, string(ref.UID)})
	}
	n.Images = firstOf(plan.ImagesOf(object), mostImages)
	n.URLs = Links(plan.URLsOf(object))
	if more, ok := kinds[kind.Group+"/"+kind.Kind]; ok {
		more(&o, object)
	}
	return o
}

// kinds has what is known of some kinds besides what all objects have.
var kinds = map[string]func(*Observed, *unstructured.Unstructured){
	"/Pod":                      observePod,
	"/Service":                  observeService,
	"apps/ReplicaSet":           observeReplicaSet,
	"apps/Deployment":           observeRevision,
	"argoproj.io/Rollout":       observeRollout,
	"networking.k8s.io/Ingress": observeIngress,
}

func observePod(o *Observed, object *unstructured.Unstructured) {
	o.labels = object.GetLabels()
	pod := &corev1.Pod{}
	if runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, pod) != nil {
		return
	}
	ready, restarts := 0, int32(0)
	for _, c := range pod.Status.ContainerStatuses {
		if restarts += c.RestartCount; c.Ready {
			ready++
		}
	}
	o.info("Status Reason", rollout.PodStatus(pod))
	o.info("Node", pod.Spec.NodeName)
	o.info("Containers", fmt.Sprintf("%d/%d", ready, len(pod.Spec.Containers)))
	if restarts > 0 {
		o.info("Restart Count", strconv.Itoa(int(restarts)))
	}
}

func (o *Observed) info(name, value string) {
	if value != "" {
		o.Node.Info = append(o.Node.Info, NodeInfo{name, cutTo(value, longestInfo)})
	}
}

func observeService(o *Observed, object *unstructured.Unstructured) {
	o.selector, _, _ = unstructured.NestedStringMap(object.Object, "spec", "selector")
}

// revisionAnnotation is what Deployments number their ReplicaSets by.
const revisionAnnotation = "deployment.kubernetes.io/revision"

func observeRevision(o *Observed, object *unstructured.Unstructured) {
	annotations := object.GetAnnotations()
	if o.revision = cmp.Or(annotations[v1alpha1.RevisionAnnotation], annotations[revisionAnnotation]); o.revision != "" {
		o.info("Revision", "Rev:"+o.revision)
	}
}

func observeReplicaSet(o *Observed, object *unstructured.Unstructured) {
	observeRevision(o, object)
	o.hash = object.GetLabels()[v1alpha1.PodHashLabel]
	wanted, found, _ := unstructured.NestedInt64(object.Object, "spec", "replicas")
	have, _, _ := unstructured.NestedInt64(object.Object, "status", "replicas")
	o.empty = found && wanted == 0 && have == 0
}

// observeRollout finds out what the versions of a Rollout do. One that is active is stable as well, and is called
// active.
func observeRollout(o *Observed, object *unstructured.Unstructured) {
	observeRevision(o, object)
	o.roles = map[string]Role{}
	field := func(path ...string) string {
		value, _, _ := unstructured.NestedString(object.Object, path...)
		return value
	}
	role := func(hash string, role Role) {
		if hash != "" && o.roles[hash] == "" {
			o.roles[hash] = role
		}
	}
	stable, current := field("status", "stableRS"), field("status", "currentPodHash")
	if _, blueGreen, _ := unstructured.NestedMap(object.Object, "spec", "strategy", "blueGreen"); blueGreen {
		role(field("status", "blueGreen", "activeSelector"), RoleActive)
		role(field("status", "blueGreen", "previewSelector"), RolePreview)
		role(current, RolePreview)
		role(stable, RoleStable)
		return
	}
	role(stable, RoleStable)
	role(current, RoleCanary)
}

func observeIngress(o *Observed, object *unstructured.Unstructured) {
	add := func(backend map[string]any) {
		if name, _, _ := unstructured.NestedString(backend, "service", "name"); name != "" && len(o.backends) < mostBackends && !slices.Contains(o.backends, name) {
			o.backends = append(o.backends, name)
		}
	}
	if backend, ok, _ := unstructured.NestedMap(object.Object, "spec", "defaultBackend"); ok {
		add(backend)
	}
	for _, rule := range slice(object.Object, "spec", "rules") {
		for _, path := range slice(rule, "http", "paths") {
			if backend, ok, _ := unstructured.NestedMap(path, "backend"); ok {
				add(backend)
			}
		}
	}
}

// slice returns the objects of a list.
func slice(object map[string]any, path ...string) []map[string]any {
	list, _, _ := unstructured.NestedFieldNoCopy(object, path...)
	entries, _ := list.([]any)
	all := make([]map[string]any, 0, len(entries))
	for _, entry := range entries {
		if m, ok := entry.(map[string]any); ok {
			all = append(all, m)
		}
	}
	return all
}

// Links returns those of some addresses that a page may link to, without titles, each once, and a bounded number.
// Whoever writes annotations could have a page run something by an address of another scheme than http and https.
func Links(addresses []string) []string {
	var all []string
	for _, address := range addresses {
		_, address = plan.SplitLink(address)
		u, err := url.Parse(address)
		if len(address) > longestLink || err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || slices.Contains(all, address) {
			continue
		}
		if all = append(all, address); len(all) == mostLinks {
			break
		}
	}
	return all
}

package validate

import (
	"fmt"
	"regexp"
	"strconv"

	"k8s.io/apimachinery/pkg/runtime/schema"
	clientscheme "k8s.io/client-go/kubernetes/scheme"

	"github.com/cyan-cd/cyan/internal/problem"
)

// The minor versions of Kubernetes that objects can be checked for. The rules are those of the newest.
const (
	OldestMinor = 25
	NewestMinor = 37
)

var minorVersion = regexp.MustCompile(`^v?1\.([0-9]{1,3})(\.[0-9]+)?$`)

// ParseMinor returns the minor version that a version such as 1.31 or v1.31.4 has.
func ParseMinor(version string) (int, error) {
	remedy := fmt.Sprintf("give one from 1.%d to 1.%d", OldestMinor, NewestMinor)
	m := minorVersion.FindStringSubmatch(version)
	if m == nil {
		return 0, &problem.Error{Kind: problem.Usage, Cause: fmt.Sprintf("invalid version %q", version), Remedy: remedy}
	}
	minor, err := strconv.Atoi(m[1])
	if err != nil || minor < OldestMinor || minor > NewestMinor {
		return 0, &problem.Error{Kind: problem.Usage, Cause: fmt.Sprintf("no rules for version %q", version), Remedy: remedy}
	}
	return minor, nil
}

// lifecycle are the minor versions of Kubernetes between which a version of a kind was served, 0 where there is none,
// and what it is replaced by.
type lifecycle struct {
	introduced, deprecated, removed int
	replacement                     schema.GroupVersionKind
}

// lifecycleOf returns what the types of Kubernetes, or the table of those that have left, know of a version of a kind.
func lifecycleOf(gvk schema.GroupVersionKind) (lifecycle, bool) {
	if left, ok := leftTypes[gvk]; ok {
		return left, true
	}
	object, err := clientscheme.Scheme.New(gvk)
	if err != nil {
		return lifecycle{}, false
	}
	var l lifecycle
	if o, ok := object.(interface{ APILifecycleIntroduced() (int, int) }); ok {
		_, l.introduced = o.APILifecycleIntroduced()
	}
	if o, ok := object.(interface{ APILifecycleDeprecated() (int, int) }); ok {
		_, l.deprecated = o.APILifecycleDeprecated()
	}
	if o, ok := object.(interface{ APILifecycleRemoved() (int, int) }); ok {
		_, l.removed = o.APILifecycleRemoved()
	}
	if o, ok := object.(interface {
		APILifecycleReplacement() schema.GroupVersionKind
	}); ok {
		l.replacement = o.APILifecycleReplacement()
	}
	if l.replacement.Kind == gvk.Kind+"List" {
		// That of one IngressClass names their list.
		l.replacement.Kind = gvk.Kind
	}
	if stable := (schema.GroupVersionKind{Group: gvk.Group, Version: "v1", Kind: gvk.Kind}); l.replacement.Empty() && l.removed != 0 && clientscheme.Scheme.Recognizes(stable) {
		l.replacement = stable
	}
	return l, true
}

// replacedBy is what replaces a version of a kind in a minor version of Kubernetes: the last one of those that have
// replaced each other that is there, or the first that is not removed.
func replacedBy(gvk schema.GroupVersionKind, minor int) schema.GroupVersionKind {
	l, _ := lifecycleOf(gvk)
	to := l.replacement
	for range len(leftTypes) {
		next, _ := lifecycleOf(to)
		after, _ := lifecycleOf(next.replacement)
		if next.replacement.Empty() || after.introduced > minor && (next.removed == 0 || next.removed > minor) {
			break
		}
		to = next.replacement
	}
	return to
}

// byDefault reports whether an API server of a minor version serves a version of a kind unless it is told not to: what
// is stable, and what was beta before new betas had to be asked for.
func byDefault(gvk schema.GroupVersionKind, minor int) bool {
	l, known := lifecycleOf(gvk)
	switch {
	case !known:
		return isStable(gvk.Version)
	case l.introduced > minor || l.removed != 0 && l.removed <= minor:
		return false
	case isStable(gvk.Version):
		return true
	}
	return isBeta(gvk.Version) && l.introduced != 0 && (l.introduced < lastOfOldBetas || gvk.Group == flowControl)
}

// lastOfOldBetas is the version from which on new betas have to be asked for; those of flow control do not.
const (
	lastOfOldBetas = 24
	flowControl    = "flowcontrol.apiserver.k8s.io"
)

var betaVersion = regexp.MustCompile(`^v[0-9]+beta[0-9]+$`)

func isBeta(version string) bool { return betaVersion.MatchString(version) }

func gvks(group, version string, kinds ...string) []schema.GroupVersionKind {
	var all []schema.GroupVersionKind
	for _, kind := range kinds {
		all = append(all, schema.GroupVersionKind{Group: group, Version: version, Kind: kind})
	}
	return all
}

// leftTypes are versions of kinds whose types Kubernetes has removed, or no longer serves though it has the types.
// Where a type has left earlier than was announced, the earlier version counts.
var leftTypes = func() map[schema.GroupVersionKind]lifecycle {
	table := map[schema.GroupVersionKind]lifecycle{}
	for _, row := range []struct {
		kinds   []schema.GroupVersionKind
		l       lifecycle
		version schema.GroupVersion // that replaces it
	}{
		{gvks("policy", "v1beta1", "PodSecurityPolicy"), lifecycle{introduced: 10, deprecated: 21, removed: 25}, schema.GroupVersion{}},
		{gvks("extensions", "v1beta1", "PodSecurityPolicy"), lifecycle{introduced: 2, deprecated: 11, removed: 16}, schema.GroupVersion{}},
		{gvks("apiextensions.k8s.io", "v1beta1", "CustomResourceDefinition"), lifecycle{introduced: 7, deprecated: 16, removed: 22}, schema.GroupVersion{Group: "apiextensions.k8s.io", Version: "v1"}},
		{gvks("apiregistration.k8s.io", "v1beta1", "APIService"), lifecycle{introduced: 7, deprecated: 19, removed: 22}, schema.GroupVersion{Group: "apiregistration.k8s.io", Version: "v1"}},
		{gvks("autoscaling", "v2beta1", "HorizontalPodAutoscaler"), lifecycle{introduced: 8, deprecated: 22, removed: 25}, schema.GroupVersion{Group: "autoscaling", Version: "v2"}},
		{gvks("autoscaling", "v2beta2", "HorizontalPodAutoscaler"), lifecycle{introduced: 12, deprecated: 23, removed: 26}, schema.GroupVersion{Group: "autoscaling", Version: "v2"}},
		{gvks("batch", "v2alpha1", "CronJob"), lifecycle{introduced: 5, deprecated: 8, removed: 21}, schema.GroupVersion{Group: "batch", Version: "v1"}},
		{gvks("certificates.k8s.io", "v1alpha1", "PodCertificateRequest"), lifecycle{introduced: 34, deprecated: 35, removed: 35}, schema.GroupVersion{Group: "certificates.k8s.io", Version: "v1"}},
		{gvks("coordination.k8s.io", "v1alpha1", "LeaseCandidate"), lifecycle{introduced: 31, removed: 32}, schema.GroupVersion{}},
		{gvks(flowControl, "v1alpha1", "FlowSchema", "PriorityLevelConfiguration"), lifecycle{introduced: 18, deprecated: 20, removed: 21}, schema.GroupVersion{Group: flowControl, Version: "v1"}},
		{gvks("networking.k8s.io", "v1alpha1", "ClusterCIDR"), lifecycle{introduced: 25, removed: 29}, schema.GroupVersion{}},
		{gvks("networking.k8s.io", "v1alpha1", "IPAddress", "ServiceCIDR"), lifecycle{introduced: 27, deprecated: 31, removed: 33}, schema.GroupVersion{Group: "networking.k8s.io", Version: "v1"}},
		{gvks("node.k8s.io", "v1alpha1", "RuntimeClass"), lifecycle{introduced: 12, deprecated: 20, removed: 24}, schema.GroupVersion{Group: "node.k8s.io", Version: "v1"}},
		{gvks("rbac.authorization.k8s.io", "v1alpha1", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"), lifecycle{introduced: 3, deprecated: 17, removed: 23}, schema.GroupVersion{Group: "rbac.authorization.k8s.io", Version: "v1"}},
		{gvks("resource.k8s.io", "v1alpha1", "ResourceClaim", "ResourceClaimTemplate"), lifecycle{introduced: 26, removed: 27}, schema.GroupVersion{Group: "resource.k8s.io", Version: "v1"}},
		{gvks("resource.k8s.io", "v1alpha1", "ResourceClass", "PodScheduling"), lifecycle{introduced: 26, removed: 27}, schema.GroupVersion{}},
		{gvks("resource.k8s.io", "v1alpha2", "ResourceClaim", "ResourceClaimTemplate"), lifecycle{introduced: 27, removed: 31}, schema.GroupVersion{Group: "resource.k8s.io", Version: "v1"}},
		{gvks("resource.k8s.io", "v1alpha2", "ResourceClass", "PodSchedulingContext"), lifecycle{introduced: 27, removed: 31}, schema.GroupVersion{}},
		{gvks("resource.k8s.io", "v1alpha3", "DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice"), lifecycle{introduced: 31, removed: 34}, schema.GroupVersion{Group: "resource.k8s.io", Version: "v1"}},
		{gvks("scheduling.k8s.io", "v1alpha1", "PriorityClass"), lifecycle{introduced: 8, deprecated: 14, removed: 23}, schema.GroupVersion{Group: "scheduling.k8s.io", Version: "v1"}},
		{gvks("scheduling.k8s.io", "v1alpha1", "Workload"), lifecycle{introduced: 35, removed: 36}, schema.GroupVersion{}},
		{gvks("scheduling.k8s.io", "v1alpha2", "Workload", "PodGroup"), lifecycle{introduced: 36, removed: 37}, schema.GroupVersion{}},
		{gvks("settings.k8s.io", "v1alpha1", "PodPreset"), lifecycle{introduced: 6, deprecated: 18, removed: 20}, schema.GroupVersion{}},
		{gvks("storagemigration.k8s.io", "v1alpha1", "StorageVersionMigration"), lifecycle{introduced: 30, removed: 35}, schema.GroupVersion{Group: "storagemigration.k8s.io", Version: "v1"}},
	} {
		for _, gvk := range row.kinds {
			l := row.l
			if row.version.Version != "" {
				l.replacement = row.version.WithKind(gvk.Kind)
			}
			table[gvk] = l
		}
	}
	return table
}()

// standIns are versions of kinds that have no rules of their own any more, and the version that has the same fields.
var standIns = map[schema.GroupVersionKind]schema.GroupVersionKind{
	gvks("autoscaling", "v2beta2", "HorizontalPodAutoscaler")[0]: gvks("autoscaling", "v2", "HorizontalPodAutoscaler")[0],
}

// migrations are what else changes in an object with the version that replaces its own.
var migrations = map[schema.GroupVersionKind]string{}

func init() {
	workload := "spec.selector is required, must match the labels of the template, and cannot be changed later"
	for _, row := range []struct {
		kinds  []schema.GroupVersionKind
		change string
	}{
		{append(gvks("extensions", "v1beta1", "Ingress"), gvks("networking.k8s.io", "v1beta1", "Ingress")...), "pathType is required for each path, backend.serviceName is backend.service.name, backend.servicePort is backend.service.port.number (or .name), spec.backend is spec.defaultBackend"},
		{append(gvks("extensions", "v1beta1", "Deployment"), gvks("apps", "v1beta1", "Deployment")...), workload + "; spec.rollbackTo is gone; progressDeadlineSeconds is 600, revisionHistoryLimit 10, maxSurge and maxUnavailable 25% unless they are given"},
		{append(gvks("extensions", "v1beta1", "DaemonSet", "ReplicaSet"), gvks("apps", "v1beta1", "StatefulSet")...), workload + "; spec.templateGeneration is gone; updateStrategy.type is RollingUpdate unless it is given"},
		{gvks("apps", "v1beta2", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"), "no field; spec.selector cannot be changed later"},
		{gvks("networking.k8s.io", "v1beta1", "IngressClass"), "no field"},
		{gvks("extensions", "v1beta1", "NetworkPolicy"), "no field"},
		{gvks("batch", "v1beta1", "CronJob"), "no field"},
		{gvks("batch", "v2alpha1", "CronJob"), "no field"},
		{gvks("policy", "v1beta1", "PodDisruptionBudget"), "an empty spec.selector selects all pods of the namespace, and no longer none"},
		{append(gvks("policy", "v1beta1", "PodSecurityPolicy"), gvks("extensions", "v1beta1", "PodSecurityPolicy")...), "label the namespaces with pod-security.kubernetes.io/enforce, or write a ValidatingAdmissionPolicy"},
		{gvks("autoscaling", "v2beta1", "HorizontalPodAutoscaler"), "metrics[].resource.targetAverageUtilization is metrics[].resource.target.averageUtilization with type: Utilization, and so for the other targets"},
		{gvks("autoscaling", "v2beta2", "HorizontalPodAutoscaler"), "no field"},
		{gvks("discovery.k8s.io", "v1beta1", "EndpointSlice"), "endpoints[].topology is deprecatedTopology, with the node in nodeName and the zone in zone"},
		{gvks("events.k8s.io", "v1beta1", "Event"), "type is Normal or Warning; regarding, action, reason, reportingController and reportingInstance are required; deprecated fields may not be set"},
		{gvks("node.k8s.io", "v1beta1", "RuntimeClass"), "no field"},
		{gvks("node.k8s.io", "v1alpha1", "RuntimeClass"), "spec.runtimeHandler is handler, and spec.overhead and spec.scheduling are overhead and scheduling"},
		{gvks("rbac.authorization.k8s.io", "v1beta1", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"), "no field"},
		{gvks("rbac.authorization.k8s.io", "v1alpha1", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"), "subjects[].apiVersion is subjects[].apiGroup, without the version"},
		{gvks("scheduling.k8s.io", "v1beta1", "PriorityClass"), "no field"},
		{gvks("scheduling.k8s.io", "v1alpha1", "PriorityClass"), "no field"},
		{gvks("coordination.k8s.io", "v1beta1", "Lease"), "no field"},
		{gvks("storage.k8s.io", "v1beta1", "CSIDriver", "CSINode", "CSIStorageCapacity", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"), "no field"},
		{gvks("storage.k8s.io", "v1alpha1", "CSIStorageCapacity", "VolumeAttachment", "VolumeAttributesClass"), "no field"},
		{gvks("admissionregistration.k8s.io", "v1beta1", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"), "webhooks[].sideEffects (None or NoneOnDryRun) and admissionReviewVersions are required, matchPolicy is Equivalent and timeoutSeconds 10 unless they are given, failurePolicy is Fail, names must be unique"},
		{gvks("admissionregistration.k8s.io", "v1beta1", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"), "no field"},
		{gvks("admissionregistration.k8s.io", "v1alpha1", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"), "no field"},
		{gvks("apiextensions.k8s.io", "v1beta1", "CustomResourceDefinition"), "spec.scope has to be given; spec.version is spec.versions; a structural schema is required for each version, in versions[].schema.openAPIV3Schema; subresources, additionalPrinterColumns (JSONPath is jsonPath) stand in versions[]; spec.conversion.webhookClientConfig is spec.conversion.webhook.clientConfig; preserveUnknownFields: true becomes x-kubernetes-preserve-unknown-fields in the schema"},
		{gvks("apiregistration.k8s.io", "v1beta1", "APIService"), "no field"},
		{gvks("certificates.k8s.io", "v1beta1", "CertificateSigningRequest"), "spec.signerName and spec.usages are required"},
		{gvks(flowControl, "v1alpha1", "FlowSchema"), "no field"},
		{gvks(flowControl, "v1alpha1", "PriorityLevelConfiguration"), "spec.limited.assuredConcurrencyShares is spec.limited.nominalConcurrencyShares"},
		{gvks(flowControl, "v1beta1", "PriorityLevelConfiguration"), "spec.limited.assuredConcurrencyShares is spec.limited.nominalConcurrencyShares"},
		{gvks(flowControl, "v1beta2", "PriorityLevelConfiguration"), "spec.limited.assuredConcurrencyShares is spec.limited.nominalConcurrencyShares"},
		{gvks(flowControl, "v1beta3", "PriorityLevelConfiguration"), "spec.limited.nominalConcurrencyShares may be 0, and is 30 only where it is not given"},
		{gvks(flowControl, "v1beta1", "FlowSchema"), "no field"},
		{gvks(flowControl, "v1beta2", "FlowSchema"), "no field"},
		{gvks(flowControl, "v1beta3", "FlowSchema"), "no field"},
		{gvks("networking.k8s.io", "v1beta1", "IPAddress", "ServiceCIDR"), "no field"},
		{gvks("policy", "v1beta1", "Eviction"), "no field"},
		{append(gvks("apps", "v1beta1", "ControllerRevision"), gvks("apps", "v1beta2", "ControllerRevision")...), "no field"},
		{append(gvks("certificates.k8s.io", "v1alpha1", "ClusterTrustBundle"), gvks("certificates.k8s.io", "v1beta1", "ClusterTrustBundle")...), "no field"},
		{gvks("storagemigration.k8s.io", "v1beta1", "StorageVersionMigration"), "no field"},
		{gvks("resource.k8s.io", "v1beta2", "DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice"), "no field"},
		{gvks("resource.k8s.io", "v1beta1", "DeviceClass"), "no field"},
		{gvks("resource.k8s.io", "v1beta1", "ResourceClaim", "ResourceClaimTemplate"), "what a request asks for stands in requests[].exactly, unless it has firstAvailable"},
		{gvks("resource.k8s.io", "v1beta1", "ResourceSlice"), "what stands in devices[].basic stands in devices[] itself"},
		{gvks("networking.k8s.io", "v1alpha1", "IPAddress", "ServiceCIDR"), "no field"},
		{gvks("", "v1", "Endpoints"), "endpoints of a Service are in objects labelled kubernetes.io/service-name, with addresses in endpoints[] and ports in ports[]"},
	} {
		for _, gvk := range row.kinds {
			migrations[gvk] = row.change
		}
	}
}

// noFieldChanges reports whether nothing but its version has to change in an object.
func noFieldChanges(gvk schema.GroupVersionKind) bool { return migrations[gvk] == "no field" }

// alsoChanges is the part of a remedy on what else changes with the version.
func alsoChanges(gvk schema.GroupVersionKind) string {
	switch change := migrations[gvk]; change {
	case "":
		return ""
	case "no field":
		return "; no field changes"
	default:
		return "; then " + change
	}
}

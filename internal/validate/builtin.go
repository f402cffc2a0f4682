package validate

import (
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/registry/rest"

	apiextensionsinstall "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	crdregistry "k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition"
	aggregatorscheme "k8s.io/kube-aggregator/pkg/apiserver/scheme"
	apiservice "k8s.io/kube-aggregator/pkg/registry/apiservice"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/capabilities"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/mutatingadmissionpolicy"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/mutatingadmissionpolicybinding"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/mutatingwebhookconfiguration"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/validatingadmissionpolicy"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/validatingadmissionpolicybinding"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/validatingwebhookconfiguration"
	"k8s.io/kubernetes/pkg/registry/apps/controllerrevision"
	"k8s.io/kubernetes/pkg/registry/apps/daemonset"
	"k8s.io/kubernetes/pkg/registry/apps/deployment"
	"k8s.io/kubernetes/pkg/registry/apps/replicaset"
	"k8s.io/kubernetes/pkg/registry/apps/statefulset"
	"k8s.io/kubernetes/pkg/registry/autoscaling/horizontalpodautoscaler"
	"k8s.io/kubernetes/pkg/registry/batch/cronjob"
	"k8s.io/kubernetes/pkg/registry/batch/job"
	"k8s.io/kubernetes/pkg/registry/certificates/certificates"
	"k8s.io/kubernetes/pkg/registry/certificates/clustertrustbundle"
	"k8s.io/kubernetes/pkg/registry/certificates/podcertificaterequest"
	"k8s.io/kubernetes/pkg/registry/coordination/lease"
	"k8s.io/kubernetes/pkg/registry/core/configmap"
	"k8s.io/kubernetes/pkg/registry/core/endpoint"
	"k8s.io/kubernetes/pkg/registry/core/event"
	"k8s.io/kubernetes/pkg/registry/core/limitrange"
	"k8s.io/kubernetes/pkg/registry/core/namespace"
	"k8s.io/kubernetes/pkg/registry/core/node"
	"k8s.io/kubernetes/pkg/registry/core/persistentvolume"
	"k8s.io/kubernetes/pkg/registry/core/persistentvolumeclaim"
	"k8s.io/kubernetes/pkg/registry/core/pod"
	"k8s.io/kubernetes/pkg/registry/core/podtemplate"
	"k8s.io/kubernetes/pkg/registry/core/replicationcontroller"
	"k8s.io/kubernetes/pkg/registry/core/resourcequota"
	"k8s.io/kubernetes/pkg/registry/core/secret"
	"k8s.io/kubernetes/pkg/registry/core/service"
	"k8s.io/kubernetes/pkg/registry/core/serviceaccount"
	"k8s.io/kubernetes/pkg/registry/discovery/endpointslice"
	"k8s.io/kubernetes/pkg/registry/flowcontrol/flowschema"
	"k8s.io/kubernetes/pkg/registry/flowcontrol/prioritylevelconfiguration"
	"k8s.io/kubernetes/pkg/registry/networking/ingress"
	"k8s.io/kubernetes/pkg/registry/networking/ingressclass"
	"k8s.io/kubernetes/pkg/registry/networking/ipaddress"
	"k8s.io/kubernetes/pkg/registry/networking/networkpolicy"
	"k8s.io/kubernetes/pkg/registry/networking/servicecidr"
	"k8s.io/kubernetes/pkg/registry/node/runtimeclass"
	"k8s.io/kubernetes/pkg/registry/policy/poddisruptionbudget"
	"k8s.io/kubernetes/pkg/registry/rbac/clusterrole"
	"k8s.io/kubernetes/pkg/registry/rbac/clusterrolebinding"
	"k8s.io/kubernetes/pkg/registry/rbac/role"
	"k8s.io/kubernetes/pkg/registry/rbac/rolebinding"
	"k8s.io/kubernetes/pkg/registry/resource/deviceclass"
	"k8s.io/kubernetes/pkg/registry/resource/devicetaintrule"
	"k8s.io/kubernetes/pkg/registry/resource/resourceclaim"
	"k8s.io/kubernetes/pkg/registry/resource/resourceclaimtemplate"
	"k8s.io/kubernetes/pkg/registry/resource/resourceslice"
	"k8s.io/kubernetes/pkg/registry/scheduling/priorityclass"
	"k8s.io/kubernetes/pkg/registry/storage/csidriver"
	"k8s.io/kubernetes/pkg/registry/storage/csinode"
	"k8s.io/kubernetes/pkg/registry/storage/csistoragecapacity"
	"k8s.io/kubernetes/pkg/registry/storage/storageclass"
	"k8s.io/kubernetes/pkg/registry/storage/volumeattachment"
	"k8s.io/kubernetes/pkg/registry/storage/volumeattributesclass"
	"k8s.io/kubernetes/pkg/registry/storagemigration/storagemigration"

	// Types, defaults and conversions of the groups above.
	_ "k8s.io/kubernetes/pkg/apis/admissionregistration/install"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	_ "k8s.io/kubernetes/pkg/apis/authentication/install"
	_ "k8s.io/kubernetes/pkg/apis/authorization/install"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	_ "k8s.io/kubernetes/pkg/apis/certificates/install"
	_ "k8s.io/kubernetes/pkg/apis/coordination/install"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/discovery/install"
	_ "k8s.io/kubernetes/pkg/apis/events/install"
	_ "k8s.io/kubernetes/pkg/apis/flowcontrol/install"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	_ "k8s.io/kubernetes/pkg/apis/node/install"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	_ "k8s.io/kubernetes/pkg/apis/rbac/install"
	_ "k8s.io/kubernetes/pkg/apis/resource/install"
	_ "k8s.io/kubernetes/pkg/apis/scheduling/install"
	_ "k8s.io/kubernetes/pkg/apis/storage/install"
	_ "k8s.io/kubernetes/pkg/apis/storagemigration/install"
)

// builtin is a kind that every API server has, with the rules by which it takes a new object.
type builtin struct {
	scheme   *runtime.Scheme
	codecs   serializer.CodecFactory
	strategy rest.RESTCreateStrategy
}

// builtins are made when they are first needed: a program that validates nothing pays for nothing.
var builtins = sync.OnceValue(func() map[schema.GroupKind]builtin {
	// An API server is started with --allow-privileged: a node's network and storage need it. The rules ask a global.
	capabilities.Setup(true, 0)
	kinds := map[schema.GroupKind]builtin{}
	legacy := strict(legacyscheme.Scheme)
	for group, strategies := range strategiesByGroup() {
		for kind, strategy := range strategies {
			kinds[schema.GroupKind{Group: group, Kind: kind}] = builtin{legacyscheme.Scheme, legacy, strategy}
		}
	}
	extensions := runtime.NewScheme()
	metav1.AddToGroupVersion(extensions, schema.GroupVersion{Version: "v1"})
	apiextensionsinstall.Install(extensions)
	kinds[crdKind.GroupKind()] = builtin{extensions, strict(extensions), crdregistry.NewStrategy(extensions)}
	kinds[schema.GroupKind{Group: "apiregistration.k8s.io", Kind: "APIService"}] = builtin{aggregatorscheme.Scheme, strict(aggregatorscheme.Scheme), apiservice.NewStrategy(aggregatorscheme.Scheme)}
	return kinds
})

func strict(scheme *runtime.Scheme) serializer.CodecFactory {
	return serializer.NewCodecFactory(scheme, serializer.EnableStrict)
}

func strategiesByGroup() map[string]map[string]rest.RESTCreateStrategy {
	return map[string]map[string]rest.RESTCreateStrategy{
		"":                             coreStrategies(),
		"admissionregistration.k8s.io": admissionStrategies(),
		"apps": {
			"ControllerRevision": controllerrevision.Strategy, "DaemonSet": daemonset.Strategy, "Deployment": deployment.Strategy,
			"ReplicaSet": replicaset.Strategy, "StatefulSet": statefulset.Strategy,
		},
		"autoscaling": {"HorizontalPodAutoscaler": horizontalpodautoscaler.Strategy},
		"batch":       {"CronJob": cronjob.Strategy, "Job": job.Strategy},
		"certificates.k8s.io": {
			"CertificateSigningRequest": certificates.Strategy, "ClusterTrustBundle": clustertrustbundle.Strategy,
			"PodCertificateRequest": podcertificaterequest.NewStrategy(),
		},
		"coordination.k8s.io": {"Lease": lease.Strategy},
		"discovery.k8s.io":    {"EndpointSlice": endpointslice.Strategy},
		"events.k8s.io":       {"Event": event.Strategy},
		"flowcontrol.apiserver.k8s.io": {
			"FlowSchema": flowschema.Strategy, "PriorityLevelConfiguration": prioritylevelconfiguration.Strategy,
		},
		"networking.k8s.io": {
			"IPAddress": ipaddress.Strategy, "Ingress": ingress.Strategy, "IngressClass": ingressclass.Strategy,
			"NetworkPolicy": networkpolicy.Strategy, "ServiceCIDR": servicecidr.Strategy,
		},
		"node.k8s.io": {"RuntimeClass": runtimeclass.Strategy},
		"policy":      {"PodDisruptionBudget": poddisruptionbudget.Strategy},
		"rbac.authorization.k8s.io": {
			"ClusterRole": clusterrole.Strategy, "ClusterRoleBinding": clusterrolebinding.Strategy, "Role": role.Strategy, "RoleBinding": rolebinding.Strategy,
		},
		"resource.k8s.io": {
			"DeviceClass": deviceclass.Strategy, "DeviceTaintRule": devicetaintrule.Strategy, "ResourceClaim": resourceclaim.NewStrategy(nil, nil),
			"ResourceClaimTemplate": resourceclaimtemplate.NewStrategy(nil), "ResourceSlice": resourceslice.Strategy,
		},
		"scheduling.k8s.io":       {"PriorityClass": priorityclass.Strategy},
		"storagemigration.k8s.io": {"StorageVersionMigration": storagemigration.Strategy},
		"storage.k8s.io": {
			"CSIDriver": csidriver.Strategy, "CSINode": csinode.Strategy, "CSIStorageCapacity": csistoragecapacity.Strategy,
			"StorageClass": storageclass.Strategy, "VolumeAttachment": volumeattachment.Strategy, "VolumeAttributesClass": volumeattributesclass.Strategy,
		},
	}
}

func coreStrategies() map[string]rest.RESTCreateStrategy {
	return map[string]rest.RESTCreateStrategy{
		"ConfigMap": configmap.Strategy, "Endpoints": endpoint.Strategy, "Event": event.Strategy, "LimitRange": limitrange.Strategy,
		"Namespace": namespace.Strategy, "Node": node.Strategy, "PersistentVolume": persistentvolume.Strategy,
		"PersistentVolumeClaim": persistentvolumeclaim.Strategy, "Pod": pod.Strategy, "PodTemplate": podtemplate.Strategy,
		"ReplicationController": replicationcontroller.Strategy, "ResourceQuota": resourcequota.Strategy, "Secret": secret.Strategy,
		"Service": service.Strategy, "ServiceAccount": serviceaccount.Strategy,
	}
}

// admissionStrategies: without an authorizer, what a policy may refer to is left to the API server.
func admissionStrategies() map[string]rest.RESTCreateStrategy {
	return map[string]rest.RESTCreateStrategy{
		"MutatingAdmissionPolicy":          mutatingadmissionpolicy.NewStrategy(nil, nil),
		"MutatingAdmissionPolicyBinding":   mutatingadmissionpolicybinding.NewStrategy(nil, nil, nil),
		"MutatingWebhookConfiguration":     mutatingwebhookconfiguration.Strategy,
		"ValidatingAdmissionPolicy":        validatingadmissionpolicy.NewStrategy(nil, nil),
		"ValidatingAdmissionPolicyBinding": validatingadmissionpolicybinding.NewStrategy(nil, nil, nil),
		"ValidatingWebhookConfiguration":   validatingwebhookconfiguration.Strategy,
	}
}

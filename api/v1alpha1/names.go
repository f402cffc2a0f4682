package v1alpha1

// Labels and annotations that Rollouts put on what they own.
const (
	// PodHashLabel is on ReplicaSets and pods, and in the selector of the Services that a Rollout manages.
	PodHashLabel = "rollouts-pod-template-hash"

	RevisionAnnotation           = "rollout.argoproj.io/revision"
	RevisionHistoryAnnotation    = "rollout.argoproj.io/revision-history"
	DesiredReplicasAnnotation    = "rollout.argoproj.io/desired-replicas"
	EphemeralMetadataAnnotation  = "rollout.argoproj.io/ephemeral-metadata"
	WorkloadGenerationAnnotation = "rollout.argoproj.io/workload-generation"
	// ScaleDownDeadlineAnnotation is an RFC 3339 time on a ReplicaSet.
	ScaleDownDeadlineAnnotation = "scale-down-deadline"
	// ManagedByRolloutsAnnotation is on a Service: the name of the Rollout that switches it.
	ManagedByRolloutsAnnotation = "argo-rollouts.argoproj.io/managed-by-rollouts"
	// RolloutInstanceIDLabel divides Rollouts among controllers.
	RolloutInstanceIDLabel = "argo-rollouts.argoproj.io/controller-instance-id"
)

// Labels and annotations that Applications read and write.
const (
	TrackingIDAnnotation = "argocd.argoproj.io/tracking-id"
	InstanceLabel        = "app.kubernetes.io/instance"
	// InstallationIDAnnotation names the installation that an object is tracked by, where several share a cluster.
	InstallationIDAnnotation   = "argocd.argoproj.io/installation-id"
	RefreshAnnotation          = "argocd.argoproj.io/refresh"
	SkipReconcileAnnotation    = "argocd.argoproj.io/skip-reconcile"
	HookAnnotation             = "argocd.argoproj.io/hook"
	HookDeletePolicyAnnotation = "argocd.argoproj.io/hook-delete-policy"
	// HookFinalizer is on a hook that a sync has made, until its outcome is recorded in the Application.
	HookFinalizer = "argocd.argoproj.io/hook-finalizer"
	// HookRunAnnotation is on a hook that a sync has made: which run it is, as operation/phase/definition.
	HookRunAnnotation        = "cyan.dev/hook-run"
	SyncWaveAnnotation       = "argocd.argoproj.io/sync-wave"
	SyncOptionsAnnotation    = "argocd.argoproj.io/sync-options"
	CompareOptionsAnnotation = "argocd.argoproj.io/compare-options"
	// IgnoreDefaultLinksAnnotation is on an Ingress whose own addresses are not to be shown.
	IgnoreDefaultLinksAnnotation = "argocd.argoproj.io/ignore-default-links"
	// DeletionApprovedAnnotation is on an Application: the RFC 3339 time at which a person confirmed the deletion of
	// objects with Prune=confirm or Delete=confirm.
	DeletionApprovedAnnotation = "argocd.argoproj.io/deletion-approved"

	// RollbackPinAnnotation is on an Application that a person rolled back: the commit that automation must not deploy
	// again.
	RollbackPinAnnotation = "cyan.dev/rollback-pin"
	// NamespaceMetadataAnnotation on a namespace names the Application whose managedNamespaceMetadata it has.
	NamespaceMetadataAnnotation = "cyan.dev/namespace-metadata-of"

	// ResourcesFinalizer makes the deletion of an Application delete what it deployed.
	ResourcesFinalizer           = "resources-finalizer.argocd.argoproj.io"
	ResourcesFinalizerForeground = ResourcesFinalizer + "/foreground"
	ResourcesFinalizerBackground = ResourcesFinalizer + "/background"
	// PreDeleteFinalizer is on an Application whose source has PreDelete hooks, until they have succeeded in its deletion,
	// and PostDeleteFinalizer likewise. With CleanupFinalizer behind it, until they are deleted as their policies ask.
	PreDeleteFinalizer  = "pre-delete-finalizer.argocd.argoproj.io"
	PostDeleteFinalizer = "post-delete-finalizer.argocd.argoproj.io"
	CleanupFinalizer    = "/cleanup"

	// SecretTypeLabel marks a Secret as one of the SecretType values.
	SecretTypeLabel           = "argocd.argoproj.io/secret-type"
	SecretTypeCluster         = "cluster"
	SecretTypeRepository      = "repository"
	SecretTypeRepoCredentials = "repo-creds"

	// InClusterServer is the destination server that means "the cluster of this control plane".
	InClusterServer = "https://kubernetes.default.svc"
	// InClusterName is its name.
	InClusterName = "in-cluster"
	// DefaultProject is the AppProject that exists by itself and allows everything.
	DefaultProject = "default"
	// FieldManager owns the fields that an Application applies.
	FieldManager = "cyan"
	// WorkloadFinalizer is on a Rollout that has scaled down the object of its workloadRef: when the Rollout is deleted,
	// its pods stay until that object has its own again.
	WorkloadFinalizer = "cyan.dev/workload"
	// RolloutFieldManager owns what a Rollout decides, such as which version a Service selects, and
	// ApplicationFieldManager what the Application controller writes into Applications. They differ from FieldManager:
	// what they own is not git's to take away.
	RolloutFieldManager     = "cyan-rollout"
	ApplicationFieldManager = "cyan-application"
	// APIFieldManager owns what people change through the API.
	APIFieldManager = "cyan-api"
)

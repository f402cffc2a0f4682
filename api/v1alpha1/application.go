package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Application keeps a part of a cluster as a path in git says. It has no status subresource: tools write operation
// and status on the object itself.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=applications,shortName=app;apps
// +kubebuilder:printcolumn:name="Sync Status",type=string,JSONPath=`.status.sync.status`
// +kubebuilder:printcolumn:name="Health Status",type=string,JSONPath=`.status.health.status`
// +kubebuilder:printcolumn:name="Revision",type=string,JSONPath=`.status.sync.revision`,priority=10
// +kubebuilder:printcolumn:name="Project",type=string,JSONPath=`.spec.project`,priority=10
type Application struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec ApplicationSpec `json:"spec"`
	// Operation asks for something to be done; it is removed when it is done.
	Operation *Operation        `json:"operation,omitempty"`
	Status    ApplicationStatus `json:"status,omitempty"`
}

// ApplicationList is a list of Applications.
//
// +kubebuilder:object:root=true
type ApplicationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Application `json:"items"`
}

// ApplicationSpec is what is deployed, from where, to where, and how.
type ApplicationSpec struct {
	// Source is where the manifests are.
	Source *ApplicationSource `json:"source,omitempty"`
	// Sources replaces Source by several.
	Sources     []ApplicationSource    `json:"sources,omitempty"`
	Destination ApplicationDestination `json:"destination"`
	// Project names the AppProject that bounds this Application.
	Project    string      `json:"project"`
	SyncPolicy *SyncPolicy `json:"syncPolicy,omitempty"`
	// IgnoreDifferences names fields whose drift does not count.
	IgnoreDifferences []IgnoreDifference `json:"ignoreDifferences,omitempty"`
	Info              []Info             `json:"info,omitempty"`
	// RevisionHistoryLimit is the number of entries kept in status.history; 10 when nil.
	RevisionHistoryLimit *int64 `json:"revisionHistoryLimit,omitempty"`

	// Unlisted are the paths of the fields that were written and are not among those above, sorted. What they hold is
	// kept in the cluster alone.
	Unlisted []string `json:"-"`
}

// Info is a line for people.
type Info struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// ApplicationDestination is a cluster, by URL or by name, and the namespace for objects that name none.
type ApplicationDestination struct {
	Server    string `json:"server,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
}

// ApplicationSource is a place with manifests, and how they are rendered.
type ApplicationSource struct {
	// RepoURL is a git repository: https, http, ssh, git, file, or the scp form user@host:path.
	RepoURL string `json:"repoURL"`
	// Path is a directory in it.
	Path string `json:"path,omitempty"`
	// TargetRevision is a branch, a tag, a commit SHA of 40 digits, or HEAD.
	TargetRevision string           `json:"targetRevision,omitempty"`
	Kustomize      *KustomizeSource `json:"kustomize,omitempty"`
	Directory      *DirectorySource `json:"directory,omitempty"`
	// Chart, Helm, Plugin, Ref and Name are kept as written, so that a source that needs them can be answered with a
	// clear condition.
	Chart string `json:"chart,omitempty"`
	Ref   string `json:"ref,omitempty"`
	Name  string `json:"name,omitempty"`
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	Helm *runtime.RawExtension `json:"helm,omitempty"`
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	Plugin *runtime.RawExtension `json:"plugin,omitempty"`
}

// KustomizeSource are options on top of a kustomization.
type KustomizeSource struct {
	NamePrefix string `json:"namePrefix,omitempty"`
	NameSuffix string `json:"nameSuffix,omitempty"`
	// Images are [name=]newName[:tag][@digest].
	Images                    []string           `json:"images,omitempty"`
	CommonLabels              map[string]string  `json:"commonLabels,omitempty"`
	CommonAnnotations         map[string]string  `json:"commonAnnotations,omitempty"`
	ForceCommonLabels         bool               `json:"forceCommonLabels,omitempty"`
	ForceCommonAnnotations    bool               `json:"forceCommonAnnotations,omitempty"`
	CommonAnnotationsEnvsubst bool               `json:"commonAnnotationsEnvsubst,omitempty"`
	Namespace                 string             `json:"namespace,omitempty"`
	Replicas                  []KustomizeReplica `json:"replicas,omitempty"`
	Patches                   []KustomizePatch   `json:"patches,omitempty"`
	Components                []string           `json:"components,omitempty"`
	IgnoreMissingComponents   bool               `json:"ignoreMissingComponents,omitempty"`
	LabelWithoutSelector      bool               `json:"labelWithoutSelector,omitempty"`
	LabelIncludeTemplates     bool               `json:"labelIncludeTemplates,omitempty"`
	// Version asks for a kustomize of another version, which is not done: the one built in is used.
	Version     string   `json:"version,omitempty"`
	KubeVersion string   `json:"kubeVersion,omitempty"`
	APIVersions []string `json:"apiVersions,omitempty"`
}

// KustomizeReplica sets the replica count of the workload with this name.
type KustomizeReplica struct {
	Name  string             `json:"name"`
	Count intstr.IntOrString `json:"count"`
}

// KustomizePatch is a patch, inline or in a file of the repository.
type KustomizePatch struct {
	Path    string             `json:"path,omitempty"`
	Patch   string             `json:"patch,omitempty"`
	Target  *KustomizeSelector `json:"target,omitempty"`
	Options map[string]bool    `json:"options,omitempty"`
}

// KustomizeSelector finds objects.
type KustomizeSelector struct {
	Group              string `json:"group,omitempty"`
	Version            string `json:"version,omitempty"`
	Kind               string `json:"kind,omitempty"`
	Name               string `json:"name,omitempty"`
	Namespace          string `json:"namespace,omitempty"`
	AnnotationSelector string `json:"annotationSelector,omitempty"`
	LabelSelector      string `json:"labelSelector,omitempty"`
}

// DirectorySource are options of a plain directory of manifests.
type DirectorySource struct {
	// Recurse reads directories below as well.
	Recurse bool `json:"recurse,omitempty"`
	// Include and Exclude are glob patterns; {a,b} lists several.
	Include string `json:"include,omitempty"`
	Exclude string `json:"exclude,omitempty"`
	// Jsonnet is kept as written; .jsonnet files are refused by name.
	//
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	Jsonnet *runtime.RawExtension `json:"jsonnet,omitempty"`
}

// SyncPolicy is when and how an Application is synced.
type SyncPolicy struct {
	// Automated syncs without being asked, when present.
	Automated *AutomatedSync `json:"automated,omitempty"`
	// SyncOptions are of the form Name=value.
	SyncOptions              []string                  `json:"syncOptions,omitempty"`
	Retry                    *RetryStrategy            `json:"retry,omitempty"`
	ManagedNamespaceMetadata *ManagedNamespaceMetadata `json:"managedNamespaceMetadata,omitempty"`
}

// AutomatedSync is how far automation goes, as people write it: what is false is kept as it was written.
type AutomatedSync struct {
	// Enabled false switches automation off; true when nil.
	Enabled *bool `json:"enabled,omitempty"`
	// Prune deletes what git no longer has.
	Prune *bool `json:"prune,omitempty"`
	// SelfHeal undoes changes made in the cluster.
	SelfHeal *bool `json:"selfHeal,omitempty"`
	// AllowEmpty lets a prune delete everything.
	AllowEmpty *bool `json:"allowEmpty,omitempty"`
}

// RetryStrategy is how a failed sync is retried.
type RetryStrategy struct {
	// Limit is the number of retries; negative for no limit.
	Limit   int64         `json:"limit,omitempty"`
	Backoff *RetryBackoff `json:"backoff,omitempty"`
	// Refresh takes the newest revision for a retry.
	Refresh bool `json:"refresh,omitempty"`
}

// RetryBackoff is the time between tries.
type RetryBackoff struct {
	// Duration before the first retry, such as 5s.
	Duration string `json:"duration,omitempty"`
	// Factor multiplies it each time; 2 when nil.
	Factor *int64 `json:"factor,omitempty"`
	// MaxDuration bounds it, such as 3m.
	MaxDuration string `json:"maxDuration,omitempty"`
}

// ManagedNamespaceMetadata is put on a namespace that CreateNamespace makes.
type ManagedNamespaceMetadata struct {
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// IgnoreDifference names fields of objects whose drift does not count.
type IgnoreDifference struct {
	Group                 string   `json:"group,omitempty"`
	Kind                  string   `json:"kind"`
	Name                  string   `json:"name,omitempty"`
	Namespace             string   `json:"namespace,omitempty"`
	JSONPointers          []string `json:"jsonPointers,omitempty"`
	JQPathExpressions     []string `json:"jqPathExpressions,omitempty"`
	ManagedFieldsManagers []string `json:"managedFieldsManagers,omitempty"`
}

// Operation asks for a sync.
type Operation struct {
	Sync        *SyncOperation     `json:"sync,omitempty"`
	InitiatedBy OperationInitiator `json:"initiatedBy,omitempty"`
	Info        []*Info            `json:"info,omitempty"`
	Retry       RetryStrategy      `json:"retry,omitempty"`
}

// OperationInitiator is who asked.
type OperationInitiator struct {
	Username  string `json:"username,omitempty"`
	Automated bool   `json:"automated,omitempty"`
}

// SyncOperation is one sync, with what differs from the policy.
type SyncOperation struct {
	// Revision to sync to; the target revision when empty.
	Revision  string   `json:"revision,omitempty"`
	Revisions []string `json:"revisions,omitempty"`
	// Prune deletes what git no longer has.
	Prune        bool          `json:"prune,omitempty"`
	DryRun       bool          `json:"dryRun,omitempty"`
	SyncStrategy *SyncStrategy `json:"syncStrategy,omitempty"`
	// Resources limits the sync to these.
	Resources []SyncOperationResource `json:"resources,omitempty"`
	// Source replaces the Application's source; a rollback sets it.
	Source      *ApplicationSource  `json:"source,omitempty"`
	Sources     []ApplicationSource `json:"sources,omitempty"`
	Manifests   []string            `json:"manifests,omitempty"`
	SyncOptions []string            `json:"syncOptions,omitempty"`
	// AutoHealAttemptsCount is written by other tools and kept.
	AutoHealAttemptsCount int64 `json:"autoHealAttemptsCount,omitempty"`
}

// SyncOperationResource names an object.
type SyncOperationResource struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
}

// SyncStrategy is apply (no hooks) or hook (the default).
type SyncStrategy struct {
	Apply *SyncStrategyApply `json:"apply,omitempty"`
	Hook  *SyncStrategyHook  `json:"hook,omitempty"`
}

// SyncStrategyApply syncs without hooks.
type SyncStrategyApply struct {
	// Force deletes and creates again what can't be updated.
	Force bool `json:"force,omitempty"`
}

// SyncStrategyHook syncs with hooks.
type SyncStrategyHook struct {
	SyncStrategyApply `json:",inline"`
}

// SyncStatusCode compares the cluster with git.
type SyncStatusCode string

// The values of SyncStatusCode.
const (
	Synced      SyncStatusCode = "Synced"
	OutOfSync   SyncStatusCode = "OutOfSync"
	SyncUnknown SyncStatusCode = "Unknown"
)

// HealthStatusCode is the health of an object in a word.
type HealthStatusCode string

// The values of HealthStatusCode, from best to worst.
const (
	HealthHealthy     HealthStatusCode = "Healthy"
	HealthSuspended   HealthStatusCode = "Suspended"
	HealthProgressing HealthStatusCode = "Progressing"
	HealthMissing     HealthStatusCode = "Missing"
	HealthDegraded    HealthStatusCode = "Degraded"
	HealthUnknown     HealthStatusCode = "Unknown"
)

// OperationPhase is how far an operation, a hook or an object of a sync got.
type OperationPhase string

// The values of OperationPhase.
const (
	OperationRunning     OperationPhase = "Running"
	OperationTerminating OperationPhase = "Terminating"
	OperationFailed      OperationPhase = "Failed"
	OperationError       OperationPhase = "Error"
	OperationSucceeded   OperationPhase = "Succeeded"
)

// ApplicationStatus is what the controller saw and did.
type ApplicationStatus struct {
	// Resources are the objects that the Application manages.
	Resources      []ResourceStatus       `json:"resources,omitempty"`
	Sync           SyncStatus             `json:"sync,omitempty"`
	Health         AppHealthStatus        `json:"health,omitempty"`
	History        []RevisionHistory      `json:"history,omitempty"`
	Conditions     []ApplicationCondition `json:"conditions,omitempty"`
	ReconciledAt   *metav1.Time           `json:"reconciledAt,omitempty"`
	OperationState *OperationState        `json:"operationState,omitempty"`
	ObservedAt     *metav1.Time           `json:"observedAt,omitempty"`
	// SourceType is Kustomize or Directory.
	SourceType           string             `json:"sourceType,omitempty"`
	SourceTypes          []string           `json:"sourceTypes,omitempty"`
	Summary              ApplicationSummary `json:"summary,omitempty"`
	ResourceHealthSource string             `json:"resourceHealthSource,omitempty"`
	ControllerNamespace  string             `json:"controllerNamespace,omitempty"`
}

// AppHealthStatus is the health of the whole.
type AppHealthStatus struct {
	Status             HealthStatusCode `json:"status,omitempty"`
	Message            string           `json:"message,omitempty"`
	LastTransitionTime *metav1.Time     `json:"lastTransitionTime,omitempty"`
}

// HealthStatus is the health of an object.
type HealthStatus struct {
	Status             HealthStatusCode `json:"status,omitempty"`
	Message            string           `json:"message,omitempty"`
	LastTransitionTime *metav1.Time     `json:"lastTransitionTime,omitempty"`
}

// SyncStatus compares the cluster with a revision.
type SyncStatus struct {
	Status     SyncStatusCode `json:"status"`
	ComparedTo ComparedTo     `json:"comparedTo,omitempty"`
	Revision   string         `json:"revision,omitempty"`
	Revisions  []string       `json:"revisions,omitempty"`
}

// ComparedTo is what the cluster was compared with.
type ComparedTo struct {
	Source            *ApplicationSource     `json:"source,omitempty"`
	Sources           []ApplicationSource    `json:"sources,omitempty"`
	Destination       ApplicationDestination `json:"destination"`
	IgnoreDifferences []IgnoreDifference     `json:"ignoreDifferences,omitempty"`
}

// ResourceStatus is an object that the Application manages.
type ResourceStatus struct {
	Group                        string         `json:"group,omitempty"`
	Version                      string         `json:"version,omitempty"`
	Kind                         string         `json:"kind,omitempty"`
	Namespace                    string         `json:"namespace,omitempty"`
	Name                         string         `json:"name,omitempty"`
	Status                       SyncStatusCode `json:"status,omitempty"`
	Health                       *HealthStatus  `json:"health,omitempty"`
	Hook                         bool           `json:"hook,omitempty"`
	RequiresPruning              bool           `json:"requiresPruning,omitempty"`
	SyncWave                     int64          `json:"syncWave,omitempty"`
	RequiresDeletionConfirmation bool           `json:"requiresDeletionConfirmation,omitempty"`
}

// RevisionHistory is a revision that was deployed.
type RevisionHistory struct {
	ID              int64               `json:"id"`
	Revision        string              `json:"revision,omitempty"`
	Revisions       []string            `json:"revisions,omitempty"`
	DeployedAt      metav1.Time         `json:"deployedAt"`
	DeployStartedAt *metav1.Time        `json:"deployStartedAt,omitempty"`
	Source          *ApplicationSource  `json:"source,omitempty"`
	Sources         []ApplicationSource `json:"sources,omitempty"`
	InitiatedBy     OperationInitiator  `json:"initiatedBy,omitempty"`
}

// Types of ApplicationCondition.
const (
	ConditionComparisonError         = "ComparisonError"
	ConditionInvalidSpecError        = "InvalidSpecError"
	ConditionSyncError               = "SyncError"
	ConditionDeletionError           = "DeletionError"
	ConditionUnknownError            = "UnknownError"
	ConditionRepeatedResourceWarning = "RepeatedResourceWarning"
	ConditionSharedResourceWarning   = "SharedResourceWarning"
	ConditionSyncOptionWarning       = "SyncOptionWarning"
	ConditionExcludedResourceWarning = "ExcludedResourceWarning"
	ConditionOrphanedResourceWarning = "OrphanedResourceWarning"
	// ConditionSkippedFileWarning names a file of the source that is left out.
	ConditionSkippedFileWarning = "SkippedFileWarning"
	// ConditionDeprecatedFieldWarning names a field of a kustomization that a later version of kustomize removes.
	ConditionDeprecatedFieldWarning = "DeprecatedFieldWarning"
	// ConditionManifestWarning names what the cluster takes and cannot work as it is written, or is deprecated.
	ConditionManifestWarning = "ManifestWarning"
	// ConditionOmittedResourceWarning is of an Application of which the status does not list all resources.
	ConditionOmittedResourceWarning = "OmittedResourceWarning"
	// ConditionUnsupportedWarning names what is written and not done.
	ConditionUnsupportedWarning = "UnsupportedWarning"
	// ConditionHandedOver names who has the objects for a while, in which nothing is applied.
	ConditionHandedOver = "HandedOver"
)

// ApplicationCondition is something a person should know.
type ApplicationCondition struct {
	Type               string       `json:"type"`
	Message            string       `json:"message"`
	LastTransitionTime *metav1.Time `json:"lastTransitionTime,omitempty"`
}

// ApplicationSummary lists what people look for first.
type ApplicationSummary struct {
	ExternalURLs []string `json:"externalURLs,omitempty"`
	Images       []string `json:"images,omitempty"`
}

// OperationState is the running operation, or the last one. A retry that is waiting is Running with FinishedAt set.
type OperationState struct {
	Operation  Operation            `json:"operation"`
	Phase      OperationPhase       `json:"phase"`
	Message    string               `json:"message,omitempty"`
	SyncResult *SyncOperationResult `json:"syncResult,omitempty"`
	StartedAt  metav1.Time          `json:"startedAt"`
	FinishedAt *metav1.Time         `json:"finishedAt,omitempty"`
	RetryCount int64                `json:"retryCount,omitempty"`
}

// SyncOperationResult is what a sync did.
type SyncOperationResult struct {
	Resources                []*ResourceResult         `json:"resources,omitempty"`
	Revision                 string                    `json:"revision"`
	Revisions                []string                  `json:"revisions,omitempty"`
	Source                   ApplicationSource         `json:"source,omitempty"`
	Sources                  []ApplicationSource       `json:"sources,omitempty"`
	ManagedNamespaceMetadata *ManagedNamespaceMetadata `json:"managedNamespaceMetadata,omitempty"`
	// Manifests names what git wanted: a later commit that wants the same does not supersede the sync.
	Manifests string `json:"manifests,omitempty"`
}

// ResultCode is what a sync did to an object.
type ResultCode string

// The values of ResultCode.
const (
	ResultSynced       ResultCode = "Synced"
	ResultSyncFailed   ResultCode = "SyncFailed"
	ResultPruned       ResultCode = "Pruned"
	ResultPruneSkipped ResultCode = "PruneSkipped"
)

// HookType is when a hook runs.
type HookType string

// The values of HookType.
const (
	HookPreSync    HookType = "PreSync"
	HookSync       HookType = "Sync"
	HookPostSync   HookType = "PostSync"
	HookSyncFail   HookType = "SyncFail"
	HookSkip       HookType = "Skip"
	HookPreDelete  HookType = "PreDelete"
	HookPostDelete HookType = "PostDelete"
)

// ResourceResult is what a sync did to an object or hook.
type ResourceResult struct {
	Group     string     `json:"group"`
	Version   string     `json:"version"`
	Kind      string     `json:"kind"`
	Namespace string     `json:"namespace"`
	Name      string     `json:"name"`
	Status    ResultCode `json:"status,omitempty"`
	Message   string     `json:"message,omitempty"`
	HookType  HookType   `json:"hookType,omitempty"`
	// HookPhase is how far a hook, or the wait for an object's health, got.
	HookPhase OperationPhase `json:"hookPhase,omitempty"`
	// SyncPhase is PreSync, Sync, PostSync or SyncFail.
	SyncPhase HookType `json:"syncPhase,omitempty"`
	Images    []string `json:"images,omitempty"`
}

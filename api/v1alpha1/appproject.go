package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// AppProject bounds what its Applications may deploy, from where and to where.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=appprojects,shortName=appproj;appprojs
type AppProject struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec   AppProjectSpec   `json:"spec"`
	Status AppProjectStatus `json:"status,omitempty"`
}

// AppProjectList is a list of AppProjects.
//
// +kubebuilder:object:root=true
type AppProjectList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []AppProject `json:"items"`
}

// AppProjectSpec are the bounds. Patterns are globs; a leading ! denies.
type AppProjectSpec struct {
	Description string `json:"description,omitempty"`
	// SourceRepos are patterns of repository URLs.
	SourceRepos  []string                 `json:"sourceRepos,omitempty"`
	Destinations []ApplicationDestination `json:"destinations,omitempty"`
	// ClusterResourceWhitelist allows kinds without a namespace; none when empty.
	ClusterResourceWhitelist []GroupKindPattern `json:"clusterResourceWhitelist,omitempty"`
	ClusterResourceBlacklist []GroupKindPattern `json:"clusterResourceBlacklist,omitempty"`
	// NamespaceResourceWhitelist allows kinds within a namespace; all when empty.
	NamespaceResourceWhitelist []GroupKindPattern `json:"namespaceResourceWhitelist,omitempty"`
	NamespaceResourceBlacklist []GroupKindPattern `json:"namespaceResourceBlacklist,omitempty"`
	// SourceNamespaces are patterns of namespaces whose Applications may use this project.
	SourceNamespaces []string     `json:"sourceNamespaces,omitempty"`
	SyncWindows      []SyncWindow `json:"syncWindows,omitempty"`

	// The fields below are kept as written.

	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Schemaless
	Roles []runtime.RawExtension `json:"roles,omitempty"`
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	OrphanedResources *runtime.RawExtension `json:"orphanedResources,omitempty"`
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Schemaless
	SignatureKeys []runtime.RawExtension `json:"signatureKeys,omitempty"`
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Schemaless
	DestinationServiceAccounts      []runtime.RawExtension `json:"destinationServiceAccounts,omitempty"`
	PermitOnlyProjectScopedClusters bool                   `json:"permitOnlyProjectScopedClusters,omitempty"`
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	SourceIntegrity *runtime.RawExtension `json:"sourceIntegrity,omitempty"`

	// Unlisted are the paths of the fields that were written and are not among those above, sorted. What they hold is
	// kept in the cluster alone.
	Unlisted []string `json:"-"`
}

// GroupKindPattern matches kinds.
type GroupKindPattern struct {
	Group string `json:"group"`
	Kind  string `json:"kind"`
	Name  string `json:"name,omitempty"`
}

// SyncWindow allows or denies syncs at certain times.
type SyncWindow struct {
	// Kind is allow or deny.
	Kind string `json:"kind,omitempty"`
	// Schedule is a cron expression of five fields: when the window opens.
	Schedule string `json:"schedule,omitempty"`
	// Duration is how long it stays open, such as 1h.
	Duration     string   `json:"duration,omitempty"`
	Applications []string `json:"applications,omitempty"`
	Namespaces   []string `json:"namespaces,omitempty"`
	Clusters     []string `json:"clusters,omitempty"`
	// ManualSync lets people sync in a closed window.
	ManualSync bool `json:"manualSync,omitempty"`
	// TimeZone is an IANA name; UTC when empty.
	TimeZone       string `json:"timeZone,omitempty"`
	UseAndOperator bool   `json:"andOperator,omitempty"`
	Description    string `json:"description,omitempty"`
	// SyncOverrun lets a sync go on that began before a deny window opened, or while an allow window was open.
	SyncOverrun bool `json:"syncOverrun,omitempty"`
}

// AppProjectStatus is kept for tools that write it.
type AppProjectStatus struct {
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	JWTTokensByRole *runtime.RawExtension `json:"jwtTokensByRole,omitempty"`
}

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Rollout is a workload that replaces its pods by blue-green: the new ones come up beside the old ones, and a Service
// is switched over.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=rollouts,shortName=ro
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.replicas,statuspath=.status.HPAReplicas,selectorpath=.status.selector
// +kubebuilder:printcolumn:name="Desired",type=integer,JSONPath=`.spec.replicas`
// +kubebuilder:printcolumn:name="Current",type=integer,JSONPath=`.status.replicas`
// +kubebuilder:printcolumn:name="Up-to-date",type=integer,JSONPath=`.status.updatedReplicas`
// +kubebuilder:printcolumn:name="Available",type=integer,JSONPath=`.status.availableReplicas`
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Rollout struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   RolloutSpec   `json:"spec"`
	Status RolloutStatus `json:"status,omitempty"`
}

// RolloutList is a list of Rollouts.
//
// +kubebuilder:object:root=true
type RolloutList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Rollout `json:"items"`
}

// RolloutSpec is what runs and how it is replaced.
type RolloutSpec struct {
	// Unreadable is why fields of the spec could not be read, and so are missing here; empty when all were read.
	Unreadable string `json:"-"`
	// Replicas is the number of pods wanted; 1 when nil.
	//
	// +kubebuilder:default=1
	Replicas *int32 `json:"replicas,omitempty"`
	// Selector finds the pods; it must match the template's labels. Not used with WorkloadRef when empty.
	Selector *metav1.LabelSelector `json:"selector,omitempty"`
	// Template describes the pods. Empty with WorkloadRef.
	Template corev1.PodTemplateSpec `json:"template,omitzero"`
	// WorkloadRef takes the template of another object instead of Template.
	WorkloadRef *WorkloadRef `json:"workloadRef,omitempty"`
	// MinReadySeconds is how long a pod must be ready before it counts as available.
	MinReadySeconds int32 `json:"minReadySeconds,omitempty"`
	// Strategy is how pods are replaced.
	Strategy RolloutStrategy `json:"strategy,omitempty"`
	// RevisionHistoryLimit is the number of old ReplicaSets kept for a rollback; 10 when nil.
	RevisionHistoryLimit *int32 `json:"revisionHistoryLimit,omitempty"`
	// Paused stops the rollout where it is.
	Paused bool `json:"paused,omitempty"`
	// ProgressDeadlineSeconds is how long a rollout may make no progress; 600 when nil. Suspended while paused.
	ProgressDeadlineSeconds *int32 `json:"progressDeadlineSeconds,omitempty"`
	// ProgressDeadlineAbort aborts the rollout when the deadline has passed.
	ProgressDeadlineAbort bool `json:"progressDeadlineAbort,omitempty"`
	// RestartAt asks for every pod created before this time to be replaced.
	RestartAt *metav1.Time `json:"restartAt,omitempty"`
	// Analysis bounds how many finished analysis runs are kept.
	Analysis *AnalysisHistory `json:"analysis,omitempty"`
	// RollbackWindow lets a rollback within so many revisions skip every gate.
	RollbackWindow *RollbackWindow `json:"rollbackWindow,omitempty"`
}

// WorkloadRef names the object whose pod template a Rollout takes.
type WorkloadRef struct {
	// APIVersion of the object, such as apps/v1.
	APIVersion string `json:"apiVersion,omitempty"`
	// Kind is Deployment, ReplicaSet or PodTemplate.
	Kind string `json:"kind,omitempty"`
	// Name of the object, in the Rollout's namespace.
	Name string `json:"name,omitempty"`
	// ScaleDown is when the object itself is scaled to zero: never (the default), onsuccess or progressively.
	ScaleDown string `json:"scaleDown,omitempty"`
}

// Values of WorkloadRef.ScaleDown.
const (
	ScaleDownNever         = "never"
	ScaleDownOnSuccess     = "onsuccess"
	ScaleDownProgressively = "progressively"
)

// RolloutStrategy holds exactly one strategy.
type RolloutStrategy struct {
	BlueGreen *BlueGreenStrategy `json:"blueGreen,omitempty"`
	// Canary is kept as it was written, so that a manifest that asks for it can be answered with a clear condition.
	//
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	Canary *CanaryStrategy `json:"canary,omitempty"`
}

// CanaryStrategy is present when a manifest asks for a canary; its fields are not interpreted.
type CanaryStrategy struct{}

// BlueGreenStrategy brings the new pods up beside the old ones and switches a Service over.
type BlueGreenStrategy struct {
	// ActiveService takes the traffic.
	ActiveService string `json:"activeService"`
	// PreviewService, when given, shows the new pods before the switch.
	PreviewService string `json:"previewService,omitempty"`
	// PreviewReplicaCount is the size of the new ReplicaSet until it is promoted; spec.replicas when nil.
	PreviewReplicaCount *int32 `json:"previewReplicaCount,omitempty"`
	// AutoPromotionEnabled false waits for a person before the switch; true when nil.
	AutoPromotionEnabled *bool `json:"autoPromotionEnabled,omitempty"`
	// AutoPromotionSeconds is the pause before the switch, from the moment that the new pods are available.
	AutoPromotionSeconds int32 `json:"autoPromotionSeconds,omitempty"`
	// MaxUnavailable bounds how many pods a restart takes away at a time; 25% when nil.
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
	// ScaleDownDelaySeconds is how long old pods stay after the switch has converged; 30 when nil.
	ScaleDownDelaySeconds *int32 `json:"scaleDownDelaySeconds,omitempty"`
	// ScaleDownDelayRevisionLimit bounds how many old ReplicaSets may be inside their delay.
	ScaleDownDelayRevisionLimit *int32 `json:"scaleDownDelayRevisionLimit,omitempty"`
	// AbortScaleDownDelaySeconds is how long the new pods stay after an abort; 30 when nil, 0 for ever.
	AbortScaleDownDelaySeconds *int32 `json:"abortScaleDownDelaySeconds,omitempty"`
	// PrePromotionAnalysis gates the switch.
	PrePromotionAnalysis *RolloutAnalysis `json:"prePromotionAnalysis,omitempty"`
	// PostPromotionAnalysis watches the new version after the switch.
	PostPromotionAnalysis *RolloutAnalysis `json:"postPromotionAnalysis,omitempty"`
	// AntiAffinity keeps pods of two versions apart.
	AntiAffinity *AntiAffinity `json:"antiAffinity,omitempty"`
	// ActiveMetadata is put on the pods of the active version.
	ActiveMetadata *PodTemplateMetadata `json:"activeMetadata,omitempty"`
	// PreviewMetadata is put on the pods of the version in preview.
	PreviewMetadata *PodTemplateMetadata `json:"previewMetadata,omitempty"`
}

// AntiAffinity keeps pods of two versions apart; exactly one field is set.
type AntiAffinity struct {
	PreferredDuringSchedulingIgnoredDuringExecution *PreferredAntiAffinity `json:"preferredDuringSchedulingIgnoredDuringExecution,omitempty"`
	RequiredDuringSchedulingIgnoredDuringExecution  *RequiredAntiAffinity  `json:"requiredDuringSchedulingIgnoredDuringExecution,omitempty"`
}

// PreferredAntiAffinity asks the scheduler with a weight of 1 to 100.
type PreferredAntiAffinity struct {
	Weight int32 `json:"weight"`
}

// RequiredAntiAffinity is a requirement to the scheduler.
type RequiredAntiAffinity struct{}

// PodTemplateMetadata are labels and annotations that follow the role of a version.
type PodTemplateMetadata struct {
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// RolloutAnalysis names the analysis templates that gate a step.
type RolloutAnalysis struct {
	Templates []AnalysisTemplateRef `json:"templates,omitempty"`
	Args      []AnalysisArgument    `json:"args,omitempty"`
	DryRun    []AnalysisDryRun      `json:"dryRun,omitempty"`
	// MeasurementRetention is how many measurements are kept for a metric.
	MeasurementRetention []MeasurementRetention `json:"measurementRetention,omitempty"`
	AnalysisRunMetadata  *PodTemplateMetadata   `json:"analysisRunMetadata,omitempty"`
}

// AnalysisTemplateRef names an AnalysisTemplate, or a ClusterAnalysisTemplate.
type AnalysisTemplateRef struct {
	TemplateName string `json:"templateName,omitempty"`
	ClusterScope bool   `json:"clusterScope,omitempty"`
}

// AnalysisArgument is the value of a template's argument.
type AnalysisArgument struct {
	Name      string                   `json:"name"`
	Value     string                   `json:"value,omitempty"`
	ValueFrom *AnalysisArgumentValueOf `json:"valueFrom,omitempty"`
}

// AnalysisArgumentValueOf takes an argument's value from the Rollout.
type AnalysisArgumentValueOf struct {
	// PodTemplateHashValue is Stable or Latest.
	PodTemplateHashValue string              `json:"podTemplateHashValue,omitempty"`
	FieldRef             *AnalysisFieldRefOf `json:"fieldRef,omitempty"`
}

// AnalysisFieldRefOf is a path into the Rollout.
type AnalysisFieldRefOf struct {
	FieldPath string `json:"fieldPath"`
}

// AnalysisDryRun names metrics, by regular expression, whose outcome does not count.
type AnalysisDryRun struct {
	MetricName string `json:"metricName"`
}

// MeasurementRetention is how many measurements are kept for the metrics whose name matches.
type MeasurementRetention struct {
	MetricName string `json:"metricName"`
	Limit      int32  `json:"limit"`
}

// AnalysisHistory bounds how many finished analysis runs are kept; 5 each when nil.
type AnalysisHistory struct {
	SuccessfulRunHistoryLimit   *int32 `json:"successfulRunHistoryLimit,omitempty"`
	UnsuccessfulRunHistoryLimit *int32 `json:"unsuccessfulRunHistoryLimit,omitempty"`
}

// RollbackWindow is a number of revisions.
type RollbackWindow struct {
	Revisions int32 `json:"revisions,omitempty"`
}

// RolloutPhase is the state of a Rollout in a word.
type RolloutPhase string

// The phases of a Rollout.
const (
	RolloutHealthy     RolloutPhase = "Healthy"
	RolloutProgressing RolloutPhase = "Progressing"
	RolloutPaused      RolloutPhase = "Paused"
	RolloutDegraded    RolloutPhase = "Degraded"
)

// RolloutStatus is what the controller saw and how far it got.
type RolloutStatus struct {
	Phase   RolloutPhase `json:"phase,omitempty"`
	Message string       `json:"message,omitempty"`
	// ObservedGeneration is the generation this status speaks of, as a decimal string.
	ObservedGeneration string `json:"observedGeneration,omitempty"`
	// WorkloadObservedGeneration is the same of the object that WorkloadRef names.
	WorkloadObservedGeneration string `json:"workloadObservedGeneration,omitempty"`
	// CurrentPodHash names the ReplicaSet of the wanted template.
	CurrentPodHash string `json:"currentPodHash,omitempty"`
	// StableRS is the hash of the ReplicaSet that a rollback returns to.
	StableRS string `json:"stableRS,omitempty"`

	// Replicas counts the pods of all ReplicaSets.
	Replicas int32 `json:"replicas,omitempty"`
	// UpdatedReplicas counts the pods of the newest ReplicaSet.
	UpdatedReplicas int32 `json:"updatedReplicas,omitempty"`
	// ReadyReplicas counts the ready pods of the active ReplicaSet.
	ReadyReplicas int32 `json:"readyReplicas,omitempty"`
	// AvailableReplicas counts the available pods of the active ReplicaSet.
	AvailableReplicas int32 `json:"availableReplicas,omitempty"`
	// HPAReplicas counts the pods that an autoscaler should look at.
	HPAReplicas int32 `json:"HPAReplicas,omitempty"`
	// Selector finds the pods that an autoscaler should look at.
	Selector string `json:"selector,omitempty"`

	PauseConditions []PauseCondition `json:"pauseConditions,omitempty"`
	// ControllerPause is true while the pause is the controller's own and not a person's.
	ControllerPause bool `json:"controllerPause,omitempty"`
	// Abort asks to go back to the stable version and stay there.
	Abort     bool         `json:"abort,omitempty"`
	AbortedAt *metav1.Time `json:"abortedAt,omitempty"`
	// PromoteFull asks to skip every gate.
	PromoteFull bool         `json:"promoteFull,omitempty"`
	RestartedAt *metav1.Time `json:"restartedAt,omitempty"`

	CurrentStepIndex *int32 `json:"currentStepIndex,omitempty"`
	CurrentStepHash  string `json:"currentStepHash,omitempty"`
	CollisionCount   *int32 `json:"collisionCount,omitempty"`

	BlueGreen  BlueGreenStatus    `json:"blueGreen,omitempty"`
	Conditions []RolloutCondition `json:"conditions,omitempty"`
	// Duration is how long the last attempt at a version took, or has taken so far.
	Duration *RolloutDuration `json:"duration,omitempty"`
}

// RolloutDuration is how long an attempt took: from the moment that the desired version is not the stable one to the
// end of the attempt, and how much of that a person was waited for.
type RolloutDuration struct {
	// RolloutStartedAt is when the attempt began.
	RolloutStartedAt *metav1.Time `json:"rolloutStartedAt,omitempty"`
	// ManualPauseStartedAt is since when a person is waited for; nil when none is.
	ManualPauseStartedAt *metav1.Time `json:"manualPauseStartedAt,omitempty"`
	// TotalManualPauseDurationSeconds is how long a person was waited for in pauses that have ended; nil without any.
	TotalManualPauseDurationSeconds *int64 `json:"totalManualPauseDurationSeconds,omitempty"`
	// FinishedAt is when the attempt ended; nil while it goes on.
	FinishedAt *metav1.Time `json:"finishedAt,omitempty"`
	// CompletionStatus is how the attempt ends, from when that is known.
	CompletionStatus *CompletionStatus `json:"completionStatus,omitempty"`
}

// CompletionStatus is how an attempt at a version ends.
type CompletionStatus string

// The ends of an attempt.
const (
	// CompletionPromoted is a version that passed its gates.
	CompletionPromoted CompletionStatus = "promoted"
	// CompletionFastPromoted is a version that a person has promoted past its gates.
	CompletionFastPromoted CompletionStatus = "fast-promoted"
	// CompletionAborted is an attempt that gave the traffic back.
	CompletionAborted CompletionStatus = "aborted"
	// CompletionRollbacked is a return to an older version, through its gates.
	CompletionRollbacked CompletionStatus = "rollbacked"
	// CompletionFastRollbacked is a return to the stable version, or to an older one past its gates.
	CompletionFastRollbacked CompletionStatus = "fast-rollbacked"
)

// BlueGreenStatus is how far a blue-green rollout got.
type BlueGreenStatus struct {
	// ActiveSelector is the hash that the active Service selects.
	ActiveSelector string `json:"activeSelector,omitempty"`
	// PreviewSelector is the hash that the preview Service selects.
	PreviewSelector string `json:"previewSelector,omitempty"`
	// ScaleUpPreviewCheckPoint is true once the preview has passed its gates and grows to full size.
	ScaleUpPreviewCheckPoint bool `json:"scaleUpPreviewCheckPoint,omitempty"`
	// Switch is the last cut-over of the active Service.
	Switch *SwitchStatus `json:"switch,omitempty"`

	PrePromotionAnalysisRunStatus  *AnalysisRunReference `json:"prePromotionAnalysisRunStatus,omitempty"`
	PostPromotionAnalysisRunStatus *AnalysisRunReference `json:"postPromotionAnalysisRunStatus,omitempty"`
}

// SwitchStatus is one cut-over of the active Service, from hash to hash.
type SwitchStatus struct {
	From string      `json:"from,omitempty"`
	To   string      `json:"to"`
	Time metav1.Time `json:"time"`
	// Token is the value of the label by which the Service, and the EndpointSlices that have followed it, tell this
	// cut-over from others.
	Token string `json:"token,omitempty"`
	// ConvergedAt is when the Service's EndpointSlices listed the new pods alone; the scale-down delay counts from here.
	ConvergedAt *metav1.Time `json:"convergedAt,omitempty"`
}

// AnalysisRunReference is the state of an analysis run.
type AnalysisRunReference struct {
	Name    string `json:"name"`
	Status  string `json:"status"`
	Message string `json:"message,omitempty"`
}

// PauseReason is what a Rollout waits for.
type PauseReason string

// Reasons for a pause.
const (
	PauseBlueGreen    PauseReason = "BlueGreenPause"
	PauseInconclusive PauseReason = "InconclusiveAnalysisRun"
)

// PauseCondition is one reason to wait, and since when.
type PauseCondition struct {
	Reason    PauseReason `json:"reason"`
	StartTime metav1.Time `json:"startTime"`
}

// RolloutConditionType names a condition.
type RolloutConditionType string

// The conditions of a Rollout.
const (
	RolloutConditionProgressing    RolloutConditionType = "Progressing"
	RolloutConditionAvailable      RolloutConditionType = "Available"
	RolloutConditionPaused         RolloutConditionType = "Paused"
	RolloutConditionHealthy        RolloutConditionType = "Healthy"
	RolloutConditionCompleted      RolloutConditionType = "Completed"
	RolloutConditionInvalidSpec    RolloutConditionType = "InvalidSpec"
	RolloutConditionReplicaFailure RolloutConditionType = "ReplicaFailure"
	// RolloutConditionUnsupported names what is written and not done.
	RolloutConditionUnsupported RolloutConditionType = ConditionUnsupportedWarning
	// RolloutConditionWorkloadWithoutPods names the object of workloadRef to which somebody else has given no pods.
	RolloutConditionWorkloadWithoutPods RolloutConditionType = "WorkloadWithoutPods"
)

// RolloutCondition is one aspect of a Rollout's state.
type RolloutCondition struct {
	Type               RolloutConditionType   `json:"type"`
	Status             corev1.ConditionStatus `json:"status"`
	LastUpdateTime     metav1.Time            `json:"lastUpdateTime,omitempty"`
	LastTransitionTime metav1.Time            `json:"lastTransitionTime,omitempty"`
	Reason             string                 `json:"reason"`
	Message            string                 `json:"message"`
}

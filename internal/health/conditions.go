package health

import (
	kstatus "github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// conditionOf reads one of an object's status.conditions.
func conditionOf(object *unstructured.Unstructured, kind string) (value, reason, message string) {
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, c := range conditions {
		m, ok := c.(map[string]any)
		if !ok || m["type"] != kind {
			continue
		}
		value, _ = m["status"].(string)
		reason, _ = m["reason"].(string)
		message, _ = m["message"].(string)
	}
	return value, reason, message
}

func apiService(object *unstructured.Unstructured) *v1alpha1.HealthStatus {
	value, reason, message := conditionOf(object, "Available")
	if value == "True" {
		return healthy("%s", joined(reason, message))
	}
	return progressing("%s", joined(reason, message))
}

func definition(object *unstructured.Unstructured) *v1alpha1.HealthStatus {
	if value, _, message := conditionOf(object, "NamesAccepted"); value == "False" {
		return degraded("%s", message)
	}
	if value, _, _ := conditionOf(object, "Established"); value != "True" {
		return progressing("not served yet")
	}
	return healthy("")
}

// rollout goes by the phase, provided that it is of the object as it is now.
func rollout(object *unstructured.Unstructured) *v1alpha1.HealthStatus {
	phase, _, _ := unstructured.NestedString(object.Object, "status", "phase")
	message, _, _ := unstructured.NestedString(object.Object, "status", "message")
	if seen, ok := observedGeneration(object); !ok || seen < object.GetGeneration() {
		return progressing("the controller has not seen the last change yet")
	}
	switch v1alpha1.RolloutPhase(phase) {
	case v1alpha1.RolloutHealthy:
		return healthy("%s", message)
	case v1alpha1.RolloutPaused:
		return suspended("%s", message)
	case v1alpha1.RolloutDegraded:
		return degraded("%s", message)
	}
	return progressing("%s", message)
}

// observedGeneration reads status.observedGeneration, which Rollouts write as a string.
func observedGeneration(object *unstructured.Unstructured) (int64, bool) {
	raw, ok, _ := unstructured.NestedFieldNoCopy(object.Object, "status", "observedGeneration")
	if !ok {
		return 0, false
	}
	switch v := raw.(type) {
	case int64:
		return v, true
	case float64:
		return int64(v), true
	case string:
		return decimal(v)
	}
	return 0, false
}

func decimal(s string) (int64, bool) {
	var n int64
	for _, r := range s {
		if r < '0' || r > '9' || n > 1<<55 {
			return 0, false
		}
		n = n*10 + int64(r-'0')
	}
	return n, s != ""
}

// analysis serves AnalysisRuns and Experiments, which run to an end.
func analysis(object *unstructured.Unstructured) *v1alpha1.HealthStatus {
	phase, _, _ := unstructured.NestedString(object.Object, "status", "phase")
	message, _, _ := unstructured.NestedString(object.Object, "status", "message")
	switch phase {
	case "Successful":
		return healthy("%s", message)
	case "Failed", "Error":
		return degraded("%s", message)
	case "Inconclusive":
		return unknown(message)
	}
	return progressing("%s", message)
}

// workflow serves the Workflows of Argo, which are made as hooks as Jobs are.
func workflow(object *unstructured.Unstructured) *v1alpha1.HealthStatus {
	phase, _, _ := unstructured.NestedString(object.Object, "status", "phase")
	message, _, _ := unstructured.NestedString(object.Object, "status", "message")
	switch phase {
	case "Succeeded":
		return healthy("%s", message)
	case "Failed", "Error":
		return degraded("%s", message)
	}
	return progressing("%s", message)
}

// tektonRun serves PipelineRuns and TaskRuns: the condition Succeeded is Unknown until they have ended.
func tektonRun(object *unstructured.Unstructured) *v1alpha1.HealthStatus {
	value, reason, message := conditionOf(object, "Succeeded")
	switch value {
	case "True":
		return healthy("%s", message)
	case "False":
		return degraded("%s", joined(reason, message))
	}
	return progressing("%s", joined(reason, message))
}

func application(object *unstructured.Unstructured) *v1alpha1.HealthStatus {
	code, _, _ := unstructured.NestedString(object.Object, "status", "health", "status")
	message, _, _ := unstructured.NestedString(object.Object, "status", "health", "message")
	if code == "" {
		return progressing("not looked at yet")
	}
	return &v1alpha1.HealthStatus{Status: v1alpha1.HealthStatusCode(code), Message: message}
}

func unknown(message string) *v1alpha1.HealthStatus {
	return status(v1alpha1.HealthUnknown, "%s", message)
}

// byConvention serves the kinds that nothing is known of, by the conventions for status: observedGeneration, and the
// conditions Ready, Reconciling and Stalled. An object without a status has no health.
func byConvention(object *unstructured.Unstructured) *v1alpha1.HealthStatus {
	if _, ok := object.Object["status"]; !ok {
		return nil
	}
	result, err := kstatus.Compute(object)
	if err != nil {
		return unknown(err.Error())
	}
	switch result.Status {
	case kstatus.CurrentStatus:
		return healthy("%s", result.Message)
	case kstatus.FailedStatus:
		return degraded("%s", result.Message)
	case kstatus.InProgressStatus, kstatus.TerminatingStatus:
		return progressing("%s", result.Message)
	}
	return unknown(result.Message)
}

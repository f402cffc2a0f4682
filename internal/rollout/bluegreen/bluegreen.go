// Package bluegreen is the strategy that brings the new pods up beside the old ones and switches a Service over.
//
// The way of a version: its ReplicaSet grows to the size of the preview; the gates open; it grows to full size; the
// active Service is switched; the EndpointSlices follow; the version is stable, and after a delay the old pods go.
package bluegreen

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/rollout/gate"
)

// Defaults of the fields that may be left out.
const (
	defaultScaleDownDelay      = 30
	defaultAbortScaleDownDelay = 30
	defaultMaxUnavailable      = "25%"
)

// scaleDownFloor is the shortest time that old pods live on after the EndpointSlices have converged: what kube-proxy
// and other readers of EndpointSlices need to follow them (kube-proxy's own minimum sync period is 1 s). It holds even
// when scaleDownDelaySeconds is 0.
const scaleDownFloor = 2 * time.Second

const field = "spec.strategy.blueGreen"

// Strategy is spec.strategy.blueGreen of a Rollout.
type Strategy struct{ spec v1alpha1.BlueGreenStrategy }

var _ rollout.Strategy = Strategy{}

// New returns the strategy that a spec asks for.
func New(spec v1alpha1.BlueGreenStrategy) Strategy { return Strategy{spec} }

// Settings implements [rollout.Strategy].
func (b Strategy) Settings() rollout.Settings {
	services := []rollout.ServiceRef{{Role: rollout.RoleActive, Field: field + ".activeService", Name: b.spec.ActiveService}}
	if b.spec.PreviewService != "" {
		services = append(services, rollout.ServiceRef{Role: rollout.RolePreview, Field: field + ".previewService", Name: b.spec.PreviewService})
	}
	delay := seconds(ptr.Deref(b.spec.ScaleDownDelaySeconds, defaultScaleDownDelay))
	return rollout.Settings{
		Services:        services,
		ActiveMetadata:  ptr.Deref(b.spec.ActiveMetadata, v1alpha1.PodTemplateMetadata{}),
		PreviewMetadata: ptr.Deref(b.spec.PreviewMetadata, v1alpha1.PodTemplateMetadata{}),
		AntiAffinity:    b.spec.AntiAffinity,
		MaxUnavailable:  ptr.Deref(b.spec.MaxUnavailable, intstr.FromString(defaultMaxUnavailable)),
		ScaleDownDelay:  max(delay, scaleDownFloor),
		StandsBy:        delay > 0,
	}
}

func seconds(n int32) time.Duration { return time.Duration(n) * time.Second }

// previewSize returns how many pods the desired version has before it is promoted.
func (b Strategy) previewSize(s rollout.State) int32 {
	return min(ptr.Deref(b.spec.PreviewReplicaCount, s.Replicas), s.Replicas)
}

func (b Strategy) promotion(s rollout.State) gate.Promotion {
	automatic := ptr.Deref(b.spec.AutoPromotionEnabled, true)
	return gate.Promotion{
		Size:  b.previewSize(s),
		Asked: !automatic || b.spec.AutoPromotionSeconds > 0, Automatic: automatic,
		After: seconds(b.spec.AutoPromotionSeconds),
	}
}

// gates are what a version has to pass before the active Service is switched to it.
func (b Strategy) gates(s rollout.State) gate.Chain {
	return gate.Chain{gate.NotAborted(), gate.NotPaused(), gate.Promoted(b.promotion(s))}
}

// Lint implements [rollout.Strategy].
func (b Strategy) Lint(spec *v1alpha1.RolloutSpec) []*problem.Error {
	var all []*problem.Error
	add := func(when bool, name, cause, remedy string) {
		if when {
			all = append(all, rollout.Invalid(field+"."+name, cause, remedy))
		}
	}
	add(b.spec.ActiveService == "", "activeService", "missing", "name the Service that takes the traffic")
	add(b.spec.ActiveService != "" && b.spec.ActiveService == b.spec.PreviewService, "previewService",
		fmt.Sprintf("Service %s is the activeService", b.spec.ActiveService), "name another Service")
	for _, n := range []rollout.Number{
		{Field: field + ".previewReplicaCount", Value: ptr.Deref(b.spec.PreviewReplicaCount, 0)},
		{Field: field + ".autoPromotionSeconds", Value: b.spec.AutoPromotionSeconds},
		{Field: field + ".scaleDownDelaySeconds", Value: ptr.Deref(b.spec.ScaleDownDelaySeconds, 0)},
		{Field: field + ".scaleDownDelayRevisionLimit", Value: ptr.Deref(b.spec.ScaleDownDelayRevisionLimit, 0)},
		{Field: field + ".abortScaleDownDelaySeconds", Value: ptr.Deref(b.spec.AbortScaleDownDelaySeconds, 0)},
	} {
		all = append(all, n.Problems()...)
	}
	limit, history := ptr.Deref(b.spec.ScaleDownDelayRevisionLimit, 0), rollout.RevisionHistoryLimit(spec)
	add(limit > history, "scaleDownDelayRevisionLimit", fmt.Sprintf("%d is more than revisionHistoryLimit (%d)", limit, history),
		"lower it, or raise revisionHistoryLimit")
	if a := b.spec.AntiAffinity; a != nil {
		preferred, required := a.PreferredDuringSchedulingIgnoredDuringExecution != nil, a.RequiredDuringSchedulingIgnoredDuringExecution != nil
		add(!preferred && !required, "antiAffinity", "empty",
			"give preferredDuringSchedulingIgnoredDuringExecution or requiredDuringSchedulingIgnoredDuringExecution")
		add(preferred && required, "antiAffinity",
			"both preferredDuringSchedulingIgnoredDuringExecution and requiredDuringSchedulingIgnoredDuringExecution are set", "keep one")
	}
	add(b.spec.PrePromotionAnalysis != nil, "prePromotionAnalysis",
		"not served by this version of Cyan", "remove it, or gate by autoPromotionEnabled: false")
	add(b.spec.PostPromotionAnalysis != nil, "postPromotionAnalysis",
		"not served by this version of Cyan", "remove it")
	return all
}

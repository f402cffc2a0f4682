package rollout

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
)

// scrapeTimeout bounds the time that a scrape may take; Rollouts are listed from the cache.
const scrapeTimeout = 5 * time.Second

// metrics counts what the controller does, and describes each Rollout when it is scraped.
type metrics struct {
	reader client.Reader
	// instance is the id of the controller, which describes no Rollouts of others.
	instance string

	durations *prometheus.HistogramVec
	errors    *prometheus.CounterVec
	events    *prometheus.CounterVec
	rollouts  *prometheus.HistogramVec
}

var (
	byRollout = []string{"namespace", "name"}

	infoDesc        = prometheus.NewDesc("rollout_info", "A Rollout: 1, with its strategy and phase.", []string{"namespace", "name", "strategy", "phase"}, nil)
	phaseDesc       = prometheus.NewDesc("rollout_phase", "1 for the phase that a Rollout is in, 0 for the others.", []string{"namespace", "name", "strategy", "phase"}, nil)
	availableDesc   = prometheus.NewDesc("rollout_info_replicas_available", "Available pods of a Rollout.", byRollout, nil)
	unavailableDesc = prometheus.NewDesc("rollout_info_replicas_unavailable", "Pods of a Rollout that are not available.", byRollout, nil)
	desiredDesc     = prometheus.NewDesc("rollout_info_replicas_desired", "Pods that a Rollout should have.", byRollout, nil)
	updatedDesc     = prometheus.NewDesc("rollout_info_replicas_updated", "Pods of the newest version of a Rollout.", byRollout, nil)
)

func newMetrics(reader client.Reader, instance string) *metrics {
	return &metrics{
		reader: reader, instance: instance,
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "rollout_reconcile", Help: "Seconds that a decision about a Rollout took, with its writes.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 12)}, byRollout),
		errors:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rollout_reconcile_error", Help: "Decisions about a Rollout that could not be carried out."}, byRollout),
		events:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rollout_events_total", Help: "Events about a Rollout."}, []string{"namespace", "name", "type", "reason"}),
		rollouts:  prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "rollout_duration_seconds", Help: "Seconds from a new version to its having all the traffic.", Buckets: prometheus.ExponentialBuckets(1, 2, 14)}, byRollout),
	}
}

func (m *metrics) reconciled(namespace, name string, took time.Duration, err error) {
	m.durations.WithLabelValues(namespace, name).Observe(took.Seconds())
	if err != nil {
		m.errors.WithLabelValues(namespace, name).Inc()
	}
}

func (m *metrics) recorded(namespace, name string, e rollout.Event) {
	m.events.WithLabelValues(namespace, name, e.Type, e.Reason).Inc()
}

// finished notes how long a version took from its ReplicaSet to all the traffic.
func (m *metrics) finished(namespace, name string, took time.Duration) {
	m.rollouts.WithLabelValues(namespace, name).Observe(took.Seconds())
}

// forget drops the series of a Rollout that is gone.
func (m *metrics) forget(namespace, name string) {
	labels := prometheus.Labels{"namespace": namespace, "name": name}
	m.durations.DeletePartialMatch(labels)
	m.errors.DeletePartialMatch(labels)
	m.events.DeletePartialMatch(labels)
	m.rollouts.DeletePartialMatch(labels)
}

func (m *metrics) vectors() []prometheus.Collector {
	return []prometheus.Collector{m.durations, m.errors, m.events, m.rollouts}
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(to chan<- *prometheus.Desc) {
	for _, v := range m.vectors() {
		v.Describe(to)
	}
	for _, d := range []*prometheus.Desc{infoDesc, phaseDesc, availableDesc, unavailableDesc, desiredDesc, updatedDesc} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(to chan<- prometheus.Metric) {
	for _, v := range m.vectors() {
		v.Collect(to)
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	list := &v1alpha1.RolloutList{}
	if err := m.reader.List(ctx, list); err != nil {
		to <- prometheus.NewInvalidMetric(infoDesc, err)
		return
	}
	for i := range list.Items {
		if isOfInstance(&list.Items[i], m.instance) {
			describe(&list.Items[i], to)
		}
	}
}

func describe(ro *v1alpha1.Rollout, to chan<- prometheus.Metric) {
	strategy := "none"
	if ro.Spec.Strategy.Type() == v1alpha1.StrategyBlueGreen {
		strategy = "blueGreen"
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, append([]string{ro.Namespace, ro.Name}, labels...)...)
	}
	gauge(infoDesc, 1, strategy, string(ro.Status.Phase))
	for _, phase := range []v1alpha1.RolloutPhase{v1alpha1.RolloutHealthy, v1alpha1.RolloutProgressing, v1alpha1.RolloutPaused, v1alpha1.RolloutDegraded} {
		in := 0.0
		if ro.Status.Phase == phase {
			in = 1
		}
		gauge(phaseDesc, in, strategy, string(phase))
	}
	gauge(availableDesc, float64(ro.Status.AvailableReplicas))
	gauge(unavailableDesc, float64(max(0, ro.Status.Replicas-ro.Status.AvailableReplicas)))
	gauge(desiredDesc, float64(rollout.Replicas(ro)))
	gauge(updatedDesc, float64(ro.Status.UpdatedReplicas))
}

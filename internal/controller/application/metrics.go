package application

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/source"
)

// meters are the metrics of Applications, under the names that existing dashboards ask for.
type meters struct {
	syncs      *prometheus.CounterVec
	reconciles *prometheus.HistogramVec
	// seconds are those that syncs took.
	seconds *prometheus.CounterVec
	renders *prometheus.CounterVec
}

func newMeters() *meters {
	return &meters{
		syncs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "argocd_app_sync_total", Help: "Number of application syncs.",
		}, []string{"namespace", "name", "project", "dest_server", "phase", "dry_run"}),
		reconciles: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "argocd_app_reconcile", Help: "Application reconciliation performance in seconds.",
			Buckets: []float64{0.005, 0.02, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16},
		}, []string{"namespace", "dest_server"}),
		seconds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "argocd_app_sync_duration_seconds_total", Help: "Application sync performance in seconds total.",
		}, []string{"namespace", "name", "project", "dest_server"}),
		renders: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cyan_renders_total", Help: "Renderings of sources that were made, by outcome: equal inputs are rendered once.",
		}, []string{"outcome"}),
	}
}

// register adds the metrics to a registry. Those of a controller that ran before in the same process are replaced by
// nothing: the first ones go on counting.
func (m *meters) register(registry prometheus.Registerer, more ...prometheus.Collector) error {
	for _, c := range append([]prometheus.Collector{m.syncs, m.reconciles, m.seconds, m.renders}, more...) {
		err := registry.Register(c)
		var twice prometheus.AlreadyRegisteredError
		if err != nil && !errors.As(err, &twice) {
			return err
		}
	}
	return nil
}

func (m *meters) finished(app *v1alpha1.Application, phase v1alpha1.OperationPhase, dryRun string) {
	m.syncs.WithLabelValues(app.Namespace, app.Name, app.Spec.Project, app.Spec.Destination.Server, string(phase), dryRun).Inc()
}

func (m *meters) rendered(outcome string) { m.renders.WithLabelValues(outcome).Inc() }

func (m *meters) reconciled(app *v1alpha1.Application, took time.Duration) {
	m.reconciles.WithLabelValues(app.Namespace, app.Spec.Destination.Server).Observe(took.Seconds())
}

var infoDescription = prometheus.NewDesc("argocd_app_info", "Information about application.",
	[]string{"namespace", "name", "project", "autosync_enabled", "repo", "dest_server", "dest_namespace", "sync_status", "health_status", "operation"}, nil)

// infoCollector exports every Application as it is at the moment of the scrape.
type infoCollector struct {
	reader  client.Reader
	orphans orphanLooks
	labels  MetricLabels
}

// Describe implements prometheus.Collector.
func (c infoCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- infoDescription
	ch <- conditionDescription
	ch <- orphansDescription
	if c.labels.description != nil {
		ch <- c.labels.description
	}
}

var (
	conditionDescription = prometheus.NewDesc("argocd_app_condition", "Report application conditions.", []string{"namespace", "name", "project", "condition"}, nil)
	orphansDescription   = prometheus.NewDesc("argocd_app_orphaned_resources_count", "Number of orphaned resources per application.", []string{"namespace", "name", "project"}, nil)
)

// MetricLabels are the labels of Applications that become labels of a metric. The zero value is none.
type MetricLabels struct {
	keys        []string
	description *prometheus.Desc
}

// notInLabels is what the name of a metric's label has no place for.
var notInLabels = regexp.MustCompile(`[^a-zA-Z0-9_]`)

// NewMetricLabels returns labels by their keys. Two that would have the same name are an error.
func NewMetricLabels(keys []string) (MetricLabels, error) {
	if len(keys) == 0 {
		return MetricLabels{}, nil
	}
	names := []string{"namespace", "name", "project"}
	for _, key := range keys {
		name := "label_" + notInLabels.ReplaceAllString(key, "_")
		if key == "" || slices.Contains(names, name) {
			return MetricLabels{}, fmt.Errorf("label %q is empty, or has the name %s as another one has", key, name)
		}
		names = append(names, name)
	}
	return MetricLabels{slices.Clone(keys), prometheus.NewDesc("argocd_app_labels", "Argo Application labels converted to Prometheus labels.", names, nil)}, nil
}

// of returns the metric of an Application's labels.
func (l MetricLabels) of(app *v1alpha1.Application) prometheus.Metric {
	values := []string{app.Namespace, app.Name, app.Spec.Project}
	for _, key := range l.keys {
		values = append(values, app.Labels[key])
	}
	return prometheus.MustNewConstMetric(l.description, prometheus.GaugeValue, 1, values...)
}

// conditions counts the conditions of an Application by type.
func conditions(app *v1alpha1.Application) []prometheus.Metric {
	count := map[string]int{}
	for _, c := range app.Status.Conditions {
		count[c.Type]++
	}
	var all []prometheus.Metric
	for kind, n := range count {
		all = append(all, prometheus.MustNewConstMetric(conditionDescription, prometheus.GaugeValue, float64(n), app.Namespace, app.Name, app.Spec.Project, kind))
	}
	return all
}

// scrapeTimeout bounds a scrape, which reads from a cache.
const scrapeTimeout = 5 * time.Second

// Collect implements prometheus.Collector.
func (c infoCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	var apps v1alpha1.ApplicationList
	if err := c.reader.List(ctx, &apps); err != nil {
		return
	}
	for i := range apps.Items {
		app := &apps.Items[i]
		ch <- info(app)
		for _, of := range conditions(app) {
			ch <- of
		}
		if n, known := c.orphans.count(client.ObjectKeyFromObject(app)); known {
			ch <- prometheus.MustNewConstMetric(orphansDescription, prometheus.GaugeValue, float64(n), app.Namespace, app.Name, app.Spec.Project)
		}
		if c.labels.description != nil {
			ch <- c.labels.of(app)
		}
	}
}

func info(app *v1alpha1.Application) prometheus.Metric {
	automated, repo, doing := "false", "", ""
	if app.Spec.IsAutomated() {
		automated = "true"
	}
	if sources := app.Spec.GetSources(); len(sources) > 0 {
		repo = source.Repository{URL: sources[0].RepoURL}.String()
	}
	switch {
	case app.DeletionTimestamp != nil:
		doing = "delete"
	case app.Operation != nil:
		doing = "sync"
	}
	or := func(s string) string {
		if s == "" {
			return "Unknown"
		}
		return s
	}
	return prometheus.MustNewConstMetric(infoDescription, prometheus.GaugeValue, 1, app.Namespace, app.Name, app.Spec.Project, automated, repo,
		app.Spec.Destination.Server, app.Spec.Destination.Namespace, or(string(app.Status.Sync.Status)), or(string(app.Status.Health.Status)), doing)
}

// count notes a finished operation.
func (m *meters) count(before, after *v1alpha1.Application) {
	if before.Operation == nil || after.Operation != nil || after.Status.OperationState == nil {
		return
	}
	dryRun := "false"
	if before.Operation.Sync != nil && before.Operation.Sync.DryRun {
		dryRun = "true"
	}
	m.finished(before, after.Status.OperationState.Phase, dryRun)
	if state := after.Status.OperationState; state.FinishedAt != nil {
		took := max(0, state.FinishedAt.Sub(state.StartedAt.Time).Seconds())
		m.seconds.WithLabelValues(before.Namespace, before.Name, before.Spec.Project, before.Spec.Destination.Server).Add(took)
	}
}

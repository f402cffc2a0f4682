package application

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cd/cyan/internal/live"
)

var (
	clusterDescription    = prometheus.NewDesc("argocd_cluster_info", "Information about cluster.", []string{"server", "name"}, nil)
	connectionDescription = prometheus.NewDesc("argocd_cluster_connection_status", "The cluster's current connection status: 1 while it answers.", []string{"server"}, nil)
	kindsDescription      = prometheus.NewDesc("argocd_cluster_api_resources", "Number of kinds of the cluster that are watched.", []string{"server"}, nil)
	objectsDescription    = prometheus.NewDesc("argocd_cluster_api_resource_objects", "Number of objects of the cluster that are known.", []string{"server"}, nil)
	eventsDescription     = prometheus.NewDesc("argocd_cluster_events_total", "Number of events that watches of the cluster have brought.", []string{"server", "group", "kind"}, nil)
)

// clusterCollector exports every registered cluster as it is at the moment of the scrape.
type clusterCollector struct{ states func() []live.State }

// Describe implements prometheus.Collector.
func (clusterCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{clusterDescription, connectionDescription, kindsDescription, objectsDescription, eventsDescription} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c clusterCollector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for _, s := range c.states() {
		gauge(clusterDescription, 1, s.Server, s.Name)
		if !s.Used {
			continue
		}
		answers := 1.0
		if s.Away {
			answers = 0
		}
		gauge(connectionDescription, answers, s.Server)
		gauge(kindsDescription, float64(s.Kinds), s.Server)
		gauge(objectsDescription, float64(s.Objects), s.Server)
		for _, e := range s.Events {
			ch <- prometheus.MustNewConstMetric(eventsDescription, prometheus.CounterValue, float64(e.Count), s.Server, e.Kind.Group, e.Kind.Kind)
		}
	}
}

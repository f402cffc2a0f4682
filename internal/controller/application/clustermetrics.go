package application

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cd/cyan/internal/live"
)

var (
	clusterDescription    = prometheus.NewDesc("argocd_cluster_info", "Information about cluster.", []string{"server", "name"}, nil)
	connectionDescription = prometheus.NewDesc("argocd_cluster_connection_status", "The cluster's current connection status: 1 while it answers.", []string{"server"}, nil)
)

// clusterCollector exports every registered cluster as it is at the moment of the scrape.
type clusterCollector struct{ states func() []live.State }

// Describe implements prometheus.Collector.
func (clusterCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- clusterDescription
	ch <- connectionDescription
}

// Collect implements prometheus.Collector.
func (c clusterCollector) Collect(ch chan<- prometheus.Metric) {
	for _, s := range c.states() {
		ch <- prometheus.MustNewConstMetric(clusterDescription, prometheus.GaugeValue, 1, s.Server, s.Name)
		if !s.Used {
			continue
		}
		answers := 1.0
		if s.Away {
			answers = 0
		}
		ch <- prometheus.MustNewConstMetric(connectionDescription, prometheus.GaugeValue, answers, s.Server)
	}
}

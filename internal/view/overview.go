package view

import (
	"cmp"
	"slices"
)

// mostAttention bounds the rows that an overview has.
const mostAttention = 200

// Overview is how everything is.
type Overview struct {
	Deliveries []Delivery   `json:"deliveries" doc:"those that go on, and the last ones that have ended"`
	Attention  []Row        `json:"attention" doc:"the Applications that need somebody, the worst first; a bounded number"`
	Counts     Counts       `json:"counts"`
	Total      int          `json:"total"`
	Cluster    Reachability `json:"cluster"`
}

// Counts are numbers of Applications.
type Counts struct {
	Sync      map[string]int `json:"sync"`
	Health    map[string]int `json:"health"`
	Attention int            `json:"attention"`
}

// Reachability is whether the cluster answers.
type Reachability struct {
	Reachable bool   `json:"reachable"`
	Since     string `json:"since,omitempty" format:"date-time"`
	Message   string `json:"message,omitempty"`
}

// urgency orders reasons, the most urgent first.
var urgency = []Reason{ReasonFailed, ReasonInvalidSpec, ReasonDegraded, ReasonAwaitingPromotion, ReasonStuck, ReasonUnreachable, ReasonPaused}

// OverviewOf counts rows, and chooses those that need somebody: by urgency, the newest first.
func OverviewOf(rows []Row, deliveries []Delivery, cluster Reachability) Overview {
	o := Overview{Deliveries: deliveries, Attention: []Row{}, Counts: Counts{Sync: map[string]int{}, Health: map[string]int{}}, Total: len(rows), Cluster: cluster}
	if o.Deliveries == nil {
		o.Deliveries = []Delivery{}
	}
	for i := range rows {
		o.Counts.Sync[string(rows[i].Sync)]++
		o.Counts.Health[string(rows[i].Health)]++
		if rows[i].Attention != nil {
			o.Attention = append(o.Attention, rows[i])
		}
	}
	slices.SortFunc(o.Attention, func(a, b Row) int {
		return cmp.Or(
			cmp.Compare(slices.Index(urgency, a.Attention.Reason), slices.Index(urgency, b.Attention.Reason)),
			cmp.Compare(b.Attention.Since, a.Attention.Since), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Namespace, b.Namespace))
	})
	o.Counts.Attention = len(o.Attention)
	o.Attention = o.Attention[:min(len(o.Attention), mostAttention)]
	return o
}

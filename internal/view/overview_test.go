package view

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
)

// An overview counts all, and shows what is most urgent first.
func TestOverview(t *testing.T) {
	row := func(name string, reason Reason, since string) Row {
		return Row{Name: name, Sync: "Synced", Health: "Healthy", Attention: &Attention{Reason: reason, Since: since}}
	}
	rows := append(shelf()[:1], row("paused", ReasonPaused, "3"), row("older", ReasonFailed, "1"), row("newer", ReasonFailed, "2"), row("also", ReasonFailed, "2"), row("awaits", ReasonAwaitingPromotion, "9"))
	o := OverviewOf(rows, nil, Reachability{Reachable: true})
	if got := names(o.Attention); got != "/also /newer /older /awaits /paused" {
		t.Errorf("got %s", got)
	}
	if o.Total != 6 || o.Counts.Sync["Synced"] != 6 || o.Counts.Health["Healthy"] != 6 || o.Counts.Attention != 5 || o.Deliveries == nil || !o.Cluster.Reachable {
		t.Errorf("got %+v", o)
	}
	o = OverviewOf(slices.Repeat([]Row{row("x", ReasonFailed, "")}, mostAttention+1), []Delivery{{ID: "1"}}, Reachability{})
	if len(o.Attention) != mostAttention || o.Counts.Attention != mostAttention+1 || len(o.Deliveries) != 1 {
		t.Errorf("got %d of %d", len(o.Attention), o.Counts.Attention)
	}
}

// What needs somebody stands in the order in which it is urgent, whatever order it comes in.
func TestUrgency(t *testing.T) {
	want := []Reason{ReasonFailed, ReasonInvalidSpec, ReasonDegraded, ReasonAwaitingPromotion, ReasonStuck, ReasonUnreachable, ReasonPaused}
	for turn := range want {
		var rows []Row
		for i, reason := range slices.Concat(want[turn:], want[:turn]) {
			// The later ones are newer, and come first by name: neither counts before the reason.
			rows = append(rows, Row{Name: string(rune('z' - i)), Attention: &Attention{Reason: reason, Since: fmt.Sprint(i)}})
		}
		var got []Reason
		for _, r := range OverviewOf(rows, nil, Reachability{}).Attention {
			got = append(got, r.Attention.Reason)
		}
		if !slices.Equal(got, want) {
			t.Errorf("from %s on: got %v, want %v", want[turn], got, want)
		}
	}
}

// Of what is as urgent, the newest comes first; of what came at the same time, by name, and then by namespace.
func TestOverviewOrder(t *testing.T) {
	row := func(namespace, name, since string) Row {
		return Row{Namespace: namespace, Name: name, Attention: &Attention{Reason: ReasonFailed, Since: since}}
	}
	o := OverviewOf([]Row{row("b", "web", "1"), row("a", "web", "1"), row("z", "api", "1"), row("z", "zoo", "2"), {Namespace: "z", Name: "fine"}}, nil, Reachability{})
	if got := names(o.Attention); got != "z/zoo z/api a/web b/web" || o.Total != 5 || o.Counts.Attention != 4 {
		t.Errorf("got %s, %d of %d", got, o.Counts.Attention, o.Total)
	}
}

// An overview counts by what Applications are, what needs nobody as well, and has lists where there is nothing.
func TestOverviewCounts(t *testing.T) {
	o := OverviewOf(shelf(), nil, Reachability{Message: "away"})
	if want := (Counts{Sync: map[string]int{"Synced": 1, "OutOfSync": 1, "Unknown": 1}, Health: map[string]int{"Healthy": 1, "Degraded": 1, "Missing": 1}, Attention: 1}); !reflect.DeepEqual(o.Counts, want) {
		t.Errorf("got %+v, want %+v", o.Counts, want)
	}
	if o.Cluster.Message != "away" {
		t.Errorf("the cluster is %+v", o.Cluster)
	}
	none := OverviewOf(nil, nil, Reachability{})
	if none.Attention == nil || none.Deliveries == nil || none.Counts.Sync == nil || none.Counts.Health == nil || none.Total != 0 {
		t.Errorf("of nothing: %+v", none)
	}
	if full := OverviewOf(slices.Repeat([]Row{{Attention: &Attention{}}}, mostAttention), nil, Reachability{}); len(full.Attention) != mostAttention || full.Counts.Attention != mostAttention {
		t.Errorf("as many as are shown: %d of %d", len(full.Attention), full.Counts.Attention)
	}
}

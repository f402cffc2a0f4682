package routing

import (
	"cmp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// order is what decides between routes that match the same requests.
type order struct {
	created metav1.Time
	// index is the place in the object.
	index int
	// call is how specific a call of gRPC is.
	call callOrder
}

// sortRoutes puts routes in the order in which they are tried: the more specific host, then the longer service and
// method of gRPC, the exact path, the longer path, a method, more headers, more parameters; then the older object,
// its name, and the place in it.
func sortRoutes(routes []Route) {
	slices.SortStableFunc(routes, func(a, b Route) int {
		return cmp.Or(
			compareHosts(a.Host, b.Host),
			compareCalls(a.order.call, b.order.call),
			-compareBool(a.Match.Path.Kind == Exact, b.Match.Path.Kind == Exact),
			-cmp.Compare(pathLength(a.Match.Path), pathLength(b.Match.Path)),
			-compareBool(a.Match.Method != "", b.Match.Method != ""),
			-cmp.Compare(len(a.Match.Headers), len(b.Match.Headers)),
			-cmp.Compare(len(a.Match.Query), len(b.Match.Query)),
			a.order.created.Compare(b.order.created.Time),
			strings.Compare(a.Source.String(), b.Source.String()),
			cmp.Compare(a.order.index, b.order.index),
		)
	})
}

// pathLength is how much of a path is given. A slash at the end of a prefix gives nothing more.
func pathLength(m PathMatch) int {
	if m.Kind == Prefix {
		return len(strings.TrimSuffix(m.Value, "/"))
	}
	return len(m.Value)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

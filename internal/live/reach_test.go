package live_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/problem"
)

// A cluster that does not answer is a problem that passes by itself, whatever is asked of it, the first time and while
// it counts as away.
func TestAnUnreachableClusterIsTemporary(t *testing.T) {
	registry := live.NewRegistry(t.Context(), &rest.Config{Host: "https://127.0.0.1:1"}, slog.New(slog.DiscardHandler), func(string) {})
	cluster, err := registry.For(v1alpha1.ApplicationDestination{Name: v1alpha1.InClusterName})
	if err != nil {
		t.Fatal(err)
	}
	_, first := cluster.Kinds(t.Context(), nil)
	_, snapshot := cluster.Snapshot(t.Context(), live.Wanted{Instance: "shop"})
	_, definitions := cluster.Definitions(t.Context(), nil)
	for asked, err := range map[string]error{"first": first, "snapshot": snapshot, "definitions": definitions, "away": cluster.Away()} {
		if problem.ExitCode(err) != 11 || !problem.IsTemporary(err) || !errors.Is(err, live.ErrUnreachable) {
			t.Errorf("%s: got %v with exit code %d, want an unreachable cluster with 11", asked, err, problem.ExitCode(err))
		}
		want := "cluster in-cluster (https://kubernetes.default.svc): cannot be reached: "
		if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), "; check that its API server runs, and what extends that") {
			t.Errorf("%s: got %v, want %q…", asked, err, want)
		}
	}
}

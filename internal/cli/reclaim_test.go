package cli_test

import (
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"

	"github.com/cyan-cd/cyan/internal/handover"
)

// TestReclaim: whoever takes the objects back is named to who had them, and nobody is taken anything from twice.
func TestReclaim(t *testing.T) {
	s := newShell(t)
	defer s.forget("handed")
	s.run("cyan", "app", "create", "handed", "--repo", "https://git.example/shop", "--path", "k8s", "--dest-namespace", "default", "--validate=false")
	lease, err := handover.Take(nil, "argocd", "handed", "ann@laptop", 0, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cluster.Client.Create(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.cluster.Client.Delete(t.Context(), lease); err != nil {
			t.Error(err)
		}
	}()
	s.says([]string{"cyan", "app", "reclaim", "handed"}, "application 'handed' taken back from ann@laptop")
	got := &coordinationv1.Lease{}
	s.get(got, "argocd", lease.Name)
	if *got.Spec.HolderIdentity != "" || got.Annotations[handover.ReclaimedAnnotation] == "" {
		t.Errorf("got holder %q, annotations %v; want nobody, and who took it back", *got.Spec.HolderIdentity, got.Annotations)
	}
	if o := s.ends("cyan", "app", "reclaim", "handed"); o.code != 13 || o.stderr != "Error: Application \"handed\": handed over to nobody; `cyan app get handed` shows how it stands\n" {
		t.Errorf("again: got %+v", o)
	}
}

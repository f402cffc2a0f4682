package devloop

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/internal/testkit"
)

// Whoever deploys once, and stays for logs, ends when another loop has the namespace by now, whether or not there is
// anything left to apply.
func TestADeploymentThatIsReplaced(t *testing.T) {
	f, o := prepareTrial(t)
	o.Namespace = testkit.Cluster(t).Namespace(t)
	ended := make(chan error, 1)
	go func() {
		ended <- Deploy(t.Context(), o, Once{Images: map[string]string{"app": "registry.example/app@" + digestOf("first")}, Unchecked: true, Stays: true})
	}()
	f.await(Deployed, 1)
	laptop := newMachine(t, "laptop", o.Namespace)
	leases := laptop.clients.CoordinationV1().Leases(o.Namespace)
	all, err := leases.List(t.Context(), metav1.ListOptions{})
	if err != nil || len(all.Items) != 1 {
		t.Fatalf("got %d Leases, %v; want that of the deployment", len(all.Items), err)
	}
	holder := laptop.claim(2).holder
	all.Items[0].Spec.HolderIdentity = &holder
	if _, err := leases.Update(t.Context(), &all.Items[0], metav1.UpdateOptions{FieldManager: leaseManager}); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !refusedBy(err, holder) {
		t.Errorf("ended with %v; want that %s works there", err, holder)
	}
	if lease, err := leases.Get(t.Context(), all.Items[0].Name, metav1.GetOptions{}); err != nil || *lease.Spec.HolderIdentity != holder {
		t.Errorf("%v; want the Lease of the other one left", err)
	}
}

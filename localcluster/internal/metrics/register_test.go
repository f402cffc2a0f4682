package metrics

import (
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	core "k8s.io/client-go/testing"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset/fake"
)

// A cluster that starts again names its metrics API anew, though the API server writes that one's status meanwhile.
func TestTheStatusOfTheMetricsAPIIsWrittenMeanwhile(t *testing.T) {
	for name, to := range map[string]string{"ours": service, "somebody else's": "metrics-server"} {
		t.Run(name, func(t *testing.T) {
			registered := &apiregistrationv1.APIService{ObjectMeta: metav1.ObjectMeta{Name: apiService}}
			registered.Spec.Service = &apiregistrationv1.ServiceReference{Namespace: metav1.NamespaceSystem, Name: to}
			client := fake.NewSimpleClientset(registered)
			conflicts := 2
			client.PrependReactor("update", "apiservices", func(core.Action) (bool, runtime.Object, error) {
				conflicts--
				return conflicts >= 0, nil, apierrors.NewConflict(schema.GroupResource{Resource: "apiservices"}, apiService, nil)
			})
			services := client.ApiregistrationV1().APIServices()
			ours, err := ensureAPIService(t.Context(), services, Backend{Port: 4443})
			if err != nil || ours != (to == service) {
				t.Fatalf("got %v, %v", ours, err)
			}
			after, err := services.Get(t.Context(), apiService, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if written := after.Spec.Service.Port != nil && *after.Spec.Service.Port == 4443; written != ours {
				t.Errorf("service %+v, want it written: %v", after.Spec.Service, ours)
			}
		})
	}
}

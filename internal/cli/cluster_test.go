package cli_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// TestClusterIsTried: what is kept of a cluster has opened it before, and who adds it hears what it does not open.
func TestClusterIsTried(t *testing.T) {
	s := newShell(t)
	config, err := clientcmd.LoadFromFile(s.cluster.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	name := config.CurrentContext
	here := config.Clusters[config.Contexts[name].Cluster].Server
	account := func(name string) {
		o := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"}}
		if err := s.cluster.Client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.cluster.Client.Delete(context.Background(), o); err != nil {
				t.Error(err)
			}
		})
	}
	account("without-rights")
	account("forgotten")
	// A token of a key by which the cluster signs no more.
	stale := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "forgotten-long-lived-token", Namespace: "default", Annotations: map[string]string{corev1.ServiceAccountNameKey: "forgotten"}},
		Type:       corev1.SecretTypeServiceAccountToken, Data: map[string][]byte{corev1.ServiceAccountTokenKey: []byte("stale")},
	}
	if err := s.cluster.Client.Create(t.Context(), stale); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cluster.Client.Delete(context.Background(), stale) })

	stranger := httptest.NewTLSServer(http.NotFoundHandler())
	defer stranger.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nothing := "https://" + free.Addr().String()
	free.Close()
	fill := strings.NewReplacer("$HERE", here, "$STRANGER", stranger.URL, "$NOTHING", nothing, "$ADDRESS", strings.TrimPrefix(nothing, "https://"), "$NAME", name)
	limited := "note: cluster \"far\": service account default/without-rights may not do everything in %s; bind a role to it that has what is deployed there\n"
	for _, c := range []struct {
		flags string
		want  outcome
	}{
		{"--yes", outcome{0, "cluster '$HERE' added as 'far'\n", ""}},
		{"--yes --namespace default", outcome{0, "cluster '$HERE' added as 'far'\n", ""}},
		{"--yes --in-cluster", outcome{0, "cluster 'https://kubernetes.default.svc' added as 'far'\n", ""}},
		{"--service-account without-rights --system-namespace default", outcome{0, "cluster '$HERE' added as 'far'\n", strings.ReplaceAll(limited, "%s", "all namespaces")}},
		{"--service-account without-rights --system-namespace default --namespace shop", outcome{0, "cluster '$HERE' added as 'far'\n", strings.ReplaceAll(limited, "%s", "namespace shop")}},
		{"--service-account forgotten --system-namespace default", outcome{20, "",
			"Error: cluster \"far\": $HERE does not accept the token of service account default/forgotten; delete Secret default/forgotten-long-lived-token there, then add the cluster again\n"}},
		{"--yes --cluster-endpoint $NOTHING", outcome{0, "cluster '$NOTHING' added as 'far'\n",
			"note: cluster \"far\": $NOTHING does not answer here: dial tcp $ADDRESS: connect: connection refused; it has to where `cyan server` runs\n"}},
		{"--yes --cluster-endpoint $STRANGER", outcome{20, "",
			"Error: cluster \"far\": $STRANGER: x509: certificate signed by unknown authority; give a --cluster-endpoint that its certificate names, and certificate-authority-data in the kubeconfig that has signed it\n"}},
		{"--yes --proxy-url nonsense", outcome{2, "",
			"Error: cluster \"far\": proxyUrl is invalid; it takes a URL of a scheme of http, https, socks5, socks5h\n"}},
		{"--exec-command aws", outcome{0, "cluster '$HERE' added as 'far'\n", "note: cluster \"far\": not tried, since `cyan server` alone runs the program aws\n"}},
	} {
		line := append([]string{"argocd", "cluster", "add", name, "--name", "far"}, strings.Fields(fill.Replace(c.flags))...)
		want := outcome{c.want.code, fill.Replace(c.want.stdout), fill.Replace(c.want.stderr)}
		if got := s.ends(line...); got != want {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.flags, got, want)
		}
		if kept := s.secrets(v1alpha1.SecretTypeCluster); (len(kept) > 0) != (c.want.code == 0) {
			t.Errorf("%s: %d clusters are registered", c.flags, len(kept))
		}
		if err := s.cluster.Client.DeleteAllOf(t.Context(), &corev1.Secret{}, client.InNamespace("argocd"), client.MatchingLabels{v1alpha1.SecretTypeLabel: v1alpha1.SecretTypeCluster}); err != nil {
			t.Fatal(err)
		}
	}
}

package live_test

import (
	"log/slog"
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cluster"
	"github.com/cyan-cd/cyan/internal/live"
)

// A cluster whose Secret names a program that is not allowed is not reached by any of its names, and the error is
// that of the Secret.
func TestRefusedClusters(t *testing.T) {
	registry := live.NewRegistry(t.Context(), &rest.Config{Host: "https://home.example"}, slog.New(slog.DiscardHandler), func(string) {})
	registry.Programs = cluster.Programs{Allowed: []string{"aws"}, Remedy: "allow it"}
	secret := func(name, server, command string) *corev1.Secret {
		config := `{"execProviderConfig":{"command":"` + command + `","apiVersion":"client.authentication.k8s.io/v1"}}`
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: name, ResourceVersion: command}, Data: map[string][]byte{
			"name": []byte(name), "server": []byte(server), "config": []byte(config),
		}}
	}
	for _, c := range []struct {
		name    string
		secret  *corev1.Secret
		to      v1alpha1.ApplicationDestination
		refused string
	}{
		{"allowed", secret("far", "https://far.example", "aws"), v1alpha1.ApplicationDestination{Server: "https://far.example"}, ""},
		{"by server", secret("far", "https://far.example", "sh"), v1alpha1.ApplicationDestination{Server: "https://far.example/"}, `Secret argocd/far: execProviderConfig command "sh" not allowed; allow it`},
		{"by name", secret("far", "https://far.example", "sh"), v1alpha1.ApplicationDestination{Name: "far"}, `command "sh" not allowed`},
		{"another cluster", secret("far", "https://far.example", "sh"), v1alpha1.ApplicationDestination{Name: v1alpha1.InClusterName}, ""},
		{"the control plane's own, by server", secret("home", v1alpha1.InClusterServer, "sh"), v1alpha1.ApplicationDestination{Server: v1alpha1.InClusterServer}, `command "sh" not allowed`},
		{"the control plane's own, by name", secret("home", v1alpha1.InClusterServer, "sh"), v1alpha1.ApplicationDestination{Name: v1alpha1.InClusterName}, `command "sh" not allowed`},
		{"allowed again", secret("home", v1alpha1.InClusterServer, "aws"), v1alpha1.ApplicationDestination{Name: "home"}, ""},
	} {
		registry.Update([]*corev1.Secret{c.secret})
		_, err := registry.For(c.to)
		if c.refused == "" && err != nil || c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.refused)
		}
	}
}

// How registered clusters fare: what nobody uses is not known, and what can't be used is away.
func TestStates(t *testing.T) {
	registry := live.NewRegistry(t.Context(), &rest.Config{Host: "https://127.0.0.1:1"}, slog.New(slog.DiscardHandler), func(string) {})
	secret := func(name, config string, annotations map[string]string) *corev1.Secret {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: name, Annotations: annotations}, Data: map[string][]byte{
			"name": []byte(name), "server": []byte("https://" + name), "config": []byte(config),
		}}
	}
	registry.Update([]*corev1.Secret{
		secret("broken", `{"awsAuthConfig":{"clusterName":"x"}}`, nil), secret("skipped", "{}", map[string]string{v1alpha1.SkipReconcileAnnotation: "true"}), secret("unused", "{}", nil), secret("used", "{}", nil),
	})
	if _, err := registry.For(v1alpha1.ApplicationDestination{Name: "used"}); err != nil {
		t.Fatal(err)
	}
	want := []live.State{
		{Server: "https://broken", Name: "broken", Used: true, Away: true}, {Server: v1alpha1.InClusterServer, Name: v1alpha1.InClusterName},
		{Server: "https://unused", Name: "unused"}, {Server: "https://used", Name: "used", Used: true},
	}
	if got := registry.States(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

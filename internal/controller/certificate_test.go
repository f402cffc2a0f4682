package controller

import (
	"bytes"
	"crypto/tls"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/server"
	"github.com/cyan-cd/cyan/internal/testkit"
)

func TestTheCertificateOfTheControlNamespace(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	made := func(at time.Time) server.KeyPair {
		pair, err := server.SelfMade([]string{"localhost"}, at)
		if err != nil {
			t.Fatal(err)
		}
		return pair
	}
	secret := func(name string, pair server.KeyPair) client.Object {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: name}, Data: map[string][]byte{certificateKey: pair.Certificate, privateKeyKey: pair.Key, "admin.password": []byte("hash")}}
	}
	kept, given, old := made(now), made(now), made(now.AddDate(-3, 0, 0))
	foreign := server.KeyPair{Certificate: []byte("what somebody has written"), Key: []byte("key")}
	for _, c := range []struct {
		name    string
		objects []client.Object
		// want is the pair that is served; an empty one is one that was made now.
		want server.KeyPair
	}{
		{"nothing is there", nil, server.KeyPair{}},
		{"a Secret without one", []client.Object{secret(auth.SecretName, server.KeyPair{})}, server.KeyPair{}},
		{"one that was made before", []client.Object{secret(auth.SecretName, kept)}, kept},
		{"one that was made before and ends", []client.Object{secret(auth.SecretName, old)}, server.KeyPair{}},
		{"one that somebody has given", []client.Object{secret(auth.SecretName, kept), secret(givenCertificateName, given)}, given},
		{"one of somebody, which is not to be lost", []client.Object{secret(auth.SecretName, foreign)}, foreign},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := fake.NewClientBuilder().WithScheme(testkit.Scheme()).WithObjects(c.objects...).Build()
			of := certificates{auth.ClusterObjects{Client: w, Namespace: "argocd"}, "10.0.0.7:443"}
			if err := of.ensure(t.Context(), now); err != nil {
				t.Fatal(err)
			}
			got, err := of.current(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(c.want.Certificate) > 0 {
				if !bytes.Equal(got.Certificate, c.want.Certificate) || !bytes.Equal(got.Key, c.want.Key) {
					t.Errorf("got another pair than %s", c.want.Certificate)
				}
				return
			}
			parsed, err := tls.X509KeyPair(got.Certificate, got.Key)
			if err != nil {
				t.Fatal(err)
			}
			for _, host := range []string{"localhost", "127.0.0.1", "argocd-server", "argocd-server.argocd.svc.cluster.local", "10.0.0.7"} {
				if err := parsed.Leaf.VerifyHostname(host); err != nil {
					t.Error(err)
				}
			}
			if !parsed.Leaf.NotBefore.Before(now) || !parsed.Leaf.NotAfter.After(now.AddDate(1, 0, 0)) {
				t.Errorf("holds from %s to %s", parsed.Leaf.NotBefore, parsed.Leaf.NotAfter)
			}
			if len(c.objects) > 0 {
				after := &corev1.Secret{}
				if err := w.Get(t.Context(), client.ObjectKey{Namespace: "argocd", Name: auth.SecretName}, after); err != nil || string(after.Data["admin.password"]) != "hash" {
					t.Errorf("what else is in the Secret: %v %v", after.Data, err)
				}
			}
		})
	}
}

package cluster_test

import (
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/internal/cluster"
)

// secret is one of clusters, of key=value.
func secret(data ...string) *corev1.Secret {
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "far"}, Data: map[string][]byte{}}
	for _, d := range data {
		key, value, _ := strings.Cut(d, "=")
		s.Data[key] = []byte(value)
	}
	return s
}

func TestFromSecret(t *testing.T) {
	full := `config={"bearerToken":"tok","tlsClientConfig":{"caData":"Q0E=","certData":"Q1JU","keyData":"S0VZ","serverName":"inner"},"proxyUrl":"http://proxy.example:3128"}`
	got, err := cluster.FromSecret(secret("name=far", "server=https://far.example/", "namespaces=shop, blog,", "project=team", full))
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "far" || got.Server != "https://far.example" || got.Project != "team" || strings.Join(got.Namespaces, " ") != "shop blog" {
		t.Errorf("%+v", got)
	}
	if c := got.Config; c.Host != "https://far.example" || c.BearerToken != "tok" || string(c.CAData) != "CA" || string(c.CertData) != "CRT" || string(c.KeyData) != "KEY" || c.ServerName != "inner" || c.Proxy == nil {
		t.Errorf("%+v", c)
	}
	got, err = cluster.FromSecret(secret("server=https://far.example", `config={"execProviderConfig":{"command":"aws","args":["eks"],"env":{"A":"b"},"apiVersion":"client.authentication.k8s.io/v1beta1"}}`))
	if err != nil || got.Name != "https://far.example" || got.Config.ExecProvider == nil || got.Config.ExecProvider.Command != "aws" || got.Config.ExecProvider.Env[0].Value != "b" {
		t.Errorf("%+v, %v", got, err)
	}
}

// What can't be used is refused with its name and without its content.
func TestSecretsThatCantBeUsed(t *testing.T) {
	for _, c := range []struct {
		data []string
		says string
	}{
		{[]string{"name=far"}, "no server"},
		{[]string{"server=https://far.example", "config=hidden-token"}, "no JSON"},
		{[]string{"server=https://far.example", `config={"tlsClientConfig":{"insecure":true,"caData":"Q0E="},"bearerToken":"hidden-token"}`}, "insecure and caData"},
		{[]string{"server=https://far.example", `config={"proxyUrl":"http://hidden-token@%zz"}`}, "proxyUrl"},
	} {
		_, err := cluster.FromSecret(secret(c.data...))
		if err == nil || !strings.Contains(err.Error(), "argocd/far") || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hidden-token") {
			t.Errorf("%v: %v", c.data, err)
		}
	}
}

// What is written is read back the same.
func TestConnectionThereAndBack(t *testing.T) {
	config, err := json.Marshal(cluster.Connection{BearerToken: "tok", ProxyURL: "http://proxy.example", TLS: cluster.TLS{CAData: []byte("CA")}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := cluster.FromSecret(secret("server=https://far.example", "config="+string(config)))
	if err != nil || got.Config.BearerToken != "tok" || string(got.Config.CAData) != "CA" || got.Config.Insecure {
		t.Errorf("%s: %+v, %v", config, got.Config, err)
	}
}

package api

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/source"
)

const (
	someKey  = "AAAAC3NzaC1lZDI1NTE5AAAAIDbuVefTXBUOIaJU0wqM8DwYYzKcDDuocbtVC/CYRdfG"
	otherKey = "AAAAC3NzaC1lZDI1NTE5AAAAIJtaiF7hzs2ddMUd2eVtgxxh5ZLVTz7B4PEClN0yFrJs"
)

func someCertificate(t *testing.T) string {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}}
	der, err := x509.CreateCertificate(rand.Reader, of, of, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func certificatesBody(t *testing.T, all ...certificate) string {
	t.Helper()
	for i := range all {
		all[i].CertData = base64.StdEncoding.EncodeToString([]byte(all[i].CertData))
	}
	text, err := json.Marshal(certificates{all})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestCertificates: hosts are trusted, listed and forgotten as the ConfigMaps that git reads have them.
func TestCertificates(t *testing.T) {
	w := newWorld(t)
	const path = "/api/v1/certificates"
	ssh := certificate{ServerName: "git.example", CertType: "ssh", CertSubType: "ssh-ed25519", CertData: someKey}
	other := ssh
	other.CertData = otherKey
	authority := someCertificate(t)
	tls := certificate{ServerName: "git.example", CertType: "https", CertData: authority}
	listed := func(query string) string {
		t.Helper()
		_, out := w.call("admin", http.MethodGet, path+query, "")
		var all []string
		for _, item := range out["items"].([]any) {
			i := item.(map[string]any)
			all = append(all, i["certType"].(string)+" "+i["certSubType"].(string)+" "+i["serverName"].(string))
			if i["certData"] != nil {
				t.Errorf("a list has the data of %v", i)
			}
		}
		return strings.Join(all, ", ")
	}
	for _, c := range []struct {
		rule, method, query, body string
		status                    int
		want, list                string
	}{
		{"none", http.MethodGet, "", "", 200, "", ""},
		{"a key of ssh", http.MethodPost, "", certificatesBody(t, ssh), 200, "SHA256:", "ssh ssh-ed25519 git.example"},
		{"the same again", http.MethodPost, "", certificatesBody(t, ssh), 200, "SHA256:", "ssh ssh-ed25519 git.example"},
		{"another key", http.MethodPost, "", certificatesBody(t, other), 400, "has another key of type ssh-ed25519 already", "ssh ssh-ed25519 git.example"},
		{"another key, on purpose", http.MethodPost, "?upsert=true", certificatesBody(t, other), 200, "SHA256:", "ssh ssh-ed25519 git.example"},
		{"an authority", http.MethodPost, "", certificatesBody(t, tls), 200, "CN=authority", "ssh ssh-ed25519 git.example, https ed25519 git.example"},
		{"no key", http.MethodPost, "", certificatesBody(t, certificate{ServerName: "x", CertType: "ssh", CertSubType: "ssh-ed25519", CertData: "x"}), 400, "certData", ""},
		{"a second line", http.MethodPost, "", certificatesBody(t, certificate{ServerName: "x ssh-ed25519 " + someKey + "\ny", CertType: "ssh", CertSubType: "ssh-ed25519", CertData: someKey}), 400, "serverName", ""},
		{"a mark of an authority", http.MethodPost, "", certificatesBody(t, certificate{ServerName: "@cert-authority *", CertType: "ssh", CertSubType: "ssh-ed25519", CertData: someKey}), 400, "serverName", ""},
		{"no certificate", http.MethodPost, "", certificatesBody(t, certificate{ServerName: "x", CertType: "https", CertData: "x"}), 400, "no certificate found", ""},
		{"no host", http.MethodPost, "", certificatesBody(t, certificate{ServerName: "https://x/", CertType: "https", CertData: authority}), 400, "invalid", ""},
		{"nothing named", http.MethodDelete, "", "", 400, "hostNamePattern", ""},
		{"another host", http.MethodDelete, "?hostNamePattern=*.test", "", 200, "", "ssh ssh-ed25519 git.example, https ed25519 git.example"},
		{"the keys alone", http.MethodDelete, "?hostNamePattern=git.*&certType=ssh", "", 200, "", "https ed25519 git.example"},
		{"the rest", http.MethodDelete, "?hostNamePattern=*", "", 200, "", ""},
	} {
		code, out := w.call("admin", c.method, path+c.query, c.body)
		text, _ := json.Marshal(out)
		if code != c.status || !strings.Contains(string(text), c.want) {
			t.Errorf("%s: got %d %s, want %d and %q", c.rule, code, text, c.status, c.want)
		}
		if got := listed(""); c.status == 200 && got != c.list {
			t.Errorf("%s: then there is %q, want %q", c.rule, got, c.list)
		}
		if c.rule == "another key, on purpose" {
			kept := &corev1.ConfigMap{}
			if err := w.Get(t.Context(), client.ObjectKey{Namespace: control, Name: source.KnownHostsName}, kept); err != nil || kept.Data[source.KnownHostsKey] != "git.example ssh-ed25519 "+otherKey+"\n" {
				t.Errorf("got %v, %v", kept.Data, err)
			}
		}
	}
	w.call("admin", http.MethodPost, path, certificatesBody(t, ssh))
	if _, out := w.call("nobody", http.MethodGet, path, ""); len(out["items"].([]any)) != 0 {
		t.Errorf("nobody sees %v", out)
	}
	if code, _ := w.call("reader", http.MethodGet, path+"?hostNamePattern=git.*", ""); code != http.StatusOK {
		t.Errorf("a reader gets %d", code)
	}
}

package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// TestIssuersAreNotAskedForEver: neither strangers' tokens nor an issuer that is away cost more than a few requests.
func TestIssuersAreNotAskedForEver(t *testing.T) {
	w, p := newOIDCWorld(t, nil)
	p.down = true
	for range 20 {
		if _, err := w.Verify(t.Context(), p.sign(p.claims())); err == nil || errors.Is(err, ErrToken) {
			t.Fatalf("got %v, want that the issuer is away", err)
		}
	}
	if p.discoveries != 1 {
		t.Errorf("an issuer that is away was asked %d times", p.discoveries)
	}
	if err := w.BeginLogin(httptest.NewRecorder(), request()); codeOf(err) != CodeNotConfigured && codeOf(err) != CodeUnreachable {
		t.Errorf("got %v", err)
	}
	p.down = false
	w.pass(retryAfter)
	w.stays("when it is back", p.sign(p.claims()))
	for range 200 {
		token := jwt.NewWithClaims(jwt.SigningMethodES256, p.claims())
		token.Header["kid"] = newID()
		text, err := token.SignedString(p.key)
		if err != nil {
			t.Fatal(err)
		}
		w.ends("signed by an unknown key", text)
	}
	if p.keys > 60 {
		t.Errorf("the issuer was asked for its keys %d times", p.keys)
	}
}

// TestCertificatesOfIssuersAreVerified, whatever settings say.
func TestCertificatesOfIssuersAreVerified(t *testing.T) {
	w, p := newOIDCWorld(t, map[string]any{"rootCA": ""})
	w.set("oidc.tls.insecure.skip.verify", "true")
	if err := w.BeginLogin(httptest.NewRecorder(), request()); codeOf(err) != CodeUnreachable || !has(err.Error(), "certificate") || p.discoveries != 0 {
		t.Errorf("got %v, and %d requests", err, p.discoveries)
	}
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, NotAfter: time.Now().Add(time.Hour)}
	made, err := x509.CreateCertificate(rand.Reader, authority, authority, stranger.Public(), stranger)
	if err != nil {
		t.Fatal(err)
	}
	w.set("oidc.config", p.config(t, map[string]any{"rootCA": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made}))}))
	if err := w.BeginLogin(httptest.NewRecorder(), request()); codeOf(err) != CodeUnreachable || !has(err.Error(), "certificate") || p.discoveries != 0 {
		t.Errorf("by another authority: got %v, and %d requests", err, p.discoveries)
	}
	w.set("oidc.config", p.config(t, map[string]any{"rootCA": "no PEM"}))
	if err := w.BeginLogin(httptest.NewRecorder(), request()); codeOf(err) != CodeNotConfigured || !has(err.Error(), "rootCA has no certificate in PEM") {
		t.Errorf("got %v", err)
	}
}

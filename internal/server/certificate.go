package server

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"sync"
	"time"
)

// KeyPair is a certificate and its key, as PEM.
type KeyPair struct{ Certificate, Key []byte }

// maker is who a self-made certificate says it is of.
const maker = "Cyan"

const (
	// selfMadeLasts is no longer than browsers take.
	selfMadeLasts = 800 * 24 * time.Hour
	// remakeBefore is how long before its end one is made anew.
	remakeBefore = 90 * 24 * time.Hour
)

// SelfMade makes a certificate for names and addresses, which browsers ask about before they believe it.
func SelfMade(hosts []string, now time.Time) (KeyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return KeyPair{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return KeyPair{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{Organization: []string{maker}, CommonName: hosts[0]}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(selfMadeLasts),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
			continue
		}
		template.DNSNames = append(template.DNSNames, host)
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return KeyPair{}, err
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return KeyPair{}, err
	}
	return KeyPair{
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), Key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}),
	}, nil
}

// Remake reports whether a pair is to be made anew: there is none, or it is self-made and ends soon.
func (p KeyPair) Remake(now time.Time) bool {
	if len(bytes.TrimSpace(p.Certificate)) == 0 || len(bytes.TrimSpace(p.Key)) == 0 {
		return true
	}
	parsed, err := p.parse()
	if err != nil || parsed.Leaf == nil {
		return false
	}
	own := len(parsed.Leaf.Subject.Organization) == 1 && parsed.Leaf.Subject.Organization[0] == maker && bytes.Equal(parsed.Leaf.RawIssuer, parsed.Leaf.RawSubject)
	return own && now.After(parsed.Leaf.NotAfter.Add(-remakeBefore))
}

func (p KeyPair) parse() (*tls.Certificate, error) {
	parsed, err := tls.X509KeyPair(p.Certificate, p.Key)
	return &parsed, err
}

// WithTLS returns a listener for TLS, with the certificate of now, so that one that is renewed is taken without a
// restart. Who speaks plain HTTP there is sent to https.
func WithTLS(listener net.Listener, current func() (KeyPair, error)) net.Listener {
	c := &certificates{current: current}
	return tls.NewListener(sniffing{listener}, &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.get() },
	})
}

type certificates struct {
	current func() (KeyPair, error)

	mu     sync.Mutex
	of     [sha256.Size]byte
	parsed *tls.Certificate
}

// get returns the certificate of now; one that cannot be read leaves the one before.
func (c *certificates) get() (*tls.Certificate, error) {
	pair, err := c.current()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		sum := sha256.Sum256(bytes.Join([][]byte{pair.Certificate, pair.Key}, []byte{0}))
		if c.parsed != nil && sum == c.of {
			return c.parsed, nil
		}
		var parsed *tls.Certificate
		if parsed, err = pair.parse(); err == nil {
			c.of, c.parsed = sum, parsed
		}
	}
	if c.parsed == nil {
		return nil, errors.Join(errors.New("no certificate can be used"), err)
	}
	return c.parsed, nil
}

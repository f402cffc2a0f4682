// Package pki issues what the parts of a cluster know each other by: authorities, certificates and kubeconfigs.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

const (
	authorityLife = 20 * 365 * 24 * time.Hour
	// leafLife is long because a cluster may run for long; certificates are issued anew on every start.
	leafLife = 2 * 365 * 24 * time.Hour
)

// Authority signs certificates. Its key never leaves its directory.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	// CertFile and KeyFile are where the authority is kept.
	CertFile, KeyFile string
}

// Pair is the two files of a certificate and its key.
type Pair struct{ CertFile, KeyFile string }

// Subject is what a certificate says of its holder.
type Subject struct {
	Name   string
	Groups []string
	// Hosts are DNS names and IP addresses; a certificate with hosts can serve.
	Hosts []string
}

// OpenAuthority reads the authority called name from dir, or makes it when there is none. One that is made for domains
// can sign for these and what is below them alone, whoever trusts it.
func OpenAuthority(dir, name string, domains ...string) (*Authority, error) {
	a := &Authority{CertFile: filepath.Join(dir, name+".crt"), KeyFile: filepath.Join(dir, name+".key")}
	err := a.read()
	if errors.Is(err, fs.ErrNotExist) {
		err = a.create(name, domains)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the authority %s: %w", name, err)
	}
	return a, nil
}

func (a *Authority) read() error {
	cert, err := readPEM(a.CertFile)
	if err != nil {
		return err
	}
	if a.cert, err = x509.ParseCertificate(cert); err != nil {
		return fmt.Errorf("reading %s: %w", a.CertFile, err)
	}
	key, err := readPEM(a.KeyFile)
	if err != nil {
		return err
	}
	if a.key, err = x509.ParseECPrivateKey(key); err != nil {
		return fmt.Errorf("reading %s: %w", a.KeyFile, err)
	}
	return nil
}

func (a *Authority) create(name string, domains []string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "cyan-" + name},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	if len(domains) > 0 {
		template.PermittedDNSDomains, template.PermittedDNSDomainsCritical = domains, true
		template.ExcludedIPRanges = []*net.IPNet{{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}, {IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)}}
	}
	der, err := sign(template, template, &key.PublicKey, key, authorityLife)
	if err != nil {
		return err
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	a.key = key
	return writePair(Pair{a.CertFile, a.KeyFile}, der, key)
}

// Certificate is the authority's own certificate in PEM.
func (a *Authority) Certificate() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// Issue writes a new certificate and key for subject into dir as name.crt and name.key.
func (a *Authority) Issue(dir, name string, subject Subject) (Pair, error) {
	pair := Pair{filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")}
	der, key, err := a.issue(subject)
	if err == nil {
		err = writePair(pair, der, key)
	}
	if err != nil {
		return Pair{}, fmt.Errorf("issuing the certificate of %s: %w", subject.Name, err)
	}
	return pair, nil
}

// Serving returns a new certificate for a host, which is written nowhere.
func (a *Authority) Serving(host string) (*tls.Certificate, error) {
	der, key, err := a.issue(Subject{Name: host, Hosts: []string{host}})
	if err != nil {
		return nil, fmt.Errorf("issuing the certificate of %s: %w", host, err)
	}
	return &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key}, nil
}

func (a *Authority) issue(subject Subject) ([]byte, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: subject.Name, Organization: subject.Groups},
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, host := range subject.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	if len(subject.Hosts) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	der, err := sign(template, a.cert, &key.PublicKey, a.key, leafLife)
	return der, key, err
}

func sign(template, parent *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey, life time.Duration) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	template.NotBefore = time.Now().Add(-time.Hour) // clocks differ
	template.NotAfter = time.Now().Add(life)
	return x509.CreateCertificate(rand.Reader, template, parent, public, key)
}

// ServiceAccountKey makes the key that service account tokens are signed with, unless dir has one.
func ServiceAccountKey(dir string) (keyFile string, err error) {
	keyFile = filepath.Join(dir, "service-accounts.key")
	if _, err := os.Stat(keyFile); err == nil {
		return keyFile, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("making the service account key: %w", err)
	}
	return keyFile, writeKey(keyFile, key)
}

func writePair(pair Pair, der []byte, key *ecdsa.PrivateKey) error {
	if err := writeKey(pair.KeyFile, key); err != nil {
		return err
	}
	return state.WriteFile(pair.CertFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644)
}

func writeKey(name string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return state.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600)
}

func readPEM(name string) ([]byte, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("reading %s: it holds no PEM block", name)
	}
	return block.Bytes, nil
}

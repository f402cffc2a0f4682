package ingress

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"strings"

	"github.com/tg123/go-htpasswd"
	"k8s.io/utils/lru"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

// mostIssued is how many certificates are kept of those that were issued.
const mostIssued = 1000

// localDomain is the domain whose names are always this machine.
const localDomain = "localhost"

// issuer makes a certificate for a host.
type issuer interface {
	Serving(host string) (*tls.Certificate, error)
}

// certificates are those of Secrets, and those that the cluster's authority issues.
type certificates struct {
	authority issuer
	issued    *lru.Cache
}

type hostCertificate struct {
	routing.Certificate
	parsed *tls.Certificate
}

func newCertificates(authority issuer) *certificates {
	return &certificates{authority: authority, issued: lru.New(mostIssued)}
}

// parse reads certificates, and takes those over that were read before.
func (c *certificates) parse(all []routing.Certificate, before []hostCertificate) []hostCertificate {
	known := map[[2]string]*tls.Certificate{}
	for _, b := range before {
		known[[2]string{b.Cert, b.Key}] = b.parsed
	}
	var parsed []hostCertificate
	for _, one := range all {
		pair := known[[2]string{one.Cert, one.Key}]
		if pair == nil {
			read, err := tls.X509KeyPair([]byte(one.Cert), []byte(one.Key))
			if err != nil {
				slog.Warn("certificate is not served", "secret", one.Secret.String(), "cause", err.Error())
				continue
			}
			pair = &read
			known[[2]string{one.Cert, one.Key}] = pair
		}
		parsed = append(parsed, hostCertificate{one, pair})
	}
	return parsed
}

// certificate returns the one for a host on a port: that of the most specific host in a Secret, else one that is
// issued.
func (p *Proxy) certificate(port int32, host string) (*tls.Certificate, error) {
	host = strings.ToLower(host)
	if found := mostSpecific(p.current.Load().certs, port, host); found != nil {
		return found, nil
	}
	return p.certs.issue(host)
}

func mostSpecific(all []hostCertificate, port int32, host string) *tls.Certificate {
	var found *hostCertificate
	for i := range all {
		c := &all[i]
		if c.Port == port && routing.HostMatches(c.Host, host) && (found == nil || routing.MoreSpecific(c.Host, found.Host)) {
			found = c
		}
	}
	if found == nil {
		return nil
	}
	return found.parsed
}

// issue returns the certificate of a local name. Others get that of localhost, which no client takes for theirs.
func (c *certificates) issue(host string) (*tls.Certificate, error) {
	if !strings.HasSuffix(host, "."+localDomain) {
		host = localDomain
	}
	if known, ok := c.issued.Get(host); ok {
		return known.(*tls.Certificate), nil
	}
	issued, err := c.authority.Serving(host)
	if err != nil {
		return nil, fmt.Errorf("issuing a certificate for %s: %w", host, err)
	}
	c.issued.Add(host, issued)
	return issued, nil
}

// passwords are those of users.
type passwords interface {
	Match(user, password string) bool
}

// hashes are the forms of passwords that are read; one that is not hashed is none of them.
var hashes = []htpasswd.PasswdParser{htpasswd.AcceptMd5, htpasswd.AcceptSha, htpasswd.AcceptBcrypt, htpasswd.AcceptSsha, htpasswd.AcceptCryptSha}

// usersOf reads the users of all routes, and takes those over that were read before.
func usersOf(table routing.Table, before map[string]passwords) map[string]passwords {
	users := map[string]passwords{}
	for _, l := range table.Listeners {
		for _, route := range l.Routes {
			auth := route.Action.Auth
			if auth == nil || users[auth.File] != nil {
				continue
			}
			if known := before[auth.File]; known != nil {
				users[auth.File] = known
				continue
			}
			file, err := htpasswd.NewFromReader(strings.NewReader(auth.File), hashes, func(error) {
				slog.Warn("line of users is not read", "route", describeSource(route.Source))
			})
			if err == nil {
				users[auth.File] = file
			}
		}
	}
	return users
}

package api

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/glob"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/source"
)

// certificate is what is known of a host of git: a key of ssh, or certificates.
type certificate struct {
	ServerName  string `json:"serverName" maxLength:"253"`
	CertType    string `json:"certType" enum:"ssh,https"`
	CertSubType string `json:"certSubType,omitempty" maxLength:"64"`
	CertData    string `json:"certData,omitempty" doc:"in base64: the key of ssh, or certificates in PEM; not in a list"`
	CertInfo    string `json:"certInfo,omitempty" doc:"the fingerprint, or the subject"`
}

type certificates struct {
	Items []certificate `json:"items" maxItems:"1000"`
}

type certificateList struct{ Body certificates }

// CertificateQuery chooses hosts. It is exported for the library, which fills no other embedded fields.
type CertificateQuery struct {
	Pattern string `query:"hostNamePattern" maxLength:"253" doc:"such as *.example; all when empty"`
	Type    string `query:"certType" enum:",*,ssh,https"`
	SubType string `query:"certSubType" maxLength:"64"`
}

// chooses reports whether something known of a host is among what is asked for.
func (q CertificateQuery) chooses(k source.Known) bool {
	matched, _ := glob.Match(q.Pattern, k.ServerName)
	return (q.Pattern == "" || matched) && isAny(q.Type, k.CertType) && isAny(q.SubType, k.CertSubType)
}

func isAny(wanted, value string) bool { return wanted == "" || wanted == "*" || wanted == value }

func (q CertificateQuery) check() error {
	if _, err := glob.Match(q.Pattern, ""); err != nil {
		return &problem.Error{Kind: problem.Usage, Object: "hostNamePattern", Cause: err.Error(), Remedy: "correct it"}
	}
	return nil
}

// certificateCalls are the calls about the hosts of git that are trusted.
type certificateCalls struct{ looked }

func (s certificateCalls) register() {
	const all = "/api/v1/certificates"
	tags := []string{"certificates"}
	register(s.service, huma.Operation{OperationID: "listCertificates", Method: http.MethodGet, Path: all, Summary: "The hosts of git that are trusted: their ssh keys, and their certificates", Tags: tags}, s.list)
	register(s.service, huma.Operation{OperationID: "createCertificates", Method: http.MethodPost, Path: all, Summary: "Trust hosts", Tags: tags}, s.create)
	register(s.service, huma.Operation{OperationID: "deleteCertificates", Method: http.MethodDelete, Path: all, Summary: "Trust hosts no more", Tags: tags}, s.delete)
}

func certificateRequest(action, host string) access.Request {
	return access.Request{{{Resource: access.Certificates, Action: action, Object: host}}}
}

func shownCertificate(k source.Known) certificate {
	return certificate{ServerName: k.ServerName, CertType: k.CertType, CertSubType: k.CertSubType, CertInfo: k.CertInfo}
}

func (s certificateCalls) trust(ctx context.Context) (source.Trust, error) {
	hosts, err := s.configOf(ctx, source.KnownHostsName)
	if err != nil {
		return source.Trust{}, err
	}
	authorities, err := s.configOf(ctx, source.CertificatesName)
	return source.Trust{KnownHosts: hosts, Certificates: authorities}, err
}

func (s certificateCalls) list(ctx context.Context, c *caller, in *CertificateQuery) (*certificateList, error) {
	rights, err := c.mayAll()
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	trust, err := s.trust(ctx)
	if err != nil {
		return nil, err
	}
	out := &certificateList{certificates{[]certificate{}}}
	for _, k := range trust.All() {
		if in.chooses(k) && rights.Decide(certificateRequest(access.Get, k.ServerName)).Allowed {
			out.Body.Items = append(out.Body.Items, shownCertificate(k))
		}
	}
	return out, nil
}

// trusted is what a call asks to trust, as it is kept.
type trusted struct {
	keys []source.Known
	// authorities are certificates in PEM by host.
	authorities map[string]string
	shown       []certificate
}

// add reads what is asked to be trusted.
func (t *trusted) add(c certificate) error {
	data, err := base64.StdEncoding.DecodeString(c.CertData)
	if err != nil {
		return &problem.Error{Kind: problem.Usage, Object: "certData", Cause: "not in base64", Remedy: "encode the key, or the certificates in PEM"}
	}
	if c.CertType == source.KnownByHTTPS {
		if err := source.CheckHost(c.ServerName); err != nil {
			return err
		}
		found, err := source.ParseCertificates(c.ServerName, string(data))
		if err != nil {
			return &problem.Error{Kind: problem.Usage, Object: "certData", Cause: err.Error(), Remedy: "give certificates in PEM"}
		}
		t.authorities[c.ServerName] = string(data)
		for _, k := range found {
			t.shown = append(t.shown, shownCertificate(k))
		}
		return nil
	}
	// A line feed would begin another line, of another host.
	line := strings.Join([]string{c.ServerName, c.CertSubType, strings.TrimSpace(string(data))}, " ")
	found, err := source.ParseKnownHosts(line)
	if err == nil && (len(found) != 1 || found[0].ServerName != c.ServerName) || strings.ContainsAny(line, "\n\r#@") {
		return &problem.Error{Kind: problem.Usage, Object: "serverName", Cause: "invalid", Remedy: "give one host, certSubType such as ssh-ed25519, and its key in certData"}
	}
	if err != nil {
		return &problem.Error{Kind: problem.Usage, Object: "certData", Cause: err.Error(), Remedy: "give the third field of a line of known_hosts, in base64 once more, and the second as certSubType"}
	}
	t.keys = append(t.keys, found...)
	t.shown = append(t.shown, shownCertificate(found[0]))
	return nil
}

func (s certificateCalls) create(ctx context.Context, c *caller, in *struct {
	Upsert bool `query:"upsert" doc:"replace what is known otherwise"`
	Body   certificates
}) (*certificateList, error) {
	if len(in.Body.Items) == 0 {
		return nil, c.allow(certificateRequest(access.Create, "*"))
	}
	t := trusted{authorities: map[string]string{}}
	for _, one := range in.Body.Items {
		if err := c.allow(certificateRequest(access.Create, one.ServerName)); err != nil {
			return nil, err
		}
		if err := t.add(one); err != nil {
			return nil, err
		}
	}
	if len(t.keys) > 0 {
		err := s.changeConfig(ctx, source.KnownHostsName, func(entries map[string]string) (err error) {
			entries[source.KnownHostsKey], _, err = source.WithKnownHosts(entries[source.KnownHostsKey], t.keys, in.Upsert)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(t.authorities) == 0 {
		return &certificateList{certificates{t.shown}}, nil
	}
	return &certificateList{certificates{t.shown}}, s.changeConfig(ctx, source.CertificatesName, func(entries map[string]string) error {
		for host, text := range t.authorities {
			if err := source.WithCertificates(entries, host, text, in.Upsert); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s certificateCalls) delete(ctx context.Context, c *caller, in *CertificateQuery) (*certificateList, error) {
	// Who may delete nothing is not told what there is.
	if err := c.allow(certificateRequest(access.Delete, in.Pattern)); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	if in.Pattern == "" {
		return nil, &problem.Error{Kind: problem.Usage, Object: "hostNamePattern", Cause: "missing", Remedy: "name the hosts that are not trusted any more; * is all of them"}
	}
	trust, err := s.trust(ctx)
	if err != nil {
		return nil, err
	}
	gone := slices.DeleteFunc(trust.All(), func(k source.Known) bool { return !in.chooses(k) })
	out := &certificateList{certificates{[]certificate{}}}
	for _, k := range gone {
		if err := c.allow(certificateRequest(access.Delete, k.ServerName)); err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, shownCertificate(k))
	}
	if isAny(in.Type, source.KnownBySSH) {
		err := s.changeConfig(ctx, source.KnownHostsName, func(entries map[string]string) error {
			entries[source.KnownHostsKey], _ = source.WithoutKnownHosts(entries[source.KnownHostsKey], func(k source.Known) bool { return slices.Contains(gone, k) })
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if !isAny(in.Type, source.KnownByHTTPS) {
		return out, nil
	}
	return out, s.changeConfig(ctx, source.CertificatesName, func(entries map[string]string) error {
		for _, k := range gone {
			if k.CertType == source.KnownByHTTPS {
				delete(entries, k.ServerName)
			}
		}
		return nil
	})
}

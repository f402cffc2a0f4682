package routing

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

const (
	authKey      = "auth"
	defaultRealm = "Authentication Required"
)

// refuse keeps everybody out. The first reason stays.
func (o *options) refuse(why string) {
	if o.refused == "" {
		o.refused = why
	}
}

// action is what the options make of requests for a host.
func (o *options) action(tls bool) *Action {
	a := &Action{
		Redirect: o.redirection(), SecureRedirect: o.secure(tls), AppRoot: o.appRoot, Allow: o.allow, Deny: o.deny,
		MaxBody: o.maxBody, Timeouts: o.timeouts, Filters: Filters{Prefix: o.xPrefix}, Refused: o.refused,
	}
	if o.enableCORS {
		cors := o.cors
		a.CORS = &cors
	}
	if o.rewriteTarget != "" || o.upstreamVhost != "" {
		a.Filters.Rewrite = &Rewrite{Host: o.upstreamVhost}
	}
	if o.rewriteTarget != "" {
		a.Filters.Rewrite.Path = PathChange{Kind: ExpandPath, Value: o.rewriteTarget}
	}
	if o.affinity.kind != "" {
		sticky := o.affinity.Sticky
		a.Sticky = &sticky
	}
	if o.auth.file != "" {
		a.Auth = &BasicAuth{Realm: o.auth.realm, File: o.auth.file}
	}
	return a
}

// secure reports whether clients without TLS are sent to the same place with it: what is asked for, and in the class
// nginx all hosts with TLS.
func (o *options) secure(tls bool) bool {
	if o.forceSSLRedirect {
		return true
	}
	if o.sslRedirect != nil {
		return tls && *o.sslRedirect
	}
	return tls && o.nginx
}

func (o *options) redirection() *Redirect {
	switch {
	case o.temporal != "":
		return &Redirect{URL: o.temporal, Status: o.temporalCode}
	case o.permanent != "":
		return &Redirect{URL: o.permanent, Status: o.permanentCode}
	}
	return nil
}

// checkPassthrough takes it back where it would let in whom others keep out, or nothing says where to pass on to.
func (i *ingressBuilder) checkPassthrough() {
	o := &i.options
	if !o.passthrough {
		return
	}
	if o.auth.kind != "" || len(o.allow)+len(o.deny) > 0 || o.refused != "" {
		o.passthrough = false
		i.warn("InvalidAnnotation", "annotation %sssl-passthrough: not served beside what keeps somebody out (auth-*, *-source-range), which does not see what passes; leave one of them out", nginxPrefix)
	}
	for r, rule := range i.ingress.Spec.Rules {
		if rule.Host == "" {
			i.warn("InvalidAnnotation", "annotation %sssl-passthrough: spec.rules[%d].host is missing, and nothing is passed on without; write one", nginxPrefix, r)
		}
	}
}

// readUsers reads the users of basic authentication from their Secret.
func (i *ingressBuilder) readUsers(o *options) {
	if o.auth.kind == "" {
		return
	}
	if o.auth.realm == "" {
		o.auth.realm = defaultRealm
	}
	file, err := i.users(o.auth.secret)
	if err != nil {
		i.warn("InvalidAnnotation", "annotation %sauth-secret: %v; nobody may ask until then", nginxPrefix, err)
		o.refuse("annotation " + nginxPrefix + "auth-secret: invalid")
		return
	}
	o.auth.file = file
}

func (i *ingressBuilder) users(secret string) (string, error) {
	name := types.NamespacedName{Namespace: i.ingress.Namespace, Name: secret}
	if namespace, rest, qualified := strings.Cut(secret, "/"); qualified {
		name = types.NamespacedName{Namespace: namespace, Name: rest}
	}
	if secret == "" {
		return "", fmt.Errorf("missing; name the Secret that has the users")
	}
	if name.Namespace != i.ingress.Namespace {
		return "", fmt.Errorf("Secret %s: of another namespace; use one of the Ingress's own", name)
	}
	found := i.secrets[name]
	if found == nil {
		return "", fmt.Errorf("Secret %s: not found", name)
	}
	if len(found.Data[authKey]) == 0 {
		return "", fmt.Errorf("Secret %s: key %s: missing", name, authKey)
	}
	return string(found.Data[authKey]), nil
}

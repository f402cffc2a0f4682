package routing

import (
	"net/netip"
	"slices"
	"strings"
)

const nginxPrefix = "nginx.ingress.kubernetes.io/"

// options are what the annotations of an Ingress ask for.
type options struct {
	rewriteTarget          string
	useRegex               bool
	sslRedirect            *bool
	forceSSLRedirect       bool
	appRoot                string
	permanent, temporal    string
	permanentCode          int
	temporalCode           int
	protocol               Protocol
	maxBody                int64
	timeouts               Timeouts
	allow, deny            []netip.Prefix
	enableCORS             bool
	cors                   CORS
	auth                   authOptions
	canary                 canaryOptions
	upstreamVhost, xPrefix string
	// aliases are hosts at which the rules with a host are served as well.
	aliases []string
	// passthrough is set where TLS is handed to the backend as it comes.
	passthrough bool
	affinity    affinityOptions
	nginx       bool
	// refused is why nobody may ask.
	refused string
}

type authOptions struct{ kind, secret, realm, file string }

// affinityOptions are how clients stay with an endpoint.
type affinityOptions struct {
	kind string
	Sticky
}

type canaryOptions struct {
	enabled bool
	Canary
}

// honoured are the annotations that have an effect, by what follows the prefix.
var honoured = map[string]func(*options, string) error{
	"rewrite-target":          func(o *options, v string) error { o.rewriteTarget = v; return checkTarget(v) },
	"use-regex":               func(o *options, v string) error { return setBool(&o.useRegex, v) },
	"ssl-redirect":            func(o *options, v string) error { o.sslRedirect = new(bool); return setBool(o.sslRedirect, v) },
	"force-ssl-redirect":      func(o *options, v string) error { return setBool(&o.forceSSLRedirect, v) },
	"app-root":                func(o *options, v string) error { o.appRoot = v; return checkRooted(v) },
	"permanent-redirect":      func(o *options, v string) error { o.permanent = v; return checkURL(v) },
	"temporal-redirect":       func(o *options, v string) error { o.temporal = v; return checkURL(v) },
	"backend-protocol":        func(o *options, v string) error { return setProtocol(o, v) },
	"proxy-body-size":         func(o *options, v string) (err error) { o.maxBody, err = parseSize(v); return err },
	"proxy-buffering":         func(_ *options, v string) error { return onlyOff(v) },
	"proxy-request-buffering": func(_ *options, v string) error { return onlyOff(v) },

	"permanent-redirect-code": func(o *options, v string) error { return setNumber(&o.permanentCode, v, 300, 399) },
	"temporal-redirect-code":  func(o *options, v string) error { return setNumber(&o.temporalCode, v, 300, 399) },
	"proxy-connect-timeout":   func(o *options, v string) error { return setSeconds(&o.timeouts.Connect, v) },
	"proxy-read-timeout":      func(o *options, v string) error { return setSeconds(&o.timeouts.Read, v) },
	"proxy-send-timeout":      func(o *options, v string) error { return setSeconds(&o.timeouts.Send, v) },

	"whitelist-source-range": func(o *options, v string) (err error) { o.allow, err = parsePrefixes(v); return err },
	"allowlist-source-range": func(o *options, v string) (err error) { o.allow, err = parsePrefixes(v); return err },
	"denylist-source-range":  func(o *options, v string) (err error) { o.deny, err = parsePrefixes(v); return err },

	"enable-cors":            func(o *options, v string) error { return setBool(&o.enableCORS, v) },
	"cors-allow-origin":      func(o *options, v string) error { o.cors.Origins = list(v); return checkOrigins(o.cors.Origins) },
	"cors-allow-methods":     func(o *options, v string) error { o.cors.Methods = list(v); return nil },
	"cors-allow-headers":     func(o *options, v string) error { o.cors.Headers = list(v); return nil },
	"cors-expose-headers":    func(o *options, v string) error { o.cors.Expose = list(v); return nil },
	"cors-allow-credentials": func(o *options, v string) error { return setBool(&o.cors.Credentials, v) },
	"cors-max-age":           func(o *options, v string) error { return setNumber(&o.cors.MaxAge, v, 0, 1<<31-1) },

	"auth-type":        func(o *options, v string) error { o.auth.kind = v; return oneOf(v, "basic") },
	"auth-secret":      func(o *options, v string) error { o.auth.secret = v; return nil },
	"auth-realm":       func(o *options, v string) error { o.auth.realm = v; return nil },
	"auth-secret-type": func(_ *options, v string) error { return oneOf(v, "auth-file") },

	"canary":                   func(o *options, v string) error { return setBool(&o.canary.enabled, v) },
	"canary-weight":            func(o *options, v string) error { return setNumber(&o.canary.Weight, v, 0, 1<<31-1) },
	"canary-weight-total":      func(o *options, v string) error { return setNumber(&o.canary.Total, v, 1, 1<<31-1) },
	"canary-by-header":         func(o *options, v string) error { o.canary.Header = canonical(v); return nil },
	"canary-by-header-value":   func(o *options, v string) error { o.canary.HeaderValue = v; return nil },
	"canary-by-header-pattern": func(o *options, v string) (err error) { o.canary.HeaderPattern, err = compile(v); return err },
	"canary-by-cookie":         func(o *options, v string) error { o.canary.Cookie = v; return nil },

	"affinity":                         func(o *options, v string) error { o.affinity.kind = v; return oneOf(v, "cookie") },
	"affinity-mode":                    func(o *options, v string) error { return oneOf(v, "balanced", "persistent") },
	"session-cookie-name":              func(o *options, v string) error { o.affinity.Name = v; return checkToken(v) },
	"session-cookie-path":              func(o *options, v string) error { o.affinity.Path = v; return checkRooted(v) },
	"session-cookie-max-age":           func(o *options, v string) error { return setNumber(&o.affinity.MaxAge, v, 0, 1<<31-1) },
	"session-cookie-expires":           func(o *options, v string) error { return setNumber(&o.affinity.Expires, v, 0, 1<<31-1) },
	"session-cookie-samesite":          func(o *options, v string) error { o.affinity.SameSite = v; return oneOf(v, "None", "Lax", "Strict") },
	"session-cookie-secure":            func(o *options, v string) error { return setBool(&o.affinity.Secure, v) },
	"session-cookie-change-on-failure": func(_ *options, v string) error { return setBool(new(bool), v) },

	"server-alias":    func(o *options, v string) error { o.aliases = list(strings.ToLower(v)); return checkAliases(o.aliases) },
	"ssl-passthrough": func(o *options, v string) error { return setBool(&o.passthrough, v) },

	// What is tuned by these has no bound here, or is so always.
	"websocket-services":       func(*options, string) error { return nil },
	"proxy-http-version":       func(_ *options, v string) error { return oneOf(v, "1.1") },
	"proxy-buffer-size":        func(_ *options, v string) error { return checkSize(v) },
	"proxy-busy-buffers-size":  func(_ *options, v string) error { return checkSize(v) },
	"client-body-buffer-size":  func(_ *options, v string) error { return checkSize(v) },
	"proxy-max-temp-file-size": func(_ *options, v string) error { return checkSize(v) },
	"proxy-buffers-number":     func(_ *options, v string) error { return setNumber(new(int), v, 1, 1<<31-1) },

	"upstream-vhost":     func(o *options, v string) error { o.upstreamVhost = v; return nil },
	"x-forwarded-prefix": func(o *options, v string) error { o.xPrefix = v; return nil },
}

// The defaults of ingress-nginx for pages of other origins.
var (
	corsMethods = []string{"GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"}
	corsHeaders = []string{"DNT", "Keep-Alive", "User-Agent", "X-Requested-With", "If-Modified-Since", "Cache-Control", "Content-Type", "Range", "Authorization"}
)

const corsMaxAge = 1728000

// others are whose annotations people write beside those with "ingress.kubernetes.io".
var others = []string{"nginx.org", "nginx.com", "haproxy.org", "haproxy-ingress.github.io", "konghq.com", "projectcontour.io"}

// instead are what does much the same as an annotation that is not honoured.
func instead(name string) string {
	does := map[string]string{
		"configuration-snippet": "write an HTTPRoute with filters ResponseHeaderModifier, RequestHeaderModifier or URLRewrite",
		"server-snippet":        "write an HTTPRoute with filters or a rule for the location",
		"custom-headers":        "write an HTTPRoute with filter ResponseHeaderModifier",
		"secure-backends":       "write backend-protocol: HTTPS",
		"add-base-url":          "rewrite links in the app",
		"mirror-target":         "write an HTTPRoute with filter RequestMirror",
		"from-to-www-redirect":  "write a second Ingress with permanent-redirect",
		"default-backend":       "write spec.defaultBackend",
		"proxy-ssl-secret":      "write an HTTPRoute, and a BackendTLSPolicy for the Service",
		"proxy-ssl-verify":      "write an HTTPRoute, and a BackendTLSPolicy for the Service",
		"proxy-ssl-name":        "write an HTTPRoute, and a BackendTLSPolicy for the Service",
	}[name]
	if does == "" {
		return ""
	}
	return "; " + does
}

// refusing are annotations that keep somebody out and are not honoured.
var refusing = []string{"auth-url", "auth-tls-secret", "auth-tls-verify-client"}

// securing are the annotations that keep somebody out: what is wrong with one keeps everybody out.
var securing = []string{"auth-type", "auth-secret", "auth-secret-type", "whitelist-source-range", "allowlist-source-range", "denylist-source-range"}

// readAnnotations returns what the annotations ask for, and names those that are not honoured.
func (i *ingressBuilder) readAnnotations(class string) options {
	o := options{
		nginx: class == NginxClass, permanentCode: 301, temporalCode: 302,
		cors:   CORS{Origins: []string{"*"}, Methods: corsMethods, Headers: corsHeaders, Credentials: true, MaxAge: corsMaxAge},
		canary: canaryOptions{Canary: Canary{Total: 100}}, affinity: affinityOptions{Sticky: Sticky{Name: "INGRESSCOOKIE", Path: "/"}},
	}
	for _, key := range sortedKeys(i.ingress.Annotations) {
		value := i.ingress.Annotations[key]
		name, ours := strings.CutPrefix(key, nginxPrefix)
		if !ours {
			if prefix, _, _ := strings.Cut(key, "/"); strings.HasSuffix(prefix, "ingress.kubernetes.io") {
				i.warn("UnsupportedAnnotation", "annotation %s: not honoured by the local cluster; it honours a part of those of %s", key, nginxPrefix)
			} else if slices.Contains(others, prefix) {
				i.warn("UnsupportedAnnotation", "annotation %s: not honoured by the local cluster; it honours a part of those of %s", key, nginxPrefix)
			}
			continue
		}
		set := honoured[name]
		if set == nil {
			i.warn("UnsupportedAnnotation", "annotation %s: not honoured by the local cluster%s", key, instead(name))
			if slices.Contains(refusing, name) {
				o.refuse("annotation " + key + ": not honoured, and without it anybody could ask")
			}
			continue
		}
		before := o
		if err := set(&o, strings.TrimSpace(value)); err != nil {
			o = before
			i.warn("InvalidAnnotation", "annotation %s: %v", key, err)
			if slices.Contains(securing, name) {
				o.refuse("annotation " + key + ": invalid")
			}
		}
	}
	i.readUsers(&o)
	return o
}

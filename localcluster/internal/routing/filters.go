package routing

import (
	"errors"
	"fmt"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// ruleFilters are the filters of a rule or a backend.
type ruleFilters struct {
	Filters
	cors *CORS
}

// action returns what a rule does.
func (r *routeBuilder) action(index int, rule *gatewayv1.HTTPRouteRule) (*Action, error) {
	where := fmt.Sprintf("spec.rules[%d]", index)
	filters, redirect, err := r.filters(where+".filters", rule.Filters)
	if err != nil {
		return nil, err
	}
	action := &Action{Filters: filters.Filters, CORS: filters.cors, Redirect: redirect}
	switch {
	case rule.Retry != nil:
		return nil, errors.New("retry: not served; leave it out")
	case rule.SessionPersistence != nil:
		return nil, errors.New("sessionPersistence: not served; leave it out")
	}
	if action.Timeouts, err = routeTimeouts(rule.Timeouts); err != nil {
		return nil, err
	}
	for i := range rule.BackendRefs {
		backend, err := r.backendRef(fmt.Sprintf("%s.backendRefs[%d]", where, i), &rule.BackendRefs[i])
		if err != nil {
			return nil, fmt.Errorf("backendRefs[%d].%w", i, err)
		}
		action.Backends = append(action.Backends, backend)
	}
	return action, nil
}

func routeTimeouts(of *gatewayv1.HTTPRouteTimeouts) (Timeouts, error) {
	var t Timeouts
	if of == nil {
		return t, nil
	}
	for _, part := range []struct {
		name string
		from *gatewayv1.Duration
		to   *time.Duration
	}{{"request", of.Request, &t.Request}, {"backendRequest", of.BackendRequest, &t.BackendRequest}} {
		if part.from == nil {
			continue
		}
		parsed, err := time.ParseDuration(string(*part.from))
		if err != nil || parsed < 0 {
			return t, fmt.Errorf("timeouts.%s: %q: invalid", part.name, *part.from)
		}
		*part.to = parsed
	}
	return t, nil
}

// filters returns what filters do, and where clients are sent, if that is one of them.
func (r *routeBuilder) filters(where string, of []gatewayv1.HTTPRouteFilter) (ruleFilters, *Redirect, error) {
	var f ruleFilters
	var redirect *Redirect
	for i := range of {
		filter := &of[i]
		var err error
		switch filter.Type {
		case gatewayv1.HTTPRouteFilterRequestHeaderModifier:
			f.Request = append(f.Request, headerChanges(filter.RequestHeaderModifier)...)
		case gatewayv1.HTTPRouteFilterResponseHeaderModifier:
			f.Response = append(f.Response, headerChanges(filter.ResponseHeaderModifier)...)
		case gatewayv1.HTTPRouteFilterRequestRedirect:
			redirect = redirectOf(filter.RequestRedirect)
		case gatewayv1.HTTPRouteFilterURLRewrite:
			f.Rewrite = rewriteOf(filter.URLRewrite)
		case gatewayv1.HTTPRouteFilterCORS:
			f.cors = corsOf(filter.CORS)
		case gatewayv1.HTTPRouteFilterRequestMirror:
			r.mirror(fmt.Sprintf("%s[%d].requestMirror", where, i), filter.RequestMirror, &f.Filters)
		default:
			err = errors.New("not served; leave it out")
		}
		if err != nil {
			return f, nil, fmt.Errorf("filters[%d]: %s: %w", i, filter.Type, err)
		}
	}
	return f, redirect, nil
}

func headerChanges(of *gatewayv1.HTTPHeaderFilter) []HeaderChange {
	if of == nil {
		return nil
	}
	var changes []HeaderChange
	for _, h := range of.Set {
		changes = append(changes, HeaderChange{SetHeader, canonical(string(h.Name)), h.Value})
	}
	for _, h := range of.Add {
		changes = append(changes, HeaderChange{AddHeader, canonical(string(h.Name)), h.Value})
	}
	for _, name := range of.Remove {
		changes = append(changes, HeaderChange{Operation: RemoveHeader, Name: canonical(name)})
	}
	return changes
}

func pathChange(of *gatewayv1.HTTPPathModifier) PathChange {
	switch {
	case of == nil:
	case of.Type == gatewayv1.FullPathHTTPPathModifier && of.ReplaceFullPath != nil:
		return PathChange{ReplacePath, *of.ReplaceFullPath}
	case of.Type == gatewayv1.PrefixMatchHTTPPathModifier && of.ReplacePrefixMatch != nil:
		return PathChange{ReplacePrefix, *of.ReplacePrefixMatch}
	}
	return PathChange{}
}

const defaultRedirect = 302

func redirectOf(of *gatewayv1.HTTPRequestRedirectFilter) *Redirect {
	redirect := &Redirect{Status: defaultRedirect, Path: pathChange(of.Path)}
	if of.Scheme != nil {
		redirect.Scheme = *of.Scheme
	}
	if of.Hostname != nil {
		redirect.Host = string(*of.Hostname)
	}
	if of.Port != nil {
		redirect.Port = *of.Port
	}
	if of.StatusCode != nil {
		redirect.Status = *of.StatusCode
	}
	return redirect
}

func rewriteOf(of *gatewayv1.HTTPURLRewriteFilter) *Rewrite {
	rewrite := &Rewrite{Path: pathChange(of.Path)}
	if of.Hostname != nil {
		rewrite.Host = string(*of.Hostname)
	}
	return rewrite
}

func corsOf(of *gatewayv1.HTTPCORSFilter) *CORS {
	cors := &CORS{MaxAge: int(of.MaxAge)}
	for _, o := range of.AllowOrigins {
		cors.Origins = append(cors.Origins, string(o))
	}
	for _, m := range of.AllowMethods {
		cors.Methods = append(cors.Methods, string(m))
	}
	for _, h := range of.AllowHeaders {
		cors.Headers = append(cors.Headers, string(h))
	}
	for _, h := range of.ExposeHeaders {
		cors.Expose = append(cors.Expose, string(h))
	}
	cors.Credentials = of.AllowCredentials != nil && *of.AllowCredentials
	cors.Echo = true // a request may have credentials in any case
	return cors
}

// mirror adds a copy of the requests. One that leads nowhere is named, and nothing is copied.
func (r *routeBuilder) mirror(where string, of *gatewayv1.HTTPRequestMirrorFilter, to *Filters) {
	backend, unresolved := r.reference(&of.BackendRef)
	if unresolved != nil {
		r.leadsNowhere(where+".backendRef", unresolved)
		return
	}
	mirror := Mirror{Backend: backend, Parts: 100, Of: 100}
	if of.Percent != nil {
		mirror.Parts = int(*of.Percent)
	}
	if of.Fraction != nil {
		mirror.Parts = int(of.Fraction.Numerator)
		if of.Fraction.Denominator != nil {
			mirror.Of = int(*of.Fraction.Denominator)
		}
	}
	to.Mirrors = append(to.Mirrors, mirror)
}

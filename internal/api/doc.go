// Package api answers programs and pages over HTTP: the calls under /api/v1 that scripts, plugins and dashboards know
// of Argo CD's REST API.
//
// Each call is registered once, with its types, of which the OpenAPI document is made. Who asks is found out by package
// auth, and each call has to be judged by package access before it answers: one that was not is answered with an error,
// whatever it would have said. Reads come from the caches that the controllers have; writes go through package action.
package api

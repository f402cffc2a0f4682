// Package access decides who may do what: a subject, a resource, an action and an object are allowed or denied by the
// policies that ConfigMap argocd-rbac-cm and the roles of AppProjects hold. What no line allows is denied.
//
// [Parse] makes a [Policy] of what people have written, [Policy.Of] the [Rights] of a subject, and [Rights.Decide]
// answers. A Policy and Rights are never changed after they were made, and may be used from any goroutine.
package access

import (
	"maps"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/internal/problem"
)

// AdminName is the account that is there from the first start, and has role:admin without a line that says so.
const AdminName = "admin"

const (
	rolePrefix    = "role:"
	projectPrefix = "proj:"
)

// Subject is who asks.
type Subject struct {
	// Name is an account, the subject of a project's role, or the user as an issuer names them; empty for who has not
	// logged in.
	Name string
	// Groups are the values of the claims that [Policy.Scopes] names.
	Groups []string
	// Foreign is set when another issuer than this installation vouches for the name and the groups. Such a name never
	// stands for the account admin, for a role or for a project's role.
	Foreign bool
}

// ProjectSubject returns the name of the subject that a project's role is.
func ProjectSubject(project, role string) string { return projectPrefix + project + ":" + role }

// CutProjectSubject returns the project and the role that a subject's name stands for.
func CutProjectSubject(name string) (project, role string, ok bool) {
	rest, ok := strings.CutPrefix(name, projectPrefix)
	project, role, found := strings.Cut(rest, ":")
	if !ok || !found || project == "" || role == "" || strings.Contains(role, ":") {
		return "", "", false
	}
	return project, role, true
}

// IsReserved reports whether a name is that of a role, which is given to subjects by lines and never by an issuer.
func IsReserved(name string) bool {
	return name == "" || strings.HasPrefix(name, rolePrefix) || strings.HasPrefix(name, projectPrefix)
}

// Resources that calls are about.
const (
	Applications      = "applications"
	ApplicationSets   = "applicationsets"
	Clusters          = "clusters"
	Projects          = "projects"
	Repositories      = "repositories"
	WriteRepositories = "write-repositories"
	Certificates      = "certificates"
	Accounts          = "accounts"
	GPGKeys           = "gpgkeys"
	Logs              = "logs"
	Exec              = "exec"
	Extensions        = "extensions"
	// Rollouts and Deliveries are of this program; the models know them as parts of Applications.
	Rollouts   = "rollouts"
	Deliveries = "deliveries"
)

// Actions of calls.
const (
	Get      = "get"
	Create   = "create"
	Update   = "update"
	Delete   = "delete"
	Sync     = "sync"
	Override = "override"
	Rollback = "rollback"
	Invoke   = "invoke"
	Debug    = "debug"

	Promote  = "promote"
	Abort    = "abort"
	Retry    = "retry"
	Undo     = "undo"
	Pause    = "pause"
	Restart  = "restart"
	SetImage = "set-image"
)

// actionPrefix begins the actions that are run on an object of an Application: action/GROUP/KIND/NAME.
const actionPrefix = "action"

// actionsOf has the actions of each resource; those with a * at the end take more behind it.
var actionsOf = map[string][]string{
	Applications:      {Get, Create, Update, Delete, Sync, Override, Rollback, "update/*", "delete/*", "action/*"},
	ApplicationSets:   {Get, Create, Update, Delete},
	Clusters:          {Get, Create, Update, Delete},
	Projects:          {Get, Create, Update, Delete},
	Repositories:      {Get, Create, Update, Delete},
	WriteRepositories: {Get, Create, Update, Delete},
	Certificates:      {Get, Create, Update, Delete},
	Accounts:          {Get, Update},
	GPGKeys:           {Get, Create, Delete},
	Logs:              {Get},
	Exec:              {Create, Debug},
	Extensions:        {Invoke},
	Rollouts:          {Get, Promote, Abort, Retry, Undo, Pause, Restart, SetImage},
	Deliveries:        {Get},
}

// CheckNames returns what of a call's resource and action no policy can be about.
func CheckNames(c Call) error {
	actions, known := actionsOf[c.Resource]
	if !known {
		cause, remedy := unknown("resource", c.Resource, slices.Sorted(maps.Keys(actionsOf)))
		return &problem.Error{Kind: problem.Usage, Object: "policies", Cause: cause, Remedy: remedy}
	}
	if slices.ContainsFunc(actions, func(a string) bool { return covers(a, c.Action) }) {
		return nil
	}
	cause, remedy := unknown("action", c.Action, actions)
	return &problem.Error{Kind: problem.Usage, Object: "policies about " + c.Resource, Cause: cause, Remedy: remedy}
}

// IsOfProject reports whether the objects of a resource always have a project before their name.
func IsOfProject(resource string) bool { return withSlash[resource] }

// ofProjects are the resources whose objects begin with a project and a slash. Those of repositories and clusters do
// so when they belong to one.
var ofProjects = []string{Applications, ApplicationSets, Logs, Exec, Rollouts, Deliveries, Repositories, WriteRepositories, Clusters}

// Call is one thing that a subject wants to do.
type Call struct {
	Resource, Action, Object string
}

// String returns the call as refusals name it.
func (c Call) String() string { return c.Resource + ", " + c.Action + ", " + c.Object }

// project returns the project that a call is about, or "".
func (c Call) project() string {
	switch c.Resource {
	case Projects:
		return c.Object
	case Applications, ApplicationSets, Logs, Exec, Rollouts, Deliveries, Repositories, WriteRepositories, Clusters:
		project, _, found := strings.Cut(c.Object, "/")
		// The URL of a repository or cluster that belongs to no project begins with a scheme.
		if found && !strings.HasSuffix(project, ":") {
			return project
		}
	}
	return ""
}

// Need is met when one of its calls is allowed and none of them is denied by a line.
type Need []Call

// Request is what somebody wants to do: each of its needs has to be met.
type Request []Need

// Line is a line of a policy, as it was written.
type Line struct {
	// Object and Field are where it stands, such as ConfigMap argocd-rbac-cm and policy.csv; Object is BuiltIn for the
	// roles that are always there.
	Object, Field string
	// Number counts from 1 within the field; 0 where the field is the line.
	Number int
	Text   string
}

// BuiltIn is the Object of the lines that are always there.
const BuiltIn = "built in"

// problem is about the line.
func (l *Line) problem(cause, remedy string) *problem.Error {
	return &problem.Error{Kind: problem.Usage, Object: l.Object, Field: l.place(), Cause: cause, Remedy: remedy}
}

func (l *Line) place() string {
	if l.Number == 0 {
		return l.Field
	}
	return l.Field + " line " + itoa(l.Number)
}

// String returns the line and where it stands.
func (l *Line) String() string {
	if l.Object == BuiltIn {
		return BuiltIn + ": " + l.Text
	}
	return l.Object + ": " + l.place() + ": " + l.Text
}

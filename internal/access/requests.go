package access

import (
	"slices"
	"strings"
)

// RolloutKind is how the policies of Applications name a Rollout, in GROUP/KIND.
const RolloutKind = "argoproj.io/Rollout"

// ObjectOf joins what names an object, such as a project, a namespace and a name, or a project and a URL; empty parts
// are left out. Only the last may have slashes, and not when the object is one of Kubernetes: see [Application].
func ObjectOf(parts ...string) string {
	kept := make([]string, 0, len(parts))
	for _, part := range parts {
		if part != "" {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, "/")
}

// Application is an Application as policies name it.
type Application struct {
	Project string
	// Namespace is empty for one in the control namespace.
	Namespace string
	Name      string
}

// nowhere is the object of a name that no object of Kubernetes can have. What is asked for it is denied.
const nowhere = ""

// Object returns PROJECT/NAME or PROJECT/NAMESPACE/NAME.
func (a Application) Object() string {
	for _, part := range []string{a.Project, a.Namespace, a.Name} {
		if strings.Contains(part, "/") {
			return nowhere
		}
	}
	return ObjectOf(a.Project, a.Namespace, a.Name)
}

// On returns the request for an action on an Application.
func (a Application) On(action string) Request { return only(Applications, action, a.Object()) }

// Logs returns the request for the logs of an Application's pods.
func (a Application) Logs() Request { return only(Logs, Get, a.Object()) }

// Exec returns the request for a shell in an Application's pods.
func (a Application) Exec() Request { return only(Exec, Create, a.Object()) }

func only(resource, action, object string) Request {
	return Request{anyOf(Call{resource, action, object})}
}

// fine returns an action on an object of an Application, or "" where a part has a slash and could pass for two.
func fine(action string, parts ...string) string {
	for _, part := range parts {
		if strings.Contains(part, "/") {
			return ""
		}
	}
	return action + "/" + strings.Join(parts, "/")
}

// anyOf returns the need for one of the calls, which nothing meets when one of them is about nowhere.
func anyOf(calls ...Call) Need {
	if slices.ContainsFunc(calls, func(c Call) bool { return c.Object == nowhere || c.Action == "" }) {
		return nil
	}
	return calls
}

// SyncRequest is what a sync asks for beyond what the Application's spec has.
type SyncRequest struct {
	// Manifests is set when it brings its own, OtherRevision when it names another revision than the spec.
	Manifests, OtherRevision bool
}

// Sync returns the request for a sync of an Application.
func (o Options) Sync(a Application, asked SyncRequest) Request {
	request := a.On(Sync)
	if asked.Manifests || asked.OtherRevision && o.RevisionOverride {
		request = append(request, a.On(Override)...)
	}
	return request
}

// Rollback returns the request for a rollback of an Application.
func (o Options) Rollback(a Application) Request {
	if o.RollbackOwn {
		return a.On(Rollback)
	}
	return a.On(Sync)
}

// Terminate returns the request for ending the operation of an Application.
func (o Options) Terminate(a Application) Request { return a.On(Sync) }

// Resource is an object of an Application. Group is empty for the core's.
type Resource struct {
	Group, Kind, Namespace, Name string
}

// Change returns the request for an update or a deletion of an object of an Application.
func (o Options) Change(a Application, action string, r Resource) Request {
	calls := []Call{{Applications, fine(action, r.Group, r.Kind, r.Namespace, r.Name), a.Object()}}
	if o.InheritFineGrained {
		calls = append(calls, Call{Applications, action, a.Object()})
	}
	return Request{anyOf(calls...)}
}

// Run returns the request for an action on an object of an Application, such as restart of a Deployment.
func (o Options) Run(a Application, group, kind, action string) Request {
	return only(Applications, fine(actionPrefix, group, kind, action), a.Object())
}

// Rollout is a Rollout as policies name it.
type Rollout struct {
	Namespace, Name string
	// Of is the Application that it belongs to; the zero value where it belongs to none.
	Of Application
}

// noProject stands where a Rollout belongs to no Application. It is not the name of any project.
const noProject = "-"

// Object returns PROJECT/NAMESPACE/NAME, with - for the project of a Rollout that belongs to no Application.
func (r Rollout) Object() string {
	project := r.Of.Project
	if r.Of.Name == "" {
		project = noProject
	}
	return Application{Project: project, Namespace: r.Namespace, Name: r.Name}.Object()
}

// rolloutActions has, by action on a Rollout, what the policies of Applications call it.
var rolloutActions = map[string]string{Promote: "resume", Abort: "abort", Retry: "retry", Pause: "pause", Restart: "restart"}

// FullPromotion is the action on an object of an Application that promotes a Rollout past everything it waits for.
const FullPromotion = "promote-full"

// On returns the request for an action on a Rollout: allowed by lines about rollouts or, where it belongs to an
// Application, by those that policies have for the actions and the changes of its objects.
func (r Rollout) On(action string) Request {
	own := Call{Rollouts, action, r.Object()}
	if r.Of.Name == "" {
		return Request{anyOf(own)}
	}
	as := "update/" + RolloutKind + "/" + r.Namespace + "/" + r.Name
	if known, ok := rolloutActions[action]; ok {
		as = strings.Join([]string{actionPrefix, RolloutKind, known}, "/")
	} else if action == Get {
		as = Get
	}
	return Request{anyOf(own, Call{Applications, as, r.Of.Object()})}
}

// PromoteFully returns the request for a promotion past everything that a Rollout waits for.
func (r Rollout) PromoteFully() Request {
	request := r.On(Promote)
	for i, c := range request[0] {
		if c.Resource == Applications {
			request[0][i].Action = strings.Join([]string{actionPrefix, RolloutKind, FullPromotion}, "/")
		}
	}
	return request
}

package view

import (
	"slices"
	"strings"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/project"
)

// mostResults bounds the results of an operation that a detail has, and mostHistory the deployments.
const (
	mostResults = 1000
	mostHistory = 1000
)

// Detail is an Application as its own page shows it.
type Detail struct {
	Version    string          `json:"version,omitempty" doc:"for the topic application:NAMESPACE/NAME@VERSION of the stream, which goes on from there"`
	Row        Row             `json:"row"`
	Manifest   string          `json:"manifest" doc:"YAML, without its status"`
	Conditions []Condition     `json:"conditions"`
	Nodes      []Node          `json:"nodes"`
	Hidden     int             `json:"hidden,omitempty" doc:"nodes that are left out, the least troubled ones"`
	Trouble    string          `json:"trouble,omitempty" doc:"why what the objects own is not shown"`
	History    []Deployment    `json:"history" doc:"newest first"`
	Pin        *Pin            `json:"pin,omitempty"`
	Operation  *WholeOperation `json:"operation,omitempty"`
	Commit     *DeployedCommit `json:"commit,omitempty" doc:"the one that is live"`
	Windows    []Window        `json:"windows"`
	CanSync    bool            `json:"canSync" doc:"the sync windows let a person sync now; false while the project cannot be read, by which that is decided"`
	Links      []Link          `json:"links"`
	URLs       []string        `json:"urls"`
}

// Deployment is a revision that was deployed.
type Deployment struct {
	ID         int64  `json:"id"`
	Revision   string `json:"revision"`
	Author     string `json:"author,omitempty"`
	Message    string `json:"message,omitempty"`
	Date       string `json:"date,omitempty" format:"date-time"`
	DeployedAt string `json:"deployedAt" format:"date-time"`
	StartedAt  string `json:"startedAt,omitempty" format:"date-time"`
	By         string `json:"by,omitempty"`
	Path       string `json:"path,omitempty"`
	// Source is the commit that people made, where the deployed one only names the image that was built of it.
	Source *Commit `json:"source,omitempty" doc:"the commit that was built, where the commit names it"`
}

// Pin is what a rollback holds: automation does not deploy the commit again.
type Pin struct {
	Revision string `json:"revision"`
	By       string `json:"by,omitempty"`
	Since    string `json:"since,omitempty" format:"date-time"`
	Remedy   string `json:"remedy"`
	// RemedySaid is the template of the remedy.
	RemedySaid *Said `json:"remedySaid,omitempty"`
}

// WholeOperation is an operation with what it has done to each object.
type WholeOperation struct {
	Operation
	Revision string   `json:"revision,omitempty"`
	Retries  int64    `json:"retries,omitempty"`
	Results  []Result `json:"results" doc:"a bounded number"`
}

// Result is what a sync has done to an object or a hook.
type Result struct {
	Group     string `json:"group"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	Phase     string `json:"phase,omitempty"`
	Status    string `json:"status,omitempty"`
	Message   string `json:"message,omitempty"`
	Hook      string `json:"hook,omitempty"`
}

// DeployedCommit is a commit that is live.
type DeployedCommit struct {
	Revision string `json:"revision"`
	Author   string `json:"author,omitempty"`
	Message  string `json:"message,omitempty"`
	Date     string `json:"date,omitempty" format:"date-time"`
	// Source is as that of a [Deployment].
	Source *Commit `json:"source,omitempty" doc:"the commit that was built, where the commit names it"`
}

// Window is a sync window.
type Window struct {
	Kind     string `json:"kind"`
	Schedule string `json:"schedule"`
	Active   bool   `json:"active"`
	Manual   bool   `json:"manual"`
}

// Link is a link for people.
type Link struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

// DetailSeen is what a detail is made of.
type DetailSeen struct {
	Application *v1alpha1.Application
	Row         Row
	Manifest    string
	Nodes       []Node
	Hidden      int
	Trouble     string
	// Project is that of the Application, nil where it cannot be read, and To is where the Application goes.
	Project *v1alpha1.AppProject
	To      project.Destination
	// Commits are those of the source that could be read, by their SHA, with those that they name as built.
	Commits map[string]GitCommit
}

// RevisionsOf returns the commits that a detail of an Application tells of, the live one first.
func RevisionsOf(app *v1alpha1.Application) []string {
	revisions := []string{liveRevision(app)}
	for _, h := range slices.Backward(lastOf(app.Status.History, mostHistory)) {
		if r := revisionOf(h.Revision, h.Revisions); !slices.Contains(revisions, r) {
			revisions = append(revisions, r)
		}
	}
	return slices.DeleteFunc(revisions, func(r string) bool { return r == "" })
}

// linksOf returns the links of an Application that have a title, and the addresses of its objects that have none.
func linksOf(app *v1alpha1.Application) (titled []Link, urls []string) {
	titled = []Link{}
	add := func(title, address string) {
		if urls := Links([]string{address}); len(urls) > 0 {
			titled = append(titled, Link{shortened(title), urls[0]})
		}
	}
	for _, link := range app.Status.Summary.ExternalURLs {
		if title, address := plan.SplitLink(link); title != "" {
			add(title, address)
			continue
		}
		urls = append(urls, link)
	}
	for _, i := range app.Spec.Info {
		add(i.Name, i.Value)
	}
	return firstOf(titled, mostImages), nonNil(Links(urls))
}

// DetailOf returns the detail of an Application.
func DetailOf(seen DetailSeen, now time.Time) Detail {
	app := seen.Application
	d := Detail{
		Row: seen.Row, Manifest: seen.Manifest, Conditions: conditionsOf(app), Nodes: nonNil(seen.Nodes), Hidden: seen.Hidden, Trouble: seen.Trouble, History: historyOf(app, seen.Commits), Pin: pinOf(app),
		Operation: wholeOperation(app.Status.OperationState), Windows: []Window{},
	}
	d.Links, d.URLs = linksOf(app)
	if revision := liveRevision(app); revision != "" {
		c := commitOf(seen.Commits, revision)
		d.Commit = &DeployedCommit{revision, c.Author, c.Message, c.Date, builtOf(seen.Commits, revision)}
	}
	if seen.Project != nil {
		d.CanSync = project.Windows(seen.Project, app, seen.To, project.ByPerson, now).Reason == ""
		for _, w := range project.WindowsOf(seen.Project, app, seen.To) {
			open, err := project.WindowOpen(w, now)
			d.Windows = append(d.Windows, Window{w.Kind, w.Schedule, open && err == nil, w.ManualSync})
		}
	}
	return d
}

// conditionsOf returns the conditions with what to do about each: what the message says itself, or what is known of the
// type.
func conditionsOf(app *v1alpha1.Application) []Condition {
	conditions := []Condition{}
	for _, c := range app.Status.Conditions {
		shown := Condition{Type: c.Type, Message: shortened(c.Message), Since: stamp(c.LastTransitionTime)}
		if cause, remedy, ok := cutLast(c.Message, "; "); ok {
			shown.Message, shown.Remedy = shortened(cause), shortened(remedy)
		} else {
			remedy := say("remedy." + c.Type)
			if remedy.Text != "" {
				shown.Remedy, shown.RemedySaid = remedy.Text, remedy.Said
			}
		}
		conditions = append(conditions, shown)
	}
	return conditions
}

// cutLast cuts a text at the last separator, unless it begins with that: something stands before and is kept.
func cutLast(text, separator string) (before, after string, ok bool) {
	i := strings.LastIndex(text, separator)
	if i <= 0 {
		return "", "", false
	}
	return text[:i], text[i+len(separator):], true
}

func historyOf(app *v1alpha1.Application, commits map[string]GitCommit) []Deployment {
	history := []Deployment{}
	for _, h := range slices.Backward(lastOf(app.Status.History, mostHistory)) {
		revision := revisionOf(h.Revision, h.Revisions)
		c := commitOf(commits, revision)
		deployed := Deployment{
			ID: h.ID, Revision: revision, Author: c.Author, Message: c.Message, Date: c.Date, DeployedAt: stamp(&h.DeployedAt), StartedAt: stamp(h.DeployStartedAt), By: initiator(h.InitiatedBy),
			Source: builtOf(commits, revision),
		}
		if sources := h.GetSources(); len(sources) > 0 {
			deployed.Path = sources[0].Path
		}
		history = append(history, deployed)
	}
	return history
}

// pinOf returns what a rollback holds. Who has rolled back is known as long as that is the last deployment.
func pinOf(app *v1alpha1.Application) *Pin {
	revision := app.Annotations[v1alpha1.RollbackPinAnnotation]
	if revision == "" {
		return nil
	}
	remedy := say("remedy.pin")
	p := &Pin{Revision: revision, Remedy: remedy.Text, RemedySaid: remedy.Said}
	if n := len(app.Status.History); n > 0 {
		if last := app.Status.History[n-1]; revisionOf(last.Revision, last.Revisions) != revision {
			p.By, p.Since = initiator(last.InitiatedBy), stamp(&last.DeployedAt)
		}
	}
	return p
}

func wholeOperation(state *v1alpha1.OperationState) *WholeOperation {
	o := operationOf(state)
	if o == nil {
		return nil
	}
	whole := &WholeOperation{Operation: *o, Retries: state.RetryCount, Results: []Result{}}
	if state.SyncResult == nil {
		return whole
	}
	whole.Revision = revisionOf(state.SyncResult.Revision, state.SyncResult.Revisions)
	results := state.SyncResult.Resources
	if len(results) > mostResults {
		// Those that have failed stay.
		failed := slices.DeleteFunc(slices.Clone(results), func(r *v1alpha1.ResourceResult) bool { return !hasFailed(r) })
		results = append(failed, slices.DeleteFunc(slices.Clone(results), hasFailed)...)
	}
	for _, r := range firstOf(results, mostResults) {
		whole.Results = append(whole.Results, Result{
			Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name, Phase: string(r.HookPhase), Status: string(r.Status), Message: shortened(r.Message), Hook: string(r.HookType),
		})
	}
	return whole
}

package screens

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/secret"
	"github.com/cyan-cd/cyan/internal/view"
)

// App shows an Application: where it comes from and goes to, how it fares, its last operation, and every object of it.
func (p Page) App(app *v1alpha1.Application, wide bool) string {
	var b strings.Builder
	b.WriteString(p.appHeader(app))
	b.WriteString(p.operation(app.Status.OperationState))
	b.WriteString(p.conditions(app.Status.Conditions))
	if len(app.Status.Resources) > 0 {
		b.WriteString("\n" + p.Resources(app, wide))
	}
	return b.String()
}

func (p Page) appHeader(app *v1alpha1.Application) string {
	var b strings.Builder
	b.WriteString(field("Name", p.Theme.Strong(app.Namespace+"/"+app.Name)))
	b.WriteString(field("Project", app.Spec.Project))
	b.WriteString(field("Destination", destination(app.Spec.Destination)))
	for _, source := range app.Spec.GetSources() {
		b.WriteString(field("Source", secret.WithoutCredentials(source.RepoURL)))
		b.WriteString(field("  Path", path(source)))
		b.WriteString(field("  Target", target(source)))
	}
	b.WriteString(field("Sync Policy", policy(&app.Spec)))
	status := app.Status.Sync
	if at := app.DeletionTimestamp; at != nil {
		b.WriteString(field("Deletion", p.deletion(app)))
	}
	b.WriteString(field("Sync Status", strings.TrimSpace(p.sync(orUnknown(status.Status))+" "+against(app))))
	health := app.Status.Health
	line := p.healthCode(health.Status)
	if health.Message != "" {
		line += ": " + health.Message
	}
	b.WriteString(field("Health Status", line))
	for _, url := range app.Status.Summary.ExternalURLs {
		b.WriteString(field("URL", url))
	}
	for i, line := range app.Spec.Info {
		b.WriteString(field([]string{"Info", ""}[min(i, 1)], line.Name+": "+line.Value))
	}
	for i, image := range app.Status.Summary.Images {
		b.WriteString(field([]string{"Images", ""}[min(i, 1)], p.image(image)))
	}
	return b.String()
}

// deletion describes an Application that is being deleted: since when, and what that waits for.
func (p Page) deletion(app *v1alpha1.Application) string {
	text := p.Theme.Busy(p.sign("◌", "Deleting")) + " for " + p.age(*app.DeletionTimestamp)
	switch left := len(app.Status.Resources); {
	case !slices.ContainsFunc(app.Finalizers, func(f string) bool { return strings.HasPrefix(f, v1alpha1.ResourcesFinalizer) }):
		return text + ": its objects stay; waiting for " + strings.Join(app.Finalizers, ", ")
	case left == 1:
		return text + ": its object goes first"
	default:
		return text + fmt.Sprintf(": its %d objects go first", left)
	}
}

// appSync is the sync status of an Application, unless it is being deleted.
func (p Page) appSync(app *v1alpha1.Application) string {
	if app.DeletionTimestamp != nil {
		return p.Theme.Busy(p.sign("◌", "Deleting"))
	}
	return p.sync(orUnknown(app.Status.Sync.Status))
}

func (p Page) operation(state *v1alpha1.OperationState) string {
	if state == nil {
		return ""
	}
	var b strings.Builder
	b.WriteByte('\n')
	b.WriteString(field("Operation", "Sync"))
	if state.SyncResult != nil {
		b.WriteString(field("  Revision", state.SyncResult.Revision))
	}
	b.WriteString(field("  Phase", p.phase(state.Phase)))
	b.WriteString(field("  Start", stamp(&state.StartedAt)))
	if state.FinishedAt != nil {
		b.WriteString(field("  Finished", stamp(state.FinishedAt)))
		b.WriteString(field("  Duration", state.FinishedAt.Sub(state.StartedAt.Time).Round(time.Second).String()))
	}
	if state.RetryCount > 0 {
		b.WriteString(field("  Retries", fmt.Sprint(state.RetryCount)))
	}
	if state.Message != "" {
		b.WriteString(field("  Message", term.Wrap(state.Message, p.Width, fieldIndent)))
	}
	return b.String()
}

func (p Page) conditions(all []v1alpha1.ApplicationCondition) string {
	if len(all) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteByte('\n')
	for _, c := range all {
		name := p.Theme.Bad(p.sign("✖", c.Type))
		if strings.HasSuffix(c.Type, "Warning") {
			name = p.Theme.Wait(p.sign("⚠", c.Type))
		}
		fmt.Fprintln(&b, term.Wrap(name+": "+c.Message, p.Width, 2))
	}
	return b.String()
}

// Resources lists an Application's objects, with what the last sync said about each.
func (p Page) Resources(app *v1alpha1.Application, wide bool) string {
	said := map[string]*v1alpha1.ResourceResult{}
	if state := app.Status.OperationState; state != nil && state.SyncResult != nil {
		for _, r := range state.SyncResult.Resources {
			said[key(r.Group, r.Kind, r.Namespace, r.Name)] = r
		}
	}
	rows := [][]string{{"GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH", "MESSAGE"}}
	if wide {
		rows[0] = append(rows[0], "HOOK", "WAVE")
	}
	for _, r := range app.Status.Resources {
		message := ""
		if result := said[key(r.Group, r.Kind, r.Namespace, r.Name)]; result != nil {
			message = about(result)
		}
		if r.Health != nil && r.Health.Message != "" {
			message = r.Health.Message
		}
		if r.RequiresPruning {
			message = "not in git: a sync with --prune deletes it"
		}
		row := []string{r.Group, r.Kind, r.Namespace, r.Name, p.sync(r.Status), p.health(r.Health), firstLine(message)}
		if wide {
			row = append(row, yes(r.Hook), fmt.Sprint(r.SyncWave))
		}
		rows = append(rows, row)
	}
	rows = p.without(rows, "GROUP")
	if wide {
		return p.table(rows, 3)
	}
	return p.tableOfMessages(rows, slices.Index(rows[0], "NAME"))
}

// Apps lists Applications; wide shows everything about each.
func (p Page) Apps(apps []v1alpha1.Application, wide bool) string {
	rows := [][]string{{"NAMESPACE", "NAME", "SYNC", "HEALTH", "REVISION", "POLICY", "DESTINATION"}}
	if wide {
		rows = [][]string{{"NAME", "CLUSTER", "NAMESPACE", "PROJECT", "STATUS", "HEALTH", "SYNCPOLICY", "CONDITIONS", "REPO", "PATH", "TARGET"}}
	}
	for i := range apps {
		app := &apps[i]
		sync, health := p.appSync(app), p.healthCode(app.Status.Health.Status)
		if !wide {
			name := app.Name
			if !p.Namespaces && p.Namespace != "" && app.Namespace != p.Namespace {
				name = app.Namespace + "/" + name
			}
			rows = append(rows, []string{app.Namespace, name, sync, health, ShortRevision(revision(app)), policy(&app.Spec), destination(app.Spec.Destination)})
			continue
		}
		var first v1alpha1.ApplicationSource
		if all := app.Spec.GetSources(); len(all) > 0 {
			first = all[0]
		}
		rows = append(rows, []string{
			app.Namespace + "/" + app.Name, cluster(app.Spec.Destination), app.Spec.Destination.Namespace, app.Spec.Project, sync, health,
			policy(&app.Spec), conditionTypes(app), secret.WithoutCredentials(first.RepoURL), path(first), target(first),
		})
	}
	if wide {
		return Page{Theme: p.Theme, Now: p.Now}.table(rows)
	}
	rows = withHolders(rows, apps)
	if !p.Namespaces {
		for i := range rows {
			rows[i] = rows[i][1:]
		}
	}
	rows = p.without(rows, "POLICY")
	return p.table(rows, len(rows[0])-1, slices.Index(rows[0], "NAME"))
}

// withHolders adds who has the objects of Applications, where somebody has those of one.
func withHolders(rows [][]string, apps []v1alpha1.Application) [][]string {
	column, any := []string{"HANDED OVER TO"}, false
	for i := range apps {
		holder := ""
		if h := view.HandedOverOf(&apps[i]); h != nil {
			holder, any = h.By, true
		}
		column = append(column, holder)
	}
	if !any {
		return rows
	}
	before := slices.Index(rows[0], "REVISION")
	for i := range rows {
		rows[i] = slices.Insert(slices.Clone(rows[i]), before, column[i])
	}
	return rows
}

// History lists what was deployed, the newest last.
func (p Page) History(app *v1alpha1.Application) string {
	rows := [][]string{{"ID", "DATE", "REVISION", "BY", "SOURCE"}}
	for _, h := range app.Status.History {
		by := h.InitiatedBy.Username
		if h.InitiatedBy.Automated {
			by = "automated"
		}
		revision, from := h.Revision, ""
		if p.Width > 0 {
			revision = ShortRevision(revision)
		}
		if h.Source != nil {
			from = secret.WithoutCredentials(h.Source.RepoURL) + " " + path(*h.Source)
			if t := h.Source.TargetRevision; t != "" && t != revision {
				revision = t + " (" + ShortRevision(h.Revision) + ")"
			}
		}
		rows = append(rows, []string{fmt.Sprint(h.ID), stamp(&h.DeployedAt), revision, orNone(by), from})
	}
	return p.table(rows, 4)
}

// Progress shows a running sync: its phase, how long it has run, and each object so far.
func (p Page) Progress(app *v1alpha1.Application) string {
	state := app.Status.OperationState
	if state == nil {
		if app.Operation == nil {
			return ""
		}
		return p.Theme.Busy(p.sign("◌", "asked")) + ": waiting for the controller to begin\n"
	}
	line := p.phase(state.Phase)
	if result := state.SyncResult; result != nil && result.Revision != "" {
		line += " at " + ShortRevision(result.Revision)
	}
	line += " after " + p.age(state.StartedAt)
	if state.Message != "" {
		line += ": " + firstLine(state.Message)
	}
	var rows [][]string
	if state.SyncResult != nil {
		for _, r := range state.SyncResult.Resources {
			rows = append(rows, p.progressRow(r))
		}
	}
	b := line + "\n"
	if len(rows) > 0 {
		b += p.tableOfMessages(slices.Insert(rows, 0, []string{"  OBJECT", "RESULT", "MESSAGE"}), 0)
	}
	return b
}

func (p Page) progressRow(r *v1alpha1.ResourceResult) []string {
	return []string{"  " + ObjectName(r.Kind, r.Namespace, r.Name), p.result(r), firstLine(about(r))}
}

// about is what a sync reports about an object, without the object's name in front.
func about(r *v1alpha1.ResourceResult) string {
	return strings.TrimPrefix(r.Message, ObjectName(r.Kind, r.Namespace, r.Name)+" ")
}

// ResultLine returns the line about one object of a sync, for output to something else than a terminal.
func (p Page) ResultLine(r *v1alpha1.ResourceResult) string {
	return strings.TrimRight(strings.Join([]string{ObjectName(r.Kind, r.Namespace, r.Name), p.result(r), firstLine(about(r))}, "  "), " ") + "\n"
}

func (p Page) result(r *v1alpha1.ResourceResult) string {
	if r.HookType != "" {
		return strings.TrimSpace(p.phase(r.HookPhase) + " " + string(r.HookType))
	}
	switch {
	case r.Status == v1alpha1.ResultSynced && r.HookPhase == v1alpha1.OperationRunning:
		return p.Theme.Busy(p.sign("◌", string(r.Status)))
	case r.Status == v1alpha1.ResultSynced, r.Status == v1alpha1.ResultPruned:
		return p.Theme.Good(p.sign("✔", string(r.Status)))
	case r.Status == v1alpha1.ResultPruneSkipped:
		return p.Theme.Wait(p.sign("⚠", string(r.Status)))
	case r.Status == v1alpha1.ResultSyncFailed:
		return p.Theme.Bad(p.sign("✖", string(r.Status)))
	}
	return p.phase(r.HookPhase)
}

// ObjectName is how objects are called in text: Kind namespace/name.
func ObjectName(kind, namespace, name string) string {
	if namespace != "" {
		name = namespace + "/" + name
	}
	return kind + " " + name
}

func key(group, kind, namespace, name string) string {
	return strings.Join([]string{group, kind, namespace, name}, "|")
}

func orUnknown(code v1alpha1.SyncStatusCode) v1alpha1.SyncStatusCode {
	if code == "" {
		return v1alpha1.SyncUnknown
	}
	return code
}

func path(s v1alpha1.ApplicationSource) string {
	if s.Chart != "" {
		return s.Chart
	}
	if s.Path == "" {
		return "."
	}
	return s.Path
}

func target(s v1alpha1.ApplicationSource) string {
	if s.TargetRevision == "" {
		return "HEAD"
	}
	return s.TargetRevision
}

func cluster(d v1alpha1.ApplicationDestination) string {
	if d.Name != "" {
		return d.Name
	}
	return d.Server
}

func destination(d v1alpha1.ApplicationDestination) string {
	name := cluster(d)
	if name == v1alpha1.InClusterServer {
		name = v1alpha1.InClusterName
	}
	if d.Namespace == "" {
		return name
	}
	return name + "/" + d.Namespace
}

func policy(spec *v1alpha1.ApplicationSpec) string {
	automation := spec.Automation()
	if automation == nil {
		return "Manual"
	}
	var also []string
	if automation.Prune {
		also = append(also, "Prune")
	}
	if automation.SelfHeal {
		also = append(also, "SelfHeal")
	}
	if len(also) == 0 {
		return "Auto"
	}
	return "Auto-" + strings.Join(also, "-")
}

func revision(app *v1alpha1.Application) string {
	if app.Status.Sync.Revision != "" {
		return app.Status.Sync.Revision
	}
	return strings.Join(app.Status.Sync.Revisions, ",")
}

// against describes what the cluster was compared with: the target, and the commit that it is.
func against(app *v1alpha1.Application) string {
	all := app.Spec.GetSources()
	if len(all) == 0 {
		return ""
	}
	text := "to " + target(all[0])
	if r := revision(app); r != "" {
		text += " (" + ShortRevision(r) + ")"
	}
	if app.Status.Sync.Status == v1alpha1.OutOfSync {
		text = "from" + strings.TrimPrefix(text, "to")
	}
	return text
}

func conditionTypes(app *v1alpha1.Application) string {
	var types []string
	for _, c := range app.Status.Conditions {
		types = append(types, c.Type)
	}
	return orNone(strings.Join(types, ","))
}

func firstLine(s string) string {
	line, _, more := strings.Cut(s, "\n")
	if more {
		line += " …"
	}
	return line
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// TreeDetail is how much a tree shows.
type TreeDetail int

// The values of TreeDetail.
const (
	Brief TreeDetail = iota
	// Detailed has the reason of each object's health.
	Detailed
)

// AppTree shows an Application and below it its objects, by sync wave.
func (p Page) AppTree(app *v1alpha1.Application, detail TreeDetail) string {
	rows := [][]string{{"NAME", "STATUS", "HEALTH", "REASON"}}
	rows = append(rows, []string{"⎈ " + ObjectName(v1alpha1.ApplicationKind, app.Namespace, app.Name), p.appSync(app), p.healthCode(app.Status.Health.Status), firstLine(app.Status.Health.Message)})
	for i, r := range app.Status.Resources {
		branch := "├──"
		if i == len(app.Status.Resources)-1 {
			branch = "└──"
		}
		rows = append(rows, []string{branch + ObjectName(r.Kind, r.Namespace, r.Name), p.sync(r.Status), p.health(r.Health), reason(r.Health)})
	}
	if detail == Brief {
		for i := range rows {
			rows[i] = rows[i][:3]
		}
	}
	return p.table(rows, 0)
}

func reason(h *v1alpha1.HealthStatus) string {
	if h == nil {
		return ""
	}
	return firstLine(h.Message)
}

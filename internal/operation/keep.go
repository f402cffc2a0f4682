package operation

import (
	"fmt"
	"path"
	"strings"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/secret"
)

// keptTries is how often an operation is tried at most once its source is not that of the spec any more: nothing goes
// on for ever with what nobody asks for.
const keptTries = 5

// keepsSource reports whether an operation is to go on with the source with which it began although the spec names
// another place by now: its retries take up newer commits of that source, as retry.refresh asks for, and none of them
// has begun anything. Everything else that changes in a source, such as an image, supersedes at once.
func keepsSource(app *v1alpha1.Application) bool {
	op, state := app.Operation, app.Status.OperationState
	if !state.Operation.Retry.Refresh || len(op.Sync.GetSources()) > 0 || state.SyncResult == nil || state.SyncResult.Revision == "" {
		return false
	}
	waits := state.FinishedAt != nil || state.RetryCount > 0 && len(state.SyncResult.Resources) == 0
	return waits && isElsewhere(app)
}

// keepSource has an operation bring the source with which it began, for a few tries more.
func keepSource(app *v1alpha1.Application) Decision {
	state := app.Status.OperationState
	app.Operation.Sync.Source = state.SyncResult.Source.DeepCopy()
	if most := state.RetryCount + keptTries; state.Operation.Retry.Limit < 0 || state.Operation.Retry.Limit > most {
		state.Operation.Retry.Limit = most
	}
	state.Message += otherSource(app)
	return Decision{App: app, RequeueAfter: RequeueNow}
}

// hasKept reports whether an operation brings the source with which it began only because the spec has another one by
// now: it was begun without one of its own.
func hasKept(app *v1alpha1.Application) bool {
	state := app.Status.OperationState
	return len(app.Operation.Sync.GetSources()) > 0 && len(state.Operation.Sync.GetSources()) == 0
}

// goOnKept has an operation that begins anew go on with the source that it has kept, and with the tries that are left.
func goOnKept(app *v1alpha1.Application, before *v1alpha1.OperationState, source *v1alpha1.ApplicationSource) {
	state := app.Status.OperationState
	state.Operation.Sync.Source, state.Operation.Retry, state.RetryCount = nil, before.Operation.Retry, before.RetryCount
	app.Operation.Sync.Source = source
}

// giveUpKept ends an operation whose own source can't be synced now.
func giveUpKept(app *v1alpha1.Application, seen Observation) Decision {
	var causes []string
	for _, p := range seen.Problems {
		if p.Effect != Warns {
			causes = append(causes, p.Err.Error())
		}
	}
	return end(app, seen, v1alpha1.OperationFailed, strings.Join(causes, "; "))
}

// isElsewhere reports whether the spec names another place than the one that is being synced.
func isElsewhere(app *v1alpha1.Application) bool {
	result := app.Status.OperationState.SyncResult
	if result == nil {
		return false
	}
	sources := app.Spec.GetSources()
	return len(sources) != 1 || placeOf(sources[0]) != placeOf(result.Source)
}

// placeOf is where a source is, for people.
func placeOf(s v1alpha1.ApplicationSource) string {
	if s.Chart != "" {
		return s.RepoURL + " chart " + s.Chart
	}
	return s.RepoURL + " " + path.Join(".", s.Path)
}

// otherSource is what people should know of an operation that goes on with another source than that of the spec; ""
// where it does not.
func otherSource(app *v1alpha1.Application) string {
	if !hasKept(app) || !isElsewhere(app) {
		return ""
	}
	return fmt.Sprintf("; of source %s, with which the operation began: that of the spec is synced after it", secret.WithoutCredentials(placeOf(app.Status.OperationState.SyncResult.Source)))
}

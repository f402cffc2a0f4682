package view

import "github.com/cyan-cd/cyan/api/v1alpha1"

// Phrases of templates: what has a name, or is called by what it is.
const (
	theActive = "{active, select, NONE {the active Service} other {Service {active}}}"
	theNewest = "{newest, select, NONE {the new version} other {revision {newest}}}"
	theStable = "{stable, select, NONE {the stable version} other {revision {stable}}}"
	theBefore = "{before, select, NONE {the version before} other {revision {before}}}"
	untilSync = "{tracked, select, NONE {} other {; its Application brings back what git has with the next sync}}"
)

// templates are the sentences of this room, by code.
var templates = map[string]string{
	"gate.abort":               "aborted; the traffic stays on the stable version until a new one comes or this one is retried",
	"gate.ready":               "{available} of {size} pods of revision {revision} are available",
	"gate.ready.making":        "the ReplicaSet of the new version is being made",
	"gate.deadline":            "progress has to be made every {seconds} s",
	"gate.deadline.passed":     "no progress for {seconds} s; see why its pods do not become available",
	"gate.pause":               "paused by spec.paused; resume it",
	"gate.promotion.done":      "promoted",
	"gate.promotion.switching": "promoted; Service {service} is about to be switched",
	"gate.promotion.after":     "promotes itself {seconds} s after its pods are available",
	"gate.promotion.waits":     "waits for somebody; look at the preview, then promote or abort",
	"gate.promotion.later":     "waits for somebody once its pods are available",
	"gate.analysis":            "AnalysisRun {name}: {status}",
	"gate.scaleDown":           "the pods of revision {revision} stay for an instant way back",
	"gate.scaleDown.passed":    "the pods of revision {revision} go",
	"gate.restart":             "the pods are being replaced",
	"gate.restart.later":       "all pods are replaced then",

	"effect.promote":        theActive + " is switched to " + theNewest + " as soon as all its pods are available.",
	"effect.promote-full":   theActive + " is switched to " + theNewest + " without waiting for pauses and analyses; its pods have to be available all the same.",
	"effect.abort":          theActive + " stays with " + theStable + "; " + theNewest + " is scaled down.",
	"effect.abort.switched": theActive + " goes back to " + theStable + " as soon as that has all its pods; " + theNewest + " is scaled down.",
	"effect.retry":          theNewest + " is tried again from the beginning, through all its gates.",
	"effect.undo":           "The pods of " + theBefore + " come back as a new version, which is rolled out as any other" + untilSync + ".",
	"effect.pause":          "It stops where it is, until it is resumed or promoted; what takes the traffic keeps it.",
	"effect.resume":         "It goes on from where it was paused; a wait for a promotion goes on too.",
	"effect.restart":        "All pods of all versions are replaced, a few at a time, so that the rest take the requests.",
	"effect.set-image":      "A new version with the image is rolled out" + untilSync + ".",

	"not.deleted":  "{object}: being deleted",
	"not.invalid":  "{object}: not carried out: {cause}",
	"not.aborted":  "{object}: aborted; retry it first",
	"not.waiting":  "{object}: not waiting for a promotion",
	"not.switched": "{object}: " + theStable + " has all the traffic already",
	"not.again":    "{object}: aborted already",
	"not.stable":   "{object}: no stable version to go back to yet",
	"not.underway": "{object}: nothing is on its way",
	"not.retry":    "{object}: not aborted: there is nothing to try again",
	"not.earlier":  "{object}: no earlier revision is kept; raise spec.revisionHistoryLimit to keep some",
	"not.pause":    "{object}: paused already",
	"not.resume":   "{object}: not paused by spec.paused",
	"not.pods":     "{object}: scaled to 0: there are no pods",

	"stage.aborted": "{object}: aborted",
	"stage.waits":   "{object}: waits before the switch",

	"attention.aborted":  "{object}: aborted, and the traffic stays on the stable version; correct it in git, or retry",
	"attention.awaited":  "{object}: the new version waits before the switch; look at the preview, then promote or abort",
	"attention.paused":   "{object}: paused by spec.paused; resume it",
	"attention.deletion": "{object}: its deletion goes on for more than {minutes} minutes; see which objects have finalizers that nobody removes",
	"attention.failed":   "{object}: the sync failed; correct it in git, or sync again",
	"attention.stuck":    "{object}: its sync goes on; see what it waits for, or end it",
	"attention.health":   "{object}: becomes healthy for long; look at its events",
	"attention.degraded": "{object}: degraded; look at its events and logs",

	// What others have said, with what to do about it.
	"cause." + v1alpha1.ConditionInvalidSpecError: "{object}: {cause}; " + remedies[v1alpha1.ConditionInvalidSpecError],
	"cause." + v1alpha1.ConditionComparisonError:  "{object}: {cause}; " + remedies[v1alpha1.ConditionComparisonError],
	"cause." + v1alpha1.ConditionSyncError:        "{object}: {cause}; " + remedies[v1alpha1.ConditionSyncError],
	"cause." + v1alpha1.ConditionDeletionError:    "{object}: {cause}; " + remedies[v1alpha1.ConditionDeletionError],
	"cause." + v1alpha1.ConditionUnknownError:     "{object}: {cause}; " + remedies[v1alpha1.ConditionUnknownError],
	"cause.rollout.invalid":                       "{object}: {cause}; correct the field in git",
	"cause.rollout.degraded":                      "{object}: {cause}; look at its pods",
	"cause.degraded":                              "{object}: {cause}; look at its events and logs",
	"cause.waits":                                 "{object}: {cause}; see what it waits for, or end it",
	"cause.progressing":                           "{object}: {cause}; look at its events",

	"remedy." + v1alpha1.ConditionInvalidSpecError: remedies[v1alpha1.ConditionInvalidSpecError],
	"remedy." + v1alpha1.ConditionComparisonError:  remedies[v1alpha1.ConditionComparisonError],
	"remedy." + v1alpha1.ConditionSyncError:        remedies[v1alpha1.ConditionSyncError],
	"remedy." + v1alpha1.ConditionDeletionError:    remedies[v1alpha1.ConditionDeletionError],
	"remedy." + v1alpha1.ConditionUnknownError:     remedies[v1alpha1.ConditionUnknownError],
	"remedy.pin": "push a commit that changes it, or sync this one yourself",
}

// remedies are what to do about conditions that do not name a remedy of their own.
var remedies = map[string]string{
	v1alpha1.ConditionInvalidSpecError: "correct the field of the Application",
	v1alpha1.ConditionComparisonError:  "correct it in git; the next commit is looked at by itself",
	v1alpha1.ConditionSyncError:        "correct it in git, or sync again",
	v1alpha1.ConditionDeletionError:    "remove what holds the objects",
	v1alpha1.ConditionUnknownError:     "read the server's log",
}

package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/spelling"
)

// compareOptions are those that mean something; the ones with a value are of the server-side diff, which is always
// done.
var compareOptions = []string{"IgnoreExtraneous", "ServerSideDiff=true", "ServerSideDiff=false", "IncludeMutationWebhook=true", "IncludeMutationWebhook=false"}

// CheckMarks names what annotations of desired objects say about hooks, waves and comparing that means nothing: such an
// object is treated as if it did not say it.
func CheckMarks(desired []Desired) []string {
	var all []string
	for _, d := range desired {
		annotations := d.Object.GetAnnotations()
		for _, check := range []struct {
			annotation, what string
			known            []string
		}{
			{v1alpha1.HookAnnotation, "hook", textsOf(phases)},
			{v1alpha1.HookDeletePolicyAnnotation, "hook delete policy", textsOf([]HookDeletePolicy{BeforeHookCreation, HookSucceeded, HookFailed})},
			{v1alpha1.CompareOptionsAnnotation, "compare option", compareOptions},
		} {
			for _, value := range list(annotations[check.annotation]) {
				if !slices.Contains(check.known, value) {
					all = append(all, fmt.Sprintf("%s, annotation %s: %q: unknown %s; %s", KeyOf(d.Object), check.annotation, value, check.what, meant(value, check.known)))
				}
			}
		}
		if wave, given := annotations[v1alpha1.SyncWaveAnnotation]; given {
			if _, err := strconv.Atoi(wave); err != nil {
				all = append(all, fmt.Sprintf("%s, annotation %s: %q: invalid wave, taken for 0; write a whole number", KeyOf(d.Object), v1alpha1.SyncWaveAnnotation, wave))
			}
		}
	}
	return all
}

// meant is what to write in place of a word that means nothing.
func meant(value string, known []string) string {
	if closest := spelling.Closest(value, known); closest != "" {
		return "did you mean " + closest + "?"
	}
	return "write one of " + strings.Join(known, ", ")
}

func textsOf[T ~string](values []T) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = string(v)
	}
	return all
}

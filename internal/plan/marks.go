package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/spelling"
)

// wordCheck is an annotation that has words of a list.
type wordCheck struct {
	annotation, what string
	known            []string
	// same reports whether two words are the same.
	same func(a, b string) bool
}

// wordChecks are the annotations about hooks. Helm reads its policies in any case of letters.
var wordChecks = []wordCheck{
	{v1alpha1.HookAnnotation, "hook", textsOf(phases), sameWord},
	{v1alpha1.HookDeletePolicyAnnotation, "hook delete policy", textsOf([]HookDeletePolicy{BeforeHookCreation, HookSucceeded, HookFailed}), sameWord},
	{helmHook, "hook", slices.Sorted(maps.Keys(helmPhases)), sameWord},
	{helmHookDelete, "hook delete policy", slices.Sorted(maps.Keys(helmDeletePolicies)), strings.EqualFold},
}

func sameWord(a, b string) bool { return a == b }

// CheckMarks names what annotations of desired objects say about hooks and waves that means nothing: such an
// object is treated as if it did not say it.
func CheckMarks(desired []Desired) []string {
	var all []string
	for _, d := range desired {
		annotations := d.Object.GetAnnotations()
		for _, check := range wordChecks {
			for _, word := range list(annotations[check.annotation]) {
				if !slices.ContainsFunc(check.known, func(known string) bool { return check.same(known, word) }) {
					all = append(all, fmt.Sprintf("%s, annotation %s: %q: unknown %s; %s", KeyOf(d.Object), check.annotation, word, check.what, meant(word, check.known)))
				}
			}
		}
		for _, annotation := range []string{v1alpha1.SyncWaveAnnotation, helmHookWeight} {
			wave, given := annotations[annotation]
			if _, err := strconv.Atoi(wave); given && err != nil {
				all = append(all, fmt.Sprintf("%s, annotation %s: %q: invalid wave, taken for %d; write a whole number", KeyOf(d.Object), annotation, wave, waveOf(d.Object)))
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

package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/spelling"
)

// Options are sync options by name, such as Prune=false. The zero value has none.
type Options map[string]string

// ParseOptions reads options of the form Name=value. Those that are not are left out; see [CheckOptions].
func ParseOptions(options []string) Options {
	all := Options{}
	for _, o := range options {
		if name, value, ok := strings.Cut(strings.TrimSpace(o), "="); ok {
			all[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return all
}

// optionsOf are those that an object carries.
func optionsOf(object *unstructured.Unstructured) Options {
	return ParseOptions(list(object.GetAnnotations()[v1alpha1.SyncOptionsAnnotation]))
}

// OptionsOf returns the options that hold for an object: the Application's and the operation's, and over them those
// that the object carries. Nothing else asks for options of an object.
func (p Policy) OptionsOf(object *unstructured.Unstructured) Options {
	return p.Options.With(optionsOf(object))
}

// list splits a comma-separated annotation.
func list(value string) []string {
	var all []string
	for _, part := range strings.Split(value, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// known are the options that mean something. ClientSideApplyMigration is taken, and always done.
var known = []string{
	"Prune", "Delete", "Validate", "SkipDryRunOnMissingResource", "ApplyOutOfSyncOnly", "PrunePropagationPolicy", "PruneLast", "Replace", "Force",
	"ServerSideApply", "FailOnSharedResource", "RespectIgnoreDifferences", "CreateNamespace", "ClientSideApplyMigration",
}

// CheckOptions names the options that mean nothing: those of the Application, and those that its objects carry.
func CheckOptions(ofApplication []string, desired []Desired) []string {
	var all []string
	for _, o := range ofApplication {
		if problem := checkOption(o); problem != "" {
			all = append(all, "spec.syncPolicy.syncOptions: "+problem)
		}
	}
	for _, d := range desired {
		for _, o := range list(d.Object.GetAnnotations()[v1alpha1.SyncOptionsAnnotation]) {
			if problem := checkOption(o); problem != "" {
				all = append(all, fmt.Sprintf("%s, annotation %s: %s", KeyOf(d.Object), v1alpha1.SyncOptionsAnnotation, problem))
			}
		}
		for _, o := range list(d.Object.GetAnnotations()[v1alpha1.CompareOptionsAnnotation]) {
			if problem := checkCompareOption(o); problem != "" {
				all = append(all, fmt.Sprintf("%s, annotation %s: %s", KeyOf(d.Object), v1alpha1.CompareOptionsAnnotation, problem))
			}
		}
	}
	return all
}

func checkOption(option string) string {
	name, value, ok := strings.Cut(strings.TrimSpace(option), "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	switch closest := spelling.Closest(name, known); {
	case slices.Contains(known, name) && !ok:
		return fmt.Sprintf("%q: missing value; write %s=true or %s=false", option, name, name)
	case slices.Contains(known, name):
		return checkValue(option, name, value)
	case closest != "":
		return fmt.Sprintf("%q: unknown sync option; did you mean %s?", option, closest)
	}
	return fmt.Sprintf("%q: unknown sync option; the options are %s", option, strings.Join(known, ", "))
}

// valuesOf are the values that an option may have.
func valuesOf(name string) []string {
	switch name {
	case "Prune", "Delete":
		return []string{"true", string(Refused), string(AfterConfirmation)}
	case "PrunePropagationPolicy":
		return []string{"foreground", "background", "orphan"}
	}
	return []string{"true", "false"}
}

// checkValue names a value of an option that means nothing, and what is done in place of it.
func checkValue(option, name, value string) string {
	values := valuesOf(name)
	if slices.Contains(values, value) {
		return ""
	}
	cause := "unknown value, without effect"
	switch name {
	case "Prune", "Delete":
		cause = "unknown value, taken for false"
	case "PrunePropagationPolicy":
		cause = "unknown value, taken for foreground"
	}
	return fmt.Sprintf("%q: %s; write %s=%s", option, cause, name, strings.Join(values, ", or "+name+"="))
}

// With are these options, overridden by others.
func (o Options) With(over Options) Options {
	if len(over) == 0 {
		return o
	}
	all := maps.Clone(o)
	if all == nil {
		all = Options{}
	}
	maps.Copy(all, over)
	return all
}

func (o Options) is(name string) bool { return o[name] == "true" }

// Consent is whether an object may be deleted.
type Consent string

// The values of Consent.
const (
	Allowed Consent = ""
	// Refused keeps the object.
	Refused Consent = "false"
	// AfterConfirmation deletes the object once a person has confirmed it: see [Confirmed].
	AfterConfirmation Consent = "confirm"
)

// Prune is whether an object may be deleted that git no longer has.
func (o Options) Prune() Consent { return o.consent("Prune") }

// Delete is whether an object may be deleted with its Application.
func (o Options) Delete() Consent { return o.consent("Delete") }

// consent takes a value that it does not know for a refusal: what is deleted does not come back.
func (o Options) consent(name string) Consent {
	switch value, given := o[name]; {
	case !given, value == "true":
		return Allowed
	case value == string(AfterConfirmation):
		return AfterConfirmation
	}
	return Refused
}

// PruneLast puts a deletion after everything else.
func (o Options) PruneLast() bool { return o.is("PruneLast") }

// Replace writes the object as a whole instead of applying it.
func (o Options) Replace() bool { return o.is("Replace") }

// Force deletes and creates again what can't be changed.
func (o Options) Force() bool { return o.is("Force") }

// ClientSide asks for the apply that kubectl does on its own side; objects are applied by the server unless
// ServerSideApply=false.
func (o Options) ClientSide() bool { return o["ServerSideApply"] == "false" }

// SkipValidation asks not to validate against the schemas.
func (o Options) SkipValidation() bool { return o["Validate"] == "false" }

// SkipDryRunOnMissing lets an object go untried whose kind the cluster does not serve yet.
func (o Options) SkipDryRunOnMissing() bool { return o.is("SkipDryRunOnMissingResource") }

// OutOfSyncOnly reports whether objects that are as desired are left out of a sync and its results. They are never
// written in any case.
func (o Options) OutOfSyncOnly() bool { return o.is("ApplyOutOfSyncOnly") }

// CreateNamespace makes the destination's namespace.
func (o Options) CreateNamespace() bool { return o.is("CreateNamespace") }

// FailOnShared refuses objects that another Application has.
func (o Options) FailOnShared() bool { return o.is("FailOnSharedResource") }

// RespectIgnored leaves the fields alone that ignoreDifferences names.
func (o Options) RespectIgnored() bool { return o.is("RespectIgnoreDifferences") }

// Propagation is how the objects go that a deleted one owns: foreground unless the option says otherwise.
func (o Options) Propagation() metav1.DeletionPropagation {
	switch o["PrunePropagationPolicy"] {
	case "background":
		return metav1.DeletePropagationBackground
	case "orphan":
		return metav1.DeletePropagationOrphan
	}
	return metav1.DeletePropagationForeground
}

// ignoresExtraneous reports whether an object that git does not have does not make its Application OutOfSync.
func ignoresExtraneous(object *unstructured.Unstructured) bool {
	return slices.Contains(list(object.GetAnnotations()[v1alpha1.CompareOptionsAnnotation]), "IgnoreExtraneous")
}

// compared are the options of comparing that hold, with what is to be said of those that do not. Objects are always
// compared by what the API server makes of them, admission included.
var compared = map[string]string{
	"IgnoreExtraneous": "", "ServerSideDiff=true": "", "IncludeMutationWebhook=true": "",
	"ServerSideDiff=false":         "objects are always compared by what the API server makes of them; remove it",
	"IncludeMutationWebhook=false": "what admission webhooks change is always part of the comparison; remove it, and name the fields in ignoreDifferences if they are not to count",
}

// checkCompareOption returns what is to be known of an option of comparing; empty when it holds.
func checkCompareOption(option string) string {
	problem, ok := compared[option]
	if ok && problem == "" {
		return ""
	}
	if ok {
		return fmt.Sprintf("%q: %s", option, problem)
	}
	names := slices.Sorted(maps.Keys(compared))
	if closest := spelling.Closest(option, names); closest != "" {
		return fmt.Sprintf("%q: unknown compare option; did you mean %s?", option, closest)
	}
	return fmt.Sprintf("%q: unknown compare option; the options are %s", option, strings.Join(names, ", "))
}

// PropagationOf is how the objects go that a live one owns, where they are to go as wanted. Those of a Rollout that
// waits for its workload go after it: with those that go before, nothing would serve until the workload has its pods.
func PropagationOf(live *unstructured.Unstructured, wanted metav1.DeletionPropagation) metav1.DeletionPropagation {
	if wanted == metav1.DeletePropagationForeground && slices.Contains(live.GetFinalizers(), v1alpha1.WorkloadFinalizer) {
		return metav1.DeletePropagationBackground
	}
	return wanted
}

package validate

import "github.com/cyan-cd/cyan/internal/render"

// Severity is how much a finding weighs.
type Severity string

// Severities, the heaviest first. An Error keeps an object from being admitted, or from working for certain; a Warning
// may, which is not known here; a Note is for those who look for it.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
	SeverityNote    Severity = "note"
)

// AtLeast reports whether a severity is another, or heavier.
func (s Severity) AtLeast(other Severity) bool { return weights[s] >= weights[other] }

var weights = map[Severity]int{SeverityNote: 1, SeverityWarning: 2, SeverityError: 3}

// Names of rules, which programs tell findings apart by. They do not change.
const (
	RuleNothing           = "no-objects"
	RuleNotRendered       = "not-rendered"
	RuleSkipped           = "skipped-file"
	RuleRepeated          = "repeated-object"
	RuleDeprecatedField   = "deprecated-kustomization-field"
	RuleUnknownKind       = "unknown-kind"
	RuleNotServed         = "api-not-served"
	RuleRemovedAPI        = "removed-api"
	RuleDeprecatedAPI     = "deprecated-api"
	RuleDiscouraged       = "discouraged"
	RuleInvalidDefinition = "invalid-definition"
	RuleDuplicateKey      = render.RuleRepeatedKey
	RulePatchOfNothing    = render.RulePatchOfNothing
	RuleUnknownField      = "unknown-field"
	RuleWrongType         = "wrong-type"
	RuleMissingField      = "missing-field"
	RuleUnsupportedValue  = "unsupported-value"
	RuleDuplicateValue    = "duplicate-value"
	RuleInvalidValue      = "invalid-value"
	RuleReference         = "missing-reference"
	RuleSelector          = "selects-nothing"
	RulePort              = "missing-port"
	RuleImageEntry        = "unused-image-entry"
	RuleImageNotSet       = "image-without-entry"
	RuleRollout           = "rollout"
	RuleUnlikely          = "unlikely-amount"
	RuleApplication       = "application"
	RuleProject           = "project"
	RuleNotHonoured       = "not-honoured"
	RuleNotLookedAt       = "not-looked-at"
	RuleServerField       = "set-by-server"
	RuleImageName         = "image-name"
	RuleTruthKey          = "boolean-key"
)

// Rule is what can be found.
type Rule struct{ Name, About string }

// Rules are all rules, in the order in which the documentation has them.
func Rules() []Rule {
	return []Rule{
		{RuleNothing, "nothing to check: no object"},
		{RuleNotRendered, "a kustomization or a manifest that cannot be read or rendered"},
		{RuleSkipped, "a file, or a document of one, that has no Kubernetes object"},
		{RuleRepeated, "an object that is given twice"},
		{RuleDeprecatedField, "a field of a kustomization that a later version of kustomize removes"},
		{RulePatchOfNothing, "a patch in a kustomization whose target selects no object, which kustomize passes over"},
		{RuleUnknownKind, "a kind that neither Kubernetes nor a CustomResourceDefinition defines"},
		{RuleNotServed, "a version of a kind that this version of Kubernetes, or the cluster, does not serve"},
		{RuleRemovedAPI, "a version of a kind that Kubernetes has removed"},
		{RuleDeprecatedAPI, "a version of a kind that Kubernetes is going to remove"},
		{RuleDiscouraged, "what an API server warns of"},
		{RuleInvalidDefinition, "an object whose CustomResourceDefinition is invalid"},
		{RuleDuplicateKey, "a key that a mapping has twice"},
		{RuleUnknownField, "a field that the kind does not have"},
		{RuleWrongType, "a value of a type that the field does not take"},
		{RuleMissingField, "a field that is required"},
		{RuleUnsupportedValue, "a value that is not one of those that the field takes"},
		{RuleDuplicateValue, "an element of a list that may be there once"},
		{RuleInvalidValue, "any other value that an API server refuses"},
		{RuleReference, "a name of an object that is not there"},
		{RuleSelector, "a selector that no pod matches"},
		{RulePort, "a port that is not there"},
		{RuleImageEntry, "an entry of images in a kustomization that no image matches"},
		{RuleImageNotSet, "an image that no entry of images matches, where the kustomization has others"},
		{RuleImageName, "a name of an image that no container runtime takes"},
		{RuleRollout, "what the controller of Rollouts refuses"},
		{RuleUnlikely, "an amount of a resource that has another unit than was meant"},
		{RuleServerField, "a field of the metadata that an API server sets itself"},
		{RuleTruthKey, "a key, such as n or on, that YAML reads as true or false"},
		{RuleApplication, "what the controller of Applications refuses of an Application"},
		{RuleProject, "what an AppProject has its Applications refused for, or a role of it that does not allow what it says"},
		{RuleNotHonoured, "a field, an annotation, an option or a key of Argo CD's that Cyan does not honour"},
		{RuleNotLookedAt, "entries of images that are not compared with what they match, since rendering costs much already"},
	}
}

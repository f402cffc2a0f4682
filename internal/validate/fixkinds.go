package validate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/internal/render"
)

// migrationsByRule edit objects in which more than the version changes. Each returns why it does not.
var migrationsByRule = map[schema.GroupVersionKind]func(*fixer, *yaml.Node) string{}

func init() {
	for _, row := range []struct {
		kinds   []schema.GroupVersionKind
		migrate func(*fixer, *yaml.Node) string
	}{
		{gvks("extensions", "v1beta1", "Ingress"), specOf((*fixer).ingress)},
		{gvks("networking.k8s.io", "v1beta1", "Ingress"), specOf((*fixer).ingress)},
		{gvks("autoscaling", "v2beta1", "HorizontalPodAutoscaler"), specOf(migrateMetrics)},
		{gvks("autoscaling", "v2beta2", "HorizontalPodAutoscaler"), specOf(migrateOldMetrics)},
		{gvks("admissionregistration.k8s.io", "v1beta1", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"), migrateWebhooks},
		{gvks("apiextensions.k8s.io", "v1beta1", "CustomResourceDefinition"), specOf(migrateDefinition)},
		{gvks(flowControl, "v1alpha1", "PriorityLevelConfiguration"), specOf(migrateConcurrencyShares)},
		{gvks(flowControl, "v1beta1", "PriorityLevelConfiguration"), specOf(migrateConcurrencyShares)},
		{gvks(flowControl, "v1beta2", "PriorityLevelConfiguration"), specOf(migrateConcurrencyShares)},
		{gvks(flowControl, "v1beta3", "PriorityLevelConfiguration"), specOf(migrateConcurrencyShares)},
		{gvks("policy", "v1beta1", "PodDisruptionBudget"), noEdit(budgetSelects)},
		{gvks("discovery.k8s.io", "v1beta1", "EndpointSlice"), noEdit(withoutTopology)},
		{gvks("certificates.k8s.io", "v1beta1", "CertificateSigningRequest"), noEdit(signerIsNamed)},
		{gvks("rbac.authorization.k8s.io", "v1alpha1", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"), migrateSubjects},
		{gvks("apps", "v1beta2", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"), given("selector")},
		{gvks("apps", "v1beta1", "StatefulSet"), given("selector", "updateStrategy.type")},
		{gvks("apps", "v1beta1", "Deployment"), given("selector", "revisionHistoryLimit")},
		{gvks("extensions", "v1beta1", "ReplicaSet"), given("selector")},
		{gvks("extensions", "v1beta1", "DaemonSet"), given("selector", "updateStrategy.type")},
		{gvks("extensions", "v1beta1", "Deployment"), given("selector", "progressDeadlineSeconds", "revisionHistoryLimit", "strategy.rollingUpdate.maxSurge", "strategy.rollingUpdate.maxUnavailable")},
	} {
		for _, gvk := range row.kinds {
			migrationsByRule[gvk] = row.migrate
		}
	}
}

// specOf has a rule edit the spec of an object.
func specOf(rule func(*fixer, *yaml.Node) string) func(*fixer, *yaml.Node) string {
	return func(f *fixer, doc *yaml.Node) string { return rule(f, render.Field(doc, "spec")) }
}

// noEdit is a rule that finds out whether the version is all that changes.
func noEdit(rule func(doc *yaml.Node) string) func(*fixer, *yaml.Node) string {
	return func(_ *fixer, doc *yaml.Node) string { return rule(doc) }
}

// given is a rule for workloads that have to give fields whose defaults are others in apps/v1.
func given(fields ...string) func(*fixer, *yaml.Node) string {
	return noEdit(func(doc *yaml.Node) string {
		spec := render.Field(doc, "spec")
		for _, gone := range []string{"rollbackTo", "templateGeneration"} {
			if isSet(spec, gone) {
				return "spec." + gone + " is not in apps/v1; take it out"
			}
		}
		for _, field := range fields {
			if strings.HasPrefix(field, "strategy.") && render.Scalar(render.Field(spec, "strategy"), "type") == "Recreate" {
				continue
			}
			at, path := spec, strings.Split(field, ".")
			for _, key := range path[:len(path)-1] {
				at = render.Field(at, key)
			}
			if !isSet(at, path[len(path)-1]) {
				return "spec." + field + " is not given, and apps/v1 has no default for it or another one; write what is meant"
			}
		}
		return ""
	})
}

func budgetSelects(doc *yaml.Node) string {
	spec := render.Field(doc, "spec")
	if selector := render.Field(spec, "selector"); isSet(spec, "selector") && len(selector.Content) == 0 {
		return "an empty spec.selector selected no pods, and selects all pods of the namespace in policy/v1; write the selector that is meant"
	}
	return ""
}

func withoutTopology(doc *yaml.Node) string {
	for i, e := range itemsOf(render.Field(doc, "endpoints")) {
		if isSet(e, "topology") {
			return fmt.Sprintf("endpoints[%d].topology is zone, nodeName and deprecatedTopology in discovery.k8s.io/v1; write these", i)
		}
	}
	return ""
}

func signerIsNamed(doc *yaml.Node) string {
	spec := render.Field(doc, "spec")
	if signer := render.Scalar(spec, "signerName"); signer == "" || signer == "kubernetes.io/legacy-unknown" {
		return "spec.signerName is required, and may not be kubernetes.io/legacy-unknown; name the signer"
	}
	if len(itemsOf(render.Field(spec, "usages"))) == 0 {
		return "spec.usages is required; write what the certificate is for"
	}
	return ""
}

// migrateSubjects edits the subjects of a binding of v1alpha1, whose group was that of an apiVersion.
func migrateSubjects(f *fixer, doc *yaml.Node) string {
	for i, s := range itemsOf(render.Field(doc, "subjects")) {
		at := fmt.Sprintf("subjects[%d]", i)
		kind := render.Scalar(s, "kind")
		if kind == "User" && render.Scalar(s, "name") == "*" {
			return at + " is the user *, which stood for the group system:authenticated, and is a user of that name in v1; write which"
		}
		version := render.Field(s, "apiVersion")
		if version == nil {
			continue
		}
		group, known := groupsOfSubjects[kind]
		if !known || isSet(s, "apiGroup") {
			return at + " has apiGroup in place of apiVersion in v1: rbac.authorization.k8s.io for users and groups; write it"
		}
		why := f.rewrite(s, func(fields []textField) ([]textField, string) {
			for i, field := range fields {
				if field.key == "apiVersion" {
					fields[i] = field.named("apiGroup")
					fields[i].rest = strings.Replace(field.rest, version.Value, groupAs(version.Style, group), 1)
				}
			}
			return fields, ""
		})
		if why != "" {
			return at + ": " + why
		}
	}
	return ""
}

// groupAs is a group as it is written in the place of a scalar of a style.
func groupAs(style yaml.Style, group string) string {
	if group == "" && style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 {
		return `""`
	}
	return group
}

// groupsOfSubjects are the groups that subjects had in v1alpha1, whatever their apiVersion.
var groupsOfSubjects = map[string]string{"User": rbacGroup, "Group": rbacGroup, "ServiceAccount": ""}

// migrateConcurrencyShares edits the limits of a priority level.
func migrateConcurrencyShares(f *fixer, spec *yaml.Node) string {
	limited := render.Field(spec, "limited")
	for _, field := range []string{"assuredConcurrencyShares", "nominalConcurrencyShares"} {
		if render.Scalar(limited, field) == "0" {
			return "spec.limited." + field + " is 0, which stood for the default of 30, and for none in v1; write how many"
		}
	}
	if render.Field(limited, "assuredConcurrencyShares") == nil {
		return ""
	}
	return f.rewrite(limited, func(fields []textField) ([]textField, string) {
		for i := range fields {
			if fields[i].key == "assuredConcurrencyShares" {
				fields[i].key = "nominalConcurrencyShares"
			}
		}
		return fields, ""
	})
}

// move is a field of a metric in autoscaling/v2beta1, and where it stands in v2. Fields that go into a target have the
// type that a target with them has.
type move struct{ from, into, as, targetType string }

var (
	toUtilization  = move{"targetAverageUtilization", "target", "averageUtilization", "Utilization"}
	toAverage      = move{"targetAverageValue", "target", "averageValue", "AverageValue"}
	toName         = move{"metricName", "metric", "name", ""}
	metricsByMoves = map[string][]move{
		"resource":          {toUtilization, toAverage},
		"containerResource": {toUtilization, toAverage},
		"pods":              {toName, {"selector", "metric", "selector", ""}, toAverage},
		"object":            {{"target", "", "describedObject", ""}, toName, {"selector", "metric", "selector", ""}, {"averageValue", "target", "averageValue", "AverageValue"}, {"targetValue", "target", "value", "Value"}},
		"external":          {toName, {"metricSelector", "metric", "selector", ""}, toAverage, {"targetValue", "target", "value", "Value"}},
	}
)

// migrateMetrics edits what a HorizontalPodAutoscaler of v2beta1 measures.
func migrateMetrics(f *fixer, spec *yaml.Node) string {
	return metricsWhere(f, spec, func(*yaml.Node) bool { return true })
}

// migrateOldMetrics edits metrics that one of v2beta2 has in fields of v2beta1, which v2beta2 did not have.
func migrateOldMetrics(f *fixer, spec *yaml.Node) string {
	return metricsWhere(f, spec, func(source *yaml.Node) bool {
		return slices.ContainsFunc([]string{toUtilization.from, toAverage.from, toName.from, "metricSelector", "targetValue"}, func(old string) bool {
			return render.Field(source, old) != nil
		})
	})
}

func metricsWhere(f *fixer, spec *yaml.Node, old func(source *yaml.Node) bool) string {
	for i, m := range itemsOf(render.Field(spec, "metrics")) {
		for _, source := range []string{"resource", "containerResource", "pods", "object", "external"} {
			at := render.Field(m, source)
			if at == nil || !old(at) {
				continue
			}
			if why := f.rewrite(at, func(fields []textField) ([]textField, string) { return moved(fields, metricsByMoves[source], source) }); why != "" {
				return fmt.Sprintf("spec.metrics[%d].%s: %s", i, source, why)
			}
		}
	}
	return ""
}

// moved returns fields where moves put them, or why that takes a guess.
func moved(fields []textField, moves []move, source string) ([]textField, string) {
	targetType, why := targetOf(fields, moves, source)
	if why != "" {
		return nil, why
	}
	groups := map[string]int{}
	var out []textField
	for _, field := range fields {
		i := slices.IndexFunc(moves, func(m move) bool { return m.from == field.key })
		switch {
		case i < 0 && (field.key == "target" || field.key == "metric"):
			return nil, "fields of both versions; take those of v2beta1 out"
		case i < 0:
			out = append(out, field)
		case moves[i].into == "":
			out = append(out, field.named(moves[i].as))
		default:
			into := moves[i].into
			at, there := groups[into]
			if !there {
				at = len(out)
				groups[into] = at
				group := newMapping(into)
				if into == "target" {
					group.fields = []textField{newField("type", targetType)}
				}
				group.above, field.above = field.above, nil
				out = append(out, group)
			}
			out[at].fields = append(out[at].fields, field.named(moves[i].as))
		}
	}
	return out, ""
}

// migrateWebhooks edits the webhooks of a configuration of v1beta1: they get the defaults that they had.
func migrateWebhooks(f *fixer, doc *yaml.Node) string {
	names := map[string]bool{}
	for i, w := range itemsOf(render.Field(doc, "webhooks")) {
		at := fmt.Sprintf("webhooks[%d]", i)
		name := render.Scalar(w, "name")
		if names[name] {
			return at + ".name: " + name + " is there twice; write another name"
		}
		names[name] = true
		if effects := render.Scalar(w, "sideEffects"); effects != "None" && effects != "NoneOnDryRun" {
			return at + ".sideEffects has to be None or NoneOnDryRun in v1, and nothing but the webhook's own program knows whether it has some; write which"
		}
		if len(itemsOf(render.Field(w, "admissionReviewVersions"))) == 0 {
			return at + ".admissionReviewVersions is required in v1, and was [v1beta1] where it was not given; write the versions that the webhook's program reads"
		}
		var add []textField
		for _, d := range []textField{newField("failurePolicy", "Ignore"), newField("matchPolicy", "Exact"), newField("timeoutSeconds", "30")} {
			if !isSet(w, d.key) {
				add = append(add, d)
			}
		}
		if len(add) == 0 {
			continue
		}
		why := f.rewrite(w, func(fields []textField) ([]textField, string) {
			for _, d := range add {
				fields = filled(fields, d)
			}
			return fields, ""
		})
		if why != "" {
			return at + ": " + why
		}
	}
	return ""
}

// targetOf is the type of the target that a metric has, or why there is none.
func targetOf(fields []textField, moves []move, source string) (targetType, why string) {
	targets := 0
	for _, m := range moves {
		if field, _ := taken(fields, m.from); field != nil && m.targetType != "" {
			targets++
			targetType = cmp.Or(targetType, m.targetType)
		}
	}
	switch {
	case targets == 0:
		return "", "no target; write one"
	case targets > 1 && source != "object":
		return "", "two targets; take one out"
	}
	return targetType, ""
}

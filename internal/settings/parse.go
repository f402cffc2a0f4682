package settings

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/spelling"
)

// The ConfigMaps and the Secret in the control namespace that are read.
const (
	ConfigName        = "argocd-cm"
	ParametersName    = "argocd-cmd-params-cm"
	RBACName          = "argocd-rbac-cm"
	NotificationsName = "argocd-notifications-cm"
	GPGKeysName       = "argocd-gpg-keys-cm"
	SSHSignersName    = "cyan-ssh-signers-cm"
	SecretName        = "argocd-secret"
)

// ConfigMapNames are the ConfigMaps that [Parse] wants.
var ConfigMapNames = []string{ConfigName, ParametersName, RBACName, NotificationsName, GPGKeysName, SSHSignersName}

// Parse reads ConfigMaps, given by name. What is not honoured of them, unknown or invalid is found; an invalid value
// counts as not written.
func Parse(configMaps map[string]map[string]string) (Settings, []Finding) {
	p := parser{values: values{of: "ConfigMap " + ConfigName, data: configMaps[ConfigName]}, settings: Default()}
	p.tracking()
	p.filters()
	p.customizations()
	p.compareOptions()
	p.reconciliation()
	p.sources()
	p.bounds()
	p.parameters(configMaps[ParametersName])
	p.sshSigners(configMaps[SSHSignersName])
	for _, name := range ConfigMapNames {
		if t, ok := tableOf("ConfigMap " + name); ok {
			p.found = append(p.found, t.keys(configMaps[name])...)
		}
	}
	slices.SortStableFunc(p.found, func(a, b Finding) int { return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(a.Field, b.Field)) })
	return p.settings, p.found
}

func tableOf(of string) (Table, bool) {
	i := slices.IndexFunc(tables, func(t Table) bool { return t.Of == of })
	if i < 0 {
		return Table{}, false
	}
	return tables[i], true
}

// parser goes through the keys of argocd-cm.
type parser struct {
	values
	settings Settings
}

// values are those of an object's keys, and what is found to be wrong with them.
type values struct {
	of    string
	data  map[string]string
	found []Finding
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// value returns what a key has; "" when it is not there.
func (v *values) value(key string) string { return strings.TrimSpace(v.data[key]) }

// invalid notes a value that can't be used. A value that protects is never passed over: its finding is a refusal.
func (v *values) invalid(key, cause, remedy string, verdict Verdict) {
	v.found = append(v.found, Finding{Object: v.of, Field: key, Verdict: verdict, Cause: cause, Remedy: remedy})
}

// yaml reads a value; a field that it does not have, or another shape, is invalid.
func (v *values) yaml(key string, into any, verdict Verdict) bool {
	text := v.value(key)
	if text == "" {
		return false
	}
	if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
		v.invalid(key, "invalid YAML: "+brief(err), "correct it", verdict)
		return false
	}
	return true
}

// brief is an error on one line, without the name of the library that it comes from.
func brief(err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	for _, prefix := range []string{"error converting YAML to JSON: ", "error unmarshaling JSON: ", "while decoding JSON: ", "yaml: ", "json: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	const longest = 200
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return text
}

func (v *values) flag(key string, into *bool, verdict Verdict) {
	text := v.value(key)
	if text == "" {
		return
	}
	set, err := strconv.ParseBool(text)
	if err != nil {
		v.invalid(key, strconv.Quote(text)+" is invalid", "write true or false", verdict)
		return
	}
	*into = set
}

func (p *parser) tracking() {
	const method = "application.resourceTrackingMethod"
	known := []string{string(TrackByAnnotation), string(TrackByLabel), string(TrackByAnnotationAndLabel)}
	switch text := p.value(method); {
	case text == "":
	case slices.Contains(known, text):
		p.settings.Tracking.Method = TrackingMethod(text)
	default:
		remedy := "write one of " + strings.Join(known, ", ")
		if meant := spelling.Closest(text, known); meant != "" {
			remedy = "did you mean " + meant + "?"
		}
		p.invalid(method, strconv.Quote(text)+" is invalid", remedy, Refused)
	}
	p.settings.Tracking.InstanceLabelKey = cmp.Or(p.value("application.instanceLabelKey"), p.settings.Tracking.InstanceLabelKey)
	p.settings.Tracking.InstallationID = p.value("installationID")
}

func (p *parser) filters() {
	for key, into := range map[string]*[]ResourceFilter{"resource.exclusions": &p.settings.Exclusions, "resource.inclusions": &p.settings.Inclusions} {
		var read []ResourceFilter
		if !p.yaml(key, &read, Refused) {
			continue
		}
		*into = read
		for _, f := range read {
			p.checkGlobs(key, f.APIGroups, f.Kinds, f.Clusters)
		}
	}
}

func (v *values) checkGlobs(key string, lists ...[]string) {
	for _, pattern := range slices.Concat(lists...) {
		if err := checkGlob(pattern); err != nil {
			v.invalid(key, strconv.Quote(pattern)+" is not a pattern: "+brief(err), "correct it", Refused)
		}
	}
}

func (p *parser) compareOptions() {
	const key = "resource.compareoptions"
	read := struct {
		IgnoreAggregatedRoles bool  `json:"ignoreAggregatedRoles"`
		IgnoreStatus          any   `json:"ignoreResourceStatusField"`
		OnUpdates             *bool `json:"ignoreDifferencesOnResourceUpdates"`
	}{}
	if !p.yaml(key, &read, Named) {
		return
	}
	p.settings.CompareOptions.IgnoreAggregatedRoles = read.IgnoreAggregatedRoles
	switch read.IgnoreStatus {
	case nil, "", "all":
	case "crd", "none", "off", "false", false:
		p.invalid(key, "ignoreResourceStatusField: the status of objects is never compared", "remove it, or write all", Named)
	default:
		p.invalid(key, "ignoreResourceStatusField is invalid", "write all", Named)
	}
}

func (p *parser) reconciliation() {
	r := &p.settings.Reconciliation
	p.duration("timeout.reconciliation", &r.Every)
	p.duration("timeout.reconciliation.jitter", &r.Jitter)
	text := p.value("timeout.reconciliation")
	r.Disabled = text != "" && r.Every == 0 && strings.Trim(text, "0hms") == ""
}

// longestWait bounds the times that are written in settings.
const longestWait = 30 * 24 * time.Hour

// duration reads a time such as 180s; a number alone is in seconds.
func (v *values) duration(key string, into *time.Duration) {
	text := v.value(key)
	if text == "" {
		return
	}
	d, err := time.ParseDuration(text)
	if seconds, atoi := strconv.ParseInt(text, 10, 32); atoi == nil {
		d, err = time.Duration(seconds)*time.Second, nil
	}
	if err != nil || d < 0 || d > longestWait {
		v.invalid(key, strconv.Quote(text)+" is invalid", "write a time such as 180s", Named)
		return
	}
	*into = d
}

func (p *parser) sources() {
	k := &p.settings.Kustomize
	p.buildOptions(k)
	for _, key := range sorted(p.data) {
		if version, ok := strings.CutPrefix(key, "kustomize.buildOptions."); ok && version != "" {
			if k.VersionedOptions == nil {
				k.VersionedOptions = map[string]string{}
			}
			k.VersionedOptions[version] = p.value(key)
		}
		for _, prefix := range []string{"kustomize.version.", "kustomize.path."} {
			if version, ok := strings.CutPrefix(key, prefix); ok && version != "" {
				k.Versions = append(k.Versions, version)
			}
		}
	}
	enabled := true
	p.flag("kustomize.enable", &enabled, Named)
	k.Disabled = !enabled
}

// The options of kustomize build that are known.
const (
	buildOptionsKey  = "kustomize.buildOptions"
	loadRestrictor   = "load-restrictor"
	noRestrictions   = "LoadRestrictionsNone"
	rootRestrictions = "LoadRestrictionsRootOnly"
)

// buildOptions reads the options of all builds, and names those that have no effect.
func (p *parser) buildOptions(k *Kustomize) {
	words := strings.Fields(p.value(buildOptionsKey))
	for i := 0; i < len(words); i++ {
		name, value, given := strings.Cut(strings.TrimLeft(words[i], "-"), "=")
		name = strings.ReplaceAll(name, "_", "-")
		if !given && i+1 < len(words) && !strings.HasPrefix(words[i+1], "-") {
			i++
			value = words[i]
		}
		switch {
		case name == loadRestrictor && value == noRestrictions:
			k.AnyFile = true
		case name == loadRestrictor && value == rootRestrictions:
		default:
			p.invalid(buildOptionsKey, strings.TrimSpace("--"+name+" "+value)+" has no effect: neither charts nor plugins are run", "remove it, and see with cyan render whether the kustomizations build", Named)
		}
	}
}

func (p *parser) bounds() {
	var global []GlobalProject
	if p.yaml("globalProjects", &global, Refused) {
		p.settings.GlobalProjects = global
		p.checkGlobalProjects()
	}
	p.settings.MaskedAnnotations = list(p.value("resource.sensitive.mask.annotations"))
	p.flag("application.sync.impersonation.enabled", &p.settings.Impersonation.Enabled, Refused)
	p.flag("application.sync.impersonation.enforced", &p.settings.Impersonation.Enforced, Refused)
	inCluster := true
	p.flag("cluster.inClusterEnabled", &inCluster, Refused)
	p.settings.InClusterDisabled = !inCluster
}

func (p *parser) checkGlobalProjects() {
	for _, g := range p.settings.GlobalProjects {
		if _, err := metav1.LabelSelectorAsSelector(&g.LabelSelector); err != nil {
			p.invalid("globalProjects", "labelSelector of "+g.ProjectName+" is invalid: "+brief(err), "correct it", Refused)
		}
	}
}

// GlobalProjectsOf returns the names of the projects that bound a project besides itself, by its labels.
func (s Settings) GlobalProjectsOf(name string, projectLabels map[string]string) []string {
	var all []string
	for _, g := range s.GlobalProjects {
		selector, err := metav1.LabelSelectorAsSelector(&g.LabelSelector)
		if err == nil && g.ProjectName != name && selector.Matches(labels.Set(projectLabels)) {
			all = append(all, g.ProjectName)
		}
	}
	return all
}

// parameters reads argocd-cmd-params-cm.
func (p *parser) parameters(data map[string]string) {
	p.settings.ApplicationNamespaces = list(data["application.namespaces"])
}

// list splits a value at its commas.
func list(text string) []string {
	var all []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

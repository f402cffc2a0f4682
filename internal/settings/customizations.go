package settings

import (
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/glob"
	"github.com/cyan-cd/cyan/internal/script"
)

func checkGlob(pattern string) error {
	_, err := glob.Compile(pattern, "")
	return err
}

// customizationsKey is the key with the customizations of all kinds, and the beginning of the keys with one each.
const customizationsKey = "resource.customizations"

// allKinds is how a key names all kinds.
const allKinds = "all"

// written is one entry of the key with all kinds.
type written struct {
	HealthLua         string           `json:"health.lua,omitempty"`
	UseOpenLibs       bool             `json:"health.lua.useOpenLibs,omitempty"`
	Actions           string           `json:"actions,omitempty"`
	IgnoreDifferences string           `json:"ignoreDifferences,omitempty"`
	IgnoreUpdates     string           `json:"ignoreResourceUpdates,omitempty"`
	KnownTypeFields   []KnownTypeField `json:"knownTypeFields,omitempty"`
}

// customizations reads the key with all kinds, and then the keys with one kind each, which count more.
func (p *parser) customizations() {
	byKind := map[string]*Customization{}
	p.customizationsOfAll(byKind)
	for _, key := range sorted(p.data) {
		rest, ok := strings.CutPrefix(key, customizationsKey+".")
		if !ok || p.value(key) == "" {
			continue
		}
		what, kind, ok := strings.Cut(rest, ".")
		if !ok {
			continue
		}
		group, name, valid := splitKey(kind)
		if !valid {
			p.invalid(key, strconv.Quote(kind)+" names no kind", "write GROUP_KIND, KIND or all", Named)
			continue
		}
		p.customize(key, what, entry(byKind, group, name))
	}
	for _, kind := range sorted(byKind) {
		p.settings.Customizations = append(p.settings.Customizations, *byKind[kind])
	}
}

// entry returns the customization of a kind, made when it is not there.
func entry(byKind map[string]*Customization, group, kind string) *Customization {
	name := group + "/" + kind
	if byKind[name] == nil {
		byKind[name] = &Customization{Group: group, Kind: kind}
	}
	return byKind[name]
}

// splitKey takes the name of a kind in a key apart: GROUP_KIND, or KIND for the group without a name.
func splitKey(name string) (group, kind string, ok bool) {
	if name == allKinds {
		return "*", "*", true
	}
	group, kind, divided := strings.Cut(name, "_")
	if !divided {
		group, kind = "", name
	}
	return group, kind, kind != "" && !strings.Contains(kind, "_")
}

func (p *parser) customizationsOfAll(byKind map[string]*Customization) {
	all := map[string]written{}
	if !p.yaml(customizationsKey, &all, Named) {
		return
	}
	for _, name := range sorted(all) {
		w := all[name]
		group, kind, divided := strings.Cut(name, "/")
		if !divided {
			group, kind = "", name
		}
		p.checkGlobs(customizationsKey, []string{group, kind})
		c := entry(byKind, group, kind)
		p.lua(customizationsKey+": "+name+".health.lua", w.HealthLua)
		c.HealthLua, c.UseOpenLibs, c.Actions, c.KnownTypeFields = w.HealthLua, w.UseOpenLibs, w.Actions, w.KnownTypeFields
		p.fields(customizationsKey+": "+name+".ignoreDifferences", w.IgnoreDifferences, &c.IgnoreDifferences)
		p.fields(customizationsKey+": "+name+".ignoreResourceUpdates", w.IgnoreUpdates, &c.IgnoreUpdates)
		p.actions(customizationsKey+": "+name+".actions", w.Actions)
	}
}

func mustTable(of string) Table {
	t, ok := tableOf(of)
	if !ok {
		panic("no table of " + of)
	}
	return t
}

// customize puts a key with one kind into its customization. An unknown thing to customize is found by the table.
func (p *parser) customize(key, what string, c *Customization) {
	text := p.value(key)
	switch what {
	case "health":
		c.HealthLua = text
		p.lua(key, text)
	case "useOpenLibs":
		p.flag(key, &c.UseOpenLibs, Named)
	case "actions":
		c.Actions = text
		p.actions(key, text)
	case "ignoreDifferences":
		p.fields(key, text, &c.IgnoreDifferences)
	case "ignoreResourceUpdates":
		p.fields(key, text, &c.IgnoreUpdates)
	case "knownTypeFields":
		p.yaml(key, &c.KnownTypeFields, Named)
	}
}

// fields reads the names of fields.
func (v *values) fields(key, text string, into *IgnoredFields) {
	var read IgnoredFields
	if err := yaml.UnmarshalStrict([]byte(text), &read); err != nil {
		v.invalid(key, "invalid YAML: "+brief(err), "correct it", Named)
		return
	}
	*into = read
}

// lua notes a script that can't be run.
func (v *values) lua(key, text string) {
	if text == "" {
		return
	}
	if _, err := script.Compile(text); err != nil {
		v.invalid(key, err.Error(), "correct it; until then the health of these objects is Unknown", Named)
	}
}

// actions checks the scripts of actions.
func (v *values) actions(key, text string) {
	if text == "" {
		return
	}
	if _, err := script.CompileActions(text); err != nil {
		v.invalid(key, err.Error(), "correct it; until then these actions are not offered", Named)
	}
}

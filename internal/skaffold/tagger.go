package skaffold

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"

	"github.com/cyan-cd/cyan/internal/spelling"
)

// Facts are what tags are made of.
type Facts struct {
	// Image is the artifact's name.
	Image string
	// Tags is what git describe --tags --always prints; the others are of the commit, and of the tree of the artifact's
	// context.
	Tags, Commit, AbbrevCommit, Tree, AbbrevTree string
	// Dirty is set when files of the context are not committed.
	Dirty bool
	// Digest is a hash of the paths and contents that are built.
	Digest string
	Now    time.Time
	// Zone is what a name of a time zone stands for; nil is UTC.
	Zone func(name string) (*time.Location, error)
	Env  map[string]string
}

// variants are those of GitCommit.
var variants = []string{"Tags", "CommitSha", "AbbrevCommitSha", "TreeSha", "AbbrevTreeSha"}

// IsTag reports whether a registry takes a tag: at most 128 letters, digits, _, . and -, of which . and - do not begin
// it.
func IsTag(text string) bool {
	_, err := reference.Parse("image:" + text)
	return err == nil && !strings.ContainsAny(text, "@/")
}

// Tag returns the tag of an image. It is an error when a fact or a variable is missing that the tag is made of.
func (t Tagger) Tag(f Facts) (string, error) {
	switch t.Policy {
	case SHA256:
		return "latest", nil
	case InputDigest:
		return known("inputDigest", f.Digest)
	case DateTime:
		return t.date(f)
	case EnvTemplate:
		variables := maps.Clone(f.Env)
		if variables == nil {
			variables = map[string]string{}
		}
		variables["IMAGE_NAME"] = f.Image
		return expand(t.Template, variables)
	case CustomTemplate:
		variables := map[string]string{}
		for _, name := range slices.Sorted(maps.Keys(t.Components)) {
			tag, err := t.Components[name].Tag(f)
			if err != nil {
				return "", fmt.Errorf("component %s: %w", name, err)
			}
			variables[name] = tag
		}
		return expand(t.Template, variables)
	}
	return t.git(f)
}

func known(policy, fact string) (string, error) {
	if fact == "" {
		return "", fmt.Errorf("%s: not known of this folder", policy)
	}
	return fact, nil
}

func (t Tagger) date(f Facts) (string, error) {
	now := f.Now.UTC()
	if f.Zone != nil && t.Timezone != "" {
		zone, err := f.Zone(t.Timezone)
		if err != nil {
			return "", fmt.Errorf("timezone %s: %w", t.Timezone, err)
		}
		now = now.In(zone)
	}
	return now.Format(t.Format), nil
}

// git is the tag of a commit. A tag has no /, which tags of git may have.
func (t Tagger) git(f Facts) (string, error) {
	fact, err := known("gitCommit", map[string]string{"Tags": f.Tags, "CommitSha": f.Commit, "AbbrevCommitSha": f.AbbrevCommit, "TreeSha": f.Tree, "AbbrevTreeSha": f.AbbrevTree}[t.Variant])
	if err != nil {
		return "", err
	}
	tag := strings.NewReplacer("/", "_", "+", "_").Replace(t.Prefix + fact)
	if f.Dirty && !t.IgnoreChanges {
		tag += "-dirty"
	}
	return tag, nil
}

// taggerOf returns what a tagPolicy asks for; nested is set within a custom template.
func taggerOf(policy *node, path string, nested bool, r *report) Tagger {
	if policy == nil || policy.shape != mapping {
		return Tagger{Policy: GitCommit, Variant: "Tags"}
	}
	for _, f := range policy.fields {
		t := Tagger{Policy: Policy(f.name), Position: f.at}
		switch t.Policy {
		case GitCommit:
			return gitTagger(t, f.value, join(path, f.name), r)
		case SHA256, InputDigest:
			return t
		case EnvTemplate:
			t.Template = templateOf(f, path, r)
			return t
		case DateTime:
			t.Format, t.Timezone = orElse(f.value.str("format"), "2006-01-02_15-04-05.999_MST"), orElse(f.value.str("timezone"), "Local")
			return t
		case CustomTemplate:
			if nested {
				r.add(f.at, Error, "tagger", join(path, f.name), "given within another customTemplate", "write its components where it is")
				return t
			}
			return customTagger(t, f, path, r)
		}
	}
	return Tagger{Policy: GitCommit, Variant: "Tags"}
}

func gitTagger(t Tagger, n *node, path string, r *report) Tagger {
	t.Variant, t.Prefix, t.IgnoreChanges = orElse(n.str("variant"), "Tags"), n.str("prefix"), n.flag("ignoreChanges")
	if !slices.Contains(variants, t.Variant) {
		remedy := "choose one of " + strings.Join(variants, ", ")
		if meant := spelling.Closest(t.Variant, variants); meant != "" {
			remedy = fmt.Sprintf("did you mean %s?", meant)
		}
		r.add(n.get("variant").at, Error, "tagger", join(path, "variant"), fmt.Sprintf("%q unknown", t.Variant), remedy)
	}
	return t
}

func customTagger(t Tagger, f field, path string, r *report) Tagger {
	t.Template, t.Components = templateOf(f, path, r), map[string]Tagger{}
	for i, c := range f.value.list("components") {
		at := fmt.Sprintf("%s.components[%d]", join(path, f.name), i)
		name := c.str("name")
		if _, twice := t.Components[name]; name == "" || twice {
			r.add(c.at, Error, "tagger", at+".name", fmt.Sprintf("%q missing, or given twice", name), "give each component a name, which the template uses")
		}
		t.Components[name] = taggerOf(c, at, true, r)
	}
	return t
}

// templateOf returns a template that can be carried out.
func templateOf(f field, path string, r *report) string {
	at, text := join(path, f.name)+".template", f.value.str("template")
	if text == "" {
		r.add(f.at, Error, "required", at, "missing", "give the template of the tag, such as \"{{.RELEASE}}\"")
		return ""
	}
	if _, err := parseTemplate(text, map[string]string{}); err != nil || len(text) > maxTemplate {
		r.add(f.value.get("template").at, Error, "template", at, fmt.Sprintf("%q: %s", listed([]string{text}), orElse(fmt.Sprint(err), "too long")), "write variables as {{.NAME}}, in quotes")
	}
	return text
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

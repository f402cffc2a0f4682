package image

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/cyan-cd/cyan/internal/problem"
)

// Entry is an entry of images in a kustomization. A field that is empty is not there.
type Entry struct{ Name, NewName, NewTag, Digest string }

// kept stands for a field of an entry that stays as it is.
const kept = "*"

// tagged is a name with a tag, and not one with a port.
var tagged = regexp.MustCompile(`^(.*):([a-zA-Z0-9._-]+|\*)$`)

// ParseEntry reads what `kustomize edit set image` takes: [name=]newName[:tag][@digest].
func ParseEntry(text string) (Entry, error) {
	name, value, renamed := strings.Cut(text, "=")
	if !renamed {
		value = text
	}
	image, digest, _ := strings.Cut(value, "@")
	tag := ""
	if m := tagged.FindStringSubmatch(image); m != nil {
		image, tag = m[1], m[2]
	}
	e := Entry{Name: image, NewTag: tag, Digest: digest}
	if renamed {
		e.Name, e.NewName = name, image
	}
	if e.Name == "" || image == "" || !renamed && tag == "" && digest == "" || strings.ContainsAny(image+tag+digest, " \t\r\n=@") {
		return Entry{}, &problem.Error{Kind: problem.Usage, Object: "image " + text, Cause: "invalid", Remedy: "write [name=]newName[:tag][@digest], such as app=registry.example.com/app:v2"}
	}
	return e, nil
}

// SetEntry returns the kustomization with the entry of a name as it is given, by an edit of the text that leaves the
// rest of it alone. A field that is * stays as the entry has it.
func SetEntry(data []byte, e Entry) ([]byte, error) {
	doc, err := parseKustomization(data)
	if err != nil {
		return nil, err
	}
	node, err := doc.entry(e.Name)
	if err != nil {
		return nil, err
	}
	for field, value := range map[string]*string{"newName": &e.NewName, "newTag": &e.NewTag, "digest": &e.Digest} {
		if *value != kept {
			continue
		}
		if *value = ""; node != nil {
			*value = text(node, field)
		}
	}
	return doc.with(data, node, e)
}

// with is the text with an entry, whose node is nil where there is none. The edit is made on text, so it is read again:
// what it means must be what was wanted, and nothing else.
func (k *kustomization) with(data []byte, node *yaml.Node, e Entry) ([]byte, error) {
	want, err := k.wanted(e)
	if err != nil {
		return nil, err
	}
	t := newText(data)
	if node == nil {
		err = k.add(t, e)
	} else {
		err = editEntry(t, node, e, node.Style&yaml.FlowStyle != 0 || k.images.Style&yaml.FlowStyle != 0)
	}
	if err != nil {
		return nil, err
	}
	edited := t.bytes()
	var got any
	if err := yaml.Unmarshal(edited, &got); err != nil || !reflect.DeepEqual(got, want) {
		return nil, errUneditable
	}
	return edited, nil
}

// wanted is what the kustomization is to mean after the edit.
func (k *kustomization) wanted(e Entry) (map[string]any, error) {
	images, ok := k.value["images"].([]any)
	if !ok && k.value["images"] != nil {
		return nil, errors.New("images: not a list; write it as a list of entries with name and digest")
	}
	want := maps.Clone(k.value)
	list := slices.Clone(images)
	i := slices.IndexFunc(list, func(v any) bool {
		entry, ok := v.(map[string]any)
		return ok && entry["name"] == e.Name
	})
	entry := map[string]any{"name": e.Name}
	if i >= 0 {
		entry = maps.Clone(list[i].(map[string]any))
	}
	for _, f := range e.fields() {
		if delete(entry, f.name); f.value != "" {
			entry[f.name] = f.value
		}
	}
	if i >= 0 {
		list[i] = entry
	} else {
		list = append(list, entry)
	}
	want["images"] = list
	return want, nil
}

type entryField struct{ name, value string }

// line writes a field. In braces all but a digest is in quotes.
func (f entryField) line(inBraces bool) string {
	if inBraces && f.name != "digest" {
		return fmt.Sprintf("%s: %q", f.name, f.value)
	}
	return f.name + ": " + scalar(f.value)
}

// fields are those besides the name, in the order in which new ones are written behind it, from the last to the first.
func (e Entry) fields() []entryField {
	return []entryField{{"digest", e.Digest}, {"newTag", e.NewTag}, {"newName", e.NewName}}
}

// slot is a field of an entry as it is written, whose nodes are nil where it is not, and what is to stand there.
type slot struct {
	key, value *yaml.Node
	want       entryField
}

// slotsOf are the fields of an entry. A tag that a digest takes the place of, and the other way round, is one slot.
func slotsOf(node *yaml.Node, e Entry) []slot {
	var all []slot
	for _, f := range e.fields() {
		key, value := field(node, f.name)
		all = append(all, slot{key, value, f})
	}
	comes := func(s slot) bool { return s.value == nil && s.want.value != "" }
	goes := func(s slot) bool { return s.value != nil && s.want.value == "" }
	switch digest, tag := all[0], all[1]; {
	case comes(digest) && goes(tag):
		return []slot{{tag.key, tag.value, digest.want}, all[2]}
	case comes(tag) && goes(digest):
		return []slot{{digest.key, digest.value, tag.want}, all[2]}
	}
	return all
}

// lineEdit is an edit of the text at a place.
type lineEdit struct {
	at *yaml.Node
	do func() error
}

// editEntry has an entry give what is wanted, each field where it has it.
func editEntry(t *lines, node *yaml.Node, e Entry, inBraces bool) error {
	var edits []lineEdit
	for _, s := range slotsOf(node, e) {
		switch {
		case s.value == nil && s.want.value == "":
		case s.value == nil:
			edits = append(edits, insertion(t, node, e, s.want, inBraces))
		case s.want.value != "" && (s.value.Value != s.want.value || s.key.Value != s.want.name):
			edits = append(edits, lineEdit{s.key, func() error { return t.replace(s.key, s.value, s.want.line(inBraces)) }})
		case s.want.value == "" && inBraces && s.want.name != "newName":
			return errors.New("images: an entry in braces has both newTag and digest; remove the " + s.want.name)
		case s.want.value == "":
			edits = append(edits, lineEdit{s.key, func() error { return t.drop(s.key, s.value) }})
		}
	}
	// What is further behind is edited first, so that the rest stays where it was read.
	slices.SortStableFunc(edits, func(a, b lineEdit) int {
		return cmp.Or(cmp.Compare(b.at.Line, a.at.Line), cmp.Compare(b.at.Column, a.at.Column))
	})
	for _, edit := range edits {
		if err := edit.do(); err != nil {
			return err
		}
	}
	return nil
}

// insertion writes a field behind the name, or behind the newName that stays.
func insertion(t *lines, node *yaml.Node, e Entry, f entryField, inBraces bool) lineEdit {
	_, after := field(node, "newName")
	if after == nil || e.NewName == "" || inBraces {
		_, after = field(node, "name")
	}
	if inBraces {
		return lineEdit{after, func() error { return t.append(after, ", "+f.line(true)) }}
	}
	return lineEdit{after, func() error { return t.insertAfter(after, node.Content[0], f.line(false)) }}
}

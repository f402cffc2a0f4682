package validate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/spelling"
)

// imageEntries finds entries of images that no image matches, and images that no entry does.
func imageEntries(result *render.Result) []Finding {
	if at := result.ImagesUnread; at != nil {
		return []Finding{{&problem.Error{
			Kind: problem.Usage, Rule: RuleNotLookedAt, File: at.File, Line: at.Line, Column: at.Column, Field: "images",
			Cause: "not compared with the images of the objects, because rendering them costs much already", Remedy: "validate a part of the kustomization",
		}, SeverityWarning}}
	}
	if len(result.Images) == 0 {
		return nil
	}
	var found []Finding
	var unused []string
	for _, e := range result.Images {
		if e.Matched {
			continue
		}
		unused = append(unused, e.Name)
		severity, remedy := SeverityWarning, "remove it, or correct the name; there are: "+strings.Join(bounded(e.Images), ", ")
		switch meant := spelling.Closest(e.Name, e.Images); {
		case meant != "":
			remedy = "did you mean " + meant + "?"
			if spelling.IsSlip(e.Name, meant) {
				severity = SeverityError
			}
		case len(e.Images) == 0:
			remedy = "remove it: nothing that the kustomization builds on has an image"
		}
		found = append(found, Finding{&problem.Error{
			Kind: problem.Usage, Rule: RuleImageEntry, File: e.Place.File, Line: e.Place.Line, Column: e.Place.Column, Field: "images", Cause: fmt.Sprintf("no image has the name %q", e.Name), Remedy: remedy,
		}, severity})
	}
	set := setters(result.Images)
	for _, o := range result.Objects {
		p, ok := podTemplateOf(o)
		if !ok {
			continue
		}
		for _, c := range p.containers() {
			if f, ok := imageNotSet(o, c, set, unused); ok {
				found = append(found, f)
			}
		}
	}
	return found
}

// imageNotSet is about an image that no entry matches; it weighs more where an entry that matches nothing nearly does.
func imageNotSet(o render.Rendered, c podContainer, set []func(image string) bool, unused []string) (Finding, bool) {
	image := textAt(c.content, "image")
	name := render.ImageName(image)
	if name == "" || slices.ContainsFunc(set, func(may func(string) bool) bool { return may(image) }) {
		return Finding{}, false
	}
	severity, remedy := SeverityNote, "add an entry to images, if the kustomization is to set it"
	if meant := spelling.Closest(name, unused); meant != "" {
		severity, remedy = SeverityWarning, "an entry of images is for "+meant+": write the same name in both"
		if spelling.IsSlip(name, meant) {
			severity = SeverityError
		}
	}
	return Finding{findingOf(o, RuleImageNotSet, c.path+".image", fmt.Sprintf("no entry of images in the kustomization is for %q", name), remedy), severity}, true
}

// setters are what report, for each entry that matches an image, whether it may have made an image what it is.
func setters(entries []render.ImageEntry) []func(image string) bool {
	var all []func(image string) bool
	for _, e := range entries {
		if !e.Matched {
			continue
		}
		name, isFor := render.ImageName(cmp.Or(e.NewName, e.Name)), e.Matcher()
		all = append(all, func(image string) bool { return render.ImageName(image) == name || e.NewName == "" && isFor(image) })
	}
	return all
}

// bounded are the first of many names.
func bounded(names []string) []string {
	const most = 8
	if len(names) > most {
		return append(slices.Clone(names[:most]), fmt.Sprintf("and %d more", len(names)-most))
	}
	return names
}

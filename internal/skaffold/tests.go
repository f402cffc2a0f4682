package skaffold

import (
	"fmt"
	"slices"

	"github.com/cyan-cd/cyan/internal/spelling"
)

// Test is a command of the file that judges an image on this machine, once it is built.
type Test struct {
	// Command is for a shell, in the folder Dir.
	Command, Dir string
	// Seconds is how long it may take; 0 is as long as it takes.
	Seconds  int
	Position Position
}

// Env are the variables that the command gets for an image by its whole reference.
func (t Test) Env(ref, folder string) map[string]string {
	return map[string]string{"IMAGE": ref, "TEST_CONTEXT": folder}
}

// tests adds to the images those commands of a module that judge them.
func (s scene) tests(doc *node, all []Artifact) []Artifact {
	for i, n := range doc.list("test") {
		at := fmt.Sprintf("test[%d]", i)
		image := s.required(n, at, "image")
		dir := s.folder(orNode(n.get("context"), n), at+".context", s.base, orElse(n.str("context"), "."))
		var found []Test
		for j, c := range n.list("custom") {
			t := Test{Command: s.required(c, fmt.Sprintf("%s.custom[%d]", at, j), "command"), Dir: dir, Seconds: c.number("timeoutSeconds"), Position: c.at}
			if t.Command != "" {
				found = append(found, t)
			}
		}
		k := slices.IndexFunc(all, func(a Artifact) bool { return bareName(a.Image) == bareName(image) })
		switch {
		case k >= 0:
			all[k].Tests = append(all[k].Tests, found...)
		case image != "" && len(found) > 0:
			s.report.add(orNode(n.get("image"), n).at, Warning, "test", at, "image "+image+" is not built here, so that nothing tests it", remedyFor(image, all))
		}
	}
	return all
}

func remedyFor(image string, all []Artifact) string {
	var names []string
	for _, a := range all {
		names = append(names, a.Image)
	}
	if meant := spelling.Closest(image, names); meant != "" {
		return fmt.Sprintf("did you mean %s?", meant)
	}
	return "correct the name, or remove the test"
}

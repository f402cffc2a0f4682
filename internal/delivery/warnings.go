package delivery

import (
	"fmt"
	"strings"
)

// Checkout is how a working copy that a delivery builds from stands to what others see of it.
type Checkout struct {
	// Uncommitted are files that are not, or not as they are, in the commit.
	Uncommitted []string
	// NotPushed is set when no remote has the commit.
	NotPushed bool
}

// Warnings are what the person who delivers should know: that something else is delivered than lies there, or that
// others can't find the commit.
func Warnings(c Checkout, commit string) []string {
	var all []string
	if len(c.Uncommitted) > 0 {
		all = append(all, fmt.Sprintf("%s not committed, and so not in what is delivered: commit %.12s is", few(c.Uncommitted), commit))
	}
	if c.NotPushed {
		all = append(all, fmt.Sprintf("commit %.12s is in no remote: others can't find what the image was built of; push it", commit))
	}
	return all
}

// few names a few of many files, with their verb.
func few(files []string) string {
	const most = 3
	switch {
	case len(files) == 1:
		return files[0] + " is"
	case len(files) > most:
		return fmt.Sprintf("%s and %d more are", strings.Join(files[:most], ", "), len(files)-most)
	}
	return strings.Join(files, ", ") + " are"
}

package kustomize

import (
	"path"
	"regexp"
	"strings"
)

var (
	schemePrefix = regexp.MustCompile(`(?i)^[a-z][a-z0-9+.-]*://`)
	webPrefix    = regexp.MustCompile(`(?i)^(https?:|github\.com[/:]|gh:|git::)`)
	userPrefix   = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]*@`)
)

// isRemote reports whether kustomize would take an entry for something to fetch, or its author meant that.
func isRemote(entry string) bool {
	entry = strings.TrimSpace(entry)
	return schemePrefix.MatchString(entry) || webPrefix.MatchString(entry) || userPrefix.MatchString(entry)
}

// isRemoteFile is isRemote for entries that are always files, whose names may have an @.
func isRemoteFile(entry string) bool {
	entry = strings.TrimSpace(entry)
	return schemePrefix.MatchString(entry) || webPrefix.MatchString(entry)
}

// isAbsolute reports whether a path is not relative, on any system.
func isAbsolute(entry string) bool {
	return path.IsAbs(entry) || strings.HasPrefix(entry, `\`) || (len(entry) > 2 && entry[1] == ':' && (entry[2] == '\\' || entry[2] == '/'))
}

package state

import "strings"

// ShellWord quotes a path for a command line that is shown to people, where a shell would take it for anything else
// than one word.
func ShellWord(path string) string {
	if path != "" && strings.Trim(path, plain) == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// plain are the characters that mean themselves in every shell.
const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+,:@%="

// Flag is what a command takes in order to mean this cluster; nothing where it does so without.
func (d Dir) Flag() string {
	if usual, err := At(""); err == nil && usual.Path == d.Path {
		return ""
	}
	return " --dir " + ShellWord(d.Path)
}

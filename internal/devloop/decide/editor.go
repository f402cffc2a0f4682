package decide

import (
	"path"
	"strings"
)

// IsScratch reports whether a file is one that editors keep beside the one that is edited, and that nothing is made of.
func IsScratch(file string) bool {
	name := path.Base(file)
	for _, suffix := range []string{"~", ".swp", ".swo", ".swx", ".swpx", "___jb_tmp___", "___jb_old___", ".kate-swp", ".part"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	for _, prefix := range []string{".#", ".goutputstream-", ".sb-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return name == "4913" || name == ".DS_Store" || len(name) > 1 && strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#")
}

// isCompiled reports whether the Go toolchain reads a file of a package's folder for a program. Files that are embedded
// are named one by one.
func isCompiled(file string) bool {
	name := path.Base(file)
	switch path.Ext(name) {
	case ".go":
		return !strings.HasSuffix(name, "_test.go")
	case ".s", ".S", ".c", ".h", ".cc", ".cpp", ".hpp", ".m", ".syso":
		return true
	}
	return false
}

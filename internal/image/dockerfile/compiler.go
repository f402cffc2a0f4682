package dockerfile

import "strings"

// CompilerFlags returns the flags of go build that decide about a program. One that would run another program, or read
// or write files that are named, is an error.
func CompilerFlags(words []string) ([]string, error) {
	var f buildFlags
	for len(words) > 0 {
		rest, err := f.flag(words[0], words[1:])
		if err != nil {
			return nil, err
		}
		words = rest
	}
	if f.output != "" {
		return nil, because("gives go build the flag -o")
	}
	return f.kept, nil
}

// CompilerEnv returns the variables, KEY=value, that the toolchain gets. One that would have it run another program is
// an error.
func CompilerEnv(words []string) ([]string, error) {
	all := map[string]string{}
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		if !ok || key == "" {
			return nil, because("has %q, which is not KEY=VALUE", word)
		}
		all[key] = value
	}
	return toolchain(all)
}

package desired

import "strings"

// longestName is how long a name of a namespace may be.
const longestName = 63

// NamespaceFor returns the name of a developer's own namespace for an app: dev-USER-APP.
func NamespaceFor(user, app string) string {
	name := "dev-" + label(user) + "-" + label(app)
	return strings.Trim(name[:min(len(name), longestName)], "-")
}

// LoopFor returns the name of the loop of an app in a namespace that is not its own: NAMESPACE-APP.
func LoopFor(namespace, app string) string {
	name := label(namespace) + "-" + label(app)
	return strings.Trim(name[:min(len(name), longestName)], "-")
}

// label returns a text as a part of a DNS label.
func label(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
			continue
		}
		if s := b.String(); s != "" && !strings.HasSuffix(s, "-") {
			b.WriteByte('-')
		}
	}
	if name := strings.Trim(b.String(), "-"); name != "" {
		return name
	}
	return "x"
}

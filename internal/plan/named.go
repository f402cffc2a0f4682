package plan

// AreNamed reports whether all elements of a list have names, each its own.
func AreNamed(list []any) bool {
	seen := map[string]bool{}
	for _, element := range list {
		name := NameOf(element)
		if name == "" || seen[name] {
			return false
		}
		seen[name] = true
	}
	return true
}

// NameOf returns the name of an element of a list; "" for none.
func NameOf(element any) string {
	fields, _ := element.(map[string]any)
	name, _ := fields["name"].(string)
	return name
}

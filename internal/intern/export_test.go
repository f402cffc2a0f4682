package intern

// Kept returns how many texts, and maps and lists, are kept for objects to come.
func (v *Values) Kept() (texts, parts int) { return len(v.texts), len(v.parts) }

// Equal and HashOf are what tells values apart.
var Equal, HashOf = equal, hashOf

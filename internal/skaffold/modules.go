package skaffold

// Module is a document of a file, and what may be chosen of it.
type Module struct {
	// Name is metadata.name; it may be empty.
	Name string
	File string
	// Profiles are the names of all its profiles.
	Profiles []string
}

// Versions lists the apiVersions that are read, oldest first.
func Versions() []string {
	all := make([]string, len(versions))
	for i, version := range versions {
		all[i] = prefix + version
	}
	return all
}

// modules lists what was loaded, each module behind those that it requires.
func (l *loader) modules() []Module {
	var all []Module
	for _, m := range l.loaded {
		found := Module{Name: m.name, File: m.file}
		for _, p := range m.doc.list("profiles") {
			if name := p.str("name"); name != "" {
				found.Profiles = append(found.Profiles, name)
			}
		}
		all = append(all, found)
	}
	return all
}

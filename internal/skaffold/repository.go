package skaffold

import "strings"

// maxRepository is the longest name that a registry takes.
const maxRepository = 255

// Repository returns where an image is pushed with a default repository: below it, in one name, or in its own folders
// where the registry has those. An image that is there already stays where it is.
func Repository(defaultRepo, image string) string {
	defaultRepo, image = strings.TrimSuffix(defaultRepo, "/"), pushedName(image)
	if defaultRepo == "" || strings.HasPrefix(image, defaultRepo) {
		return image
	}
	if strings.Contains(defaultRepo, "gcr.io") || strings.Contains(defaultRepo, "-docker.pkg.dev") {
		return limited(defaultRepo + "/" + withoutShared(defaultRepo, image))
	}
	return limited(defaultRepo + "/" + strings.NewReplacer("/", "_", ".", "_", ":", "_", "@", "_").Replace(image))
}

// InRegistry returns where an image is pushed in a registry of nobody's choice, such as that of the local cluster:
// below it, in the folders of its name. An image that is there already stays where it is.
func InRegistry(registry, image string) string {
	image = strings.TrimPrefix(strings.ToLower(pushedName(image)), registry+"/")
	return limited(registry + "/" + strings.NewReplacer(":", "_", "@", "_").Replace(image))
}

// withoutShared takes from an image the folders with which the repository begins too.
func withoutShared(defaultRepo, image string) string {
	repo, parts := strings.Split(defaultRepo, "/"), strings.Split(image, "/")
	i := 0
	for i < len(repo) && i < len(parts)-1 && repo[i] == parts[i] {
		i++
	}
	return strings.Join(parts[i:], "/")
}

func limited(name string) string { return name[:min(len(name), maxRepository)] }

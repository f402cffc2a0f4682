package engines

import "github.com/google/go-containerregistry/pkg/name"

// fullName is how containerd knows an image: with its host and its tag.
func fullName(image string) string {
	ref, err := name.ParseReference(image)
	if err != nil {
		return image
	}
	host := ref.Context().RegistryStr()
	if host == name.DefaultRegistry {
		host = "docker.io"
	}
	separator := ":"
	if _, ok := ref.(name.Digest); ok {
		separator = "@"
	}
	return host + "/" + ref.Context().RepositoryStr() + separator + ref.Identifier()
}

package image

import (
	"context"
	"fmt"
	"reflect"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// HaveSameContent reports whether two images run the same: they have the same files and the same configuration, but
// for labels and dates, such as the commit that an image was built from.
func (r Registries) HaveSameContent(ctx context.Context, a, b string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	first, err := r.contentOf(ctx, a)
	if err != nil {
		return false, err
	}
	second, err := r.contentOf(ctx, b)
	if err != nil {
		return false, err
	}
	return reflect.DeepEqual(first, second), nil
}

// content is what an image runs.
type content struct {
	OS, Architecture string
	Layers           []v1.Hash
	Config           v1.Config
}

func (r Registries) contentOf(ctx context.Context, ref string) (content, error) {
	parsed, err := name.ParseReference(ref, r.nameOptions(ref)...)
	if err != nil {
		return content{}, fmt.Errorf("reading the image %q: %w", ref, err)
	}
	img, err := remote.Image(parsed, r.options(ctx)...)
	if err != nil {
		return content{}, fmt.Errorf("reading the image %s: %w", ref, err)
	}
	file, err := img.ConfigFile()
	if err != nil {
		return content{}, fmt.Errorf("reading the configuration of the image %s: %w", ref, err)
	}
	config := file.Config
	config.Labels = nil
	return content{OS: file.OS, Architecture: file.Architecture, Layers: file.RootFS.DiffIDs, Config: config}, nil
}

package devloop

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// Describe has a request be for an artifact of a project in a folder. bases are the references of the images that it is
// built upon.
func Describe(r *image.Request, root string, a skaffold.Artifact, bases map[string]string) error {
	r.Root, r.Dir = root, filepath.Join(root, filepath.FromSlash(a.Context))
	r.Registries.InsecureHosts = slices.Concat(r.Registries.InsecureHosts, a.InsecureRegistries)
	if r.Platform == "" && len(a.Platforms) > 0 {
		r.Platform = a.Platforms[0]
	}
	switch {
	case a.Go != nil:
		r.Dir, r.Package, r.Labels = filepath.Join(root, filepath.FromSlash(cmp.Or(a.Go.Dir, a.Context))), cmp.Or(a.Go.Main, "."), a.Go.Labels
		r.Go = image.GoOptions{Base: a.Go.From, Flags: a.Go.Flags, LinkerFlags: a.Go.LinkerFlags, Env: a.Go.Env}
		return nil
	case a.Docker == nil:
		return nil
	}
	r.Dockerfile, r.Target, r.Labels, r.BuildArgs = a.DockerfileFromContext(), a.Docker.Target, a.Docker.Labels, a.Docker.Args(r.Repository, r.Tag)
	for _, on := range a.DependsOn {
		r.BuildArgs[on.Alias] = bases[on.Image]
	}
	d := a.Docker
	r.With = image.BuilderOptions{Network: d.Network, Hosts: d.Hosts, SSH: d.SSH, Fresh: d.Fresh, Pull: d.Pull, Flags: d.Flags}
	for _, s := range d.Secrets {
		if s.Src != "" && !filepath.IsAbs(s.Src) && !strings.HasPrefix(s.Src, "~") {
			s.Src = filepath.Join(root, s.Src)
		}
		r.With.Secrets = append(r.With.Secrets, image.BuilderSecret(s))
	}
	return nil
}

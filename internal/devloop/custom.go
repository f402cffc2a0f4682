package devloop

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// BuildCustom has the command of an artifact build and push its image by the name of a request, and returns what is in
// the registry afterwards. What the command prints is passed on by lines.
func BuildCustom(ctx context.Context, r image.Request, root string, a skaffold.Artifact, bases map[string]string, line func(string)) (image.Built, error) {
	if a.Custom.Refused {
		return image.Built{}, &problem.Error{
			Kind: problem.Refused, File: a.Position.File, Line: a.Position.Line, Object: "image " + a.Image, Cause: "not built without consent to its command",
			Remedy: "give --trust-hooks to agree, or build it with docker or ko",
		}
	}
	folder := filepath.Join(root, filepath.FromSlash(a.Context))
	hook := skaffold.Hook{Command: []string{"sh", "-c", a.Custom.Command}, Dir: a.Context, Position: a.Position}
	if err := RunHook(ctx, root, hook, a.Env(r.Repository, r.Tag, cmp.Or(r.Platform, "linux/"+runtime.GOARCH), folder, !r.Keep, bases), line); err != nil {
		if ctx.Err() != nil {
			return image.Built{}, err
		}
		return image.Built{}, &problem.Error{
			Kind: problem.Negative, File: a.Position.File, Line: a.Position.Line, Object: "image " + a.Image, Cause: fmt.Sprintf("its build command failed: %v", cause(err)),
			Remedy: "correct it, or what it builds", Err: err,
		}
	}
	built := image.Built{Repository: r.Repository, Tag: r.Tag}
	if r.Keep {
		return built, nil
	}
	digest, err := r.Registries.Digest(ctx, r.Repository+":"+r.Tag)
	if err != nil {
		return image.Built{}, &problem.Error{
			Kind: problem.Negative, File: a.Position.File, Line: a.Position.Line, Object: "image " + a.Image, Cause: fmt.Sprintf("its build command ended well, and %s:%s is not in the registry: %v", r.Repository, r.Tag, err),
			Remedy: "have it push $IMAGE where $PUSH_IMAGE is true", Err: err,
		}
	}
	built.Digest = digest
	return built, nil
}

// cause is what a command that has failed ended with.
func cause(err error) string {
	if e := problem.Of(err); e != nil {
		return e.Cause
	}
	return err.Error()
}

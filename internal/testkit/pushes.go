package testkit

import (
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// PushWhereAsked pushes an empty image to what $CYAN_TEST_PUSHES names, and ends the program: a test that has a build
// command push an image runs itself as that. Without the variable it does nothing.
func PushWhereAsked() {
	to := os.Getenv("CYAN_TEST_PUSHES")
	if to == "" {
		return
	}
	ref, err := name.ParseReference(to, name.Insecure)
	if err == nil {
		err = remote.Write(ref, empty.Image)
	}
	if err != nil {
		panic(err)
	}
	os.Exit(0)
}

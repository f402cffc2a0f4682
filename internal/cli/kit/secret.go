package kit

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/internal/secret"
)

// Masked returns an object as it may be shown. The values of a Secret are replaced by fingerprints: enough to see that
// one changed; and so are those of these annotations of a Secret.
func Masked(o *unstructured.Unstructured, annotations ...string) *unstructured.Unstructured {
	return secret.Masker{Fingerprint: fingerprint, Annotations: annotations}.Mask(o)
}

// fingerprintKey makes fingerprints worth nothing outside this run of the program.
var fingerprintKey = sync.OnceValue(func() []byte {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key)
	return key
})

// fingerprint distinguishes two values without showing anything of them.
func fingerprint(value []byte) string { return secret.Fingerprints(fingerprintKey())(value) }

// Reveal are the flags by which a person asks for the values of Secrets.
type Reveal struct{ reveal, yes bool }

// Bind adds the flags to a command.
func (r *Reveal) Bind(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&r.reveal, "reveal", false, "print the values of Secrets in clear, after a question")
	cmd.Flags().BoolVarP(&r.yes, "yes", "y", false, "do not ask")
}

// Visible returns objects as they may be printed: Secrets masked, with a note about it, or as they are if the person
// has asked for that. Annotations are those of Secrets whose values are masked as well.
func (r *Reveal) Visible(e *Env, objects []*unstructured.Unstructured, annotations []string) ([]*unstructured.Unstructured, error) {
	shown, secrets, urls := make([]*unstructured.Unstructured, len(objects)), 0, 0
	for i, o := range objects {
		shown[i] = Masked(o, annotations...)
		switch {
		case secret.Is(o):
			secrets++
		case shown[i] != o:
			urls++
		}
	}
	var hidden []string
	if secrets > 0 {
		hidden = append(hidden, "the values of "+count(secrets, "Secret"))
	}
	if urls > 0 {
		hidden = append(hidden, "the credentials in URLs of "+count(urls, "object"))
	}
	what := strings.Join(hidden, " and ")
	if what == "" {
		return objects, nil
	}
	if r.reveal {
		return objects, e.Confirm(fmt.Sprintf("print %s in clear?", what), r.yes)
	}
	e.Note("note: %s are hidden; --reveal prints them", what)
	return shown, nil
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

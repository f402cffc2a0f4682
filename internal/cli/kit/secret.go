package kit

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// IsSecret reports whether an object is a Secret, whose values are not shown.
func IsSecret(o *unstructured.Unstructured) bool {
	return o.GetKind() == "Secret" && o.GroupVersionKind().Group == corev1.GroupName
}

// Masked returns an object as it may be shown. The values of a Secret are replaced by fingerprints: enough to see that
// one changed, and nothing that an API server would take, so that no masked Secret is ever applied.
func Masked(o *unstructured.Unstructured) *unstructured.Unstructured {
	if o == nil || !IsSecret(o) {
		return o
	}
	o = o.DeepCopy()
	masked := map[string]any{}
	for _, field := range []string{"data", "stringData"} {
		switch values := o.Object[field].(type) {
		case nil:
		case map[string]any:
			for key, value := range values {
				masked[key] = "hidden, " + fingerprint(fmt.Sprint(value))
			}
		default:
			// A malformed Secret is shown malformed.
			masked[field] = "hidden, " + fingerprint(fmt.Sprint(values))
		}
		delete(o.Object, field)
	}
	if len(masked) > 0 {
		o.Object["data"] = masked
	}
	unstructured.RemoveNestedField(o.Object, "metadata", "annotations", corev1.LastAppliedConfigAnnotation)
	if len(o.GetAnnotations()) == 0 {
		unstructured.RemoveNestedField(o.Object, "metadata", "annotations")
	}
	return o
}

// fingerprintKey makes fingerprints worth nothing outside this run of the program.
var fingerprintKey = sync.OnceValue(func() []byte {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key)
	return key
})

// fingerprint distinguishes two values without showing anything of them.
func fingerprint(value string) string {
	mac := hmac.New(sha256.New, fingerprintKey())
	mac.Write([]byte(value))
	return "fingerprint " + hex.EncodeToString(mac.Sum(nil))[:8]
}

// Reveal are the flags by which a person asks for the values of Secrets.
type Reveal struct{ reveal, yes bool }

// Bind adds the flags to a command.
func (r *Reveal) Bind(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&r.reveal, "reveal", false, "print the values of Secrets in clear, after a question")
	cmd.Flags().BoolVarP(&r.yes, "yes", "y", false, "do not ask")
}

// Visible returns objects as they may be printed: Secrets masked, with a note about it, or as they are if the person
// has asked for that.
func (r *Reveal) Visible(e *Env, objects []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	shown, secrets := make([]*unstructured.Unstructured, len(objects)), 0
	for i, o := range objects {
		shown[i] = Masked(o)
		if IsSecret(o) {
			secrets++
		}
	}
	if secrets == 0 {
		return objects, nil
	}
	if r.reveal {
		return objects, e.Confirm(fmt.Sprintf("print the values of %s in clear?", count(secrets, "Secret")), r.yes)
	}
	e.Note("note: the values of %s are hidden; --reveal prints them", count(secrets, "Secret"))
	return shown, nil
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

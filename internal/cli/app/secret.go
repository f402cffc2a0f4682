package app

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// hideSecret replaces a Secret's values by a fingerprint that is not reversible in practice without knowing them:
// enough to see that one changed.
func hideSecret(o *unstructured.Unstructured) {
	if o.GetKind() != "Secret" || o.GroupVersionKind().Group != "" {
		return
	}
	for _, field := range []string{"data", "stringData"} {
		values, found, _ := unstructured.NestedMap(o.Object, field)
		if !found {
			continue
		}
		for key, value := range values {
			values[key] = "hidden, " + fingerprint(fmt.Sprint(value))
		}
		_ = unstructured.SetNestedMap(o.Object, values, field)
	}
	unstructured.RemoveNestedField(o.Object, "metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration")
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

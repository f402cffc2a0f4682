package application

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cyan-cd/cyan/internal/source"
)

// signers are the public keys of those who may sign commits, as ConfigMap argocd-gpg-keys-cm has them.
type signers struct {
	// ids are the names that the keys have there.
	ids  []string
	keys source.SignerKeys
	// digest names the keys.
	digest string
}

func newSigners(data map[string]string) signers {
	s := signers{ids: slices.Sorted(maps.Keys(data))}
	for _, id := range s.ids {
		s.keys.GPG = append(s.keys.GPG, data[id])
	}
	sum := sha256.Sum256([]byte(strings.Join(s.keys.GPG, "\x00")))
	s.digest = hex.EncodeToString(sum[:])
	return s
}

// The times for which a verdict on a signature counts: a key may expire, and a tag be signed anew.
const (
	goodVerdictFor  = 10 * time.Minute
	otherVerdictFor = 30 * time.Second
)

// maxVerdicts bounds the verdicts that are kept.
const maxVerdicts = 4096

// verdictOf is all that a verdict on a signature depends on.
type verdictOf struct{ repository, revision, sha, keys string }

type verdict struct {
	signature source.Signature
	until     time.Time
}

// verdicts are those on signatures that were reached not long ago. The zero value is ready for use.
type verdicts struct {
	mu sync.Mutex
	of map[verdictOf]verdict
}

func (v *verdicts) get(of verdictOf, now time.Time) (source.Signature, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	known, ok := v.of[of]
	return known.signature, ok && now.Before(known.until)
}

func (v *verdicts) put(of verdictOf, signature source.Signature, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.of == nil || len(v.of) >= maxVerdicts {
		v.of = map[verdictOf]verdict{}
	}
	until := now.Add(otherVerdictFor)
	if signature.State == source.SignatureGood {
		until = now.Add(goodVerdictFor)
	}
	v.of[of] = verdict{signature, until}
}

// forget drops a verdict: what can't be checked any more is not believed.
func (v *verdicts) forget(of verdictOf) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.of, of)
}
